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

var (
	latin   = regexp.MustCompile(`[A-Za-z]+`)
	english = regexp.MustCompile(`(?i)\b(the|you|your|was|were|been|this|that|with|from|have|has|and|for|will|not|asks|here|link|password|somebody|nobody)\b`)
	twin    = regexp.MustCompile(`[個簽請這為與無認證經將後並學時間連結號碼開關變電話錄證據爭議導覽裝]`)
	plain   = regexp.MustCompile(`[个签请这为与无认经将后并时间连结号码开关变电话录据争议发邮装]`)
)

// Every mail as it goes out: no placeholder is left, no English in French, no
// foreign word in Chinese, and neither Chinese is written in the other's characters.
func TestEveryMailIsInItsLanguage(t *testing.T) {
	for kind, l := range letters {
		values := map[string]string{}
		for _, v := range l.values {
			values[v] = "17"
		}
		link := ""
		if l.link {
			link = "https://17/"
		}
		for _, language := range api.Languages() {
			subject, text, err := write(kind, language, link, values)
			if err != nil {
				t.Errorf("%s in %s: %v", kind, language, err)
				continue
			}
			all := strings.ReplaceAll(strings.ReplaceAll(subject+"\n"+text, link, ""), "Inkwitness", "")
			if strings.ContainsAny(all, "{}") || link != "" && !strings.Contains(text, "\n"+link+"\n") {
				t.Errorf("%s in %s: a placeholder is left, or the link has no line of its own: %q", kind, language, text)
			}
			switch language {
			case "fr":
				if found := english.FindAllString(all, -1); len(found) > 0 {
					t.Errorf("%s in French says %q", kind, found)
				}
			case "zh-Hant", "zh-Hans":
				if found := latin.FindAllString(all, -1); len(found) > 0 {
					t.Errorf("%s in %s says %q", kind, language, found)
				}
			}
			if language == "zh-Hans" && only(twin, plain).MatchString(all) {
				t.Errorf("%s in simplified Chinese has traditional characters: %q", kind, only(twin, plain).FindAllString(all, -1))
			}
			if language == "zh-Hant" && only(plain, twin).MatchString(all) {
				t.Errorf("%s in traditional Chinese has simplified characters: %q", kind, only(plain, twin).FindAllString(all, -1))
			}
		}
	}
}

// only is the class of a less what b has too: characters that both Chineses use.
func only(a, b *regexp.Regexp) *regexp.Regexp {
	var of strings.Builder
	for _, r := range strings.Trim(a.String(), "[]") {
		if !strings.ContainsRune(b.String(), r) {
			of.WriteRune(r)
		}
	}
	return regexp.MustCompile("[" + of.String() + "]")
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
