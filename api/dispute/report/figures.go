package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"inkwitness/api/dispute"
	"inkwitness/capture"
	"inkwitness/evidence/pdf/font"
	"inkwitness/evidence/pdf/page"
)

// drawings shows every signature of a known scale at one scale, the others each at
// their own, and the curves of each questioned
// one over the reference nearest to it.
func (r *writer) drawings() {
	r.d.Heading(2, r.t.drawings)
	r.d.Small(r.t.drawingNote)
	var unscaled []string
	for _, s := range r.Samples {
		if !metric(s.Signature) {
			unscaled = append(unscaled, s.Label)
		}
	}
	if len(unscaled) > 0 {
		r.d.Paragraph(fmt.Sprintf(r.t.unscaled, strings.Join(unscaled, ", ")))
	}
	wide, high := extent(r.Samples)
	for _, part := range []dispute.Part{dispute.Questioned, dispute.Reference} {
		for i := 0; i < len(r.Samples); {
			var row []dispute.Sampled
			for ; i < len(r.Samples) && len(row) < 2; i++ {
				if r.Samples[i].Part == part {
					row = append(row, r.Samples[i])
				}
			}
			if len(row) > 0 {
				r.d.Figure(120, func(c *page.Canvas, b page.Box) error { return r.pair(c, b, row, wide, high) })
			}
		}
	}
	for _, i := range r.Case.Items {
		if !slices.ContainsFunc(r.Samples, func(s dispute.Sampled) bool { return s.ID == i.ID }) {
			r.d.Paragraph(i.Label + ": " + r.t.closed)
		}
	}
	for _, q := range r.Samples {
		if q.Part == dispute.Questioned {
			r.curves(q)
		}
	}
}

// metric tells whether the scale is known, so that lengths compare.
func metric(s capture.Signature) bool { return s.Device.UnitsPerMM > 0 }

// mm is the size of a unit, so that signatures of different devices compare;
// units stand for themselves where a device does not tell.
func mm(s capture.Signature) float64 {
	if metric(s) {
		return 1 / s.Device.UnitsPerMM
	}
	return 1
}

// unit is what lengths of a signature are in.
func (r *writer) unit(s capture.Signature) string {
	if metric(s) {
		return "mm"
	}
	return r.t.units
}

func bounds(s capture.Signature) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range s.Points {
		if p.Down {
			x, y := float64(p.X)*mm(s), float64(p.Y)*mm(s)
			x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
		}
	}
	if x0 > x1 {
		return 0, 0, 0, 0
	}
	return x0, y0, x1, y1
}

// extent is the size of the largest signature in mm.
func extent(all []dispute.Sampled) (wide, high float64) {
	wide, high = 1, 1
	for _, s := range all {
		if !metric(s.Signature) {
			continue
		}
		x0, y0, x1, y1 := bounds(s.Signature)
		wide, high = max(wide, x1-x0), max(high, y1-y0)
	}
	return wide, high
}

// pair draws up to two signatures beside each other.
func (r *writer) pair(c *page.Canvas, b page.Box, row []dispute.Sampled, wide, high float64) error {
	const gap, caption = 12, 14
	cell := page.Box{Y: b.Y + caption, W: (b.W - gap) / 2, H: b.H - caption}
	for n, s := range row {
		cell.X = b.X + float64(n)*(cell.W+gap)
		c.Gray(0.75)
		frame(c, cell)
		c.Gray(0)
		x0, y0, x1, y1 := bounds(s.Signature)
		scale := min((cell.W-8)/wide, (cell.H-8)/high)
		if !metric(s.Signature) {
			scale = min((cell.W-8)/max(x1-x0, 1), (cell.H-8)/max(y1-y0, 1))
		}
		w, h := max((x1-x0)*scale, 2)+2, max((y1-y0)*scale, 2)+2
		c.Ink(strokes(s.Signature), page.Box{X: cell.X + (cell.W-w)/2, Y: cell.Y + (cell.H-h)/2, W: w, H: h})
		if metric(s.Signature) {
			c.Gray(0.35)
			c.Line(cell.X+4, cell.Y+4, cell.X+4+10*scale, cell.Y+4, 0.8)
			if err := c.Text(cell.X+4, cell.Y+6, 6, font.Regular, "10 mm"); err != nil {
				return err
			}
			c.Gray(0)
		}
		if err := c.Text(cell.X, b.Y+3, 8, font.Bold, s.Label); err != nil {
			return err
		}
		if err := c.Text(cell.X+24, b.Y+3, 8, font.Regular, r.t.parts[s.Part]+" · "+number(duration(s.Signature), 2)+" s · "+number(x1-x0, 0)+" × "+number(y1-y0, 0)+" "+r.unit(s.Signature)); err != nil {
			return err
		}
	}
	return nil
}

func frame(c *page.Canvas, b page.Box) {
	c.Line(b.X, b.Y, b.X+b.W, b.Y, 0.5)
	c.Line(b.X, b.Y+b.H, b.X+b.W, b.Y+b.H, 0.5)
	c.Line(b.X, b.Y, b.X, b.Y+b.H, 0.5)
	c.Line(b.X+b.W, b.Y, b.X+b.W, b.Y+b.H, 0.5)
}

// duration is how long was written, in s.
func duration(s capture.Signature) float64 {
	from, to := s.Written()
	if from == to {
		return 0
	}
	return float64(s.Points[to-1].Time-s.Points[from].Time) / 1e6
}

func strokes(s capture.Signature) (all [][]page.Point) {
	for _, span := range s.Strokes() {
		var line []page.Point
		for _, p := range s.Points[span[0]:span[1]] {
			line = append(line, page.Point{X: float64(p.X), Y: float64(p.Y), Pressure: float64(p.Pressure) / capture.MaxPressure})
		}
		all = append(all, line)
	}
	return all
}

// curves draws x, y, pressure and speed of a questioned signature, and of the
// reference that the comparison found nearest (the first one before that).
func (r *writer) curves(q dispute.Sampled) {
	near := r.nearest(q.ID)
	r.d.Heading(3, r.t.curves+": "+q.Label)
	lines := []capture.Signature{q.Signature}
	note := r.t.solid + " " + q.Label
	if near != nil {
		lines = append(lines, near.Signature)
		note += " · " + r.t.dashed + " " + near.Label
	}
	apart := near != nil && !(metric(q.Signature) && metric(near.Signature))
	unit := r.unit(q.Signature)
	for _, channel := range []struct {
		name, unit string
		of         func(capture.Signature) []float64
	}{{"x", unit, alongX}, {"y", unit, alongY}, {r.t.pressure, "", pressure}, {r.t.speed, unit + "/s", speed}} {
		drawn := lines
		if apart && channel.unit != "" {
			drawn = lines[:1]
		}
		r.d.Figure(84, func(c *page.Canvas, b page.Box) error {
			return curve(c, b, channel.name+" "+channel.unit, channel.of, drawn)
		})
	}
	r.d.Small(note)
	if apart {
		r.d.Small(fmt.Sprintf(r.t.notDrawn, near.Label, q.Label))
	}
}

func (r *writer) nearest(questioned string) *dispute.Sampled {
	id := ""
	if run := r.run(); run != nil {
		for _, result := range run.Results {
			if k := result.Comparison; result.Item == questioned && k != nil && k.Explanation != nil && k.Explanation.Reference < len(run.References) {
				id = run.References[k.Explanation.Reference].Item
			}
		}
	}
	for i := range r.Samples {
		if s := &r.Samples[i]; s.ID == id || id == "" && s.Part == dispute.Reference {
			return s
		}
	}
	return nil
}

func alongX(s capture.Signature) []float64 {
	x0, _, _, _ := bounds(s)
	return each(s, func(i int) float64 { return float64(s.Points[i].X)*mm(s) - x0 })
}

func alongY(s capture.Signature) []float64 {
	_, y0, _, _ := bounds(s)
	return each(s, func(i int) float64 { return float64(s.Points[i].Y)*mm(s) - y0 })
}

func pressure(s capture.Signature) []float64 {
	return each(s, func(i int) float64 { return float64(s.Points[i].Pressure) / capture.MaxPressure })
}

// speed is by central differences within a stroke, in mm (or units) a second.
func speed(s capture.Signature) []float64 {
	return each(s, func(i int) float64 {
		a, b := i, i
		if i > 0 && s.Points[i-1].Down && !s.Points[i].Start {
			a = i - 1
		}
		if i+1 < len(s.Points) && s.Points[i+1].Down && !s.Points[i+1].Start {
			b = i + 1
		}
		p, n := s.Points[a], s.Points[b]
		if n.Time <= p.Time {
			return math.NaN()
		}
		return math.Hypot(float64(n.X-p.X), float64(n.Y-p.Y)) * mm(s) / (float64(n.Time-p.Time) / 1e6)
	})
}

// each has a value for every sample of the ink and NaN in the air.
func each(s capture.Signature, of func(i int) float64) []float64 {
	out := make([]float64, len(s.Points))
	for i, p := range s.Points {
		out[i] = math.NaN()
		if p.Down {
			out[i] = of(i)
		}
	}
	return out
}

// curve draws one channel of up to two signatures over their own time.
func curve(c *page.Canvas, b page.Box, title string, of func(capture.Signature) []float64, lines []capture.Signature) error {
	plot := page.Box{X: b.X + 38, Y: b.Y + 12, W: b.W - 42, H: b.H - 24}
	low, high, end := math.Inf(1), math.Inf(-1), 1e-6
	values := make([][]float64, len(lines))
	for n, s := range lines {
		values[n], end = of(s), max(end, duration(s))
		for _, v := range values[n] {
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if high == low {
		high = low + 1
	}
	c.Gray(0.8)
	frame(c, plot)
	c.Gray(0.2)
	for _, label := range []struct {
		x, y float64
		text string
	}{{b.X, plot.Y + plot.H + 4, title}, {b.X, plot.Y + plot.H - 7, number(high, 1)}, {b.X, plot.Y, number(low, 1)}, {plot.X, b.Y + 3, "0 s"}, {plot.X + plot.W - 30, b.Y + 3, number(end, 2) + " s"}} {
		if err := c.Text(label.x, label.y, 7, font.Regular, label.text); err != nil {
			return err
		}
	}
	for n, s := range lines {
		c.Colour(0.08, 0.14, 0.36)
		if n > 0 {
			c.Colour(0.07, 0.41, 0.23)
			c.Dash(3, 2)
		}
		c.Polyline(trace(s, values[n], plot, low, high, end), 0.8)
	}
	c.Dash(0, 0)
	c.Gray(0)
	return nil
}

func trace(s capture.Signature, values []float64, plot page.Box, low, high, end float64) []*[2]float64 {
	out := make([]*[2]float64, 0, len(values))
	first, _ := s.Written()
	for i, v := range values {
		if math.IsNaN(v) || s.Points[i].Start {
			out = append(out, nil)
		}
		if !math.IsNaN(v) {
			t := float64(s.Points[i].Time-s.Points[first].Time) / 1e6
			out = append(out, &[2]float64{plot.X + plot.W*t/end, plot.Y + plot.H*(v-low)/(high-low)})
		}
	}
	return out
}
