package ceremony

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"inkwitness/api"
)

// FieldKind says what goes into a field.
type FieldKind string

// The kinds of fields.
const (
	SignatureField FieldKind = "signature"
	InitialsField  FieldKind = "initials"
	DateField      FieldKind = "date"
	TextField      FieldKind = "text"
	CheckboxField  FieldKind = "checkbox"
)

// FieldKinds lists them all.
var FieldKinds = []FieldKind{SignatureField, InitialsField, DateField, TextField, CheckboxField}

// Field is a place on a page: a rectangle in PDF points measured from the top
// left corner of the page as displayed.
type Field struct {
	Name   string    `json:"name"` // of the PDF form field
	Kind   FieldKind `json:"kind,omitempty"`
	Signer int       `json:"signer"` // index in Document.Signers
	Page   int       `json:"page"`   // from 1
	X      float64   `json:"x"`
	Y      float64   `json:"y"`
	Width  float64   `json:"width"`
	Height float64   `json:"height"`

	Label    string `json:"label,omitempty"`    // what is asked for
	Required bool   `json:"required,omitempty"` // signing needs it
	Fixed    bool   `json:"fixed,omitempty"`    // the owner filled it in, the signer cannot change it
	// Value is the text; a date as 2026-11-29; of a checkbox "yes". Empty when
	// nothing is filled in.
	Value string `json:"value,omitempty"`
}

// Ticked is the value of a checkbox that is ticked.
const Ticked = "yes"

// Limits of fields.
const (
	MinFieldPoints = 18.0 // a quarter of an inch: smaller ones cannot be signed
	MinFormPoints  = 8.0  // of the other kinds
	MaxFieldText   = 500  // characters
	MaxInitials    = 12
	MaxFieldLabel  = 100
	dateLayout     = "2006-01-02"
)

// Signature tells a place to sign from a field beside it.
func (f *Field) Signature() bool { return f.Kind == SignatureField || f.Kind == "" }

// Asked tells whether the signer may fill the field in.
func (f *Field) Asked() bool { return !f.Signature() && !f.Fixed }

// Shown is the value as it stands in the PDF: dates in words of the language.
func (f *Field) Shown(language string) string {
	if f.Kind != DateField {
		return f.Value
	}
	day, err := time.Parse(dateLayout, f.Value)
	if err != nil {
		return f.Value
	}
	switch language {
	case "fr":
		months := []string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
		return fmt.Sprintf("%d %s %d", day.Day(), months[day.Month()-1], day.Year())
	case "zh-Hant", "zh-Hans":
		return day.Format("2006年1月2日")
	}
	return day.Format("2 January 2006")
}

func (d *Document) checkField(f *Field, signers int) error {
	if f.Kind == "" {
		f.Kind = SignatureField
	}
	if !slices.Contains(FieldKinds, f.Kind) {
		return api.Explain(ErrInvalid, "No kind of field is called %q.", f.Kind)
	}
	if f.Signer < 0 || f.Signer >= signers {
		return api.Explain(ErrInvalid, "A field belongs to signer %d, but there are %d.", f.Signer+1, signers)
	}
	if f.Page < 1 || f.Page > len(d.Pages) {
		return api.Explain(ErrInvalid, "A field lies on page %d, but the document has %d.", f.Page, len(d.Pages))
	}
	if err := f.checkPlace(d.Pages[f.Page-1]); err != nil {
		return err
	}
	f.Label = strings.TrimSpace(f.Label)
	if utf8.RuneCountInString(f.Label) > MaxFieldLabel || hasControls(f.Label, "") {
		return api.Explain(ErrInvalid, "Give a field a label of at most %d characters.", MaxFieldLabel)
	}
	if f.Fixed = f.Value != ""; !f.Fixed {
		return nil
	}
	if f.Signature() || f.Kind == InitialsField {
		return api.Explain(ErrInvalid, "Signatures and initials come from the signer alone: leave their fields empty.")
	}
	return f.checkValue(f.Value)
}

// apart refuses signatures that would be written over each other.
func apart(fields []Field) error {
	for i, a := range fields {
		for _, b := range fields[:i] {
			over := min(a.X+a.Width, b.X+b.Width) > max(a.X, b.X) && min(a.Y+a.Height, b.Y+b.Height) > max(a.Y, b.Y)
			if a.Signature() && b.Signature() && a.Page == b.Page && over {
				return api.Explain(ErrInvalid, "Two signature fields lie on each other on page %d. Move one of them.", a.Page)
			}
		}
	}
	return nil
}

func (f *Field) checkPlace(page Page) error {
	for _, v := range []float64{f.X, f.Y, f.Width, f.Height} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return api.Explain(ErrInvalid, "The place of a field on page %d is not a rectangle on the page.", f.Page)
		}
	}
	const rounding = 0.5 // points: pages are placed on in whole pixels
	if f.X+f.Width > page.Width+rounding || f.Y+f.Height > page.Height+rounding {
		return api.Explain(ErrInvalid, "A field on page %d reaches over the edge of the page.", f.Page)
	}
	least, what := MinFieldPoints, "sign in"
	if !f.Signature() {
		least, what = MinFormPoints, "read"
	}
	if f.Width < least || f.Height < least {
		return api.Explain(ErrInvalid, "A field on page %d is smaller than %.0f points, too small to %s.", f.Page, least, what)
	}
	return nil
}

// checkValue checks what is to stand in a field, as its kind wants it.
func (f *Field) checkValue(value string) error {
	switch most := MaxFieldText; f.Kind {
	case CheckboxField:
		if value != Ticked {
			return api.Explain(ErrInvalid, "A checkbox is %q or empty.", Ticked)
		}
	case DateField:
		if _, err := time.Parse(dateLayout, value); err != nil {
			return api.Explain(ErrInvalid, "%q is no date such as 2026-11-29.", value)
		}
	case InitialsField, TextField:
		allowed := "\n"
		if f.Kind == InitialsField {
			most, allowed = MaxInitials, ""
		}
		if n := utf8.RuneCountInString(value); n > most || hasControls(value, allowed) || !utf8.ValidString(value) {
			return api.Explain(ErrInvalid, "The text for %q has %d characters, at most %d are possible, and none that cannot be printed.", f.title(), n, most)
		}
	}
	return nil
}

func hasControls(text, allowed string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		turns := r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
		return (unicode.IsControl(r) || turns) && !strings.ContainsRune(allowed, r)
	})
}

// title names a field to people.
func (f *Field) title() string {
	if f.Label != "" {
		return f.Label
	}
	return fmt.Sprintf("%s on page %d", f.Kind, f.Page)
}

// nameFields gives the fields of a plan names that are unique in the document.
func nameFields(fields []Field) {
	for i := range fields {
		kind := string(fields[i].Kind)
		fields[i].Name = fmt.Sprintf("%s%d", strings.ToUpper(kind[:1])+kind[1:], i+1)
	}
}

// Fill keeps what a signer entered beside the signature. It can be changed until
// the signature is confirmed; an empty value takes it back.
func (d *Document) Fill(signer string, values map[string]string) (Effects, error) {
	s, err := d.proved(signer)
	if err != nil {
		return Effects{}, err
	}
	var changed []string
	for name, value := range values {
		f, err := d.askedField(s, name)
		if err != nil {
			return Effects{}, err
		}
		value = strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n"))
		if value == f.Value {
			continue
		}
		if value != "" {
			if err := f.checkValue(value); err != nil {
				return Effects{}, err
			}
		}
		f.Value = value
		changed = append(changed, name)
	}
	if len(changed) == 0 {
		return Effects{}, nil
	}
	slices.Sort(changed)
	return Effects{Events: []Event{{Kind: "fields.filled", By: BySigner, Signer: s.ID, Detail: strings.Join(changed, " ")}}}, nil
}

func (d *Document) askedField(s *Signer, name string) (*Field, error) {
	for i := range d.Fields {
		f := &d.Fields[i]
		if f.Name == name && d.Signers[f.Signer] == s && f.Asked() {
			return f, nil
		}
	}
	return nil, api.Explain(ErrInvalid, "There is no field %q for this signer to fill in.", name)
}

// missing lists the required fields of a signer that are still empty.
func (d *Document) missing(s *Signer) (titles []string) {
	for i := range d.Fields {
		f := &d.Fields[i]
		if d.Signers[f.Signer] == s && f.Asked() && f.Required && f.Value == "" {
			titles = append(titles, f.title())
		}
	}
	return titles
}

// Signatures counts the places that a signer signs.
func (d *Document) Signatures(s *Signer) (n int) {
	for _, f := range d.Fields {
		if f.Signature() && d.Signers[f.Signer] == s {
			n++
		}
	}
	return n
}
