package pdf

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"inkwitness/evidence/pdf/syntax"
)

// tight bounds a run on fuzzed input: it may not take long, whatever the input.
var tight = syntax.Limits{Objects: 5000, Sections: 50, Object: 1 << 20, Stream: 1 << 20, Work: 16 << 20}

// seeds adds the files that match, but for the large ones.
func seeds(f *testing.F, patterns ...string) {
	f.Helper()
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds %s: %v", p, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < 20_000 {
				f.Add(b)
			}
		}
	}
}

// quick fails a run that takes longer than a second, twice: the first time the
// machine may have been busy.
func quick(t *testing.T, run func()) {
	for range 2 {
		from := time.Now()
		if run(); time.Since(from) < time.Second {
			return
		}
	}
	t.Error("took longer than a second")
}

func FuzzInspect(f *testing.F) {
	seeds(f, corpusDir+"/*.pdf", corpusDir+"/bad/*.pdf")
	f.Fuzz(func(t *testing.T, b []byte) {
		var info Info
		var err error
		quick(t, func() { info, err = Inspect(bytes.NewReader(b), int64(len(b)), Limits{Syntax: tight}) })
		if err != nil {
			if _, ok := err.(*Refusal); !ok {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		if len(info.Pages) == 0 {
			t.Error("accepted without pages")
		}
		// What is accepted can be prepared, or is refused with an error.
		var out bytes.Buffer
		_ = Prepare(&out, bytes.NewReader(b), int64(len(b)), Preparation{Fields: []Field{{Name: "Inkwitness"}}, Limits: tight})
	})
}

func FuzzVerify(f *testing.F) {
	seeds(f, vectorDir+"/*.pdf")
	k := newKit(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Report
		var err error
		quick(t, func() {
			r, err = Verify(bytes.NewReader(b), int64(len(b)), Options{Roots: k.roots(), At: noon, Limits: tight})
		})
		if err == nil && r.OK {
			t.Error("accepted a signature under a root that signed nothing")
		}
	})
}

// FuzzAppended appends anything to a signed document. Where that is accepted,
// what the signer saw is still the same.
func FuzzAppended(f *testing.F) {
	k := newKit(f)
	doc := k.certified(prepared(f, contract(drawing("90 0 R")...), 2), LevelT)
	for _, other := range [][]byte{k.extend(doc), k.appended(doc, nil, func(*syntax.Update, *syntax.File) {})} {
		f.Add(other[len(doc):])
	}
	for _, v := range [][]byte{k.set(doc, objPage, syntax.Dict{"Rotate": int64(90)}), k.set(doc, objText, syntax.Dict{"V": syntax.String("9")}), k.filledIn(doc, 90, forgedForm)} {
		f.Add(v[len(doc):])
	}
	want := shown(f, k.open(doc))
	f.Fuzz(func(t *testing.T, tail []byte) {
		all := append(bytes.Clone(doc), tail...)
		r, err := Verify(bytes.NewReader(all), int64(len(all)), Options{Roots: k.roots(), At: noon.Add(time.Hour), Limits: tight})
		if err != nil || !r.OK {
			return
		}
		if got := shown(t, k.open(all)); !reflect.DeepEqual(got, want) {
			t.Errorf("accepted, and shows %v instead of %v", got, want)
		}
	})
}

// shown is all that the document shows: every object of the signed revision
// that may never change, and the one that it lacks.
func shown(t testing.TB, f *syntax.File) []syntax.Object {
	t.Helper()
	var out []syntax.Object
	for _, num := range []int{objPages, objFont, objContent, objOther, objText, objOverlay, 10, 11, 90} {
		o, err := f.Get(syntax.Ref{Num: num})
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := o.(*syntax.Stream); ok {
			if o, err = st.Encoded(); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, o)
	}
	page, err := f.Dict(syntax.Ref{Num: objPage})
	if err != nil {
		t.Fatal(err)
	}
	return append(out, page["Contents"], page["Resources"], page["MediaBox"], page["Rotate"], f.Trailer["Root"])
}
