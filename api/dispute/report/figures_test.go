package report

import (
	"slices"
	"testing"

	"inkwitness/capture"
	"inkwitness/evidence/pdf/page"
)

// Curves begin with the first point on paper, and a time is that of the writing,
// however long the pen hovered before and after.
func TestHoverAroundIsNotDrawn(t *testing.T) {
	written := []capture.Point{
		{Time: 0, X: 10, Down: true, Start: true}, {Time: 10_000, X: 20, Down: true}, {Time: 20_000, X: 30},
		{Time: 40_000, X: 40, Down: true, Start: true}, {Time: 60_000, X: 50, Down: true},
	}
	hovered := []capture.Point{{Time: -900_000, X: 5}, {Time: -400_000, X: 5}}
	hovered = append(slices.Concat(hovered, written), capture.Point{Time: 2_000_000, X: 99})
	curveOf := func(points []capture.Point) (drawn [][2]float64) {
		s := capture.Signature{Points: points}
		for _, p := range trace(s, each(s, func(i int) float64 { return float64(s.Points[i].X) }), page.Box{W: 100, H: 50}, 10, 50, duration(s)) {
			if p != nil {
				drawn = append(drawn, *p)
			}
		}
		return drawn
	}
	if d := duration(capture.Signature{Points: hovered}); d != 0.06 {
		t.Errorf("%v s of writing", d)
	}
	got, want := curveOf(hovered), curveOf(written)
	if !slices.Equal(got, want) || got[0][0] != 0 || got[3][0] != 100 {
		t.Errorf("drawn at %v, want %v", got, want)
	}
	if d := duration(capture.Signature{Points: hovered[:2]}); d != 0 {
		t.Errorf("%v s of a pen that never came down", d)
	}
}
