package pdf

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const corpusDir = "../../testdata/pdf"

type good struct {
	name  string
	pages int
}

// corpus reads the tables of testdata/pdf/README.md.
func corpus(t testing.TB) (goods []good, bads map[string]Code) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpusDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	bads = map[string]Code{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([\w.-]+\.pdf) \| ([^|]+) \| ([^|]*) \|`).FindAllStringSubmatch(string(b), -1) {
		if n, err := strconv.Atoi(m[3]); err == nil {
			goods = append(goods, good{m[1], n})
		} else {
			bads[m[1]] = Code(m[2])
		}
	}
	return goods, bads
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpusDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCorpusComplete compares the tables with the folders.
func TestCorpusComplete(t *testing.T) {
	goods, bads := corpus(t)
	var have []string
	for _, g := range goods {
		have = append(have, g.name)
	}
	for n := range bads {
		have = append(have, "bad/"+n)
	}
	slices.Sort(have)
	var want []string
	for _, pattern := range []string{"*.pdf", "bad/*.pdf"} {
		files, err := filepath.Glob(filepath.Join(corpusDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			rel, _ := filepath.Rel(corpusDir, f)
			want = append(want, rel)
		}
	}
	slices.Sort(want)
	if !slices.Equal(have, want) || len(goods) < 20 {
		t.Errorf("README.md lists\n%v\nthe folder has\n%v", have, want)
	}
}

func TestInspectGood(t *testing.T) {
	goods, _ := corpus(t)
	for _, g := range goods {
		t.Run(g.name, func(t *testing.T) {
			b := read(t, g.name)
			info, err := Inspect(bytes.NewReader(b), int64(len(b)), Limits{})
			if err != nil || len(info.Pages) != g.pages {
				t.Fatalf("%d pages, error %v (%v)", len(info.Pages), err, errors.Unwrap(err))
			}
		})
	}
}

func TestInspectBad(t *testing.T) {
	_, bads := corpus(t)
	for name, want := range bads {
		t.Run(name, func(t *testing.T) {
			b := read(t, "bad/"+name)
			_, err := Inspect(bytes.NewReader(b), int64(len(b)), Limits{})
			var r *Refusal
			if !errors.As(err, &r) || r.Code != want {
				t.Fatalf("error %v (%v), want %s", err, errors.Unwrap(err), want)
			}
			if r.Sentence == "" || !strings.HasSuffix(r.Sentence, ".") {
				t.Errorf("sentence %q", r.Sentence)
			}
		})
	}
}

// TestInspectLimits makes each limit be reached.
func TestInspectLimits(t *testing.T) {
	b := read(t, "own-many-pages.pdf")
	for _, tt := range []struct {
		name   string
		limits Limits
		want   Code
	}{
		{"size", Limits{Size: 1000}, TooLarge},
		{"pages", Limits{Pages: 299}, TooManyPages},
		{"objects", Limits{Syntax: limitsOf(func(l *syntaxLimits) { l.Objects = 100 })}, TooComplex},
		{"object", Limits{Syntax: limitsOf(func(l *syntaxLimits) { l.Object = 100 })}, TooComplex},
		{"work", Limits{Syntax: limitsOf(func(l *syntaxLimits) { l.Work = 20_000 })}, TooComplex},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Inspect(bytes.NewReader(b), int64(len(b)), tt.limits)
			var r *Refusal
			if !errors.As(err, &r) || r.Code != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestInspectPages compares sizes and rotations with the page boxes that
// testdata/pdf/own.go writes.
func TestInspectPages(t *testing.T) {
	for _, tt := range []struct {
		name string
		want []PageBox
	}{
		{"own-rotated.pdf", []PageBox{{500, 700, 0}, {700, 500, 90}, {500, 700, 180}, {400, 300, 270}}},
		{"own-userunit.pdf", []PageBox{{450, 300, 90}}},
		{"own-indirect.pdf", []PageBox{{842.5, 595, 270}}},
	} {
		b := read(t, tt.name)
		info, err := Inspect(bytes.NewReader(b), int64(len(b)), Limits{})
		if err != nil || !slices.Equal(info.Pages, tt.want) {
			t.Errorf("%s: %v, error %v", tt.name, info.Pages, err)
		}
	}
}

func TestInspectFields(t *testing.T) {
	a := newAuthority(t)
	doc := prepared(t, read(t, "own-form.pdf"), 1)
	doc = sign(t, doc, a.request(a.signer(t, "Ada", edKey(t)), "A"))
	info, err := Inspect(bytes.NewReader(doc), int64(len(doc)), Limits{Signed: true})
	want := []FieldInfo{{"name", "Tx", false}, {"agree", "Btn", false}, {"theirs", "Sig", false}, {"A", "Sig", true}}
	if err != nil || !slices.Equal(info.Fields, want) || info.Signatures != 1 || info.Revisions != 3 {
		t.Errorf("%+v, error %v", info, err)
	}
}
