package server

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/store/pgtest"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/retain"
)

// enrolled gives a signer a reference and a print, as recordings do.
func (b *bench) enrolled(d *ceremony.Document, who *ceremony.Signer, strokes []byte) (*ceremony.Subject, evidence.Object) {
	b.t.Helper()
	ctx, c := b.t.Context(), b.accounts.Ceremonies()
	subject, err := c.Subject(ctx, d.Organisation, who.Email)
	b.must(err)
	o, err := b.objects.Put(ctx, evidence.Meta{Key: "captures/" + api.NewID() + "/strokes.ink", Class: evidence.ClassReference, Reason: "reference for comparing signatures",
		DeleteAfter: b.clock.Now().AddDate(10, 0, 0), Subject: subject.ID, Deposit: "references"}, bytes.NewReader(strokes))
	b.must(err)
	subject.References = append(subject.References, ceremony.Reference{Capture: "x", Object: o, EnrolledAt: b.clock.Now()})
	b.must(b.store.Tx(ctx, func(ctx context.Context) error {
		return errors.Join(c.SaveSubject(ctx, subject), c.AddPrint(ctx, subject.ID, ceremony.Print{Capture: "x", Made: b.clock.Now(), Data: []byte("shape")}),
			b.store.Refer(ctx, "subject:"+subject.ID, []evidence.Object{o}))
	}))
	return subject, o
}

// read returns an object's bytes.
func (b *bench) read(o evidence.Object) []byte {
	b.t.Helper()
	r, err := b.objects.Open(b.t.Context(), o)
	b.must(err)
	defer r.Close()
	all, err := io.ReadAll(r)
	b.must(err)
	return all
}

// receiptsBy counts the signed receipts of deletions by that right.
func (b *bench) receiptsBy(authority string) (n int) {
	b.t.Helper()
	b.must(b.store.Receipts(b.t.Context(), "", func(key string, der []byte) error {
		signed, err := cms.Parse(der)
		if err == nil {
			err = signed.Verify(nil)
		}
		var r retain.Receipt
		if err == nil {
			err = json.Unmarshal(signed.Content, &r)
		}
		if r.Authority == authority {
			n++
		}
		return err
	}))
	return n
}

// TestErasureOfOneSigner: on each database the recording of one signer goes and
// the rest stands; nothing that was stored before can be read, with the blobs of
// a backup neither; a hold prevents it.
func TestErasureOfOneSigner(t *testing.T) {
	for name, change := range map[string]func(*Config){"sqlite": nil, "postgres": func(c *Config) { c.DatabaseURL = pgtest.URL(t) }} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change)
			ctx := t.Context()
			d := b.completed()
			b.must(b.renewRecords(ctx))
			b.must(b.purgeObjects(ctx))
			ada, before := d.Signers[0], d.Deposit.Object
			backup := filepath.Join(b.data, "blobs", filepath.FromSlash(before.Key))
			kept, err := os.ReadFile(backup)
			b.must(err)
			was := b.read(before)
			if !bytes.Contains(was, []byte("data/capture/"+ada.ID+"/consents.json")) {
				t.Fatal("the deposit has nothing of the signer")
			}
			hold, err := retain.NewHold(api.NewID(), d.ID, "case 4711", "ada", b.clock.Now())
			b.must(err)
			b.must(b.accounts.AddHold(ctx, firstOrganisation, hold))
			const right = "request 2026-17 of the data subject"
			if _, err := b.ceremony.EraseRecording(ctx, d.ID, ada.ID, right, ceremony.ByService); !errors.Is(err, evidence.ErrHeld) {
				t.Errorf("erased under a hold: %v", err)
			}
			b.clock.advance(retain.Provisional + time.Hour)
			b.must(b.purger.Confirm(ctx, "ada", "bob"))
			d, err = b.ceremony.EraseRecording(ctx, d.ID, ada.ID, right, ceremony.ByService)
			b.must(err)
			b.must(b.purgeObjects(ctx))
			if _, err := b.ceremony.EraseRecording(ctx, d.ID, ada.ID, right, ceremony.ByService); !errors.Is(err, api.ErrConflict) {
				t.Errorf("erased twice: %v", err)
			}

			// what was is gone, and cannot be read where it is brought back
			b.must(os.MkdirAll(filepath.Dir(backup), 0o700))
			b.must(os.WriteFile(backup, kept, 0o600))
			var gone *evidence.ErasedError
			if _, err := b.objects.Open(ctx, before); !errors.As(err, &gone) || gone.Authority != right {
				t.Errorf("the old container: %v, want it erased by %s", err, right)
			}
			if n := b.receiptsBy(right); n < 2 {
				t.Errorf("%d receipts name the right", n)
			}
			b.erasedDepositHolds(d, was, ada)

			// the other signer can be erased as well
			d, err = b.ceremony.EraseRecording(ctx, d.ID, d.Signers[1].ID, right, ceremony.ByService)
			b.must(err)
			b.must(b.purgeObjects(ctx))
			b.erasedDepositHolds(d, was, d.Signers[1])
		})
	}
}

// erasedDepositHolds checks the container after an erasure, with its record.
func (b *bench) erasedDepositHolds(d *ceremony.Document, was []byte, who *ceremony.Signer) {
	b.t.Helper()
	now := b.read(d.Deposit.Object)
	for name, raw := range map[string][]byte{"before": was, "after": now} {
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		b.must(err)
		there := slices.ContainsFunc(z.File, func(f *zip.File) bool {
			return strings.HasPrefix(f.Name, "data/capture/"+who.ID+"/") || f.Name == "data/comparison/"+who.ID+".json"
		})
		if there != (name == "before") {
			b.t.Errorf("%s the erasure the signer's files are there: %v", name, there)
		}
	}
	b.read(d.Current) // the signed document is there
	report := deposit.Verify(bytes.NewReader(now), int64(len(now)), b.trusted())
	if !report.Holds() || !slices.ContainsFunc(report.Checks, func(c evidence.Check) bool {
		return c.Code == deposit.CodeErased && c.Status == evidence.Holds && strings.Contains(c.Text, "request 2026-17")
	}) {
		b.t.Errorf("after the erasure: %+v", report.Checks)
	}
	b.recordHolds(d.ID, 1, func() { b.must(b.renewRecords(b.t.Context())) })
}

// TestWithdrawnReferences: what was enrolled goes with its keys, prints too, the
// deposit stays as it is, and the same address is somebody else from then on.
func TestWithdrawnReferences(t *testing.T) {
	for name, change := range map[string]func(*Config){"sqlite": nil, "postgres": func(c *Config) { c.DatabaseURL = pgtest.URL(t) }} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change)
			ctx, c := t.Context(), b.accounts.Ceremonies()
			d := b.completed()
			b.must(b.purgeObjects(ctx))
			ada := d.Signers[0]
			subject, o := b.enrolled(d, ada, []byte("strokes"))
			_, err := b.ceremony.WithdrawReferences(ctx, d.ID, ada.ID, ceremony.BySubject, ceremony.BySigner)
			b.must(err)
			b.must(b.purgeObjects(ctx))
			for _, key := range []string{"subject:" + subject.ID, o.DataKey} {
				if _, _, err := b.keys.Open(ctx, key); !errors.Is(err, evidence.ErrErased) {
					t.Errorf("key %s: %v", key, err)
				}
			}
			if prints, err := c.Prints(ctx, subject.ID, 10); err != nil || len(prints) != 0 {
				t.Errorf("%d prints, %v", len(prints), err)
			}
			again, err := c.Subject(ctx, d.Organisation, ada.Email)
			b.must(err)
			if again.ID == subject.ID || len(again.References) != 0 {
				t.Errorf("the same address is still %+v", again)
			}
			if n := b.receiptsBy(ceremony.BySubject); n != 1 {
				t.Errorf("%d receipts", n)
			}
			d, err = b.ceremony.Document(ctx, d.ID)
			b.must(err)
			if who, _ := d.Signer(ada.ID); who.Allows(ceremony.ForComparison) {
				t.Error("the consent to comparisons still stands")
			}
			raw := b.read(d.Deposit.Object)
			if report := deposit.Verify(bytes.NewReader(raw), int64(len(raw)), b.trusted()); !report.Holds() {
				t.Errorf("the deposit: %+v", report.Failed())
			}
			if _, broken, err := b.store.CheckAudit(ctx); err != nil || len(broken) != 0 {
				t.Errorf("the record: %v, %v", broken, err)
			}
		})
	}
}
