package page

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence/pdf/font"
)

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// full is a document with one of everything, in three languages.
func full(t *testing.T) []byte {
	t.Helper()
	d := New(Config{Title: "Lettre de dépôt", Author: "Inkwitness", Language: "fr", Footer: "0001", Created: time.Unix(1795435200, 0)})
	d.Heading(1, "Letter of deposit")
	d.Paragraph("English text with a digest " + strings.Repeat("0123456789abcdef", 8))
	d.Heading(2, "Lettre de dépôt")
	d.Paragraph("Où l'on vérifie sans nous : « œuvre », 12 €.")
	d.Heading(3, "存證信")
	d.Paragraph(strings.Repeat("簡體中文简体，繁體字。", 20))
	d.Small("small")
	d.Table(Table{Widths: []float64{1, 2}, Header: []string{"Kopf", "數值"}, Rows: make3(80)})
	d.Ink([][]Point{{{0, 0, 0.2}, {10, 5, 0.9}, {20, 0, 0.5}}, {{5, 5, 1}}}, 60)
	img := image.NewRGBA(image.Rect(0, 0, 20, 10))
	for x := range 20 {
		img.Set(x, x/2, color.RGBA{200, 0, 0, 255})
	}
	d.Image(img, 100)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	d.JPEG(b.Bytes(), 100)
	b.Reset()
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func make3(n int) (rows [][]string) {
	for range n {
		rows = append(rows, []string{"row", "value 值", "a column too many"})
	}
	return rows
}

// TestDocument has the document read by other programs.
func TestDocument(t *testing.T) {
	doc := full(t)
	if !bytes.Equal(doc, full(t)) {
		t.Error("the same calls give other bytes")
	}
	path := filepath.Join(t.TempDir(), "d.pdf")
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := tool(t, "qpdf", "--check", path); strings.Contains(out, "WARNING") {
		t.Error(out)
	}
	text := tool(t, "pdftotext", "-layout", path, "-")
	for _, want := range []string{"Letter of deposit", "« œuvre », 12 €.", "存證信", "簡體中文简体，繁體字。", "Kopf", "1/3", "3/3"} {
		if !strings.Contains(strings.ReplaceAll(text, " / ", "/"), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(text, "Kopf"); n != 3 {
		t.Errorf("the table's header stands on %d pages, want 3", n)
	}
	if strings.Contains(text, "too many") {
		t.Error("a cell without a column was written")
	}
	info := tool(t, "pdfinfo", path)
	for _, want := range []string{"Lettre de dépôt", "A4", "Pages:           3"} {
		if !strings.Contains(info, want) {
			t.Errorf("pdfinfo lacks %q:\n%s", want, info)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(tool(t, "pdffonts", path)), "\n")[2:] {
		if !strings.Contains(line, "yes yes yes") {
			t.Errorf("font not embedded: %s", line)
		}
	}
	if n := strings.Count(tool(t, "pdfimages", "-list", path), "rgb"); n != 2 {
		t.Errorf("%d images, want 2", n)
	}
}

func TestErrors(t *testing.T) {
	for name, spoil := range map[string]func(d *Document){
		"not a JPEG":  func(d *Document) { d.JPEG([]byte("no"), 10) },
		"no columns":  func(d *Document) { d.Table(Table{}) },
		"empty image": func(d *Document) { d.Image(image.NewRGBA(image.Rectangle{}), 10) },
	} {
		d := New(Config{})
		spoil(d)
		d.Paragraph("after")
		if err := d.Write(&bytes.Buffer{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWrap(t *testing.T) {
	fonts := font.NewSet()
	for _, tt := range []struct {
		text  string
		width float64
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two", 100, []string{"one two"}},
		{"one two", 2.5, []string{"one", "two"}},
		{"a\nb", 100, []string{"a", "b"}},
		{"同意書面", 2, []string{"同意", "書面"}},
		{"同意。書", 2, []string{"同", "意。", "書"}}, // no line begins with a full stop
	} {
		got, err := wrap(fonts, tt.text, font.Regular, tt.width)
		if err != nil || strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("%q: %q, error %v", tt.text, got, err)
		}
		for _, l := range got {
			if w, _ := fonts.Width(l, font.Regular); w > tt.width && len([]rune(l)) > 2 {
				t.Errorf("%q is %v wide", l, w)
			}
		}
	}
}

// TestSlope checks that a curve stays between its points in each coordinate.
func TestSlope(t *testing.T) {
	for _, tt := range []struct{ a, b, c, want float64 }{
		{0, 1, 2, 1}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 1, 100, 3}, {2, 1, 0, -1}, {5, 5, 5, 0},
	} {
		if got := slope(tt.a, tt.b, tt.c); got != tt.want {
			t.Errorf("slope(%v, %v, %v) = %v, want %v", tt.a, tt.b, tt.c, got, tt.want)
		}
	}
}

// TestInkOdd draws what is no handwriting: nothing is written, or something
// finite.
func TestInkOdd(t *testing.T) {
	for _, strokes := range [][][]Point{nil, {{}}, {{{math.NaN(), 0, 1}}}, {{{math.Inf(1), 0, 1}, {0, 0, 1}}}, {{{5, 5, 1}}}, {{{5, 5, 2}, {5, 5, -1}}}} {
		c := NewCanvas(font.NewSet())
		c.Ink(strokes, Box{0, 0, 100, 50})
		if s := string(c.Bytes()); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%v draws %s", strokes, s)
		}
	}
}

// A heading stands on the page of what it heads, wherever on a page it comes.
func TestHeadingStaysWithItsTable(t *testing.T) {
	for level := 1; level <= 3; level++ {
		for skip := 0.0; skip < pageHeight; skip += 3 {
			d := New(Config{Title: "Report", Language: "en"})
			d.Paragraph("Before.")
			d.Space(skip)
			d.Heading(level, "Origin")
			pages := len(d.pages)
			d.Table(Table{Widths: []float64{1}, Rows: [][]string{{"A file"}}})
			if len(d.pages) != pages {
				t.Fatalf("a heading of level %d, %g points down, is left alone at the foot", level, skip)
			}
		}
	}
}
