package retain_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/vault"
)

// rows is a retain.Store in memory.
type rows struct {
	objects  map[string]evidence.Object
	begun    map[string]bool
	receipts map[string][]byte
	holds    []retain.Hold
	last     time.Time
	fail     func(call string) error
}

func (r *rows) trouble(call string) error {
	if r.fail == nil {
		return nil
	}
	return r.fail(call)
}

func (r *rows) held(o evidence.Object, now time.Time) bool {
	return slices.ContainsFunc(r.holds, func(h retain.Hold) bool { return h.Deposit == o.Deposit && h.Protects(now) })
}

func (r *rows) Due(_ context.Context, now time.Time, n int) ([]evidence.Object, error) {
	var due []evidence.Object
	for key, o := range r.objects {
		if r.receipts[key] == nil && (r.begun[key] || !o.DeleteAfter.After(now) && !r.held(o, now)) {
			due = append(due, o)
		}
	}
	slices.SortFunc(due, func(a, b evidence.Object) int { return strings.Compare(a.Key, b.Key) })
	return due[:min(n, len(due))], nil
}

func (r *rows) Begin(_ context.Context, key string, now time.Time) (retain.Begun, error) {
	if err := r.trouble("begin"); err != nil {
		return retain.Begun{}, err
	}
	if !r.begun[key] && r.held(r.objects[key], now) {
		return retain.Begun{}, evidence.ErrHeld
	}
	r.begun[key] = true
	last := true
	for other, o := range r.objects {
		last = last && (r.begun[other] || o.DataKey != r.objects[key].DataKey)
	}
	return retain.Begun{Last: last}, r.trouble("begun")
}

func (r *rows) Finish(_ context.Context, key string, receipt []byte) error {
	if err := r.trouble("finish"); err != nil {
		return err
	}
	r.receipts[key] = receipt
	return nil
}

func (r *rows) LastClock(context.Context) (time.Time, error) { return r.last, nil }

func (r *rows) SaveClock(_ context.Context, t time.Time) error { r.last = t; return nil }

type plainSigner struct{}

func (plainSigner) SignReceipt(_ context.Context, b []byte) ([]byte, error) {
	return append([]byte("signed "), b...), nil
}

type setup struct {
	*retain.Purger
	rows  *rows
	clock *evidencetest.Clock
	vault *vault.Vault
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{clock: &evidencetest.Clock{}, rows: &rows{objects: map[string]evidence.Object{}, begun: map[string]bool{}, receipts: map[string][]byte{}}}
	blobs, err := vault.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := evidencetest.Keys()
	if s.vault, err = vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: s.clock}); err != nil {
		t.Fatal(err)
	}
	if s.Purger, err = retain.New(retain.Config{Store: s.rows, Vault: s.vault, Signer: plainSigner{}, Clock: s.clock}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *setup) put(t *testing.T, key, deposit string, end time.Time) {
	t.Helper()
	o, err := s.vault.Put(t.Context(), evidence.Meta{Key: key, Class: evidence.ClassDeposit, Reason: "letter of deposit", DeleteAfter: end,
		Subject: "s", Deposit: deposit}, bytes.NewReader([]byte(key)))
	if err != nil {
		t.Fatal(err)
	}
	s.rows.objects[key] = o
}

func (s *setup) gone(t *testing.T, key string) bool {
	t.Helper()
	r, err := s.vault.Open(t.Context(), s.rows.objects[key])
	if err == nil {
		r.Close()
		return false
	}
	if !errors.Is(err, evidence.ErrNotFound) && !errors.Is(err, evidence.ErrErased) {
		t.Error(err)
	}
	return true
}

func (s *setup) purge(t *testing.T, want int) {
	t.Helper()
	if n, err := s.Purge(t.Context()); n != want || err != nil {
		t.Errorf("purged %d, %v; want %d", n, err, want)
	}
}

// pass lets days go by as a running service sees them.
func (s *setup) pass(t *testing.T, days int) {
	t.Helper()
	for range days {
		s.clock.Advance(24 * time.Hour)
		if _, err := s.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEndOnTheDay(t *testing.T) {
	s := newSetup(t)
	for i := range 250 {
		s.put(t, fmt.Sprintf("due/%03d", i), "d", evidencetest.Start.Add(48*time.Hour))
	}
	s.put(t, "later", "d", evidencetest.Start.Add(49*time.Hour))
	s.purge(t, 0)
	s.clock.Advance(24 * time.Hour)
	s.purge(t, 0)
	s.clock.Advance(24*time.Hour - time.Second)
	s.purge(t, 0)
	s.clock.Advance(time.Second)
	s.purge(t, 250)
	if !s.gone(t, "due/000") || !s.gone(t, "due/249") || s.gone(t, "later") {
		t.Error("the wrong objects are gone")
	}
	var r retain.Receipt
	if err := json.Unmarshal(bytes.TrimPrefix(s.rows.receipts["due/007"], []byte("signed ")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Object != s.rows.objects["due/007"].SHA256 || !r.Deleted.Equal(s.clock.Now()) || r.Format != retain.ReceiptFormat || r.Class != evidence.ClassDeposit {
		t.Errorf("receipt %+v", r)
	}
	s.purge(t, 0)
}

func TestHold(t *testing.T) {
	s := newSetup(t)
	s.put(t, "a", "disputed", evidencetest.Start.Add(12*time.Hour))
	s.put(t, "b", "other", evidencetest.Start.Add(12*time.Hour))
	h, err := retain.NewHold("h1", "disputed", "case 12/2026", "ann", s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.rows.holds = []retain.Hold{h}
	s.pass(t, 2)
	if s.gone(t, "a") || !s.gone(t, "b") {
		t.Error("a hold of one person does not protect while the second is asked")
	}
	if _, err := h.Agree("ann", s.clock.Now()); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("agreed with oneself: %v", err)
	}
	if h, err = h.Agree("bob", s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	s.rows.holds[0] = h
	s.pass(t, 365)
	if s.gone(t, "a") {
		t.Error("gone under hold")
	}
	if h, err = h.End("bob", s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Lift("bob", s.clock.Now()); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("lifted alone: %v", err)
	}
	if _, err := h.Agree("eve", s.clock.Now()); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("agreed twice: %v", err)
	}
	if h, err = h.Lift("ann", s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	s.rows.holds[0] = h
	s.pass(t, 1)
	if !s.gone(t, "a") {
		t.Error("kept after the hold was lifted")
	}
}

func TestHoldThatNobodyAgreedTo(t *testing.T) {
	h, err := retain.NewHold("h", "d", "why", "ann", evidencetest.Start)
	if err != nil || !h.Protects(evidencetest.Start.AddDate(0, 0, 6)) || h.Protects(evidencetest.Start.AddDate(0, 0, 7)) {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := retain.NewHold("h", "d", "", "ann", evidencetest.Start); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("without a reason: %v", err)
	}
}

func TestClockJump(t *testing.T) {
	for _, jump := range []time.Duration{25 * time.Hour, 400 * 24 * time.Hour, -25 * time.Hour} {
		s := newSetup(t)
		s.put(t, "a", "d", evidencetest.Start.Add(time.Hour))
		s.purge(t, 0)
		s.clock.Advance(jump)
		if n, err := s.Purge(t.Context()); n != 0 || !errors.Is(err, evidence.ErrClock) || s.gone(t, "a") {
			t.Errorf("jump of %v: %d, %v", jump, n, err)
		}
		if err := s.Confirm(t.Context(), "ann", "ann"); !errors.Is(err, evidence.ErrNotAllowed) {
			t.Errorf("one person twice: %v", err)
		}
		if err := s.Confirm(t.Context(), "ann", "bob"); err != nil {
			t.Fatal(err)
		}
		want := 1
		if jump < 0 {
			want = 0
		}
		s.purge(t, want)
	}
	s := newSetup(t)
	s.purge(t, 0)
	s.clock.Advance(-time.Hour) // summer time done wrong
	s.purge(t, 0)
	if !s.rows.last.Equal(evidencetest.Start) {
		t.Error("a step back lowered the mark")
	}
}

// The key goes with the last object under it, and not before.
func TestKeyGoesWithTheLastObject(t *testing.T) {
	s := newSetup(t)
	s.put(t, "first", "d", evidencetest.Start.Add(24*time.Hour))
	s.put(t, "second", "d", evidencetest.Start.Add(48*time.Hour))
	s.pass(t, 1)
	if s.gone(t, "second") {
		t.Fatal("the second object cannot be read")
	}
	s.pass(t, 1)
	if _, err := s.vault.Open(t.Context(), s.rows.objects["second"]); !errors.Is(err, evidence.ErrErased) {
		t.Errorf("the key lives on: %v", err)
	}
}

// Each call of a purge fails once; the next run finishes it.
func TestFaults(t *testing.T) {
	for _, call := range []string{"begin", "begun", "finish"} {
		s := newSetup(t)
		s.put(t, "a", "d", evidencetest.Start)
		broken := errors.New("broken")
		s.rows.fail = func(c string) error {
			if c == call {
				return broken
			}
			return nil
		}
		if n, err := s.Purge(t.Context()); n != 0 || !errors.Is(err, broken) {
			t.Errorf("%s: %d, %v", call, n, err)
		}
		s.rows.fail = nil
		// what was begun is finished even when a hold came since
		h, err := retain.NewHold("h", "d", "late", "ann", s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if call != "begin" {
			s.rows.holds = []retain.Hold{h}
		}
		s.purge(t, 1)
		if !s.gone(t, "a") || s.rows.receipts["a"] == nil {
			t.Errorf("%s: not finished", call)
		}
	}
}

func TestNeed(t *testing.T) {
	at := func(y int) time.Time { return time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC) }
	year := 365 * 24 * time.Hour
	for _, c := range []struct {
		name string
		p    retain.Proof
		now  time.Time
		want retain.Renewal
	}{
		{"fresh", retain.Proof{crypto.SHA256, "ECDSA P-256", at(2038)}, at(2026), retain.NotYet},
		{"certificate ends", retain.Proof{crypto.SHA256, "ECDSA P-256", at(2030)}, at(2029), retain.NewTimestamp},
		{"signature weakens", retain.Proof{crypto.SHA512, "ECDSA P-256", at(2040)}, at(2034), retain.NewTimestamp},
		{"hash weakens", retain.Proof{crypto.SHA256, "ML-DSA-44", at(2040)}, at(2035), retain.NewHash},
		{"hash comes first", retain.Proof{crypto.SHA256, "ECDSA P-256", at(2036)}, at(2035), retain.NewHash},
	} {
		got, _, err := retain.Need(c.p, retain.Algorithms(), c.now, year)
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, _, err := retain.Need(retain.Proof{crypto.SHA1, "RSA 1024", at(2040)}, retain.Algorithms(), at(2026), year); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("SHA-1: %v", err)
	}
}
