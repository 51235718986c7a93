package evaluate

import (
	"path/filepath"

	"inkwitness/biometrics/corpus"
)

// Source is where a corpus lies in the directory of development corpora.
type Source struct {
	Name     corpus.Name
	Dir      string
	Pressure bool
}

// Load reads the corpus.
func (s Source) Load(dir string) (*corpus.Corpus, error) {
	return corpus.Load(s.Name, filepath.Join(dir, s.Dir), corpus.Filter{})
}

// TrainingSources are the corpora with enough people to fit on. The finger set
// is too small (five people) and has no place here.
func TrainingSources() []Source {
	return []Source{
		{corpus.SVC2004Task1, "svc2004", false},
		{corpus.SVC2004Task2, "svc2004", true},
		{corpus.SVC2004Sample, "svc2004", true},
		{corpus.SigComp2009, "sigcomp2009", true},
	}
}
