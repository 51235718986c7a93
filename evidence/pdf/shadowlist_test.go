package pdf

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"slices"

	"inkwitness/evidence/pdf/syntax"
)

// Objects of contract.
const (
	objCatalog = 1
	objPages   = 2
	objPage    = 3
	objFont    = 4
	objContent = 5
	objOther   = 6
	objText    = 7
	objForm    = 8
	objOverlay = 9
)

// changed sets entries of an object after signing.
func changed(num int, entries syntax.Dict) func(*kit) []byte {
	return func(k *kit) []byte { return k.set(k.one(LevelB), num, entries) }
}

func revised(change func(k *kit, u *syntax.Update, f *syntax.File)) func(*kit) []byte {
	return func(k *kit) []byte {
		return k.appended(k.one(LevelB), nil, func(u *syntax.Update, f *syntax.File) { change(k, u, f) })
	}
}

var forgedContent = &syntax.Stream{Dict: syntax.Dict{}, Data: []byte("BT /F1 18 Tf 40 300 Td (FORGED) Tj ET")}

// shadowVectors are proper revisions that change what the signer saw.
func shadowVectors() []vector {
	ref := func(n int) syntax.Ref { return syntax.Ref{Num: n} }
	return []vector{
		{"shadow-replace-content.pdf", codes(ChangedObject), "replace: the page's content is written anew", revised(func(k *kit, u *syntax.Update, f *syntax.File) { u.Set(ref(objContent), forgedContent) })},
		{"shadow-replace-page.pdf", codes(ChangedPage), "replace: the page gets another content", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			p := k.dict(f, ref(objPage))
			p["Contents"] = u.Add(forgedContent)
			u.Set(ref(objPage), p)
		})},
		{"shadow-replace-font.pdf", codes(ChangedObject), "replace: another font makes the same codes read differently", changed(objFont, syntax.Dict{"BaseFont": syntax.Name("Symbol")})},
		{"shadow-replace-value.pdf", codes(ChangedObject), "replace: a text field's value", changed(objText, syntax.Dict{"V": syntax.String("999")})},
		{"shadow-replace-overlay-look.pdf", codes(ChangedObject), "replace: the appearance of an annotation", changed(objOverlay, syntax.Dict{"AP": syntax.Dict{}})},
		{"shadow-replace-tree.pdf", codes(ChangedObject), "replace: the page tree leads to other pages", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			p := k.dict(f, ref(objPage))
			p["Contents"] = ref(objOther)
			u.Set(ref(objPages), syntax.Dict{"Type": syntax.Name("Pages"), "Kids": syntax.Array{u.Add(p)}, "Count": 1})
		})},
		{"shadow-replace-by-same-second.pdf", codes(ChangedPage), "replace, then a second person signs the forgery", func(k *kit) []byte {
			doc := k.set(k.one(LevelB), objPage, syntax.Dict{"Contents": ref(objOther)})
			return sign(k.t, doc, k.request(k.bob, "B", LevelB))
		}},
		{"shadow-hide-free.pdf", codes(Removed), "hide: the overlay that hid text is freed", func(k *kit) []byte {
			return k.tableOnly(k.one(LevelB), objOverlay, "0000000000 00001 f \n", "")
		}},
		{"shadow-hide-generation.pdf", codes(Removed), "hide: the overlay's number is used again in another generation, for nothing", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.tableOnly(doc, objOverlay, fmt.Sprintf("%010d 00001 n \n", len(doc)), "9 1 obj\nnull\nendobj\n")
		}},
		{"shadow-hide-null.pdf", codes(ChangedObject), "hide: the overlay becomes null", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.tableOnly(doc, objOverlay, fmt.Sprintf("%010d 00000 n \n", len(doc)), "9 0 obj\nnull\nendobj\n")
		}},
		{"shadow-hide-annotation.pdf", codes(ChangedPage), "hide: the overlay is taken off the page", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			p := k.dict(f, ref(objPage))
			annots := p["Annots"].(syntax.Array)
			p["Annots"] = slices.Delete(slices.Clone(annots), 1, 2)
			u.Set(ref(objPage), p)
		})},
		{"shadow-hide-flag.pdf", codes(ChangedObject), "hide: the overlay's hidden flag", changed(objOverlay, syntax.Dict{"F": int64(2)})},
		{"shadow-hide-and-replace.pdf", codes(UpdateMalformed), "hide and replace: a cross-reference alone, which points the content to other bytes that were signed as well", func(k *kit) []byte {
			doc := k.one(LevelB)
			at := bytes.Index(doc, []byte("6 0 obj"))
			return k.tableOnly(doc, objContent, fmt.Sprintf("%010d 00000 n \n", at), "")
		}},
		{"shadow-rewrite.pdf", codes(ChangedObject), "an object is written again as it was: what a reader missed before, it would find now", changed(objFont, nil)},
		{"shadow-new-root.pdf", codes(ChangedTrailer), "hide and replace: the trailer names another catalogue", func(k *kit) []byte {
			doc := k.one(LevelB)
			next := syntax.Ref{Num: k.open(doc).Next()}
			return k.appended(doc, syntax.Dict{"Root": next}, func(u *syntax.Update, f *syntax.File) {
				root, page := k.dict(f, ref(objCatalog)), k.dict(f, ref(objPage))
				u.Reserve()
				page["Contents"] = ref(objOther)
				root["Pages"] = u.Add(syntax.Dict{"Type": syntax.Name("Pages"), "Kids": syntax.Array{u.Add(page)}, "Count": 1})
				u.Set(next, root)
			})
		}},
		{"catalogue-script.pdf", codes(ChangedCatalog), "a script that runs when the document is opened", changed(objCatalog, syntax.Dict{"OpenAction": syntax.Dict{"S": syntax.Name("JavaScript"), "JS": syntax.String("x")}})},
		{"catalogue-layers.pdf", codes(ChangedCatalog), "optional content is added", changed(objCatalog, syntax.Dict{"OCProperties": syntax.Dict{}})},
		{"catalogue-pages.pdf", codes(ChangedCatalog), "the catalogue leads to other pages", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			p := k.dict(f, ref(objPage))
			p["Contents"] = ref(objOther)
			c := k.dict(f, ref(objCatalog))
			c["Pages"] = u.Add(syntax.Dict{"Type": syntax.Name("Pages"), "Kids": syntax.Array{u.Add(p)}, "Count": 1})
			u.Set(ref(objCatalog), c)
		})},
		{"catalogue-no-certification.pdf", codes(ChangedCatalog), "the certification is taken away", changed(objCatalog, syntax.Dict{"Perms": nil})},
		{"dss-old-object.pdf", codes(ChangedCatalog), "validation data that is an object of the signed document", changed(objCatalog, syntax.Dict{"DSS": ref(objForm)})},
		{"dss-extra-key.pdf", codes(ChangedCatalog), "validation data with something else in it", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			c := k.dict(f, ref(objCatalog))
			c["DSS"] = u.Add(syntax.Dict{"Type": syntax.Name("DSS"), "AA": syntax.Dict{}})
			u.Set(ref(objCatalog), c)
		})},
		{"form-appearances.pdf", codes(ChangedForm), "viewers are asked to draw all fields anew", changed(objForm, syntax.Dict{"NeedAppearances": true})},
		{"form-fonts.pdf", codes(ChangedForm), "the form's fonts are replaced", changed(objForm, syntax.Dict{"DR": syntax.Dict{}})},
		{"form-field-removed.pdf", codes(AddedField), "a field is taken out of the form", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			d := k.dict(f, ref(objForm))
			d["Fields"] = d["Fields"].(syntax.Array)[1:]
			u.Set(ref(objForm), d)
		})},
		{"form-field-added.pdf", codes(AddedField, ChangedPage), "a text field is added (SSA)", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			k.addField(u, f, syntax.Dict{"FT": syntax.Name("Tx"), "T": syntax.String("new"), "V": syntax.String("999"), "Rect": boxArray([4]float64{40, 290, 200, 320})})
		})},
		{"form-signature-added.pdf", codes(AddedField, ChangedPage), "a visible signature field is added (SSA)", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			k.addField(u, f, syntax.Dict{"FT": syntax.Name("Sig"), "T": syntax.String("new"), "Rect": boxArray([4]float64{40, 290, 200, 320})})
		})},
		{"annotation-added.pdf", codes(ChangedPage), "an annotation over the page (EAA)", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			p := k.dict(f, ref(objPage))
			note := u.Add(syntax.Dict{"Type": syntax.Name("Annot"), "Subtype": syntax.Name("FreeText"), "Rect": boxArray([4]float64{40, 290, 200, 320}), "Contents": syntax.String("Pay 999")})
			p["Annots"] = append(slices.Clone(p["Annots"].(syntax.Array)), note)
			u.Set(ref(objPage), p)
		})},
		{"page-rotated.pdf", codes(ChangedPage), "the page is turned", changed(objPage, syntax.Dict{"Rotate": int64(180)})},
		{"page-cropped.pdf", codes(ChangedPage), "the page is cropped", changed(objPage, syntax.Dict{"CropBox": boxArray([4]float64{0, 0, 400, 250})})},
		{"field-look-only.pdf", codes(ChangedField), "the empty field shows a signature that nobody made", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			at, w := k.field(f, "B")
			w["AP"] = syntax.Dict{"N": u.Add(forgedContent)}
			u.Set(at, w)
		})},
		{"field-signed-look.pdf", codes(ChangedObject), "the look of a signature that was made", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			at, w := k.field(f, "A")
			w["AP"] = syntax.Dict{"N": u.Add(forgedContent)}
			u.Set(at, w)
		})},
		{"field-moved.pdf", codes(ChangedField), "the second signature moves its field over the page", func(k *kit) []byte {
			return k.signWith("B", func(w syntax.Dict) { w["Rect"] = boxArray([4]float64{0, 0, 400, 400}) })
		}},
		{"field-old-look.pdf", codes(ChangedField), "the second signature shows an object of the signed document", func(k *kit) []byte {
			return k.signWith("B", func(w syntax.Dict) { w["AP"] = syntax.Dict{"N": syntax.Ref{Num: 11}} })
		}},
		{"field-three-looks.pdf", codes(ChangedField), "the second signature looks different under the mouse", func(k *kit) []byte {
			return k.signWith("B", func(w syntax.Dict) {
				ap := w["AP"].(syntax.Dict).Clone()
				ap["D"] = ap["N"]
				w["AP"] = ap
			})
		}},
		{"field-action.pdf", codes(ChangedField), "the second signature adds an action", func(k *kit) []byte {
			return k.signWith("B", func(w syntax.Dict) { w["AA"] = syntax.Dict{} })
		}},
		{"field-timestamped.pdf", codes(ChangedField, SubFilter), "a timestamp in the second signer's field, under his handwriting", func(k *kit) []byte { return k.stampedField(k.one(LevelB), "/Type /Sig") }},
		{"field-timestamped-openly.pdf", codes(ChangedField), "the same, not even called a signature", func(k *kit) []byte { return k.stampedField(k.one(LevelB), "/Type/DocTimeStamp") }},
		{"signature-removed.pdf", codes(NoSignature), "the signature is taken out of its field", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			at, w := k.field(f, "A")
			delete(w, "V")
			u.Set(at, w)
		})},
		{"signature-replaced.pdf", codes(ByteRange), "a copy of the signature in the field of the real one", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			at, w := k.field(f, "A")
			w["V"] = u.Add(k.dict(f, w["V"]))
			u.Set(at, w)
		})},
		{"signature-copied.pdf", codes(ByteRange), "the first signature copied into the second field", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			_, a := k.field(f, "A")
			at, b := k.field(f, "B")
			b["V"] = u.Add(k.dict(f, a["V"]))
			u.Set(at, b)
		})},
		{"signature-shared.pdf", codes(ChangedField, Shadowed), "the second field points to the first signature", revised(func(k *kit, u *syntax.Update, f *syntax.File) {
			_, a := k.field(f, "A")
			at, b := k.field(f, "B")
			b["V"] = a["V"]
			u.Set(at, b)
		})},
		{"timestamp-visible.pdf", codes(AddedField, ChangedPage), "an archive timestamp whose field covers the page", func(k *kit) []byte { return k.visibleStamp(k.one(LevelT)) }},
		{"docmdp-no-changes.pdf", codes(DocMDP), "certified without changes (P=1), signed again all the same", func(k *kit) []byte {
			doc := k.craft(k.empty(), crafted{
				request: func(r *Request) { r.Certify = true },
				draft:   func(d *Draft) { k.tailReplace(d, "/P 2", "/P 1") },
			})
			return k.signWith2(doc, "B", nil)
		}},
		{"field-lock.pdf", codes(FieldLocked), "the first signature locked the field of the second", func(k *kit) []byte {
			fields := []Field{{Name: "A", Page: 1, Rect: Rect{10, 20, 80, 50}, Lock: &Lock{Action: LockInclude, Fields: []string{"B"}}},
				{Name: "B", Page: 1, Rect: Rect{100, 20, 80, 50}}}
			doc := sign(k.t, prepare(k.t, contract(), fields...), k.request(k.ada, "A", LevelB))
			return k.signWith2(doc, "B", nil)
		}},
	}
}

// addField adds a field to the form and its widget to the page.
func (k *kit) addField(u *syntax.Update, f *syntax.File, d syntax.Dict) {
	d["Type"], d["Subtype"], d["P"] = syntax.Name("Annot"), syntax.Name("Widget"), syntax.Ref{Num: objPage}
	at := u.Add(d)
	form, page := k.dict(f, syntax.Ref{Num: objForm}), k.dict(f, syntax.Ref{Num: objPage})
	form["Fields"] = append(slices.Clone(form["Fields"].(syntax.Array)), at)
	page["Annots"] = append(slices.Clone(page["Annots"].(syntax.Array)), at)
	u.Set(syntax.Ref{Num: objForm}, form)
	u.Set(syntax.Ref{Num: objPage}, page)
}

// tableOnly appends a cross-reference of one entry.
func (k *kit) tableOnly(doc []byte, num int, entry, objects string) []byte {
	prev := k.open(doc).Sections[0]
	at := len(doc) + len(objects)
	return fmt.Appendf(bytes.Clone(doc), "%sxref\n%d 1\n%strailer\n<</Size 99/Root 1 0 R/ID[<00><01>]/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", objects, num, entry, prev, at)
}

// signWith has Bob sign a field of Ada's document and changes the widget that
// his signature writes.
func (k *kit) signWith(field string, change func(widget syntax.Dict)) []byte {
	return k.signWith2(k.one(LevelB), field, change)
}

func (k *kit) signWith2(doc []byte, field string, change func(widget syntax.Dict)) []byte {
	f := k.open(doc)
	d, err := openDoc(f, 100)
	if err != nil {
		k.t.Fatal(err)
	}
	fd, err := d.emptyField(field)
	if err != nil {
		k.t.Fatal(err)
	}
	req := k.request(k.bob, field, LevelB)
	sig, err := d.signatureDict(req, fd)
	if err != nil {
		k.t.Fatal(err)
	}
	u := syntax.NewUpdate(f)
	widget := fd.dict.Clone()
	widget["V"] = u.Add(sig)
	if err := d.appear(u, widget, req.Appearance); err != nil {
		k.t.Fatal(err)
	}
	if change != nil {
		change(widget)
	}
	u.Set(fd.ref, widget)
	return k.finish(doc, req, u)
}

// finish signs a revision made by hand.
func (k *kit) finish(doc []byte, req Request, u *syntax.Update) []byte {
	tail, err := u.Append(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	draft, err := newDraft(bytes.NewReader(doc), int64(len(doc)), req, tail)
	if err != nil {
		k.t.Fatal(err)
	}
	input, opts, err := draft.ToSign()
	if err != nil {
		k.t.Fatal(err)
	}
	signature, err := req.Signer.Sign(context.Background(), input, opts)
	if err != nil {
		k.t.Fatal(err)
	}
	message, err := draft.CMS(context.Background(), signature, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	filled, err := draft.filled(message)
	if err != nil {
		k.t.Fatal(err)
	}
	return append(bytes.Clone(doc), filled...)
}

// stampedField fills Bob's field with a timestamp instead of a signature.
func (k *kit) stampedField(doc []byte, typ string) []byte {
	d, err := openDoc(k.open(doc), 100)
	if err != nil {
		k.t.Fatal(err)
	}
	tail, err := d.layout(k.request(k.bob, "B", LevelB))
	if err != nil {
		k.t.Fatal(err)
	}
	const old = "/SubFilter /ETSI.CAdES.detached/Type /Sig"
	tail.Bytes = k.padded(tail.Bytes, old, "/SubFilter/ETSI.RFC3161"+typ, 0)
	return k.stamped(doc, tail)
}

// visibleStamp adds an archive timestamp, sound but for its rectangle.
func (k *kit) visibleStamp(doc []byte) []byte {
	f := k.open(doc)
	d, err := openDoc(f, 100)
	if err != nil {
		k.t.Fatal(err)
	}
	u := syntax.NewUpdate(f)
	if err := d.addTimestampField(u, 2600); err != nil {
		k.t.Fatal(err)
	}
	tail, err := u.Append(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	tail.Bytes = k.replaced(tail.Bytes, "/Rect [0.0 0.0 0.0 0.0]", "/Rect [0.0 0.0 9.0 9.0]", 0)
	return k.stamped(doc, tail)
}

// stamped finishes a revision with a timestamp in its hole.
func (k *kit) stamped(doc []byte, tail syntax.Tail) []byte {
	draft := Draft{Size: int64(len(doc))}
	draft.setTail(tail)
	_, digest, err := draft.hash(bytes.NewReader(doc), crypto.SHA256)
	if err != nil {
		k.t.Fatal(err)
	}
	token, err := k.Timestamp(context.Background(), crypto.SHA256, digest)
	if err != nil {
		k.t.Fatal(err)
	}
	filled, err := draft.filled(token)
	if err != nil {
		k.t.Fatal(err)
	}
	return append(bytes.Clone(doc), filled...)
}
