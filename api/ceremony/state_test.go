package ceremony

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/biometrics"
	"inkwitness/capture"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// counter gives predictable IDs and secrets.
func counter(prefix string) func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("%s%d", prefix, n) }
}

// planned returns a draft with that many signers, each with a field.
func planned(t *testing.T, signers int) *Document {
	t.Helper()
	d := &Document{ID: "d", State: Draft, Pages: []Page{{Width: 595, Height: 842}}}
	var plans []SignerPlan
	var fields []Field
	for i := range signers {
		plans = append(plans, SignerPlan{Name: fmt.Sprintf("Signer %d", i), Email: fmt.Sprintf("s%d@example.org", i)})
		fields = append(fields, Field{Signer: i, Page: 1, X: 50, Y: 50 + 100*float64(i), Width: 200, Height: 60})
	}
	if _, err := d.Plan(plans, fields, counter("s")); err != nil {
		t.Fatal(err)
	}
	return d
}

// sent is planned and sent, and the first signer has opened the link and
// answered every purpose.
func consented(t *testing.T, signers int, given bool) *Document {
	t.Helper()
	d := planned(t, signers)
	if _, err := d.Send(start, counter("secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open("s1", start, "session"); err != nil {
		t.Fatal(err)
	}
	for _, p := range Purposes {
		if _, err := d.Consent("s1", Consent{Purpose: p, TextVersion: ConsentVersion, Language: "fr", Given: given, At: start}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// capturedSignature adds a finished signature capture.
func capturedSignature(t *testing.T, d *Document, signer string, id capture.SessionID) {
	t.Helper()
	c := Capture{ID: id, Kind: SignatureCapture}
	if _, err := d.StartCapture(signer, &c); err != nil {
		t.Fatal(err)
	}
	if _, err := d.FinishCapture(signer, Capture{ID: id, Kind: SignatureCapture}); err != nil {
		t.Fatal(err)
	}
}

func TestPlanRefusesWhatCannotBeSigned(t *testing.T) {
	ok := []SignerPlan{{Name: "Ada", Email: "ada@example.org"}}
	field := Field{Page: 1, X: 10, Y: 10, Width: 100, Height: 40}
	with := func(change func(*Field)) []Field { f := field; change(&f); return []Field{f} }
	tests := []struct {
		name    string
		signers []SignerPlan
		fields  []Field
		says    string
	}{
		{"nobody", nil, nil, "Name 1 to 20 signers"},
		{"no name", []SignerPlan{{Name: " ", Email: "a@b.c"}}, nil, "name of 1 to 200"},
		{"no address", []SignerPlan{{Name: "Ada", Email: "ada"}}, nil, "not an e-mail address"},
		{"address with a name", []SignerPlan{{Name: "Ada", Email: "Ada <a@b.c>"}}, nil, "not an e-mail address"},
		{"language", []SignerPlan{{Name: "Ada", Email: "a@b.c", Language: "tlh"}}, nil, "one of the languages"},
		{"other signer", ok, with(func(f *Field) { f.Signer = 1 }), "signer 2, but there are 1"},
		{"page 0", ok, with(func(f *Field) { f.Page = 0 }), "page 0"},
		{"page 2", ok, with(func(f *Field) { f.Page = 2 }), "page 2"},
		{"over the edge", ok, with(func(f *Field) { f.X = 500 }), "over the edge"},
		{"negative", ok, with(func(f *Field) { f.Y = -1 }), "not a rectangle"},
		{"too small", ok, with(func(f *Field) { f.Height = 17 }), "too small"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &Document{State: Draft, Pages: []Page{{Width: 595, Height: 842}}}
			_, err := d.Plan(test.signers, test.fields, counter("s"))
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want ErrInvalid saying %q", err, test.says)
			}
			if d.Signers != nil || d.Fields != nil {
				t.Error("a refused plan changed the document")
			}
		})
	}
}

func TestSendInvitesOnlyTheFirst(t *testing.T) {
	d := planned(t, 2)
	effects, err := d.Send(start, counter("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if len(effects.Mails) != 1 || effects.Mails[0].To != "s0@example.org" || effects.Mails[0].Secret != "secret1" {
		t.Errorf("mails %+v, want one to the first signer", effects.Mails)
	}
	if len(effects.Grants) != 1 || effects.Grants[0].Hash != HashSecret("secret1") || !effects.Grants[0].Expires.Equal(start.Add(LinkLifetime)) {
		t.Errorf("grants %+v, want one link of the mail's secret", effects.Grants)
	}
	if d.Signers[0].State != Invited || d.Signers[1].State != Waiting {
		t.Errorf("states %s, %s", d.Signers[0].State, d.Signers[1].State)
	}
	if _, err := d.Send(start, counter("x")); !errors.Is(err, ErrState) {
		t.Errorf("second send: %v, want ErrState", err)
	}
	if _, err := d.Plan(nil, nil, counter("x")); !errors.Is(err, ErrState) {
		t.Errorf("plan after sending: %v, want ErrState", err)
	}
	if _, err := d.Open("s2", start, "x"); !errors.Is(err, ErrNotYourTurn) {
		t.Errorf("second signer opens: %v, want ErrNotYourTurn", err)
	}
}

func TestSendNeedsAFieldForEverySigner(t *testing.T) {
	d := planned(t, 2)
	d.Fields = d.Fields[:1]
	if _, err := d.Send(start, counter("x")); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "Signer 1") {
		t.Errorf("error %v, want one naming the signer without a field", err)
	}
	if d.State != Draft {
		t.Errorf("state %s after a refused send", d.State)
	}
}

func TestNothingIsCapturedBeforeConsent(t *testing.T) {
	d := planned(t, 1)
	if _, err := d.Send(start, counter("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.StartCapture("s1", &Capture{ID: "c", Kind: SignatureCapture}); !errors.Is(err, ErrNoConsent) {
		t.Errorf("capture before consent: %v, want ErrNoConsent", err)
	}
	refused := consented(t, 1, false)
	for _, c := range []Capture{{Kind: SignatureCapture}, {Kind: ReferenceCapture}} {
		if _, err := refused.StartCapture("s1", &c); !errors.Is(err, ErrNoConsent) {
			t.Errorf("%s after refusal: %v, want ErrNoConsent", c.Kind, err)
		}
	}
	// Each purpose is asked for by itself.
	for _, test := range []struct {
		purpose Purpose
		capture Capture
	}{
		{ForVideo, Capture{Kind: SignatureCapture, WithVideo: true}},
		{ForVideo, Capture{Kind: SignatureCapture, WithAudio: true}},
		{ForComparison, Capture{Kind: ReferenceCapture}},
	} {
		d := consented(t, 1, true)
		if _, err := d.Consent("s1", Consent{Purpose: test.purpose, TextVersion: ConsentVersion, Language: "en", Given: false}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.StartCapture("s1", &test.capture); !errors.Is(err, ErrNoConsent) {
			t.Errorf("without %s: %v, want ErrNoConsent", test.purpose, err)
		}
	}
}

// What was recorded under a consent goes with it, and cannot be confirmed.
func TestTakingConsentBackThrowsTheRecordingAway(t *testing.T) {
	for _, test := range []struct {
		purpose   Purpose
		video     bool
		discarded bool
	}{
		{ForHandwriting, false, true},
		{ForVideo, true, true},
		{ForVideo, false, false},
		{ForComparison, true, false},
	} {
		d := consented(t, 1, true)
		c := Capture{ID: "c", Kind: SignatureCapture, WithVideo: test.video}
		if _, err := d.StartCapture("s1", &c); err != nil {
			t.Fatal(err)
		}
		if _, err := d.FinishCapture("s1", c); err != nil {
			t.Fatal(err)
		}
		effects, err := d.Consent("s1", Consent{Purpose: test.purpose, TextVersion: ConsentVersion, Language: "en"})
		if err != nil {
			t.Fatal(err)
		}
		s := d.Signers[0]
		if got := s.Captures[0].State == CaptureDiscarded; got != test.discarded || (s.State == Consented) != test.discarded || (len(effects.Events) == 2) != test.discarded {
			t.Errorf("%s taken back, video %v: capture %s, signer %s, %d events", test.purpose, test.video, s.Captures[0].State, s.State, len(effects.Events))
		}
		if _, err := d.Confirm("s1", "c", ""); errors.Is(err, ErrIncomplete) != test.discarded {
			t.Errorf("%s taken back, video %v: confirmation answers %v", test.purpose, test.video, err)
		}
	}
}

func TestConsentKeepsTheWordsThatWereRead(t *testing.T) {
	d := consented(t, 1, true)
	text, _, err := ConsentText(ForVideo, "fr")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := d.Signers[0].Consent(ForVideo)
	if !ok || got.TextSHA256 != textHash(text) || got.Language != "fr" || got.TextVersion != ConsentVersion || !got.At.Equal(start) {
		t.Errorf("consent %+v does not say what was read", got)
	}
	if _, err := d.Consent("s1", Consent{Purpose: ForVideo, TextVersion: "old"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("consent to an old text: %v, want ErrInvalid", err)
	}
	answers := len(d.Signers[0].Consents)
	if effects, err := d.Consent("s1", Consent{Purpose: ForVideo, TextVersion: ConsentVersion, Language: "fr", Given: got.Given}); err != nil || len(effects.Events) > 0 {
		t.Errorf("the same answer again: %+v, %v", effects, err)
	}
	for _, language := range []string{"", "xx", "../..", "EN"} {
		if _, err := d.Consent("s1", Consent{Purpose: ForVideo, TextVersion: ConsentVersion, Language: language}); !errors.Is(err, ErrInvalid) {
			t.Errorf("consent in the language %q: %v, want ErrInvalid", language, err)
		}
	}
	if len(d.Signers[0].Consents) != answers {
		t.Error("a refused answer was kept")
	}
}

func TestConsentTextsExistInEveryLanguage(t *testing.T) {
	seen := map[string]string{}
	for _, language := range api.Languages() {
		for _, p := range Purposes {
			text, found, err := ConsentText(p, language)
			if err != nil || found != language || text == "" {
				t.Fatalf("%s in %s: %q, %s, %v", p, language, text, found, err)
			}
			if other, twice := seen[text]; twice {
				t.Errorf("%s in %s is the same as %s", p, language, other)
			}
			seen[text] = string(p) + " in " + language
		}
	}
}

func TestRefusedCaptureNeverBecomesASignature(t *testing.T) {
	d := consented(t, 1, true)
	if _, err := d.StartCapture("s1", &Capture{ID: "c", Kind: SignatureCapture}); err != nil {
		t.Fatal(err)
	}
	bad := Capture{ID: "c", Kind: SignatureCapture, Problems: []biometrics.Problem{{Code: biometrics.CodeTooSimple, Severity: biometrics.Refusal}}}
	if _, err := d.FinishCapture("s1", bad); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Confirm("s1", "c", ""); !errors.Is(err, ErrIncomplete) {
		t.Errorf("confirm of a refused capture: %v, want ErrIncomplete", err)
	}
	if got := d.Next(d.Signers[0], 5); got != NextSign {
		t.Errorf("next %s, want sign", got)
	}
}

func TestOneConfirmationWins(t *testing.T) {
	d := consented(t, 1, true)
	capturedSignature(t, d, "s1", "c")
	if _, err := d.Confirm("s1", "other", ""); !errors.Is(err, ErrIncomplete) {
		t.Errorf("confirm of another capture: %v, want ErrIncomplete", err)
	}
	if _, err := d.Confirm("s1", "c", ""); err != nil {
		t.Fatal(err)
	}
	if effects, err := d.Confirm("s1", "c", ""); err != nil || len(effects.Events) > 0 {
		t.Errorf("the same confirmation again: %v, %v", effects, err)
	}
	if _, err := d.Confirm("s1", "other", ""); !errors.Is(err, ErrState) {
		t.Errorf("confirmation of another capture afterwards: %v, want ErrState", err)
	}
	if !d.Busy() {
		t.Error("a confirmed document is not busy, so nobody would seal it")
	}
}

// A signature that lapsed may be written anew: what was found about the one before
// is not said of it.
func TestLapsedSignatureForgetsItsComparison(t *testing.T) {
	d := consented(t, 1, true)
	capturedSignature(t, d, "s1", "c")
	if _, err := d.Confirm("s1", "c", ""); err != nil {
		t.Fatal(err)
	}
	d.Signers[0].Comparison = &biometrics.Comparison{}
	effects, err := d.lapse("s1", start, counter("next"))
	if err != nil || d.Signers[0].Comparison != nil || d.Signers[0].State != Captured || d.Signers[0].Confirmed || len(effects.Mails) != 1 {
		t.Errorf("%+v, %+v, %v", d.Signers[0], effects, err)
	}
	if effects, err = d.lapse("s1", start, counter("next")); err != nil || len(effects.Mails) != 0 {
		t.Errorf("lapsed again: %+v, %v", effects, err)
	}
}

func TestTypingIsForThoseWhoRefused(t *testing.T) {
	agreed := consented(t, 1, true)
	if _, err := agreed.Confirm("s1", "", "Signer 0"); !errors.Is(err, ErrInvalid) {
		t.Errorf("typing after agreeing: %v, want ErrInvalid", err)
	}
	refused := consented(t, 1, false)
	if _, err := refused.Confirm("s1", "", "somebody else"); !errors.Is(err, ErrInvalid) {
		t.Errorf("another name: %v, want ErrInvalid", err)
	}
	if _, err := refused.Confirm("s1", "", " signer  0 "); err != nil || refused.Signers[0].Typed != "Signer 0" {
		t.Errorf("own name: %v, typed %q", err, refused.Signers[0].Typed)
	}
}

func TestDecliningClosesForEverybody(t *testing.T) {
	d := consented(t, 2, true)
	effects, err := d.Decline("s1", "no")
	if err != nil {
		t.Fatal(err)
	}
	if d.State != Declined || len(effects.Revoked) == 0 {
		t.Errorf("state %s, revoked %v", d.State, effects.Revoked)
	}
	if effects, err := d.Decline("s1", "no"); err != nil || len(effects.Events)+len(effects.Mails) > 0 {
		t.Errorf("declining again: %+v, %v", effects, err)
	}
	if _, err := d.Open("s2", start, "x"); !errors.Is(err, ErrState) {
		t.Errorf("second signer opens: %v, want ErrState", err)
	}
}

func TestSignersFollowEachOther(t *testing.T) {
	d := consented(t, 2, true)
	capturedSignature(t, d, "s1", "c")
	if _, err := d.Confirm("s1", "c", ""); err != nil {
		t.Fatal(err)
	}
	effects := d.signedBy(d.Signers[0], start, counter("next"))
	if d.State != Sent || d.Signers[1].State != Invited || len(effects.Mails) != 1 || effects.Mails[0].To != "s1@example.org" {
		t.Errorf("after the first: %s, %s, mails %+v", d.State, d.Signers[1].State, effects.Mails)
	}
	d.Signers[1].State = Signing
	d.signedBy(d.Signers[1], start, counter("next"))
	if d.State != Sealing {
		t.Errorf("after the last: %s, want sealing", d.State)
	}
}

func TestReminderKeepsWhatWasDone(t *testing.T) {
	d := consented(t, 1, true)
	effects, err := d.Remind(start, counter("again"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Signers[0].State != Consented {
		t.Errorf("state %s after a reminder, want consented", d.Signers[0].State)
	}
	if len(effects.Revoked) != 1 || len(effects.Grants) != 1 || effects.Mails[0].Secret != "again1" {
		t.Errorf("effects %+v: want the old link ended and a new one", effects)
	}
}

func TestEnrolmentGoesOnToTheWantedNumber(t *testing.T) {
	d := consented(t, 1, true)
	s := d.Signers[0]
	for have, want := range map[int]Next{0: NextEnrol, 2: NextEnrol, ReferencesNeeded: NextSign} {
		if got := d.Next(s, have); got != want {
			t.Errorf("with %d references from before: %s, want %s", have, got, want)
		}
	}
	s.Captures = append(s.Captures, &Capture{Kind: ReferenceCapture, State: CaptureFinished})
	for have, want := range map[int]Next{ReferencesNeeded: NextEnrol, ReferencesWanted: NextSign} {
		if got := d.Next(s, have); got != want {
			t.Errorf("enrolling, with %d references: %s, want %s", have, got, want)
		}
	}
}
