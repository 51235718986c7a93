package tsa

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"io"
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
)

type serials struct{ n atomic.Int64 }

func (s *serials) NextSerial(_ context.Context, now time.Time) (int64, time.Time, error) {
	return s.n.Add(1), now.Truncate(time.Millisecond), nil
}

type fakeRef struct {
	mu     sync.Mutex
	offset time.Duration
	err    error
}

func (r *fakeRef) Offset(context.Context) (time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offset, r.err
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
		if !token.Info.Ordering || !token.Info.Time.After(last) || token.Info.Time.Sub(clock.Now()).Abs() > MaxOffset {
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
		if err == nil && token.Info.Time.Sub(clock.Now()).Abs() > MaxOffset {
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
		if err := w.Check(); !errors.Is(err, evidence.ErrClock) {
			t.Errorf("off its reference: %v", err)
		}
		ref.set(0, nil)
		time.Sleep(2 * time.Second)
		if err := w.Check(); err != nil {
			t.Errorf("reference agrees again: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
	})
}

func TestRespondRefuses(t *testing.T) {
	a, clock, _, _ := authority(t)
	good := cms.Request{Hash: crypto.SHA256, Digest: digest[:], Nonce: big.NewInt(9)}
	marshal := func(r cms.Request) []byte {
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	other := good
	other.Policy = asn1.ObjectIdentifier{1, 2, 3}
	for name, req := range map[string][]byte{"rubbish": []byte("x"), "empty": nil, "policy": marshal(other)} {
		if _, err := cms.ParseResponse(a.Respond(t.Context(), req)); err == nil {
			t.Errorf("%s: granted", name)
		}
	}
	token, err := cms.ParseResponse(a.Respond(t.Context(), marshal(good)))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := cms.ParseToken(token); err != nil || k.Info.Nonce.Int64() != 9 {
		t.Errorf("nonce lost, %v", err)
	}
	clock.Advance(time.Hour)
	if _, err := cms.ParseResponse(a.Respond(t.Context(), marshal(good))); err == nil {
		t.Error("granted with a clock that jumped")
	}
}

func TestRemoteAndFallback(t *testing.T) {
	a, clock, _, _ := authority(t)
	spoil := func(b []byte) []byte { return b }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Error("content type")
		}
		w.Write(spoil(a.Respond(r.Context(), body)))
	}))
	defer srv.Close()
	remote := &Remote{URL: srv.URL, Clock: clock}
	if _, err := stamp(remote); err != nil {
		t.Fatal(err)
	}
	stale := a.Respond(t.Context(), func() []byte {
		b, _ := cms.Request{Hash: crypto.SHA256, Digest: digest[:], Nonce: big.NewInt(1)}.Marshal()
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
			copy(answer[24:32], buf[40:48])
			ahead := toNTP(clock.Now().Add(3250 * time.Millisecond))
			for i := range 8 {
				answer[32+i] = byte(ahead >> (56 - 8*i))
				answer[40+i] = answer[32+i]
			}
			conn.WriteTo(answer, from)
		}
	}()
	got, err := NTP{Addr: conn.LocalAddr().String(), Clock: clock}.Offset(t.Context())
	if err != nil || (got-3250*time.Millisecond).Abs() > time.Microsecond {
		t.Errorf("offset %v, %v", got, err)
	}
	if after := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC); !fromNTP(toNTP(after), after.Add(time.Hour)).Equal(after) {
		t.Error("the era after 2036 is read wrong")
	}
}
