package capture

import (
	"reflect"
	"testing"
)

func TestStrokesAreCutAtPenUpsAndStarts(t *testing.T) {
	down, air, start := Point{Down: true}, Point{}, Point{Down: true, Start: true}
	tests := []struct {
		name   string
		points []Point
		want   [][2]int
	}{
		{"no points", nil, nil},
		{"only in the air", []Point{air, air}, nil},
		{"one stroke", []Point{start, down, down}, [][2]int{{0, 3}}},
		{"in-air points between", []Point{start, down, air, start, down, air}, [][2]int{{0, 2}, {3, 5}}},
		{"pen-up without in-air points", []Point{start, down, start, down}, [][2]int{{0, 2}, {2, 4}}},
		{"no start mark on the first point", []Point{down, down}, [][2]int{{0, 2}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := (Signature{Points: test.points}).Strokes(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("Strokes() = %v, want %v", got, test.want)
			}
		})
	}
}
