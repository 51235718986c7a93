package pdf

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence/cms"
	"inkwitness/evidence/pdf/syntax"
)

// Options says what to check against.
type Options struct {
	Roots    *x509.CertPool // of signers and timestamp authorities; nil trusts nobody
	At       time.Time      // the time of the check, for signatures without a timestamp
	Password string
	Limits   syntax.Limits
}

// Finding is something that is wrong.
type Finding struct {
	Code     Code   `json:"code"`
	Sentence string `json:"sentence"`
	Where    string `json:"where,omitempty"`  // a signature's field, or a revision
	Detail   string `json:"detail,omitempty"` // technical, not stable
}

// Report is the result of Verify.
type Report struct {
	OK         bool              `json:"ok"` // at least one person's signature and nothing wrong
	Signatures []SignatureReport `json:"signatures"`
	Revisions  []RevisionReport  `json:"revisions"` // that follow the first signature
	Findings   []Finding         `json:"findings"`  // of signatures and revisions, all of them
}

// SignatureReport is one signature or document timestamp, in the order in
// which they were made.
type SignatureReport struct {
	Field     string    `json:"field"`
	Timestamp bool      `json:"timestamp"` // a document timestamp, nobody's signature
	Signer    string    `json:"signer"`    // common name of the certificate
	Serial    string    `json:"serial"`    // of the certificate, hexadecimal
	Name      string    `json:"name"`      // as the signature dictionary claims
	Claimed   time.Time `json:"claimed"`   // as the signature dictionary claims
	Stamped   time.Time `json:"stamped"`   // by a trusted timestamp; zero without one
	Level     Level     `json:"-"`
	LevelName string    `json:"level"`     // "none" for a signature that does not hold
	WholeFile bool      `json:"wholeFile"` // nothing follows it in the file
	Certifies int       `json:"certifies"` // DocMDP permission, 0 for none
	End       int64     `json:"end"`       // bytes of the file as it was signed
	OK        bool      `json:"ok"`

	Certificate *x509.Certificate `json:"-"`
}

// RevisionReport is one update that follows the first signature.
type RevisionReport struct {
	Start int64    `json:"start"`
	End   int64    `json:"end"`
	Adds  []string `json:"adds"` // "signature", "timestamp", "validation data"
	OK    bool     `json:"ok"`
}

// Verify checks all signatures of a document and everything that was appended
// after the first one. It fails with a *Refusal only where the file cannot be
// read as a PDF at all; otherwise the report says what holds and what does not.
func Verify(r io.ReaderAt, size int64, o Options) (Report, error) {
	if o.Limits.Work == 0 {
		o.Limits.Work = 4 << 30
	}
	o.Limits = o.Limits.Shared() // a file is read once for every revision
	f, err := open(r, size, o.Limits, o.Password)
	if err != nil {
		return Report{}, asRefusal(err)
	}
	d, err := openDoc(f, 1<<20)
	if err != nil {
		return Report{}, asRefusal(err)
	}
	v := &verifier{r: r, f: f, doc: d, opts: o}
	if v.find(); len(v.sigs) > maxSignatures {
		return Report{}, refuse(TooComplex, nil)
	}
	v.run()
	return v.report, nil
}

// maxSignatures bounds how often the file is hashed.
const maxSignatures = 64

// verifier is one run of Verify.
type verifier struct {
	r      io.ReaderAt
	f      *syntax.File
	doc    *doc
	opts   Options
	sigs   []*signature
	store  store
	report Report
}

// signature is a signature as found.
type signature struct {
	SignatureReport
	ref      syntax.Ref
	dict     syntax.Dict
	value    []byte   // of /Contents
	hole     [2]int64 // of /Contents in the file
	perms    permissions
	message  *cms.Signed
	stamps   []*cms.Token // trusted, over this signature
	findings []Finding
}

func (s *signature) add(c Code, detail string) {
	s.findings = append(s.findings, Finding{c, reasons[c], s.Field, detail})
}

func (v *verifier) add(c Code, where, detail string) {
	v.report.Findings = append(v.report.Findings, Finding{c, reasons[c], where, detail})
}

func (v *verifier) run() {
	if !slices.ContainsFunc(v.sigs, func(s *signature) bool { return !s.Timestamp }) {
		v.add(NoSignature, "", "")
	}
	v.readStore()
	for _, s := range v.sigs {
		v.revision(s)
		v.digest(s)
	}
	v.trust()
	v.history()
	v.conclude()
}

// find collects the signed fields and sorts them by the end of what they sign.
func (v *verifier) find() {
	for _, fd := range v.doc.fields {
		if fd.typ != "Sig" || fd.value == nil {
			continue
		}
		s := &signature{SignatureReport: SignatureReport{Field: fd.name}}
		if err := v.locate(s, fd); err != nil {
			s.add(ByteRange, err.Error())
		}
		v.sigs = append(v.sigs, s)
	}
	slices.SortStableFunc(v.sigs, func(a, b *signature) int { return cmp.Compare(a.End, b.End) })
}

// locate reads the signature dictionary where it stands and checks that the
// byte range is the file from its first byte to the end of a revision, without
// the string behind /Contents and nothing else.
func (v *verifier) locate(s *signature, fd field) error {
	ref, ok := fd.value.(syntax.Ref)
	if !ok {
		return fmt.Errorf("the signature is no object of its own")
	}
	e, _ := v.f.Entry(ref.Num)
	if e.Kind != syntax.InFile {
		return fmt.Errorf("the signature is not in the file itself")
	}
	got, o, place, err := v.f.At(e.Offset)
	if err != nil {
		return err
	}
	var isDict bool
	if s.dict, isDict = o.(syntax.Dict); !isDict || got != ref {
		return fmt.Errorf("the signature is no dictionary")
	}
	s.ref, s.hole = ref, place.Contents
	s.claims()
	value, ok := s.dict["Contents"].(syntax.String)
	if !ok || len(value) == 0 {
		return fmt.Errorf("no /Contents")
	}
	s.value = value
	if err := v.plainHex(s.hole); err != nil {
		return err
	}
	return v.byteRange(s)
}

// plainHex wants the value as every signer writes it: hexadecimal digits of one
// case and nothing between them. What is not signed must have one form only.
func (v *verifier) plainHex(hole [2]int64) error {
	b := make([]byte, hole[1]-hole[0])
	if _, err := v.f.ReadAt(b, hole[0]); err != nil && err != io.EOF {
		return err
	}
	if len(b)%2 != 0 || b[0] != '<' {
		return fmt.Errorf("/Contents is no hexadecimal string of whole bytes")
	}
	var upper, lower bool
	for _, c := range b[1 : len(b)-1] {
		switch {
		case c >= 'A' && c <= 'F':
			upper = true
		case c >= 'a' && c <= 'f':
			lower = true
		case c < '0' || c > '9':
			return fmt.Errorf("/Contents holds more than digits")
		}
	}
	if upper && lower {
		return fmt.Errorf("/Contents has digits in both cases")
	}
	return nil
}

func (v *verifier) byteRange(s *signature) error {
	a, _ := s.dict["ByteRange"].(syntax.Array)
	if len(a) != 4 {
		return fmt.Errorf("/ByteRange has %d numbers", len(a))
	}
	var n [4]int64
	for i := range n {
		var ok bool
		if n[i], ok = a[i].(int64); !ok || n[i] < 0 {
			return fmt.Errorf("/ByteRange holds something else than offsets")
		}
	}
	size := v.f.Size()
	if n[0] != 0 || n[1] != s.hole[0] || n[2] != s.hole[1] || n[3] > size-n[2] {
		return fmt.Errorf("/ByteRange is %v, the signature value is at %v of %d", n, s.hole, size)
	}
	s.End = n[2] + n[3]
	s.WholeFile = s.End == size
	return nil
}

// claims takes over what the dictionary says about itself.
func (s *signature) claims() {
	name, _ := s.dict["Name"].(syntax.String)
	s.Name = name.Text()
	if m, ok := s.dict["M"].(syntax.String); ok {
		s.Claimed = parseDate(m.Text())
	}
	s.Timestamp = s.dict.Name("SubFilter") == stampFilter
	if typ := s.dict.Name("Type"); typ != "" && (typ == "DocTimeStamp") != s.Timestamp {
		s.add(SubFilter, string(typ))
	}
}

// stampFilter is the kind of a document timestamp.
const stampFilter = syntax.Name("ETSI.RFC3161")

// parseDate reads a PDF date, zero when it is none.
func parseDate(s string) time.Time {
	s = strings.TrimPrefix(s, "D:")
	s = strings.ReplaceAll(s, "'", "")
	for _, layout := range []string{"20060102150405Z0700", "20060102150405-0700", "20060102150405"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// revision opens the file as it was signed and checks that the signature was
// already the same one in it.
func (v *verifier) revision(s *signature) {
	if s.End == 0 {
		return
	}
	old, err := open(v.r, s.End, v.opts.Limits, v.opts.Password)
	if err != nil {
		s.add(NotARevision, err.Error())
		return
	}
	if !endsWithEOF(old) {
		s.add(NotARevision, "no %%EOF at the end of the signed bytes")
		return
	}
	now, _ := v.f.Entry(s.ref.Num)
	then, _ := old.Entry(s.ref.Num)
	d, err := openDoc(old, 1<<20)
	if err != nil {
		s.add(NotARevision, err.Error())
		return
	}
	fd, ok := d.field(s.Field)
	if now != then || !ok || fd.value != syntax.Object(s.ref) {
		s.add(Shadowed, "")
	}
	if s.perms, err = readPermissions(old, s.dict); err != nil {
		s.add(CMSMalformed, err.Error())
	}
	s.Certifies = s.perms.docMDP
}

// endsWithEOF says whether %%EOF and at most one end of line end the file.
func endsWithEOF(f *syntax.File) bool {
	b := make([]byte, min(7, f.Size()))
	n, _ := f.ReadAt(b, f.Size()-int64(len(b)))
	s := string(b[:n])
	s = strings.TrimSuffix(s, "\n")
	s = strings.TrimSuffix(s, "\r")
	return strings.HasSuffix(s, "%%EOF")
}

// conclude sums up.
func (v *verifier) conclude() {
	for _, s := range v.sigs {
		s.OK = len(s.findings) == 0
		if s.LevelName = s.Level.String(); !s.OK {
			s.LevelName = "none"
		}
		v.report.Signatures = append(v.report.Signatures, s.SignatureReport)
		v.report.Findings = append(v.report.Findings, s.findings...)
	}
	v.report.OK = len(v.report.Findings) == 0
}

// permissions is what a signature forbids.
type permissions struct {
	docMDP int // 1 to 3, 0 when the signature does not certify
	lock   *Lock
}

// readPermissions reads the transform methods of a signature (ISO 32000-2,
// 12.8.2).
func readPermissions(f *syntax.File, sig syntax.Dict) (permissions, error) {
	var p permissions
	refs, err := f.Array(sig["Reference"])
	if err != nil {
		return p, err
	}
	for _, o := range refs {
		ref, err := f.Dict(o)
		if err != nil {
			return p, err
		}
		params, err := f.Dict(ref["TransformParams"])
		if err != nil {
			return p, err
		}
		switch ref.Name("TransformMethod") {
		case "DocMDP":
			p.docMDP = 2
			if n, ok := params["P"].(int64); ok && n >= 1 && n <= 3 {
				p.docMDP = int(n)
			}
		case "FieldMDP":
			if p.lock, err = readLock(f, params); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

func readLock(f *syntax.File, params syntax.Dict) (*Lock, error) {
	l := &Lock{Action: LockAction(params.Name("Action"))}
	names, err := f.Array(params["Fields"])
	for _, o := range names {
		if s, ok := o.(syntax.String); ok {
			l.Fields = append(l.Fields, s.Text())
		}
	}
	return l, err
}

// locks says whether the named field may not be signed any more.
func (p permissions) locks(field string) bool {
	if p.lock == nil {
		return false
	}
	named := slices.Contains(p.lock.Fields, field)
	switch p.lock.Action {
	case LockInclude:
		return named
	case LockExclude:
		return !named
	}
	return true
}
