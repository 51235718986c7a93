package ceremony

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// desk is the stores that a face needs, in memory.
type desk struct {
	subject  Subject
	objects  map[string][]byte
	metas    []evidence.Meta
	referred []evidence.Object
	fails    error
}

func (d *desk) Tx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (d *desk) Subject(context.Context, string, string) (*Subject, error) {
	s := d.subject
	return &s, nil
}

func (d *desk) SaveSubject(_ context.Context, s *Subject) error {
	d.subject = *s
	return nil
}

func (d *desk) ForgetSubject(context.Context, string, string) error { return nil }

func (d *desk) Because(context.Context, string, string) error { return nil }

func (d *desk) Refer(_ context.Context, _ string, objects []evidence.Object) error {
	d.referred = objects
	return nil
}

func (d *desk) Put(_ context.Context, m evidence.Meta, r io.Reader) (evidence.Object, error) {
	if d.fails != nil {
		return evidence.Object{}, d.fails
	}
	data, err := io.ReadAll(r)
	d.objects[m.Key], d.metas = data, append(d.metas, m)
	return evidence.Object{Meta: m, Size: int64(len(data))}, err
}

func (d *desk) Open(_ context.Context, o evidence.Object) (io.ReadSeekCloser, error) {
	data, ok := d.objects[o.Key]
	if !ok {
		return nil, evidence.ErrNotFound
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(data), io.NopCloser(nil)}, nil
}

// inks reads every pen stream as one signature without a date.
type inks struct{}

func (inks) Read(io.Reader, capture.Device) (capture.Signature, error) {
	return capture.Signature{Points: []capture.Point{{Down: true}}}, nil
}

// References are compared with their dates: the pen stream has none, the
// enrolment has.
func TestReferencesAreDated(t *testing.T) {
	day := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := &desk{objects: map[string][]byte{"a": {1}, "b": {2}}}
	for i, key := range []string{"a", "b"} {
		r := Reference{Capture: capture.SessionID(key), EnrolledAt: day.AddDate(0, 0, 7*i)}
		r.Object.Key = key
		d.subject.References = append(d.subject.References, r)
	}
	s := New(Config{Tx: d, Subjects: d, Objects: d, Vault: d, Inks: inks{}})
	got, err := s.references(t.Context(), "org", &Signer{Email: "a@example.org"})
	if err != nil || len(got) != 2 || !got[0].Epoch.Equal(day) || !got[1].Epoch.Equal(day.AddDate(0, 0, 7)) {
		t.Errorf("%+v, %v", got, err)
	}
}

// settle confirms or discards a signature as the service does.
func settle(t *testing.T, s *Service, who *Signer, id capture.SessionID, confirmed bool) {
	t.Helper()
	d := &Document{Organisation: "org", Signers: []*Signer{who}}
	if err := s.settleStill(t.Context(), d, who.ID, id, confirmed); err != nil {
		t.Fatal(err)
	}
}

// A still of a signature that was thrown away, or never confirmed, is compared
// with nothing and gives way to the next; only confirming enrols it.
func TestStillWaitsForConfirmation(t *testing.T) {
	ctx, day := t.Context(), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	d := &desk{subject: Subject{ID: "holder"}, objects: map[string][]byte{}}
	s := New(Config{Tx: d, Subjects: d, Objects: d, Vault: d})
	who := &Signer{ID: "s", Email: "a@example.org", Subject: "holder"}
	for _, p := range Purposes {
		who.Consents = append(who.Consents, Consent{Purpose: p, Given: true})
	}
	look := func(_ context.Context, enrolled []byte) (biometrics.FaceFinding, []byte, error) {
		if enrolled == nil {
			return biometrics.FaceFinding{Outcome: biometrics.FaceEnrolled}, []byte("picture"), nil
		}
		return biometrics.FaceFinding{Outcome: biometrics.FaceCompared}, nil, nil
	}
	film := func(id capture.SessionID) biometrics.FaceOutcome {
		t.Helper()
		f, err := s.face(ctx, "org", who, &Capture{ID: id, EndedAt: day}, look)
		if err != nil {
			t.Fatal(err)
		}
		return f.Outcome
	}
	film("discarded")
	settle(t, s, who, "discarded", false)
	if d.subject.Face != nil || len(d.referred) != 0 {
		t.Errorf("the still of a discarded signature stays: %+v, %v", d.subject.Face, d.referred)
	}
	who.Captures = []*Capture{{ID: "earlier"}, {ID: "withdrawn"}}
	film("withdrawn")
	if err := s.forgetStill(ctx, &Document{Organisation: "org", Signers: []*Signer{who}}, who.ID); err != nil || d.subject.Face != nil {
		t.Errorf("the still stays though the agreement was taken back: %+v, %v", d.subject.Face, err)
	}
	film("left")
	if got := film("confirmed"); got != biometrics.FaceEnrolled || d.subject.Face.Capture != "confirmed" || len(d.referred) != 1 {
		t.Errorf("compared with a still that nobody confirmed: %s, %+v", got, d.subject.Face)
	}
	settle(t, s, who, "left", true) // late, of a still that is gone
	if !d.subject.Face.Pending {
		t.Error("another signature's confirmation enrolled the still")
	}
	settle(t, s, who, "confirmed", true)
	settle(t, s, who, "confirmed", false) // what is enrolled stays
	if got := film("later"); got != biometrics.FaceCompared || d.subject.Face.Capture != "confirmed" {
		t.Errorf("a later video: %s, %+v", got, d.subject.Face)
	}
}

// The first video of a signer who agreed is enrolled under the key of the
// references, later ones are compared with it, and nobody else's is looked at.
func TestFaceIsEnrolledThenCompared(t *testing.T) {
	ctx, day := t.Context(), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	d := &desk{subject: Subject{ID: "holder"}, objects: map[string][]byte{}}
	s := New(Config{Tx: d, Subjects: d, Objects: d, Vault: d})
	who := &Signer{ID: "s", Email: "a@example.org", Subject: "holder"}
	for _, p := range Purposes {
		who.Consents = append(who.Consents, Consent{Purpose: p, Given: true})
	}
	look := func(_ context.Context, enrolled []byte) (biometrics.FaceFinding, []byte, error) {
		if enrolled == nil {
			return biometrics.FaceFinding{Outcome: biometrics.FaceEnrolled}, []byte("picture"), nil
		}
		if string(enrolled) != "picture" {
			t.Errorf("compared with %q", enrolled)
		}
		return biometrics.FaceFinding{Outcome: biometrics.FaceCompared, Score: &biometrics.FaceScore{Likeness: 0.7}}, nil, nil
	}
	first := &Capture{ID: "one", Kind: SignatureCapture, StartedAt: day, EndedAt: day.Add(time.Minute)}

	refused := &Signer{Email: who.Email, Consents: []Consent{{Purpose: ForVideo, Given: true}, {Purpose: ForComparison}}}
	for name, c := range map[string]struct {
		who  *Signer
		look Face
	}{"comparison refused": {refused, look}, "no video": {who, nil}} {
		if f, err := s.face(ctx, "org", c.who, first, c.look); f != nil || err != nil || d.subject.Face != nil {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}

	d.fails = errors.New("the disk is full")
	if _, err := s.face(ctx, "org", who, first, look); !errors.Is(err, d.fails) || d.subject.Face != nil {
		t.Errorf("a still that could not be stored: %v, %+v", err, d.subject.Face)
	}
	d.fails = nil
	for range 2 { // the second as after a crash
		f, err := s.face(ctx, "org", who, first, look)
		if err != nil || f.Outcome != biometrics.FaceEnrolled || f.EnrolledAt == nil {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	if m := d.metas[0]; len(d.metas) != 1 || m.Class != evidence.ClassReference || m.Subject != "holder" || m.Deposit != referencesDeposit {
		t.Errorf("enrolled as %+v", d.metas)
	}
	if len(d.referred) != 1 || d.referred[0] != d.subject.Face.Object {
		t.Errorf("the still has no row of its own: %+v", d.referred)
	}
	settle(t, s, who, "one", true)
	f, err := s.face(ctx, "org", who, &Capture{ID: "two", EndedAt: day.AddDate(0, 0, 1)}, look)
	if err != nil || f.Score == nil || f.Score.Likeness != 0.7 || f.EnrolledAt == nil || !f.EnrolledAt.Equal(first.EndedAt) {
		t.Errorf("a later video: %+v, %v", f, err)
	}
	if _, err := s.face(ctx, "org", who, first, func(context.Context, []byte) (biometrics.FaceFinding, []byte, error) {
		return biometrics.FaceFinding{}, nil, evidence.ErrNotAllowed
	}); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("a video that cannot be read: %v", err)
	}
	delete(d.objects, d.subject.Face.Object.Key)
	if _, err := s.face(ctx, "org", who, &Capture{ID: "three"}, look); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("a still that is gone: %v", err)
	}
}
