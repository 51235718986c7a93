package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkwitness/biometrics"
	"inkwitness/biometrics/evaluate"
	"inkwitness/capture"
	"inkwitness/capture/interchange"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made writes a signature of a made-up person: sinusoids whose amplitudes vary
// from time to time. A forgery varies more and has another rhythm.
func made(user int, r *rand.Rand, genuine bool) capture.Signature {
	u := rand.New(rand.NewPCG(uint64(user), 77))
	var f, a [8]float64
	for i := range f {
		f[i], a[i] = 2+6*u.Float64(), 0.4+u.Float64()
	}
	spread, warp := 0.02, 1.0
	if !genuine {
		spread, warp = 0.07, 1.2
	}
	for i := range a {
		a[i] *= 1 + spread*r.NormFloat64()
	}
	s := capture.Signature{Device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 100, SampleRate: 100, PressureLevels: 1024, HasPressure: true, HasTime: true}}
	n := 130 + user*5 + int(6*r.NormFloat64())
	for i := range n {
		v := math.Pow(float64(i)/float64(n-1), warp)
		s.Points = append(s.Points, capture.Point{
			Time: int64(i) * 10_000, Down: true, Start: i == 0,
			X:        int32(3000 + 2500*v + 500*a[0]*math.Sin(6*v*f[0]) + 300*a[1]*math.Cos(5*v*f[1])),
			Y:        -int32(3000 + 600*a[2]*math.Sin(7*v*f[2]) + 300*a[3]*math.Cos(5*v*f[3])),
			Pressure: uint16(capture.MaxPressure * (0.5 + 0.3*a[4]*math.Sin(4*v*f[4])) / 1.5),
		})
	}
	return s
}

// task2 writes made-up people in the layout of SVC2004 Task 2, as a directory
// and as an archive.
func task2(t *testing.T, users int) (dir, tgz string) {
	t.Helper()
	root := t.TempDir()
	dir, tgz = filepath.Join(root, "tree"), filepath.Join(root, "task2.tgz")
	must(t, os.MkdirAll(filepath.Join(dir, "Task2"), 0o755))
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	r := rand.New(rand.NewPCG(3, 3))
	for u := 1; u <= users; u++ {
		for s := 1; s <= 40; s++ {
			sig := made(u, r, s <= 20)
			if s%20 >= 9 { // ten genuine, eight forgeries are enough
				continue
			}
			var text strings.Builder
			fmt.Fprintf(&text, "%d\r\n", len(sig.Points))
			for i, p := range sig.Points {
				fmt.Fprintf(&text, "%d %d %d %d 1500 600 %d\r\n", p.X, -p.Y, 1000+p.Time/1000, min(i, 1), int(p.Pressure)*1023/capture.MaxPressure)
			}
			name := fmt.Sprintf("Task2/U%dS%d.TXT", u, s)
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o600))
			must(t, tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(text.Len()), Typeflag: tar.TypeReg}))
			_, err := tw.Write([]byte(text.String()))
			must(t, err)
		}
	}
	must(t, tw.Close())
	must(t, gz.Close())
	must(t, os.WriteFile(tgz, b.Bytes(), 0o600))
	return dir, tgz
}

// inkeval runs the command and returns what it prints.
func inkeval(t *testing.T, args ...string) (string, string, error) {
	t.Helper()
	var out, notes bytes.Buffer
	stdout, stderr = &out, &notes
	defer func() { stdout, stderr = os.Stdout, os.Stderr }()
	err := run(context.Background(), args)
	return out.String(), notes.String(), err
}

// The whole way with the interface that is promised: directory and archive give
// the same scores, the rates are those that anybody computes from the score file.
func TestRun(t *testing.T) {
	dir, tgz := task2(t, 4)
	out := t.TempDir()
	var first evaluate.Result
	for i, path := range []string{dir, tgz} {
		scores := filepath.Join(out, fmt.Sprintf("s%d.csv", i))
		text, notes, err := inkeval(t, "run", "--corpus", "svc2004-task2", "--path", path, "--users", "2-4", "--protocol", "rand", "--draws", "2", "--seed", "4", "--refs", "4", "--scores", scores, "--json")
		must(t, err)
		var result evaluate.Result
		must(t, json.Unmarshal([]byte(text), &result))
		if result.Users != 3 || result.Draws != 2 || result.Seed != 4 || result.References != 4 || len(result.Rates) != 2 {
			t.Fatalf("%+v", result)
		}
		if !strings.Contains(notes, ": 3 of 3") {
			t.Errorf("progress %q", notes)
		}
		if first = result; i == 0 {
			for _, name := range []string{"report.html", "det.svg", "tippett.svg", "histogram.svg"} {
				data, err := os.ReadFile(filepath.Join(out, "s0-report", name))
				if err != nil || !bytes.Contains(data, []byte("<svg")) || bytes.Contains(data, []byte("NaN")) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	a, err := os.ReadFile(filepath.Join(out, "s0.csv"))
	must(t, err)
	b, err := os.ReadFile(filepath.Join(out, "s1.csv"))
	must(t, err)
	if !bytes.Equal(a, b) {
		t.Error("directory and archive give different scores")
	}
	recompute(t, a, first)

	text, _, err := inkeval(t, "rates", filepath.Join(out, "s0.csv"))
	want := fmt.Sprintf("EER, common threshold  %6.2f %%", 100*first.Rates[0].Common.Value)
	if err != nil || !strings.Contains(text, want) {
		t.Errorf("rates print %s, want %q, %v", text, want, err)
	}
	if text, _, err = inkeval(t, "compare", filepath.Join(out, "s0.csv"), filepath.Join(out, "s1.csv")); err != nil || !strings.Contains(text, "within the noise") {
		t.Errorf("compare prints %s, %v", text, err)
	}
	if _, _, err := inkeval(t, "run", "--corpus", "svc2004-task2", "--path", dir, "--protocol", "first5", "--refs", "20"); err == nil || !strings.Contains(err.Error(), "enough genuine") {
		t.Errorf("too few signatures: %v", err)
	}
}

// recompute computes the rates of the score file anew, by definition and
// without this project's code for it, and holds the printed ones to them.
func recompute(t *testing.T, file []byte, got evaluate.Result) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	must(t, err)
	if strings.Join(rows[0], ",") != "user,trial,references,questioned,label,score" {
		t.Fatalf("columns %v", rows[0])
	}
	type key struct{ user, draw string }
	for k, against := range []string{"skilled", "random"} {
		same, different := map[key][]float64{}, map[key][]float64{}
		var allSame, allDifferent []float64
		users, draws := map[string]bool{}, map[string]bool{}
		for _, row := range rows[1:] {
			if n := len(strings.Fields(row[2])); n != 4 || strings.Contains(" "+row[2]+" ", " "+row[3]+" ") {
				t.Fatalf("references %q, questioned %q", row[2], row[3])
			}
			v, err := strconv.ParseFloat(row[5], 64)
			must(t, err)
			users[row[0]], draws[row[1]] = true, true
			own, pooled := key{row[0], row[1]}, key{"", row[1]}
			switch row[4] {
			case "genuine":
				same[own], same[pooled], allSame = append(same[own], v), append(same[pooled], v), append(allSame, v)
			case against:
				different[own], different[pooled], allDifferent = append(different[own], v), append(different[pooled], v), append(allDifferent, v)
			}
		}
		var common, user, fnmr1, fnmr01, n float64
		for draw := range draws {
			p := key{"", draw}
			common += slowEER(same[p], different[p]) / float64(len(draws))
			fnmr1 += slowFNMR(same[p], different[p], 0.01) / float64(len(draws))
			fnmr01 += slowFNMR(same[p], different[p], 0.001) / float64(len(draws))
			for u := range users {
				user += slowEER(same[key{u, draw}], different[key{u, draw}])
				n++
			}
		}
		r := got.Rates[k]
		for _, x := range []struct {
			name      string
			got, want float64
		}{
			{"EER common", r.Common.Value, common}, {"EER user", r.User.Value, user / n},
			{"FNMR at 1 %", r.FNMRAt1, fnmr1}, {"FNMR at 0.1 %", r.FNMRAt01, fnmr01},
			{"Cllr", r.Cllr.Value, slowCllr(allSame, allDifferent)}, {"minimum Cllr", r.MinCllr, slowMinCllr(allSame, allDifferent)},
		} {
			if math.Abs(x.got-x.want) > 1e-6 {
				t.Errorf("%s against %s: printed %v, from the score file %v", x.name, against, x.got, x.want)
			}
		}
		if r.Common.Low > r.Common.Value || r.Common.High < r.Common.Value || r.Users != 3 {
			t.Errorf("%s: %+v", against, r)
		}
	}
}

func share(v []float64, f func(float64) bool) float64 {
	n := 0
	for _, x := range v {
		if f(x) {
			n++
		}
	}
	return float64(n) / float64(len(v))
}

// slowEER steps the threshold over all scores; accepted is score >= threshold.
func slowEER(same, different []float64) float64 {
	steps := append(append([]float64{}, same...), different...)
	slices.Sort(steps)
	steps = append(steps, math.Inf(1))
	fmr0, fnmr0 := 1.0, 0.0
	for _, t := range steps {
		fmr := share(different, func(x float64) bool { return x >= t })
		fnmr := share(same, func(x float64) bool { return x < t })
		if fnmr >= fmr {
			if gap := (fmr0 - fnmr0) - (fmr - fnmr); gap > 0 {
				return fmr0 + (fmr0-fnmr0)/gap*(fmr-fmr0)
			}
			return fmr0
		}
		fmr0, fnmr0 = fmr, fnmr
	}
	return fmr0
}

// slowFNMR is the lowest FNMR of any threshold with at most that FMR.
func slowFNMR(same, different []float64, fmr float64) float64 {
	best := 1.0
	for _, t := range append(append([]float64{math.Inf(1)}, same...), different...) {
		if share(different, func(x float64) bool { return x >= t }) <= fmr+1e-9 {
			best = min(best, share(same, func(x float64) bool { return x < t }))
		}
	}
	return best
}

// slowCllr is Brümmer and du Preez (2006), equation 23.
func slowCllr(same, different []float64) float64 {
	a, b := 0.0, 0.0
	for _, x := range same {
		a += math.Log2(1 + math.Exp(-x))
	}
	for _, x := range different {
		b += math.Log2(1 + math.Exp(x))
	}
	return (a/float64(len(same)) + b/float64(len(different))) / 2
}

// slowMinCllr finds the best ratios that never fall with the score, by the
// min-max formula of isotonic regression: the fit at a level is the largest over
// all starts of the smallest over all ends of the mean between them.
func slowMinCllr(same, different []float64) float64 {
	levels := append(append([]float64{}, same...), different...)
	slices.Sort(levels)
	levels = slices.Compact(levels)
	s, n := make([]float64, len(levels)+1), make([]float64, len(levels)+1)
	for i, l := range levels {
		is := func(x float64) bool { return x == l }
		s[i+1] = s[i] + share(same, is)*float64(len(same))
		n[i+1] = n[i] + share(same, is)*float64(len(same)) + share(different, is)*float64(len(different))
	}
	var fitSame, fitDifferent []float64
	prior := math.Log(float64(len(same)) / float64(len(different)))
	for i := range levels {
		p := 0.0
		for from := 0; from <= i; from++ {
			low := 1.0
			for to := i; to < len(levels); to++ {
				low = min(low, (s[to+1]-s[from])/(n[to+1]-n[from]))
			}
			p = max(p, low)
		}
		l := math.Log(p) - math.Log1p(-p) - prior
		for range int(math.Round(s[i+1] - s[i])) {
			fitSame = append(fitSame, l)
		}
		for range int(math.Round(n[i+1] - n[i] - s[i+1] + s[i])) {
			fitDifferent = append(fitDifferent, l)
		}
	}
	return slowCllr(fitSame, fitDifferent)
}

func TestHelpHasExamples(t *testing.T) {
	for _, command := range []string{"run", "score", "seal", "copies", "eval", "train", "compare", "rates"} {
		text, _, err := inkeval(t, command, "--help")
		if err != nil || !strings.Contains(text, "  inkeval "+command+" ") {
			t.Errorf("%s --help: %v\n%s", command, err, text)
		}
	}
	if text, _, err := inkeval(t, "--help"); err != nil || !strings.Contains(text, "score") {
		t.Errorf("--help: %v\n%s", err, text)
	}
	for _, args := range [][]string{{}, {"run"}, {"run", "--corpus", "x", "--path", ".", "--protocol", "other"}, {"judge"}} {
		if _, _, err := inkeval(t, args...); err == nil || !strings.Contains(err.Error(), "--help") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// A questioned signature in one format against references in two others.
func TestScoreReadsEveryFormat(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(8, 8))
	write := func(name string, s capture.Signature) string {
		var b bytes.Buffer
		var err error
		switch filepath.Ext(name) {
		case ".inkml":
			err = interchange.WriteInkML(&b, s)
		case ".csv":
			err = interchange.WriteCSV(&b, s)
		default:
			err = interchange.WriteISO(&b, s)
		}
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600))
		return filepath.Join(dir, name)
	}
	args := []string{"score"}
	for i, ext := range []string{".inkml", ".csv", ".inkml", ".csv", ".isosig"} {
		args = append(args, "--reference", write(fmt.Sprintf("r%d%s", i, ext), made(2, r, true)))
	}
	genuine, other := write("q.isosig", made(2, r, true)), write("other.csv", made(4, r, true))
	logs := map[string]float64{}
	for _, q := range []string{genuine, other} {
		text, _, err := inkeval(t, append(args, "--json", "--explain", q)...)
		must(t, err)
		var c biometrics.Comparison
		must(t, json.Unmarshal([]byte(text), &c))
		if c.Explanation == nil || c.Class.References != 5 || !c.Class.Pressure {
			t.Errorf("%+v", c.Class)
		}
		logs[q] = c.LikelihoodRatio.Log
	}
	if logs[genuine] < logs[other]+2 {
		t.Errorf("ln LR of the writer %v, of another %v", logs[genuine], logs[other])
	}
	text, _, err := inkeval(t, append(args, "--explain", other)...)
	must(t, err)
	for _, want := range []string{"other.csv", "likelihood ratio   1/", "first hypothesis", "threshold", "nearest reference", "feature  ", "stretch  "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	junk := filepath.Join(dir, "junk.csv")
	must(t, os.WriteFile(junk, []byte("not a signature"), 0o600))
	if _, _, err := inkeval(t, append(args, junk)...); err == nil || !strings.Contains(err.Error(), "junk.csv is not InkML") {
		t.Errorf("junk: %v", err)
	}
}

// One signature hidden among others, scaled, moved and slowed: found, and only it.
func TestCopies(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(9, 9))
	var third capture.Signature
	for i := range 12 {
		s := made(1+i, r, true)
		if i == 3 {
			third = s
			third.Points = nil
			for _, p := range s.Points {
				p.X, p.Y, p.Time = 2*p.X+777, 2*p.Y-9, p.Time*11/10
				third.Points = append(third.Points, p)
			}
		}
		var b bytes.Buffer
		must(t, interchange.WriteInkML(&b, s))
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("s%02d.inkml", i)), b.Bytes(), 0o600))
	}
	text, _, err := inkeval(t, "copies", dir)
	if err != nil || text != "12 signatures, 0 copies (distance below 1.0)\n" {
		t.Errorf("without a copy: %q, %v", text, err)
	}
	var b bytes.Buffer
	must(t, interchange.WriteCSV(&b, third))
	must(t, os.WriteFile(filepath.Join(dir, "again.csv"), b.Bytes(), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("none"), 0o600))
	text, notes, err := inkeval(t, "copies", dir)
	if err != nil || !strings.Contains(text, "again.csv  s03.inkml  copy\n13 signatures, 1 copies") || !strings.Contains(notes, "left out: notes.txt") {
		t.Errorf("%q, %q, %v", text, notes, err)
	}
	if text, _, err = inkeval(t, "copies", dir, "--of", filepath.Join(dir, "again.csv"), "--near", "3", "--json"); err != nil {
		t.Fatal(err)
	}
	var found []near
	must(t, json.Unmarshal([]byte(text), &found))
	if len(found) != 3 || !found[0].Copy || !found[1].Copy || found[0].Other+found[1].Other != "again.csvs03.inkml" || found[2].Copy {
		t.Errorf("%+v", found)
	}
}

// References sealed, compared, renewed; wrong keys and tenants open nothing, and
// an older epoch does not come back.
func TestSeal(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 8))
	file := func(name string) string { return filepath.Join(dir, name) }
	var plain []string
	for i := range 6 {
		var b bytes.Buffer
		must(t, interchange.WriteInkML(&b, made(3, r, true)))
		name := file(fmt.Sprintf("s%d.inkml", i))
		must(t, os.WriteFile(name, b.Bytes(), 0o600))
		plain = append(plain, "-r", name)
	}
	questioned := plain[11]
	key := []string{"--key-file", file("k"), "--tenant", "lab"}
	call := func(args ...string) (string, error) {
		text, _, err := inkeval(t, args...)
		return text, err
	}
	text, err := call(append(append([]string{"seal", "--out", file("w")}, key...), plain[:10]...)...)
	if err != nil || !strings.Contains(text, "epoch 1") {
		t.Fatal(text, err)
	}
	sealed, err := os.ReadFile(file("w"))
	must(t, err)
	old := file("old")
	must(t, os.WriteFile(old, sealed, 0o600))
	score := append([]string{"score", "--json", "--sealed", file("w"), questioned}, key...)
	got, err := call(score...)
	must(t, err)
	want, err := call(append([]string{"score", "--json", questioned}, plain[:10]...)...)
	if err != nil || got != want {
		t.Errorf("sealed %s\nplain %s\n%v", got, want, err)
	}
	if text, err = call(append([]string{"seal", "--renew", file("w"), "--out", file("w")}, key...)...); err != nil || !strings.Contains(text, "epoch 2") {
		t.Fatal(text, err)
	}
	if got, err = call(score...); err != nil || got != want {
		t.Errorf("renewed: %v", err)
	}
	must(t, os.WriteFile(file("other"), []byte(strings.Repeat("ab", 32)), 0o600))
	for name, args := range map[string][]string{
		"an older epoch comes back": append([]string{"seal", "--renew", old, "--out", file("w")}, key...),
		"another key":               {"score", "--sealed", file("w"), questioned, "--key-file", file("other"), "--tenant", "lab"},
		"another tenant":            {"score", "--sealed", file("w"), questioned, "--key-file", file("k"), "--tenant", "bar"},
		"no template":               {"score", "--sealed", questioned, questioned, "--key-file", file("k"), "--tenant", "lab"},
		"neither":                   {"score", questioned},
		"both":                      append(append([]string{}, score...), plain[:2]...),
		"a short key":               {"score", "--sealed", file("w"), questioned, "--key-file", questioned, "--tenant", "lab"},
	} {
		if text, err := call(args...); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}
