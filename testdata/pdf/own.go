//go:build ignore

// Command own writes the PDFs of this folder that no common tool writes:
// structures that the specification allows and few programs use, and files
// that must be refused. Run it from this folder: go run own.go
package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"strings"
	"time"

	"inkwitness/evidence/pdf/page"
)

func main() {
	log.SetFlags(0)
	good()
	bad()
}

func write(name string, b []byte) {
	if err := os.WriteFile(name, b, 0o644); err != nil {
		log.Fatal(err)
	}
}

// file lays objects out as a PDF with a cross-reference table. objs[i] is the
// body of object i+1.
type file struct {
	bytes.Buffer
	offsets map[int]int
	size    int
	prev    int
}

func newFile(version string) *file {
	f := &file{offsets: map[int]int{}, size: 1}
	f.WriteString("%PDF-" + version + "\n%\xE2\xE3\xCF\xD3\n")
	return f
}

func (f *file) obj(num int, body string) {
	f.offsets[num] = f.Len()
	f.size = max(f.size, num+1)
	fmt.Fprintf(f, "%d 0 obj\n%s\nendobj\n", num, body)
}

func (f *file) stream(num int, dict, data string) {
	f.obj(num, fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data))
}

// table ends a revision with a cross-reference table.
func (f *file) table(trailer string) {
	at := f.Len()
	f.WriteString("xref\n")
	if f.prev == 0 {
		f.WriteString("0 1\n0000000000 65535 f \n")
	}
	for n := 1; n < f.size; n++ {
		if off, ok := f.offsets[n]; ok {
			fmt.Fprintf(f, "%d 1\n%010d 00000 n \n", n, off)
		}
	}
	if f.prev > 0 {
		trailer += fmt.Sprintf("/Prev %d", f.prev)
	}
	fmt.Fprintf(f, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", f.size, trailer, at)
	f.prev = at
	f.offsets = map[int]int{}
}

const helvetica = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"

func text(s string) string { return "BT /F1 18 Tf 72 700 Td (" + s + ") Tj ET" }

// simple is one page that says s. extra goes into the catalogue.
func simple(version, s, extra string) *file {
	f := newFile(version)
	f.obj(1, "<</Type/Catalog/Pages 2 0 R"+extra+">>")
	f.obj(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>")
	f.obj(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>")
	f.obj(4, helvetica)
	f.stream(5, "", text(s))
	return f
}

func done(name string, f *file, trailer string) {
	f.table(trailer)
	write(name, f.Bytes())
}

func good() {
	rotated()
	hybrid()
	form()
	indirect()
	incremental()
	done("own-pdf20.pdf", simple("2.0", "PDF 2.0, with ID", ""), "/ID[<00112233445566778899AABBCCDDEEFF><00112233445566778899AABBCCDDEEFF>]")
	unit()
	layers()
	reals()
	many()
	report()
}

// rotated has a page for every rotation, with crop boxes whose corner is not
// the origin; two inherit it from the page tree.
func rotated() {
	f := newFile("1.6")
	f.obj(1, "<</Type/Catalog/Pages 2 0 R>>")
	f.obj(2, "<</Type/Pages/Kids[3 0 R 4 0 R 7 0 R]/Count 4/MediaBox[-20 -30 575 812]/Resources<</Font<</F1 10 0 R>>>>>>")
	f.obj(3, "<</Type/Page/Parent 2 0 R/CropBox[0 0 500 700]/Contents 9 0 R>>")
	f.obj(4, "<</Type/Page/Parent 2 0 R/Rotate 90/CropBox[10 20 510 720]/Contents 9 0 R>>")
	f.obj(5, "<</Type/Page/Parent 7 0 R/CropBox[500 700 0 0]/Contents 9 0 R>>")
	f.obj(6, "<</Type/Page/Parent 7 0 R/Rotate -90/MediaBox[0 0 300 400]/Contents 9 0 R>>")
	f.obj(7, "<</Type/Pages/Parent 2 0 R/Kids[5 0 R 6 0 R]/Count 2/Rotate 180>>")
	f.stream(9, "", "BT /F1 18 Tf 60 300 Td (Which way is up?) Tj ET")
	f.obj(10, helvetica)
	done("own-rotated.pdf", f, "")
}

// hybrid is a table for old readers and a stream with the objects that only new
// readers know. As word processors write it, the table of the last section is
// empty, so that the stream comes before the free entries of the first one. In
// the other form both stand in one section, and most readers find object 5 free.
func hybrid() {
	f := simple("1.5", "Hybrid cross-reference", "")
	five := f.offsets[5]
	pack := "4 0 " + helvetica
	off6 := f.Len()
	f.stream(6, fmt.Sprintf("/Type/ObjStm/N 1/First %d", 4), pack)
	off7 := f.Len()
	entries := []byte{
		2, 0, 6, 0, // object 4: first in object stream 6
		1, byte(five >> 8), byte(five), 0,
		1, byte(off6 >> 8), byte(off6), 0,
		1, byte(off7 >> 8), byte(off7), 0,
	}
	f.stream(7, "/Type/XRef/Size 8/Root 1 0 R/W[1 2 1]/Index[4 4]", string(entries))
	at := f.Len()
	f.WriteString("xref\n0 8\n0000000000 65535 f \n")
	for n := 1; n <= 7; n++ {
		if n <= 3 {
			fmt.Fprintf(f, "%010d 00000 n \n", f.offsets[n])
		} else {
			f.WriteString("0000000000 00000 f \n")
		}
	}
	head := f.String()
	fmt.Fprintf(f, "trailer\n<</Size 8/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n", off7, at)
	write("bad/hybrid.pdf", f.Bytes())

	head += fmt.Sprintf("trailer\n<</Size 8/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", at)
	last := len(head)
	head += fmt.Sprintf("xref\n0 0\ntrailer\n<</Size 8/Root 1 0 R/Prev %d/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n", at, off7, last)
	write("own-hybrid.pdf", []byte(head))
}

// form has a text field, a check box and an empty signature field of its own.
func form() {
	f := simple("1.7", "A form", "/AcroForm 6 0 R")
	f.obj(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R/Annots[7 0 R 8 0 R 9 0 R]>>")
	f.obj(6, "<</Fields[7 0 R 8 0 R 12 0 R]/DR<</Font<</F1 4 0 R>>>>/DA(/F1 12 Tf 0 g)>>")
	f.obj(7, "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Ada)/Rect[72 600 272 620]/F 4/P 3 0 R/AP<</N 10 0 R>>>>")
	f.obj(8, "<</Type/Annot/Subtype/Widget/FT/Btn/T(agree)/V/Off/AS/Off/Rect[72 570 84 582]/F 4/P 3 0 R/AP<</N<</Yes 11 0 R/Off 11 0 R>>>>>>")
	f.obj(9, "<</Type/Annot/Subtype/Widget/Parent 12 0 R/Rect[300 100 500 160]/F 4/P 3 0 R>>")
	f.stream(10, "/Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F1 4 0 R>>>>", "/Tx BMC BT /F1 12 Tf 2 5 Td (Ada) Tj ET EMC")
	f.stream(11, "/Type/XObject/Subtype/Form/BBox[0 0 12 12]", "0 0 12 12 re S")
	f.obj(12, "<</FT/Sig/T(theirs)/Kids[9 0 R]>>")
	done("own-form.pdf", f, "")
}

// indirect keeps in objects of their own what most programs write inline.
func indirect() {
	f := newFile("1.4")
	f.obj(1, "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 8 0 R/DA(/F1 0 Tf)>>>>")
	f.obj(2, "<</Type/Pages/Kids 9 0 R/Count 10 0 R>>")
	f.obj(3, "<</Type/Page/Parent 2 0 R/MediaBox 11 0 R/Rotate 12 0 R/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R/Annots 7 0 R>>")
	f.obj(4, helvetica)
	f.obj(5, fmt.Sprintf("<</Length 13 0 R>>\nstream\n%s\nendstream", text("Everything is indirect")))
	f.obj(7, "[]")
	f.obj(8, "[]")
	f.obj(9, "[3 0 R]")
	f.obj(10, "1")
	f.obj(11, "[0 0 14 0 R 842.5]")
	f.obj(12, "270")
	f.obj(13, fmt.Sprint(len(text("Everything is indirect"))))
	f.obj(14, "595")
	done("own-indirect.pdf", f, "")
}

// incremental was changed twice after it was first written, and one object
// freed.
func incremental() {
	f := simple("1.5", "First version", "")
	f.obj(6, "(to be deleted)")
	f.table("/ID[(one) (one)]")
	f.stream(5, "", text("Second version"))
	f.table("/ID[(one) (two)]")
	at := f.Len()
	fmt.Fprintf(f, "xref\n6 1\n0000000000 00001 f \ntrailer\n<</Size 7/Root 1 0 R/Prev %d/ID[(one)(three)]>>\nstartxref\n%d\n%%%%EOF", f.prev, at)
	write("own-incremental.pdf", f.Bytes())
}

// unit has a page of 100 by 150 units of 3 points.
func unit() {
	f := simple("1.7", "", "")
	f.obj(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 150]/UserUnit 3.0/Rotate 90/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>")
	f.stream(5, "", "BT /F1 8 Tf 10 100 Td (User unit) Tj ET")
	done("own-userunit.pdf", f, "")
}

func layers() {
	f := simple("1.7", "", "/OCProperties<</OCGs[6 0 R]/D<</Order[6 0 R]/ON[6 0 R]>>>>")
	f.obj(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>/Properties<</L1 6 0 R>>>>/Contents 5 0 R>>")
	f.stream(5, "", "/OC /L1 BDC "+text("On a layer")+" EMC")
	f.obj(6, "<</Type/OCG/Name(Layer)>>")
	done("own-layers.pdf", f, "")
}

// reals has numbers that a careless writer rounds or turns into integers.
func reals() {
	f := simple("1.7", "Many decimals", "")
	f.obj(3, "<</Type/Page/Parent 2 0 R/MediaBox[0.0 -0.0 595.27559055118 842.]/CropBox[.5 .25 595.2755905512 841.8897637795]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>")
	done("own-reals.pdf", f, "")
}

// many has 300 pages in a tree of three levels.
func many() {
	f := newFile("1.7")
	f.obj(1, "<</Type/Catalog/Pages 2 0 R>>")
	var kids strings.Builder
	next := 10
	for range 15 {
		node := next
		next++
		var leaves strings.Builder
		for range 20 {
			fmt.Fprintf(&leaves, "%d 0 R ", next)
			f.obj(next, fmt.Sprintf("<</Type/Page/Parent %d 0 R/Contents 5 0 R>>", node))
			next++
		}
		f.obj(node, fmt.Sprintf("<</Type/Pages/Parent 2 0 R/Kids[%s]/Count 20>>", leaves.String()))
		fmt.Fprintf(&kids, "%d 0 R ", node)
	}
	f.obj(2, "<</Type/Pages/Kids["+kids.String()+"]/Count 300/MediaBox[0 0 420 595]/Resources<</Font<</F1 4 0 R>>>>>>")
	f.obj(4, helvetica)
	f.stream(5, "", "BT /F1 18 Tf 60 300 Td (One of 300) Tj ET")
	done("own-many-pages.pdf", f, "")
}

// report comes from our own report writer.
func report() {
	d := page.New(page.Config{Title: "Report", Author: "Inkwitness", Language: "zh-Hant", Footer: "Deposit 0001",
		Created: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	d.Heading(1, "Letter of deposit · Lettre de dépôt · 存證信")
	d.Paragraph("This letter says what the deposit holds and how to check it. Cette lettre dit ce que contient le dépôt.")
	d.Paragraph(strings.Repeat("本函說明存證內容，以及如何在沒有我們的情況下查驗。", 6))
	var rows [][]string
	for i := range 60 {
		rows = append(rows, []string{fmt.Sprint(i + 1), "data/file-" + fmt.Sprint(i), strings.Repeat("0123456789abcdef", 4)})
	}
	d.Table(page.Table{Widths: []float64{1, 4, 8}, Header: []string{"#", "File", "SHA-256"}, Rows: rows})
	d.Image(gradient(), 200)
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		log.Fatal(err)
	}
	write("own-report.pdf", b.Bytes())
}

func gradient() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 64, 32))
	for y := range 32 {
		for x := range 64 {
			img.Set(x, y, color.RGBA{byte(4 * x), byte(8 * y), 128, 255})
		}
	}
	return img
}

func bad() {
	whole := simple("1.7", "Cut off", "")
	whole.table("")
	write("bad/truncated.pdf", whole.Bytes()[:whole.Len()-120])
	write("bad/empty.pdf", nil)
	write("bad/junk-first.pdf", append([]byte("MZ this is something else\n"), whole.Bytes()...))
	var p bytes.Buffer
	if err := png.Encode(&p, gradient()); err != nil {
		log.Fatal(err)
	}
	write("bad/picture.pdf", p.Bytes())

	done("bad/script-open.pdf", simple("1.7", "Script", "/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"), "")
	names := simple("1.7", "Script", "/Names<</JavaScript 6 0 R>>")
	names.obj(6, "<</Names[(x) 7 0 R]>>")
	names.obj(7, "<</S/JavaScript/JS(this.print\\(\\))>>")
	done("bad/script-names.pdf", names, "")
	hidden := simple("1.7", "Script nobody refers to", "")
	hidden.obj(6, "<</S/JavaScript/JS(1)>>")
	done("bad/script-unreferenced.pdf", hidden, "")
	done("bad/xfa.pdf", simple("1.7", "XFA", "/AcroForm<</Fields[]/XFA[(template) 5 0 R]>>"), "")
	done("bad/launch.pdf", simple("1.7", "Launch", "/OpenAction<</S/Launch/F(calc.exe)>>"), "")
	done("bad/script-link.pdf", simple("1.7", "Script link", "/OpenAction<</S/URI/URI(JavaScript:alert\\(1\\))>>"), "")
	done("bad/other-file.pdf", simple("1.7", "Other file", "/OpenAction<</S/GoToR/F(other.pdf)/D[0/Fit]>>"), "")
	outside := simple("1.7", "Content elsewhere", "")
	outside.stream(5, "/F(content.txt)", text("Content here"))
	done("bad/other-file-content.pdf", outside, "")
	quoted := simple("1.7", "Page of another file", "")
	quoted.stream(6, "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Ref<</F(other.pdf)/Page 0>>", "")
	done("bad/other-file-page.pdf", quoted, "")
	embedded := simple("1.7", "Embedded file", "/Names<</EmbeddedFiles<</Names[(a.txt) 6 0 R]>>>>")
	embedded.obj(6, "<</Type/Filespec/F(a.txt)/EF<</F 7 0 R>>>>")
	embedded.stream(7, "/Type/EmbeddedFile", "secret")
	done("bad/embedded-file.pdf", embedded, "")
	media := simple("1.7", "Media", "")
	media.obj(6, "<</Type/Annot/Subtype/RichMedia/Rect[0 0 10 10]>>")
	done("bad/rich-media.pdf", media, "")

	loop := simple("1.7", "Loop", "")
	done("bad/xref-loop.pdf", loop, fmt.Sprintf("/Prev %d", loop.Len()))
	tree := simple("1.7", "Loop", "")
	tree.obj(2, "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 2>>")
	done("bad/page-loop.pdf", tree, "")
	none := simple("1.7", "No pages", "")
	none.obj(2, "<</Type/Pages/Kids[]/Count 0>>")
	done("bad/no-pages.pdf", none, "")
	done("bad/twice-defined.pdf", twice(), "")
	deep := simple("1.7", "Deep", "")
	deep.obj(6, strings.Repeat("[", 5000)+strings.Repeat("]", 5000))
	done("bad/deep-nesting.pdf", deep, "")

	huge := simple("1.7", "Huge", "")
	at := huge.Len()
	fmt.Fprintf(huge, "xref\n0 2147483647\n0000000000 65535 f \ntrailer\n<</Size 2147483647/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", at)
	write("bad/huge-count.pdf", huge.Bytes())
	bomb()
}

// twice names two page trees under one key: readers disagree on which counts.
func twice() *file {
	f := simple("1.7", "Twice", "")
	f.obj(1, "<</Type/Catalog/Pages 2 0 R/Pages 6 0 R>>")
	f.obj(6, "<</Type/Pages/Kids[3 0 R]/Count 1>>")
	return f
}

// bomb is an object stream that decompresses to 200 MB.
func bomb() {
	f := simple("1.7", "Bomb", "")
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	w.Write([]byte("8 0 null "))
	zeros := make([]byte, 1<<20)
	for range 200 {
		w.Write(zeros)
	}
	w.Close()
	// Twice compressed: 200 MB become 200 KB, and those 1 KB.
	var zz bytes.Buffer
	w, _ = zlib.NewWriterLevel(&zz, zlib.BestCompression)
	w.Write(z.Bytes())
	w.Close()
	f.stream(6, "/Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]", zz.String())
	off6 := f.offsets[6]
	off7 := f.Len()
	b2 := func(n int) []byte { return []byte{byte(n >> 8), byte(n)} }
	var e []byte
	for n := 1; n <= 5; n++ {
		e = append(append(append(e, 1), b2(f.offsets[n])...), 0)
	}
	e = append(append(append(e, 1), b2(off6)...), 0)
	e = append(append(append(e, 1), b2(off7)...), 0)
	e = append(e, 2, 0, 6, 0)
	f.stream(7, "/Type/XRef/Size 9/Root 1 0 R/W[1 2 1]/Index[1 8]", string(e))
	fmt.Fprintf(f, "startxref\n%d\n%%%%EOF\n", off7)
	write("bad/bomb.pdf", f.Bytes())
}
