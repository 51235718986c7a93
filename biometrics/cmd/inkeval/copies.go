package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"inkwitness/biometrics"
	"inkwitness/biometrics/corpus"
	"inkwitness/biometrics/replay"
	"inkwitness/capture"
)

type copiesCmd struct {
	Path   string `arg:"" type:"existingpath" help:"Directory of signature files, or a corpus with --corpus."`
	Of     string `type:"existingfile" help:"Look only for copies of this signature."`
	Corpus string `help:"Read the path as this corpus, see inkeval run --help."`
	Near   int    `default:"1" help:"Nearest signatures to name for each, copies or not, up to 100; more than 1 prints all of them."`
	JSON   bool   `name:"json" help:"Print JSON."`
	Quiet  bool   `short:"q" help:"No progress."`
}

// Help is what --help adds to the flags.
func (copiesCmd) Help() string {
	return `Finds signatures that were recorded once and kept or sent again: moved, scaled, slowed, sampled anew, with a little noise. Nobody
signs twice that alike. It says nothing of who signed.

Examples:
  inkeval copies exported-signatures/
  inkeval copies exported-signatures/ --of questioned.inkml --near 5
  inkeval copies corpora/svc2004/task1.tar.gz --corpus svc2004-task1`
}

// near is one signature beside another.
type near struct {
	File     string  `json:"file"`
	Other    string  `json:"other"`
	Distance float64 `json:"distance"`
	Copy     bool    `json:"copy"`
}

func (c *copiesCmd) Run(ctx context.Context) error {
	if c.Near < 1 || c.Near > 100 {
		return fmt.Errorf("%d nearest: want 1 to 100", c.Near)
	}
	var index replay.Index
	var names []string
	var prints []replay.Print
	err := c.each(func(name string, s capture.Signature) error {
		p, err := replay.Of(s)
		if errors.Is(err, biometrics.ErrMalformed) {
			fmt.Fprintf(stderr, "left out: %s: %v\n", name, err)
			return nil
		}
		if err != nil {
			return err
		}
		index.Add(p)
		names, prints = append(names, name), append(prints, p)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	var found []near
	search := func(name string, p replay.Print, own int) error {
		hits, err := index.Search(ctx, p, c.Near+1)
		if err != nil {
			return err
		}
		if own >= 0 {
			hits = slices.DeleteFunc(hits, func(h replay.Hit) bool { return h.Index == own })
		}
		for _, h := range hits[:min(c.Near, len(hits))] {
			if h.Copy && (own < 0 || own < h.Index || c.Near > 1) || c.Near > 1 || own < 0 {
				found = append(found, near{name, names[h.Index], h.Distance, h.Copy})
			}
		}
		return nil
	}
	if c.Of != "" {
		s, err := readSignature(c.Of)
		if err != nil {
			return err
		}
		p, err := replay.Of(s)
		if err != nil {
			return err
		}
		if err := search(filepath.Base(c.Of), p, -1); err != nil {
			return err
		}
	} else {
		show := progress(c.Quiet, "searched")
		for i, p := range prints {
			if err := search(names[i], p, i); err != nil {
				return err
			}
			if show != nil && (i%1000 == 999 || i == len(prints)-1) {
				show(i+1, len(prints))
			}
		}
	}
	return c.print(found, len(names))
}

func (c *copiesCmd) print(found []near, n int) error {
	if c.JSON {
		if found == nil {
			found = []near{}
		}
		return json.NewEncoder(stdout).Encode(found)
	}
	copies := 0
	for _, f := range found {
		verdict := ""
		if f.Copy {
			verdict, copies = "  copy", copies+1
		}
		fmt.Fprintf(stdout, "%6.2f  %s  %s%s\n", f.Distance, f.File, f.Other, verdict)
	}
	fmt.Fprintf(stdout, "%d signatures, %d copies (distance below %.1f)\n", n, copies, replay.CopyBelow)
	return nil
}

// each reads all signatures, of a corpus or of a directory of single files.
// Files that are none are named and left out.
func (c *copiesCmd) each(do func(name string, s capture.Signature) error) error {
	if c.Corpus != "" {
		all, err := corpus.Load(corpus.Name(c.Corpus), c.Path, corpus.Filter{})
		if err != nil {
			return err
		}
		notices(all)
		for _, u := range all.Users {
			for _, it := range append(slices.Clone(u.Genuine), u.Forgeries...) {
				if err := do(it.File, it.Signature); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return filepath.WalkDir(c.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(c.Path, path)
		if err != nil {
			return err
		}
		s, err := readSignature(path)
		if err != nil {
			fmt.Fprintf(stderr, "left out: %s: %v\n", name, err)
			return nil
		}
		return do(name, s)
	})
}
