package pdf

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"slices"
	"strings"
	"testing"

	"inkwitness/evidence/pdf/syntax"
)

// formed is the plain document with two signers, each with fields of their own,
// and one text and one tick of the sender's.
func formed(t testing.TB) []byte {
	t.Helper()
	at := func(x, y, w, h float64) Rect { return Rect{x, y, w, h} }
	p := Preparation{
		Fields: []Field{
			{Name: "A", Page: 1, Rect: at(10, 20, 70, 50), Lock: &Lock{Action: LockInclude, Fields: []string{"Initials1", "Text1", "Check1"}}},
			{Name: "B", Page: 1, Rect: at(90, 20, 70, 50), Lock: &Lock{Action: LockInclude, Fields: []string{"Text2", "Check2"}}},
		},
		Forms: []Form{
			{Name: "Initials1", Page: 1, Rect: at(10, 390, 40, 20)},
			{Name: "Text1", Label: "Remarks", Page: 1, Rect: at(60, 390, 120, 60)},
			{Name: "Check1", Page: 1, Rect: at(190, 390, 14, 14), Check: true},
			{Name: "Text2", Page: 1, Rect: at(10, 460, 120, 18)},
			{Name: "Check2", Page: 1, Rect: at(190, 410, 14, 14), Check: true},
			{Name: "Given", Page: 1, Rect: at(10, 490, 120, 18), Value: "Contract no. 2026-17"},
			{Name: "Agreed", Page: 1, Rect: at(190, 430, 14, 14), Check: true, Value: "x"},
		},
	}
	var out bytes.Buffer
	in := plain(t)
	if err := Prepare(&out, bytes.NewReader(in), int64(len(in)), p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func adaFills(a *authority, t testing.TB) Request {
	req := a.request(a.signer(t, "Ada", ecKey(t, elliptic.P256())), "A")
	req.Certify, req.Level = true, LevelT
	req.Fill = []Fill{{"Initials1", "AZ"}, {"Text1", "Two keys, one for the cellar; 鑰匙兩把 and a sentence that needs several lines to be read"}, {"Check1", "x"}}
	return req
}

// TestForms lets two signers fill in their fields with their signatures; both
// stay valid, here and for poppler, and qpdf finds the file sound.
func TestForms(t *testing.T) {
	a := newAuthority(t)
	doc := sign(t, formed(t), adaFills(a, t))
	second := a.request(a.signer(t, "Bob", rsaKey(t)), "B")
	second.Level = LevelT
	second.Fill = []Fill{{"Text2", "29 novembre 2026"}, {"Check2", ""}}
	doc = sign(t, doc, second)
	path := save(t, "forms.pdf", doc)
	r := verify(t, doc, a)
	wantOK(t, r, 2)
	tool(t, "qpdf", "--check", path)
	if out := tool(t, "pdfsig", "-nocert", path); strings.Count(out, "Signature is Valid") != 2 {
		t.Errorf("pdfsig:\n%s", out)
	}
	text := tool(t, "pdftotext", "-layout", path, "-")
	for _, want := range []string{"AZ", "Two keys", "鑰匙兩把", "29 novembre 2026", "Contract no. 2026-17"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q:\n%s", want, text)
		}
	}
	k := &kit{t: t}
	f := k.open(doc)
	for name, want := range map[string]syntax.Object{"Check1": ticked, "Agreed": ticked, "Check2": nil} {
		if _, d := k.field(f, name); d["V"] != want {
			t.Errorf("%s is %v, want %v", name, d["V"], want)
		}
	}
}

// TestFillRefused names what Sign must not write.
func TestFillRefused(t *testing.T) {
	a := newAuthority(t)
	once := sign(t, formed(t), adaFills(a, t))
	for _, tt := range []struct {
		name  string
		doc   []byte
		field string
		fill  Fill
		want  error
	}{
		{"another signer's field", formed(t), "A", Fill{"Text2", "mine"}, ErrForbidden},
		{"the sender's text", formed(t), "A", Fill{"Given", "other"}, ErrForbidden},
		{"no such field", formed(t), "A", Fill{"Text9", "x"}, ErrNoField},
		{"a signature field", formed(t), "A", Fill{"B", "x"}, ErrNoField},
		{"a field filled before", once, "B", Fill{"Text1", "again"}, ErrForbidden},
	} {
		req := a.request(a.signer(t, "Ada", ecKey(t, elliptic.P256())), tt.field)
		req.Fill = []Fill{tt.fill}
		_, err := Start(bytes.NewReader(tt.doc), int64(len(tt.doc)), req)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestFormAttacks changes fields after the first signature: each is refused.
func TestFormAttacks(t *testing.T) {
	a := newAuthority(t)
	k := &kit{t: t}
	once := sign(t, formed(t), adaFills(a, t))
	bob := func() Request { return a.request(a.signer(t, "Bob", ecKey(t, elliptic.P256())), "B") }
	set := func(doc []byte, name string, entries func(u *syntax.Update) syntax.Dict) []byte {
		return k.appended(doc, nil, func(u *syntax.Update, f *syntax.File) {
			ref, d := k.field(f, name)
			d = d.Clone()
			for key, v := range entries(u) {
				d[key] = v
			}
			u.Set(ref, d)
		})
	}
	text := func(s string) func(*syntax.Update) syntax.Dict {
		return func(u *syntax.Update) syntax.Dict {
			look := u.Add(&syntax.Stream{Dict: formDict([4]float64{0, 0, 100, 20}, 0, nil), Data: []byte("0 0 99 9 re f")})
			return syntax.Dict{"V": syntax.Text(s), "AP": syntax.Dict{"N": look}}
		}
	}
	tick := func(*syntax.Update) syntax.Dict { return syntax.Dict{"V": ticked, "AS": ticked} }
	for _, tt := range []struct {
		name string
		doc  []byte
		want Code
	}{
		{"filled in by nobody", set(once, "Text2", text("forged")), ChangedObject},
		{"ticked by nobody", set(once, "Check2", tick), ChangedObject},
		{"filled in, then signed", sign(t, set(once, "Text2", text("forged")), bob()), ChangedObject},
		{"written over", set(once, "Text1", text("forged")), ChangedObject},
		{"unticked", set(once, "Check1", func(*syntax.Update) syntax.Dict { return syntax.Dict{"V": unticked, "AS": unticked} }), ChangedObject},
		{"the sender's text", set(once, "Given", text("forged")), ChangedObject},
		{"another look", set(once, "Text1", func(u *syntax.Update) syntax.Dict { return syntax.Dict{"AP": text("")(u)["AP"]} }), ChangedObject},
	} {
		if got := codesOf(t, tt.doc, a.roots()); !slices.Contains(got, string(tt.want)) {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

// TestLockedForm has a text field that two signatures include. The first one
// signs and leaves it empty: from then on it is frozen.
func TestLockedForm(t *testing.T) {
	a := newAuthority(t)
	lock := &Lock{Action: LockInclude, Fields: []string{"Text"}}
	p := Preparation{
		Fields: []Field{{Name: "A", Page: 1, Rect: Rect{10, 20, 70, 50}, Lock: lock}, {Name: "B", Page: 1, Rect: Rect{90, 20, 70, 50}, Lock: lock}},
		Forms:  []Form{{Name: "Text", Page: 1, Rect: Rect{10, 460, 120, 18}}},
	}
	var out bytes.Buffer
	in := plain(t)
	if err := Prepare(&out, bytes.NewReader(in), int64(len(in)), p); err != nil {
		t.Fatal(err)
	}
	doc := sign(t, out.Bytes(), a.request(a.signer(t, "Ada", ecKey(t, elliptic.P256())), "A"))
	req := a.request(a.signer(t, "Bob", ecKey(t, elliptic.P256())), "B")
	wantOK(t, verify(t, sign(t, doc, req), a), 2)
	req.Fill = []Fill{{"Text", "and a car"}}
	if _, err := Start(bytes.NewReader(doc), int64(len(doc)), req); !errors.Is(err, ErrForbidden) {
		t.Errorf("filled in after it was frozen: %v, want %v", err, ErrForbidden)
	}
	k := &kit{t: t}
	d, err := openDoc(k.open(doc), 100)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := d.layout(req)
	if err != nil {
		t.Fatal(err)
	}
	draft, err := newDraft(bytes.NewReader(doc), int64(len(doc)), req, tail)
	if err != nil {
		t.Fatal(err)
	}
	if got := codesOf(t, finish(t, draft, doc, req), a.roots()); !slices.Equal(got, []string{string(ChangedObject)}) {
		t.Errorf("verified with %v, want %s", got, ChangedObject)
	}
}

// TestFormRoles crafts revisions in which a second signer does more to a field
// of their own than fill it in.
func TestFormRoles(t *testing.T) {
	a := newAuthority(t)
	once := sign(t, formed(t), adaFills(a, t))
	k := &kit{t: t}
	for name, spoil := range map[string]func(u *syntax.Update, ref syntax.Ref, d syntax.Dict){
		"moved": func(u *syntax.Update, ref syntax.Ref, d syntax.Dict) {
			d["Rect"] = boxArray([4]float64{0, 0, 500, 700})
		},
		"hidden":      func(u *syntax.Update, ref syntax.Ref, d syntax.Dict) { d["F"] = int64(2) },
		"with action": func(u *syntax.Update, ref syntax.Ref, d syntax.Dict) { d["A"] = syntax.Dict{"S": syntax.Name("URI")} },
		"old look": func(u *syntax.Update, ref syntax.Ref, d syntax.Dict) {
			_, other := k.field(k.open(once), "Text1")
			d["AP"] = other["AP"]
		},
	} {
		f := k.open(once)
		doc, err := openDoc(f, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		req := a.request(a.signer(t, "Bob", ecKey(t, elliptic.P256())), "B")
		req.Fill = []Fill{{"Text2", "29 novembre 2026"}}
		sigField, _ := doc.field("B")
		u := syntax.NewUpdate(f)
		sig, err := doc.signatureDict(req, sigField)
		if err != nil {
			t.Fatal(err)
		}
		widget := sigField.dict.Clone()
		widget["V"] = u.Add(sig)
		u.Set(sigField.ref, widget)
		own, _ := doc.field("Text2")
		filled := own.dict.Clone()
		if err := doc.write(u, []written{{filled, "29 novembre 2026"}}); err != nil {
			t.Fatal(err)
		}
		spoil(u, own.ref, filled)
		u.Set(own.ref, filled)
		tail, err := u.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDraft(bytes.NewReader(once), int64(len(once)), req, tail)
		if err != nil {
			t.Fatal(err)
		}
		if got := codesOf(t, finish(t, d, once, req), a.roots()); !slices.Contains(got, string(ChangedField)) {
			t.Errorf("%s: %v, want %s", name, got, ChangedField)
		}
	}
}

// finish signs a draft.
func finish(t testing.TB, d *Draft, doc []byte, req Request) []byte {
	t.Helper()
	input, opts, err := d.ToSign()
	if err != nil {
		t.Fatal(err)
	}
	value, err := req.Signer.Sign(t.Context(), input, opts)
	if err != nil {
		t.Fatal(err)
	}
	message, err := d.CMS(t.Context(), value, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := d.Finish(&out, bytes.NewReader(doc), int64(len(doc)), message); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
