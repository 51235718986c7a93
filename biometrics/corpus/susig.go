package corpus

import (
	"sort"

	"inkwitness/capture"
)

// susigDevice is what differs between the sets that share SUSIG's format.
type susigDevice struct {
	device   capture.Device
	upwards  bool    // Y grows upwards
	pressure float64 // full scale
}

var (
	susigVisual = susigDevice{device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 300 / 25.4, SampleRate: 100, PressureLevels: 128, HasPressure: true, HasTime: true}, pressure: 127}
	susigBlind  = susigDevice{device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 40, SampleRate: 100, PressureLevels: 512, HasPressure: true, HasTime: true}, pressure: 511}
	susigFinger = susigDevice{device: capture.Device{Pointer: capture.Touch, SampleRate: 60, HasTime: true}, upwards: true, pressure: 1}
)

// readSUSIG reads X Y TSTAMP PRESSURE ENDPTS after two lines of heading whose
// count is often wrong. ENDPTS is 1 on the last point of a stroke. Times are in
// ms, or in ticks of 10 ms where the median step says so. A single leap of the
// clock, forth and back, is left for the cleaning to repair.
func readSUSIG(data []byte, d susigDevice) (capture.Signature, bool, error) {
	all, err := rows(data)
	if err != nil {
		return capture.Signature{}, false, err
	}
	if all, err = body(all, 4); err != nil {
		return capture.Signature{}, false, err
	}
	unit := tick(all)
	full, top := d.pressure, 0.0
	for _, r := range all {
		top = max(top, r[3])
	}
	for full > 1 && full < min(top, capture.MaxPressure) { // a device with more levels than documented
		full = 2*full + 1
	}
	s := capture.Signature{Device: d.device}
	if full > 1 {
		s.Device.PressureLevels = int(full) + 1
	}
	if top == 0 {
		s.Device.HasPressure, s.Device.PressureLevels = false, 0
	}
	start := true
	for _, r := range all {
		y := r[1]
		if d.upwards {
			y = -y
		}
		p := capture.Point{X: coordinate(r[0]), Y: coordinate(y), Time: int64((r[2] - all[0][2]) * unit), Down: true, Start: start}
		if s.Device.HasPressure {
			p.Pressure = pressure(r[3], full)
		}
		start = len(r) >= 5 && r[4] != 0
		s.Points = append(s.Points, p)
	}
	return finish(s)
}

// tick is the length of a clock tick in us: 1 ms, or 10 ms where the median
// step is below 5 (no device samples at more than 200 Hz in this format).
func tick(all [][]float64) float64 {
	var steps []float64
	for i := 1; i < len(all); i++ {
		if dt := all[i][2] - all[i-1][2]; dt > 0 {
			steps = append(steps, dt)
		}
	}
	if len(steps) == 0 {
		return 1000
	}
	sort.Float64s(steps)
	if steps[len(steps)/2] < 5 {
		return 10_000
	}
	return 1000
}
