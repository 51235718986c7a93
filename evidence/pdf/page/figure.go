package page

// Figure leaves a box across the text's width and lets draw fill it. What draw
// paints stays inside by its own care.
func (d *Document) Figure(height float64, draw func(c *Canvas, b Box) error) {
	c := d.canvas(height)
	d.y -= height
	d.keep(draw(c, Box{marginX, d.y, textWidth, height}))
	d.Space(bodySize * 0.6)
}

// Colour sets the colour of text, lines and fills, each part from 0 to 1.
func (c *Canvas) Colour(r, g, b float64) {
	c.op("rg", r, g, b)
	c.op("RG", r, g, b)
}

// Dash makes lines broken, in points on and off; zero makes them whole again.
func (c *Canvas) Dash(on, off float64) {
	if on <= 0 {
		c.buf.WriteString("[] 0 d\n")
		return
	}
	c.buf.WriteByte('[')
	c.op("] 0 d", on, off)
}

// Polyline draws a line through points; a nil point breaks it.
func (c *Canvas) Polyline(points []*[2]float64, width float64) {
	c.op("w", width)
	open := false
	for _, p := range points {
		switch {
		case p == nil:
			if open {
				c.op("S")
			}
			open = false
		case open:
			c.op("l", p[0], p[1])
		default:
			c.op("m", p[0], p[1])
			open = true
		}
	}
	if open {
		c.op("S")
	}
}
