package evaluate

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Plots draws the DET curve, the Tippett plot and the histogram of scores as
// SVG, by file name. No signature can be read out of them.
func Plots(trials []Trial, scores []float64) map[string]string {
	by := make(map[Label][]float64)
	for i, t := range trials {
		by[t.Label] = append(by[t.Label], scores[i])
	}
	for _, v := range by {
		slices.Sort(v)
	}
	return map[string]string{"det.svg": det(by), "tippett.svg": tippett(by), "histogram.svg": histogram(by)}
}

const (
	plotW, plotH             = 640.0, 420.0
	left, right, top, bottom = 60.0, 20.0, 30.0, 50.0
)

var colours = map[Label]string{Genuine: "#1a7f37", Skilled: "#b3261e", Random: "#3b5ba9"}

// canvas maps data to the plot area and collects the drawing.
type canvas struct {
	b              strings.Builder
	x0, x1, y0, y1 float64
}

func newCanvas(title, xLabel, yLabel string, x0, x1, y0, y1 float64) *canvas {
	c := &canvas{x0: x0, x1: x1, y0: y0, y1: y1}
	fmt.Fprintf(&c.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s" font-family="sans-serif" font-size="12">`, plotW, plotH, title)
	fmt.Fprintf(&c.b, `<rect width="%g" height="%g" fill="#fff"/><text x="%g" y="18" font-size="14">%s</text>`, plotW, plotH, left, title)
	fmt.Fprintf(&c.b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`, (left+plotW-right)/2, plotH-12, xLabel)
	fmt.Fprintf(&c.b, `<text transform="translate(16 %g) rotate(-90)" text-anchor="middle">%s</text>`, (top+plotH-bottom)/2, yLabel)
	fmt.Fprintf(&c.b, `<rect x="%g" y="%g" width="%g" height="%g" fill="none" stroke="#888"/>`, left, top, plotW-left-right, plotH-top-bottom)
	return c
}

func (c *canvas) x(v float64) float64 { return left + (v-c.x0)/(c.x1-c.x0)*(plotW-left-right) }
func (c *canvas) y(v float64) float64 {
	return plotH - bottom - (v-c.y0)/(c.y1-c.y0)*(plotH-top-bottom)
}

func (c *canvas) tickX(v float64, label string) {
	fmt.Fprintf(&c.b, `<path d="M%.1f %.1fv5" stroke="#888"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, c.x(v), plotH-bottom, c.x(v), plotH-bottom+18, label)
}

func (c *canvas) tickY(v float64, label string) {
	fmt.Fprintf(&c.b, `<path d="M%.1f %.1fh-5" stroke="#888"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left, c.y(v), left-8, c.y(v)+4, label)
}

func (c *canvas) line(xs, ys []float64, colour, name string, row int) {
	fmt.Fprintf(&c.b, `<polyline fill="none" stroke="%s" stroke-width="1.6" points="`, colour)
	px, py := math.NaN(), math.NaN()
	for i := range xs {
		x := math.Round(10*c.x(math.Max(c.x0, math.Min(c.x1, xs[i])))) / 10
		y := math.Round(10*c.y(math.Max(c.y0, math.Min(c.y1, ys[i])))) / 10
		if x != px || y != py {
			fmt.Fprintf(&c.b, "%g,%g ", x, y)
		}
		px, py = x, y
	}
	c.b.WriteString(`"/>`)
	fmt.Fprintf(&c.b, `<text x="%g" y="%g" text-anchor="end" fill="%s">%s</text>`, plotW-right-8, top+18+16*float64(row), colour, name)
}

// guide draws a thin broken line to read the plot by.
func (c *canvas) guide(x0, y0, x1, y1 float64) {
	fmt.Fprintf(&c.b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="#888" stroke-dasharray="4 4"/>`, c.x(x0), c.y(y0), c.x(x1), c.y(y1))
}

func (c *canvas) done() string { return c.b.String() + "</svg>\n" }

// probit is the quantile function of the normal distribution, the axis of a DET
// plot (Martin et al. 1997).
func probit(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

func det(by map[Label][]float64) string {
	const low, high = 0.0005, 0.5
	c := newCanvas("Detection error trade-off", "false match rate, %", "false non-match rate, %", probit(low), probit(high), probit(low), probit(high))
	for _, p := range []float64{0.001, 0.01, 0.05, 0.1, 0.2, 0.4} {
		c.tickX(probit(p), fmt.Sprintf("%g", 100*p))
		c.tickY(probit(p), fmt.Sprintf("%g", 100*p))
	}
	c.guide(probit(low), probit(low), probit(high), probit(high)) // equal errors
	same := by[Genuine]
	for row, l := range []Label{Skilled, Random} {
		diff := by[l]
		if len(same) == 0 || len(diff) == 0 {
			continue
		}
		var xs, ys []float64
		for _, t := range thresholds(same, diff) {
			fnmr, fmr := below(same, t), 1-below(diff, t)
			xs, ys = append(xs, probit(clamp(fmr, low, high))), append(ys, probit(clamp(fnmr, low, high)))
		}
		c.line(xs, ys, colours[l], string(l)+" forgeries", row)
	}
	return c.done()
}

func clamp(v, low, high float64) float64 { return math.Max(low, math.Min(high, v)) }

// below is the share of sorted scores below t.
func below(v []float64, t float64) float64 {
	i, _ := slices.BinarySearch(v, t)
	return float64(i) / float64(len(v))
}

func thresholds(a, b []float64) []float64 {
	out := append(append([]float64(nil), a...), b...)
	slices.Sort(out)
	out = slices.Compact(out)
	if n := len(out); n > 4000 { // more cannot be seen
		thin := make([]float64, 0, 4000)
		for i := range 4000 {
			thin = append(thin, out[i*n/4000])
		}
		out = thin
	}
	return out
}

// log10Range is the range of the scores as decimal logarithms, in whole steps.
func log10Range(by map[Label][]float64) (float64, float64) {
	low, high := -1.0, 1.0
	for _, v := range by {
		if len(v) > 0 {
			low, high = math.Min(low, v[0]/math.Ln10), math.Max(high, v[len(v)-1]/math.Ln10)
		}
	}
	return math.Floor(math.Max(low, -20)), math.Ceil(math.Min(high, 20))
}

// tippett shows for each kind the share of comparisons whose likelihood ratio
// is at least the value on the axis (Evett and Buckleton 1996).
func tippett(by map[Label][]float64) string {
	low, high := log10Range(by)
	c := newCanvas("Tippett plot", "log10 likelihood ratio", "share at or above, %", low, high, 0, 1)
	for v := low; v <= high; v++ {
		c.tickX(v, fmt.Sprintf("%g", v))
	}
	c.guide(0, 0, 0, 1) // supports neither
	for p := 0.0; p <= 1; p += 0.25 {
		c.tickY(p, fmt.Sprintf("%g", 100*p))
	}
	for row, l := range []Label{Genuine, Skilled, Random} {
		v := by[l]
		if len(v) == 0 {
			continue
		}
		var xs, ys []float64
		for i := range 801 {
			x := low + (high-low)*float64(i)/800
			xs, ys = append(xs, x), append(ys, 1-below(v, x*math.Ln10))
		}
		c.line(xs, ys, colours[l], string(l), row)
	}
	return c.done()
}

func histogram(by map[Label][]float64) string {
	low, high := log10Range(by)
	const bins = 60
	shares := make(map[Label][]float64)
	most := 0.0
	for l, v := range by {
		h := make([]float64, bins)
		for _, s := range v {
			i := int((s/math.Ln10 - low) / (high - low) * bins)
			h[max(0, min(bins-1, i))] += 1 / float64(len(v))
		}
		shares[l] = h
		most = math.Max(most, slices.Max(h))
	}
	c := newCanvas("Likelihood ratios", "log10 likelihood ratio", "share of the comparisons, %", low, high, 0, math.Max(most, 0.01))
	for v := low; v <= high; v++ {
		c.tickX(v, fmt.Sprintf("%g", v))
	}
	c.guide(0, 0, 0, math.Max(most, 0.01)) // supports neither
	c.tickY(0, "0")
	c.tickY(most, fmt.Sprintf("%.0f", 100*most))
	for row, l := range []Label{Genuine, Skilled, Random} {
		if len(by[l]) == 0 {
			continue
		}
		var xs, ys []float64
		for i, s := range shares[l] {
			a, b := low+(high-low)*float64(i)/bins, low+(high-low)*float64(i+1)/bins
			xs, ys = append(xs, a, b), append(ys, s, s)
		}
		c.line(xs, ys, colours[l], string(l), row)
	}
	return c.done()
}
