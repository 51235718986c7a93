package ceremony

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"inkwitness/api"
)

// withFields is consented, with one field of each kind for the first signer and
// one text of the second's.
func withFields(t *testing.T) *Document {
	t.Helper()
	d := &Document{ID: "d", State: Draft, Pages: []Page{{Width: 595, Height: 842}, {Width: 595, Height: 842}}}
	at := func(signer int, kind FieldKind, label string, required bool, value string) Field {
		return Field{Signer: signer, Kind: kind, Page: 1, X: 50, Y: float64(50 + 100*signer), Width: 80, Height: 20, Label: label, Required: required, Value: value}
	}
	fields := []Field{
		at(0, SignatureField, "", false, ""), at(1, "", "", false, ""),
		at(0, InitialsField, "", true, ""), at(0, DateField, "Moving in", true, ""), at(0, TextField, "Remarks", false, ""),
		at(0, CheckboxField, "I have the keys", true, ""), at(1, TextField, "Profession", false, ""), at(0, TextField, "Contract", false, "No. 17"),
	}
	if _, err := d.Plan([]SignerPlan{{Name: "Ada", Email: "a@example.org"}, {Name: "Bob", Email: "b@example.org"}}, fields, counter("s")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Send(start, counter("secret")); err != nil {
		t.Fatal(err)
	}
	for _, p := range Purposes {
		if _, err := d.Consent("s1", Consent{Purpose: p, TextVersion: ConsentVersion, Language: "en", At: start}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// TestFillingIn goes from empty fields to a signature.
func TestFillingIn(t *testing.T) {
	d := withFields(t)
	s := d.Signers[0]
	if got := d.Next(s, 0); got != NextFill {
		t.Errorf("next is %s with required fields empty", got)
	}
	if _, err := d.Confirm("s1", "", "Ada"); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "Moving in") {
		t.Errorf("confirming with required fields empty: %v", err)
	}
	effects, err := d.Fill("s1", map[string]string{"Initials3": " AL ", "Date4": "2026-11-29", "Text5": "Two\r\nlines", "Checkbox6": Ticked})
	if err != nil {
		t.Fatal(err)
	}
	if e := effects.Events; len(e) != 1 || e[0].Detail != "Checkbox6 Date4 Initials3 Text5" || e[0].By != BySigner {
		t.Errorf("events %+v", e)
	}
	if d.Fields[2].Value != "AL" || d.Fields[4].Value != "Two\nlines" {
		t.Errorf("kept %q, %q", d.Fields[2].Value, d.Fields[4].Value)
	}
	if effects, err := d.Fill("s1", map[string]string{"Initials3": "AL"}); err != nil || len(effects.Events) != 0 {
		t.Errorf("the same again: %v, %+v", err, effects.Events)
	}
	if got := d.Next(s, 0); got != NextType {
		t.Errorf("next is %s with everything filled in", got)
	}
	if _, err := d.Confirm("s1", "", "Ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Fill("s1", map[string]string{"Text5": "later"}); !errors.Is(err, ErrState) {
		t.Errorf("filling in after confirming: %v", err)
	}
}

// TestFillRefusals names what a signer cannot enter.
func TestFillRefusals(t *testing.T) {
	for name, tt := range map[string]struct{ field, value string }{
		"another's field":     {"Text7", "x"},
		"the sender's":        {"Text8", "No. 18"},
		"a signature":         {"Signature1", "x"},
		"no field":            {"Text99", "x"},
		"no date":             {"Date4", "29.11.2026"},
		"no such day":         {"Date4", "2026-02-30"},
		"neither yes nor no":  {"Checkbox6", "true"},
		"a control character": {"Text5", "a\x00b"},
		"lines of initials":   {"Initials3", "A\nB"},
		"long initials":       {"Initials3", strings.Repeat("A", MaxInitials+1)},
		"a long text":         {"Text5", strings.Repeat("字", MaxFieldText+1)},
	} {
		d := withFields(t)
		if _, err := d.Fill("s1", map[string]string{tt.field: tt.value}); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := withFields(t).Fill("s2", map[string]string{"Text7": "x"}); !errors.Is(err, ErrNotYourTurn) {
		t.Errorf("before one's turn: %v", err)
	}
}

// TestPlanFields names plans of fields that are refused.
func TestPlanFields(t *testing.T) {
	good := Field{Kind: TextField, Page: 1, X: 1, Y: 1, Width: 80, Height: 20}
	for name, spoil := range map[string]func(*Field){
		"kind":               func(f *Field) { f.Kind = "stamp" },
		"small":              func(f *Field) { f.Width = 7 },
		"signature, value":   func(f *Field) { f.Kind, f.Value = SignatureField, "x" },
		"initials, value":    func(f *Field) { f.Kind, f.Value = InitialsField, "AL" },
		"date, bad value":    func(f *Field) { f.Kind, f.Value = DateField, "tomorrow" },
		"label with control": func(f *Field) { f.Label = "a\nb" },
		"label too long":     func(f *Field) { f.Label = strings.Repeat("x", MaxFieldLabel+1) },
	} {
		d := &Document{ID: "d", State: Draft, Pages: []Page{{Width: 595, Height: 842}}}
		f := good
		spoil(&f)
		if _, err := d.Plan([]SignerPlan{{Name: "Ada", Email: "a@example.org"}}, []Field{f}, counter("s")); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := &Document{ID: "d", State: Draft, Pages: []Page{{Width: 595, Height: 842}}}
	ada := []SignerPlan{{Name: "Ada", Email: "a@example.org"}}
	if _, err := d.Plan(ada, []Field{good}, counter("s")); err != nil {
		t.Fatal(err)
	}
	again := &Document{ID: "d", State: Draft, Pages: d.Pages}
	sign := Field{Kind: SignatureField, Page: 1, X: 10, Y: 10, Width: 200, Height: 80}
	beside := sign
	beside.X = 210
	if _, err := again.Plan(ada, []Field{sign, beside}, counter("s")); err != nil {
		t.Errorf("beside each other: %v", err)
	}
	beside.X = 200
	if _, err := again.Plan(ada, []Field{sign, beside}, counter("s")); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("on each other: %v", err)
	}
	for _, name := range []string{"Ada\r\nBcc: x", "\u202eadA", "\u2066Ada", "a\x00b"} {
		if _, err := again.Plan([]SignerPlan{{Name: name, Email: "a@example.org"}}, []Field{good}, counter("s")); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := d.Send(start, counter("secret")); !errors.Is(err, ErrState) {
		t.Errorf("sent with nowhere to sign: %v", err)
	}
}

func TestShown(t *testing.T) {
	date := Field{Kind: DateField, Value: "2026-02-09"}
	got := []string{date.Shown("en"), date.Shown("fr"), date.Shown("zh-Hant"), date.Shown("zh-Hans")}
	if want := []string{"9 February 2026", "9 février 2026", "2026年2月9日", "2026年2月9日"}; !slices.Equal(got, want) {
		t.Errorf("shown as %v", got)
	}
}
