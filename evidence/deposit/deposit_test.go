package deposit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/capture/archive/archivetest"
	"inkwitness/evidence"
)

var sealed = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

func info() Info {
	return Info{ID: "dep1", Title: "A contract", Sealed: sealed, Ends: sealed.AddDate(10, 0, 0), Service: "Test", Log: Log{Origin: "example.com/log"}}
}

func parts() []Part {
	audit, err := Chain([]json.RawMessage{json.RawMessage(`{"kind":"opened"}`), json.RawMessage(`{"kind":"signed"}`)})
	if err != nil {
		panic(err)
	}
	return []Part{Bytes(DocumentName, []byte("%PDF-1.7 not really")), Bytes(AuditName, audit), Bytes(LetterName, []byte("letter")),
		Bytes("data/capture/s1/strokes.ink", []byte("ink")), Bytes("data/capture/s1/empty.txt", nil)}
}

func container(t *testing.T, p []Part) []byte {
	t.Helper()
	plan, err := NewPlan(info(), p)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := plan.Write(t.Context(), &b, Seal{Signature: []byte("sig"), Timestamp: []byte("tst"), Proof: []byte("proof")}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestSameContentsSameBytes(t *testing.T) {
	a := parts()
	b := parts()
	b[0], b[3] = b[3], b[0]
	if !bytes.Equal(container(t, a), container(t, b)) {
		t.Error("the order in which parts were named changes the container")
	}
}

func TestUnzipAndSchema(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "d.asice")
	raw := container(t, parts())
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "unzip", "-t", file); !strings.Contains(out, "No errors detected") {
		t.Error(out)
	}
	run(t, "unzip", "-q", file, "-d", filepath.Join(dir, "x"))
	for _, name := range []string{asicName, stampListName} {
		run(t, "xmllint", "--noout", "--schema", "testdata/asicmanifest.xsd", filepath.Join(dir, "x", name))
	}
	// "the file at offset 38 says what this is" (EN 319 162-1, annex A.1)
	if got := string(raw[30 : 30+len(mimetypeName)+len(MediaType)]); got != mimetypeName+MediaType {
		t.Errorf("the container starts with %q", got)
	}
}

func TestRefusedParts(t *testing.T) {
	for name, p := range map[string][]Part{
		"outside":   {Bytes("contract.pdf", nil)},
		"parent":    {Bytes("data/../x", nil)},
		"twice":     {Bytes("data/a", nil), Bytes("data/a", nil)},
		"same name": {Bytes("data/a", nil), Bytes("data/A", nil)},
		"hidden":    {Bytes("data/.a", nil)},
		"slash":     {Bytes("data/a/", nil)},
		"long":      {Bytes("data/"+strings.Repeat("a", 300), nil)},
		"quote":     {Bytes(`data/a"b`, nil)},
	} {
		if _, err := NewPlan(info(), p); !errors.Is(err, evidence.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPartThatChanged(t *testing.T) {
	for name, now := range map[string]string{"other": "INK", "shorter": "in", "longer": "ink!"} {
		p := parts()
		p[3].Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(now)), nil }
		plan, err := NewPlan(info(), p)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Write(t.Context(), io.Discard, Seal{}); !errors.Is(err, evidence.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Containers that no writer of ours made.
func TestForeignContainers(t *testing.T) {
	good := container(t, parts())
	dir := t.TempDir()
	for _, n := range []string{"mimetype", "b"} {
		if err := os.WriteFile(filepath.Join(dir, n), bytes.Repeat([]byte("a"), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "sh", "-c", "cd "+dir+" && zip -q packed.zip mimetype b && zip -q -0 -X stored.zip mimetype b")
	read := func(n string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "rubbish": []byte("PK rubbish"), "compressed": read("packed.zip"), "by another program": read("stored.zip"),
		"trailing": append(bytes.Clone(good), 0), "leading": append([]byte{0}, good...), "cut": good[:len(good)-1],
		"two": append(bytes.Clone(good), good...), "only the end": good[len(good)-22:],
	} {
		r := Verify(bytes.NewReader(b), int64(len(b)), Options{})
		structural := false
		for _, c := range r.Failed() {
			structural = structural || c.Code == CodeStructure || c.Code == CodeUnreadable
		}
		if !structural {
			t.Errorf("%s: %+v", name, r.Failed())
		}
	}
}

func TestAuditChain(t *testing.T) {
	var events []json.RawMessage
	for i := range 10 {
		events = append(events, json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)))
	}
	chain, err := Chain(events)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := checkChain(bytes.NewReader(chain)); n != 10 || err != nil {
		t.Errorf("%d events, %v", n, err)
	}
	lines := bytes.SplitAfter(chain, []byte("\n"))
	swapped := bytes.Join([][]byte{lines[0], lines[2], lines[1]}, nil)
	dropped := bytes.Join(append([][]byte{lines[0]}, lines[2:]...), nil)
	for name, b := range map[string][]byte{"changed": bytes.Replace(chain, []byte(`"n":4`), []byte(`"n":5`), 1), "swapped": swapped,
		"dropped": dropped, "first dropped": bytes.Join(lines[1:], nil), "no JSON": []byte("x\n"), "long": bytes.Repeat([]byte("x"), maxLine+2)} {
		if _, err := checkChain(bytes.NewReader(b)); err == nil {
			t.Errorf("%s chain holds", name)
		}
	}
	if _, err := Chain([]json.RawMessage{json.RawMessage("{")}); !errors.Is(err, evidence.ErrMalformed) {
		t.Errorf("event that is no JSON: %v", err)
	}
}

// zeros is a part of n zero bytes that is never in memory.
// recording is a real recording of a given size, half of it the streams and half
// the video to be looked at, on the disk.
func recording(t *testing.T, folder string, size int64) (all []Part) {
	t.Helper()
	dir := t.TempDir()
	for _, one := range archivetest.Make(t, "00112233445566778899aabbccddeeff", size/2).Files {
		file := filepath.Join(dir, one.Name)
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		sum, crc := sha256.New(), crc32.NewIEEE()
		if err := one.Write(io.MultiWriter(f, sum, crc)); err != nil {
			t.Fatal(err)
		}
		stat, err := f.Stat()
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		all = append(all, Part{Path: folder + one.Name, Size: stat.Size(), SHA256: evidence.Digest(sum.Sum(nil)), CRC32: crc.Sum32(),
			Open: func(context.Context) (io.ReadCloser, error) { return os.Open(file) }})
	}
	return all
}

// resetPeak makes Linux measure this process's peak memory anew (proc(5), clear_refs),
// and returns what it has now, in KiB.
func resetPeak(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	return memory(t, "VmRSS:")
}

// memory reads a figure of /proc/self/status, in KiB.
func memory(t *testing.T, name string) (kib int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name)
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return kib
}

// A deposit of 5 GB (ZIP64) is written and verified in little memory: the bytes
// are those of a camera, and held against each other. INKWITNESS_FULL=1 takes the
// whole 5 GB, otherwise 100 MB show that memory stays flat.
func TestLargeDeposit(t *testing.T) {
	size := int64(100) << 20
	if os.Getenv("INKWITNESS_FULL") != "" {
		size = 5 << 30
	}
	all := slices.DeleteFunc(parts(), func(p Part) bool { return strings.HasPrefix(p.Path, "data/capture/") })
	const most = 512 << 20 // of one recording
	for n, left := 1, size; left > 0; n, left = n+1, left-most {
		folder := fmt.Sprintf("data/capture/s%02d/", n)
		all = append(all, recording(t, folder, min(left, most))...)
		all = append(all, Bytes(folder+"z.txt", []byte("after")))
	}
	plan, err := NewPlan(info(), all)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "large.asice"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := resetPeak(t)
	if err := plan.Write(t.Context(), f, Seal{Signature: []byte("s"), Timestamp: []byte("t"), Proof: []byte("p")}); err != nil {
		t.Fatal(err)
	}
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	report := Verify(f, stat.Size(), Options{})
	peak := memory(t, "VmHWM:")
	t.Logf("%.1f MB of memory for a deposit of %.0f MB", float64(peak-before)/1024, float64(stat.Size())/1e6)
	if peak-before > 64<<10 {
		t.Errorf("%d KiB of memory more than before", peak-before)
	}
	if !slices.ContainsFunc(report.Checks, func(c evidence.Check) bool { return c.Code == CodeRecording && c.Status == evidence.Holds }) {
		t.Errorf("the recording was not checked: %+v", report.Checks)
	}
	for _, c := range report.Failed() {
		if c.Code == CodeStructure || c.Code == CodeChanged || c.Code == CodeMissing {
			t.Errorf("%s: %s", c.Code, c.Text)
		}
	}
	if size > 4<<30 {
		if out := run(t, "unzip", "-t", f.Name()); !strings.Contains(out, "No errors detected") {
			t.Error(out)
		}
	}
}

func FuzzVerify(f *testing.F) {
	plan, err := NewPlan(info(), parts())
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := plan.Write(f.Context(), &b, Seal{Signature: []byte("s"), Timestamp: []byte("t"), Proof: []byte("p")}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(plan.Manifest())
	for _, name := range []string{"good.asice", "earlier/good.asice", "earlier/erased.asice"} { // complete ones, of every kind
		raw, err := os.ReadFile(filepath.Join("../../testdata/vectors", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Verify(bytes.NewReader(data), int64(len(data)), Options{})
		if m, err := parseManifest(data); err == nil && !bytes.Equal(m.marshal(), data) {
			t.Error("manifest read but written differently")
		}
	})
}

// Every code has an explanation, and every explanation a code.
func TestCodesAreExplained(t *testing.T) {
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := strings.Count(string(source), `= "deposit.`)
	if len(Codes()) != constants {
		t.Errorf("%d codes, %d explained", constants, len(Codes()))
	}
	if Explain("deposit.nothing") != "" {
		t.Error("an unknown code is explained")
	}
}
