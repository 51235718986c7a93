package dispute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/capture/interchange"
	"inkwitness/evidence"
)

// Sampled is a signature of a case with its points.
type Sampled struct {
	Item
	Signature capture.Signature
}

// Samples reads every signature of a case that may be read now. The reading is
// recorded, in the case and for each document it touches.
func (s *Service) Samples(ctx context.Context, c *Case) ([]Sampled, error) {
	err := s.Tx.Tx(ctx, func(ctx context.Context) error { return s.note(ctx, c, "case.read", nil) })
	if err != nil {
		return nil, fmt.Errorf("record the reading: %w", err)
	}
	return s.read(ctx, c)
}

// read reads without a line in the case's record.
func (s *Service) read(ctx context.Context, c *Case) ([]Sampled, error) {
	exhibits := map[string]*ceremony.Exhibit{}
	var all []Sampled
	for _, item := range c.Items {
		if !item.Readable(s.now()) {
			continue
		}
		signature, err := s.signature(ctx, item, exhibits)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", item.Label, err)
		}
		all = append(all, Sampled{item, signature})
	}
	return all, nil
}

func (s *Service) signature(ctx context.Context, item Item, exhibits map[string]*ceremony.Exhibit) (capture.Signature, error) {
	if item.Origin != FromDeposit {
		r, err := s.Vault.Open(ctx, *item.Samples)
		if err != nil {
			return capture.Signature{}, err
		}
		defer r.Close()
		return interchange.ReadCSV(r)
	}
	at := item.Document + "/" + item.Signer
	x, ok := exhibits[at]
	if !ok {
		o, err := s.Openings.Opening(ctx, item.Opening)
		if err != nil {
			return capture.Signature{}, err
		}
		if x, err = s.Evidence.Exhibit(ctx, item.Document, item.Signer, ceremony.Event{Kind: "evidence.read", Signer: item.Signer, Detail: o.Reason}); err != nil {
			return capture.Signature{}, err
		}
		exhibits[at] = x
	}
	if x.Capture.ID == item.Capture {
		return x.Questioned, nil
	}
	for _, r := range x.References {
		if r.ID == item.Capture {
			return r.Signature, nil
		}
	}
	return capture.Signature{}, api.Explain(api.ErrNotFound, "The reference %s was replaced or erased since it came into the case. Remove it from the case.", item.Label)
}

// VideoOf finds the selfie video of a signature.
func (s *Service) VideoOf(ctx context.Context, c *Case, id string) (evidence.Object, error) {
	item, err := c.Item(id)
	if err != nil {
		return evidence.Object{}, err
	}
	if !item.Readable(s.now()) {
		return evidence.Object{}, ErrClosed
	}
	if item.Video != nil {
		return *item.Video, nil
	}
	if item.Origin != FromDeposit || item.Part != Questioned {
		return evidence.Object{}, api.Explain(api.ErrNotFound, "This signature came without video.")
	}
	d, err := s.Evidence.Document(ctx, item.Document)
	if err != nil {
		return evidence.Object{}, err
	}
	who, err := d.Signer(item.Signer)
	if err != nil {
		return evidence.Object{}, err
	}
	k := who.ConfirmedCapture()
	if k == nil || k.ID != item.Capture {
		return evidence.Object{}, ceremony.ErrNotFound
	}
	return k.File(ceremony.VideoFile)
}

// watchLife is how long the parts of a video belong to one look at it.
const watchLife = time.Hour

// Watched records that the video of a signature leaves: in the case, and for the
// document that it is of. A part belongs to the look that the same session began
// within the hour, and is recorded where there is none.
func (s *Service) Watched(ctx context.Context, c *Case, id string, part bool) error {
	item, err := c.Item(id)
	if err != nil {
		return err
	}
	look := strings.Join([]string{api.IdentityOf(ctx).Subject(), c.ID, item.ID, item.Opening}, " ")
	err = s.Tx.Tx(ctx, func(ctx context.Context) error {
		n, _, err := s.Limits.Hit(ctx, "videos", look, watchLife, s.now())
		if err != nil || part && n > 1 {
			return err
		}
		if err := s.note(ctx, c, "case.watched", api.Detail{"item": item.Label}); err != nil || item.Origin != FromDeposit {
			return err
		}
		o, err := s.Openings.Opening(ctx, item.Opening)
		if err != nil {
			return err
		}
		return s.Records.Record(ctx, api.Event{Kind: "evidence.watched", At: s.now(), Organisation: c.Organisation, Account: api.IdentityOf(ctx).Account,
			Object: documentChain(item.Document), Chain: documentChain(item.Document), Detail: api.Detail{"signer": item.Signer, "detail": o.Reason, "opening": o.ID, "case": c.ID}})
	})
	if err != nil {
		return fmt.Errorf("record the look at a video: %w: %w", api.ErrUnavailable, err)
	}
	return nil
}

// Export writes one signature in a format that other programs read. It is
// recorded.
func (s *Service) Export(ctx context.Context, c *Case, id, format string, w io.Writer) error {
	item, err := c.Item(id)
	if err != nil {
		return err
	}
	if !item.Readable(s.now()) {
		return ErrClosed
	}
	write, ok := exporters[format]
	if !ok {
		return api.Explain(api.ErrInvalid, "There is no such format.")
	}
	err = s.Tx.Tx(ctx, func(ctx context.Context) error {
		return s.note(ctx, c, "case.exported", api.Detail{"item": item.Label, "format": format, "sha256": item.SHA256})
	})
	if err != nil {
		return fmt.Errorf("record the export: %w", err)
	}
	signature, err := s.signature(ctx, *item, map[string]*ceremony.Exhibit{})
	if err != nil {
		return err
	}
	return write(w, signature)
}

var exporters = map[string]func(io.Writer, capture.Signature) error{
	FormatISO:   interchange.WriteISO,
	FormatInkML: interchange.WriteInkML,
	FormatCSV:   interchange.WriteCSV,
	"json":      func(w io.Writer, s capture.Signature) error { return json.NewEncoder(w).Encode(s) },
}

// Compare compares every questioned signature with all references that may be
// read now, and keeps the answer with the hashes of what was compared.
func (s *Service) Compare(ctx context.Context, id string) (*Case, error) {
	c, err := s.Cases.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := s.read(ctx, c)
	if err != nil {
		return nil, err
	}
	questioned, references, signatures := split(all)
	if len(questioned) == 0 || len(references) == 0 {
		return nil, api.Explain(api.ErrInvalid, "A comparison needs at least one questioned signature and one reference that can be read.")
	}
	if len(references) > biometrics.MaxReferences {
		return nil, api.Explain(api.ErrInvalid, "At most %d references can be compared at once.", biometrics.MaxReferences)
	}
	run := Run{ID: api.NewID(), By: api.IdentityOf(ctx).Account}
	for _, r := range references {
		run.References = append(run.References, Used{r.ID, r.SHA256})
	}
	for _, q := range questioned {
		result := Result{Used: Used{q.ID, q.SHA256}}
		comparison, err := s.Comparator.Compare(ctx, signatures, q.Signature)
		switch {
		case err == nil:
			result.Comparison = &comparison
		case errors.Is(err, biometrics.ErrQuestioned), errors.Is(err, biometrics.ErrReferences):
			result.Trouble = sentence(err)
			if u, ok := errors.AsType[*biometrics.Unusable](err); ok {
				result.Code = u.Problem.Code
			}
		default:
			return nil, fmt.Errorf("compare %s: %w", q.Label, err)
		}
		run.Results = append(run.Results, result)
	}
	return s.change(ctx, id, "case.compared", func(_ context.Context, c *Case) (api.Detail, error) {
		run.At = s.now()
		c.ran(run)
		d := api.Detail{"run": run.ID}
		for _, r := range run.Results {
			if r.Comparison != nil {
				d["model"], d["calibration"] = r.Comparison.Model.Number, r.Comparison.Calibration.Number
			}
		}
		return d, nil
	})
}

// sentence is what a comparator says was wrong, without the sentinel's words.
func sentence(err error) string {
	for _, sentinel := range []error{biometrics.ErrQuestioned, biometrics.ErrReferences} {
		if errors.Is(err, sentinel) {
			text := err.Error()
			tail := ": " + sentinel.Error()
			if n := len(text) - len(tail); n > 0 && text[n:] == tail {
				return text[:n]
			}
			return text
		}
	}
	return err.Error()
}

func split(all []Sampled) (questioned, references []Sampled, signatures []capture.Signature) {
	for _, one := range all {
		if one.Part == Questioned {
			questioned = append(questioned, one)
			continue
		}
		references, signatures = append(references, one), append(signatures, one.Signature)
	}
	return questioned, references, signatures
}

// Align says how a questioned signature lies on one reference, point by point,
// in units of what the references cost each other.
func (s *Service) Align(ctx context.Context, c *Case, questioned, reference string) (*biometrics.Explanation, error) {
	all, err := s.read(ctx, c)
	if err != nil {
		return nil, err
	}
	qs, rs, signatures := split(all)
	for _, q := range qs {
		if q.ID != questioned {
			continue
		}
		for i, r := range rs {
			if r.ID == reference {
				return s.Comparator.Explain(ctx, signatures, q.Signature, i)
			}
		}
	}
	return nil, ErrClosed
}

// Reported is Samples for a report: that one was made is recorded instead.
func (s *Service) Reported(ctx context.Context, c *Case, language string) ([]Sampled, error) {
	err := s.Tx.Tx(ctx, func(ctx context.Context) error {
		return s.note(ctx, c, "case.reported", api.Detail{"language": language})
	})
	if err != nil {
		return nil, fmt.Errorf("record the report: %w", err)
	}
	return s.read(ctx, c)
}
