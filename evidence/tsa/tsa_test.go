package tsa

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/tsa/tsatest"
)

type serials struct{ n atomic.Int64 }

func (s *serials) NextSerial(_ context.Context, now time.Time) (int64, time.Time, error) {
	return s.n.Add(1), now.Truncate(time.Millisecond), nil
}

// fakeRef is a reference that says what a test sets.
type fakeRef struct {
	mu             sync.Mutex
	offset, within time.Duration
	err            error
}

func (r *fakeRef) Offset(context.Context) (offset, within time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offset, r.within, r.err
}

func (r *fakeRef) set(offset time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset, r.err = offset, err
}

// authority returns one over a clock and a monotonic clock that move apart
// only when a test says so.
func authority(t *testing.T, refs ...Reference) (*Authority, *evidencetest.Clock, *time.Duration, *trust.Local) {
	t.Helper()
	keys, _ := evidencetest.Keys()
	clock, mono := &evidencetest.Clock{}, new(time.Duration)
	ca, err := trust.Open(t.Context(), trust.Config{Keys: keys, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Credential: ca.Timestamping, Serials: &serials{}, Clock: clock,
		Watch: newWatch(clock, nil, func() time.Duration { return *mono }, refs...)})
	if err != nil {
		t.Fatal(err)
	}
	return a, clock, mono, ca
}

var digest = sha256.Sum256([]byte("data"))

func stamp(a evidence.Timestamper) (*cms.Token, error) {
	der, err := a.Timestamp(context.Background(), crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	return cms.ParseToken(der)
}

func TestTimestamp(t *testing.T) {
	a, clock, mono, ca := authority(t)
	var last int64
	for range 3 {
		token, err := stamp(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Verify(crypto.SHA256, digest[:]); err != nil {
			t.Error(err)
		}
		if !token.Info.Time.Equal(clock.Now()) || token.Info.Accuracy != time.Second || !token.Info.Policy.Equal(DefaultPolicy) {
			t.Errorf("token says %+v", token.Info)
		}
		if n := token.Info.Serial.Int64(); n <= last {
			t.Errorf("serial %d after %d", n, last)
		} else {
			last = n
		}
		if got := token.Signer.Issuer.CommonName; got != ca.Root().Subject.CommonName {
			t.Errorf("issued by %s", got)
		}
		clock.Advance(1500 * time.Millisecond)
		*mono += 1500 * time.Millisecond
	}
	if _, err := a.Timestamp(t.Context(), crypto.SHA256, digest[:5]); !errors.Is(err, evidence.ErrMalformed) {
		t.Errorf("short digest: %v", err)
	}
}

// ahead are serials that another instance drew up to a time.
type ahead struct {
	last time.Time
	n    int64
}

func (a *ahead) NextSerial(_ context.Context, now time.Time) (int64, time.Time, error) {
	if a.last = a.last.Add(time.Millisecond); a.last.Before(now) {
		a.last = now.Truncate(time.Millisecond)
	}
	a.n++
	return a.n, a.last, nil
}

// TestOrdering: tokens say that they are in order, and are, also where another
// instance's clock is a little ahead; where it is far ahead there are none until
// the time has come.
func TestOrdering(t *testing.T) {
	a, clock, mono, _ := authority(t)
	other := &ahead{last: clock.Now().Add(600 * time.Millisecond)}
	a.cfg.Serials = other
	var last time.Time
	for range 5 {
		token, err := stamp(a)
		if err != nil {
			t.Fatal(err)
		}
		if !token.Info.Ordering || !token.Info.Time.After(last) || token.Info.Time.Sub(clock.Now()).Abs() > Accuracy {
			t.Errorf("ordering %v, %v after %v at %v", token.Info.Ordering, token.Info.Time, last, clock.Now())
		}
		last = token.Info.Time
		clock.Advance(10 * time.Millisecond)
		*mono += 10 * time.Millisecond
	}
	other.last = clock.Now().Add(1500 * time.Millisecond)
	if _, err := stamp(a); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("the last timestamp was 1.5 s ahead: %v", err)
	}
	clock.Advance(900 * time.Millisecond)
	*mono += 900 * time.Millisecond
	if _, err := stamp(a); err != nil {
		t.Errorf("600 ms ahead: %v", err)
	}
}

// waiting are serials that answer after a while.
type waiting struct {
	Serials
	wait func()
}

func (w waiting) NextSerial(ctx context.Context, now time.Time) (int64, time.Time, error) {
	w.wait()
	return w.Serials.NextSerial(ctx, now)
}

// TestSlowSerials: a token's time is that at which it is made, however long its
// number takes; and a wait is no reason to distrust the clock.
func TestSlowSerials(t *testing.T) {
	a, clock, mono, _ := authority(t)
	waits := 0
	for _, c := range []struct {
		long  int // so many answers take 3 s
		asked int
	}{{0, 1}, {1, 2}, {2, 3}, {3, 3}} {
		waits = 0
		a.cfg.Serials = waiting{&serials{}, func() {
			if waits++; waits <= c.long {
				clock.Advance(3 * time.Second)
				*mono += 3 * time.Second
			}
		}}
		token, err := stamp(a)
		if waits != c.asked || (err == nil) != (c.long < c.asked) || errors.Is(err, evidence.ErrClock) {
			t.Errorf("%d slow answers: asked %d times, %v", c.long, waits, err)
		}
		if err == nil && token.Info.Time.Sub(clock.Now()).Abs() > Accuracy {
			t.Errorf("%d slow answers: a token of %v at %v", c.long, token.Info.Time, clock.Now())
		}
	}
	// Others drew numbers while this one waited: the clock has gone on, too.
	other := &ahead{last: clock.Now()}
	a.cfg.Serials = waiting{other, func() {
		clock.Advance(3 * time.Second)
		*mono += 3 * time.Second
		other.last = clock.Now()
	}}
	if _, err := stamp(a); err != nil {
		t.Errorf("numbers drawn while this one waited: %v", err)
	}
}

func TestJumpStopsAndCorrectionResumes(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 400 * 24 * time.Hour, 1100 * time.Millisecond, -1100 * time.Millisecond} {
		a, clock, _, _ := authority(t)
		clock.Advance(jump)
		if _, err := stamp(a); !errors.Is(err, evidence.ErrClock) {
			t.Errorf("jump of %v: %v", jump, err)
		}
		clock.Advance(-jump)
		if _, err := stamp(a); err != nil {
			t.Errorf("after the jump of %v was undone: %v", jump, err)
		}
	}
	a, clock, _, _ := authority(t)
	for range 10 { // a time daemon's steps
		clock.Advance(200 * time.Millisecond)
		if _, err := stamp(a); err != nil {
			t.Fatalf("small steps: %v", err)
		}
	}
}

func TestReferenceStopsAndResumes(t *testing.T) {
	ref := &fakeRef{}
	a, clock, _, _ := authority(t, ref)
	for _, c := range []struct {
		offset time.Duration
		err    error
		stops  bool
	}{{0, nil, false}, {-1200 * time.Millisecond, nil, true}, {0, errors.New("silent"), true}, {300 * time.Millisecond, nil, false}} {
		ref.set(c.offset, c.err)
		a.cfg.Watch.ask(t.Context())
		if _, err := stamp(a); errors.Is(err, evidence.ErrClock) != c.stops {
			t.Errorf("reference %v, %v: %v", c.offset, c.err, err)
		}
	}
	clock.Advance(time.Hour) // somebody set a wrong clock right
	if _, err := stamp(a); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("jump before it is confirmed: %v", err)
	}
	a.cfg.Watch.ask(t.Context())
	if _, err := stamp(a); err != nil {
		t.Errorf("jump confirmed by the reference: %v", err)
	}
}

// TestSilentReferences: while nobody has answered, or nobody any more, there are
// no timestamps; the first answer is asked for with the first timestamp, also
// where nothing runs in the background.
func TestSilentReferences(t *testing.T) {
	ref := &fakeRef{}
	ref.set(0, errors.New("silent"))
	a, clock, mono, _ := authority(t, ref)
	if _, err := stamp(a); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("no reference has answered yet: %v", err)
	}
	ref.set(time.Hour, nil)
	if _, err := stamp(a); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("an hour off at the first answer: %v", err)
	}
	ref.set(0, nil)
	a.cfg.Watch.ask(t.Context())
	if _, err := stamp(a); err != nil {
		t.Errorf("the reference agrees: %v", err)
	}
	ref.set(0, errors.New("silent"))
	pass := func(d time.Duration) {
		clock.Advance(d)
		*mono += d
		a.cfg.Watch.ask(t.Context())
	}
	if pass(maxAge); !a.cfg.Watch.heard() {
		t.Error("an answer does not count for as long as it is said to")
	}
	if _, err := stamp(a); err != nil {
		t.Errorf("an answer %v old: %v", maxAge, err)
	}
	pass(time.Second)
	if _, err := stamp(a); !errors.Is(err, evidence.ErrClock) || !a.cfg.Watch.Stopped() {
		t.Errorf("an answer %v old: %v", maxAge+time.Second, err)
	}
	ref.set(0, nil)
	if _, err := stamp(a); err != nil || a.cfg.Watch.Stopped() {
		t.Errorf("the reference answers again: %v", err)
	}
}

// TestAccuracy: what a token says of its time is true, whatever the clock is from
// its references, was moved by since they answered, is unknown by, and whatever
// the number's time is from the clock.
func TestAccuracy(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name                        string
		offset, within, step, ahead time.Duration
		age                         time.Duration
		stops                       bool
	}{
		{"all is well", 10 * ms, 40 * ms, 0, 0, 0, false},
		{"900 ms ahead", -900 * ms, 0, 0, 0, 0, false},
		{"900 ms ahead, number 950 ms ahead of it", -900 * ms, 0, 0, 950 * ms, 0, true},
		{"number 950 ms ahead", 0, 0, 0, 950 * ms, 0, false},
		{"900 ms ahead, known to 200 ms", -900 * ms, 200 * ms, 0, 0, 0, true},
		{"900 ms behind, set right", 900 * ms, 0, 900 * ms, 0, 0, false},
		{"900 ms behind, set back", 900 * ms, 0, -200 * ms, 0, 0, true},
		{"step of 900 ms", 0, 0, 900 * ms, 0, 0, false},
		{"step of 900 ms, four minutes old", 0, 0, 900 * ms, 0, 4 * time.Minute, true},
	} {
		ref := &fakeRef{offset: c.offset, within: c.within}
		a, clock, mono, _ := authority(t, ref)
		a.cfg.Watch.ask(t.Context())
		clock.Advance(c.age + c.step)
		*mono += c.age
		a.cfg.Serials = &ahead{last: clock.Now().Add(c.ahead - ms)}
		token, err := stamp(a)
		if errors.Is(err, evidence.ErrClock) != c.stops || (err == nil) == c.stops {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		truth := clock.Now().Add(c.offset - c.step)
		if off := token.Info.Time.Sub(truth).Abs() + c.within; off > token.Info.Accuracy {
			t.Errorf("%s: the token is %v off and says %v", c.name, off, token.Info.Accuracy)
		}
	}
}

// TestSmallStepsAdd: with references, steps that are small one by one are not
// followed away from what they said.
func TestSmallStepsAdd(t *testing.T) {
	a, clock, mono, _ := authority(t, &fakeRef{})
	a.cfg.Watch.ask(t.Context())
	for i := range 59 {
		clock.Advance(1900 * time.Millisecond)
		*mono += time.Second
		if _, err := stamp(a); errors.Is(err, evidence.ErrClock) != (i > 0) {
			t.Fatalf("%d steps of 0.9 s: %v", i+1, err)
		}
	}
}

// TestStepWhileAsked: the references' answer may be from before a step or from
// after it.
func TestStepWhileAsked(t *testing.T) {
	step := func() {}
	a, clock, _, _ := authority(t, steps{func() { step() }})
	step = func() { clock.Advance(700 * time.Millisecond) }
	a.cfg.Watch.ask(t.Context())
	within, err := a.cfg.Watch.Check(t.Context())
	if err != nil || within < 700*time.Millisecond {
		t.Errorf("within %v, %v", within, err)
	}
}

// steps is a reference during whose answer something happens.
type steps struct{ do func() }

func (s steps) Offset(context.Context) (offset, within time.Duration, err error) {
	s.do()
	return 0, 0, nil
}

type bubbleClock struct{ skew atomic.Int64 }

func (c *bubbleClock) Now() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }

// A wrong clock must be noticed in less than ten seconds with nobody asking.
func TestRunNoticesWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, ref := &bubbleClock{}, &fakeRef{offset: 2 * time.Second}
		w := NewWatch(clock, nil, ref)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(2 * time.Second)
		if _, err := w.Check(ctx); !errors.Is(err, evidence.ErrClock) {
			t.Errorf("off its reference: %v", err)
		}
		ref.set(0, nil)
		time.Sleep(2 * time.Second)
		if _, err := w.Check(ctx); err != nil {
			t.Errorf("reference agrees again: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
	})
}

func TestRemoteAndFallback(t *testing.T) {
	a, clock, _, _ := authority(t)
	other := tsatest.New(t, clock)
	spoil := func(b []byte) []byte { return b }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		other.ServeHTTP(answer, r)
		_, _ = w.Write(spoil(answer.Body.Bytes()))
	}))
	defer srv.Close()
	remote := &Remote{URL: srv.URL, Clock: clock}
	if _, err := stamp(remote); err != nil {
		t.Fatal(err)
	}
	stale := other.Respond(t.Context(), func() []byte {
		b, _ := cms.Request{Hash: crypto.SHA256, Digest: digest[:], Nonce: big.NewInt(1), WantCert: true}.Marshal()
		return b
	}())
	for name, f := range map[string]func([]byte) []byte{
		"replayed": func([]byte) []byte { return stale },
		"cut":      func(b []byte) []byte { return b[:len(b)-1] },
		"changed":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"refused":  func([]byte) []byte { return cms.Refused(cms.FailSystem) },
		"empty":    func([]byte) []byte { return nil },
	} {
		spoil = f
		if _, err := stamp(remote); err == nil {
			t.Errorf("%s answer taken", name)
		}
	}
	down := &Remote{URL: "http://127.0.0.1:1/", Clock: clock}
	if _, err := stamp(Fallback{List: []evidence.Timestamper{down, a}}); err != nil {
		t.Errorf("fall-over: %v", err)
	}
	clock.Advance(time.Hour)
	if _, err := stamp(Fallback{List: []evidence.Timestamper{down, a}}); !errors.Is(err, evidence.ErrClock) {
		t.Errorf("all down: %v", err)
	}
}

// A time server of our own on loopback, 3.25 s ahead.
func TestNTP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	clock := &evidencetest.Clock{}
	go func() {
		buf := make([]byte, 48)
		for {
			_, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			answer := make([]byte, 48)
			answer[0], answer[1] = 4<<3|4, 2
			answer[6], answer[10] = 0x80, 0x40 // 0.5 s to its own reference and back, and 0.25 s: half a second in all
			copy(answer[24:32], buf[40:48])
			ahead := toNTP(clock.Now().Add(3250 * time.Millisecond))
			for i := range 8 {
				answer[32+i] = byte(ahead >> (56 - 8*i))
				answer[40+i] = answer[32+i]
			}
			conn.WriteTo(answer, from)
		}
	}()
	got, within, err := NTP{Addr: conn.LocalAddr().String(), Clock: clock}.Offset(t.Context())
	if err != nil || (got-3250*time.Millisecond).Abs() > time.Microsecond || within != 500*time.Millisecond {
		t.Errorf("offset %v, give or take %v, %v", got, within, err)
	}
	// A server that says it is a second off says nothing, nor does one whose answer was under way for long.
	sent, answer := [48]byte{40: 7}, [48]byte{0: 4<<3 | 4, 1: 2, 24: 7}
	answer[9] = 1
	if _, _, err := offset(sent, answer, clock.Now(), clock.Now().Add(time.Millisecond)); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("a server that is a second off: %v", err)
	}
	answer[9] = 0
	for late, taken := range map[time.Duration]bool{1900 * time.Millisecond: true, 2100 * time.Millisecond: false} {
		if _, _, err := offset(sent, answer, clock.Now(), clock.Now().Add(late)); (err == nil) != taken {
			t.Errorf("an answer after %v: %v", late, err)
		}
	}
	if after := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC); !fromNTP(toNTP(after), after.Add(time.Hour)).Equal(after) {
		t.Error("the era after 2036 is read wrong")
	}
}
