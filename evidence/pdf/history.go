package pdf

import (
	"fmt"
	"reflect"
	"slices"

	"inkwitness/evidence/pdf/syntax"
)

// history goes through every update after the first signature, oldest first.
// Each must be a proper update and add only what the allow-list has.
func (v *verifier) history() {
	first := v.firstEnd()
	if first == 0 {
		return
	}
	base, err := open(v.r, first, v.opts.Limits, v.opts.Password)
	if err != nil {
		return // already found by revision
	}
	added := len(v.f.Sections) - len(base.Sections)
	if added < 0 || !slices.Equal(v.f.Sections[added:], base.Sections) {
		v.add(History, "", "the cross-reference chain does not lead to the signed revision")
		return
	}
	pos := first
	ends := map[int64]bool{first: true}
	for i := added - 1; i >= 0; i-- {
		rev, err := v.f.Account(pos, v.f.Sections[i])
		if err != nil {
			v.add(UpdateMalformed, fmt.Sprintf("revision at byte %d", pos), err.Error())
			return
		}
		v.update(base, rev)
		if base, err = open(v.r, rev.End, v.opts.Limits, v.opts.Password); err != nil {
			v.add(UpdateMalformed, fmt.Sprintf("revision at byte %d", pos), err.Error())
			return
		}
		pos = rev.End
		ends[pos] = true
	}
	if ok, err := v.f.OnlySpace(pos); !ok || err != nil {
		v.add(TrailingBytes, "", "")
	}
	v.boundaries(ends)
	v.forbidden()
}

// firstEnd is the end of the oldest signature whose place is sound.
func (v *verifier) firstEnd() int64 {
	for _, s := range v.sigs {
		if s.End > 0 {
			return s.End
		}
	}
	return 0
}

// boundaries checks that every signature ends with an update. A file whose
// last byte range leaves its final line feed out still does.
func (v *verifier) boundaries(ends map[int64]bool) {
	for _, s := range v.sigs {
		if s.End > 0 && !ends[s.End] && !ends[s.End+1] && !ends[s.End+2] {
			s.add(NotARevision, "")
		}
	}
}

// forbidden checks what signatures say about those after them.
func (v *verifier) forbidden() {
	for i, s := range v.sigs {
		for _, later := range v.sigs[i+1:] {
			if later.Timestamp {
				continue
			}
			if s.perms.docMDP == 1 {
				later.add(DocMDP, "forbidden by "+s.Field)
			}
			if s.perms.locks(later.Field) {
				later.add(FieldLocked, "locked by "+s.Field)
			}
		}
	}
}

// update compares one update with the file before it.
func (v *verifier) update(before *syntax.File, rev syntax.Revision) {
	report := RevisionReport{Start: rev.Start, End: rev.End, OK: true}
	c := comparison{before: before, rev: rev}
	after, err := open(v.r, rev.End, v.opts.Limits, v.opts.Password)
	if err == nil {
		c.after = after
		err = c.run()
	}
	if err != nil {
		c.refuse(UpdateMalformed, err.Error())
	}
	for _, f := range c.findings {
		f.Where = fmt.Sprintf("revision at byte %d", rev.Start)
		v.report.Findings = append(v.report.Findings, f)
		report.OK = false
	}
	if c.store {
		v.store.end = rev.End
	}
	report.Adds = c.adds
	v.report.Revisions = append(v.report.Revisions, report)
}

// comparison is the allow-list at work on one update.
type comparison struct {
	before, after *syntax.File
	rev           syntax.Revision
	old, now      *doc
	stampFields   map[syntax.Ref]bool // new fields of document timestamps
	findings      []Finding
	adds          []string
	store         bool
}

func (c *comparison) refuse(code Code, detail string) {
	c.findings = append(c.findings, Finding{Code: code, Sentence: reasons[code], Detail: detail})
}

func (c *comparison) run() error {
	var err error
	if c.old, err = openDoc(c.before, 1<<20); err != nil {
		return err
	}
	if c.now, err = openDoc(c.after, 1<<20); err != nil {
		return err
	}
	c.trailer()
	if err := c.findStampFields(); err != nil {
		return err
	}
	roles, err := c.roles()
	if err != nil {
		return err
	}
	for num, e := range c.rev.Section.Entries {
		if err := c.entry(num, e, roles); err != nil {
			return err
		}
	}
	return nil
}

// trailer checks that the update belongs to the same document.
func (c *comparison) trailer() {
	b, a := c.before.Trailer, c.after.Trailer
	for _, k := range []syntax.Name{"Root", "Info", "Encrypt"} {
		if !reflect.DeepEqual(b[k], a[k]) {
			c.refuse(ChangedTrailer, string(k))
		}
	}
	id1, _ := b["ID"].(syntax.Array)
	id2, _ := a["ID"].(syntax.Array)
	if len(id1) > 0 && (len(id2) == 0 || !reflect.DeepEqual(id1[0], id2[0])) {
		c.refuse(ChangedTrailer, "ID")
	}
}

// isNew says whether a reference is to an object that the update adds under a
// number not in use before.
func (c *comparison) isNew(o syntax.Object) (syntax.Ref, bool) {
	ref, ok := o.(syntax.Ref)
	if !ok {
		return ref, false
	}
	was, existed := c.before.Entry(ref.Num)
	_, here := c.rev.Section.Entries[ref.Num]
	return ref, here && (!existed || was.Kind == syntax.Free)
}

// role says how an existing object may change.
type role func(before, after syntax.Object) error

// roles maps the existing objects that a further signature touches to what it
// may do to them. An object with no role may not change.
func (c *comparison) roles() (map[syntax.Ref]role, error) {
	r := map[syntax.Ref]role{c.old.rootRef: c.catalogue}
	if ref, ok := c.old.root["AcroForm"].(syntax.Ref); ok {
		r[ref] = c.form
	}
	if ref, ok := c.old.acroForm["Fields"].(syntax.Ref); ok {
		r[ref] = c.fieldList
	}
	for _, p := range c.old.pages {
		if ref, ok := p.dict["Annots"].(syntax.Ref); ok {
			r[ref] = c.annotList
		} else {
			r[p.ref] = c.page
		}
	}
	for _, fd := range c.old.fields {
		if fd.typ == "Sig" && fd.value == nil {
			r[fd.ref] = c.fill
			if err := c.formRoles(r, fd); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// entry judges one entry of the update's cross-reference.
func (c *comparison) entry(num int, e syntax.Entry, roles map[syntax.Ref]role) error {
	was, existed := c.before.Entry(num)
	if e.Kind == syntax.Free {
		if existed && was.Kind != syntax.Free {
			c.refuse(Removed, fmt.Sprintf("object %d", num))
		}
		return nil
	}
	if !existed || was.Kind == syntax.Free {
		return nil // new; only the allowed changes of old objects can show it
	}
	if was.Gen != e.Gen {
		c.refuse(Removed, fmt.Sprintf("object %d, by another generation", num))
		return nil
	}
	ref := syntax.Ref{Num: num, Gen: int(e.Gen)}
	change, ok := roles[ref]
	if !ok {
		return c.unexpected(ref)
	}
	b, err := c.before.Get(ref)
	if err != nil {
		return err
	}
	a, err := c.after.Get(ref)
	if err != nil {
		return err
	}
	return change(b, a)
}

// unexpected refuses a change, unless it writes the same object again.
func (c *comparison) unexpected(ref syntax.Ref) error {
	b, err := c.before.Get(ref)
	if err != nil {
		return err
	}
	a, err := c.after.Get(ref)
	if err != nil {
		return err
	}
	_, stream := a.(*syntax.Stream)
	if stream || !reflect.DeepEqual(a, b) {
		c.refuse(ChangedObject, fmt.Sprintf("object %d", ref.Num))
	}
	return nil
}

// changedKeys lists the keys whose values differ.
func changedKeys(before, after syntax.Object) ([]syntax.Name, syntax.Dict, syntax.Dict, bool) {
	b, ok1 := before.(syntax.Dict)
	a, ok2 := after.(syntax.Dict)
	var keys []syntax.Name
	for k, v := range a {
		if old, ok := b[k]; !ok || !reflect.DeepEqual(old, v) {
			keys = append(keys, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys, b, a, ok1 && ok2
}
