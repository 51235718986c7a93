package pdf

import (
	"inkwitness/evidence/pdf/font"
	"inkwitness/evidence/pdf/page"
	"inkwitness/evidence/pdf/syntax"
)

// appear gives a widget its appearance: handwriting above, text below. An
// invisible field keeps the empty appearance that it was prepared with.
func (d *doc) appear(u *syntax.Update, widget syntax.Dict, a Appearance) error {
	box, err := d.box(widget["Rect"])
	if err != nil || box == nil || box[2]-box[0] < 1 || box[3]-box[1] < 1 {
		return err
	}
	rotate, err := d.rotation(widget)
	if err != nil {
		return err
	}
	w, h := box[2]-box[0], box[3]-box[1]
	if rotate%180 != 0 {
		w, h = h, w
	}
	fonts := font.NewSet()
	c := page.NewCanvas(fonts)
	if err := draw(c, fonts, a, w, h); err != nil {
		return err
	}
	resources := syntax.Dict{"Font": fonts.Embed(u.Add)}
	form := syntax.Deflate(formDict(*box, rotate, resources), c.Bytes())
	widget["AP"] = syntax.Dict{"N": u.Add(form)}
	return nil
}

// rotation reads how a widget is turned against its page (ISO 32000-2, table
// 192).
func (d *doc) rotation(widget syntax.Dict) (int, error) {
	mk, err := d.f.Dict(widget["MK"])
	if err != nil {
		return 0, err
	}
	o, err := d.f.Resolve(mk["R"])
	r, _ := syntax.Number(o)
	return ((int(r)%360 + 360) % 360) / 90 * 90, err
}

// draw fills a field of w by h points. Text takes at most 45 % of the height,
// in lines of at most 8 points, narrowed until the longest fits.
func draw(c *page.Canvas, fonts *font.Set, a Appearance, w, h float64) error {
	var lines []string
	for _, l := range append([]string{a.Name, a.Time}, a.Lines...) {
		if l != "" {
			lines = append(lines, l)
		}
	}
	const leading = 1.25
	used := 0.0
	if len(lines) > 0 {
		size, err := textSize(fonts, lines, w, h, leading)
		if err != nil {
			return err
		}
		used = size * leading * float64(len(lines))
		for i, l := range lines {
			y := used - size*leading*float64(i) - size
			if err := c.Text(1, y, size, font.Regular, l); err != nil {
				return err
			}
		}
	}
	c.Ink(a.Strokes, page.Box{X: 1, Y: used, W: w - 2, H: h - used - 1})
	return nil
}

func textSize(fonts *font.Set, lines []string, w, h, leading float64) (float64, error) {
	size := min(8, 0.45*h/(leading*float64(len(lines))))
	for _, l := range lines {
		width, err := fonts.Width(l, font.Regular)
		if err != nil {
			return 0, err
		}
		if width > 0 {
			size = min(size, (w-2)/width)
		}
	}
	return size, nil
}
