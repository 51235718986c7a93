//go:build ignore

// gen draws a face that nods, blinks and turns a little, as a camera would see
// it: the clip that headless Chromium plays as its camera in tests and in the
// demonstration. It is nobody's face.
//
//	go run testdata/face/gen.go -out /tmp/face.mjpeg -seconds 12
//
// The output is Motion JPEG (one JPEG after another), 640x480 at 25 frames a
// second. Each frame carries its number as a row of 16 black or white squares
// at the bottom, most significant bit first, so that a test can tell which
// frame it sees.
package main

import (
	"bufio"
	"flag"
	"image"
	"image/color"
	"image/jpeg"
	"log"
	"math"
	"os"
)

const (
	width, height = 640, 480
	fps           = 25
)

func main() {
	out := flag.String("out", "face.mjpeg", "file to write")
	seconds := flag.Int("seconds", 12, "length of the clip")
	flag.Parse()
	file, err := os.Create(*out)
	if err != nil {
		log.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for n := range *seconds * fps {
		if err := jpeg.Encode(w, frame(n), &jpeg.Options{Quality: 85}); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}

// soft is 1 inside the ellipse, 0 outside, with a soft edge.
func soft(x, y, cx, cy, rx, ry, edge float64) float64 {
	dx, dy := (x-cx)/rx, (y-cy)/ry
	square := dx*dx + dy*dy
	if square >= 1 { // most pixels are outside most ellipses
		return 0
	}
	return min(1, (1-math.Sqrt(square))/edge)
}

type rgb struct{ r, g, b float64 }

func (c *rgb) mix(o rgb, a float64) {
	if a == 0 {
		return
	}
	c.r += (o.r - c.r) * a
	c.g += (o.g - c.g) * a
	c.b += (o.b - c.b) * a
}

func frame(n int) image.Image {
	t := float64(n) / fps
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	turn := 6 * math.Sin(1.1*t) // px that the features move sideways: a slight turn of the head
	cx, cy := 320+10*math.Sin(0.7*t), 235+6*math.Sin(1.3*t)
	open := 1.0
	if math.Mod(t, 3) < 0.16 {
		open = 0.15
	}
	for py := range height {
		for px := range width {
			img.SetRGBA(px, py, pixel(float64(px), float64(py), cx, cy, turn, open))
		}
	}
	for bit := range 16 {
		c := color.RGBA{A: 255}
		if n>>(15-bit)&1 == 1 {
			c = color.RGBA{255, 255, 255, 255}
		}
		for y := 456; y < 472; y++ {
			for x := 192 + 16*bit; x < 192+16*bit+16; x++ {
				img.SetRGBA(x, y, c)
			}
		}
	}
	return img
}

func pixel(x, y, cx, cy, turn, open float64) color.RGBA {
	c := rgb{150 + 0.05*x, 165 - 0.04*y, 175 - 0.05*y}             // wall
	c.mix(rgb{52, 66, 92}, soft(x, y, cx, 520, 190, 150, 0.04))    // shoulders
	c.mix(rgb{196, 150, 122}, soft(x, y, cx, cy+130, 46, 80, 0.1)) // neck
	c.mix(rgb{62, 44, 34}, soft(x, y, cx, cy-38, 112, 128, 0.06))  // hair
	skin := rgb{222, 178, 148}                                     // lit from the upper left
	shade := 0.35 * math.Max(0, (x-cx)/95+0.4*(y-cy)/130)          //
	skin.mix(rgb{140, 96, 74}, math.Min(0.7, shade))               //
	c.mix(skin, soft(x, y, cx, cy, 92, 124, 0.05))                 // face
	fx := cx + turn                                                // features
	c.mix(rgb{70, 48, 36}, soft(x, y, cx, cy-122, 96, 46, 0.25))   // fringe
	for _, side := range []float64{-1, 1} {                        //
		ex, ey := fx+side*37, cy-22                                      //
		c.mix(rgb{150, 108, 86}, 0.75*soft(x, y, ex, ey-4, 28, 20, 0.9)) // socket
		c.mix(rgb{58, 40, 30}, soft(x, y, ex, ey-22, 24, 6, 0.4))        // brow
		c.mix(rgb{236, 232, 228}, soft(x, y, ex, ey, 16, 8*open, 0.3))   // eye
		c.mix(rgb{44, 34, 30}, soft(x, y, ex+turn/4, ey, 7, 7*open, .3)) // iris
		c.mix(rgb{46, 32, 26}, 0.8*soft(x, y, ex, ey-7*open, 18, 3, .6)) // lid
		c.mix(rgb{214, 140, 118}, .4*soft(x, y, fx+side*48, cy+28, 24, 20, .9))
		c.mix(rgb{110, 72, 56}, 0.8*soft(x, y, fx+side*10, cy+28, 7, 4, 0.6)) // nostril
	}
	c.mix(rgb{240, 204, 178}, 0.6*soft(x, y, fx-2, cy+2, 8, 34, 0.9))   // bridge of the nose
	c.mix(rgb{150, 104, 82}, 0.5*soft(x, y, fx+12, cy+14, 8, 24, 0.9))  // its shadow
	c.mix(rgb{168, 82, 76}, soft(x, y, fx, cy+62, 34, 11, 0.35))        // lips
	c.mix(rgb{96, 40, 40}, soft(x, y, fx, cy+61, 30, 2.5, 0.6))         // mouth
	c.mix(rgb{150, 104, 82}, 0.4*soft(x, y, fx, cy+84, 26, 8, 0.9))     // below it
	c.mix(rgb{232, 190, 160}, 0.4*soft(x, y, fx-8, cy-66, 50, 24, 0.9)) // brow light
	return color.RGBA{uint8(c.r), uint8(c.g), uint8(c.b), 255}
}
