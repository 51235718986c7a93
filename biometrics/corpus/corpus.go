// Package corpus reads the public corpora of online signatures on which the
// comparator is developed and judged. It is for measuring error rates, not for
// the service: nothing of a corpus is ever shipped.
//
// Readers are liberal in where files lie and how they are named (copies of the
// corpora differ) and strict in what a file holds: counts and sizes are bounded
// before anything is allocated, and a row that is not a sample is an error.
package corpus

import (
	"fmt"
	"sort"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Name is a corpus as the command line names it.
type Name string

// The corpora.
const (
	SVC2004Task1  Name = "svc2004-task1"  // Yeung et al. 2004: 40 people, positions and times only
	SVC2004Task2  Name = "svc2004-task2"  // the same, other people, with pressure and angles
	SVC2004Sample Name = "svc2004-sample" // the publisher's sample of five people, with pressure
	SigComp2009   Name = "sigcomp2009"    // Blankers et al. 2009, NFI part
	MCYT100       Name = "mcyt100"        // Ortega-Garcia et al. 2003: 100 people, 25 + 25
	SUSIGVisual   Name = "susig-visual"   // Kholmatov and Yanikoglu 2009, tablet with a screen
	SUSIGBlind    Name = "susig-blind"    // the same, tablet without a screen
	AndroidFinger Name = "android-finger" // finger on a telephone, five people
)

// Names lists the corpora that can be read.
func Names() []Name {
	return []Name{SVC2004Task1, SVC2004Task2, SVC2004Sample, SigComp2009, MCYT100, SUSIGVisual, SUSIGBlind, AndroidFinger}
}

// Limits of what is read.
const (
	maxFileBytes = 4 << 20
	maxFiles     = 200_000
	maxPoints    = 1 << 16
	minPoints    = 4 // fewer are not a signature
)

// Item is one signature of a corpus.
type Item struct {
	User      string // whose signature it is, or claims to be
	Number    int    // the number in User
	Genuine   bool   // false: a skilled forgery of User
	Session   int    // from 1, 0 where the corpus does not tell
	Sample    int    // order within user and label
	Forger    string // where the corpus tells
	File      string // path inside the corpus
	Signature capture.Signature
}

// User is one person with all signatures, in the order of recording.
type User struct {
	ID        string
	Number    int
	Genuine   []Item
	Forgeries []Item
}

// Corpus is what was read.
type Corpus struct {
	Name  Name
	Users []User // by Number, then ID

	Damaged []string // files that could not be read and were left out, with the reason
}

// Filter says which users to keep: those with From <= Number <= To. The zero
// value keeps all.
type Filter struct {
	From, To int
	Set      bool
}

func (f Filter) keep(n int) bool { return !f.Set || n >= f.From && n <= f.To }

// Load reads a corpus from a directory, or from a .tar, .tar.gz, .tgz or .zip
// file. A directory may hold such archives. Users who are not there are not
// missed. Single damaged files are left out and named; a corpus of which more
// than one in twenty is damaged is refused.
func Load(name Name, path string, filter Filter) (*Corpus, error) {
	format, ok := formats[name]
	if !ok {
		return nil, fmt.Errorf("corpus %q: %w", name, biometrics.ErrNotFound)
	}
	var items []Item
	var damaged []string
	var first error
	err := walk(path, format.ext, func(file string, data []byte) error {
		item, ok := format.name(file)
		if !ok || !filter.keep(item.Number) {
			return nil
		}
		sig, ok, err := format.read(data)
		if err == nil && ok && len(sig.Points) < minPoints {
			err = fmt.Errorf("%d points: %w", len(sig.Points), biometrics.ErrMalformed)
		}
		if err != nil {
			if first == nil {
				first = fmt.Errorf("%s: %w", file, err)
			}
			damaged = append(damaged, fmt.Sprintf("%s: %v", file, err))
			return nil
		}
		if !ok {
			return nil
		}
		item.File, item.Signature = file, sig
		items = append(items, item)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read corpus %s: %w", name, err)
	}
	if 20*len(damaged) > len(items) {
		return nil, fmt.Errorf("read corpus %s: %d of %d files are damaged, first %w", name, len(damaged), len(damaged)+len(items), first)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("read corpus %s: no signature in %s: %w", name, path, biometrics.ErrNotFound)
	}
	c := group(name, items)
	c.Damaged = damaged
	return c, nil
}

// group sorts items into users. The same file seen twice (a directory beside
// its own archive) counts once.
func group(name Name, items []Item) *Corpus {
	sort.SliceStable(items, func(i, j int) bool { return before(items[i], items[j]) })
	c := &Corpus{Name: name}
	for i, it := range items {
		if i > 0 && same(items[i-1], it) {
			continue
		}
		if len(c.Users) == 0 || c.Users[len(c.Users)-1].ID != it.User {
			c.Users = append(c.Users, User{ID: it.User, Number: it.Number})
		}
		u := &c.Users[len(c.Users)-1]
		if it.Genuine {
			u.Genuine = append(u.Genuine, it)
		} else {
			u.Forgeries = append(u.Forgeries, it)
		}
	}
	return c
}

func before(a, b Item) bool {
	switch {
	case a.Number != b.Number:
		return a.Number < b.Number
	case a.User != b.User:
		return a.User < b.User
	case a.Genuine != b.Genuine:
		return a.Genuine
	case a.Session != b.Session:
		return a.Session < b.Session
	case a.Sample != b.Sample:
		return a.Sample < b.Sample
	case a.Forger != b.Forger:
		return a.Forger < b.Forger
	}
	return a.File < b.File
}

func same(a, b Item) bool {
	return a.User == b.User && a.Genuine == b.Genuine && a.Session == b.Session && a.Sample == b.Sample && a.Forger == b.Forger
}
