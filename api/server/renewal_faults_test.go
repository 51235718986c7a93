package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"inkwitness/evidence/cms"
	"inkwitness/evidence/renew"
)

// decade are the days of renewals, with what an evidence record has afterwards:
// half a year before SHA-256 ends, and half a year before the certificate of
// the newest timestamp does.
var decade = []struct {
	day            time.Time
	chains, stamps int // in the newest chain
}{
	{time.Date(2031, 8, 1, 0, 0, 0, 0, time.UTC), 2, 1},
	{time.Date(2043, 5, 1, 0, 0, 0, 0, time.UTC), 2, 2},
}

// renewalFaults: whatever call of the renewals of a decade fails, loses its
// answer or is the last before a crash, the deposit verifies with the record
// that is there, and the next run of a service that is started again renews it, once.
func renewalFaults(t *testing.T, p preserved) {
	table := filepath.Join(t.TempDir(), "algorithms.json")
	if err := os.WriteFile(table, []byte(`{"SHA-256": "2032-01-01", "ECDSA P-256": "2060-01-01"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (hit string, calls int) {
		s := p.scene(t)
		s.restartWith(func(c *Config) { c.Algorithms = table })
		s.f.arm(at, mode)
		for _, d := range decade {
			s.c.seams.clock.(*testClock).set(d.day)
			err := s.renew(t.Context())
			calls = s.f.n
			if met := s.f.hit; met != "" {
				if hit = met; err != nil && !errors.Is(err, errFault) {
					t.Errorf("the run says %v", err)
				}
				s.repair(func(ctx context.Context) error {
					s.restart()
					s.record()
					return s.renew(ctx)
				})
			} else {
				s.must(err)
			}
			s.f.aside(func() {
				if chains := s.record().Chains; len(chains) != d.chains || len(chains[len(chains)-1]) != d.stamps {
					t.Errorf("in %s: %d chains, %d timestamps in the last, want %d and %d", d.day.Format(time.DateOnly), len(chains), len(chains[len(chains)-1]), d.chains, d.stamps)
				}
			})
		}
		s.must(s.Close())
		return hit, calls
	})
}

// restartWith is a restart with other settings.
func (s *scene) restartWith(change func(*Config)) {
	s.t.Helper()
	change(&s.c)
	s.restart()
}

// renew does what the service does every hour.
func (s *scene) renew(ctx context.Context) error {
	authority, err := s.authority(ctx)
	if err != nil {
		return err
	}
	own, outside, _, err := openTime(s.cfg, s.Store, authority)
	if err != nil {
		return err
	}
	var r *renew.Renewer
	if r, err = newRenewer(s.cfg, s.Accounts, s.objects, own, outside); err != nil {
		return err
	}
	_, err = r.Run(ctx)
	return err
}

// record returns the evidence record, with which the deposit verifies.
func (s *scene) record() *cms.EvidenceRecord {
	s.t.Helper()
	trusted := s.p.trusted
	trusted.Now = s.c.seams.clock.Now()
	var err error
	trusted.Algorithms, err = algorithms(s.c)
	s.must(err)
	return (&bench{Server: &Server{store: s.Store, accounts: s.Accounts, objects: s.objects}, t: s.t}).recorded(s.p.id, trusted)
}
