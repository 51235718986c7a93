package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"inkwitness/api/ceremony"
	"inkwitness/evidence"
	"inkwitness/evidence/retain"
)

// purgeFaults: whatever call of the purge on a deposit's last day fails, loses
// its answer or is the last before a crash, the next purge of a service that is
// started again ends it: no bytes, no keys, no row of the document, one receipt
// for each object, one line in the record.
func purgeFaults(t *testing.T, p preserved) {
	receipts := 0
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (string, int) {
		s := p.scene(t)
		ctx := t.Context()
		d := s.document()
		before := s.receipts()
		end := d.Deposit.RetainUntil
		s.c.seams.clock.(*testClock).set(end)
		s.must(retain.ConfirmClock(ctx, s.Store, end, "ann", "bob"))
		l := s.end()
		s.f.arm(at, mode)
		err := l.purgeObjects(ctx)
		hit, calls := s.f.hit, s.f.n
		if err != nil && (hit == "" || !errors.Is(err, errFault)) {
			t.Errorf("the purge says %v", err)
		}
		s.f.arm(0, "")
		s.must(l.stop())
		s.repair(func(ctx context.Context) error {
			l = s.end()
			return l.purgeObjects(ctx)
		})
		s.must(l.stop())
		s.open()
		s.wiped(d)
		n := s.receipts() - before
		if receipts == 0 {
			receipts = n
		}
		if n != receipts || n < 2 {
			t.Errorf("%d receipts, want as always %d", n, receipts)
		}
		s.must(s.Close())
		return hit, calls
	})
}

// end is a started service in whose place there was a command by hand.
func (s *scene) end() line {
	s.t.Helper()
	_ = s.Close() // where it is open
	return s.line()
}

func (s *scene) receipts() (n int) {
	s.t.Helper()
	s.f.aside(func() {
		s.must(s.Receipts(s.t.Context(), "", func(string, []byte) error { n++; return nil }))
	})
	return n
}

// wiped checks that nothing is left of a document but the receipts.
func (s *scene) wiped(d *ceremony.Document) {
	s.t.Helper()
	ctx := s.t.Context()
	for _, o := range []evidence.Object{d.Deposit.Object, d.Current} {
		for _, root := range append([]string{filepath.Join(s.c.Data, "blobs")}, s.c.BlobCopies...) {
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(o.Key))); !errors.Is(err, os.ErrNotExist) {
				s.t.Errorf("%s in %s: %v", o.Key, root, err)
			}
		}
		if _, err := s.objects.Open(ctx, o); !errors.Is(err, evidence.ErrErased) {
			s.t.Errorf("%s: %v, want it erased", o.Key, err)
		}
	}
	for _, key := range []string{d.Deposit.Object.DataKey, "document:" + d.ID, "audit:document:" + d.ID} {
		if _, _, err := s.keys.Open(ctx, key); !errors.Is(err, evidence.ErrErased) {
			s.t.Errorf("key %s: %v, want it destroyed", key, err)
		}
	}
	if _, err := s.Ceremonies().Document(ctx, d.ID); !errors.Is(err, ceremony.ErrNotFound) {
		s.t.Errorf("the document's row: %v", err)
	}
	if _, _, err := s.EvidenceRecord(ctx, d.ID); !errors.Is(err, evidence.ErrNotFound) {
		s.t.Errorf("the evidence record: %v", err)
	}
	if _, broken, err := s.CheckAudit(ctx); err != nil || len(broken) != 0 {
		s.t.Errorf("the record: %v, %v", broken, err)
	}
	r, err := s.checker().structure(ctx)
	s.must(err)
	if !r.Sound() || len(r.Structure.Orphans)+r.Structure.Young > 0 {
		s.t.Errorf("check: %+v", r)
	}
}
