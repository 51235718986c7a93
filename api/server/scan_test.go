package server

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api/ceremony"
	"inkwitness/capture"
	"inkwitness/capture/ink"
)

// tablet is a device fact of a signer.
func tablet(signer string) string { return "a tablet like no other than that of " + signer }

// captures records a pen stream of the signer through the journal.
func (b *bench) captures(document, signer string, kind ceremony.CaptureKind, seed int) capture.SessionID {
	b.t.Helper()
	ctx := b.t.Context()
	c, err := b.ceremony.StartCapture(ctx, document, signer, ceremony.Capture{Kind: kind,
		Device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 100}, Browser: ceremony.BrowserFacts{System: tablet(signer)}})
	b.must(err)
	session, err := b.journal.Session(c.ID)
	b.must(err)
	points := curve().Points
	for i := range points {
		points[i].X += int32(seed * (i % 7))
	}
	for seq := 0; len(points) > 0; seq++ {
		n := min(20, len(points))
		msg, err := ink.AppendBatch(nil, ink.Batch{Seq: uint64(seq), Points: points[:n]})
		b.must(err)
		_, err = session.AppendPen(ctx, msg, session.Now())
		b.must(err)
		points = points[n:]
	}
	_, err = session.FinishStream(ctx, capture.StreamPen)
	b.must(err)
	_, err = b.ceremony.FinishCapture(ctx, document, signer, c.ID)
	b.must(err)
	return c.ID
}

// files are all files of the service but its root key, by name.
func (b *bench) files() map[string][]byte {
	b.t.Helper()
	all := map[string][]byte{}
	b.must(filepath.WalkDir(b.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "root.key" {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(b.data, path)
		all[name] = raw
		return err
	}))
	return all
}

// cells are all binary values of the database, by their bytes, with where they stand.
func (b *bench) cells() map[string]string {
	b.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.data, "inkwitness.db")+"?_pragma=query_only(1)")
	b.must(err)
	defer db.Close()
	var tables []string
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
	b.must(err)
	for rows.Next() {
		var name string
		b.must(rows.Scan(&name))
		tables = append(tables, name)
	}
	b.must(rows.Err())
	all := map[string]string{}
	for _, table := range tables {
		rows, err := db.Query(`SELECT * FROM "` + table + `"`)
		b.must(err)
		columns, err := rows.Columns()
		b.must(err)
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			b.must(rows.Scan(into...))
			for i, v := range values {
				if raw, ok := v.([]byte); ok && len(raw) >= 24 {
					all[string(raw)] = table + "." + columns[i]
				}
			}
		}
		b.must(rows.Err())
	}
	return all
}

// TestNothingOfTheErasedIsLeft: after the recording of a person was erased and
// what was enrolled withdrawn, neither the files nor what the root key opens of
// them holds a sample, a device fact or a key of that person. What the signed
// document says of the person stays.
func TestNothingOfTheErasedIsLeft(t *testing.T) {
	b := newBench(t, nil)
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.journal.Run(running) }()
	t.Cleanup(func() { stop(); <-ended })
	ctx := t.Context()
	ada := ""
	d := b.signed(true, func(document, signer string) capture.SessionID {
		if ada == "" {
			ada = signer
		}
		seed := 0
		if signer != ada {
			seed = 20
		}
		for range 5 {
			seed++
			b.captures(document, signer, ceremony.ReferenceCapture, seed)
		}
		return b.captures(document, signer, ceremony.SignatureCapture, seed+1)
	})
	b.must(b.purgeObjects(ctx))

	// what must go
	raw := b.read(d.Deposit.Object)
	samples := samplesOf(t, raw, ada)
	secrets := map[string][]byte{}
	keys, err := b.store.Keys(ctx)
	b.must(err)
	for _, k := range keys {
		if _, secret, err := b.keys.Open(ctx, k.ID); err == nil {
			secrets[k.ID] = secret
		}
	}
	before := b.cells()

	const right = "request 2026-17 of the data subject"
	_, err = b.ceremony.EraseRecording(ctx, d.ID, ada, right, ceremony.ByService)
	b.must(err)
	_, err = b.ceremony.WithdrawReferences(ctx, d.ID, ada, right, ceremony.ByService)
	b.must(err)
	b.must(b.purgeObjects(ctx))
	b.journalIsEmpty()

	// the files as they are
	forbidden := map[string][]byte{"a device fact": []byte(tablet(ada))}
	for i, s := range samples {
		forbidden[fmt.Sprintf("sample %d", i)] = s
	}
	keys, err = b.store.Keys(ctx)
	b.must(err)
	gone := 0
	for _, k := range keys {
		if k.Erased != nil && secrets[k.ID] != nil {
			gone++
			forbidden["the key "+k.ID] = secrets[k.ID]
		}
	}
	if gone < 3 { // of the container, of what was enrolled, of the subject
		t.Errorf("%d keys were destroyed", gone)
	}
	after, left := b.cells(), 0
	for value, where := range before {
		if _, stays := after[value]; !stays {
			left++
			forbidden["what stood in "+where] = []byte(value[len(value)/2-12 : len(value)/2+12])
		}
	}
	if left < 5 {
		t.Errorf("only %d values left the database", left)
	}
	files := b.files()
	scan(t, files, forbidden)

	// and what the root key opens of them
	opened := map[string][]byte{}
	objects, err := b.store.Objects(ctx, "", 1000)
	b.must(err)
	for _, o := range objects {
		opened["object "+o.Key] = b.read(o)
	}
	if stored := b.blobs(); len(stored) != len(objects) {
		t.Errorf("%d blobs, %d objects: %v", len(stored), len(objects), stored)
	}
	d, err = b.ceremony.Document(ctx, d.ID)
	b.must(err)
	opened["the document's row"], err = json.Marshal(d)
	b.must(err)
	events, err := b.accounts.AuditChain(ctx, chain(d.ID))
	b.must(err)
	opened["the record"], err = json.Marshal(events)
	b.must(err)
	scan(t, opened, forbidden)
	if names := zipNames(t, b.read(d.Deposit.Object)); strings.Contains(strings.Join(names, " "), "data/capture/"+ada) {
		t.Errorf("the container: %v", names)
	}
	if n, err := b.accounts.Ceremonies().Subject(ctx, d.Organisation, "ada@example.org"); err != nil || len(n.References) > 0 {
		t.Errorf("the subject: %+v, %v", n, err)
	}
}

// journalIsEmpty waits until no segment holds a record of a recording.
func (b *bench) journalIsEmpty() {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		sizes := map[string]int{}
		largest := 0
		for name, raw := range b.files() {
			if strings.HasPrefix(name, "journal"+string(filepath.Separator)) && strings.HasSuffix(name, ".seg") {
				sizes[name] = len(bytes.TrimRight(raw, "\x00"))
				largest = max(largest, sizes[name])
			}
		}
		if largest < 1000 && len(b.journal.Sessions()) == 0 {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the journal still holds %v, sessions %v", sizes, b.journal.Sessions())
		}
	}
}

// samplesOf cuts pieces out of the files of a signer's recording in a container.
func samplesOf(t *testing.T, raw []byte, signer string) (all [][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "data/capture/"+signer+"/") || !strings.HasSuffix(f.Name, ".ink") {
			continue
		}
		at, err := f.DataOffset() // entries are stored
		if err != nil {
			t.Fatal(err)
		}
		for off := at + 200; off+40 < at+int64(f.UncompressedSize64); off += 700 {
			all = append(all, raw[off:off+40])
		}
	}
	if len(all) == 0 {
		t.Fatal("the deposit has no strokes of the signer")
	}
	return all
}

// scan fails for each place that holds something forbidden.
func scan(t *testing.T, places, forbidden map[string][]byte) {
	t.Helper()
	for place, raw := range places {
		for what, b := range forbidden {
			if bytes.Contains(raw, b) {
				t.Errorf("%s holds %s at %d", place, what, bytes.Index(raw, b))
			}
		}
	}
}
