package pdf

import (
	"fmt"
	"slices"

	"inkwitness/evidence/pdf/font"
	"inkwitness/evidence/pdf/page"
	"inkwitness/evidence/pdf/syntax"
)

// Form is a text field or a checkbox to be prepared. One that the sender fills
// in has its value from the start. Every other belongs to one signature field,
// whose Lock includes its name: whoever signs there fills it in the same
// revision, and from then on it is frozen (FieldMDP).
type Form struct {
	Name  string // unique in the document, signature fields included; no dots
	Label string // what a viewer calls it, optional
	Page  int    // from 1
	Rect  Rect
	Check bool   // a checkbox; else text
	Value string // the sender's text; of a checkbox: empty or anything for ticked
}

// Fill is the value of one prepared text field or checkbox.
type Fill struct {
	Name  string
	Value string // the text; of a checkbox: empty or anything for ticked
}

// Flags of form fields (ISO 32000-2, tables 227 and 230). Read-only from the
// start: nobody shall type into them outside of signing.
const (
	fieldReadOnly  = 1
	fieldMultiline = 1 << 12
)

// The states of a checkbox.
const (
	ticked   = syntax.Name("Yes")
	unticked = syntax.Name("Off")
)

const maxText = 11 // points: the size of text that has room enough

func (d *doc) formWidget(u *syntax.Update, fm Form, n int) (syntax.Dict, error) {
	p := d.pages[n]
	box := p.toUser(fm.Rect)
	w := syntax.Dict{
		"Type": syntax.Name("Annot"), "Subtype": syntax.Name("Widget"), "T": syntax.Text(fm.Name),
		"F": flagPrint, "P": p.ref, "Rect": boxArray(box),
	}
	if fm.Label != "" {
		w["TU"] = syntax.Text(fm.Label)
	}
	if p.rotate != 0 {
		w["MK"] = syntax.Dict{"R": p.rotate}
	}
	if fm.Check {
		w["FT"], w["Ff"] = syntax.Name("Btn"), fieldReadOnly
		w["AP"] = syntax.Dict{"N": syntax.Dict{ticked: d.checkbox(u, box, p.rotate, true), unticked: d.checkbox(u, box, p.rotate, false)}}
		w["AS"] = unticked
		if fm.Value != "" {
			w["V"], w["AS"] = ticked, ticked
		}
		return w, nil
	}
	w["FT"], w["Ff"], w["DA"] = syntax.Name("Tx"), fieldReadOnly|fieldMultiline, syntax.String("/Helv 0 Tf 0 g")
	if fm.Value == "" {
		w["AP"] = syntax.Dict{"N": u.Add(&syntax.Stream{Dict: formDict(box, p.rotate, nil)})}
		return w, nil
	}
	err := d.write(u, []written{{w, fm.Value}})
	return w, err
}

// checkbox is the appearance of a checkbox: a frame, and a tick in it.
func (d *doc) checkbox(u *syntax.Update, box [4]float64, rotate int, tick bool) syntax.Ref {
	w, h := upright(box, rotate)
	side := min(w, h)
	x, y := (w-side)/2, (h-side)/2
	at := func(fx, fy float64) (float64, float64) { return x + fx*side, y + fy*side }
	c := page.NewCanvas(font.NewSet())
	line := func(x0, y0, x1, y1, width float64) {
		ax, ay := at(x0, y0)
		bx, by := at(x1, y1)
		c.Line(ax, ay, bx, by, width*side)
	}
	const edge = 0.06
	line(edge, edge, 1-edge, edge, edge)
	line(1-edge, edge, 1-edge, 1-edge, edge)
	line(1-edge, 1-edge, edge, 1-edge, edge)
	line(edge, 1-edge, edge, edge, edge)
	if tick {
		line(0.22, 0.52, 0.42, 0.26, 0.11)
		line(0.42, 0.26, 0.8, 0.78, 0.11)
	}
	return u.Add(syntax.Deflate(formDict(box, rotate, nil), c.Bytes()))
}

// upright is the size of a box as the page is displayed.
func upright(box [4]float64, rotate int) (w, h float64) {
	w, h = box[2]-box[0], box[3]-box[1]
	if rotate%180 != 0 {
		w, h = h, w
	}
	return w, h
}

// written is a text field that gets its text.
type written struct {
	widget syntax.Dict
	text   string
}

// write sets the values and appearances of text fields. They share one set of
// fonts, so that initials on a hundred pages embed them once.
func (d *doc) write(u *syntax.Update, fields []written) error {
	if len(fields) == 0 {
		return nil
	}
	fonts := font.NewSet()
	forms := make([]*syntax.Stream, len(fields))
	resources := syntax.Dict{}
	for i, f := range fields {
		box, err := d.box(f.widget["Rect"])
		if err != nil {
			return err
		}
		if box == nil {
			return fmt.Errorf("%w: a text field without a place", ErrArgument)
		}
		rotate, err := d.rotation(f.widget)
		if err != nil {
			return err
		}
		w, h := upright(*box, rotate)
		c := page.NewCanvas(fonts)
		if err := c.Fit(page.Box{X: 2, Y: 1, W: w - 4, H: h - 2}, maxText, f.text); err != nil {
			return err
		}
		forms[i] = syntax.Deflate(formDict(*box, rotate, resources), c.Bytes())
	}
	resources["Font"] = fonts.Embed(u.Add)
	for i, f := range fields {
		f.widget["V"] = syntax.Text(f.text)
		f.widget["AP"] = syntax.Dict{"N": u.Add(forms[i])}
	}
	return nil
}

// fillForms fills the fields that go with a signature field.
func (d *doc) fillForms(u *syntax.Update, sig field, fills []Fill) error {
	lock, err := d.f.Dict(sig.dict["Lock"])
	if err != nil {
		return err
	}
	own, err := d.included(lock)
	if err != nil {
		return err
	}
	var texts []written
	var refs []syntax.Ref
	for _, fill := range fills {
		fd, ok := d.field(fill.Name)
		if !ok || fd.typ != "Tx" && fd.typ != "Btn" {
			return fmt.Errorf("%w: %q", ErrNoField, fill.Name)
		}
		if !slices.Contains(own, fill.Name) {
			return fmt.Errorf("%w: %q does not go with the signature field %q", ErrForbidden, fill.Name, sig.name)
		}
		if fd.value != nil {
			return fmt.Errorf("%w: %q", ErrFilled, fill.Name)
		}
		if fill.Value == "" {
			continue
		}
		widget := fd.dict.Clone()
		if fd.typ == "Btn" {
			widget["V"], widget["AS"] = ticked, ticked
			u.Set(fd.ref, widget)
			continue
		}
		texts, refs = append(texts, written{widget, fill.Value}), append(refs, fd.ref)
	}
	if err := d.write(u, texts); err != nil {
		return err
	}
	for i, ref := range refs {
		u.Set(ref, texts[i].widget)
	}
	return nil
}

// included lists the fields that a lock names, none for a lock of another kind.
func (d *doc) included(lock syntax.Dict) ([]string, error) {
	if lock.Name("Action") != syntax.Name(LockInclude) {
		return nil, nil
	}
	names, err := d.f.Array(lock["Fields"])
	if err != nil {
		return nil, err
	}
	var out []string
	for _, o := range names {
		if s, ok := o.(syntax.String); ok {
			out = append(out, s.Text())
		}
	}
	return out, nil
}
