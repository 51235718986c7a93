package e2e

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"inkwitness/biometrics/corpus"
	"inkwitness/capture"
)

// sample is one sample point as the browser is to see it.
type sample struct {
	T     float64 `json:"t"` // ms since the first
	X     float64 `json:"x"` // CSS px
	Y     float64 `json:"y"`
	P     float64 `json:"p"` // 0..65535
	TiltX float64 `json:"tiltX"`
	TiltY float64 `json:"tiltY"`
	Down  bool    `json:"down"`
	Start bool    `json:"start,omitempty"`
}

// signatures returns n genuine signatures of one writer: a real one's where the
// corpora are at hand, the project's own synthetic ones otherwise.
func signatures(t *testing.T, n int) (all [][]sample, origin string) {
	t.Helper()
	if path := filepath.Join("..", "..", "..", "shared", "corpora", "svc2004", "task2.tar.gz"); exists(path) {
		return corpusSignatures(t, path, n), "corpus"
	}
	return syntheticSignatures(t, n), "synthetic"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func corpusSignatures(t *testing.T, path string, n int) (all [][]sample) {
	t.Helper()
	c, err := corpus.Load("svc2004-task2", path, corpus.Filter{From: 2, To: 2})
	if err != nil {
		t.Fatalf("read the corpus: %v", err)
	}
	for _, item := range c.Users[0].Genuine {
		if len(all) == n {
			break
		}
		all = append(all, toSamples(item.Signature))
	}
	if len(all) < n {
		t.Fatalf("the corpus has %d signatures of that writer, %d are needed", len(all), n)
	}
	return all
}

// toSamples lays a recorded signature out in CSS pixels, 96 to the inch, from
// its top left corner, with the times in rising order as a device gives them.
func toSamples(s capture.Signature) []sample {
	const pixelsPerMM = 96 / 25.4
	scale := pixelsPerMM / s.Device.UnitsPerMM
	left, top := s.Points[0].X, s.Points[0].Y
	for _, p := range s.Points {
		left, top = min(left, p.X), min(top, p.Y)
	}
	out := make([]sample, 0, len(s.Points))
	last := -1.0
	for i, p := range s.Points {
		at := max(float64(p.Time-s.Points[0].Time)/1000, last+1) // the corpus repeats some times
		last = at
		next := i+1 == len(s.Points) || s.Points[i+1].Start
		out = append(out, sample{T: at, X: float64(p.X-left) * scale, Y: float64(p.Y-top) * scale, P: max(float64(p.Pressure), 64),
			TiltX: float64(p.TiltX) / 100, TiltY: float64(p.TiltY) / 100, Down: p.Down})
		if p.Down && next && i+1 < len(s.Points) { // the corpus has no in-air points: lift between strokes
			lift := out[len(out)-1]
			lift.T, lift.P, lift.Down = at+0.5, 0, false
			out = append(out, lift)
		}
	}
	return out
}

func syntheticSignatures(t *testing.T, n int) (all [][]sample) {
	t.Helper()
	for i := range n {
		file, err := os.Open(filepath.Join("..", "..", "testdata", "signatures", fmt.Sprintf("w1-genuine-%02d.csv", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(file).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		var one []sample
		for _, row := range rows[1:] {
			v := make([]float64, len(row))
			for j, cell := range row {
				if v[j], err = strconv.ParseFloat(cell, 64); err != nil {
					t.Fatal(err)
				}
			}
			one = append(one, sample{T: v[0], X: v[1], Y: v[2], P: v[3], TiltX: v[4], TiltY: v[5], Down: v[6] == 1})
		}
		all = append(all, one)
	}
	return all
}
