package face

import (
	"image"
	"math"
)

// Where the eyes stand in the picture of a face that networks are trained on:
// the template of ArcFace (Deng et al. 2019), in pixels of 112.
var templateLeft, templateRight = point{38.29, 51.70}, point{73.53, 51.50}

// alignment maps a pixel of the network's picture to the original: turned,
// scaled, moved. The zero value maps nowhere; scale 1 alone maps straight.
type alignment struct {
	scale    float64 // original pixels for one of the network's
	cos, sin float64 // of the turn; 0 and 0 is none
	x, y     float64 // where pixel (0, 0) comes from
}

// align puts the eyes where the network expects them. Where they are not found,
// the face's square says where they should be.
func (f *Finder) align(g grey, face Face, b image.Rectangle) alignment {
	left, right, ok := f.pair(g, face)
	if !ok {
		size, c := face.Size*float64(min(g.w, g.h)), point{face.X * float64(g.w), face.Y * float64(g.h)}
		left, right = point{c.x - 0.18*size, c.y - 0.08*size}, point{c.x + 0.18*size, c.y - 0.08*size}
	}
	k := float64((max(b.Dx(), b.Dy()) + workSide - 1) / workSide) // as thin does
	dx, dy := (right.x-left.x)*k, (right.y-left.y)*k
	tx, ty := templateRight.x-templateLeft.x, templateRight.y-templateLeft.y
	turn := math.Atan2(dy, dx) - math.Atan2(ty, tx)
	a := alignment{scale: math.Hypot(dx, dy) / math.Hypot(tx, ty), cos: math.Cos(turn), sin: math.Sin(turn)}
	a.x = float64(b.Min.X) + left.x*k - a.scale*(a.cos*templateLeft.x-a.sin*templateLeft.y)
	a.y = float64(b.Min.Y) + left.y*k - a.scale*(a.sin*templateLeft.x+a.cos*templateLeft.y)
	return a
}

// pixel is the mean colour, 0 to 255, of what one pixel of the network's picture
// covers; outside of the picture it is black.
func (a alignment) pixel(img image.Image, px, py int) (r, g, b float32) {
	cos, sin := a.cos, a.sin
	if cos == 0 && sin == 0 {
		cos = 1
	}
	n := max(1, min(8, int(math.Ceil(a.scale)))) // samples along an edge
	bounds := img.Bounds()
	for v := range n {
		for u := range n {
			x := float64(px) + (float64(u)+0.5)/float64(n) - 0.5
			y := float64(py) + (float64(v)+0.5)/float64(n) - 0.5
			at := image.Pt(int(math.Round(a.x+a.scale*(cos*x-sin*y))), int(math.Round(a.y+a.scale*(sin*x+cos*y))))
			if !at.In(bounds) {
				continue
			}
			cr, cg, cb, _ := img.At(at.X, at.Y).RGBA()
			r, g, b = r+float32(cr>>8), g+float32(cg>>8), b+float32(cb>>8)
		}
	}
	s := float32(n * n)
	return r / s, g / s, b / s
}
