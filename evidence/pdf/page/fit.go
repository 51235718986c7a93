package page

import "inkwitness/evidence/pdf/font"

// Fit writes text into a box, from its top left corner: at most `most` points
// high, smaller until all of it has room. One line stands in the middle of the
// box's height.
func (c *Canvas) Fit(b Box, most float64, text string) error {
	const leading, least, step = 1.2, 3, 0.94
	size := min(most, b.H/leading)
	var lines []string
	for {
		var err error
		if lines, err = wrap(c.fonts, text, font.Regular, b.W/size); err != nil {
			return err
		}
		if float64(len(lines))*size*leading <= b.H || size <= least {
			break
		}
		size = max(least, size*step)
	}
	top := b.Y + b.H
	if len(lines) == 1 {
		top -= (b.H - size*leading) / 2
	}
	for i, line := range lines {
		// The line's descent lies below its base: a fifth of the size in these fonts.
		if err := c.Text(b.X, top-size*leading*float64(i)-size, size, font.Regular, line); err != nil {
			return err
		}
	}
	return nil
}
