package pdf

import (
	"bytes"
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
	// listed is the entry of an object that is appended to doc.
	listed := func(doc []byte, skip int) string { return fmt.Sprintf("%010d 00000 n \n", len(doc)+skip) }
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
			return k.tableOnly(doc, 90, listed(doc, len(forged)), forged+note)
		}},
		{"isa-hidden-comment.pdf", codes(UpdateMalformed), "a comment between the objects of a revision", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(listed)\nendobj\n% 5 0 obj (FORGED) endobj\n"
			return k.tableOnly(doc, 90, listed(doc, 0), note)
		}},
		{"isa-comment-inside.pdf", codes(UpdateMalformed), "a comment inside an object, which a repairing reader takes for an object", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n<</A 1 % 5 0 obj (FORGED) endobj\n>>\nendobj\n"
			return k.tableOnly(doc, 90, listed(doc, 0), note)
		}},
		{"isa-listed-twice.pdf", codes(UpdateMalformed), "one object number twice in a revision", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(one)\nendobj\n90 0 obj\n(two)\nendobj\n"
			return k.tableOnly(doc, 90, listed(doc, 0), note)
		}},
		{"isa-object.pdf", codes(ChangedObject), "an object and its cross-reference, nothing else: the plain attack", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.tableOnly(doc, objContent, listed(doc, 0), forged)
		}},
		{"isa-key-twice.pdf", codes(Broken), "a catalogue with two page trees: readers disagree on which counts", func(k *kit) []byte {
			doc := k.one(LevelB)
			f := k.open(doc)
			form := k.dict(f, syntax.Ref{Num: objCatalog})["Perms"].(syntax.Dict)["DocMDP"].(syntax.Ref)
			root := fmt.Sprintf("1 0 obj\n<</Type/Catalog/Pages 2 0 R/Pages 7 0 R/AcroForm 8 0 R/Perms<</DocMDP %d 0 R>>>>\nendobj\n", form.Num)
			return k.tableOnly(doc, objCatalog, listed(doc, 0), root)
		}},
		{"isa-trailer-twice.pdf", codes(UpdateMalformed), "a trailer with two roots", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n(listed)\nendobj\n"
			out := k.tableOnly(doc, 90, listed(doc, 0), note)
			return k.replaced(out, "/Size 99/Root 1 0 R", "/Root 7 0 R/Root 1 0 R", 0)
		}},
		{"isa-size.pdf", codes(ChangedTrailer), "a revision with a smaller /Size: to readers that look at it, the objects above are gone", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.replaced(k.tableOnly(doc, 90, "0000000000 00001 f \n", ""), "/Size 99", "/Size 9", 0)
		}},
		{"isa-entry-twice.pdf", codes(UpdateMalformed), "the overlay's number is freed and in use in one cross-reference: some readers take the first entry", func(k *kit) []byte {
			doc := k.one(LevelB)
			at := bytes.Index(doc, []byte("9 0 obj\n"))
			overlay := string(doc[at : at+bytes.Index(doc[at:], []byte("endobj\n"))+7])
			return k.tableOnly(doc, objOverlay, "0000000000 00001 f \n9 1\n"+listed(doc, 0), overlay)
		}},
		{"isa-entry-twice-stream.pdf", codes(UpdateMalformed), "the same in a cross-reference stream", func(k *kit) []byte {
			doc := k.one(LevelB)
			at := bytes.Index(doc, []byte("9 0 obj\n"))
			overlay := string(doc[at : at+bytes.Index(doc[at:], []byte("endobj\n"))+7])
			return k.crossed(doc, 90, overlay, []entry{{objOverlay, 0, 0, 1}, {objOverlay, 1, 0, 0}, {90, 1, -1, 0}})
		}},
		{"isa-entry-width.pdf", codes(UpdateMalformed), "entries of a cross-reference that are not of 20 bytes", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.replaced(k.tableOnly(doc, 90, listed(doc, 0), "90 0 obj\n(listed)\nendobj\n"), " 00000 n \ntrailer", " 000000 n\ntrailer", -1)
		}},
		{"isa-packed-twice.pdf", codes(UpdateMalformed), "an object stream with the overlay twice: first unchanged, then forged, which readers that look by number take", func(k *kit) []byte {
			doc := k.one(LevelB)
			at := bytes.Index(doc, []byte("9 0 obj\n"))
			overlay := string(doc[at+8 : at+bytes.Index(doc[at:], []byte("\nendobj\n"))])
			head := fmt.Sprintf("9 0 9 %d ", len(overlay)+1)
			return k.crossed(doc, 91, packed(90, head, overlay+" null"), []entry{{objOverlay, 2, 90, 0}, {90, 1, 0, 0}, {91, 1, -1, 0}})
		}},
		{"isa-nested-stream.pdf", codes(UpdateMalformed), "an object in the text of a stream, which a repairing reader takes", func(k *kit) []byte {
			return k.filledIn(k.one(LevelB), 90, &syntax.Stream{Dict: syntax.Dict{}, Data: []byte("endstream\nendobj\n" + forged)})
		}},
		{"isa-nested-string.pdf", codes(UpdateMalformed), "a trailer in a string, which a repairing reader takes", func(k *kit) []byte {
			return k.filledIn(k.one(LevelB), 90, syntax.String("trailer<</Root 90 0 R>>"))
		}},
		{"isa-trailer-comment.pdf", codes(UpdateMalformed), "a comment inside a trailer", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.replaced(k.tableOnly(doc, 90, listed(doc, 0), "90 0 obj\n(listed)\nendobj\n"), "/Size 99", "% 5 0 obj (FORGED) endobj\n/Size 99", 0)
		}},
		{"isa-end-comment.pdf", codes(UpdateMalformed), "a comment before the end", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.replaced(k.tableOnly(doc, 90, listed(doc, 0), "90 0 obj\n(listed)\nendobj\n"), "startxref", "% 5 0 obj (FORGED) endobj\nstartxref", -1)
		}},
		{"isa-xref-comment.pdf", codes(UpdateMalformed), "a comment inside a cross-reference stream", func(k *kit) []byte {
			return k.replaced(k.crossed(k.one(LevelB), 90, "", []entry{{90, 1, -1, 0}}), "/Type/XRef", "/Type% 5 0 obj\n/XRef", 0)
		}},
		{"isa-number-zero.pdf", codes(UpdateMalformed), "an object with number 0", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.tableOnly(doc, 0, listed(doc, 0), "0 0 obj\n(listed)\nendobj\n")
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
			out := k.tableOnly(doc, at.Num, listed(doc, 0)+fmt.Sprintf("%d 1\n%010d 00000 n \n", sig.Num, where.Offset), field)
			return k.replaced(out, fmt.Sprintf("/Prev %d", f.Sections[0]), fmt.Sprintf("/Prev %d", f.Sections[1]), -1)
		}},
		{"history-second-skipped.pdf", codes(UpdateMalformed), "a revision whose /Prev jumps over the second signature", func(k *kit) []byte {
			doc := k.two(LevelB)
			prev := k.open(doc).Sections
			out := k.tableOnly(doc, 90, listed(doc, 0), "90 0 obj\n(listed)\nendobj\n")
			return k.replaced(out, fmt.Sprintf("/Prev %d", prev[0]), fmt.Sprintf("/Prev %d", prev[1]), -1)
		}},
		{"history-hybrid.pdf", codes(UpdateMalformed), "a revision with a second cross-reference for new readers", func(k *kit) []byte {
			doc := k.one(LevelB)
			note := "90 0 obj\n<</Type/XRef/Size 91/Root 1 0 R/W[1 3 1]/Index[0 0]/Length 0>>\nstream\n\nendstream\nendobj\n"
			out := k.tableOnly(doc, 90, listed(doc, 0), note)
			return k.replaced(out, "/Size 99/Root", fmt.Sprintf("/XRefStm %d/Size 99/Root", len(doc)), 0)
		}},
		{"truncated.pdf", codes(Broken), "the last 60 bytes are missing", func(k *kit) []byte {
			doc := k.one(LevelB)
			return doc[:len(doc)-60]
		}},
		{"first-revision.pdf", codes(NoSignature), "cut back to the document before it was signed", func(k *kit) []byte { return k.empty() }},
	}
}
