// Package page writes simple reports as PDF: headings, paragraphs, tables,
// images and handwriting, with embedded fonts for Latin, Greek, Cyrillic and
// CJK text, broken into lines and pages.
//
// The same calls always give the same bytes. It is not a typesetter: text runs
// from left to right in one column, without hyphenation.
package page

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // to read the size of a JPEG
	"io"
	"time"

	"inkwitness/evidence/pdf/font"
	"inkwitness/evidence/pdf/syntax"
)

// Config describes a document. The zero value is an untitled A4 document.
type Config struct {
	Title    string
	Author   string
	Language string    // BCP 47, such as "fr" or "zh-Hant"
	Created  time.Time // left out when zero
	Footer   string    // at the foot of each page, beside the page number
}

// Dimensions in points: A4 with margins of 25 mm at the sides.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
	marginX    = 71
	marginTop  = 64
	marginFoot = 64
	textWidth  = pageWidth - 2*marginX
	bodySize   = 10.0
	leading    = 1.4
)

// Document is a report in the making. Errors stick: Write returns the first.
type Document struct {
	cfg    Config
	update *syntax.Update
	fonts  *font.Set
	pages  []*Canvas
	images syntax.Dict
	y      float64 // of the next line's top
	err    error
}

// New returns an empty document.
func New(cfg Config) *Document {
	return &Document{cfg: cfg, update: syntax.NewUpdate(nil), fonts: font.NewSet(), images: syntax.Dict{}}
}

// canvas returns the current page, or a new one when less than h points are
// left on it.
func (d *Document) canvas(h float64) *Canvas {
	if len(d.pages) == 0 || d.y-h < marginFoot {
		d.Break()
	}
	return d.pages[len(d.pages)-1]
}

// Break begins a new page.
func (d *Document) Break() {
	d.pages = append(d.pages, NewCanvas(d.fonts))
	d.y = pageHeight - marginTop
}

// Space leaves points of room.
func (d *Document) Space(points float64) { d.y -= points }

func (d *Document) keep(err error) {
	if d.err == nil {
		d.err = err
	}
}

// Heading writes a heading, level 1 the largest of 3.
func (d *Document) Heading(level int, text string) {
	size := []float64{18, 13, 11}[min(max(level, 1), 3)-1]
	if len(d.pages) > 0 && d.y < pageHeight-marginTop {
		d.Space(size * 0.8)
	}
	d.canvas(size*leading + size*0.3 + together) // a heading is not left alone at the foot
	d.lines(text, size, font.Bold)
	d.Space(size * 0.3)
}

// together is what stays on one page: the beginning of a table, and a heading with what
// follows it.
const together = 4 * bodySize * leading

// Paragraph writes text; line feeds in it break the line.
func (d *Document) Paragraph(text string) {
	d.lines(text, bodySize, font.Regular)
	d.Space(bodySize * 0.6)
}

// Small writes text in a smaller size, for captions and digests.
func (d *Document) Small(text string) {
	d.lines(text, bodySize*0.8, font.Regular)
	d.Space(bodySize * 0.6)
}

func (d *Document) lines(text string, size float64, style font.Style) {
	lines, err := wrap(d.fonts, text, style, textWidth/size)
	d.keep(err)
	for _, l := range lines {
		c := d.canvas(size * leading)
		d.keep(c.Text(marginX, d.y-size, size, style, l))
		d.y -= size * leading
	}
}

// Table is rows of text under an optional header.
type Table struct {
	Widths []float64 // parts of the width for each column
	Header []string
	Rows   [][]string
}

// Table writes a table. A row stays on one page; the header is repeated.
func (d *Document) Table(t Table) {
	total := 0.0
	for _, w := range t.Widths {
		total += w
	}
	if total <= 0 {
		d.keep(errors.New("page: a table without columns"))
		return
	}
	head := func() {
		if len(t.Header) > 0 {
			d.row(t.Header, t.Widths, total, font.Bold)
		}
	}
	d.canvas(together)
	head()
	for _, r := range t.Rows {
		before := len(d.pages)
		d.canvas(d.rowHeight(r, t.Widths, total))
		if len(d.pages) > before {
			head()
		}
		d.row(r, t.Widths, total, font.Regular)
	}
	d.Space(bodySize)
}

const (
	cellSize = 9.0
	cellPad  = 4.0
)

// cells wraps the text of a row's cells.
func (d *Document) cells(row []string, widths []float64, total float64, style font.Style) (cells [][]string, height float64) {
	most := 1
	for i, w := range widths {
		var lines []string
		if i < len(row) {
			var err error
			lines, err = wrap(d.fonts, row[i], style, (textWidth*w/total-2*cellPad)/cellSize)
			d.keep(err)
		}
		cells = append(cells, lines)
		most = max(most, len(lines))
	}
	return cells, float64(most)*cellSize*leading + cellPad
}

func (d *Document) rowHeight(row []string, widths []float64, total float64) float64 {
	_, h := d.cells(row, widths, total, font.Regular)
	return min(h, pageHeight-marginTop-marginFoot-2*cellSize*leading)
}

func (d *Document) row(row []string, widths []float64, total float64, style font.Style) {
	cells, h := d.cells(row, widths, total, style)
	c := d.canvas(min(h, pageHeight-marginTop-marginFoot))
	x := float64(marginX)
	for i, lines := range cells {
		y := d.y - cellPad/2 - cellSize
		for _, l := range lines {
			d.keep(c.Text(x+cellPad, y, cellSize, style, l))
			y -= cellSize * leading
		}
		x += textWidth * widths[i] / total
	}
	d.y -= h
	c.Gray(0.7)
	c.Line(marginX, d.y, marginX+textWidth, d.y, 0.5)
	c.Gray(0)
}

// Ink draws handwriting in a frame of the given height.
func (d *Document) Ink(strokes [][]Point, height float64) {
	c := d.canvas(height)
	d.y -= height
	c.Gray(0.7)
	c.Line(marginX, d.y, marginX+textWidth, d.y, 0.5)
	c.Gray(0)
	c.Ink(strokes, Box{marginX, d.y + 2, textWidth, height - 2})
	d.Space(bodySize)
}

// Bounds of an image: the larger side, and its height on the page.
const maxPixels = 40_000_000

// JPEG places a JPEG file unchanged, at most width points wide.
func (d *Document) JPEG(data []byte, width float64) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || format != "jpeg" {
		d.keep(fmt.Errorf("page: not a JPEG: %w", errors.Join(err)))
		return
	}
	space := syntax.Name("DeviceRGB")
	switch cfg.ColorModel {
	case color.GrayModel:
		space = "DeviceGray"
	case color.CMYKModel:
		d.keep(errors.New("page: a JPEG in CMYK"))
		return
	}
	dict := imageDict(cfg.Width, cfg.Height, space)
	dict["Filter"] = syntax.Name("DCTDecode")
	d.place(&syntax.Stream{Dict: dict, Data: data}, cfg.Width, cfg.Height, width)
}

// Image places a picture over white, at most width points wide.
func (d *Document) Image(img image.Image, width float64) {
	b := img.Bounds()
	if b.Dx() <= 0 || b.Dy() <= 0 || b.Dx()*b.Dy() > maxPixels {
		d.keep(fmt.Errorf("page: an image of %d by %d pixels", b.Dx(), b.Dy()))
		return
	}
	data := make([]byte, 0, 3*b.Dx()*b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, a := img.At(x, y).RGBA() // premultiplied, so white shows through by adding
			white := 0xffff - a
			data = append(data, byte((r+white)>>8), byte((g+white)>>8), byte((bl+white)>>8))
		}
	}
	d.place(syntax.Deflate(imageDict(b.Dx(), b.Dy(), "DeviceRGB"), data), b.Dx(), b.Dy(), width)
}

func imageDict(w, h int, space syntax.Name) syntax.Dict {
	return syntax.Dict{"Type": syntax.Name("XObject"), "Subtype": syntax.Name("Image"),
		"Width": w, "Height": h, "ColorSpace": space, "BitsPerComponent": 8}
}

func (d *Document) place(st *syntax.Stream, w, h int, width float64) {
	if w <= 0 || h <= 0 {
		d.keep(errors.New("page: an empty image"))
		return
	}
	name := fmt.Sprintf("Im%d", len(d.images)+1)
	d.images[syntax.Name(name)] = d.update.Add(st)
	width = min(width, textWidth)
	height := width * float64(h) / float64(w)
	if most := float64(pageHeight - marginTop - marginFoot); height > most {
		width, height = width*most/height, most
	}
	c := d.canvas(height)
	d.y -= height
	c.Draw(name, Box{marginX, d.y, width, height})
	d.Space(bodySize * 0.6)
}

// Write writes the document. It can be called once.
func (d *Document) Write(w io.Writer) error {
	if len(d.pages) == 0 {
		d.Break()
	}
	d.feet()
	if d.err != nil {
		return fmt.Errorf("lay out report: %w", d.err)
	}
	tail, err := d.update.Append(d.finish())
	if err != nil {
		return err
	}
	_, err = w.Write(tail.Bytes)
	return err
}

// feet writes the footers, when the number of pages is known.
func (d *Document) feet() {
	const size = 8
	for i, c := range d.pages {
		number := fmt.Sprintf("%d / %d", i+1, len(d.pages))
		w, err := d.fonts.Width(number, font.Regular)
		d.keep(err)
		c.Gray(0.35)
		d.keep(c.Text(marginX, marginFoot/2, size, font.Regular, d.cfg.Footer))
		d.keep(c.Text(pageWidth-marginX-w*size, marginFoot/2, size, font.Regular, number))
		c.Gray(0)
	}
}

// finish adds fonts, pages and catalogue and returns the trailer's entries.
func (d *Document) finish() syntax.Dict {
	u := d.update
	resources := u.Add(syntax.Dict{"Font": d.fonts.Embed(u.Add), "XObject": d.images})
	tree := u.Reserve()
	kids := syntax.Array{}
	for _, c := range d.pages {
		kids = append(kids, u.Add(syntax.Dict{
			"Type": syntax.Name("Page"), "Parent": tree, "Resources": resources,
			"MediaBox": syntax.Array{0, 0, pageWidth, pageHeight},
			"Contents": u.Add(syntax.Deflate(syntax.Dict{}, c.Bytes())),
		}))
	}
	u.Set(tree, syntax.Dict{"Type": syntax.Name("Pages"), "Kids": kids, "Count": len(kids)})
	root := syntax.Dict{"Type": syntax.Name("Catalog"), "Pages": tree,
		"ViewerPreferences": syntax.Dict{"DisplayDocTitle": true}}
	if d.cfg.Language != "" {
		root["Lang"] = syntax.String(d.cfg.Language)
	}
	return syntax.Dict{"Root": u.Add(root), "Info": u.Add(d.info())}
}

func (d *Document) info() syntax.Dict {
	info := syntax.Dict{"Producer": syntax.String("Inkwitness")}
	if d.cfg.Title != "" {
		info["Title"] = syntax.Text(d.cfg.Title)
	}
	if d.cfg.Author != "" {
		info["Author"] = syntax.Text(d.cfg.Author)
	}
	if !d.cfg.Created.IsZero() {
		info["CreationDate"] = syntax.Date(d.cfg.Created)
	}
	return info
}
