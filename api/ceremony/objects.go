package ceremony

import (
	"context"
	"fmt"
	"time"

	"inkwitness/evidence"
)

// Objects keeps a row for every stored object, so that each has a class, a
// reason and an end, and none is referred to that is not there.
type Objects interface {
	// Refer makes objects everything that a holder refers to, in the transaction
	// of ctx; what it referred to before and no longer does ends now.
	// evidence.ErrConflict means that one was deleted since it was stored.
	Refer(ctx context.Context, holder string, objects []evidence.Object) error
	// Because notes on whose word that ends which the holder has just let go of,
	// for the receipts.
	Because(ctx context.Context, holder, authority string) error
}

func documentHolder(id string) string { return "document:" + id }
func subjectHolder(id string) string  { return "subject:" + id }

// objects lists what a document refers to, each once. What a completed document
// was made from, and all of one that came to nothing, is project data and ends
// with the project; references belong to their subject.
func (d *Document) objects(kept func(state []byte) ([]evidence.Object, error)) ([]evidence.Object, error) {
	list := objectList{seen: map[string]int{}}
	if d.State == Declined || d.State == Cancelled {
		return nil, nil
	}
	list.add(d.Current)
	if d.Deposit != nil {
		list.add(d.Deposit.Object)
	} else {
		list.add(d.Source)
	}
	states := [][]byte{d.SealState}
	for _, s := range d.Signers {
		states = append(states, s.SealState)
		for _, c := range s.Captures {
			if c.Kind == SignatureCapture && c.State == CaptureFinished {
				for _, f := range c.Files {
					list.add(f.Object)
				}
			}
		}
	}
	for _, state := range states {
		more, err := kept(state)
		if err != nil {
			return nil, fmt.Errorf("objects of the seal in the making: %w", err)
		}
		list.add(more...)
	}
	return list.all, nil
}

// Ends is the first moment at which nothing of the document may be left: with
// its deposit, or a year after a project that has none began.
func (d *Document) Ends() time.Time {
	if d.Deposit != nil {
		return d.Deposit.RetainUntil
	}
	return keepProject(d.Created)
}

// objectList collects objects by their keys.
type objectList struct {
	all  []evidence.Object
	seen map[string]int
}

// add adds what is there and not in the list. Of two the newer stands: the same
// step done twice stores under the same key.
func (l *objectList) add(objects ...evidence.Object) {
	for _, o := range objects {
		if o.Key == "" {
			continue
		}
		at, ok := l.seen[o.Key]
		if !ok {
			l.seen[o.Key] = len(l.all)
			l.all = append(l.all, o)
			continue
		}
		if o.Stored.After(l.all[at].Stored) {
			l.all[at] = o
		}
	}
}

// refer writes the rows of what a document refers to, in the transaction of ctx.
func (s *Service) refer(ctx context.Context, d *Document) error {
	objects, err := d.objects(s.Sealer.Objects)
	if err != nil {
		return err
	}
	if err := s.Objects.Refer(ctx, documentHolder(d.ID), objects); err != nil {
		return fmt.Errorf("note the document's objects: %w", err)
	}
	return nil
}

// saveSubject saves a subject with the rows of its references.
func (s *Service) saveSubject(ctx context.Context, subject *Subject) error {
	return s.Tx.Tx(ctx, func(ctx context.Context) error {
		if err := s.Subjects.SaveSubject(ctx, subject); err != nil {
			return err
		}
		var objects []evidence.Object
		for _, r := range subject.References {
			objects = append(objects, r.Object)
		}
		if subject.Face != nil {
			objects = append(objects, subject.Face.Object)
		}
		return s.Objects.Refer(ctx, subjectHolder(subject.ID), objects)
	})
}

// Holders finds documents and subjects that were stored before objects had rows.
type Holders interface {
	// DocumentIDs lists documents in the order of their IDs, at most n after one.
	DocumentIDs(ctx context.Context, after string, n int) ([]string, error)
	// AllSubjects does the same with subjects.
	AllSubjects(ctx context.Context, after string, n int) ([]*Subject, error)
}

// registered is the name under which it is noted that every object has its row.
const registered = "objects and ends registered"

// Register writes the rows of what older versions stored without. Until it has
// succeeded once, nothing may be swept.
func (s *Service) Register(ctx context.Context, holders Holders, done interface {
	Cared(ctx context.Context, what string) (time.Time, error)
	Care(ctx context.Context, what string, at time.Time) error
}) error {
	if at, err := done.Cared(ctx, registered); err != nil || !at.IsZero() {
		return err
	}
	const page = 100
	for after := ""; ; {
		ids, err := holders.DocumentIDs(ctx, after, page)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := s.change(ctx, id, func(context.Context, *Document) (Effects, error) { return Effects{}, nil }); err != nil {
				return fmt.Errorf("register the objects of document %s: %w", id, err)
			}
		}
		if len(ids) < page {
			break
		}
		after = ids[len(ids)-1]
	}
	for after := ""; ; {
		subjects, err := holders.AllSubjects(ctx, after, page)
		if err != nil {
			return err
		}
		for _, subject := range subjects {
			if err := s.saveSubject(ctx, subject); err != nil {
				return fmt.Errorf("register the references of subject %s: %w", subject.ID, err)
			}
			after = subject.ID
		}
		if len(subjects) < page {
			break
		}
	}
	return done.Care(ctx, registered, s.Clock.Now())
}
