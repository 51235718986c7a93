package protect

import (
	"bytes"
	"errors"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, KeyBytes) }

func sealer(t testing.TB, k []byte, tenant string) *Sealer {
	t.Helper()
	s, err := New(Config{Key: k, Tenant: tenant})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func references(r *rand.Rand, n, points int) []capture.Signature {
	out := make([]capture.Signature, n)
	for i := range out {
		out[i] = capture.Signature{Device: capture.Device{Pointer: capture.Pen, HasPressure: true}, Epoch: at, Points: []capture.Point{}}
		for range points {
			out[i].Points = append(out[i].Points, capture.Point{
				Time: int64(r.Uint64()), X: int32(r.Uint32()), Y: int32(r.Uint32()), Pressure: uint16(r.Uint32()), TiltX: int16(r.Uint32()),
				TiltY: int16(r.Uint32()), Twist: uint16(r.Uint32()), Down: r.IntN(2) == 0, Start: r.IntN(2) == 0,
			})
		}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	s := sealer(t, key(1), "a")
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		refs := references(r, rapid.IntRange(1, 10).Draw(t, "n"), rapid.IntRange(0, 50).Draw(t, "points"))
		sealed, err := s.Seal("t", 3, at, refs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Open(sealed, 3)
		if err != nil || !reflect.DeepEqual(got, refs) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	s := sealer(t, key(1), "a")
	good, err := s.Seal("t", 3, at, references(r, 2, 40))
	if err != nil {
		t.Fatal(err)
	}
	changed := good
	changed.Data = bytes.Clone(good.Data)
	changed.Data[len(changed.Data)/2] ^= 1
	renamed, older := good, good
	renamed.ID, older.Epoch = "other", 2
	short := good
	short.Data = good.Data[:9]
	tests := []struct {
		name    string
		s       *Sealer
		t       biometrics.Sealed
		inForce uint32
		want    error
	}{
		{"another key", sealer(t, key(2), "a"), good, 3, biometrics.ErrSealed},
		{"another tenant", sealer(t, key(1), "b"), good, 3, biometrics.ErrSealed},
		{"another name", s, renamed, 3, biometrics.ErrSealed},
		{"another epoch", s, older, 0, biometrics.ErrSealed},
		{"a changed bit", s, changed, 3, biometrics.ErrSealed},
		{"cut short", s, short, 3, biometrics.ErrSealed},
		{"renewed since", s, good, 4, biometrics.ErrStale},
	}
	for _, tt := range tests {
		if _, err := tt.s.Open(tt.t, tt.inForce); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := s.Seal("t", 1, at, nil); !errors.Is(err, biometrics.ErrReferences) {
		t.Errorf("no references: %v", err)
	}
	if _, err := New(Config{Key: key(1)[:16], Tenant: "a"}); err == nil {
		t.Error("a short key is accepted")
	}
	broken, err := New(Config{Key: key(1), Tenant: "a", Rand: iotest.ErrReader(errors.New("no entropy"))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broken.Seal("t", 1, at, references(r, 1, 1)); err == nil {
		t.Error("sealed without randomness")
	}
}

func TestRenew(t *testing.T) {
	s := sealer(t, key(7), "a")
	refs := references(rand.New(rand.NewPCG(2, 1)), 3, 30)
	old, err := s.Seal("t", 1, at, refs)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := s.Renew(old, at)
	if err != nil || renewed.Epoch != 2 {
		t.Fatalf("%+v, %v", renewed.Epoch, err)
	}
	if got, err := s.Open(renewed, 2); err != nil || !reflect.DeepEqual(got, refs) {
		t.Error(err)
	}
	if _, err := s.Open(old, 2); !errors.Is(err, biometrics.ErrStale) {
		t.Errorf("the old template opens: %v", err)
	}
}

// Linking two templates of one person across tenants by comparing their bits
// must be chance: half of the bits differ, whoever they are of, and the lengths
// are the same.
func TestUnlinkable(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	mine, theirs := references(r, 5, 300), references(r, 5, 280)
	a, err := sealer(t, key(1), "a").Seal("x", 1, at, mine)
	if err != nil {
		t.Fatal(err)
	}
	for name, refs := range map[string][]capture.Signature{"the same person": mine, "another person": theirs} {
		b, err := sealer(t, key(1), "b").Seal("y", 1, at, refs)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Data) != len(b.Data) {
			t.Errorf("%s: lengths %d and %d", name, len(a.Data), len(b.Data))
		}
		differ := 0
		for i := range a.Data[2:] {
			differ += bits.OnesCount8(a.Data[2+i] ^ b.Data[2+i])
		}
		// 524,000 bits: the share is within 0.5 +- 0.004 in all but 1 of 10^8 cases.
		if share := float64(differ) / float64(8*len(a.Data)-16); share < 0.496 || share > 0.504 {
			t.Errorf("%s: %v of the bits differ", name, share)
		}
	}
}

func FuzzDecode(f *testing.F) {
	plain, err := encode(references(rand.New(rand.NewPCG(1, 2)), 2, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain[:400])
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decode(b); err != nil && !errors.Is(err, biometrics.ErrMalformed) {
			t.Fatal(err)
		}
	})
}
