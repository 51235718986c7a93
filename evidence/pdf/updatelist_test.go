package pdf

import (
	"fmt"

	"inkwitness/evidence/pdf/syntax"
)

// updateVectors append bytes that are no proper revision: incremental saving
// attacks.
func updateVectors() []vector {
	forged := "5 0 obj\n<</Length 37>>\nstream\nBT /F1 18 Tf 40 300 Td (FORGED) Tj ET\nendstream\nendobj\n"
	behind := func(s string) func(*kit) []byte {
		return func(k *kit) []byte { return append(k.one(LevelB), s...) }
	}
	entry := func(k *kit, doc []byte, skip int) string { return fmt.Sprintf("%010d 00000 n \n", len(doc)+skip) }
	return []vector{
		{"isa-no-xref.pdf", codes(TrailingBytes), "objects appended without a cross-reference", behind(forged)},
		{"isa-trailer-only.pdf", codes(TrailingBytes), "objects and a trailer appended without a cross-reference", behind(forged + "trailer\n<</Root 1 0 R/Size 20>>\n")},
		{"isa-comment.pdf", codes(TrailingBytes), "a comment behind the end", behind("% nothing to see here\n")},
		{"isa-second-eof.pdf", codes(TrailingBytes), "a second %%EOF", behind("%%EOF\n")},
		{"isa-old-startxref.pdf", codes(TrailingBytes), "objects appended, the startxref repeated", func(k *kit) []byte {
			doc := k.one(LevelB)
			return fmt.Appendf(doc, "%sstartxref\n%d\n%%%%EOF\n", forged, k.open(doc).Sections[0])
		}},
		{"isa-unlisted-object.pdf", codes(UpdateMalformed), "an object that the cross-reference does not list", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(listed)\nendobj\n"
			return k.tableOnly(doc, 90, entry(k, doc, len(forged)), forged+note)
		}},
		{"isa-hidden-comment.pdf", codes(UpdateMalformed), "a comment between the objects of a revision", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(listed)\nendobj\n% 5 0 obj (FORGED) endobj\n"
			return k.tableOnly(doc, 90, entry(k, doc, 0), note)
		}},
		{"isa-comment-inside.pdf", codes(UpdateMalformed), "a comment inside an object, which a repairing reader takes for an object", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n<</A 1 % 5 0 obj (FORGED) endobj\n>>\nendobj\n"
			return k.tableOnly(doc, 90, entry(k, doc, 0), note)
		}},
		{"isa-listed-twice.pdf", codes(UpdateMalformed), "one object number twice in a revision", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(one)\nendobj\n90 0 obj\n(two)\nendobj\n"
			return k.tableOnly(doc, 90, entry(k, doc, 0), note)
		}},
		{"isa-object.pdf", codes(ChangedObject), "an object and its cross-reference, nothing else: the plain attack", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.tableOnly(doc, objContent, entry(k, doc, 0), forged)
		}},
		{"isa-key-twice.pdf", codes(Broken), "a catalogue with two page trees: readers disagree on which counts", func(k *kit) []byte {
			doc := k.one(LevelB)
			f := k.open(doc)
			form := k.dict(f, syntax.Ref{Num: objCatalog})["Perms"].(syntax.Dict)["DocMDP"].(syntax.Ref)
			root := fmt.Sprintf("1 0 obj\n<</Type/Catalog/Pages 2 0 R/Pages 7 0 R/AcroForm 8 0 R/Perms<</DocMDP %d 0 R>>>>\nendobj\n", form.Num)
			return k.tableOnly(doc, objCatalog, entry(k, doc, 0), root)
		}},
		{"isa-trailer-twice.pdf", codes(UpdateMalformed), "a trailer with two roots", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(listed)\nendobj\n"
			out := k.tableOnly(doc, 90, entry(k, doc, 0), note)
			return k.replaced(out, "/Size 99/Root 1 0 R", "/Root 7 0 R/Root 1 0 R", 0)
		}},
		{"history-skipped.pdf", codes(History), "a revision that takes over the signature, but whose /Prev jumps over the revision that was signed", func(k *kit) []byte {
			doc := k.one(LevelB)
			f := k.open(doc)
			at, widget := k.field(f, "A")
			sig := widget["V"].(syntax.Ref)
			where, _ := f.Entry(sig.Num)
			box := widget["Rect"].(syntax.Array)
			field := fmt.Sprintf("%d 0 obj\n<</Type/Annot/Subtype/Widget/FT/Sig/T(A)/F 132/P 3 0 R/Rect[%v %v %v %v]/V %d 0 R>>\nendobj\n",
				at.Num, box[0], box[1], box[2], box[3], sig.Num)
			out := k.tableOnly(doc, at.Num, entry(k, doc, 0)+fmt.Sprintf("%d 1\n%010d 00000 n \n", sig.Num, where.Offset), field)
			return k.replaced(out, fmt.Sprintf("/Prev %d", f.Sections[0]), fmt.Sprintf("/Prev %d", f.Sections[1]), -1)
		}},
		{"history-second-skipped.pdf", codes(UpdateMalformed), "a revision whose /Prev jumps over the second signature", func(k *kit) []byte {
			doc := k.two(LevelB)
			prev := k.open(doc).Sections
			out := k.tableOnly(doc, 90, entry(k, doc, 0), "90 0 obj\n(listed)\nendobj\n")
			return k.replaced(out, fmt.Sprintf("/Prev %d", prev[0]), fmt.Sprintf("/Prev %d", prev[1]), -1)
		}},
		{"history-hybrid.pdf", codes(UpdateMalformed), "a revision with a second cross-reference for new readers", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n<</Type/XRef/Size 91/Root 1 0 R/W[1 3 1]/Index[0 0]/Length 0>>\nstream\n\nendstream\nendobj\n"
			out := k.tableOnly(doc, 90, entry(k, doc, 0), note)
			return k.replaced(out, "/Size 99/Root", fmt.Sprintf("/XRefStm %d/Size 99/Root", len(doc)), 0)
		}},
		{"truncated.pdf", codes(Broken), "the last 60 bytes are missing", func(k *kit) []byte {
			doc := k.one(LevelB)
			return doc[:len(doc)-60]
		}},
		{"first-revision.pdf", codes(NoSignature), "cut back to the document before it was signed", func(k *kit) []byte { return k.empty() }},
	}
}
