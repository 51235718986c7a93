package dispute

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"inkwitness/api"
	"inkwitness/capture"
	"inkwitness/capture/interchange"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
)

// Import is what comes with a file.
type Import struct {
	Part     Part
	Label    string // for the first signature in it; made up when empty
	Note     string // where the file comes from: an investigator has to say so
	Filename string
	Format   string // of Detect; empty finds out
}

func (m *Import) check() error {
	m.Label, m.Note = strings.TrimSpace(m.Label), strings.TrimSpace(m.Note)
	m.Filename = path.Base(strings.ReplaceAll(m.Filename, "\\", "/"))
	switch {
	case m.Part != Questioned && m.Part != Reference:
		return api.Explain(api.ErrInvalid, "Say whether the signature is questioned or a reference.")
	case utf8.RuneCountInString(m.Note) < 3 || utf8.RuneCountInString(m.Note) > 2000:
		return api.Explain(api.ErrInvalid, "Say where the file comes from, in 3 to 2,000 characters: who gave it, when, made by what.")
	case utf8.RuneCountInString(m.Label) > 40 || utf8.RuneCountInString(m.Filename) > 200:
		return api.Explain(api.ErrInvalid, "A label has at most 40 characters, a file name 200.")
	}
	return nil
}

// Import reads a file into a case: an exported signature, or a deposit with one
// signature or more. The file is kept as it came, with its hash; samples, video
// and findings are made from it.
func (s *Service) Import(ctx context.Context, id string, m Import, file io.ReaderAt, size int64) (*Case, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	c, err := s.Cases.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(size, 512))
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if m.Format == "" {
		m.Format = Detect(head)
	}
	var items []Item
	if m.Format == FormatASiCE {
		items, err = s.importContainer(ctx, c, m, file, size)
	} else {
		items, err = s.importFile(ctx, c, m, file, size)
	}
	if err != nil {
		return nil, err
	}
	return s.change(ctx, id, "case.item-added", func(_ context.Context, c *Case) (api.Detail, error) {
		for i, item := range items {
			if i == 0 {
				item.Label = m.Label
			}
			if err := c.add(s.now(), item); err != nil {
				return nil, err
			}
		}
		return api.Detail{"file": m.Filename, "sha256": items[0].Source.SHA256.String(), "origin": m.Note, "format": m.Format}, nil
	})
}

func (s *Service) importFile(ctx context.Context, c *Case, m Import, file io.ReaderAt, size int64) ([]Item, error) {
	if size > MaxFile {
		return nil, api.Explain(api.ErrTooLarge, "The file has %d MB; an exported signature has at most %d MB.", size>>20, MaxFile>>20)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, size), data); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	signature, err := readFile(m.Format, data)
	if err != nil {
		return nil, err
	}
	item := Item{ID: api.NewID(), Part: m.Part, Origin: FromFile, Note: m.Note, Filename: m.Filename, Format: m.Format, Signed: signature.Epoch}
	if item.Source, err = s.keep(ctx, c, "source-"+item.ID, "application/octet-stream", bytes.NewReader(data)); err != nil {
		return nil, err
	}
	item.SHA256 = item.Source.SHA256.String()
	err = s.keepSamples(ctx, c, &item, signature)
	return []Item{item}, err
}

func (s *Service) importContainer(ctx context.Context, c *Case, m Import, file io.ReaderAt, size int64) ([]Item, error) {
	if size > MaxContainer {
		return nil, api.Explain(api.ErrTooLarge, "The deposit has %d MB, the limit is %d MB.", size>>20, MaxContainer>>20)
	}
	report, all, err := readContainer(file, size, s.Trust())
	if err != nil {
		return nil, err
	}
	source, err := s.keep(ctx, c, "source-"+api.NewID(), deposit.MediaType, io.NewSectionReader(file, 0, size))
	if err != nil {
		return nil, err
	}
	contents, err := deposit.Files(file, size)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, one := range all {
		item := Item{ID: api.NewID(), Part: m.Part, Origin: FromContainer, Note: m.Note, Name: one.name, Signed: one.signed, Filename: m.Filename,
			Format: FormatASiCE, Source: source, Checks: report, Timeline: one.timeline, SHA256: one.pen.String()}
		if one.video != "" {
			r, err := contents.Open(one.video)
			if err != nil {
				return nil, err
			}
			if item.Video, err = s.keep(ctx, c, "video-"+item.ID, "video/webm", r); err != nil {
				return nil, err
			}
		}
		if err := s.keepSamples(ctx, c, &item, one.signature); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// keepSamples stores the points as CSV, which holds all of them exactly, and
// measures them.
func (s *Service) keepSamples(ctx context.Context, c *Case, item *Item, signature capture.Signature) error {
	var b bytes.Buffer
	if err := interchange.WriteCSV(&b, signature); err != nil {
		return err
	}
	samples, err := s.keep(ctx, c, "samples-"+item.ID, "text/csv", &b)
	if err != nil {
		return err
	}
	item.Samples = samples
	s.measure(item, signature)
	return nil
}

// keep stores an object of a case, to be gone when the case is.
func (s *Service) keep(ctx context.Context, c *Case, name, kind string, r io.Reader) (*evidence.Object, error) {
	o, err := s.Vault.Put(ctx, evidence.Meta{Key: "cases/" + c.ID + "/" + name, Class: evidence.ClassIdentification, Reason: "evidence in a dispute about a signature",
		DeleteAfter: c.KeepUntil, Subject: c.ID, Deposit: c.ID, ContentType: kind}, r)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", name, err)
	}
	return &o, nil
}
