package pdf

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
)

// largeFile is a PDF with one stream of many bytes that exist only when read.
type largeFile struct {
	head, foot []byte
	body       int64
}

func newLargeFile(body int64) *largeFile {
	f := &largeFile{body: body}
	var b bytes.Buffer
	offs := []int{}
	obj := func(s string) {
		offs = append(offs, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offs), s)
	}
	b.WriteString("%PDF-1.7\n")
	obj("<</Type/Catalog/Pages 2 0 R>>")
	obj("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	obj("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 4 0 R>>>>>>")
	offs = append(offs, b.Len())
	fmt.Fprintf(&b, "4 0 obj\n<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>\nstream\n", body)
	f.head = bytes.Clone(b.Bytes())
	b.Reset()
	b.WriteString("\nendstream\nendobj\n")
	at := f.body + int64(len(f.head)+b.Len())
	b.WriteString("xref\n0 5\n0000000000 65535 f \n")
	for _, o := range offs {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", at)
	f.foot = b.Bytes()
	return f
}

func (f *largeFile) size() int64 { return int64(len(f.head)+len(f.foot)) + f.body }

func (f *largeFile) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < f.size() {
		var got int
		switch in := off - int64(len(f.head)); {
		case in < 0:
			got = copy(p[n:], f.head[off:])
		case in < f.body:
			got = int(min(int64(len(p)-n), f.body-in))
			clear(p[n : n+got])
		default:
			got = copy(p[n:], f.foot[in-f.body:])
		}
		n, off = n+got, off+int64(got)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// tailKeeper counts what is written and keeps what follows the document.
type tailKeeper struct {
	skip int64
	tail []byte
}

func (k *tailKeeper) Write(p []byte) (int, error) {
	if drop := min(k.skip, int64(len(p))); drop < int64(len(p)) {
		k.tail = append(k.tail, p[drop:]...)
	}
	k.skip -= min(k.skip, int64(len(p)))
	return len(p), nil
}

// allocated returns the bytes that a run allocates in all.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestLarge prepares, signs to B-LTA and verifies a file of 200 MB. All that
// is allocated on the way stays below 32 MB, so memory does not grow with it.
func TestLarge(t *testing.T) {
	a := newAuthority(t)
	f := newLargeFile(200 << 20)
	in := view{in: f, size: f.size()}
	step := func(name string, run func(w io.Writer) error) {
		w := &tailKeeper{skip: in.len()}
		var err error
		if n := allocated(func() { err = run(w) }); err != nil || n > 32<<20 {
			t.Fatalf("%s: %d bytes allocated, error %v", name, n, err)
		}
		in.tail = append(in.tail, w.tail...)
	}
	step("inspect", func(io.Writer) error { _, err := Inspect(in, in.len(), Limits{Size: 210 << 20}); return err })
	step("prepare", func(w io.Writer) error {
		return Prepare(w, in, in.len(), Preparation{Fields: []Field{{Name: "A", Page: 1, Rect: Rect{50, 50, 100, 50}}}})
	})
	req := a.request(a.signer(t, "Ada", ecKey(t, elliptic.P256())), "A")
	req.Level, req.Appearance.Name = LevelLTA, "Ada"
	step("sign", func(w io.Writer) error { return Sign(t.Context(), w, in, in.len(), req) })
	step("verify", func(io.Writer) error {
		r, err := Verify(in, in.len(), Options{Roots: a.roots(), At: noon.Add(time.Hour)})
		if err == nil {
			wantOK(t, r, 2)
		}
		return err
	})
}

// TestTooLarge refuses an upload of 100 MB where 50 are allowed, unread.
func TestTooLarge(t *testing.T) {
	f := newLargeFile(100 << 20)
	n := allocated(func() {
		_, err := Inspect(f, f.size(), Limits{Size: 50 << 20})
		var r *Refusal
		if !errors.As(err, &r) || r.Code != TooLarge {
			t.Errorf("error %v", err)
		}
	})
	if n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// TestManySignatures has more signatures than are checked.
func TestManySignatures(t *testing.T) {
	k := newKit(t)
	doc := k.one(LevelB)
	for range maxSignatures {
		doc = k.extend(doc)
	}
	_, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: k.roots(), At: noon})
	var r *Refusal
	if !errors.As(err, &r) || r.Code != TooComplex {
		t.Errorf("error %v", err)
	}
}
