package pdf

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"io"

	"inkwitness/evidence/pdf/syntax"
)

// Holes of a signature dictionary.
const (
	holeContents = "contents"
	holeRange    = "range"
)

// rangeWidth is the room for a byte range: four numbers of up to 12 digits.
const rangeWidth = 56

// layout makes the revision that a signature adds, with its holes.
func (d *doc) layout(req Request) (syntax.Tail, error) {
	fd, err := d.emptyField(req.Field)
	if err != nil {
		return syntax.Tail{}, err
	}
	u := syntax.NewUpdate(d.f)
	sig, err := d.signatureDict(req, fd)
	if err != nil {
		return syntax.Tail{}, err
	}
	ref := u.Add(sig)
	widget := fd.dict.Clone()
	widget["V"] = ref
	if err := d.appear(u, widget, req.Appearance); err != nil {
		return syntax.Tail{}, err
	}
	u.Set(fd.ref, widget)
	if err := d.fillForms(u, fd, req.Fill); err != nil {
		return syntax.Tail{}, err
	}
	if req.Certify {
		root := d.root.Clone()
		root["Perms"] = syntax.Dict{"DocMDP": ref}
		u.Set(d.rootRef, root)
	}
	return u.Append(nil)
}

func (d *doc) emptyField(name string) (field, error) {
	fd, ok := d.field(name)
	if !ok || fd.typ != "Sig" || fd.dict.Name("Subtype") != "Widget" {
		return fd, fmt.Errorf("%w: %q", ErrNoField, name)
	}
	if fd.value != nil {
		return fd, fmt.Errorf("%w: %q", ErrFilled, name)
	}
	return fd, nil
}

// permit refuses what earlier signatures forbid: certifying a signed document,
// and anything after a certification without changes (P=1) or a lock on this
// field or on one that is filled in with it.
func (d *doc) permit(req Request) error {
	for _, fd := range d.fields {
		if fd.typ != "Sig" || fd.value == nil {
			continue
		}
		sig, err := d.f.Dict(fd.value)
		if err != nil {
			return err
		}
		if req.Certify && sig.Name("Type") != "DocTimeStamp" {
			return fmt.Errorf("%w: only the first signature can certify", ErrForbidden)
		}
		perms, err := readPermissions(d.f, sig)
		if err != nil {
			return err
		}
		if perms.docMDP == 1 || perms.locks(req.Field) {
			return fmt.Errorf("%w: field %q", ErrForbidden, req.Field)
		}
		for _, fill := range req.Fill {
			if fill.Value != "" && perms.locks(fill.Name) {
				return fmt.Errorf("%w: field %q", ErrForbidden, fill.Name)
			}
		}
	}
	return nil
}

func (d *doc) signatureDict(req Request, fd field) (syntax.Dict, error) {
	sig := syntax.Dict{
		"Type": syntax.Name("Sig"), "Filter": syntax.Name("Adobe.PPKLite"), "SubFilter": syntax.Name("ETSI.CAdES.detached"),
		"M":         syntax.Date(req.Time),
		"ByteRange": syntax.Hole{Name: holeRange, Width: rangeWidth},
		"Contents":  contentsHole(req.Reserve),
	}
	for key, v := range map[syntax.Name]string{"Name": req.Name, "Reason": req.Reason, "Location": req.Location} {
		if v != "" {
			sig[key] = syntax.Text(v)
		}
	}
	refs := syntax.Array{}
	if req.Certify {
		refs = append(refs, sigRef("DocMDP", syntax.Dict{"P": 2}))
	}
	lock, err := d.f.Dict(fd.dict["Lock"])
	if err != nil {
		return nil, err
	}
	if lock != nil {
		params := syntax.Dict{"Action": lock["Action"]}
		if v, ok := lock["Fields"]; ok {
			params["Fields"] = v
		}
		refs = append(refs, sigRef("FieldMDP", params))
	}
	if len(refs) > 0 {
		sig["Reference"] = refs
	}
	return sig, nil
}

// sigRef is a signature reference dictionary (ISO 32000-2, table 256).
func sigRef(method syntax.Name, params syntax.Dict) syntax.Dict {
	params["Type"], params["V"] = syntax.Name("TransformParams"), syntax.Name("1.2")
	return syntax.Dict{"Type": syntax.Name("SigRef"), "TransformMethod": method, "TransformParams": params}
}

func contentsHole(reserve int) syntax.Hole {
	if reserve <= 0 {
		reserve = DefaultReserve
	}
	return syntax.Hole{Name: holeContents, Width: 2*reserve + 2, Hex: true}
}

// validationData lays out the revision with the document security store: what
// it already held and what the extension brings, each object once.
func (x Extension) validationData(v view) ([]byte, error) {
	f, err := open(v, v.len(), x.Limits, x.Password)
	if err != nil {
		return nil, err
	}
	root, rootRef, err := f.Root()
	if err != nil {
		return nil, err
	}
	old, err := f.Dict(root["DSS"])
	if err != nil {
		return nil, err
	}
	u := syntax.NewUpdate(f)
	dss := old.Clone()
	dss["Type"] = syntax.Name("DSS")
	var certs [][]byte
	for _, c := range x.Revocation.Certificates {
		certs = append(certs, c.Raw)
	}
	for _, part := range []struct {
		key   syntax.Name
		items [][]byte
	}{{"Certs", certs}, {"CRLs", x.Revocation.CRLs}, {"OCSPs", x.Revocation.OCSPs}} {
		list, err := mergeStore(f, u, old[part.key], part.items)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			dss[part.key] = list
		}
	}
	root = root.Clone()
	root["DSS"] = u.Add(dss)
	u.Set(rootRef, root)
	tail, err := u.Append(nil)
	return tail.Bytes, err
}

// mergeStore returns the list with streams added for the items that it lacks.
func mergeStore(f *syntax.File, u *syntax.Update, old syntax.Object, items [][]byte) (syntax.Array, error) {
	have, err := f.Array(old)
	if err != nil {
		return nil, err
	}
	list := append(syntax.Array{}, have...)
	seen := map[[32]byte]bool{}
	for _, o := range have {
		b, err := storeItem(f, o)
		if err != nil {
			return nil, err
		}
		seen[sha256.Sum256(b)] = true
	}
	for _, b := range items {
		if h := sha256.Sum256(b); !seen[h] {
			seen[h] = true
			list = append(list, u.Add(syntax.Deflate(syntax.Dict{}, b)))
		}
	}
	return list, nil
}

func storeItem(f *syntax.File, o syntax.Object) ([]byte, error) {
	o, err := f.Resolve(o)
	if err != nil {
		return nil, err
	}
	st, ok := o.(*syntax.Stream)
	if !ok {
		return nil, fmt.Errorf("%w: an entry of the security store is no stream", syntax.ErrBroken)
	}
	return st.Decode()
}

// archiveTimestamp lays out and fills the revision with a document timestamp
// in an invisible field of its own (EN 319 142-1, 5.4.3).
func (x Extension) archiveTimestamp(ctx context.Context, v view) ([]byte, error) {
	f, err := open(v, v.len(), x.Limits, x.Password)
	if err != nil {
		return nil, err
	}
	d, err := openDoc(f, 1<<20)
	if err != nil {
		return nil, err
	}
	u := syntax.NewUpdate(f)
	if err := d.addTimestampField(u, x.Reserve); err != nil {
		return nil, err
	}
	tail, err := u.Append(nil)
	if err != nil {
		return nil, err
	}
	draft := Draft{Size: v.len()}
	draft.setTail(tail)
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(v, 0, v.len())); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	h.Write(draft.Tail[:draft.Hole[0]])
	h.Write(draft.Tail[draft.Hole[1]:])
	token, err := x.Timestamper.Timestamp(ctx, crypto.SHA256, h.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("archive timestamp: %w", err)
	}
	return draft.filled(token)
}

func (d *doc) addTimestampField(u *syntax.Update, reserve int) error {
	sig := u.Add(syntax.Dict{
		"Type": syntax.Name("DocTimeStamp"), "Filter": syntax.Name("Adobe.PPKLite"), "SubFilter": syntax.Name("ETSI.RFC3161"),
		"ByteRange": syntax.Hole{Name: holeRange, Width: rangeWidth},
		"Contents":  contentsHole(reserve),
	})
	ref := u.Reserve()
	name := fmt.Sprintf("Timestamp-%d", ref.Num) // an object number is used once, so the name is free
	p := d.pages[0]
	u.Set(ref, syntax.Dict{
		"Type": syntax.Name("Annot"), "Subtype": syntax.Name("Widget"), "FT": syntax.Name("Sig"),
		"T": syntax.Text(name), "V": sig, "F": flagPrint | flagLocked, "P": p.ref, "Rect": boxArray([4]float64{}),
	})
	if err := d.addAnnots(u, p, syntax.Array{ref}); err != nil {
		return err
	}
	form := d.acroForm.Clone()
	have, err := d.f.Array(form["Fields"])
	if err != nil {
		return err
	}
	form["Fields"] = append(append(syntax.Array{}, have...), ref)
	form["SigFlags"] = 3
	if formRef, ok := d.root["AcroForm"].(syntax.Ref); ok {
		u.Set(formRef, form)
		return nil
	}
	root := d.root.Clone()
	root["AcroForm"] = form
	u.Set(d.rootRef, root)
	return nil
}
