// Package corpus reads the public corpora of online signatures on which the
// comparator is developed and judged. It is for measuring error rates, not for
// the service: nothing of a corpus is ever shipped.
//
// Readers are liberal in where files lie and how they are named (copies of the
// corpora differ) and strict in what a file holds: counts and sizes are bounded
// before anything is allocated, and a row that is not a sample is an error.
package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path"
	"sort"
	"strings"

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
	minPoints    = 4      // fewer are not a signature
	minLast      = 20_000 // us, from the first to the last point, of a clock that goes at all
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

	sum [sha256.Size]byte // of the file
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
	Missing []string // files that an index names and that are not there
}

// Filter says which users to keep: those with From <= Number <= To. The zero
// value keeps all.
type Filter struct {
	From, To int
	Set      bool
}

func (f Filter) keep(n int) bool { return !f.Set || n >= f.From && n <= f.To }

// Load reads a corpus from a directory, or from a .tar, .tar.gz, .tgz, .tar.bz2
// or .zip file. Directories and archives may hold further archives. An index beside or in it (see
// findIndex) says whose a file is; without one the names of the original
// distribution do. Users who are not there are not missed. Single damaged files
// are left out and named; a corpus of which more than one in twenty is damaged is
// refused.
func Load(name Name, path string, filter Filter) (*Corpus, error) {
	format, ok := formats[name]
	if !ok {
		return nil, fmt.Errorf("corpus %q: want one of %v: %w", name, Names(), biometrics.ErrNotFound)
	}
	x, err := findIndex(path)
	if err != nil {
		return nil, fmt.Errorf("read corpus %s: %w", name, err)
	}
	l := loader{format: format, filter: filter, index: x}
	w := walker{want: l.want, do: l.file}
	if err := w.walk(path); err != nil {
		return nil, fmt.Errorf("read corpus %s: %w", name, err)
	}
	if 20*len(l.damaged) > len(l.items) {
		return nil, fmt.Errorf("read corpus %s: %d of %d files are damaged, first %w", name, len(l.damaged), len(l.damaged)+len(l.items), l.first)
	}
	if len(l.items) == 0 {
		return nil, fmt.Errorf("read corpus %s: %s: %w", name, l.nothing(path, w.n), biometrics.ErrNotFound)
	}
	level(l.items)
	c := group(name, l.items)
	c.Damaged, c.Missing = l.damaged, l.missing()
	return c, nil
}

// loader collects the items of one corpus.
type loader struct {
	format  format
	filter  Filter
	index   *index
	items   []Item
	damaged []string
	first   error    // of damaged
	named   int      // files that fit by name, of whatever user
	strange []string // a few that had the ending and did not fit
}

func (l *loader) want(file string) bool {
	return !isIndex(file) && (hasExt(file, l.format.ext) || l.index.find(file) != nil)
}

func (l *loader) file(file string, data []byte) error {
	r := l.index.find(file)
	item, ok := l.format.name(file)
	if r != nil {
		r.found = true
		// An index that speaks of several corpora must not give one of them
		// the files of another: the names decide where they can.
		if !ok && elsewhere(file) {
			l.stray(file)
			return nil
		}
		r.fill(&item)
		ok = true
	}
	if !ok {
		l.stray(file)
		return nil
	}
	l.named++
	if !l.filter.keep(item.Number) {
		return nil
	}
	sum := sha256.Sum256(data)
	sig, ok, err := l.format.read(data)
	switch {
	case err == nil && !ok:
		return nil // of another corpus that looks alike
	case err == nil && len(sig.Points) < minPoints:
		err = fmt.Errorf("%d points: %w", len(sig.Points), biometrics.ErrMalformed)
	case err == nil && tooShort(sig):
		err = fmt.Errorf("the whole signature lasts less than %d ms: %w", minLast/1000, biometrics.ErrMalformed)
	case err == nil && r != nil && r.sum != "" && !strings.HasPrefix(hex.EncodeToString(sum[:]), r.sum):
		err = fmt.Errorf("the file is not the one of the index, whose SHA-256 starts with %s: %w", r.sum, biometrics.ErrMalformed)
	}
	if err != nil {
		if l.first == nil {
			l.first = fmt.Errorf("%s: %w", file, err)
		}
		l.damaged = append(l.damaged, fmt.Sprintf("%s: %v", file, err))
		return nil
	}
	item.File, item.Signature, item.sum = file, sig, sum
	l.items = append(l.items, item)
	return nil
}

// stray remembers a few files that do not fit, for the error where none does.
func (l *loader) stray(file string) {
	if len(l.strange) < 3 {
		l.strange = append(l.strange, file)
	}
}

func tooShort(s capture.Signature) bool {
	last := s.Points[len(s.Points)-1].Time - s.Points[0].Time
	return last > 0 && last < minLast
}

// elsewhere is true for a file that some corpus takes by its name.
func elsewhere(file string) bool {
	for _, f := range formats {
		if _, ok := f.name(file); ok {
			return true
		}
	}
	return false
}

// nothing says why there is nothing, so that a wrong path, a wrong corpus and a
// strange layout can be told apart.
func (l *loader) nothing(path string, seen int) string {
	switch {
	case l.named > 0 && l.filter.Set:
		return fmt.Sprintf("%s has %d files of that kind, none of the users %d to %d", path, l.named, l.filter.From, l.filter.To)
	case len(l.strange) > 0:
		return fmt.Sprintf("no file of %s is named as in the distribution; expected %s; found %s", path, l.format.expect, strings.Join(l.strange, ", "))
	case l.named > 0:
		return fmt.Sprintf("%s has %d files of that name but none with the right columns; expected %s", path, l.named, l.format.expect)
	}
	return fmt.Sprintf("none of the %d files in %s ends in %s; expected %s", seen, path, strings.Join(l.format.ext, ", "), l.format.expect)
}

// missing lists the files that the index names, with an ending of this corpus,
// and that are not there.
func (l *loader) missing() []string {
	var out []string
	for _, r := range l.index.rows {
		if !r.found && hasExt(r.file, l.format.ext) && l.filter.keep(userNumber(r.user)) {
			out = append(out, r.file)
		}
	}
	return out
}

// level puts the pressure of all signatures on one scale, where the reader had
// to guess the device's range from a single file. A few files with no pressure in
// them are of a device that measures it, if most others have it.
func level(items []Item) {
	most, with := 0, 0
	for _, it := range items {
		most = max(most, it.Signature.Device.PressureLevels)
		if it.Signature.Device.HasPressure {
			with++
		}
	}
	for i := range items {
		s := &items[i].Signature
		if !s.Device.HasPressure && 2*with > len(items) {
			s.Device.HasPressure, s.Device.PressureLevels = true, most
		}
		if s.Device.PressureLevels < 2 || s.Device.PressureLevels == most {
			continue
		}
		scale := float64(s.Device.PressureLevels-1) / float64(most-1)
		for j := range s.Points {
			s.Points[j].Pressure = uint16(math.Round(float64(s.Points[j].Pressure) * scale))
		}
		s.Device.PressureLevels = most
	}
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

// same is true for two copies of one file: of the same name and content.
func same(a, b Item) bool {
	return a.User == b.User && a.Genuine == b.Genuine && a.sum == b.sum && path.Base(a.File) == path.Base(b.File)
}
