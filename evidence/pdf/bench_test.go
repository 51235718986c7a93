package pdf

import (
	"bytes"
	"crypto/elliptic"
	"io"
	"testing"
	"time"
)

// BenchmarkSeal is what one signature of a 300-page document costs in this
// package: prepare, sign to B-T with handwriting and a Chinese name.
func BenchmarkSeal(b *testing.B) {
	a := newAuthority(b)
	s := a.signer(b, "Ada", ecKey(b, elliptic.P256()))
	in := read(b, "own-many-pages.pdf")
	for b.Loop() {
		doc := prepared(b, in, 1)
		req := a.request(s, "A")
		req.Level = LevelT
		if err := Sign(b.Context(), io.Discard, bytes.NewReader(doc), int64(len(doc)), req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInspect checks a 300-page upload.
func BenchmarkInspect(b *testing.B) {
	in := read(b, "own-many-pages.pdf")
	for b.Loop() {
		if _, err := Inspect(bytes.NewReader(in), int64(len(in)), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify verifies two signers at B-LTA.
func BenchmarkVerify(b *testing.B) {
	k := newKit(b)
	doc := k.two(LevelLTA)
	for b.Loop() {
		r, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: k.roots(), At: noon.Add(time.Hour)})
		if err != nil || !r.OK {
			b.Fatal(err, r.Findings)
		}
	}
}

// BenchmarkVerifyLarge verifies a signed file of 200 MB.
func BenchmarkVerifyLarge(b *testing.B) {
	k := newKit(b)
	f := newLargeFile(200 << 20)
	in := view{in: f, size: f.size()}
	w := &tailKeeper{skip: in.len()}
	if err := Prepare(w, in, in.len(), Preparation{Fields: []Field{{Name: "A"}}}); err != nil {
		b.Fatal(err)
	}
	in.tail = w.tail
	w = &tailKeeper{skip: in.len()}
	if err := Sign(b.Context(), w, in, in.len(), k.request(k.ada, "A", LevelT)); err != nil {
		b.Fatal(err)
	}
	in.tail = append(in.tail, w.tail...)
	b.SetBytes(in.len())
	for b.Loop() {
		r, err := Verify(in, in.len(), Options{Roots: k.roots(), At: noon.Add(time.Hour)})
		if err != nil || !r.OK {
			b.Fatal(err, r.Findings)
		}
	}
}
