package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence/pdf/syntax"
)

// updated is a document with a form of text fields, signed once, and then updated
// with other validation data.
func (k *kit) updated(fields, updates int) []byte {
	k.t.Helper()
	doc := k.certified(prepared(k.t, wideForm(fields), 1), LevelB)
	for i := range updates {
		f, err := syntax.Open(bytes.NewReader(doc), int64(len(doc)), syntax.Limits{})
		if err != nil {
			k.t.Fatal(err)
		}
		root, ref, err := f.Root()
		if err != nil {
			k.t.Fatal(err)
		}
		u := syntax.NewUpdate(f)
		root = root.Clone()
		root["DSS"] = u.Add(syntax.Dict{"Type": syntax.Name("DSS"), "Certs": syntax.Array{u.Add(&syntax.Stream{Dict: syntax.Dict{}, Data: fmt.Append(nil, i)})}})
		u.Set(ref, root)
		tail, err := u.Append(nil)
		if err != nil {
			k.t.Fatal(err)
		}
		doc = append(doc, tail.Bytes...)
	}
	return doc
}

// wideForm is an unsigned document with many text fields on one page.
func wideForm(fields int) []byte {
	var b bytes.Buffer
	var offs []int
	b.WriteString("%PDF-1.7\n")
	obj := func(format string, args ...any) {
		offs = append(offs, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offs), fmt.Sprintf(format, args...))
	}
	var list strings.Builder
	for i := range fields {
		fmt.Fprintf(&list, "%d 0 R ", 5+i)
	}
	obj("<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>")
	obj("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	obj("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[%s]>>", &list)
	obj("<</Fields[%s]/DA(/Helv 0 Tf 0 g)>>", &list)
	for i := range fields {
		obj("<</Type/Annot/Subtype/Widget/FT/Tx/T(field %d)/TU(What goes in here)/F 4/Ff 4096/P 3 0 R/Rect[%d %d %d %d]/DA(/Helv 0 Tf 0 g)/MK<</BC[0 0 0]>>>>", i, i%500, i/500, i%500+1, i/500+1)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offs)+1)
	for _, o := range offs {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offs)+1, at)
	return b.Bytes()
}

// BenchmarkVerifyUpdates verifies forms with few and with many updates behind their
// signature: what one of them costs stays the same.
func BenchmarkVerifyUpdates(b *testing.B) {
	k := newKit(b)
	for _, of := range []struct{ fields, updates int }{{900, 300}, {9000, 30}, {9000, 300}} {
		doc := k.updated(of.fields, of.updates)
		b.Run(fmt.Sprintf("fields=%d/updates=%d", of.fields, of.updates), func(b *testing.B) {
			for b.Loop() {
				r, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: k.roots(), At: noon.Add(time.Hour)})
				if err != nil || !r.OK || len(r.Revisions) != of.updates {
					b.Fatal(err, len(r.Revisions), r.Findings)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N*of.updates), "ms/update")
		})
	}
}

// TestUpdatesCost: what stands in a document is parsed once, not once for every
// update that follows.
func TestUpdatesCost(t *testing.T) {
	k := newKit(t)
	doc := k.updated(2000, 20)
	o := Options{Roots: k.roots(), At: noon.Add(time.Hour)}
	o.Limits.Work = 12 << 20
	r, err := Verify(bytes.NewReader(doc), int64(len(doc)), o)
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r, 1)
	if len(r.Revisions) != 20 {
		t.Errorf("%d updates", len(r.Revisions))
	}
}
