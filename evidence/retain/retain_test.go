package retain_test

import (
	"bytes"
	"cmp"
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
	"inkwitness/evidence/cms"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/vault"
)

// rows is a retain.Store in memory.
type rows struct {
	objects  map[string]evidence.Object
	begun    map[string]int
	receipts map[string][]byte
	holds    []retain.Hold
	last     time.Time
}

func (r *rows) held(o evidence.Object, now time.Time) bool {
	return slices.ContainsFunc(r.holds, func(h retain.Hold) bool { return h.Deposit == o.Deposit && h.Protects(now) })
}

func (r *rows) Due(_ context.Context, now time.Time, n int) ([]evidence.Object, error) {
	var due []evidence.Object
	for key, o := range r.objects {
		if r.receipts[key] == nil && (r.begun[key] > 0 || !o.DeleteAfter.After(now) && !r.held(o, now)) {
			due = append(due, o)
		}
	}
	slices.SortFunc(due, func(a, b evidence.Object) int {
		return cmp.Or(r.begun[a.Key]-r.begun[b.Key], strings.Compare(a.Key, b.Key))
	})
	return due[:min(n, len(due))], nil
}

func (r *rows) Begin(_ context.Context, key string, now time.Time) (retain.Begun, error) {
	if r.begun[key] == 0 && r.held(r.objects[key], now) {
		return retain.Begun{}, evidence.ErrHeld
	}
	r.begun[key]++
	last := true
	for other, o := range r.objects {
		last = last && (r.begun[other] > 0 || o.DataKey != r.objects[key].DataKey)
	}
	return retain.Begun{Last: last}, nil
}

func (r *rows) Finish(_ context.Context, key string, receipt []byte) error {
	r.receipts[key] = receipt
	return nil
}

func (r *rows) LastClock(context.Context) (time.Time, error) { return r.last, nil }

func (r *rows) SaveClock(_ context.Context, t time.Time) error {
	r.last = t.Truncate(time.Microsecond) // as a database does
	return nil
}

type plainSigner struct{}

func (plainSigner) SignReceipt(_ context.Context, b []byte) ([]byte, error) {
	return append([]byte("signed "), b...), nil
}

type setup struct {
	*retain.Purger
	rows    *rows
	clock   *evidencetest.Clock
	uptime  time.Duration
	outside error // what is answered to who asks whether the clock is right
	vault   *vault.Vault
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{clock: &evidencetest.Clock{}, outside: errBroken, rows: &rows{objects: map[string]evidence.Object{}, begun: map[string]int{}, receipts: map[string][]byte{}}}
	blobs, err := vault.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := evidencetest.Keys()
	if s.vault, err = vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: s.clock}); err != nil {
		t.Fatal(err)
	}
	s.restart(t)
	return s
}

// restart is the process that comes after: what it has counted is gone.
func (s *setup) restart(t *testing.T) {
	t.Helper()
	var err error
	s.Purger, err = retain.New(retain.Config{Store: s.rows, Vault: s.vault, Signer: plainSigner{}, Clock: s.clock,
		Uptime: func() time.Duration { return s.uptime }, Outside: func(context.Context) error { return s.outside }})
	if err != nil {
		t.Fatal(err)
	}
}

// run lets time go by while the service runs.
func (s *setup) run(d time.Duration) {
	s.clock.Advance(d)
	s.uptime += d + time.Nanosecond
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
		s.run(24 * time.Hour)
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
	s.run(24 * time.Hour)
	s.purge(t, 0)
	s.run(24*time.Hour - time.Second)
	s.purge(t, 0)
	s.run(time.Second)
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

func TestHoldAgainAlone(t *testing.T) {
	at := evidencetest.Start
	h, err := retain.NewHold("h", "d", "why", "ann", at)
	if err != nil {
		t.Fatal(err)
	}
	agreed, err := h.Agree("bob", at)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := h.End("ann", at)
	if err != nil {
		t.Fatal(err)
	}
	lifted, err := asked.Lift("bob", at)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by    string
		holds []retain.Hold
		may   bool
	}{
		{"ann", nil, true},
		{"ann", []retain.Hold{h}, false},
		{"ann", []retain.Hold{agreed, h}, false},
		{"ann", []retain.Hold{asked}, false},
		{"ann", []retain.Hold{agreed, lifted}, true},
		{"bob", []retain.Hold{h}, true},
	} {
		if err := retain.MayPlace(c.by, c.holds); (err == nil) != c.may || err != nil && !errors.Is(err, evidence.ErrNotAllowed) {
			t.Errorf("%s after %+v: %v", c.by, c.holds, err)
		}
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

// TestClockThatWalks: small steps are no way to the end of a deposit, in one
// process or in many, and steps back in between do not help.
func TestClockThatWalks(t *testing.T) {
	for name, between := range map[string]func(*setup){
		"one process":   func(*setup) {},
		"many":          func(s *setup) { s.restart(t) },
		"with the work": func(s *setup) { s.restart(t); s.uptime += time.Minute },
		"and back":      func(s *setup) { s.clock.Advance(-time.Hour) },
	} {
		s := newSetup(t)
		s.put(t, "soon", "d", evidencetest.Start.Add(48*time.Hour))
		s.purge(t, 0)
		stopped := 0
		for range 100 {
			s.clock.Advance(12 * time.Hour)
			if _, err := s.Purge(t.Context()); errors.Is(err, evidence.ErrClock) {
				stopped++
			}
			between(s)
		}
		if stopped < 97 || s.gone(t, "soon") {
			t.Errorf("%s: stopped %d times of 100, gone %v", name, stopped, s.gone(t, "soon"))
		}
	}
}

// TestClockOfYears: a service that runs is never stopped, one that is restarted
// has a day of pauses, and somebody outside who says that the clock is right gives
// it another one.
func TestClockOfYears(t *testing.T) {
	s := newSetup(t)
	s.purge(t, 0)
	s.pass(t, 3000)
	for range 23 {
		s.clock.Advance(time.Hour) // while it was down
		s.restart(t)
		s.purge(t, 0)
		s.pass(t, 7)
	}
	s.clock.Advance(2 * time.Hour)
	s.restart(t)
	if _, err := s.Purge(t.Context()); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("25 hours of pauses: %v", err)
	}
	s.run(24 * time.Hour)
	s.restart(t)
	if _, err := s.Purge(t.Context()); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("a day later: %v", err)
	}
	s.outside = nil
	s.purge(t, 0)
	s.outside = errBroken
	s.clock.Advance(23 * time.Hour)
	s.restart(t)
	s.purge(t, 0)
	s.clock.Advance(30 * 24 * time.Hour)
	s.outside = nil
	s.purge(t, 0) // a month, and it is so
}

// TestTwoProcesses: what one counts is known to the other, once; what two people
// say, even that it is earlier, holds for both.
func TestTwoProcesses(t *testing.T) {
	s := newSetup(t)
	s.purge(t, 0)
	one := s.Purger
	s.restart(t)
	two := s.Purger
	for i := range 100 {
		s.run(12 * time.Hour)
		if _, err := []*retain.Purger{one, two}[i%2].Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if last := s.clock.Now(); s.rows.last.After(last) {
		t.Errorf("%v is known to have come at %v", s.rows.last, last)
	}
	s.clock.Advance(-1000 * time.Hour)
	if _, err := one.Purge(t.Context()); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("the clock was set back: %v", err)
	}
	if err := retain.ConfirmClock(t.Context(), s.rows, s.clock.Now(), "ann", "bob"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*retain.Purger{one, two, one} {
		s.run(time.Hour)
		if _, err := p.Purge(t.Context()); err != nil {
			t.Errorf("after it was confirmed: %v", err)
		}
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

// refusing is a vault that cannot delete some objects.
type refusing struct {
	*vault.Vault
	keys map[string]bool
}

func (r refusing) Delete(ctx context.Context, o evidence.Object) error {
	if r.keys[o.Key] {
		return errBroken
	}
	return r.Vault.Delete(ctx, o)
}

// TestWhatCannotBeDeleted: it keeps nothing else from being deleted, however
// much of it there is, and goes once it can.
func TestWhatCannotBeDeleted(t *testing.T) {
	s := newSetup(t)
	refused := map[string]bool{}
	for i := range 300 {
		key := fmt.Sprintf("x/%03d", i)
		refused[key] = i%2 == 0
		s.put(t, key, "d", evidencetest.Start)
	}
	v := refusing{s.vault, refused}
	p, err := retain.New(retain.Config{Store: s.rows, Vault: v, Signer: plainSigner{}, Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	purged := 0
	for range 4 {
		n, err := p.Purge(t.Context())
		if purged += n; !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "purge x/") {
			t.Errorf("purged %d, and of the rest it is said: %v", n, err)
		}
		s.clock.Advance(time.Hour)
	}
	if purged != 150 {
		t.Errorf("purged %d of the 150 that can be deleted", purged)
	}
	for key := range refused { // each had its turn
		if n := s.rows.begun[key]; refused[key] && (n < 2 || n > 3) {
			t.Errorf("the deletion of %s was begun %d times", key, n)
		}
	}
	s.put(t, "new", "e", s.clock.Now())
	if n, _ := p.Purge(t.Context()); n != 1 || !s.gone(t, "new") {
		t.Errorf("purged %d; what has just become due waits behind what cannot be deleted", n)
	}
	clear(refused)
	s.purge(t, 150)
}

// breaking stands between a purger and all that it calls, and lets one call fail,
// before or after it was done.
type breaking struct {
	*rows
	*vault.Vault
	at    int
	after bool
	calls int
	hit   string
}

var errBroken = errors.New("broken")

func (b *breaking) call(name string, do func() error) error {
	b.calls++
	if b.calls != b.at {
		return do()
	}
	b.hit = name
	if !b.after {
		return errBroken
	}
	return errors.Join(do(), errBroken)
}

func (b *breaking) LastClock(ctx context.Context) (last time.Time, err error) {
	return last, b.call("last clock", func() error { last, err = b.rows.LastClock(ctx); return err })
}

func (b *breaking) SaveClock(ctx context.Context, t time.Time) error {
	return b.call("save clock", func() error { return b.rows.SaveClock(ctx, t) })
}

func (b *breaking) Due(ctx context.Context, now time.Time, n int) (due []evidence.Object, err error) {
	return due, b.call("due", func() error { due, err = b.rows.Due(ctx, now, n); return err })
}

func (b *breaking) Begin(ctx context.Context, key string, now time.Time) (begun retain.Begun, err error) {
	return begun, b.call("begin", func() error { begun, err = b.rows.Begin(ctx, key, now); return err })
}

func (b *breaking) Delete(ctx context.Context, o evidence.Object) error {
	return b.call("delete", func() error { return b.Vault.Delete(ctx, o) })
}

func (b *breaking) Erase(ctx context.Context, subject, deposit string, e evidence.Erasure) error {
	return b.call("erase", func() error { return b.Vault.Erase(ctx, subject, deposit, e) })
}

func (b *breaking) SignReceipt(ctx context.Context, receipt []byte) (signed []byte, err error) {
	return signed, b.call("sign", func() error { signed, err = plainSigner{}.SignReceipt(ctx, receipt); return err })
}

func (b *breaking) Finish(ctx context.Context, key string, receipt []byte) error {
	return b.call("finish", func() error { return b.rows.Finish(ctx, key, receipt) })
}

// Every call of a purge of three objects under two keys fails once before and
// once after it was done. What was begun is finished by the next run, even when
// a hold came since; what was not begun is then held.
func TestFaults(t *testing.T) {
	met := map[string]int{}
	for at, more := 1, true; more; at++ {
		for _, after := range []bool{false, true} {
			s := newSetup(t)
			for key, deposit := range map[string]string{"a": "d", "b": "d", "c": "e"} {
				s.put(t, key, deposit, evidencetest.Start)
			}
			b := &breaking{rows: s.rows, Vault: s.vault, at: at, after: after}
			purger, err := retain.New(retain.Config{Store: b, Vault: b, Signer: b, Clock: s.clock})
			if err != nil {
				t.Fatal(err)
			}
			_, err = purger.Purge(t.Context())
			if more = b.hit != ""; !more {
				break
			}
			met[b.hit]++
			if !errors.Is(err, errBroken) {
				t.Errorf("call %d, %s, after=%v: the purge says %v", at, b.hit, after, err)
			}
			s.stopped(t)
			s.holdAll(t)
			s.purge(t, s.begunOnly())
			for key := range s.rows.objects {
				if begun := s.rows.begun[key] > 0; begun != s.gone(t, key) || begun != (s.rows.receipts[key] != nil) {
					t.Errorf("call %d, %s, after=%v: %s is half deleted", at, b.hit, after, key)
				}
			}
			s.rows.holds = nil
			s.purge(t, len(s.rows.objects)-len(s.rows.receipts))
			for key := range s.rows.objects {
				if !s.gone(t, key) || s.rows.receipts[key] == nil {
					t.Errorf("call %d, %s, after=%v: %s was not finished", at, b.hit, after, key)
				}
			}
		}
	}
	for _, name := range []string{"last clock", "save clock", "due", "begin", "delete", "erase", "sign", "finish"} {
		if met[name] == 0 {
			t.Errorf("%s never failed", name)
		}
	}
}

// stopped checks a purge that broke off: an object that can be read has lost
// nothing, and none is gone before its row says so.
func (s *setup) stopped(t *testing.T) {
	t.Helper()
	for key := range s.rows.objects {
		if s.gone(t, key) && s.rows.begun[key] == 0 {
			t.Errorf("%s is gone and nothing says so", key)
		}
		if s.rows.receipts[key] != nil && !s.gone(t, key) {
			t.Errorf("%s has a receipt and can be read", key)
		}
	}
}

func (s *setup) holdAll(t *testing.T) {
	t.Helper()
	for _, deposit := range []string{"d", "e"} {
		h, err := retain.NewHold("h", deposit, "late", "ann", s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.rows.holds = append(s.rows.holds, h)
	}
}

// begunOnly counts what is begun and not finished.
func (s *setup) begunOnly() (n int) {
	for key := range s.rows.begun {
		if s.rows.receipts[key] == nil {
			n++
		}
	}
	return n
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
		got, _, err := retain.Need(c.p, cms.Algorithms(), c.now, year)
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, _, err := retain.Need(retain.Proof{crypto.SHA1, "RSA 1024", at(2040)}, cms.Algorithms(), at(2026), year); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("SHA-1: %v", err)
	}
}
