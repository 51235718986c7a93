package report

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"inkwitness/biometrics"
	"inkwitness/evidence"
)

// names are the words for what the comparator and the record name by codes, which
// the investigator's page reads from the same files. Problems say in English what
// they say themselves.
type names struct {
	Features map[string]string `json:"features"`
	Units    map[string]string `json:"units"`
	Events   map[string]string `json:"events"` // of a case's record
	Problems map[string]string `json:"problems"`
	Channels map[string]string `json:"channels"` // of the alignment; the page shows them
	reasons  reasons
}

// reasons say what a check of a deposit found, by its code.
type reasons struct {
	Holds map[string]string `json:"holds"`
	Open  map[string]string `json:"open"`
	Fails map[string]string `json:"fails"`
}

//go:embed names/*.json reasons/*.json
var files embed.FS

var namesOf = func() map[string]names {
	all := make(map[string]names, len(texts))
	for language := range texts {
		var n names
		readWords("names/"+language+".json", &n)
		readWords("reasons/"+language+".json", &n.reasons)
		all[language] = n
	}
	return all
}()

// readWords panics for what is not built in as it should be: a language without its words
// does not start, nor pass a test.
func readWords(file string, into any) {
	data, err := files.ReadFile(file)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		panic(fmt.Errorf("%s: %w", file, err))
	}
}

func (n names) feature(f biometrics.Contribution) string {
	return strings.TrimSpace(or(n.Features[f.Feature], f.Feature) + " " + or(n.Units[f.Unit], f.Unit))
}

func (n names) problem(p biometrics.Problem) string { return or(n.Problems[p.Code], p.Text) }

// reason says what a check found; below it belongs the verifier's own sentence, which is
// English and tells what exactly.
func (n names) reason(c evidence.Check) string {
	return map[evidence.Status]map[string]string{evidence.Holds: n.reasons.Holds, evidence.Unknown: n.reasons.Open, evidence.Fails: n.reasons.Fails}[c.Status][c.Code]
}

func or(word, code string) string {
	if word == "" {
		return code
	}
	return word
}
