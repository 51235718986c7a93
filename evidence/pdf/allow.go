package pdf

import (
	"fmt"
	"reflect"
	"slices"

	"inkwitness/evidence/pdf/syntax"
)

// catalogue: validation data may be added, and a form kept in the catalogue
// may change as a form may.
func (c *comparison) catalogue(before, after syntax.Object) error {
	keys, b, a, ok := changedKeys(before, after)
	if !ok {
		c.refuse(ChangedCatalog, "not a dictionary")
	}
	for _, k := range keys {
		switch k {
		case "DSS":
			if err := c.securityStore(a[k]); err != nil {
				return err
			}
		case "AcroForm":
			form, ok := a[k].(syntax.Dict)
			if !ok {
				c.refuse(ChangedCatalog, string(k))
				continue
			}
			old, _ := b[k].(syntax.Dict)
			if err := c.form(old, form); err != nil {
				return err
			}
		default:
			c.refuse(ChangedCatalog, string(k))
		}
	}
	return nil
}

// securityStore wants a new dictionary with nothing but lists of streams.
func (c *comparison) securityStore(o syntax.Object) error {
	if _, ok := c.isNew(o); !ok {
		c.refuse(ChangedCatalog, "DSS")
		return nil
	}
	d, err := c.after.Dict(o)
	if err != nil {
		return err
	}
	for k := range d {
		if !slices.Contains([]syntax.Name{"Type", "Certs", "CRLs", "OCSPs", "VRI"}, k) {
			c.refuse(ChangedCatalog, "DSS/"+string(k))
		}
	}
	c.store = true
	c.adds = append(c.adds, "validation data")
	return nil
}

// form: fields of document timestamps may be appended, and the flags may say
// that there are signatures.
func (c *comparison) form(before, after syntax.Object) error {
	keys, b, a, ok := changedKeys(before, after)
	if !ok {
		c.refuse(ChangedForm, "not a dictionary")
	}
	for _, k := range keys {
		switch k {
		case "Fields":
			_, wasRef := b[k].(syntax.Ref)
			_, isRef := a[k].(syntax.Ref)
			if wasRef || isRef {
				c.refuse(ChangedForm, "Fields")
				continue
			}
			if err := c.fieldList(b[k], a[k]); err != nil {
				return err
			}
		case "SigFlags":
			if a[k] != int64(3) && a[k] != int64(1) {
				c.refuse(ChangedForm, "SigFlags")
			}
		default:
			c.refuse(ChangedForm, string(k))
		}
	}
	return nil
}

func (c *comparison) fieldList(before, after syntax.Object) error {
	return c.appended(before, after, AddedField)
}

func (c *comparison) annotList(before, after syntax.Object) error {
	return c.appended(before, after, ChangedPage)
}

// appended wants the old list with fields of document timestamps behind it.
func (c *comparison) appended(before, after syntax.Object, code Code) error {
	b, _ := before.(syntax.Array)
	a, ok := after.(syntax.Array)
	if !ok || len(a) < len(b) || !reflect.DeepEqual(a[:len(b)], b) && len(b) > 0 {
		c.refuse(code, "the list was rewritten")
		return nil
	}
	for _, o := range a[len(b):] {
		if ref, ok := o.(syntax.Ref); !ok || !c.stampFields[ref] {
			c.refuse(code, fmt.Sprintf("%v", o))
		}
	}
	return nil
}

// page: widgets of document timestamps may be appended to its annotations.
func (c *comparison) page(before, after syntax.Object) error {
	keys, b, a, ok := changedKeys(before, after)
	if !ok {
		c.refuse(ChangedPage, "not a dictionary")
	}
	for _, k := range keys {
		if k != "Annots" {
			c.refuse(ChangedPage, string(k))
			continue
		}
		if err := c.annotList(b[k], a[k]); err != nil {
			return err
		}
	}
	return nil
}

// fill: an empty signature field may receive a signature, and with it a new
// appearance.
func (c *comparison) fill(before, after syntax.Object) error {
	keys, _, a, ok := changedKeys(before, after)
	if !ok || !slices.Contains(keys, "V") {
		c.refuse(ChangedField, "without being signed")
		return nil
	}
	for _, k := range keys {
		switch k {
		case "V":
			if err := c.signatureValue(a[k]); err != nil {
				return err
			}
		case "AP":
			ap, _ := a[k].(syntax.Dict)
			if _, isNew := c.isNew(ap["N"]); !isNew || len(ap) != 1 {
				c.refuse(ChangedField, "AP")
			}
		default:
			c.refuse(ChangedField, string(k))
		}
	}
	c.adds = append(c.adds, "signature")
	return nil
}

// formRoles lets the empty fields that a signature field locks be filled in the
// revision that signs it, and at no other time.
func (c *comparison) formRoles(r map[syntax.Ref]role, sig field) error {
	now, ok := c.now.field(sig.name)
	if !ok || now.ref != sig.ref || now.value == nil {
		return nil
	}
	lock, err := c.before.Dict(sig.dict["Lock"])
	if err != nil {
		return err
	}
	names, err := c.old.included(lock)
	if err != nil {
		return err
	}
	for _, name := range names {
		fd, ok := c.old.field(name)
		switch {
		case !ok || fd.value != nil || c.locked(name):
		case fd.typ == "Tx":
			r[fd.ref] = c.fillText
		case fd.typ == "Btn":
			r[fd.ref] = c.fillCheck
		}
	}
	return nil
}

// fillText: a text, and one new appearance for it.
func (c *comparison) fillText(before, after syntax.Object) error {
	keys, _, a, ok := changedKeys(before, after)
	_, text := a["V"].(syntax.String)
	ap, _ := a["AP"].(syntax.Dict)
	_, isNew := c.isNew(ap["N"])
	if !ok || !slices.Equal(keys, []syntax.Name{"AP", "V"}) || !text || len(ap) != 1 || !isNew {
		c.refuse(ChangedField, fmt.Sprintf("a text field, %v", keys))
	}
	return nil
}

// fillCheck: ticked, with the appearance that was prepared for it.
func (c *comparison) fillCheck(before, after syntax.Object) error {
	keys, _, a, ok := changedKeys(before, after)
	if !ok || !slices.Equal(keys, []syntax.Name{"AS", "V"}) || a["V"] != ticked || a["AS"] != ticked {
		c.refuse(ChangedField, fmt.Sprintf("a checkbox, %v", keys))
	}
	return nil
}

// signatureValue wants a new dictionary of a signature.
func (c *comparison) signatureValue(o syntax.Object) error {
	d, err := c.after.Dict(o)
	if err != nil {
		return err
	}
	// A timestamp in a signer's field would show handwriting that nobody's key made.
	if _, ok := c.isNew(o); !ok || d.Name("Type") != "Sig" || d["ByteRange"] == nil || d.Name("SubFilter") == stampFilter {
		c.refuse(ChangedField, "V")
	}
	return nil
}

// findStampFields finds the new fields that hold a document timestamp and show
// nothing.
func (c *comparison) findStampFields() error {
	c.stampFields = map[syntax.Ref]bool{}
	for _, fd := range c.now.fields {
		if _, ok := c.isNew(fd.ref); !ok {
			continue
		}
		ok, err := c.isStampField(fd)
		if err != nil {
			return err
		}
		if ok {
			c.stampFields[fd.ref] = true
			c.adds = append(c.adds, "timestamp")
		}
	}
	return nil
}

func (c *comparison) isStampField(fd field) (bool, error) {
	for k := range fd.dict {
		if !slices.Contains([]syntax.Name{"Type", "Subtype", "FT", "T", "TU", "V", "F", "P", "Rect"}, k) {
			return false, nil
		}
	}
	box, err := c.now.box(fd.dict["Rect"])
	if err != nil {
		return false, err
	}
	if fd.typ != "Sig" || box == nil || box[0] != box[2] || box[1] != box[3] {
		return false, nil
	}
	if _, ok := c.isNew(fd.dict["V"]); !ok {
		return false, nil
	}
	d, err := c.after.Dict(fd.dict["V"])
	return d.Name("Type") == "DocTimeStamp" && d.Name("SubFilter") == stampFilter, err
}
