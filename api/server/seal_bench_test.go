package server

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/api/store/pgtest"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/ledger"
	paper "inkwitness/evidence/pdf/page"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/tsa"
	"inkwitness/evidence/vault"
)

// evidenceParts are the parts of the service that make deposits, over a real
// database and files.
type evidenceParts struct {
	b      *testing.B
	store  *store.Store
	vault  *vault.Vault
	sealer *seal.Sealer
	log    *ledger.Log
}

func newEvidenceParts(b *testing.B, url string) *evidenceParts {
	b.Helper()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, dir := b.Context(), b.TempDir()
	db, err := store.Open(ctx, url, store.Options{Clock: wallClock{}})
	check(err)
	keys, err := openRoot(ctx, Config{RootKey: filepath.Join(dir, "root.key")}, db)
	check(err)
	blobs, err := vault.OpenDir(filepath.Join(dir, "blobs"))
	check(err)
	objects, err := vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: wallClock{}})
	check(err)
	authority, err := trust.Open(ctx, trust.Config{Keys: keys, Clock: wallClock{}})
	check(err)
	stamps, err := tsa.New(tsa.Config{Credential: authority.Timestamping, Serials: db, Clock: wallClock{}})
	check(err)
	log, err := ledger.Open(ctx, ledger.Config{Origin: "bench.example/log", Outbox: db, Tiles: db, Keys: keys, Clock: wallClock{}, Interval: 20 * time.Millisecond})
	check(err)
	sealer, err := seal.New(seal.Config{Vault: objects, Provider: authority, Own: authority.Seals(), Revoker: authority, Timestamper: stamps, Log: log, Clock: wallClock{}, Roots: []*x509.Certificate{authority.Root()}})
	check(err)
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = log.Run(running)
	}()
	b.Cleanup(func() {
		stop()
		<-ended
		check(db.Close())
	})
	return &evidenceParts{b, db, objects, sealer, log}
}

func (p *evidenceParts) put(ctx context.Context, deposit, name string, data []byte) (evidence.Object, error) {
	return p.vault.Put(ctx, evidence.Meta{Key: deposit + "/" + name, Class: evidence.ClassDeposit, Reason: "benchmark", Subject: deposit, Deposit: deposit,
		DeleteAfter: time.Now().AddDate(10, 0, 0)}, bytes.NewReader(data))
}

// one signs a document of 20 pages once and deposits it with a video of 10 s at
// 1 Mbit/s. Document and recording are stored before, as in the service.
func (p *evidenceParts) one(ctx context.Context, id string, document, strokes, video []byte) error {
	source, err := p.put(ctx, id, "source.pdf", document)
	if err != nil {
		return err
	}
	ink, err := p.put(ctx, id, "strokes.ink", strokes)
	if err != nil {
		return err
	}
	selfie, err := p.put(ctx, id, "selfie.webm", video)
	if err != nil {
		return err
	}
	who := seal.Person{ID: "signer", Subject: id, Name: "Ada Lovelace"}
	keep := func(kept *[]byte) seal.Keep {
		return func(_ context.Context, state []byte) error { *kept = bytes.Clone(state); return nil }
	}
	var signing, depositing []byte
	signed, err := p.sealer.Sign(ctx, seal.Signing{Deposit: id, Title: "Contract", Current: source, Signer: who, Fields: []string{"Signature1"}, Handwriting: curve(), Reason: "I sign",
		Prepare: []seal.Field{{Name: "Signature1", Page: 1, X: 60, Y: 600, Width: 180, Height: 60}}}, nil, keep(&signing))
	if err != nil {
		return err
	}
	commitment, err := p.sealer.Commit(ctx, seal.Contents{Deposit: id, Title: "Contract", Document: signed, Audit: []json.RawMessage{json.RawMessage(`{"kind":"signed"}`)},
		Signers: []seal.Signed{{Person: who, Field: "Signature1", SignedAt: time.Now(), Recording: []seal.File{{Name: "strokes.ink", Object: ink}, {Name: "selfie.webm", Object: selfie}}}}}, nil, keep(&depositing))
	if err != nil {
		return err
	}
	if err := p.store.Tx(ctx, func(ctx context.Context) error { return p.store.AddLogEntry(ctx, commitment) }); err != nil {
		return err
	}
	p.log.Wake()
	for {
		_, err := p.sealer.Deposit(ctx, depositing, keep(&depositing))
		if !errors.Is(err, evidence.ErrPending) {
			return err
		}
		time.Sleep(20 * time.Millisecond) // as often as the log is sequenced here
	}
}

func curve() capture.Signature {
	var s capture.Signature
	for i := range 400 {
		a := float64(i) / 12
		s.Points = append(s.Points, capture.Point{Time: int64(i) * 5000, X: int32(40*a + 300*math.Sin(a)), Y: int32(200 * math.Cos(1.7*a)),
			Pressure: uint16(30000 + 20000*math.Sin(a/3)), Down: i%70 > 3, Start: i%70 == 4})
	}
	return s
}

func twentyPages(b *testing.B) []byte {
	d := paper.New(paper.Config{Title: "Contract", Created: time.Now()})
	for i := range 20 {
		d.Heading(1, fmt.Sprintf("Page %d", i+1))
		d.Paragraph(strings.Repeat("The parties agree on the following. ", 40))
		if i < 19 {
			d.Break()
		}
	}
	var out bytes.Buffer
	if err := d.Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkDeposits is the making of whole deposits by several workers at once,
// on each database: one signature of a 20-page document, a video of 10 s, the
// log's answer, the container written and verified.
func BenchmarkDeposits(b *testing.B) {
	document, strokes, video := twentyPages(b), bytes.Repeat([]byte("ink"), 3000), bytes.Repeat([]byte("frame"), 250_000)
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			url := "sqlite:" + filepath.Join(b.TempDir(), "ink.db")
			if database == "postgres" {
				url = pgtest.URL(b)
			}
			p := newEvidenceParts(b, url)
			defer UseProcessors()()          // as the program does
			const deposits, workers = 200, 8 // most of a seal is waiting for the disk and the log
			made := 0
			for b.Loop() {
				var next atomic.Int64
				var group sync.WaitGroup
				for range workers {
					group.Go(func() {
						for next.Add(1) <= deposits {
							if err := p.one(b.Context(), api.NewID(), document, strokes, video); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				group.Wait()
				made += deposits
			}
			b.ReportMetric(float64(made)/b.Elapsed().Seconds(), "deposits/s")
		})
	}
}
