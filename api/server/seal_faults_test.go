package server

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"inkwitness/api/ceremony"
	"inkwitness/api/store"
	"inkwitness/capture"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/ledger"
)

// preserveConfirmed makes a service with a document whose one signer has
// confirmed, and of which nothing is sealed.
func preserveConfirmed(t *testing.T, database string) preserved {
	t.Helper()
	p := newPreserved(t, database)
	if !t.Run("prepare", func(t *testing.T) {
		b := newIdleBench(t, p.config)
		d := b.sentTo(ceremony.SignerPlan{Name: "Ada First", Email: "ada@example.org"})
		b.confirm(d, d.Signers[0], false, func(string, string) capture.SessionID { return "" })
		p.id, p.now, p.trusted = d.ID, b.clock.Now(), b.trusted()
	}) {
		t.FailNow()
	}
	return p
}

// line is a started service without HTTP, whose sealing and log take their steps
// one after the other.
type line struct {
	*Server
	*ceremony.Service
}

func (s *scene) line() line {
	s.t.Helper()
	server, err := open(s.t.Context(), s.c)
	s.must(err)
	cfg := server.ceremony.Config
	cfg.Log = sequenced{server.store, server.log}
	return line{server, ceremony.New(cfg)}
}

// sequenced is the log's outbox, sequenced whenever it is woken.
type sequenced struct {
	*store.Store
	log *ledger.Log
}

func (s sequenced) Wake() { _, _ = s.log.Sequence(context.Background()) } // what failed is met again by who waits for it

// stop lets go of everything, as the end of the process does.
func (l line) stop() error {
	ended, end := context.WithCancel(context.Background())
	end()
	_ = l.media.run(ended) // lets go of its sockets
	return errors.Join(l.journal.Run(ended), l.listener.Close(), l.store.Close())
}

// repairTime is within what a service that was started again has to finish what
// a crash interrupted.
const repairTime = 30 * time.Second

// repair starts a service again and finishes what was interrupted.
func (s *scene) repair(do func(ctx context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), repairTime)
	defer cancel()
	if err := errors.Join(do(ctx), ctx.Err()); err != nil {
		s.t.Fatalf("started again: %v", err)
	}
}

// sealFaults: whatever call of a whole seal fails, loses its answer or is the
// last before a crash, a service that is started again makes the one deposit,
// with one certificate for the signer and one for the seal.
func sealFaults(t *testing.T, p preserved) {
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (string, int) {
		s := p.scene(t)
		s.must(s.Close())
		ctx := t.Context()
		l := s.line()
		s.f.arm(at, mode)
		first := l.Advance(ctx, p.id)
		hit, calls := s.f.hit, s.f.n
		s.f.arm(0, "")
		s.must(l.stop())
		if hit == "" && first != nil {
			t.Fatalf("the seal: %v", first)
		}

		s.repair(func(ctx context.Context) error {
			l = s.line()
			return l.Advance(ctx, p.id)
		})
		s.must(l.stop())
		s.open()
		s.sealedOnce()
		s.must(s.Close())
		return hit, calls
	})
}

// sealedOnce checks the one deposit, and what was used to make it.
func (s *scene) sealedOnce() {
	s.t.Helper()
	ctx := s.t.Context()
	d := s.document()
	if d.State != ceremony.Completed {
		s.t.Fatalf("the document is %s", d.State)
	}
	raw := s.read(d.Deposit.Object)
	if report := deposit.Verify(bytes.NewReader(raw), int64(len(raw)), s.p.trusted); !report.Holds() {
		s.t.Errorf("the deposit: %+v", report.Failed())
	}
	keys := signingKeys(s.t, s.byHand)
	if keys["signer"] != 2 {
		s.t.Errorf("keys made: %v, want one for the signer and one for the seal", keys)
	}
	head, err := s.Head(ctx)
	s.must(err)
	if head.Size != 1 || head.PublishedSize != 1 {
		s.t.Errorf("the log has %d entries, %d published", head.Size, head.PublishedSize)
	}
	for _, event := range []string{"signer.signed", "document.completed"} {
		if n := s.times(event); n != 1 {
			s.t.Errorf("%s stands %d times in the record", event, n)
		}
	}
	_, err = s.objects.Sweep(ctx, time.Now().Add(time.Hour), s.Store)
	s.must(err)
	r, err := s.checker().structure(ctx)
	s.must(err)
	s.must(s.checker().bytes(ctx, 1<<40, &r.Bytes))
	if !r.Sound() || len(r.Structure.Orphans)+r.Structure.Young > 0 {
		s.t.Errorf("check: %+v", r)
	}
}
