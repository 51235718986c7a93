package server

import (
	"context"
	"errors"
	"testing"

	"inkwitness/api/ceremony"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// meanwhile is a sealer beside which something happens while a signature is made.
type meanwhile struct {
	ceremony.Sealer
	happens func()
}

func (m meanwhile) Sign(ctx context.Context, d *ceremony.Document, s *ceremony.Signer, keep ceremony.Keep) (evidence.Object, error) {
	o, err := m.Sealer.Sign(ctx, d, s, keep)
	m.happens()
	return o, err
}

// A document that is withdrawn while a signature is being made stays withdrawn:
// nobody is invited after that, and nothing is sealed.
func TestWithdrawnWhileASignatureIsMade(t *testing.T) {
	b := newIdleBench(t, nil)
	ctx := t.Context()
	for name, test := range map[string]struct {
		signers []string
		before  bool // the seal is begun
	}{
		"the last one, before": {[]string{"ada"}, true},
		"the last one, during": {[]string{"cleo"}, false},
		"another follows":      {[]string{"dan", "eve"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			var people []ceremony.SignerPlan
			for _, name := range test.signers {
				people = append(people, ceremony.SignerPlan{Name: name, Email: name + "@example.org"})
			}
			d := b.sentTo(people...)
			b.confirm(d, d.Signers[0], false, func(string, string) capture.SessionID { return "" })
			withdraw := func() {
				_, err := b.ceremony.Cancel(ctx, d.ID)
				b.must(err)
			}
			cfg := b.ceremony.Config
			cfg.Log = sequenced{b.store, b.log}
			if test.before {
				withdraw()
			} else {
				cfg.Sealer = meanwhile{cfg.Sealer, withdraw}
			}
			if err := ceremony.New(cfg).Advance(ctx, d.ID); err != nil && !errors.Is(err, ceremony.ErrOvertaken) {
				t.Fatal(err)
			}
			b.must(ceremony.New(b.ceremony.Config).Advance(ctx, d.ID)) // the next patrol
			d, err := b.ceremony.Document(ctx, d.ID)
			b.must(err)
			if d.State != ceremony.Cancelled || d.Deposit != nil || d.Signers[0].Confirmed {
				t.Errorf("the document is %s, its deposit %v, its first signer %s", d.State, d.Deposit, d.Signers[0].State)
			}
			if next := d.Next(d.Signers[0], 0); next != ceremony.NextClosed {
				t.Errorf("the signer is told %q", next)
			}
			if len(d.Signers) > 1 && d.Signers[1].State != ceremony.Waiting {
				t.Errorf("the next signer is %s", d.Signers[1].State)
			}
			if busy, err := b.accounts.Ceremonies().Unfinished(ctx); err != nil || len(busy) > 0 {
				t.Errorf("still to be sealed: %v, %v", busy, err)
			}
		})
	}
}

// beside is a sealer that begins when another instance has done it all.
type beside struct {
	ceremony.Sealer
	other func()
}

func (s beside) Commit(ctx context.Context, d *ceremony.Document, keep ceremony.Keep) (evidence.Commitment, error) {
	s.other()
	return s.Sealer.Commit(ctx, d, keep)
}

// Of two instances that seal the same document one does it; the other changes nothing.
func TestTwoInstancesSealOnce(t *testing.T) {
	b := newIdleBench(t, nil)
	ctx := t.Context()
	d := b.sentTo(ceremony.SignerPlan{Name: "Ada First", Email: "ada@example.org"})
	b.confirm(d, d.Signers[0], false, func(string, string) capture.SessionID { return "" })
	cfg := b.ceremony.Config
	cfg.Log = sequenced{b.store, b.log}
	first, second := ceremony.New(cfg), cfg
	var sealed *ceremony.Document
	second.Sealer = beside{cfg.Sealer, func() {
		b.must(first.Advance(ctx, d.ID))
		var err error
		sealed, err = b.ceremony.Document(ctx, d.ID)
		b.must(err)
	}}
	if err := ceremony.New(second).Advance(ctx, d.ID); !errors.Is(err, ceremony.ErrOvertaken) {
		t.Errorf("the second instance: %v, want ErrOvertaken", err)
	}
	d, err := b.ceremony.Document(ctx, d.ID)
	b.must(err)
	if d.State != ceremony.Completed || d.Version != sealed.Version || d.SealState != nil {
		t.Errorf("%s, version %d after %d, %d bytes of a seal in the making", d.State, d.Version, sealed.Version, len(d.SealState))
	}
}
