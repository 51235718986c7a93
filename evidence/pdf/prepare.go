package pdf

import (
	"fmt"
	"io"
	"math"
	"strings"

	"inkwitness/evidence/pdf/syntax"
)

// Preparation says which fields a document gets.
type Preparation struct {
	Fields   []Field
	Forms    []Form // text fields and checkboxes beside the signatures
	Password string // of a document encrypted with AES-256
	Limits   syntax.Limits
}

// Prepare copies the document to w and appends one revision that holds an
// empty signature field for every signer, the text fields and checkboxes that
// they fill in, and declares the extensions that PAdES needs. It is done once, before the first signature: a field that
// appears later is a change of what was signed.
func Prepare(w io.Writer, in io.ReaderAt, size int64, p Preparation) error {
	tail, err := PreparedTail(in, size, p)
	if err != nil {
		return err
	}
	return copyTo(w, in, size, tail)
}

// PreparedTail returns the revision that Prepare appends.
func PreparedTail(in io.ReaderAt, size int64, p Preparation) ([]byte, error) {
	f, err := open(in, size, p.Limits, p.Password)
	if err != nil {
		return nil, err
	}
	d, err := openDoc(f, 1<<20)
	if err != nil {
		return nil, err
	}
	for _, fd := range d.fields {
		if fd.typ == "Sig" && fd.value != nil {
			return nil, ErrSigned
		}
	}
	// Later revisions number on from this one, so that none fills a reference in.
	u, err := syntax.NewUpdateAbove(f)
	if err != nil {
		return nil, err
	}
	if err := d.addFields(u, p.Fields, p.Forms); err != nil {
		return nil, err
	}
	tail, err := u.Append(nil)
	if err != nil {
		return nil, err
	}
	return tail.Bytes, nil
}

func open(in io.ReaderAt, size int64, limits syntax.Limits, password string) (*syntax.File, error) {
	f, err := syntax.Open(in, size, limits)
	if err != nil {
		return nil, err
	}
	return f, f.Unlock(password)
}

// copyTo writes the document and what follows it.
func copyTo(w io.Writer, in io.ReaderAt, size int64, tail []byte) error {
	if _, err := io.Copy(w, io.NewSectionReader(in, 0, size)); err != nil {
		return fmt.Errorf("copy document: %w", err)
	}
	if _, err := w.Write(tail); err != nil {
		return fmt.Errorf("append revision: %w", err)
	}
	return nil
}

func (d *doc) addFields(u *syntax.Update, fields []Field, forms []Form) error {
	if len(fields) == 0 {
		return fmt.Errorf("%w: no fields", ErrArgument)
	}
	annots := map[int]syntax.Array{}
	var refs syntax.Array
	taken := map[string]bool{}
	for _, fd := range d.fields {
		taken[fd.name] = true
	}
	free := func(name string) error {
		if name == "" || strings.Contains(name, ".") || taken[name] {
			return fmt.Errorf("%w: field name %q is empty, taken or has a dot", ErrArgument, name)
		}
		taken[name] = true
		return nil
	}
	add := func(n int, widget syntax.Dict) {
		ref := u.Add(widget)
		annots[n] = append(annots[n], ref)
		refs = append(refs, ref)
	}
	for _, fd := range fields {
		if err := free(fd.Name); err != nil {
			return err
		}
		n, err := d.place(fd.Name, fd.Page, fd.Rect)
		if err != nil {
			return err
		}
		add(n, d.widget(u, fd, n))
	}
	for _, fm := range forms {
		if err := free(fm.Name); err != nil {
			return err
		}
		if fm.Rect == (Rect{}) {
			return fmt.Errorf("%w: field %q has no place", ErrArgument, fm.Name)
		}
		n, err := d.place(fm.Name, fm.Page, fm.Rect)
		if err != nil {
			return err
		}
		widget, err := d.formWidget(u, fm, n)
		if err != nil {
			return err
		}
		add(n, widget)
	}
	for n, added := range annots {
		if err := d.addAnnots(u, d.pages[n], added); err != nil {
			return err
		}
	}
	return d.addToForm(u, refs)
}

// place checks where a field shall stand and returns the index of its page. An
// invisible field belongs to the first page.
func (d *doc) place(name string, page int, r Rect) (int, error) {
	if r == (Rect{}) {
		return 0, nil
	}
	if page < 1 || page > len(d.pages) {
		return 0, fmt.Errorf("%w: field %q on page %d of %d", ErrArgument, name, page, len(d.pages))
	}
	w, h := d.pages[page-1].displayed()
	const slack = 0.5 // points; a page drawn on a screen is not measured better
	inside := r.X >= -slack && r.Y >= -slack && r.X+r.W <= w+slack && r.Y+r.H <= h+slack
	if !(r.W >= 4 && r.H >= 4 && inside) {
		return 0, fmt.Errorf("%w: field %q does not fit on its page", ErrArgument, name)
	}
	return page - 1, nil
}

// Flags of annotations (ISO 32000-2, table 167).
const (
	flagPrint  = 4
	flagLocked = 128
)

func (d *doc) widget(u *syntax.Update, fd Field, n int) syntax.Dict {
	p := d.pages[n]
	box := [4]float64{}
	if fd.Rect != (Rect{}) {
		box = p.toUser(fd.Rect)
	}
	empty := u.Add(&syntax.Stream{Dict: formDict(box, p.rotate, nil)})
	w := syntax.Dict{
		"Type": syntax.Name("Annot"), "Subtype": syntax.Name("Widget"), "FT": syntax.Name("Sig"),
		"T": syntax.Text(fd.Name), "F": flagPrint | flagLocked, "P": p.ref, "Rect": boxArray(box),
		"AP": syntax.Dict{"N": empty},
	}
	if fd.Label != "" {
		w["TU"] = syntax.Text(fd.Label)
	}
	if p.rotate != 0 {
		w["MK"] = syntax.Dict{"R": p.rotate}
	}
	if fd.Lock != nil {
		w["Lock"] = u.Add(lockDict(*fd.Lock, "SigFieldLock"))
	}
	return w
}

func lockDict(l Lock, typ syntax.Name) syntax.Dict {
	d := syntax.Dict{"Type": typ, "Action": syntax.Name(l.Action)}
	if l.Action != LockAll {
		names := syntax.Array{}
		for _, n := range l.Fields {
			names = append(names, syntax.Text(n))
		}
		d["Fields"] = names
	}
	return d
}

// boxArray rounds to a ten-thousandth of a point.
func boxArray(b [4]float64) syntax.Array {
	out := syntax.Array{}
	for _, v := range b {
		out = append(out, round(v))
	}
	return out
}

func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// formDict is the dictionary of a widget's appearance. The form is drawn
// upright, as the page is displayed; the matrix turns it into the page's own
// coordinates (ISO 32000-2, 12.5.5).
func formDict(box [4]float64, rotate int, resources syntax.Dict) syntax.Dict {
	w, h := box[2]-box[0], box[3]-box[1]
	d := syntax.Dict{"Type": syntax.Name("XObject"), "Subtype": syntax.Name("Form")}
	switch rotate {
	case 90:
		w, h = h, w
		d["Matrix"] = syntax.Array{0, 1, -1, 0, round(h), 0}
	case 180:
		d["Matrix"] = syntax.Array{-1, 0, 0, -1, round(w), round(h)}
	case 270:
		w, h = h, w
		d["Matrix"] = syntax.Array{0, -1, 1, 0, 0, round(w)}
	}
	d["BBox"] = syntax.Array{0, 0, round(w), round(h)}
	if resources != nil {
		d["Resources"] = resources
	}
	return d
}

// addAnnots appends widgets to a page: to its array where that is an object of
// its own, else to the page.
func (d *doc) addAnnots(u *syntax.Update, p sheet, added syntax.Array) error {
	have, err := d.f.Array(p.dict["Annots"])
	if err != nil {
		return err
	}
	all := append(append(syntax.Array{}, have...), added...)
	if ref, ok := p.dict["Annots"].(syntax.Ref); ok && have != nil {
		u.Set(ref, all)
		return nil
	}
	dict := p.dict.Clone()
	dict["Annots"] = all
	u.Set(p.ref, dict)
	return nil
}

// addToForm appends fields to the interactive form and updates the catalogue.
func (d *doc) addToForm(u *syntax.Update, refs syntax.Array) error {
	form := d.acroForm.Clone()
	have, err := d.f.Array(form["Fields"])
	if err != nil {
		return err
	}
	form["Fields"] = append(append(syntax.Array{}, have...), refs...)
	form["SigFlags"] = 3 // signatures exist; append only (ISO 32000-2, table 225)
	delete(form, "NeedAppearances")
	root := d.root.Clone()
	if ref, ok := root["AcroForm"].(syntax.Ref); ok && d.acroForm != nil {
		u.Set(ref, form)
	} else {
		root["AcroForm"] = u.Add(form)
	}
	if err := d.declare(root); err != nil {
		return err
	}
	u.Set(d.rootRef, root)
	return nil
}

// declare adds the developer extensions of PAdES to a document before PDF 2.0
// (EN 319 142-1, 5.5; ISO 32000-2, 7.12).
func (d *doc) declare(root syntax.Dict) error {
	version := d.f.Version
	if v := string(root.Name("Version")); v > version {
		version = v
	}
	if version >= "2.0" {
		return nil
	}
	if version < "1.7" {
		root["Version"] = syntax.Name("1.7")
	}
	have, err := d.f.Dict(root["Extensions"])
	if err != nil {
		return err
	}
	ext := have.Clone()
	ext["ESIC"] = syntax.Dict{"BaseVersion": syntax.Name("1.7"), "ExtensionLevel": 5}
	root["Extensions"] = ext
	return nil
}
