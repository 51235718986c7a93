package server

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/api/ceremony"
	"inkwitness/api/store/pgtest"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
)

// TestFaults is one table for each act on what is sealed: a row for every call
// that fails, loses its answer, or is the last before a crash.
// INKWITNESS_FULL=1 takes every row.
func TestFaults(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			p, signing, sealing := preserve(t, database), preserveSent(t, database), preserveConfirmed(t, database)
			t.Run("signing", func(t *testing.T) { signingFaults(t, signing) })
			t.Run("seal", func(t *testing.T) { sealFaults(t, sealing) })
			t.Run("renewal", func(t *testing.T) { renewalFaults(t, p) })
			t.Run("purge", func(t *testing.T) { purgeFaults(t, p) })
			t.Run("erasure", func(t *testing.T) { erasureFaults(t, p) })
			t.Run("check", func(t *testing.T) { checkFaults(t, p) })
			t.Run("hold", func(t *testing.T) { holdFaults(t, p) })
		})
	}
}

// preserved is a stopped service with one document, to be copied for each row of
// a fault table.
type preserved struct {
	data    string
	url     string // of the database, where it is PostgreSQL
	address string // under which people reach it
	id      string
	now     time.Time
	trusted deposit.Options
	before  evidence.Object // the container
	keys    map[string]int  // by purpose
}

// newPreserved names the place of a service and its database.
func newPreserved(t *testing.T, database string) (p preserved) {
	p.data, p.address = filepath.Join(t.TempDir(), "data"), "https://sign.example.org"
	if database == "postgres" {
		p.url = pgtest.URL(t)
	}
	return p
}

func (p preserved) config(c *Config) {
	c.Data, c.DatabaseURL, c.PublicURL, c.BlobCopies = p.data, p.url, p.address, secondStore(p.data)
}

// preserve makes a service with a completed document.
func preserve(t *testing.T, database string) preserved {
	t.Helper()
	p := newPreserved(t, database)
	if !t.Run("prepare", func(t *testing.T) {
		b := newBench(t, p.config)
		d := b.completed()
		b.must(b.renewRecords(t.Context()))
		b.must(b.purgeObjects(t.Context()))
		b.enrolled(d, d.Signers[0], []byte("strokes"))
		p.id, p.now, p.trusted, p.before = d.ID, b.clock.Now(), b.trusted(), d.Deposit.Object
		p.keys = signingKeys(t, &byHand{Accounts: b.accounts})
	}) {
		t.FailNow()
	}
	return p
}

func secondStore(data string) []string { return []string{filepath.Join(data, "second")} }

// signingKeys counts the keys that were ever made to sign something.
func signingKeys(t *testing.T, h *byHand) map[string]int {
	t.Helper()
	all, err := h.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, k := range all {
		if k.Purpose != "data" {
			n[k.Purpose]++
		}
	}
	return n
}

// scene is one row's copy of a preserved service.
type scene struct {
	*byHand
	t *testing.T
	p preserved
	f *faults
	c Config
}

func (p preserved) scene(t *testing.T) *scene {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	s := &scene{t: t, p: p, f: &faults{}}
	s.must(os.CopyFS(data, os.DirFS(p.data)))
	s.must(os.Chmod(filepath.Join(data, "root.key"), 0o600))
	s.c = s.f.config(Config{Data: data, BlobCopies: secondStore(data), Listen: "127.0.0.1:0", PublicURL: p.address,
		Media: MediaConfig{Listen: "127.0.0.1:0"}}) // the port of HTTP may be taken for UDP
	if p.url != "" {
		s.c.DatabaseURL = pgtest.Clone(t, p.url)
	}
	s.c.seams.clock = &testClock{now: p.now.Add(time.Minute)}
	s.open()
	return s
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) open() {
	s.t.Helper()
	var err error
	s.byHand, err = openByHand(s.t.Context(), s.c)
	s.must(err)
}

// restart is what a new process finds: nothing fails any more.
func (s *scene) restart() {
	s.t.Helper()
	s.must(s.Close())
	s.f.arm(0, "")
	s.open()
}

func (s *scene) document() *ceremony.Document {
	s.t.Helper()
	d, err := s.Ceremonies().Document(s.t.Context(), s.p.id)
	s.must(err)
	return d
}

// read returns an object's bytes.
func (s *scene) read(o evidence.Object) []byte {
	return (&bench{Server: &Server{objects: s.objects}, t: s.t}).read(o)
}

// whole checks that the deposit stands, with the person's files or, when they
// were erased, without.
func (s *scene) whole() (erased bool) {
	s.t.Helper()
	d := s.document()
	s.read(d.Current)
	raw := s.read(d.Deposit.Object)
	if report := deposit.Verify(bytes.NewReader(raw), int64(len(raw)), s.p.trusted); !report.Holds() {
		s.t.Errorf("the deposit: %+v", report.Failed())
	}
	who := d.Signers[0]

	there := slices.ContainsFunc(zipNames(s.t, raw), func(name string) bool { return strings.HasPrefix(name, "data/capture/"+who.ID+"/") })
	if there == (who.Erased != nil) {
		s.t.Errorf("erased: %v, and the person's files are there: %v", who.Erased, there)
	}
	return who.Erased != nil
}

// times is how often something stands in the document's record.
func (s *scene) times(event string) (n int) {
	s.t.Helper()
	s.f.aside(func() {
		events, err := s.AuditChain(s.t.Context(), chain(s.p.id))
		s.must(err)
		for _, e := range events {
			if e.Kind == event {
				n++
			}
		}
	})
	return n
}
