package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/corpus"
	"inkwitness/capture"
)

func TestEERKnownValues(t *testing.T) {
	tests := []struct {
		name            string
		same, different []float64
		want            float64
	}{
		{"separated", []float64{3, 4}, []float64{1, 2}, 0},
		{"reversed", []float64{1, 2}, []float64{3, 4}, 1},
		// Thresholds above 1, 2, 3: (FMR, FNMR) = (1/2, 0), (1/2, 1/2): equal at 1/2.
		{"crossed", []float64{2, 4}, []float64{1, 3}, 0.5},
		// From (1/2, 0) just above 1 to (1/2, 1/3) above 2 to (0, 1/3) above 3:
		// on the last step FMR = 1/2 (1-f), FNMR = 1/3, equal at 1/3.
		{"interpolated", []float64{2, 4, 5}, []float64{1, 3}, 1. / 3},
		{"ties", []float64{1, 1}, []float64{1, 1}, 0.5},
	}
	for _, tt := range tests {
		if got := EER(tt.same, tt.different); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if !math.IsNaN(EER(nil, []float64{1})) {
		t.Error("no genuine scores: want NaN")
	}
}

func TestFNMRAt(t *testing.T) {
	var different []float64
	for i := range 100 {
		different = append(different, float64(i))
	}
	// FMR 1 % of 100 lets one forgery in: the threshold lies above 98.
	if got := FNMRAt([]float64{50, 98, 98.5, 200}, different, 0.01); got != 0.5 {
		t.Errorf("%v", got)
	}
	if got := FNMRAt([]float64{50, 99.5}, different, 0.001); got != 0.5 {
		t.Errorf("%v", got)
	}
}

// The walk with weights is EER of the scores repeated as often.
func TestWeightedIsEER(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "users")
		var es []entry
		weights := make([]float64, n)
		var same, different []float64
		for u := range n {
			weights[u] = float64(rapid.IntRange(0, 3).Draw(t, "weight"))
			for range rapid.IntRange(1, 8).Draw(t, "scores") {
				e := entry{float64(rapid.IntRange(0, 12).Draw(t, "score")), int32(u), rapid.Bool().Draw(t, "same")}
				es = append(es, e)
				for range int(weights[u]) {
					if e.same {
						same = append(same, e.score)
					} else {
						different = append(different, e.score)
					}
				}
			}
		}
		slices.SortFunc(es, func(a, b entry) int { return int(a.score - b.score) })
		slices.Sort(same)
		slices.Sort(different)
		want, got := EER(same, different), weighted(es, weights)
		if math.Abs(want-got) > 1e-9 && !(math.IsNaN(want) && math.IsNaN(got)) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// people makes a corpus of made-up writers: a sum of sinusoids each, forgeries
// with another rhythm and noise.
func people(n, genuine, forged int, pressure bool) *corpus.Corpus {
	c := &corpus.Corpus{Name: "made-up"}
	r := rand.New(rand.NewPCG(4, 2))
	for u := range n {
		var f [6]float64
		for i := range f {
			f[i] = 1 + 4*r.Float64()
		}
		sign := func(spread, warp float64) capture.Signature {
			s := capture.Signature{Device: capture.Device{Pointer: capture.Pen, HasPressure: pressure, UnitsPerMM: 100}}
			var e [6]float64
			for i := range e {
				e[i] = 1 + spread*r.NormFloat64()
			}
			m := 120 + int(20*r.NormFloat64()*spread*10)
			for i := range m {
				v := math.Pow(float64(i)/float64(m), warp)
				p := capture.Point{Time: int64(i) * 10_000, Down: true, Start: i == 0}
				p.X = int32(2000*v + 500*e[0]*math.Sin(6*v*f[0]*e[1]) + 300*math.Cos(9*v*f[1]))
				p.Y = int32(600*e[2]*math.Sin(7*v*f[2]*e[3]) + 200*math.Cos(8*v*f[3]))
				if pressure {
					p.Pressure = uint16(30000 + 20000*math.Sin(5*v*f[4]*e[4]))
				}
				s.Points = append(s.Points, p)
			}
			return s
		}
		id := string(rune('A' + u))
		user := corpus.User{ID: id, Number: u}
		for i := range genuine {
			user.Genuine = append(user.Genuine, corpus.Item{User: id, Number: u, Genuine: true, Sample: i + 1, File: id + "g" + string(rune('a'+i)) + ".txt", Signature: sign(0.02, 1)})
		}
		for i := range forged {
			user.Forgeries = append(user.Forgeries, corpus.Item{User: id, Number: u, Sample: i + 1, File: id + "f" + string(rune('a'+i)) + ".txt", Signature: sign(0.06, 1.15)})
		}
		c.Users = append(c.Users, user)
	}
	return c
}

func TestTrials(t *testing.T) {
	c := people(4, 12, 3, true)
	c.Users[2].Genuine = c.Users[2].Genuine[:4] // too few: a random forger only
	f := flatten(c)
	counts := map[Protocol]int{
		First5: 3 * (7 + 3 + 3),     // per user 12-5 genuine, 3 skilled, 3 random
		Sess:   3 * 2 * (6 + 3 + 3), // the second half of 12
		Rand:   3 * 2 * (7 + 3 + 3),
	}
	for p, want := range counts {
		plan, err := Plan{Protocol: p, Draws: 2}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		trials := f.trials(plan)
		if len(trials) != want {
			t.Errorf("%s: %d trials, want %d", p, len(trials), want)
		}
		for _, tr := range trials {
			if slices.Contains(tr.References, tr.Questioned) {
				t.Fatalf("%s: a reference is questioned: %+v", p, tr)
			}
			for _, r := range tr.References {
				if it := f.items[r]; !it.Genuine || it.User != c.Users[tr.User].ID || p == First5 && it.Sample > 5 || p == Sess && it.Sample > 6 {
					t.Fatalf("%s: reference %+v", p, it.File)
				}
			}
		}
	}
	if _, err := (Plan{Protocol: "other"}).withDefaults(); err == nil {
		t.Error("unknown protocol accepted")
	}
}

func TestDrawsDoNotDependOnOthers(t *testing.T) {
	all, some := people(5, 12, 2, true), people(5, 12, 2, true)
	some.Users = some.Users[3:]
	plan := Plan{Protocol: Rand, Draws: 3, References: 5, Seed: 9}
	refs := func(c *corpus.Corpus, user string) []string {
		f := flatten(c)
		var out []string
		for _, tr := range f.trials(plan) {
			if c.Users[tr.User].ID == user {
				for _, r := range tr.References {
					out = append(out, f.items[r].File)
				}
				out = append(out, "|")
			}
		}
		return slices.Compact(out)
	}
	a, b := refs(all, "D"), refs(some, "D")
	if len(b) == 0 || !slices.Equal(a[:len(b)], b) && strings.Join(a[:15], "") != strings.Join(b[:15], "") {
		t.Errorf("%v\n%v", a, b)
	}
}

// From corpus to score file and back, trained and cross-validated on made-up
// people, and the same bytes twice.
func TestTrainAndScore(t *testing.T) {
	recipe := compare.Recipe{Smooth: 1, Spread: 0.5, Single: 0.5, OwnPrior: 0.5, OwnClose: 0.5, Global: 0.1, Floor: 0.3, Prior: 10, Clip: 4,
		Sets: []compare.Set{{Name: "s", Share: 1, Channels: []string{"x", "y", "v", "dp"}, Weights: []float32{1, 1, 1, 1}, Penalty: 1, Band: 0.3, Cap: 1}}}
	m, err := compare.WithRecipe(recipe, biometrics.Version{Name: "test", Made: "2026-01-01"})
	if err != nil {
		t.Fatal(err)
	}
	plans := []Plan{{Protocol: First5, References: 3}, {Protocol: Rand, Draws: 2, References: 3}}
	var files [][]byte
	var cs []*Collection
	for range 2 {
		cs = nil
		for _, pressure := range []bool{true, false} {
			c, err := Collect(context.Background(), m, people(8, 8, 6, pressure), plans, Options{})
			if err != nil {
				t.Fatal(err)
			}
			cs = append(cs, c)
		}
		trained, err := Train(m, cs, -1, 1, 4)
		if err != nil {
			t.Fatal(err)
		}
		data, err := m.WithTrained(trained).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compare.ParseModel(data); err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("training twice gives different files")
	}
	if _, err := compare.ParseModel(bytes.Replace(files[0], []byte(`"people": 8`), []byte(`"people": 9`), 1)); err == nil {
		t.Error("a changed file is accepted")
	}
	rs, err := CrossValidate(m, cs, 4)
	if err != nil || len(rs) != 4 {
		t.Fatalf("%d results, %v", len(rs), err)
	}
	for _, r := range rs {
		if len(r.Rates) != 2 || r.Rates[0].Common.Value > 0.3 || r.Rates[1].Common.Value > 0.15 || r.Rates[0].Common.Low > r.Rates[0].Common.Value {
			t.Errorf("%+v", r)
		}
	}
	var table bytes.Buffer
	if err := PrintTable(&table, rs); err != nil || strings.Count(table.String(), "\n") != 6 {
		t.Errorf("%s %v", table.String(), err)
	}
	roundTrip(t, files[0], cs[0])
}

func roundTrip(t *testing.T, model []byte, c *Collection) {
	m, err := compare.ParseModel(model)
	if err != nil {
		t.Fatal(err)
	}
	run := &c.Runs[1]
	scores := c.Score(run, func(int) *compare.Model { return m })
	var b bytes.Buffer
	if err := WriteScores(&b, c, run, scores); err != nil {
		t.Fatal(err)
	}
	file, err := ReadScores(bytes.NewReader(b.Bytes()))
	if err != nil || len(file.Scores) != len(scores) {
		t.Fatalf("%v", err)
	}
	want, got := Measure(run.Trials, scores, Skilled), Measure(file.Trials, file.Scores, Skilled)
	if math.Abs(want.Common.Value-got.Common.Value) > 1e-9 || math.Abs(want.Cllr.Value-got.Cllr.Value) > 1e-6 {
		t.Errorf("%+v and %+v", want, got)
	}
	diff, err := Paired(file, file)
	if err != nil || len(diff) != 2 || diff[0].Common.Value != 0 || diff[0].Common.High != 0 {
		t.Errorf("%+v, %v", diff, err)
	}
	plots := Plots(run.Trials, scores)
	var page bytes.Buffer
	if err := Report(&page, Summarise(c, run, scores, m.Version), plots); err != nil || strings.Count(page.String(), "<svg") != 3 || strings.Contains(page.String(), "NaN") {
		t.Errorf("report: %v", err)
	}
}

// Forgeries of one user, questioned signatures of another: no user has a rate of
// their own, the pooled one exists, and the result is still JSON.
func TestRatesWithoutUsers(t *testing.T) {
	trials := []Trial{{User: 0, Label: Genuine}, {User: 0, Label: Genuine}, {User: 1, Label: Skilled}}
	r := Measure(trials, []float64{2, 3, 1}, Skilled)
	if r.Common.Value != 0 || !math.IsNaN(r.User.Value) {
		t.Errorf("%+v", r)
	}
	b, err := json.Marshal(r)
	if err != nil || !bytes.Contains(b, []byte(`"eerUser":{"value":null`)) || !bytes.Contains(b, []byte(`"eerCommon":{"value":0,`)) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestReadScoresRefuses(t *testing.T) {
	head := strings.Join(Header, ",") + "\n"
	for name, s := range map[string]string{
		"empty": "", "other columns": "a,b\n1,2\n", "no score": head + "u,1,a,b,genuine,\n",
		"label": head + "u,1,a,b,maybe,1\n", "draw": head + "u,0,a,b,genuine,1\n", "NaN": head + "u,1,a,b,genuine,NaN\n",
	} {
		if _, err := ReadScores(strings.NewReader(s)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCollectIsCancelled(t *testing.T) {
	m, err := compare.Default()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Collect(ctx, m, people(3, 8, 1, true), []Plan{{Protocol: First5}}, Options{}); err == nil {
		t.Error("no error")
	}
}
