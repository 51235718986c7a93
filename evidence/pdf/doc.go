package pdf

import (
	"fmt"

	"inkwitness/evidence/pdf/syntax"
)

// doc is the structure of a document that signing needs: pages and fields.
type doc struct {
	f        *syntax.File
	root     syntax.Dict
	rootRef  syntax.Ref
	acroForm syntax.Dict
	pages    []sheet
	fields   []field
}

// sheet is a page with what it inherits.
type sheet struct {
	ref    syntax.Ref
	dict   syntax.Dict
	crop   [4]float64 // left, bottom, right, top in the page's own units
	rotate int
	unit   float64 // points to one unit
}

// field is a terminal form field with what it inherits.
type field struct {
	name  string
	typ   syntax.Name
	ref   syntax.Ref
	dict  syntax.Dict
	value syntax.Object // /V as it stands, nil when empty
}

const maxFields = 10_000

func openDoc(f *syntax.File, maxPages int) (*doc, error) {
	d := &doc{f: f}
	var err error
	if d.root, d.rootRef, err = f.Root(); err != nil {
		return nil, err
	}
	if err := d.readPages(maxPages); err != nil {
		return nil, err
	}
	return d, d.readFields()
}

// readPages walks the page tree. Nodes already seen are damage, not pages.
func (d *doc) readPages(limit int) error {
	ref, _ := d.root["Pages"].(syntax.Ref)
	w := pageWalk{d: d, limit: limit, seen: map[syntax.Ref]bool{}}
	if err := w.node(ref, syntax.Dict{}, 0); err != nil {
		return err
	}
	if len(d.pages) == 0 {
		return fmt.Errorf("%w: no pages", syntax.ErrBroken)
	}
	return nil
}

type pageWalk struct {
	d     *doc
	limit int
	seen  map[syntax.Ref]bool
}

// inherited lists the page attributes that a tree node passes on (ISO 32000-2,
// table 31). Resources are inherited as well, but signing does not need them.
var inherited = []syntax.Name{"MediaBox", "CropBox", "Rotate"}

func (w *pageWalk) node(ref syntax.Ref, from syntax.Dict, depth int) error {
	if w.seen[ref] || depth > 64 {
		return fmt.Errorf("%w: the page tree has a loop", syntax.ErrBroken)
	}
	w.seen[ref] = true
	o, err := w.d.f.Get(ref)
	if err != nil {
		return err
	}
	dict, ok := o.(syntax.Dict)
	if !ok {
		return fmt.Errorf("%w: page %d is missing", syntax.ErrBroken, len(w.d.pages)+1)
	}
	attrs := from.Clone()
	for _, k := range inherited {
		if v, ok := dict[k]; ok {
			attrs[k] = v
		}
	}
	if kids, err := w.d.f.Array(dict["Kids"]); err != nil || kids != nil && dict.Name("Type") != "Page" {
		return w.kids(kids, attrs, depth, err)
	}
	if len(w.d.pages) == w.limit {
		return refuse(TooManyPages, nil)
	}
	p, err := w.d.newPage(ref, dict, attrs)
	w.d.pages = append(w.d.pages, p)
	return err
}

func (w *pageWalk) kids(kids syntax.Array, attrs syntax.Dict, depth int, err error) error {
	if err != nil {
		return err
	}
	for _, k := range kids {
		ref, ok := k.(syntax.Ref)
		if !ok {
			return fmt.Errorf("%w: a page that is no reference", syntax.ErrBroken)
		}
		if err := w.node(ref, attrs, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (d *doc) newPage(ref syntax.Ref, dict, attrs syntax.Dict) (sheet, error) {
	p := sheet{ref: ref, dict: dict, unit: 1}
	media, err := d.box(attrs["MediaBox"])
	if err != nil {
		return p, err
	}
	if media == nil {
		media = &[4]float64{0, 0, 612, 792} // what viewers assume: US Letter
	}
	p.crop = *media
	crop, err := d.box(attrs["CropBox"])
	if err != nil {
		return p, err
	}
	if crop != nil {
		p.crop = intersect(*media, *crop)
	}
	if p.crop[2]-p.crop[0] < 1 || p.crop[3]-p.crop[1] < 1 {
		return p, fmt.Errorf("%w: page %d has no area", syntax.ErrBroken, len(d.pages)+1)
	}
	if o, err := d.f.Resolve(dict["UserUnit"]); err != nil {
		return p, err
	} else if u, ok := syntax.Number(o); ok && u > 0 && u <= 75000 {
		p.unit = u
	}
	o, err := d.f.Resolve(attrs["Rotate"])
	if r, ok := syntax.Number(o); ok {
		p.rotate = ((int(r)%360 + 360) % 360) / 90 * 90
	}
	return p, err
}

// box reads a rectangle and puts its corners in order. nil means none.
func (d *doc) box(o syntax.Object) (*[4]float64, error) {
	a, err := d.f.Array(o)
	if err != nil || len(a) < 4 {
		return nil, err
	}
	var b [4]float64
	for i := range b {
		o, err := d.f.Resolve(a[i])
		if err != nil {
			return nil, err
		}
		v, ok := syntax.Number(o)
		if !ok || v < -1e7 || v > 1e7 {
			return nil, fmt.Errorf("%w: bad page box", syntax.ErrBroken)
		}
		b[i] = v
	}
	return &[4]float64{min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])}, nil
}

func intersect(a, b [4]float64) [4]float64 {
	return [4]float64{max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])}
}

// displayed returns the page's size in points as a viewer shows it.
func (p sheet) displayed() (w, h float64) {
	w, h = (p.crop[2]-p.crop[0])*p.unit, (p.crop[3]-p.crop[1])*p.unit
	if p.rotate%180 != 0 {
		w, h = h, w
	}
	return w, h
}

// toUser converts a displayed rectangle to the page's own coordinates: left,
// bottom, right, top.
func (p sheet) toUser(r Rect) [4]float64 {
	x0, y0, x1, y1 := r.X/p.unit, r.Y/p.unit, (r.X+r.W)/p.unit, (r.Y+r.H)/p.unit
	c := p.crop
	switch p.rotate {
	case 90:
		return [4]float64{c[0] + y0, c[1] + x0, c[0] + y1, c[1] + x1}
	case 180:
		return [4]float64{c[2] - x1, c[1] + y0, c[2] - x0, c[1] + y1}
	case 270:
		return [4]float64{c[2] - y1, c[3] - x1, c[2] - y0, c[3] - x0}
	}
	return [4]float64{c[0] + x0, c[3] - y1, c[0] + x1, c[3] - y0}
}

// readFields walks the form's field tree.
func (d *doc) readFields() error {
	var err error
	if d.acroForm, err = d.f.Dict(d.root["AcroForm"]); err != nil || d.acroForm == nil {
		return err
	}
	kids, err := d.f.Array(d.acroForm["Fields"])
	if err != nil {
		return err
	}
	w := fieldWalk{d: d, seen: map[syntax.Ref]bool{}}
	return w.kids(kids, field{}, 0)
}

type fieldWalk struct {
	d    *doc
	seen map[syntax.Ref]bool
}

func (w *fieldWalk) kids(kids syntax.Array, parent field, depth int) error {
	for _, k := range kids {
		ref, ok := k.(syntax.Ref)
		if !ok {
			continue // a direct field cannot be signed; a viewer shows it all the same
		}
		if w.seen[ref] || depth > 32 || len(w.seen) > maxFields {
			return fmt.Errorf("%w: the form's fields have a loop", syntax.ErrBroken)
		}
		w.seen[ref] = true
		dict, err := w.d.f.Dict(ref)
		if err != nil {
			return err
		}
		if dict == nil {
			continue
		}
		if err := w.field(ref, dict, parent, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *fieldWalk) field(ref syntax.Ref, dict syntax.Dict, parent field, depth int) error {
	fd := field{name: parent.name, typ: parent.typ, value: parent.value, ref: ref, dict: dict}
	if t, ok := dict["T"].(syntax.String); ok {
		if fd.name != "" {
			fd.name += "."
		}
		fd.name += t.Text()
	}
	if t := dict.Name("FT"); t != "" {
		fd.typ = t
	}
	if v, ok := dict["V"]; ok {
		fd.value = v
	}
	kids, err := w.d.f.Array(dict["Kids"])
	if err != nil {
		return err
	}
	if named, err := w.named(kids); err != nil || named {
		return w.kidsOf(kids, fd, depth, err)
	}
	w.d.fields = append(w.d.fields, fd)
	return nil
}

func (w *fieldWalk) kidsOf(kids syntax.Array, fd field, depth int, err error) error {
	if err != nil {
		return err
	}
	return w.kids(kids, fd, depth+1)
}

// named says whether the kids are fields: widgets have no name of their own.
func (w *fieldWalk) named(kids syntax.Array) (bool, error) {
	if len(kids) == 0 {
		return false, nil
	}
	first, err := w.d.f.Dict(kids[0])
	return first["T"] != nil, err
}

func (d *doc) field(name string) (field, bool) {
	for _, fd := range d.fields {
		if fd.name == name {
			return fd, true
		}
	}
	return field{}, false
}
