package pdf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"inkwitness/evidence/pdf/syntax"
)

func start(t testing.TB, doc []byte, req Request) *Draft {
	t.Helper()
	d, err := Start(bytes.NewReader(doc), int64(len(doc)), req)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDraft signs in two steps, with the draft stored in between, twice.
func TestDraft(t *testing.T) {
	k := newKit(t)
	doc := k.empty()
	d := start(t, doc, k.request(k.ada, "A", LevelT))
	stored, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var out [2][]byte
	for i := range out {
		var again Draft
		if err := json.Unmarshal(stored, &again); err != nil {
			t.Fatal(err)
		}
		out[i] = k.finishDraft(t, &again, doc)
		wantOK(t, verify(t, out[i], k.authority), 1)
	}
	from, to := len(doc)+d.Hole[0], len(doc)+d.Hole[1]
	if !bytes.Equal(out[0][:from], out[1][:from]) || !bytes.Equal(out[0][to:], out[1][to:]) {
		t.Error("the two documents differ outside the signature value")
	}
	if again := start(t, doc, k.request(k.ada, "A", LevelT)); !bytes.Equal(again.Tail, d.Tail) || !bytes.Equal(again.Attributes, d.Attributes) {
		t.Error("starting twice gives two drafts")
	}
}

func (k *kit) finishDraft(t testing.TB, d *Draft, doc []byte) []byte {
	t.Helper()
	input, opts, err := d.ToSign()
	if err != nil {
		t.Fatal(err)
	}
	value, err := k.ada.Sign(t.Context(), input, opts)
	if err != nil {
		t.Fatal(err)
	}
	message, err := d.CMS(t.Context(), value, k)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := d.Finish(&out, bytes.NewReader(doc), int64(len(doc)), message); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDraftRefuses(t *testing.T) {
	k := newKit(t)
	doc := k.empty()
	d := start(t, doc, k.request(k.ada, "A", LevelB))
	input, opts, err := d.ToSign()
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := k.bob.Sign(t.Context(), input, opts)
	if _, err := d.CMS(t.Context(), foreign, nil); err == nil {
		t.Error("took the signature of another key")
	}
	value, _ := k.ada.Sign(t.Context(), input, opts)
	message, err := d.CMS(t.Context(), value, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range [][]byte{flip(doc, 300), doc[:len(doc)-1], append(bytes.Clone(doc), '\n')} {
		if err := d.Finish(io.Discard, bytes.NewReader(other), int64(len(other)), message); !errors.Is(err, ErrChanged) {
			t.Errorf("another document: %v", err)
		}
	}
	if err := d.Finish(io.Discard, bytes.NewReader(doc), int64(len(doc)), make([]byte, 2601)); !errors.Is(err, ErrReserve) {
		t.Errorf("too long a signature: %v", err)
	}
}

// TestRefusals goes through the errors of the writing half.
func TestRefusals(t *testing.T) {
	k := newKit(t)
	empty, one := k.empty(), k.one(LevelB)
	locked := prepare(t, contract(), Field{Name: "A", Page: 1, Rect: Rect{10, 20, 80, 50}, Lock: &Lock{Action: LockAll}},
		Field{Name: "B", Page: 1, Rect: Rect{100, 20, 80, 50}})
	locked = sign(t, locked, k.request(k.ada, "A", LevelB))
	req := func(field string, change func(*Request)) Request {
		r := k.request(k.bob, field, LevelB)
		if change != nil {
			change(&r)
		}
		return r
	}
	for _, tt := range []struct {
		name string
		doc  []byte
		req  Request
		want error
	}{
		{"no such field", empty, req("Z", nil), ErrNoField},
		{"a text field", empty, req("amount", nil), ErrNoField},
		{"signed twice", one, req("A", nil), ErrFilled},
		{"certify second", one, req("B", func(r *Request) { r.Certify = true }), ErrForbidden},
		{"locked", locked, req("B", nil), ErrForbidden},
		{"no time", empty, req("A", func(r *Request) { r.Time = time.Time{} }), ErrArgument},
		{"no certificate", empty, req("A", func(r *Request) { r.Signer = signer{} }), ErrArgument},
		{"no timestamper", empty, req("A", func(r *Request) { r.Level, r.Timestamper = LevelT, nil }), ErrArgument},
		{"reserve", empty, req("A", func(r *Request) { r.Reserve = 100 }), ErrReserve},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := Sign(t.Context(), io.Discard, bytes.NewReader(tt.doc), int64(len(tt.doc)), tt.req); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
	for _, f := range []Field{{Name: ""}, {Name: "a.b"}, {Name: "amount"}, {Name: "x", Page: 2, Rect: Rect{0, 0, 50, 50}},
		{Name: "x", Page: 1, Rect: Rect{380, 0, 50, 50}}, {Name: "x", Page: 1, Rect: Rect{0, 0, 50, 1}}} {
		doc := contract()
		if err := Prepare(io.Discard, bytes.NewReader(doc), int64(len(doc)), Preparation{Fields: []Field{f}}); !errors.Is(err, ErrArgument) {
			t.Errorf("field %+v: %v", f, err)
		}
	}
	if err := Prepare(io.Discard, bytes.NewReader(one), int64(len(one)), Preparation{Fields: []Field{{Name: "x"}}}); !errors.Is(err, ErrSigned) {
		t.Errorf("fields on a signed document: %v", err)
	}
	if err := Extend(t.Context(), io.Discard, bytes.NewReader(one), int64(len(one)), Extension{Level: LevelT}); !errors.Is(err, ErrArgument) {
		t.Errorf("extending to B-T: %v", err)
	}
}

var errOut = errors.New("out of order")

// failing fails on its n-th call.
type failing struct{ left int }

func (f *failing) step() error {
	if f.left--; f.left < 0 {
		return errOut
	}
	return nil
}

func (f *failing) Write(p []byte) (int, error) { return len(p), f.step() }

type failingStamper struct {
	*failing
	Timestamper
}

func (f failingStamper) Timestamp(ctx context.Context, h crypto.Hash, d []byte) ([]byte, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return f.Timestamper.Timestamp(ctx, h, d)
}

type failingReader struct {
	*failing
	io.ReaderAt
}

func (f failingReader) ReadAt(p []byte, off int64) (int, error) {
	if err := f.step(); err != nil {
		return 0, err
	}
	return f.ReaderAt.ReadAt(p, off)
}

// TestEveryCallFails makes each read, write and timestamp fail in turn: Sign
// reports it and never calls a half-written document done.
func TestEveryCallFails(t *testing.T) {
	k := newKit(t)
	doc := k.empty()
	req := k.request(k.ada, "A", LevelLTA)
	run := func(in io.ReaderAt, w io.Writer, ts Timestamper) error {
		r := req
		r.Timestamper = ts
		return Sign(t.Context(), w, in, int64(len(doc)), r)
	}
	for _, tt := range []struct {
		name string
		run  func(f *failing) error
	}{
		{"read", func(f *failing) error { return run(failingReader{f, bytes.NewReader(doc)}, io.Discard, k) }},
		{"write", func(f *failing) error { return run(bytes.NewReader(doc), f, k) }},
		{"timestamp", func(f *failing) error { return run(bytes.NewReader(doc), io.Discard, failingStamper{f, k}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 0; ; n++ {
				err := tt.run(&failing{n})
				if err == nil {
					if n == 0 {
						t.Error("no call was made")
					}
					return
				}
				if tt.name != "read" && !errors.Is(err, errOut) {
					t.Fatalf("call %d: %v", n, err)
				}
			}
		})
	}
}

// TestFlipAnywhere flips a random bit of a document with two signatures. It is
// found, or it is in what no signature can cover: the last signature's own
// message, which carries for instance a copy of the root. Then nothing that is
// reported may differ.
func TestFlipAnywhere(t *testing.T) {
	k := newKit(t)
	doc := k.two(LevelT)
	d, err := openDoc(k.open(doc), 100)
	if err != nil {
		t.Fatal(err)
	}
	last, _ := d.field("B")
	e, _ := d.f.Entry(last.value.(syntax.Ref).Num)
	_, _, place, err := d.f.At(e.Offset)
	if err != nil {
		t.Fatal(err)
	}
	want := verify(t, doc, k.authority)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(doc)-1).Draw(t, "byte")
		bad := flipBit(doc, at, 1<<rapid.IntRange(0, 7).Draw(t, "bit"))
		r, err := Verify(bytes.NewReader(bad), int64(len(bad)), Options{Roots: k.roots(), At: noon.Add(time.Hour)})
		if err != nil || !r.OK {
			return
		}
		if int64(at) <= place.Contents[0] || int64(at) >= place.Contents[1] {
			t.Fatalf("a bit of byte %d went unseen", at)
		}
		if !reflect.DeepEqual(r, want) {
			t.Fatalf("a bit of byte %d changed the report", at)
		}
	})
}

// TestEveryRotation draws on every page of the rotated document; what is seen
// is where the field was placed, upright.
func TestEveryRotation(t *testing.T) {
	a := newAuthority(t)
	in := read(t, "own-rotated.pdf")
	for p := range 4 {
		doc := prepare(t, in, Field{Name: "A", Page: p + 1, Rect: Rect{X: 60, Y: 40, W: 120, H: 80}})
		req := a.request(a.signer(t, "Ada", ecKey(t, elliptic.P256())), "A")
		// An L: down the left side, then along the foot.
		req.Appearance = Appearance{Strokes: [][]Point{{{X: 0, Y: 0, Pressure: 1}, {X: 0, Y: 78, Pressure: 1}, {X: 118, Y: 78, Pressure: 1}}}}
		signed := sign(t, doc, req)
		checkL(t, p+1, in, signed, save(t, "rotated.pdf", signed), save(t, "plain.pdf", in))
	}
}
