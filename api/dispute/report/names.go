package report

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"inkwitness/biometrics"
)

// names are the words for what the comparator and the record name by codes, which
// the investigator's page reads from the same files. Problems say in English what
// they say themselves.
type names struct {
	Features map[string]string `json:"features"`
	Units    map[string]string `json:"units"`
	Events   map[string]string `json:"events"` // of a case's record
	Problems map[string]string `json:"problems"`
}

//go:embed names/*.json
var nameFiles embed.FS

var namesOf = func() map[string]names {
	all := make(map[string]names, len(texts))
	for language := range texts {
		data, err := nameFiles.ReadFile("names/" + language + ".json")
		if err != nil {
			panic(err) // built in: a language without names does not start, nor pass a test
		}
		var n names
		if err := json.Unmarshal(data, &n); err != nil {
			panic(fmt.Errorf("names in %s: %w", language, err))
		}
		all[language] = n
	}
	return all
}()

func (n names) feature(f biometrics.Contribution) string {
	return strings.TrimSpace(or(n.Features[f.Feature], f.Feature) + " " + or(n.Units[f.Unit], f.Unit))
}

func (n names) problem(p biometrics.Problem) string { return or(n.Problems[p.Code], p.Text) }

func or(word, code string) string {
	if word == "" {
		return code
	}
	return word
}
