package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"inkwitness/evidence"
)

// erasureFaults: whatever call of an erasure fails or is the last before a
// crash, the deposit stands before and after; started again, asked again or by
// the service's next purge, the erasure ends, once.
func erasureFaults(t *testing.T, p preserved) {
	const right = "request 2026-17 of the data subject"
	receipts := 0
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (string, int) {
		s := p.scene(t)
		ctx := t.Context()
		s.f.arm(at, mode)
		_, _, err := s.erase(ctx, p.id, "ada@example.org", right, false)
		hit, calls := s.f.hit, s.f.n
		if err != nil && (hit == "" || !errors.Is(err, errFault)) {
			t.Errorf("the erasure says %v", err)
		}
		s.repair(func(ctx context.Context) error {
			s.restart()
			done := s.whole()
			if err == nil && !done {
				t.Error("the erasure says that it is done")
			}
			if !done {
				_, _, err := s.erase(ctx, p.id, "ada@example.org", right, false)
				return err
			}
			own, err := s.authority(ctx)
			s.must(err)
			_, err = s.purge(ctx, own)
			return err
		})
		if !s.whole() {
			t.Error("the erasure was not finished")
		}
		_, err = s.objects.Sweep(ctx, time.Now().Add(time.Hour), s.Store)
		s.must(err)
		s.erasedOnce(right, &receipts)
		s.must(s.Close())
		return hit, calls
	})
}

// erasedOnce checks what is left after an erasure and the next sweep.
func (s *scene) erasedOnce(right string, receipts *int) {
	s.t.Helper()
	ctx := s.t.Context()
	if _, err := s.objects.Open(ctx, s.p.before); !errors.Is(err, evidence.ErrErased) {
		s.t.Errorf("the old container: %v, want it erased", err)
	}
	if _, err := os.Stat(filepath.Join(s.c.Data, "blobs", filepath.FromSlash(s.p.before.Key))); !errors.Is(err, os.ErrNotExist) {
		s.t.Errorf("the old container's file: %v", err)
	}
	r, err := s.checker().structure(ctx)
	s.must(err)
	s.must(s.checker().bytes(ctx, 1<<40, &r.Bytes))
	if !r.Sound() || len(r.Structure.Orphans)+r.Structure.Young > 0 {
		s.t.Errorf("check: %+v", r)
	}
	n := (&bench{Server: &Server{store: s.Store}, t: s.t}).receiptsBy(right)
	if *receipts == 0 {
		*receipts = n
	}
	if n != *receipts || n < 2 {
		s.t.Errorf("%d receipts, want as always %d", n, *receipts)
	}
	noted := s.times("signer.erased")
	if noted != 1 {
		s.t.Errorf("the record notes %d erasures", noted)
	}
	for purpose, n := range signingKeys(s.t, s.byHand) {
		want := s.p.keys[purpose]
		if purpose == "erasure" {
			want = 1 // of this year, for all statements
		}
		if n != want {
			s.t.Errorf("%d keys to sign as %s, want %d", n, purpose, want)
		}
	}
}
