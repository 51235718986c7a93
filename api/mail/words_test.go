package mail

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkwitness/api"
)

// declaredKinds reads the kinds of notices out of the source of package api, so
// that a new one without words fails here.
func declaredKinds(t *testing.T) (kinds []api.NoticeKind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../records.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "NoticeKind" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, api.NoticeKind(value))
		}
		return true
	})
	return kinds
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func TestEveryNoticeHasWordsInEveryLanguage(t *testing.T) {
	kinds := declaredKinds(t)
	if len(kinds) < 10 || len(kinds) != len(letters) {
		t.Errorf("%d kinds, %d letters", len(kinds), len(letters))
	}
	for _, kind := range kinds {
		l, ok := letters[kind]
		if !ok {
			t.Errorf("%s has no words", kind)
			continue
		}
		var want []string
		for _, v := range l.values {
			want = append(want, "{"+v+"}")
		}
		if l.link {
			want = append(want, "{link}")
		}
		slices.Sort(want)
		seen := map[string]bool{}
		for _, language := range api.Languages() {
			w := l.in(language)
			if w.subject == "" || w.body == "" || seen[w.subject] && language != "zh-Hans" {
				t.Errorf("%s in %s: subject %q", kind, language, w.subject)
			}
			seen[w.subject] = true
			got := placeholder.FindAllString(w.subject+w.body, -1)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s in %s uses %v, want %v", kind, language, got, want)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	values := map[string]string{"sender": "Eve\r\nBcc: all@example.org http://evil.example " + strings.Repeat("x", 200)}
	_, text, err := write(api.NoticeInvitation, "en", "https://ink.example/x", values)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(text, "\n")
	if strings.Contains(first, "://") || len(first) > 160 || !strings.Contains(first, "Bcc: all@example.org") {
		t.Errorf("%q", first)
	}
	for name, call := range map[string]func() error{
		"unknown kind":  func() error { _, _, err := write("x", "en", "", nil); return err },
		"missing value": func() error { _, _, err := write(api.NoticeInvitation, "en", "l", nil); return err },
		"missing link":  func() error { _, _, err := write(api.NoticeInvitation, "en", "", values); return err },
		"needless link": func() error { _, _, err := write(api.NoticeCancelled, "en", "l", values); return err },
	} {
		if call() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, text, err = write(api.NoticeReset, "tlh", "l", nil); err != nil || !strings.HasPrefix(text, "Set a new password") {
		t.Errorf("unknown language: %q %v", text, err)
	}
}
