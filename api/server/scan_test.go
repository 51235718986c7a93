package server

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api/ceremony"
	"inkwitness/api/store/pgtest"
	"inkwitness/capture"
	"inkwitness/capture/ink"
	coded "inkwitness/capture/media"
	"inkwitness/capture/record"
)

// tablet is a device fact of a signer.
func tablet(signer string) string { return "a tablet like no other than that of " + signer }

// captures records a pen stream of the signer through the journal, with a video
// where there is one.
func (b *bench) captures(document, signer string, kind ceremony.CaptureKind, seed int, video [][]byte) capture.SessionID {
	b.t.Helper()
	ctx := b.t.Context()
	c, err := b.ceremony.StartCapture(ctx, document, signer, ceremony.Capture{Kind: kind, WithVideo: video != nil,
		Device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 100}, Browser: ceremony.BrowserFacts{System: tablet(signer)}})
	b.must(err)
	session, err := b.journal.Session(c.ID)
	b.must(err)
	for i, payload := range video {
		_, err := session.Append(ctx, capture.StreamVideo, uint64(i), session.Now(), payload)
		b.must(err)
	}
	draw(b.t, session, seed)
	_, err = b.ceremony.FinishCapture(ctx, document, signer, c.ID)
	b.must(err)
	return c.ID
}

// draw sends a pen stream whole; another seed is another curve.
func draw(t *testing.T, session *record.Session, seed int) {
	t.Helper()
	points := curve().Points
	for i := range points {
		points[i].X += int32(seed * (i % 7))
	}
	for seq := 0; len(points) > 0; seq++ {
		n := min(20, len(points))
		msg, err := ink.AppendBatch(nil, ink.Batch{Seq: uint64(seq), Points: points[:n]})
		if err == nil {
			_, err = session.AppendPen(t.Context(), msg, session.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		points = points[n:]
	}
	if _, err := session.FinishStream(t.Context(), capture.StreamPen); err != nil {
		t.Fatal(err)
	}
}

// selfie is a video of a drawn face as VP8 frames, 25 a second, and their payloads.
func selfie(t *testing.T) (payloads [][]byte) {
	t.Helper()
	const frames = 50
	var raw bytes.Buffer
	for i := range frames {
		p := drawnFace(true)
		for y := range 240 { // the light changes
			p.Y[p.YOffset((i*37+y)%320, y)] /= 2
		}
		raw.Write(p.Y)
		raw.Write(p.Cb)
		raw.Write(p.Cr)
	}
	cmd := exec.Command("ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x240", "-r", "25", "-i", "-",
		"-c:v", "libvpx", "-b:v", "1M", "-g", "5", "-deadline", "realtime", "-f", "ivf", "-")
	cmd.Stdin = &raw
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, &trouble)
	}
	payloads = append(payloads, coded.Append(nil, coded.Segment{Reason: coded.Started}),
		coded.Append(nil, coded.TrackStart{Track: coded.Video, Codec: coded.VP8, ClockRate: 90000, SSRC: 1}))
	for ivf, i := out.Bytes()[32:], 0; len(ivf) >= 12; i++ { // each after its length and time in 12 bytes
		n := int(binary.LittleEndian.Uint32(ivf))
		data := ivf[12 : 12+n]
		payloads = append(payloads, coded.Append(nil, coded.Frame{Track: coded.Video, Key: data[0]&1 == 0, RTP: int64(i) * 3600, Arrival: int64(i) * 40_000, Data: data}))
		ivf = ivf[12+n:]
	}
	if len(payloads) < frames {
		t.Fatalf("ffmpeg made %d frames", len(payloads)-2)
	}
	return payloads
}

// files are all files of the service but its root key, by name, and those of its
// PostgreSQL.
func (b *bench) files() map[string][]byte {
	b.t.Helper()
	all := map[string][]byte{}
	roots := map[string]string{"": b.data}
	if b.store.Dialect() == "postgres" {
		roots["postgres/"] = pgtest.Files(b.t)
	}
	for prefix, root := range roots {
		b.must(filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) { // PostgreSQL's own come and go
				return nil
			}
			if err != nil || !e.Type().IsRegular() || e.Name() == "root.key" {
				return err
			}
			raw, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			name, _ := filepath.Rel(root, path)
			all[prefix+name] = raw
			return err
		}))
	}
	return all
}

// cells are all binary values of the database, by their bytes, with where they stand.
func (b *bench) cells() map[string]string {
	b.t.Helper()
	driver, address, list := "sqlite", "file:"+filepath.Join(b.data, "inkwitness.db")+"?_pragma=query_only(1)", `SELECT name FROM sqlite_schema WHERE type = 'table'`
	if b.store.Dialect() == "postgres" {
		driver, address, list = "pgx", b.cfg.DatabaseURL, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	db, err := sql.Open(driver, address)
	b.must(err)
	defer db.Close()
	var tables []string
	rows, err := db.Query(list)
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
	network := drawnNetwork()
	model := filepath.Join(t.TempDir(), "face.onnx")
	if err := os.WriteFile(model, network, 0o600); err != nil {
		t.Fatal(err)
	}
	video := selfie(t)
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			nothingIsLeft(t, video, func(c *Config) {
				if c.Face = (FaceConfig{Model: model, SHA256: fmt.Sprintf("%x", sha256.Sum256(network))}); database == "postgres" {
					c.DatabaseURL = pgtest.URL(t)
				}
			})
		})
	}
}

func nothingIsLeft(t *testing.T, video [][]byte, change func(*Config)) {
	b := newBench(t, change)
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
		seed, seen := 0, video
		if signer != ada {
			seed, seen = 20, nil
		}
		for range 5 {
			seed++
			b.captures(document, signer, ceremony.ReferenceCapture, seed, nil)
		}
		return b.captures(document, signer, ceremony.SignatureCapture, seed+1, seen)
	})
	b.must(b.purgeObjects(ctx))

	// what must go
	raw := b.read(d.Deposit.Object)
	samples := samplesOf(t, raw, ada)
	subject, err := b.accounts.Ceremonies().Subject(ctx, d.Organisation, "ada@example.org")
	b.must(err)
	if subject.Face == nil {
		t.Fatal("no still of the face was enrolled")
	}
	still := b.read(subject.Face.Object)
	for at := 700; at+40 < len(still); at += 1000 {
		samples = append(samples, still[at:at+40])
	}
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
	if b.store.Dialect() == "postgres" { // dead rows stay in its pages until they are written anew
		b.must(Compact(ctx, b.cfg, io.Discard))
	}

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
	b.must(Compact(ctx, b.cfg, io.Discard)) // beside the running service, which goes on
	b.read(d.Deposit.Object)
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
	kinds := map[string]bool{}
	for _, f := range z.File {
		step := map[string]int64{".ink": 700, ".webm": 5000}[path.Ext(f.Name)]
		if !strings.HasPrefix(f.Name, "data/capture/"+signer+"/") || step == 0 {
			continue
		}
		kinds[path.Ext(f.Name)] = true
		at, err := f.DataOffset() // entries are stored
		if err != nil {
			t.Fatal(err)
		}
		for off := at + 200; off+40 < at+int64(f.UncompressedSize64); off += step {
			all = append(all, raw[off:off+40])
		}
	}
	if len(kinds) != 2 {
		t.Fatalf("the deposit has of strokes and video of the signer only %v", kinds)
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
