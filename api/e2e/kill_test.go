package e2e

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// TestKill kills the service at 20 random moments while a signer reads, enrols
// and signs in the browser. Each time it starts again, and the page goes on by
// itself. In the end the deposit holds every sample that was drawn.
func TestKill(t *testing.T) {
	const kills = 20
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	s := newService(t)
	s.start()
	owner := s.owner()
	all, origin := signatures(t, 6)
	t.Logf("the pen replays %s signatures", origin)
	f := newTask(t, s)
	f.Lossy, f.Steps, f.Signatures = true, []string{"signer"}, all
	pdf, err := os.ReadFile(f.PDF)
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	var slowest time.Duration
	for flow := 0; killed < kills; flow++ {
		d := owner.upload(pdf, "Lease")
		f.Signer = person{"Sam Signer", "sam" + string(rune('a'+flow)) + "@example.org"} // references are enrolled each time
		owner.plan(d, f.Signer)
		owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
		f.Link = s.link()
		over := make(chan struct{})
		var killer sync.WaitGroup
		killer.Go(func() {
			for killed < kills {
				select {
				case <-over:
					return
				case <-time.After(time.Duration(1500+random.IntN(3000)) * time.Millisecond):
				}
				s.kill()
				s.start()
				killed++
				slowest = max(slowest, s.started)
			}
		})
		var signature event
		events := f.run(t, func(e event) {
			if e.Event == "drawn" {
				signature = e
			}
		})
		close(over)
		killer.Wait()
		if len(events) == 0 {
			t.Fatal("the browser script reported nothing")
		}
		owner.completed(d.ID)
		got := owner.deposit(d.ID)
		got.samples(signature.Samples)
		if report, code := inkverify(t, got.path); code != 0 {
			t.Fatalf("inkverify ends with %d:\n%s", code, report)
		}
		t.Logf("flow %d completed; killed %d times so far", flow+1, killed)
	}
	t.Logf("slowest start %v", slowest)
}
