package server

import (
	"context"
	"fmt"
	"testing"
	"time"

	"inkwitness/api/ceremony"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// lapsing is a sealer that was away for so long that the key holder no longer
// counts what the signer approved.
type lapsing struct{ ceremony.Sealer }

func (lapsing) Sign(context.Context, *ceremony.Document, *ceremony.Signer, ceremony.Keep) (evidence.Object, error) {
	return evidence.Object{}, fmt.Errorf("sign: %w", evidence.ErrLapsed)
}

// A signature whose approval lapsed is not stuck: its signer gets a new link,
// confirms again, and the document is sealed.
func TestLapsedApprovalAsksTheSignerAgain(t *testing.T) {
	b := newIdleBench(t, nil)
	ctx := t.Context()
	typed := func(string, string) capture.SessionID { return "" }
	recorded := func(document, signer string) capture.SessionID {
		return b.captures(document, signer, ceremony.SignatureCapture, 1, nil)
	}
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.journal.Run(running) }()
	t.Cleanup(func() { stop(); <-ended })
	for name, record := range map[string]func(string, string) capture.SessionID{"typed": typed, "recorded": recorded} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			d := b.sentTo(ceremony.SignerPlan{Name: "Ada First", Email: name + "@example.org"})
			var c capture.SessionID
			b.confirm(d, d.Signers[0], name == "recorded", func(document, signer string) capture.SessionID {
				c = record(document, signer)
				return c
			})
			cfg := b.ceremony.Config
			b.clock.advance(73 * time.Hour)
			cfg.Sealer = lapsing{cfg.Sealer}
			b.must(ceremony.New(cfg).Advance(ctx, d.ID))
			d, err := b.ceremony.Document(ctx, d.ID)
			b.must(err)
			if who := d.Signers[0]; who.Confirmed || d.Trouble != "" || d.Next(who, ceremony.ReferencesWanted) == ceremony.NextSealing {
				t.Fatalf("confirmed %v, %s, next %s, %q", who.Confirmed, who.State, d.Next(who, ceremony.ReferencesWanted), d.Trouble)
			}
			b.confirm(d, d.Signers[0], name == "recorded", func(string, string) capture.SessionID { return c })
			cfg = b.ceremony.Config
			cfg.Log = sequenced{b.store, b.log}
			b.must(ceremony.New(cfg).Advance(ctx, d.ID))
			if d, err = b.ceremony.Document(ctx, d.ID); err != nil || d.State != ceremony.Completed {
				t.Errorf("afterwards: %s, %v", d.State, err)
			}
		})
	}
}
