package pdf

import (
	"errors"
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
	var g gaps
	if added > 0 {
		if g, err = v.findGaps(base, v.f.Sections[:added]); err != nil {
			v.cannotStand(err)
		}
	}
	pos, old := first, (*doc)(nil)
	ends := map[int64]bool{first: true}
	for i := added - 1; i >= 0; i-- {
		rev, err := v.f.Account(pos, v.f.Sections[i])
		if err != nil {
			v.add(UpdateMalformed, fmt.Sprintf("revision at byte %d", pos), err.Error())
			return
		}
		if base, old, err = v.update(base, old, rev, g); err != nil {
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

// cannotStand tells that the signed document cannot be looked through, or that
// something of it lies behind its end.
func (v *verifier) cannotStand(err error) {
	code := Incomplete
	if errors.Is(err, syntax.ErrLimit) {
		code = TooComplex
	}
	v.report.Findings = append(v.report.Findings, Finding{Code: code, Sentence: Explain(code), Detail: err.Error()})
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

// update compares one update with the file before it, and returns the file after it.
// Their structure, old and the one returned, may be nil: not read yet.
func (v *verifier) update(before *syntax.File, old *doc, rev syntax.Revision, g gaps) (*syntax.File, *doc, error) {
	report := RevisionReport{Start: rev.Start, End: rev.End, OK: true}
	c := comparison{before: before, old: old, rev: rev, gaps: g, locked: func(name string) bool {
		return slices.ContainsFunc(v.sigs, func(s *signature) bool { return s.End > 0 && s.End <= rev.Start && s.perms.locks(name) })
	}}
	after, failed := open(v.r, rev.End, v.opts.Limits, v.opts.Password)
	err := failed
	if err == nil {
		c.after = after
		if err = c.run(); err == nil {
			err = g.noteRevision(after, rev)
		}
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
	return after, c.now, failed
}

// comparison is the allow-list at work on one update.
type comparison struct {
	before, after *syntax.File
	rev           syntax.Revision
	gaps          gaps
	locked        func(field string) bool // by an earlier signature
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
	if c.old == nil {
		if c.old, err = openDoc(c.before, 1<<20); err != nil {
			return err
		}
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
	self := c.rev.Section.Self // 0 for a table; a stream may stand there without an entry
	if _, listed := c.rev.Section.Entries[self]; self != 0 && !listed && (c.before.InUse(self) || c.gaps.open[self]) {
		c.refuse(UpdateMalformed, "the cross-reference takes the number of something else")
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
	// An object whose number is not below /Size is missing (ISO 32000-2, 7.5.5):
	// the size may neither hide an object nor bring one to light.
	for _, f := range []*syntax.File{c.before, c.after} {
		if size, _ := f.Trailer["Size"].(int64); size <= int64(f.Last()) {
			c.refuse(ChangedTrailer, "Size")
			break
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
	_, here := c.rev.Section.Entries[ref.Num]
	return ref, here && !c.before.InUse(ref.Num)
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
	existed = existed && was.Kind != syntax.Free
	if e.Kind == syntax.Free {
		if existed {
			c.refuse(Removed, fmt.Sprintf("object %d", num))
		}
		return nil
	}
	if c.before.Disputed[num] {
		c.refuse(ChangedObject, fmt.Sprintf("object %d, on which readers disagree", num))
		return nil
	}
	if !existed {
		if c.gaps.open[num] {
			c.refuse(FilledIn, fmt.Sprintf("object %d", num))
		}
		return nil // else only the allowed changes of old objects can show it
	}
	if was.Gen != e.Gen {
		c.refuse(Removed, fmt.Sprintf("object %d, by another generation", num))
		return nil
	}
	ref := syntax.Ref{Num: num, Gen: int(e.Gen)}
	change, ok := roles[ref]
	if !ok { // not even to write it again as it was
		c.refuse(ChangedObject, fmt.Sprintf("object %d", num))
		return nil
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
