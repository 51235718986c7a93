package pdf

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"inkwitness/evidence/pdf/syntax"
)

// Limits bounds an upload. Zero fields take the default.
type Limits struct {
	Size   int64 // bytes of the file, default 200 MiB
	Pages  int   // default 5,000
	Signed bool  // take documents that are already signed, for looking at them
	Syntax syntax.Limits
}

// Refusal says why a document is not taken. It is the error of Inspect.
type Refusal struct {
	Code     Code
	Sentence string // for the person who sent the document, in English
	Cause    error  // for the log, may be nil
}

// Error returns the code and the sentence.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Sentence }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Code is a stable reason code. Codes never change their meaning.
type Code string

// The codes of Inspect.
const (
	NotPDF         Code = "pdf.not-a-pdf"
	Broken         Code = "pdf.broken"
	TooLarge       Code = "pdf.too-large"
	TooManyPages   Code = "pdf.too-many-pages"
	TooComplex     Code = "pdf.too-complex"
	Encrypted      Code = "pdf.encrypted"
	HasScripts     Code = "pdf.scripts"
	HasLaunch      Code = "pdf.launch"
	HasXFA         Code = "pdf.xfa"
	HasAttachments Code = "pdf.embedded-files"
	HasMedia       Code = "pdf.rich-media"
	AlreadySigned  Code = "pdf.already-signed"
)

var refusals = map[Code]string{
	NotPDF:         "This file is not a PDF, whatever its name says.",
	Broken:         "This PDF is damaged. Open it, save it again and upload the new file.",
	TooLarge:       "This PDF is too large.",
	TooManyPages:   "This PDF has too many pages.",
	TooComplex:     "This PDF is too complex to be checked safely. Print it to a new PDF and upload that.",
	Encrypted:      "This PDF is encrypted. Please upload it without a password.",
	HasScripts:     "This PDF contains scripts, which could change what the signer sees. Print it to a new PDF and upload that.",
	HasLaunch:      "This PDF starts programs or reads other files. Print it to a new PDF and upload that.",
	HasXFA:         "This PDF is an XFA form, which shows different things in different programs. Print it to a new PDF and upload that.",
	HasAttachments: "This PDF has files attached to it. Please upload it without them.",
	HasMedia:       "This PDF contains video, sound or 3D content. Print it to a new PDF and upload that.",
	AlreadySigned:  "This PDF is already signed, and new signature fields would break that signature. Please upload the unsigned document.",
}

func refuse(c Code, cause error) *Refusal { return &Refusal{c, refusals[c], cause} }

// PageBox is one page as it is displayed.
type PageBox struct {
	Width    float64 // points, after rotation
	Height   float64
	Rotation int // 0, 90, 180 or 270, clockwise
}

// FieldInfo is a form field of the document.
type FieldInfo struct {
	Name   string
	Type   string // Tx, Btn, Ch or Sig
	Signed bool
}

// Info is what Inspect found.
type Info struct {
	Version    string
	Size       int64
	Pages      []PageBox
	Fields     []FieldInfo
	Signatures int // signed signature fields
	Revisions  int // cross-reference sections, at least 1
	Layers     int // optional content groups, which a viewer can hide
	Encrypted  bool
}

// Inspect checks that a document can be shown to signers and signed: it is a
// whole, unencrypted PDF, every object of it can be read and lies inside it, and
// none of them could change what a signer sees. The error is a *Refusal; Info then holds
// what was found until then.
//
// Every object is looked at, also those that no page refers to: a later
// revision could. A reference to an object that does not exist is null, as the
// specification says, and is taken: Prepare leaves its number alone, and Verify
// refuses a document in which somebody has filled it in.
func Inspect(r io.ReaderAt, size int64, limits Limits) (Info, error) {
	info := Info{Size: size}
	if limits.Size == 0 {
		limits.Size = 200 << 20
	}
	if limits.Pages == 0 {
		limits.Pages = 5000
	}
	if limits.Syntax.Work == 0 {
		limits.Syntax.Work = 4*size + 256<<20
	}
	if size > limits.Size {
		return info, refuse(TooLarge, nil)
	}
	if err := inspect(r, size, limits, &info); err != nil {
		return info, asRefusal(err)
	}
	return info, nil
}

// asRefusal maps the errors of reading to codes.
func asRefusal(err error) error {
	var r *Refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, syntax.ErrNotPDF):
		return refuse(NotPDF, err)
	case errors.Is(err, syntax.ErrLimit):
		return refuse(TooComplex, err)
	case errors.Is(err, syntax.ErrEncrypted):
		return refuse(Encrypted, err)
	}
	return refuse(Broken, err)
}

func inspect(r io.ReaderAt, size int64, limits Limits, info *Info) error {
	f, err := syntax.Open(r, size, limits.Syntax)
	if err != nil {
		return err
	}
	info.Version, info.Revisions = f.Version, len(f.Sections)
	if info.Encrypted = f.Encrypted(); info.Encrypted {
		return refuse(Encrypted, nil)
	}
	d, err := openDoc(f, limits.Pages)
	if err != nil {
		return err
	}
	for _, p := range d.pages {
		w, h := p.displayed()
		info.Pages = append(info.Pages, PageBox{w, h, p.rotate})
	}
	for _, fd := range d.fields {
		signed := fd.typ == "Sig" && fd.value != nil
		info.Fields = append(info.Fields, FieldInfo{fd.name, string(fd.typ), signed})
		if signed {
			info.Signatures++
		}
	}
	if d.acroForm["XFA"] != nil {
		return refuse(HasXFA, nil)
	}
	if info.Signatures > 0 && !limits.Signed {
		return refuse(AlreadySigned, nil)
	}
	return scan(f, info)
}

// scan looks at every object of the file.
func scan(f *syntax.File, info *Info) error {
	for _, num := range slices.Sorted(maps.Keys(f.Disputed)) {
		return refuse(Broken, fmt.Errorf("readers disagree on object %d", num))
	}
	tooHigh := false
	err := f.Whole(func(ref syntax.Ref, o syntax.Object) error {
		syntax.Refs(o, func(r syntax.Ref) { tooHigh = tooHigh || r.Num >= syntax.MaxNumber })
		if st, ok := o.(*syntax.Stream); ok {
			if o = st.Dict; st.Dict["F"] != nil || st.Dict["Ref"] != nil { // data, or a page, of another file
				return refuse(HasLaunch, fmt.Errorf("stream %d shows another file", ref.Num))
			}
		}
		if err := scanObject(o, info); err != nil {
			return fmt.Errorf("object %d: %w", ref.Num, err)
		}
		return nil
	})
	if err == nil && tooHigh {
		return refuse(TooComplex, fmt.Errorf("a reference to an object above %d", syntax.MaxNumber))
	}
	return err
}

func scanObject(o syntax.Object, info *Info) error {
	switch v := o.(type) {
	case syntax.Array:
		for _, e := range v {
			if err := scanObject(e, info); err != nil {
				return err
			}
		}
	case syntax.Dict:
		if c := forbidden(v); c != "" {
			return refuse(c, nil)
		}
		if v.Name("Type") == "OCG" {
			info.Layers++
		}
		for _, e := range v {
			if err := scanObject(e, info); err != nil {
				return err
			}
		}
	}
	return nil
}

// forbidden names what makes a dictionary active (ISO 32000-2, 12.6.4), or "".
func forbidden(d syntax.Dict) Code {
	has := func(k syntax.Name) bool { _, ok := d[k]; return ok }
	switch d.Name("S") {
	case "JavaScript":
		return HasScripts
	case "Launch", "ImportData", "GoToE", "GoToR", "SubmitForm":
		return HasLaunch
	case "URI":
		uri, _ := d["URI"].(syntax.String)
		if scheme, _, _ := strings.Cut(strings.TrimSpace(string(uri)), ":"); strings.EqualFold(scheme, "javascript") {
			return HasScripts
		}
	case "Rendition", "Movie", "Sound", "GoTo3DView", "RichMediaExecute":
		return HasMedia
	}
	switch d.Name("Subtype") {
	case "FileAttachment":
		return HasAttachments
	case "RichMedia", "Screen", "Movie", "Sound", "3D":
		return HasMedia
	}
	switch {
	case has("JS") || has("JavaScript"):
		return HasScripts
	case has("XFA"):
		return HasXFA
	case has("EmbeddedFiles") || has("EF") || d.Name("Type") == "EmbeddedFile":
		return HasAttachments
	}
	return ""
}
