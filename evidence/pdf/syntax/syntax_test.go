package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func parse(s string, strict bool) (Object, error) {
	p := &parser{b: []byte(s), last: true, strict: strict}
	return p.object()
}

// TestParse has the examples of ISO 32000-2, 7.3, and what writers make of it.
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Object
	}{
		{"true", true}, {"false", false}, {"null", nil},
		{"123", int64(123)}, {"+17", int64(17)}, {"-98", int64(-98)}, {"0", int64(0)},
		{"34.5", 34.5}, {"-3.62", -3.62}, {"4.", 4.0}, {"-.002", -0.002}, {"+123.6", 123.6},
		{"(This is a string)", String("This is a string")},
		{"(nested (balanced) parentheses)", String("nested (balanced) parentheses")},
		{`(a\nb\t\(\)\\\053\53\5a)`, String("a\nb\t()\\++\x05a")},
		{"(two \\\nlines)", String("two lines")},
		{"(CR\rCRLF\r\n)", String("CR\nCRLF\n")},
		{"<4E6F762073686D6F7A206B6120706F702E>", String("Nov shmoz ka pop.")},
		{"<90 1f\nA>", String("\x90\x1f\xa0")}, {"<>", String{}},
		{"/Name1", Name("Name1")}, {"/", Name("")}, {"/A#42", Name("AB")}, {"/paired#28#29", Name("paired()")}, {"/a#zz", Name("a#zz")},
		{"[549 3.14 false (Ralph) /SomeName]", Array{int64(549), 3.14, false, String("Ralph"), Name("SomeName")}},
		{"[1 2 0 R 3]", Array{int64(1), Ref{2, 0}, int64(3)}},
		{"[1 2 3 R]", Array{int64(1), Ref{2, 3}}},
		{"<</A 1/B<</C[/D]>>/E null>>", Dict{"A": int64(1), "B": Dict{"C": Array{Name("D")}}}},
		{"% comment\n 7", int64(7)},
		{"[%]\n]", Array{}},
	} {
		got, err := parse(tt.in, true)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %#v, error %v", tt.in, got, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, in := range []string{"", "(", "(a", `(\`, "<4", "<4G>", "[1", "<</A", "<</A 1>", "<<1 2>>", "tru", "1e5", "--1", "0x1", "NaN", ">", "]"} {
		if o, err := parse(in, false); err == nil {
			t.Errorf("%q: %#v", in, o)
		} else if !errors.Is(err, ErrBroken) {
			t.Errorf("%q: %v", in, err)
		}
	}
	if _, err := parse(strings.Repeat("[", 100)+strings.Repeat("]", 100), false); !errors.Is(err, ErrLimit) {
		t.Errorf("deep: %v", err)
	}
}

func TestKeyTwice(t *testing.T) {
	for in, ok := range map[string]bool{"<</A 1/A 1>>": true, "<</A 1/A 2>>": false, "<</A null/A 2>>": false, "<</A<</B 1/B 2>>>>": false} {
		if _, err := parse(in, true); (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		}
		if _, err := parse(in, false); err != nil {
			t.Errorf("%s, not strict: %v", in, err)
		}
	}
}

// TestWindows parses through windows that end anywhere.
func TestWindows(t *testing.T) {
	const in = "<</A[1 2 0 R(x\\051)<41>true]/Contents(y)/N/name#20x>> "
	want, err := parse(in, true)
	if err != nil {
		t.Fatal(err)
	}
	for n := range in {
		p := &parser{b: []byte(in[:n])}
		o, err := p.object()
		if err == nil && !reflect.DeepEqual(o, want) || err != nil && !errors.Is(err, errShort) {
			t.Errorf("%d bytes: %#v, %v", n, o, err)
		}
	}
}

// object generates objects that can be written and read.
func object(depth int) *rapid.Generator[Object] {
	leaves := []*rapid.Generator[Object]{
		rapid.Map(rapid.Bool(), func(v bool) Object { return v }),
		rapid.Map(rapid.Int64(), func(v int64) Object { return v }),
		rapid.Map(rapid.Float64(), func(v float64) Object { return v }),
		rapid.Map(rapid.IntRange(-1000, 1000), func(v int) Object { return float64(v) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(v []byte) Object { return String(v) }),
		rapid.Map(rapid.StringN(1, 8, 20), func(v string) Object { return Name(v) }),
		rapid.Map(rapid.IntRange(1, 1000), func(v int) Object { return Ref{v, v % 3} }),
	}
	if depth > 0 {
		sub := object(depth - 1)
		leaves = append(leaves,
			rapid.Map(rapid.SliceOfN(sub, 0, 4), func(v []Object) Object { return append(Array{}, v...) }),
			rapid.Map(rapid.MapOfN(rapid.StringN(1, 8, 20), sub, 0, 4), func(v map[string]Object) Object {
				d := Dict{}
				for k, o := range v {
					d[Name(k)] = o
				}
				return d
			}))
	}
	return rapid.OneOf(leaves...)
}

// TestRoundTrip writes a file of random objects, extends it, and reads it back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[Ref]Object{}
		u := NewUpdate(nil)
		for range rapid.IntRange(1, 5).Draw(t, "objects") {
			o := object(3).Draw(t, "object")
			want[u.Add(o)] = o
		}
		root := u.Add(Dict{"Type": Name("Catalog")})
		tail, err := u.Append(Dict{"Root": root})
		if err != nil {
			t.Fatal(err)
		}
		doc := tail.Bytes
		for range rapid.IntRange(0, 3).Draw(t, "updates") {
			f := openBytes(t, doc)
			u := NewUpdate(f)
			o := object(2).Draw(t, "object")
			want[u.Add(o)] = o
			again := object(2).Draw(t, "object")
			u.Set(Ref{Num: 1}, again)
			want[Ref{Num: 1}] = again
			if tail, err = u.Append(nil); err != nil {
				t.Fatal(err)
			}
			doc = append(bytes.Clone(doc), tail.Bytes...)
		}
		f := openBytes(t, doc)
		for ref, o := range want {
			if got, err := f.Get(ref); err != nil || !reflect.DeepEqual(got, o) {
				t.Fatalf("%v: %#v, want %#v, error %v", ref, got, o, err)
			}
		}
	})
}

func openBytes(t rapid.TB, b []byte) *File {
	f, err := Open(bytes.NewReader(b), int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAccount accounts for an update and refuses one byte too many.
func TestAccount(t *testing.T) {
	u := NewUpdate(nil)
	tail, err := u.Append(Dict{"Root": u.Add(Dict{})})
	if err != nil {
		t.Fatal(err)
	}
	base := tail.Bytes
	u = NewUpdate(openBytes(t, base))
	u.Add(String("new"))
	if tail, err = u.Append(nil); err != nil {
		t.Fatal(err)
	}
	doc := append(bytes.Clone(base), tail.Bytes...)
	f := openBytes(t, doc)
	rev, err := f.Account(int64(len(base)), f.Sections[0])
	if err != nil || rev.End != int64(len(doc)) || len(rev.Objects) != 1 {
		t.Fatalf("%+v, error %v", rev, err)
	}
	if _, err := f.Account(int64(len(base))-3, f.Sections[0]); !errors.Is(err, ErrBroken) {
		t.Errorf("from inside the base: %v", err)
	}
}

func TestText(t *testing.T) {
	for _, s := range []string{"", "plain", "größer", "王小明", "𝄞", "tab\t"} {
		if got := Text(s).Text(); got != s {
			t.Errorf("%q reads back as %q", s, got)
		}
	}
	if got := (String("\xEF\xBB\xBFé")).Text(); got != "é" {
		t.Errorf("UTF-8: %q", got)
	}
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.FixedZone("", 3600))
	if got := string(Date(at)); got != "D:20261123120000Z" {
		t.Error(got)
	}
}

func TestFormatReal(t *testing.T) {
	for v, want := range map[float64]string{0: "0", -0.000001: "0", 1: "1", 1.5: "1.5", -0.25: "-0.25", 1e7: "10000000", 1.0 / 3: "0.33333"} {
		if got := FormatReal(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// TestUnpredict undoes each PNG filter on rows worked out by hand.
func TestUnpredict(t *testing.T) {
	rows := []byte{
		0, 1, 2, 3, // none
		1, 1, 1, 1, // left: 1 2 3
		2, 1, 1, 1, // up: 2 3 4
		3, 1, 1, 1, // mean of left and up: 1+1, 1+(2+3)/2, 1+(3+4)/2
		4, 1, 1, 1, // Paeth: 1+2, 1+3, 1+4
	}
	got, err := unpredict(rows, Dict{"Predictor": int64(15), "Columns": int64(3)})
	want := []byte{1, 2, 3, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4, 5}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, want %v, error %v", got, want, err)
	}
	for _, bad := range []Dict{{"Predictor": int64(2)}, {"Predictor": int64(12), "Columns": int64(0)}, {"Predictor": int64(12), "Columns": int64(1) << 40}} {
		if _, err := unpredict(rows, bad); !errors.Is(err, ErrBroken) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := unpredict([]byte{9, 0, 0}, Dict{"Predictor": int64(12), "Columns": int64(1)}); !errors.Is(err, ErrBroken) {
		t.Errorf("filter 9: %v", err)
	}
}

// TestBadFiles opens damaged structure; each is refused, none guessed at.
func TestBadFiles(t *testing.T) {
	const head = "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"
	xref := func(table, trailer string) string {
		return fmt.Sprintf("%sxref\n%strailer\n%s\nstartxref\n%d\n%%%%EOF", head, table, trailer, len(head))
	}
	const one = "0 2\n0000000000 65535 f \n0000000009 00000 n \n"
	if _, err := Open(strings.NewReader(xref(one, "<</Root 1 0 R>>")), int64(len(xref(one, "<</Root 1 0 R>>"))), Limits{}); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	for name, s := range map[string]string{
		"no root":           xref(one, "<</Size 2>>"),
		"direct root":       xref(one, "<</Root<<>>>>"),
		"no trailer":        xref(one, "[]"),
		"bad entry":         xref("0 1\n0000000000 65535 x \n", "<</Root 1 0 R>>"),
		"words for numbers": xref("zero 1\n", "<</Root 1 0 R>>"),
		"too few entries":   xref("0 5\n0000000000 65535 f \n", "<</Root 1 0 R>>"),
		"Prev is a name":    xref(one, "<</Root 1 0 R/Prev/x>>"),
		"Prev outside":      xref(one, "<</Root 1 0 R/Prev 99999>>"),
		"XRefStm a name":    xref(one, "<</Root 1 0 R/XRefStm/x>>"),
		"XRefStm no stream": xref(one, "<</Root 1 0 R/XRefStm 9>>"),
		"no EOF":            strings.TrimSuffix(xref(one, "<</Root 1 0 R>>"), "%%EOF"),
		"startxref outside": head + "startxref\n99999\n%%EOF",
		"startxref at junk": head + "startxref\n2\n%%EOF",
	} {
		if _, err := Open(strings.NewReader(s), int64(len(s)), Limits{}); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	u := NewUpdate(nil)
	u.Add(Deflate(Dict{}, []byte("data")))
	tail, err := u.Append(Dict{"Root": u.Add(Dict{"A": Array{String("x"), 1.5}})})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tail.Bytes)
	f.Add([]byte("%PDF-1.5\n1 0 obj\n<</Type/XRef/Size 2/W[1 1 1]/Root 1 0 R/Length 6>>\nstream\n\x00\x00\x00\x01\x09\x00\nendstream\nendobj\nstartxref\n9\n%%EOF"))
	limits := Limits{Objects: 1000, Sections: 20, Object: 1 << 18, Stream: 1 << 18, Work: 4 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)), limits)
		if err != nil {
			return
		}
		_ = file.Unlock("")
		_ = file.Each(func(_ Ref, o Object) error {
			if st, ok := o.(*Stream); ok {
				_, _ = st.Decode()
			}
			return nil
		})
		for _, s := range file.Sections {
			_, _ = file.Account(0, s)
		}
	})
}
