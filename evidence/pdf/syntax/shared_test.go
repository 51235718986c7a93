package syntax

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

// bare is a file of the first n bytes without a cross-reference.
func bare(b string, n int, l Limits) *File {
	return &File{r: bytes.NewReader([]byte(b)), size: int64(n), limits: l.withDefaults(), xref: map[int]Entry{}, packs: map[int]*pack{}, busy: map[int]bool{}}
}

// TestSeenIsTheSame: an object that was parsed in a longer or a shorter beginning of
// the same bytes is what this one has, wherever the other ends: inside it, or where
// the parser still looks for a reference or a stream.
func TestSeenIsTheSame(t *testing.T) {
	for _, text := range []string{
		"1 0 obj <</A 1>> endobj 2 0 obj",
		"1 0 obj <</A[1 0 R 2]/B 1.5/C(x\\12)/D<41>>> endobj",
		"1 0 obj <</Length 1>> %%EOF\n  stream\r\nx\nendstream",
		"1 0 obj <</Length 1>>stream\nx\nendstream",
		"1 0 obj 12 %%EOF\n 0 %%EOF\n R endobj",
		"1 0 obj 12 0 Rx endobj",
		"1 0 obj /Name#20 endobj",
		"1 0 obj (a\\053\\5\r\n) endobj",
		"1 0 obj true %%EOF\n endobj",
		"1 0 obj [" + string(bytes.Repeat([]byte("1 0 R "), 300)) + "] %%EOF\nendobj",
	} {
		for other := 1; other <= len(text); other++ {
			for _, n := range []int{other - 1, other + 1, len(text) - 1, len(text)} {
				if n < 1 || n > len(text) {
					continue
				}
				shared := Limits{}.Shared()
				_, _, _ = bare(text, other, shared).stored(0)
				f := bare(text, n, shared)
				ref, o, err := f.stored(0)
				fresh := bare(text, n, Limits{})
				wantRef, want, wantErr := fresh.objectAt(0, true, nil)
				if st, ok := o.(*Stream); ok && err == nil {
					if st.file != f {
						t.Fatalf("%.40q: a stream of another file", text)
					}
					st.file = fresh
				}
				if ref != wantRef || (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(o, want) {
					t.Fatalf("%.40q of %d after %d bytes: %v %v %v, want %v %v %v", text, n, other, ref, o, err, wantRef, want, wantErr)
				}
			}
		}
	}
}

// TestSeenPacks: so it is of what stands in object streams, also where a later
// revision gives one of them another length.
func TestSeenPacks(t *testing.T) {
	for _, length := range []string{"15", "3 0 R"} {
		var b bytes.Buffer
		var entries []byte
		entry := func(kind, where, index int) {
			entries = append(entries, byte(kind), byte(where>>8), byte(where), byte(index))
		}
		b.WriteString("%PDF-1.5\n")
		entry(0, 0, 0)
		entry(1, b.Len(), 0)
		b.WriteString("1 0 obj<</Type/Catalog>>endobj\n")
		entry(1, b.Len(), 0)
		fmt.Fprintf(&b, "2 0 obj<</Type/ObjStm/N 1/First 4/Length %s>>stream\n4 0 [1 2 3 4 5]\nendstream\nendobj\n", length)
		entry(1, b.Len(), 0)
		b.WriteString("3 0 obj 15 endobj\n")
		entry(2, 2, 0)
		at := b.Len()
		entry(1, at, 0)
		fmt.Fprintf(&b, "5 0 obj<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", len(entries), entries, at)
		base, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		u := NewUpdate(base)
		u.Set(Ref{Num: 3}, int64(12))
		tail, err := u.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		ends := []int{b.Len(), b.Len() + len(tail.Bytes)}
		b.Write(tail.Bytes)
		for _, order := range [][]int{{0, 1, 0, 1}, {1, 0, 1, 0}} {
			shared := Limits{}.Shared()
			for _, i := range order {
				get := func(l Limits) (Object, error) {
					f, err := Open(bytes.NewReader(b.Bytes()), int64(ends[i]), l)
					if err != nil {
						t.Fatal(err)
					}
					return f.Get(Ref{Num: 4})
				}
				want, wantErr := get(Limits{})
				if i == 0 && wantErr != nil || i == 1 && (wantErr == nil) != (length == "15") {
					t.Fatalf("revision %d, length %s: %v %v", i, length, want, wantErr)
				}
				if got, err := get(shared); !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) {
					t.Errorf("revision %d, length %s: %v %v, want %v %v", i, length, got, err, want, wantErr)
				}
			}
		}
		if length == "15" {
			counted := Limits{}.Shared()
			for range 2 {
				f, err := Open(bytes.NewReader(b.Bytes()), int64(ends[1]), counted)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.Get(Ref{Num: 4}); err != nil {
					t.Fatal(err)
				}
			}
			stream := counted.seen.objects[base.xref[2].Offset]
			if stream == nil || stream.pack == nil || len(stream.pack.objects) != 1 {
				t.Errorf("not remembered: %+v", stream)
			}
		}
	}
}
