package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/store/pgtest"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/vault"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// testClock is moved by the test.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *testClock) advance(d time.Duration) { c.set(c.Now().Add(d)) }

// start is a leap day: what is sealed then ends on 1 March.
var start = time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)

// bench is a service of which only the sealing and the log run; the test does
// what the care of objects would do by itself.
type bench struct {
	*Server
	t     *testing.T
	clock *testClock
	data  string
}

func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := newIdleBench(t, change)
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = b.ceremony.Run(ctx) })
	parts.Go(func() { _ = b.log.Run(ctx) })
	t.Cleanup(func() {
		stop()
		parts.Wait()
	})
	return b
}

// newIdleBench is one in which nothing runs.
func newIdleBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	cfg := Config{Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0"}
	if change != nil {
		change(&cfg)
	}
	clock := &testClock{now: start}
	cfg.seams.clock = clock
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.listener.Close(), s.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return &bench{s, t, clock, cfg.Data}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

var linkSecret = regexp.MustCompile(`/sign#t=(\S+)`)

// completed takes a document through the whole line, signed by typing the name.
func (b *bench) completed() *ceremony.Document {
	b.t.Helper()
	return b.signed(false, func(string, string) capture.SessionID { return "" })
}

// signed takes a document through the whole line; record makes a signer's
// recording, where there is one.
func (b *bench) signed(given bool, record func(document, signer string) capture.SessionID) *ceremony.Document {
	b.t.Helper()
	ctx := b.t.Context()
	d := b.sent()
	for _, who := range d.Signers {
		signer := b.confirm(d, who, given, record)
		var err error
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			d, err = b.ceremony.Document(ctx, d.ID)
			b.must(err)
			if s, _ := d.Signer(signer); s.State == ceremony.Signed {
				break
			}
			if time.Now().After(deadline) {
				b.t.Fatalf("%s could not sign: %s", who.Name, d.Trouble)
			}
		}
	}
	for deadline := time.Now().Add(time.Minute); d.State != ceremony.Completed; time.Sleep(20 * time.Millisecond) {
		var err error
		d, err = b.ceremony.Document(ctx, d.ID)
		b.must(err)
		if time.Now().After(deadline) {
			b.t.Fatalf("the document is %s: %s", d.State, d.Trouble)
		}
	}
	return d
}

// confirm takes a signer from the link to the last press.
func (b *bench) confirm(d *ceremony.Document, who *ceremony.Signer, given bool, record func(document, signer string) capture.SessionID) (signer string) {
	b.t.Helper()
	ctx := b.t.Context()
	mails, err := b.accounts.AllMails(ctx, 100)
	b.must(err)
	secret := ""
	for _, m := range mails { // the newest stands first
		if found := linkSecret.FindStringSubmatch(m.Text); found != nil && m.To == who.Email && secret == "" {
			secret = found[1]
		}
	}
	_, _, signer, err = b.ceremony.OpenLink(ctx, secret, "browser of "+who.Name)
	b.must(err)
	for _, p := range ceremony.Purposes {
		_, err := b.ceremony.Consent(ctx, d.ID, signer, ceremony.Consent{Purpose: p, TextVersion: ceremony.ConsentVersion, Language: "en", Given: given})
		b.must(err)
	}
	captured, typed := record(d.ID, signer), ""
	if captured == "" {
		typed = who.Name
	}
	_, err = b.ceremony.Confirm(ctx, d.ID, signer, captured, typed)
	b.must(err)
	return signer
}

const benchOwner = "0000000000000000000000000000000a"

// sent uploads a document and sends it to two people.
func (b *bench) sent() *ceremony.Document {
	b.t.Helper()
	return b.sentTo(ceremony.SignerPlan{Name: "Ada First", Email: "ada@example.org"}, ceremony.SignerPlan{Name: "Bo Second", Email: "bo@example.org"})
}

func (b *bench) sentTo(people ...ceremony.SignerPlan) *ceremony.Document {
	b.t.Helper()
	ctx := b.t.Context()
	if _, err := b.accounts.Organisation(ctx, firstOrganisation); errors.Is(err, api.ErrNotFound) {
		b.must(b.accounts.CreateOrganisation(ctx, api.Organisation{ID: firstOrganisation, Created: b.clock.Now(), Name: "Old Mill"}))
		b.must(b.accounts.CreateAccount(ctx, api.Account{ID: benchOwner, Created: b.clock.Now(), State: api.AccountActive, Profile: api.Profile{Email: "olivia@example.org", Name: "Olivia Owner", Language: "en"}}))
	}
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-rotated.pdf"))
	b.must(err)
	d, err := b.ceremony.Upload(ctx, firstOrganisation, benchOwner, "Lease", "lease.pdf", bytes.NewReader(pdf), int64(len(pdf)))
	b.must(err)
	var fields []ceremony.Field
	for i := range people {
		fields = append(fields, ceremony.Field{Signer: i, Page: 1, X: 60, Y: 60 + 100*float64(i), Width: 160, Height: 60})
	}
	d, err = b.ceremony.Plan(ctx, d.ID, people, fields)
	b.must(err)
	d, err = b.ceremony.Send(ctx, d.ID)
	b.must(err)
	return d
}

// blobs lists the files of the first store.
func (b *bench) blobs() (names []string) {
	root := filepath.Join(b.data, "blobs")
	b.must(filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(root, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	}))
	return names
}

// jump moves the clock and lets two people say that it is right.
func (b *bench) jump(to time.Time) {
	b.t.Helper()
	b.clock.set(to)
	if err := b.purgeObjects(b.t.Context()); !errors.Is(err, evidence.ErrClock) {
		b.t.Fatalf("the clock jumped to %v: %v, want ErrClock", to, err)
	}
	b.confirmClock()
	b.must(b.purgeObjects(b.t.Context()))
}

func (b *bench) confirmClock() {
	b.t.Helper()
	b.must(b.purger.Confirm(b.t.Context(), "ada", "bob"))
}

// TestFinishedProjectIsWiped: of a completed document stays what stands for ten
// years, of a cancelled one nothing, and nobody can read the rest from a backup.
func TestFinishedProjectIsWiped(t *testing.T) {
	b := newBench(t, nil)
	ctx := t.Context()
	d := b.completed()
	cancelled := b.sent()
	_, err := b.ceremony.Cancel(ctx, cancelled.ID)
	b.must(err)
	b.must(b.purgeObjects(ctx))
	left := strings.Join(b.blobs(), " ")
	if want := "deposits/" + d.ID + "/deposit.asice deposits/" + d.ID + "/signed.pdf"; left != want {
		t.Errorf("left are %s, want %s", left, want)
	}
	for _, id := range []string{d.ID, cancelled.ID} {
		if _, _, err := b.keys.Open(ctx, "data/"+id+"/project"); !errors.Is(err, evidence.ErrErased) {
			t.Errorf("the key of project %s: %v, want it destroyed", id, err)
		}
		if _, err := b.objects.Open(ctx, d.Source); !errors.Is(err, evidence.ErrErased) {
			t.Errorf("the upload can still be opened: %v", err)
		}
	}
	r, err := b.objects.Open(ctx, d.Deposit.Object)
	if err != nil {
		t.Fatalf("the deposit: %v", err)
	}
	r.Close()
	receipts := 0
	b.must(b.store.Receipts(ctx, "", func(key string, receipt []byte) error {
		receipts++
		signed, err := cms.Parse(receipt)
		if err == nil {
			err = signed.Verify(nil)
		}
		if err != nil || !bytes.Contains(signed.Content, []byte(retain.ReceiptFormat)) || bytes.Contains(signed.Content, []byte("Ada")) {
			t.Errorf("receipt of %s: %v, %s", key, err, signed.Content)
		}
		return nil
	}))
	if receipts < 3 {
		t.Errorf("%d receipts", receipts)
	}
	if c, err := (&checker{store: b.store, objects: b.objects, keys: b.keys, clock: b.clock}).structure(ctx); err != nil || !c.Sound() || c.Structure.Objects != 2 || c.Log.Size != 1 {
		t.Errorf("check: %+v, %v", c, err)
	}
}

// TestTenCalendarYears: a deposit of 29 February stands on the last day and is
// gone on 1 March ten years later, with its row, its links and its keys.
func TestTenCalendarYears(t *testing.T) {
	b := newBench(t, nil)
	ctx := t.Context()
	d := b.completed()
	b.must(b.purgeObjects(ctx))
	end := time.Date(2038, 3, 1, 12, 0, 0, 0, time.UTC)
	if !d.Deposit.RetainUntil.Equal(end) {
		t.Fatalf("kept until %v, want %v", d.Deposit.RetainUntil, end)
	}
	b.jump(end.AddDate(0, 0, -89))
	for range 2 { // once, however often it is looked for
		b.must(b.announceEnds(ctx))
	}
	mails, err := b.accounts.AllMails(ctx, 100)
	b.must(err)
	told := 0
	for _, m := range mails {
		if m.Kind == string(api.NoticeEnding) && m.To == "olivia@example.org" && strings.Contains(m.Text, "2038-03-01") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the owner was told %d times that the deposit ends", told)
	}
	b.jump(end.Add(-time.Second))
	r, err := b.objects.Open(ctx, d.Deposit.Object)
	if err != nil {
		t.Fatalf("the deposit on its last day: %v", err)
	}
	r.Close()
	b.clock.set(end)
	b.must(b.purgeObjects(ctx))
	if left := b.blobs(); len(left) != 0 {
		t.Errorf("left on the day: %v", left)
	}
	if _, err := b.ceremony.Document(ctx, d.ID); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("the document's row: %v", err)
	}
	for _, key := range []string{"data/" + d.ID + "/" + d.ID, "document:" + d.ID, "audit:document:" + d.ID} {
		if _, _, err := b.keys.Open(ctx, key); !errors.Is(err, evidence.ErrErased) {
			t.Errorf("key %s: %v, want it destroyed", key, err)
		}
	}
	if _, broken, err := b.store.CheckAudit(ctx); err != nil || len(broken) != 0 {
		t.Errorf("the record: %v, %v", broken, err)
	}
}

// TestHoldStopsTheClock: a year beyond its end a held deposit is there; lifted,
// it goes within the day.
func TestHoldStopsTheClock(t *testing.T) {
	b := newBench(t, nil)
	ctx := t.Context()
	d := b.completed()
	end := d.Deposit.RetainUntil
	b.must(b.purgeObjects(ctx))
	b.jump(end.AddDate(0, 0, -1))
	hold, err := retain.NewHold(api.NewID(), d.ID, "case 4711", "ada", b.clock.Now())
	b.must(err)
	b.must(b.accounts.AddHold(ctx, firstOrganisation, hold))
	agreed, err := hold.Agree("bob", b.clock.Now())
	b.must(err)
	b.must(b.accounts.SaveHold(ctx, hold, agreed))
	b.jump(end.AddDate(1, 0, 0))
	if _, err := b.ceremony.Document(ctx, d.ID); err != nil {
		t.Fatalf("the held document: %v", err)
	}
	if len(b.blobs()) != 2 {
		t.Fatalf("of the held deposit is left: %v", b.blobs())
	}
	ended, err := agreed.End("ada", b.clock.Now())
	b.must(err)
	b.must(b.accounts.SaveHold(ctx, agreed, ended))
	lifted, err := ended.Lift("bob", b.clock.Now())
	b.must(err)
	b.must(b.accounts.SaveHold(ctx, ended, lifted))
	b.clock.advance(time.Hour)
	b.must(b.purgeObjects(ctx))
	if left := b.blobs(); len(left) != 0 {
		t.Errorf("left after the hold was lifted: %v", left)
	}
}

// TestClockThatWalks: steps of less than a day, in services that are started one
// after the other, do not add up to more than a day.
func TestClockThatWalks(t *testing.T) {
	b := newIdleBench(t, nil)
	b.must(b.purgeObjects(t.Context()))
	for step := 1; step <= 20; step++ {
		b.clock.advance(12 * time.Hour)
		p, err := retain.New(retain.Config{Store: b.store, Vault: b.objects, Signer: plainReceipts{}, Clock: b.clock})
		b.must(err)
		if b.purger = p; step%2 == 0 { // now and then one purges twice
			_, _ = p.Purge(t.Context())
		}
		if err := b.purgeObjects(t.Context()); errors.Is(err, evidence.ErrClock) != (step > 2) {
			t.Errorf("step %d: %v", step, err)
		}
	}
	b.confirmClock()
	b.must(b.purgeObjects(t.Context()))
}

type plainReceipts struct{}

func (plainReceipts) SignReceipt(_ context.Context, b []byte) ([]byte, error) { return b, nil }

// stuck is a store in which one blob cannot be deleted.
type stuck struct {
	vault.Blobs
	name *string
}

func (s stuck) Delete(ctx context.Context, name string) error {
	if name == *s.name {
		return errors.New("the store refuses")
	}
	return s.Blobs.Delete(ctx, name)
}

// TestOneThatCannotBeDeleted: a blob that its store does not let go keeps no
// other from its end, no row of a document either.
func TestOneThatCannotBeDeleted(t *testing.T) {
	var refused string
	b := newBench(t, func(c *Config) { c.seams.blobs = func(b vault.Blobs) vault.Blobs { return stuck{b, &refused} } })
	ctx := t.Context()
	first := b.completed()
	b.clock.advance(time.Minute)
	second := b.completed()
	b.must(b.purgeObjects(ctx))
	refused = first.Deposit.Object.Key
	b.clock.set(second.Deposit.RetainUntil)
	b.confirmClock()
	for range 2 {
		if err := b.purgeObjects(ctx); err == nil || !strings.Contains(err.Error(), refused) {
			t.Errorf("the purge says %v", err)
		}
	}
	if left := b.blobs(); !slices.Equal(left, []string{refused}) {
		t.Errorf("left are %v", left)
	}
	if _, err := b.ceremony.Document(ctx, second.ID); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("the other document: %v", err)
	}
	refused = ""
	b.must(b.purgeObjects(ctx))
	if left := b.blobs(); len(left) > 0 {
		t.Errorf("left in the end are %v", left)
	}
}

// TestCopiesAreRepaired: what one store lost or damaged comes from another; what
// all have damaged is named.
func TestCopiesAreRepaired(t *testing.T) {
	second := filepath.Join(t.TempDir(), "second")
	b := newBench(t, func(c *Config) { c.BlobCopies = []string{second} })
	ctx := t.Context()
	d := b.completed()
	b.must(b.purgeObjects(ctx))
	key := d.Deposit.Object.Key
	flip := func(root string) {
		t.Helper()
		path := filepath.Join(root, key)
		raw, err := os.ReadFile(path)
		b.must(err)
		raw[len(raw)/2] ^= 1
		b.must(os.WriteFile(path, raw, 0o600))
	}
	first := filepath.Join(b.data, "blobs")
	whole, err := os.ReadFile(filepath.Join(first, key))
	b.must(err)
	flip(second)
	b.must(os.Remove(filepath.Join(second, d.Current.Key)))
	check := func() CheckReport {
		t.Helper()
		b.clock.advance(time.Minute)
		c := &checker{store: b.store, objects: b.objects, keys: b.keys, clock: b.clock}
		r, err := c.structure(ctx)
		b.must(err)
		b.must(c.heal(ctx, &r))
		b.must(c.bytes(ctx, 1<<40, &r.Bytes))
		return r
	}
	if r := check(); !r.Sound() || r.Bytes.Repaired != 2 || r.Bytes.Objects != 2 {
		t.Errorf("one copy damaged, one lost: %+v", r)
	}
	repaired, err := os.ReadFile(filepath.Join(second, key))
	if err != nil || !bytes.Equal(repaired, whole) {
		t.Errorf("the damaged copy was not repaired: %v", err)
	}
	flip(first)
	flip(second)
	r := check()
	if r.Sound() || len(r.Bytes.Damaged) != 1 || r.Bytes.Damaged[0] != key {
		t.Errorf("every copy damaged: %+v", r.Bytes)
	}
	var out bytes.Buffer
	b.must(r.Write(&out))
	if !strings.Contains(out.String(), "DAMAGED  "+key) {
		t.Errorf("the report does not name it:\n%s", &out)
	}
	kept, err := b.store.ObjectsOf(ctx, d.ID)
	b.must(err)
	for _, k := range kept {
		if (k.Damage != "") != (k.Key == key) {
			t.Errorf("%s: damage %q", k.Key, k.Damage)
		}
	}
}

// TestLostObjectsLetOthersBeRead: where large objects are lost for good, every
// byte of the others is read within the week all the same.
func TestLostObjectsLetOthersBeRead(t *testing.T) {
	b := newIdleBench(t, nil)
	ctx := t.Context()
	var all []evidence.Object
	for i, size := range []int{1 << 20, 1 << 20, 1 << 16, 1 << 16, 1 << 16, 1 << 16, 1 << 16} {
		o, err := b.objects.Put(ctx, evidence.Meta{Key: fmt.Sprintf("k/%d", i), Class: evidence.ClassDeposit, Reason: "letter of deposit",
			DeleteAfter: start.AddDate(10, 0, 0), Subject: "s", Deposit: "d"}, bytes.NewReader(make([]byte, size)))
		b.must(err)
		all = append(all, o)
	}
	b.must(b.store.Refer(ctx, "document:d", all))
	b.must(b.objects.Delete(ctx, all[0]))
	b.must(b.objects.Delete(ctx, all[1]))
	for range 7 * 24 {
		b.clock.advance(time.Hour)
		b.must(b.checkSelf(ctx))
		b.must(b.store.Care(ctx, "task check", b.clock.Now()))
	}
	week := b.clock.Now().Add(-week)
	kept, err := b.store.ObjectsOf(ctx, "d")
	b.must(err)
	for i, k := range kept {
		if !k.Checked.After(week) || (k.Damage != "") != (i < 2) {
			t.Errorf("%s was last read %v, damage %q", k.Key, k.Checked, k.Damage)
		}
	}
	if got := gauge(t, b.damage.WithLabelValues("damaged")); got != 2 {
		t.Errorf("the alarm counts %v damaged objects, want 2", got)
	}
}

// TestShareOfBytes: one seventh a day, and everything within the week.
func TestShareOfBytes(t *testing.T) {
	for _, test := range []struct {
		elapsed time.Duration
		want    int64
	}{{0, 0}, {time.Hour, 1000}, {24 * time.Hour, 24_000}, {week, 168_000}, {10 * week, 168_000}} {
		if got := shareOf(168_000, test.elapsed); got != test.want {
			t.Errorf("after %v: %d bytes, want %d", test.elapsed, got, test.want)
		}
	}
}

// TestMissedTaskRaisesTheAlarm: a task that fails is tried again, and after
// twice its period the alarm is on until it succeeds.
func TestMissedTaskRaisesTheAlarm(t *testing.T) {
	b := newBench(t, nil)
	ctx := t.Context()
	runs, trouble := 0, error(nil)
	task := task{"test", time.Hour, func(context.Context) error { runs++; return trouble }}
	step := func(d time.Duration, wantRuns int) {
		t.Helper()
		b.clock.advance(d)
		_ = b.carer.once(ctx, task)
		if runs != wantRuns {
			t.Errorf("ran %d times, want %d", runs, wantRuns)
		}
	}
	step(0, 1)
	step(30*time.Minute, 1)
	trouble = errors.New("no")
	step(30*time.Minute, 2)
	step(time.Minute, 3)
	if n := gauge(t, b.carer.overdue.WithLabelValues("test")); n != 0 {
		t.Errorf("overdue %v within the second period", n)
	}
	step(2*time.Hour, 4)
	if n := gauge(t, b.carer.overdue.WithLabelValues("test")); n != 1 {
		t.Errorf("overdue %v after two periods", n)
	}
	trouble = nil
	step(time.Minute, 5)
	if n := gauge(t, b.carer.overdue.WithLabelValues("test")); n != 0 {
		t.Errorf("overdue %v after success", n)
	}
	step(time.Minute, 5)
}

func gauge(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetGauge().GetValue()
}
