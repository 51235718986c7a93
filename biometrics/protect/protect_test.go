package protect

import (
	"bytes"
	"errors"
	"math"
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

// Linking two templates of one person across tenants must be chance. A linker
// who has all templates of two tenants scores each pair by everything that can be
// seen of it: length, equal bits, equal bytes, likeness of the bytes' frequencies.
// Its scores of mated pairs (the same references, sealed for both) must rank no
// higher than those of non-mated pairs: the area under the curve is 1/2, as in
// the unlinkability test of Gomez-Barrero et al. (2018), IEEE TIFS 13(6).
func TestUnlinkable(t *testing.T) {
	const people = 24
	r := rand.New(rand.NewPCG(5, 5))
	var a, b [][]byte
	for i := range people {
		refs := references(r, 5, 280+r.IntN(40))
		for tenant, list := range map[string]*[][]byte{"a": &a, "b": &b} {
			s, err := New(Config{Key: key(byte(i)), Tenant: tenant, Rand: rand.NewChaCha8([32]byte{byte(i), tenant[0]})})
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := s.Seal("template", 1, at, refs)
			if err != nil {
				t.Fatal(err)
			}
			*list = append(*list, sealed.Data)
		}
	}
	for name, score := range map[string]func(x, y []byte) float64{
		"length": func(x, y []byte) float64 { return -math.Abs(float64(len(x) - len(y))) },
		"bits": func(x, y []byte) (same float64) {
			for i := range min(len(x), len(y)) {
				same += float64(8 - bits.OnesCount8(x[i]^y[i]))
			}
			return same
		},
		"bytes": func(x, y []byte) (same float64) {
			for i := range min(len(x), len(y)) {
				if x[i] == y[i] {
					same++
				}
			}
			return same
		},
		"frequencies": func(x, y []byte) (like float64) {
			var f [256]float64
			for _, v := range x {
				f[v]++
			}
			for _, v := range y {
				like += f[v]
			}
			return like
		},
	} {
		var mated, others []float64
		for i := range a {
			for j := range b {
				if s := score(a[i], b[j]); i == j {
					mated = append(mated, s)
				} else {
					others = append(others, s)
				}
			}
		}
		// 24 mated scores among 552 others: the standard deviation of the area
		// is 0.06, and everything here is drawn from fixed seeds.
		if area := areaUnder(mated, others); area < 0.32 || area > 0.68 {
			t.Errorf("by %s mated pairs rank at %v", name, area)
		}
	}
	if same := areaUnder([]float64{1}, []float64{0, 0}); same != 1 {
		t.Errorf("area %v", same)
	}
}

// areaUnder is the share of pairs in which the mated score is the higher one,
// ties counted half.
func areaUnder(mated, others []float64) float64 {
	sum := 0.0
	for _, m := range mated {
		for _, o := range others {
			switch {
			case m > o:
				sum++
			case m == o:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(mated)*len(others))
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
