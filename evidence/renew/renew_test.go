package renew_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/renew"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/seal/sealtest"
)

// shelf is a renew.Store in memory. fail is asked before and after each effect.
type shelf struct {
	files   map[string][]byte
	records map[string][]byte
	rests   map[string]renew.Support
	gone    map[string]error
	fail    func(call string) error
}

func (s *shelf) trouble(call string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(call)
}

func (s *shelf) list(after string, n int, want func(id string) bool) (ids []string, err error) {
	for id := range s.files {
		if id > after && want(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(n, len(ids))], s.trouble("list")
}

func (s *shelf) Unrecorded(_ context.Context, after string, n int) ([]string, error) {
	return s.list(after, n, func(id string) bool { return s.records[id] == nil })
}

func (s *shelf) Supports(context.Context) (all []renew.Support, err error) {
	for _, on := range s.rests {
		if !slices.Contains(all, on) {
			all = append(all, on)
		}
	}
	return all, s.trouble("supports")
}

func (s *shelf) Resting(_ context.Context, on renew.Support, after string, n int) ([]string, error) {
	return s.list(after, n, func(id string) bool { return s.records[id] != nil && s.rests[id] == on })
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

func (s *shelf) Deposit(_ context.Context, id string) (renew.Content, []byte, error) {
	if err := errors.Join(s.gone[id], s.trouble("open")); err != nil {
		return nil, nil, err
	}
	return content{bytes.NewReader(s.files[id])}, s.records[id], nil
}

func (s *shelf) SaveRecord(_ context.Context, id string, record []byte, rests renew.Support) error {
	if err := s.trouble("save"); err != nil {
		return err
	}
	s.records[id], s.rests[id] = record, rests
	return s.trouble("saved")
}

func (s *shelf) Timestamp(ctx context.Context, by evidence.Timestamper, h crypto.Hash, digest []byte) ([]byte, error) {
	if err := s.trouble("stamp"); err != nil {
		return nil, err
	}
	token, err := by.Timestamp(ctx, h, digest)
	return token, errors.Join(err, s.trouble("stamped"))
}

// stamper lets the shelf's trouble into an authority.
type stamper struct {
	*shelf
	by evidence.Timestamper
}

func (s stamper) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	return s.shelf.Timestamp(ctx, s.by, h, digest)
}

func day(y int, m time.Month) time.Time { return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC) }

// table is one in which first the certificate ends (2038), then the hash.
func table() []cms.Algorithm {
	return []cms.Algorithm{{Name: "SHA-256", Hash: crypto.SHA256, Until: day(2042, 1)}, {Name: "SHA-384", Hash: crypto.SHA384, Until: day(2060, 1)}, {Name: "ECDSA P-256", Until: day(2060, 1)}}
}

// stage is a moment and what every record must be from then on: archive
// timestamps in each chain.
type stage struct {
	at     time.Time
	chains []int
	done   renew.Report
}

var life = []stage{
	{day(2026, 4), []int{1}, renew.Report{First: 3}},
	{day(2030, 1), []int{1}, renew.Report{}},
	{day(2037, 10), []int{2}, renew.Report{Timestamps: 3}},
	{day(2041, 9), []int{2, 1}, renew.Report{Hashes: 3}},
	{day(2043, 1), []int{2, 1}, renew.Report{}},
}

type world struct {
	*sealtest.World
	*shelf
	file []byte
	t    *testing.T
}

func newWorld(t *testing.T) *world {
	w := sealtest.New(t)
	return &world{World: w, file: w.Bytes(w.Sealed(1, 500).Container), t: t}
}

// restart empties the shelf but for three deposits.
func (w *world) restart() {
	w.shelf = &shelf{files: map[string][]byte{"a": w.file, "b": w.file, "c": w.file}, records: map[string][]byte{}, rests: map[string]renew.Support{}}
}

func (w *world) moveTo(at time.Time) { w.Clock.Advance(at.Sub(w.Clock.Now())) }

func (w *world) renewer(t []cms.Algorithm) *renew.Renewer {
	r, err := renew.New(renew.Config{Store: w.shelf, Timestamper: stamper{w.shelf, w.Config.Timestamper}, Clock: w.Clock, Table: t, Batch: 2})
	w.Check(err)
	return r
}

// with returns a deposit with its record.
func (w *world) with(id string) []byte {
	w.t.Helper()
	c, err := deposit.Open(bytes.NewReader(w.files[id]), int64(len(w.files[id])))
	w.Check(err)
	record, err := cms.ParseRecord(w.records[id])
	w.Check(err)
	r, err := c.WithRecord(record)
	w.Check(err)
	all, err := io.ReadAll(r)
	w.Check(err)
	return all
}

// holds checks every record as a stranger would, and its chains.
func (w *world) holds(when string, chains []int) {
	w.t.Helper()
	for _, id := range []string{"a", "b", "c"} {
		record, err := cms.ParseRecord(w.records[id])
		if err != nil {
			w.t.Fatalf("%s: record of %s: %v", when, id, err)
		}
		var got []int
		for _, c := range record.Chains {
			got = append(got, len(c))
		}
		if !slices.Equal(got, chains) {
			w.t.Errorf("%s: %s has chains of %v archive timestamps, want %v", when, id, got, chains)
		}
		report := sealtest.Verify(w.with(id), deposit.Options{Roots: w.Roots(), LogKeys: w.Ledger.Keys(), Now: w.Clock.Now(), Algorithms: table()})
		for _, c := range report.Failed() {
			w.t.Errorf("%s: %s: %s: %s", when, id, c.Code, c.Text)
		}
	}
}

// TestSixteenYears: first records, renewal before the certificate ends, renewal
// before the hash does; nothing is done twice, and Bouncy Castle agrees.
func TestSixteenYears(t *testing.T) {
	w := newWorld(t)
	w.restart()
	for _, s := range life {
		w.moveTo(s.at)
		done, err := w.renewer(table()).Run(t.Context())
		if err != nil || done != s.done {
			t.Fatalf("%s: %+v, %v, want %+v", s.at.Format(time.DateOnly), done, err, s.done)
		}
		if done, err := w.renewer(table()).Run(t.Context()); err != nil || done != (renew.Report{}) {
			t.Errorf("%s, again: %+v, %v", s.at.Format(time.DateOnly), done, err)
		}
		w.holds(s.at.Format(time.DateOnly), s.chains)
	}
	bouncyCastle(t, w.with("b"), w.records["b"], w.Clock.Now())
}

// bouncyCastle lets other people's code check a record over the files of a deposit.
func bouncyCastle(t *testing.T, container, record []byte, now time.Time) {
	t.Helper()
	dir := t.TempDir()
	jars := "/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar"
	if out, err := exec.Command("javac", "-cp", jars, "-d", dir, "../cms/testdata/CheckRecord.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "record.ers")
	args := []string{"-cp", jars + ":" + dir, "CheckRecord", fmt.Sprint(now.UnixMilli()), file}
	z, err := zip.NewReader(bytes.NewReader(container), int64(len(container)))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, record)
	for i, f := range z.File {
		if f.Name == "mimetype" || strings.Contains(strings.ToLower(f.Name), "evidencerecord") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, fmt.Sprint("file", i))
		write(name, b)
		args = append(args, name)
	}
	out, err := exec.Command("java", args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "present and valid") {
		t.Errorf("Bouncy Castle: %v\n%s", err, out)
	}
}

// TestFaults fails each call of every run once (INKWITNESS_FULL=1, otherwise
// every fifth), before its effect and after it; the next run leaves what a run
// without trouble leaves.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	begin := w.Clock.Now()
	trouble := errors.New("the power went")
	faults, step := 0, 10
	if os.Getenv("INKWITNESS_FULL") != "" {
		step = 1
	}
	for n := 0; ; n += step {
		w.restart()
		w.moveTo(begin)
		calls, hit := 0, ""
		w.fail = func(call string) error {
			if calls++; calls == n+1 {
				hit = call
				return trouble
			}
			return nil
		}
		for _, s := range life {
			w.moveTo(s.at)
			before := hit
			_, err := w.renewer(table()).Run(t.Context())
			if failed := hit != before; failed != errors.Is(err, trouble) {
				t.Errorf("call %d (%s) failed: %v, and the run says %v", n, hit, failed, err)
			} else if failed {
				_, err := w.renewer(table()).Run(t.Context())
				w.Check(err)
			}
		}
		if hit == "" {
			break
		}
		faults++
		w.fail = nil
		w.holds(fmt.Sprintf("call %d (%s) failed", n, hit), []int{2, 1})
	}
	if faults < 60/step {
		t.Errorf("%d faults tried: fewer than a life of three deposits has calls", faults)
	}
}

// TestWhatCannotBeRenewed: a damaged record, a damaged deposit and one that was
// erased do not keep the others from being renewed; and a proof that would end
// no later is not stored.
func TestWhatCannotBeRenewed(t *testing.T) {
	w := newWorld(t)
	w.restart()
	w.moveTo(life[0].at)
	w.gone = map[string]error{"b": evidence.ErrErased}
	w.files["c"] = bytes.Clone(w.file)
	w.files["c"][10] ^= 1
	done, err := w.renewer(table()).Run(t.Context())
	if done.First != 1 || !errors.Is(err, evidence.ErrCorrupt) && !errors.Is(err, evidence.ErrMalformed) || w.records["b"] != nil {
		t.Errorf("one of three is sound: %+v, %v", done, err)
	}
	w.files["c"], w.gone = w.file, nil
	if done, err := w.renewer(table()).Run(t.Context()); err != nil || done.First != 2 {
		t.Errorf("all sound again: %+v, %v", done, err)
	}
	w.files["a"] = bytes.Clone(w.file)
	at := bytes.Index(w.file, []byte("INKSTRM1"))
	w.files["a"][at+30] ^= 1
	w.moveTo(life[2].at)
	if done, err := w.renewer(table()).Run(t.Context()); done.Timestamps != 2 || !errors.Is(err, cms.ErrRecord) || !strings.Contains(err.Error(), "deposit a") {
		t.Errorf("one deposit changed since its record: %+v, %v", done, err)
	}

	w.restart()
	w.moveTo(day(2038, 1))
	short := table()
	short[2].Until = day(2045, 1)
	if _, err := w.renewer(short).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(w.records["a"])
	w.moveTo(day(2044, 12))
	short[0].Until = day(2060, 1)
	if _, err := w.renewer(short).Run(t.Context()); !errors.Is(err, renew.ErrNoBetter) || !bytes.Equal(before, w.records["a"]) {
		t.Errorf("the same algorithm again: %v, want ErrNoBetter and the record as it was", err)
	}
	if _, err := w.renewer(short[2:]).Run(t.Context()); !errors.Is(err, renew.ErrNoBetter) {
		t.Errorf("a table without a hash: %v", err)
	}
}

// TestErasedPart: a record made before a person was erased stays good, and is
// renewed, by timestamp and by hash, over what is left.
func TestErasedPart(t *testing.T) {
	w := newWorld(t)
	w.restart()
	w.moveTo(life[0].at)
	_, err := w.renewer(table()).Run(t.Context())
	w.Check(err)
	c, err := deposit.Open(bytes.NewReader(w.file), int64(len(w.file)))
	w.Check(err)
	statement, err := c.Erase("dep1", "request 17", w.Clock.Now(), "data/capture/signer-1/")
	w.Check(err)
	signed, err := w.CA.SignErasure(t.Context(), statement, w.Config.Timestamper)
	w.Check(err)
	var b bytes.Buffer
	w.Check(c.WriteErased(t.Context(), &b, signed))
	w.files["a"] = b.Bytes()
	for _, s := range life[1:] {
		w.moveTo(s.at)
		_, err := w.renewer(table()).Run(t.Context())
		w.Check(err)
		w.holds("erased, "+s.at.Format(time.DateOnly), s.chains)
	}
	w.files["a"] = bytes.Replace(w.files["a"], []byte("pressure_65535"), []byte("pressure_65536"), 1) // of the signer who was not erased
	report := sealtest.Verify(w.with("a"), deposit.Options{Roots: w.Roots(), Now: w.Clock.Now()})
	if !slices.ContainsFunc(report.Failed(), func(c evidence.Check) bool { return c.Code == deposit.CodeRecord }) {
		t.Error("the record covers a changed file")
	}
}

// TestPlanNamesWhatIsDue: the operator sees what a run would do.
func TestPlanNamesWhatIsDue(t *testing.T) {
	w := newWorld(t)
	w.restart()
	w.moveTo(life[0].at)
	if first, due, err := w.renewer(table()).Plan(t.Context()); err != nil || first != 3 || len(due) != 0 {
		t.Errorf("before the first run: %d, %v, %v", first, due, err)
	}
	_, err := w.renewer(table()).Run(t.Context())
	w.Check(err)
	w.moveTo(day(2041, 9))
	first, due, err := w.renewer(table()).Plan(t.Context())
	if err != nil || first != 0 || len(due) != 1 || due[0].Need != retain.NewHash || due[0].Deposits != 3 || due[0].Rests.Signature != "ECDSA P-256" {
		t.Errorf("before the hash ends: %d, %+v, %v", first, due, err)
	}
}
