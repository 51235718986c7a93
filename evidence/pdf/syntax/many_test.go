package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// packed is a file of n object streams with one object each.
func manyPacks(n int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	entries := make([]byte, 0, 12*n+12)
	entry := func(kind, where int) {
		entries = append(entries, byte(kind), byte(where>>24), byte(where>>16), byte(where>>8), byte(where), 0)
	}
	entry(0, 0)
	for i := range n {
		entry(1, b.Len())
		body := fmt.Sprintf("%d 0 1", n+1+i)
		fmt.Fprintf(&b, "%d 0 obj<</Type/ObjStm/N 1/First %d/Length %d>>stream\n%s\nendstream\nendobj\n", 1+i, len(body)-1, len(body), body)
	}
	for i := range n {
		entry(2, 1+i)
	}
	at := b.Len()
	fmt.Fprintf(&b, "%d 0 obj<</Type/XRef/Size %d/W[1 4 1]/Root 1 0 R/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF", 2*n+1, 2*n+1, len(entries), entries, at)
	return b.Bytes()
}

// TestManyPacks: what a file costs grows with its length, also where it is made of
// very many small object streams. 3 MB of them took a minute once.
func TestManyPacks(t *testing.T) {
	b := manyPacks(40_000)
	f, err := Open(bytes.NewReader(b), int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	start, n := time.Now(), 0
	if err := f.Each(func(Ref, Object) error { n++; return nil }); err != nil || n != 80_000 {
		t.Errorf("%d objects: %v", n, err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("%v for %d bytes", d, len(b))
	}
	if f.packed > maxPacked {
		t.Errorf("%d bytes kept", f.packed)
	}
}

// TestManyValues: an object of very many small values takes many times its bytes of
// memory, so that they are counted too.
func TestManyValues(t *testing.T) {
	for _, unit := range []string{"[]", "<<>>", "<</A 1>>", "()", "1 ", "/A", "null "} {
		body := "%PDF-1.5\n1 0 obj\n[" + strings.Repeat(unit, (15<<20)/len(unit)) + "]\nendobj\n"
		b := fmt.Sprintf("%sxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF", body, len(body))
		f, err := Open(strings.NewReader(b), int64(len(b)), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = f.Get(Ref{1, 0})
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; !errors.Is(err, ErrLimit) || mb > 256 {
			t.Errorf("%q: %d MB, %v", unit, mb, err)
		}
	}
}

// TestManyEntries: a cross-reference of a million entries compresses to one
// kilobyte; reading it is charged like the table of 20 MB that it stands for.
func TestManyEntries(t *testing.T) {
	data := Deflate(Dict{}, make([]byte, 1_000_000)).Data
	b := fmt.Sprintf("%%PDF-1.5\n1 0 obj<</Type/XRef/Size 1000000/W[0 1 0]/Root 1 0 R/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n9\n%%%%EOF", len(data), data)
	limits := Limits{Work: 60 << 20}.Shared()
	for i := range 4 {
		_, err := Open(strings.NewReader(b), int64(len(b)), limits)
		if want := i >= 2; errors.Is(err, ErrLimit) != want {
			t.Errorf("opened %d times: %v", i+1, err)
		}
	}
}
