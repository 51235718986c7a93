package evaluate

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/corpus"
	"inkwitness/capture"
)

// synthetic reads the project's own signatures, testdata/signatures.
func synthetic(t *testing.T) *corpus.Corpus {
	t.Helper()
	c := &corpus.Corpus{Name: "synthetic"}
	for w := 1; w <= 3; w++ {
		u := corpus.User{ID: fmt.Sprintf("w%d", w), Number: w}
		for _, kind := range []string{"genuine", "forgery"} {
			files, err := filepath.Glob(fmt.Sprintf("../../testdata/signatures/w%d-%s-*.csv", w, kind))
			if err != nil || len(files) == 0 {
				t.Fatalf("no %s signatures of writer %d: %v", kind, w, err)
			}
			for i, file := range files {
				it := corpus.Item{User: u.ID, Number: w, Genuine: kind == "genuine", Sample: i + 1, File: filepath.Base(file), Signature: readSynthetic(t, file)}
				if it.Genuine {
					u.Genuine = append(u.Genuine, it)
				} else {
					u.Forgeries = append(u.Forgeries, it)
				}
			}
		}
		c.Users = append(c.Users, u)
	}
	return c
}

func readSynthetic(t *testing.T, file string) capture.Signature {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := capture.Signature{Device: capture.Device{Pointer: capture.Pen, HasPressure: true, HasTime: true, SampleRate: 200, UnitsPerMM: 96 / 25.4 * 100}}
	up := true
	for _, row := range rows[1:] {
		var v [7]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		down := v[6] == 1
		s.Points = append(s.Points, capture.Point{
			Time: int64(1000 * v[0]), X: int32(100 * v[1]), Y: int32(100 * v[2]), Pressure: uint16(v[3]), Down: down, Start: down && up,
		})
		up = !down
	}
	return s
}

// A fixed protocol on fixed signatures with the built-in model gives the scores
// and the rates that are committed. A change that was meant is written with
// -update and read in the diff.
func TestSyntheticScores(t *testing.T) {
	m, err := compare.Default()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Collect(context.Background(), m, synthetic(t), []Plan{{Protocol: First5, References: 3}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	run := &c.Runs[0]
	scores := c.Score(run, func(int) *compare.Model { return m })
	var got bytes.Buffer
	if err := WriteScores(&got, c, run, scores); err != nil {
		t.Fatal(err)
	}
	const committed = "testdata/synthetic.csv"
	if *update {
		if err := os.WriteFile(committed, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ReadScores(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	have, err := ReadScores(&got)
	if err != nil || len(have.Keys) != len(want.Keys) {
		t.Fatalf("%d comparisons, committed are %d; %v", len(have.Keys), len(want.Keys), err)
	}
	for i, key := range want.Keys {
		// Float32 costs differ in the last digits from kernel to kernel.
		if have.Keys[i] != key || math.Abs(have.Scores[i]-want.Scores[i]) > 0.01 {
			t.Errorf("%q: %.4f, committed is %q: %.4f", have.Keys[i], have.Scores[i], key, want.Scores[i])
		}
	}
	// Made-up imitations with many submovements are easy: nothing is confused.
	for _, l := range []Label{Skilled, Random} {
		if r := Measure(run.Trials, scores, l); r.Common.Value != 0 || r.Misleading != 0 {
			t.Errorf("against %s: EER %v, misleading %v", l, r.Common.Value, r.Misleading)
		}
	}
}
