package page

import (
	"bytes"
	"fmt"
	"math"

	"inkwitness/evidence/pdf/font"
	"inkwitness/evidence/pdf/syntax"
)

// Point is a point of a pen stroke, in any unit, y growing downwards.
type Point struct {
	X, Y     float64
	Pressure float64 // 0 to 1; 0 draws the thinnest line
}

// Box is a rectangle in points, x and y its lower left corner.
type Box struct{ X, Y, W, H float64 }

// Canvas is a content stream in the making, in points from the lower left
// corner.
type Canvas struct {
	buf   bytes.Buffer
	fonts *font.Set
}

// NewCanvas returns an empty canvas that takes its fonts from a set.
func NewCanvas(fonts *font.Set) *Canvas { return &Canvas{fonts: fonts} }

// Bytes returns the content stream.
func (c *Canvas) Bytes() []byte { return c.buf.Bytes() }

// op writes an operator behind its operands.
func (c *Canvas) op(operator string, operands ...float64) {
	for _, v := range operands {
		// A hundredth of a point is 1/7200 inch, finer than printers.
		c.buf.WriteString(syntax.FormatReal(math.Round(v*100) / 100))
		c.buf.WriteByte(' ')
	}
	c.buf.WriteString(operator)
	c.buf.WriteByte('\n')
}

// Gray sets the colour of text, lines and fills, 0 black to 1 white.
func (c *Canvas) Gray(v float64) {
	c.op("g", v)
	c.op("G", v)
}

// Fill fills a rectangle.
func (c *Canvas) Fill(b Box) {
	c.op("re", b.X, b.Y, b.W, b.H)
	c.op("f")
}

// Line draws a straight line.
func (c *Canvas) Line(x0, y0, x1, y1, width float64) {
	c.op("w", width)
	c.op("m", x0, y0)
	c.op("l", x1, y1)
	c.op("S")
}

// Text draws one line of text with its baseline beginning at x, y.
func (c *Canvas) Text(x, y, size float64, style font.Style, text string) error {
	runs, err := c.fonts.Runs(text, style)
	if err != nil || len(runs) == 0 {
		return err
	}
	c.op("BT")
	c.op("Td", x, y)
	for _, r := range runs {
		fmt.Fprintf(&c.buf, "/%s ", r.Font)
		c.op("Tf", size)
		c.buf.WriteByte('<')
		for _, g := range r.Glyphs {
			fmt.Fprintf(&c.buf, "%04X", g)
		}
		c.buf.WriteString("> Tj\n")
	}
	c.op("ET")
	return nil
}

// Draw paints an image or form resource into a rectangle.
func (c *Canvas) Draw(name string, b Box) {
	c.op("q")
	c.op("cm", b.W, 0, 0, b.H, b.X, b.Y)
	fmt.Fprintf(&c.buf, "/%s Do\n", name)
	c.op("Q")
}

// Ink draws handwriting as large as fits into the box, centred, its
// proportions kept. Lines are curves through all points with round ends, each piece as wide as its pressure says; where no point has
// a pressure the line is of medium width.
func (c *Canvas) Ink(strokes [][]Point, b Box) {
	thin, thick := inkWidths(b)
	place, ok := fit(strokes, Box{b.X + thick/2, b.Y + thick/2, b.W - thick, b.H - thick})
	if !ok {
		return
	}
	flat := !hasPressure(strokes)
	width := func(p Point) float64 {
		v := min(max(p.Pressure, 0), 1)
		if flat {
			v = 0.5
		}
		return thin + (thick-thin)*v
	}
	c.op("q")
	c.op("J", 1)
	c.op("j", 1)
	for _, s := range strokes {
		c.stroke(s, place, width)
	}
	c.op("Q")
}

// inkWidths returns line widths that look like a pen's on a signature of the
// box's height: 0.5 to 1.8 points from 50 points up, thinner below.
func inkWidths(b Box) (thin, thick float64) {
	scale := min(1, b.H/50)
	return max(0.25, 0.5*scale), max(0.5, 1.8*scale)
}

func hasPressure(strokes [][]Point) bool {
	for _, s := range strokes {
		for _, p := range s {
			if p.Pressure > 0 {
				return true
			}
		}
	}
	return false
}

// fit returns the mapping of stroke coordinates into a box. It fails when
// there is no point with finite coordinates.
func fit(strokes [][]Point, b Box) (func(Point) (x, y float64), bool) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range strokes {
		for _, p := range s {
			x0, x1 = min(x0, p.X), max(x1, p.X)
			y0, y1 = min(y0, p.Y), max(y1, p.Y)
		}
	}
	w, h := x1-x0, y1-y0
	if !(w >= 0 && h >= 0 && w < 1e12 && h < 1e12) || b.W <= 0 || b.H <= 0 {
		return nil, false
	}
	scale := min(b.W/max(w, 1e-9), b.H/max(h, 1e-9))
	if w == 0 && h == 0 {
		scale = 0
	}
	dx, dy := b.X+(b.W-w*scale)/2, b.Y+(b.H-h*scale)/2
	return func(p Point) (float64, float64) {
		return dx + (p.X-x0)*scale, dy + (y1-p.Y)*scale
	}, true
}

func (c *Canvas) stroke(s []Point, place func(Point) (x, y float64), width func(Point) float64) {
	at := func(i int) (float64, float64) { return place(s[min(max(i, 0), len(s)-1)]) }
	if len(s) == 1 {
		x, y := at(0)
		c.Line(x, y, x, y, width(s[0])) // with round ends a line of no length is a dot
		return
	}
	last := -1.0
	for i := 0; i+1 < len(s); i++ {
		px, py := at(i - 1)
		x0, y0 := at(i)
		x1, y1 := at(i + 1)
		nx, ny := at(i + 2)
		if w := math.Round((width(s[i])+width(s[i+1]))*50) / 100; w != last {
			c.op("w", w)
			last = w
		}
		c.op("m", x0, y0)
		c.op("c", x0+slope(px, x0, x1)/3, y0+slope(py, y0, y1)/3, x1-slope(x0, x1, nx)/3, y1-slope(y0, y1, ny)/3, x1, y1)
		c.op("S")
	}
}

// slope is the tangent at b between its neighbours a and c, one coordinate of
// it. It is limited as in monotone cubic interpolation (Fritsch and Carlson,
// SIAM J. Numer. Anal. 17, 1980), so that a curve never swings beyond its
// points: ink that the signer did not write.
func slope(a, b, c float64) float64 {
	d0, d1 := b-a, c-b
	if d0*d1 <= 0 {
		return 0
	}
	return math.Copysign(min(math.Abs(d0+d1)/2, 3*math.Abs(d0), 3*math.Abs(d1)), d0)
}
