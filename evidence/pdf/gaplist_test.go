package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"inkwitness/evidence/pdf/syntax"
)

// drawing is the change of contract whose page draws an object that it lacks.
func drawing(ref string) []string {
	return []string{"/Resources<</Font<</F1 4 0 R>>>>/Contents", "/Resources<</Font<</F1 4 0 R>>/XObject<</X " + ref + ">>>>/Contents",
		"/Length 44>>\nstream\nBT", "/Length 50>>\nstream\n/X Do BT"}
}

var forgedForm = &syntax.Stream{Dict: syntax.Dict{"Type": syntax.Name("XObject"), "Subtype": syntax.Name("Form"), "BBox": boxArray([4]float64{0, 0, 400, 400}),
	"Resources": syntax.Dict{"Font": syntax.Dict{"F1": syntax.Ref{Num: objFont}}}}, Data: []byte("BT /F1 24 Tf 40 340 Td (AND ALSO 999999 EUROS) Tj ET")}

// gapped is a contract with a gap, signed by Ada.
func (k *kit) gapped(swap ...string) []byte {
	return k.certified(prepared(k.t, contract(swap...), 2), LevelB)
}

// filledIn brings an object in.
func (k *kit) filledIn(doc []byte, num int, o syntax.Object) []byte {
	return k.appended(doc, nil, func(u *syntax.Update, _ *syntax.File) { u.Set(syntax.Ref{Num: num}, o) })
}

// gapVectors were signed with a part missing, which a later revision brings.
func gapVectors() []vector {
	filled := func(o syntax.Object, swap ...string) func(*kit) []byte {
		return func(k *kit) []byte { return k.filledIn(k.gapped(swap...), 90, o) }
	}
	followed := func(swap ...string) func(*kit) []byte {
		return func(k *kit) []byte { return k.filledIn(k.gapped(swap...), 91, syntax.String("listed")) }
	}
	bad := codes(FilledIn)
	return []vector{
		{"gap-left.pdf", nil, "a page refers to an object that does not exist, as honest documents do; it is left alone and signed twice", func(k *kit) []byte {
			return sign(k.t, k.gapped(drawing("90 0 R")...), k.request(k.bob, "B", LevelLT))
		}},
		{"gap-left-near.pdf", nil, "the same, the object's number being the next free one", func(k *kit) []byte {
			return sign(k.t, k.gapped(drawing("12 0 R")...), k.request(k.bob, "B", LevelLT))
		}},
		{"gap-xobject.pdf", bad, "a drawing of the page is missing and brought in after signing", filled(forgedForm, drawing("90 0 R")...)},
		{"gap-second-signer.pdf", bad, "the same, then a second person signs", func(k *kit) []byte {
			return sign(k.t, k.filledIn(k.gapped(drawing("90 0 R")...), 90, forgedForm), k.request(k.bob, "B", LevelB))
		}},
		{"gap-generation.pdf", bad, "the same, missed by another generation, which some readers do not look at", filled(forgedForm, drawing("90 1 R")...)},
		{"gap-free.pdf", bad, "the overlay's appearance is a freed object, which is used again", func(k *kit) []byte {
			return k.filledIn(k.gapped("trailer\n<</Size 12", "12 1\n0000000000 00001 f \ntrailer\n<</Size 13", "/N 11 0 R", "/N 12 0 R"), 12, forgedForm)
		}},
		{"gap-appearance.pdf", bad, "the overlay's appearance is missing and brought in", filled(forgedForm, "/N 11 0 R", "/N 90 0 R")},
		{"gap-font.pdf", bad, "the page's font is missing and brought in", filled(syntax.Dict{"Type": syntax.Name("Font"), "Subtype": syntax.Name("Type1"), "BaseFont": syntax.Name("Symbol")}, "/F1 4 0 R", "/F1 90 0 R")},
		{"gap-popup.pdf", bad, "an annotation's pop-up is missing and brought in", filled(syntax.Dict{"Type": syntax.Name("Annot"), "Subtype": syntax.Name("Popup"), "Rect": boxArray([4]float64{0, 0, 400, 400}), "Open": true}, "/Subtype/Square", "/Subtype/Square/Popup 90 0 R")},
		{"gap-layers.pdf", bad, "the settings of the layers are missing and brought in", filled(syntax.Dict{"OCGs": syntax.Array{}, "D": syntax.Dict{"BaseState": syntax.Name("OFF")}}, "/Type/Catalog", "/Type/Catalog/OCProperties 90 0 R")},
		{"gap-outline.pdf", bad, "the outline is missing and brought in", filled(syntax.Dict{"Type": syntax.Name("Outlines")}, "/Type/Catalog", "/Type/Catalog/Outlines 90 0 R")},
		{"gap-script.pdf", bad, "the action that opening runs is missing and brought in", filled(syntax.Dict{"S": syntax.Name("JavaScript"), "JS": syntax.String("x")}, "/Type/Catalog", "/Type/Catalog/OpenAction 90 0 R")},
		{"gap-form-fonts.pdf", bad, "the form's fonts are missing and brought in", filled(syntax.Dict{"Font": syntax.Dict{}}, "/DR<</Font<</F1 4 0 R>>>>", "/DR 90 0 R")},
		{"gap-info.pdf", bad, "the document's title and author are missing and brought in", filled(syntax.Dict{"Title": syntax.String("Another contract")}, "/Size 12", "/Size 12/Info 90 0 R")},
		{"gap-length.pdf", bad, "the length of the page's content is missing and brought in", filled(int64(3), "/Length 44", "/Length 90 0 R")},
		{"gap-in-revision.pdf", bad, "a later revision refers to what only the one after it brings", func(k *kit) []byte {
			doc := k.appended(k.one(LevelB), nil, func(u *syntax.Update, f *syntax.File) {
				root := k.dict(f, syntax.Ref{Num: objCatalog})
				root["DSS"] = u.Add(syntax.Dict{"Certs": syntax.Array{syntax.Ref{Num: 90}}})
				u.Set(syntax.Ref{Num: objCatalog}, root)
			})
			return k.filledIn(doc, 90, forgedContent)
		}},
		{"gap-xref-number.pdf", bad, "the missing number is taken by the cross-reference stream of a revision", func(k *kit) []byte {
			return k.crossed(k.gapped(drawing("90 0 R")...), 90, "", []entry{{90, 1, -1, 0}})
		}},
		{"gap-xref-number-unlisted.pdf", codes(UpdateMalformed), "the same, the stream not listed in itself", func(k *kit) []byte {
			return k.crossed(k.gapped(drawing("90 0 R")...), 90, "", []entry{{0, 0, 0, 0}})
		}},
		{"gap-object-stream.pdf", codes(Incomplete, UpdateMalformed), "an object stream is missing and brought in", func(k *kit) []byte {
			doc := k.crossed(k.empty(), 95, "", []entry{{90, 2, 96, 0}, {95, 1, -1, 0}})
			doc = k.certified(doc, LevelB)
			return k.crossed(doc, 98, packed(96, "90 0 ", "(forged)"), []entry{{96, 1, 0, 0}, {98, 1, -1, 0}})
		}},
		{"gap-offset.pdf", codes(Incomplete), "an object is said to stand behind the signed bytes", func(k *kit) []byte {
			doc := k.certified(k.tableOnly(k.empty(), 90, "0000020000 00000 n \n", ""), LevelB)
			return k.filledIn(doc, 91, syntax.String("listed"))
		}},
		{"gap-stream.pdf", codes(Incomplete), "the page's content is said to go on behind the signed bytes", followed("/Length 44", "/Length 20000")},
		{"gap-listed-twice.pdf", codes(ChangedObject), "the form was listed twice, free and in use, so that some readers missed it, and is written again with an archive timestamp", func(k *kit) []byte {
			doc := k.empty()
			at, _ := k.open(doc).Entry(objForm)
			doc = k.tableOnly(doc, objForm, fmt.Sprintf("0000000000 00001 f \n%d 1\n%010d 00000 n \n", objForm, at.Offset), "")
			return k.extend(k.certified(doc, LevelB))
		}},
		{"gap-hybrid.pdf", codes(ChangedObject), "the same, the form being free in a table and in use in the stream that goes with it", func(k *kit) []byte {
			doc := k.empty()
			at, _ := k.open(doc).Entry(objForm)
			stream, _, _ := strings.Cut(string(k.crossed(doc, 90, "", []entry{{objForm, 1, int(at.Offset) - len(doc), 0}})[len(doc):]), "startxref")
			hybrid := k.replaced(k.tableOnly(doc, objForm, "0000000000 00001 f \n", stream), "/Size 99/Root 1 0 R/ID[<00><01>]/Prev", fmt.Sprintf("/XRefStm %d/Size 99/Root 1 0 R/ID[<00><01>]/Prev", len(doc)), -1)
			return k.extend(k.certified(hybrid, LevelB))
		}},
		{"gap-linearized.pdf", codes(Incomplete), "a linearized file is said to be longer than it was: readers show its first part alone once it is that long", followed("/Type/Catalog", "/Type/Catalog/Linearized 1/L 20000")},
	}
}

// entry is an entry of a cross-reference stream; a place is counted from the end
// of the document so far, -1 being the stream itself.
type entry struct{ num, kind, place, index int }

// crossed appends objects and a cross-reference stream.
func (k *kit) crossed(doc []byte, self int, objects string, entries []entry) []byte {
	at := len(doc) + len(objects)
	var data []byte
	index := ""
	for _, e := range entries {
		place := e.place
		if e.kind == 1 {
			if place += len(doc); e.place == -1 {
				place = at
			}
		}
		data = append(data, byte(e.kind), byte(place>>16), byte(place>>8), byte(place), byte(e.index))
		index += fmt.Sprintf("%d 1 ", e.num)
	}
	return fmt.Appendf(bytes.Clone(doc), "%s%d 0 obj\n<</Type/XRef/Size 99/Root 1 0 R/ID[<00><01>]/Prev %d/W[1 3 1]/Index[%s]/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
		objects, self, k.open(doc).Sections[0], index, len(data), data, at)
}

// packed is an object stream.
func packed(num int, head, body string) string {
	return fmt.Sprintf("%d 0 obj\n<</Type/ObjStm/N %d/First %d/Length %d>>\nstream\n%s%s\nendstream\nendobj\n", num, bytes.Count([]byte(head), []byte(" "))/2, len(head), len(head+body), head, body)
}

// TestInspectGaps takes a reference to nothing, as honest documents have them,
// and refuses what reaches behind the end of the file or can never be left alone.
func TestInspectGaps(t *testing.T) {
	for _, tt := range []struct {
		name string
		swap []string
		want Code
	}{
		{"missing object", drawing("90 0 R"), ""},
		{"missing length", []string{"/Length 44", "/Length 90 0 R"}, ""},
		{"linearized and longer since", []string{"/Type/Catalog", "/Type/Catalog/Linearized 1/L 300"}, ""},
		{"number too high", drawing("8388607 0 R"), TooComplex},
		{"data behind the end", []string{"/Length 44", "/Length 20000"}, Broken},
		{"linearized and cut off", []string{"/Type/Catalog", "/Type/Catalog/Linearized 1/L 20000.0"}, Broken},
		{"object behind the end", []string{"trailer\n<</Size 12", "90 1\n0000020000 00000 n \ntrailer\n<</Size 91"}, Broken},
	} {
		doc := contract(tt.swap...)
		_, err := Inspect(bytes.NewReader(doc), int64(len(doc)), Limits{})
		var r *Refusal
		if errors.As(err, &r); (err != nil) != (tt.want != "") || err != nil && r.Code != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestPrepareLeavesGaps numbers new objects above all that a reference names,
// also in the revisions that follow.
func TestPrepareLeavesGaps(t *testing.T) {
	k := newKit(t)
	doc := sign(t, k.gapped(drawing("14 0 R")...), k.request(k.bob, "B", LevelLTA))
	f := k.open(doc)
	if f.InUse(14) || f.InUse(12) || !f.InUse(15) {
		t.Errorf("object 12 in use %v, 14 %v, 15 %v", f.InUse(12), f.InUse(14), f.InUse(15))
	}
	wantOK(t, verify(t, doc, k.authority), 3)
	high := contract(drawing("8388607 0 R")...)
	err := Prepare(io.Discard, bytes.NewReader(high), int64(len(high)), Preparation{Fields: []Field{{Name: "A"}}})
	if !errors.Is(err, syntax.ErrLimit) {
		t.Errorf("prepared above the highest number: %v", err)
	}
}
