package dispute

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/api"
	"inkwitness/evidence"
)

// describe checks and sets the words and the end of a case.
func (c *Case) describe(now time.Time, w Words, keepUntil time.Time) error {
	w.Reference, w.Question, w.Parties = strings.TrimSpace(w.Reference), strings.TrimSpace(w.Question), strings.TrimSpace(w.Parties)
	switch {
	case w.Reference == "" || utf8.RuneCountInString(w.Reference) > 100:
		return api.Explain(api.ErrInvalid, "Give the case a number or name of 1 to 100 characters.")
	case utf8.RuneCountInString(w.Question) < 3 || utf8.RuneCountInString(w.Question) > 2000:
		return api.Explain(api.ErrInvalid, "Write down the question that was put to you, in at most 2,000 characters.")
	case utf8.RuneCountInString(w.Parties) > 10_000:
		return api.Explain(api.ErrInvalid, "What the parties say is longer than 10,000 characters.")
	}
	if keepUntil.IsZero() {
		keepUntil = now.AddDate(KeepYears, 0, 0)
	}
	if !keepUntil.After(now) || keepUntil.After(now.AddDate(MostYears, 0, 1)) {
		return api.Explain(api.ErrInvalid, "The case must end in the future, within %d years.", MostYears)
	}
	c.Words, c.KeepUntil, c.Changed = w, keepUntil.UTC(), now
	for i := range c.Items { // what was brought along ends with the case
		for _, o := range c.Items[i].stored() {
			o.DeleteAfter = c.KeepUntil
		}
	}
	return nil
}

// Objects are everything that the case refers to in the vault, each once.
func (c *Case) Objects() (all []evidence.Object) {
	seen := map[string]bool{}
	for i := range c.Items {
		for _, o := range c.Items[i].stored() {
			if !seen[o.Key] {
				seen[o.Key] = true
				all = append(all, *o)
			}
		}
	}
	return all
}

// stored are the objects of a signature that was brought along.
func (i *Item) stored() (all []*evidence.Object) {
	for _, o := range []*evidence.Object{i.Source, i.Samples, i.Video} {
		if o != nil {
			all = append(all, o)
		}
	}
	return all
}

// Item finds a signature of the case.
func (c *Case) Item(id string) (*Item, error) {
	for i := range c.Items {
		if c.Items[i].ID == id {
			return &c.Items[i], nil
		}
	}
	return nil, api.Explain(api.ErrNotFound, "The case has no such signature.")
}

// add takes a signature in, with a label of its own.
func (c *Case) add(now time.Time, i Item) error {
	if len(c.Items) >= MaxItems {
		return api.Explain(api.ErrInvalid, "A case holds at most %d signatures. Remove one first.", MaxItems)
	}
	if i.Label == "" {
		i.Label = c.nextLabel(i.Part)
	}
	i.Added = now
	c.Items, c.Changed = append(c.Items, i), now
	return nil
}

// nextLabel numbers questioned signatures Q1, Q2 and references K1, K2, as
// examiners do (K for known).
func (c *Case) nextLabel(p Part) string {
	letter := "K"
	if p == Questioned {
		letter = "Q"
	}
	for n := 1; ; n++ {
		label := letter + itoa(n)
		if !slices.ContainsFunc(c.Items, func(i Item) bool { return i.Label == label }) {
			return label
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// edit changes what the investigator says of a signature.
func (c *Case) edit(now time.Time, id string, part Part, label, note string) error {
	i, err := c.Item(id)
	if err != nil {
		return err
	}
	label = strings.TrimSpace(label)
	if label == "" || utf8.RuneCountInString(label) > 40 || utf8.RuneCountInString(note) > 2000 || part != Questioned && part != Reference {
		return api.Explain(api.ErrInvalid, "A signature needs a label of 1 to 40 characters and is questioned or a reference.")
	}
	i.Part, i.Label, i.Note, c.Changed = part, label, note, now
	return nil
}

// remove takes a signature out, with its notes. Comparisons that used it stay.
func (c *Case) remove(now time.Time, id string) (Item, error) {
	i, err := c.Item(id)
	if err != nil {
		return Item{}, err
	}
	gone := *i
	c.Items = slices.DeleteFunc(c.Items, func(one Item) bool { return one.ID == id })
	c.Notes = slices.DeleteFunc(c.Notes, func(n Note) bool { return n.Item == id })
	c.Changed = now
	return gone, nil
}

// addNote takes a remark in. One at a time: what is written in two windows stays.
func (c *Case) addNote(now time.Time, n Note) error {
	if len(c.Notes) >= MaxNotes {
		return api.Explain(api.ErrInvalid, "A case holds at most %d notes.", MaxNotes)
	}
	if n.Text = strings.TrimSpace(n.Text); n.Text == "" || utf8.RuneCountInString(n.Text) > 1000 {
		return api.Explain(api.ErrInvalid, "A note has 1 to 1,000 characters.")
	}
	n.ID, n.At = api.NewID(), now
	c.Notes, c.Changed = append(c.Notes, n), now
	return nil
}

// removeNote takes a remark out and returns it.
func (c *Case) removeNote(now time.Time, id string) (Note, error) {
	i := slices.IndexFunc(c.Notes, func(n Note) bool { return n.ID == id })
	if i < 0 {
		return Note{}, api.Explain(api.ErrNotFound, "The case has no such note, or it was removed already.")
	}
	gone := c.Notes[i]
	c.Notes, c.Changed = slices.Delete(c.Notes, i, i+1), now
	return gone, nil
}

// ran adds a comparison. Alignment paths are left out: they are made again from
// the samples whenever somebody looks at them.
func (c *Case) ran(r Run) {
	for i := range r.Results {
		if k := r.Results[i].Comparison; k != nil && k.Explanation != nil {
			k.Explanation.Path = nil
		}
	}
	c.Runs = append(c.Runs, r)
	if len(c.Runs) > MaxRuns {
		c.Runs = c.Runs[len(c.Runs)-MaxRuns:]
	}
	c.Changed = r.At
}
