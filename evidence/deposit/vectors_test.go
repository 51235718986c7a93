package deposit_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/seal/sealtest"

	"crypto/x509"
)

// The tamper vectors in testdata/vectors: one good deposit, and ways to damage
// or forge it, each naming the reason code and the part that a verifier must
// report. They are for every verifier of the format, whatever its language.
//
// INKWITNESS_UPDATE=1 makes them again, around a new deposit.
const vectorDir = "../../testdata/vectors"

// vectorFile is vectors.json.
type vectorFile struct {
	About   string   `json:"about"`
	Base    string   `json:"base"`  // the good deposit
	Roots   string   `json:"roots"` // PEM, of its service
	Others  string   `json:"otherRoots"`
	LogKeys []string `json:"logKeys"`
	Vectors []vector `json:"vectors"`
}

// vector is one damaged deposit: pieces of the base and of other bytes, one
// after the other.
type vector struct {
	Name   string  `json:"name"`
	Trust  bool    `json:"trust"`           // verify with the roots and log keys of the file, not with the deposit's own
	Whole  bool    `json:"whole,omitempty"` // only a verifier that reads evidence records sees it
	Pieces []piece `json:"pieces"`
	Holds  bool    `json:"holds"`
	Code   string  `json:"code,omitempty"` // that must be among the failed checks
	Part   string  `json:"part,omitempty"` // which that check must name, in its part or its text
}

// piece is bytes of the base from From to To, or Data.
type piece struct {
	From int    `json:"from,omitempty"`
	To   int    `json:"to,omitempty"`
	Data []byte `json:"data,omitempty"`
}

func (v vector) build(base []byte) []byte {
	var b []byte
	for _, p := range v.Pieces {
		b = append(append(b, p.Data...), base[p.From:p.To]...)
	}
	return b
}

func TestVectors(t *testing.T) {
	if os.Getenv("INKWITNESS_UPDATE") != "" {
		updateVectors(t)
	}
	var f vectorFile
	raw, err := os.ReadFile(filepath.Join(vectorDir, "vectors.json"))
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile(filepath.Join(vectorDir, f.Base))
	if err != nil {
		t.Fatal(err)
	}
	trust := deposit.Options{Roots: x509.NewCertPool()}
	trust.Roots.AppendCertsFromPEM([]byte(f.Roots))
	for block, rest := pem.Decode([]byte(f.Others)); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		trust.Others = append(trust.Others, c)
	}
	for _, s := range f.LogKeys {
		k, err := proof.ParseKey(s)
		if err != nil {
			t.Fatal(err)
		}
		trust.LogKeys = append(trust.LogKeys, k)
	}
	if len(f.Vectors) < 150 {
		t.Errorf("%d vectors", len(f.Vectors))
	}
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			o := deposit.Options{}
			if v.Trust {
				o = trust
			}
			b := v.build(base)
			report := deposit.Verify(bytes.NewReader(b), int64(len(b)), o)
			if report.Holds() != v.Holds || v.Code != "" && !reports(report, v) {
				t.Errorf("want %s at %q, got %+v", v.Code, v.Part, report.Failed())
			}
		})
	}
}

func reports(r *evidence.Report, v vector) bool {
	return slices.ContainsFunc(r.Failed(), func(c evidence.Check) bool {
		return c.Code == v.Code && (c.Part == v.Part || strings.Contains(c.Text, v.Part))
	})
}

// maker collects vectors around a base.
type maker struct {
	t     *testing.T
	base  []byte
	files []file
	at    time.Time
	list  []vector
}

// file is a file of the base: where its header, contents and directory entry lie.
type file struct {
	name                  string
	header, data, end, cd int
}

func (m *maker) locate() {
	off := 0
	for bytes.HasPrefix(m.base[off:], []byte("PK\x03\x04")) {
		h := m.base[off:]
		size, name := int(binary.LittleEndian.Uint32(h[22:])), int(binary.LittleEndian.Uint16(h[26:]))
		f := file{name: string(h[30 : 30+name]), header: off, data: off + 30 + name}
		f.end = f.data + size
		m.files, off = append(m.files, f), f.end
	}
	for i := range m.files {
		m.files[i].cd = off
		off += 46 + len(m.files[i].name)
	}
}

// add keeps a vector as the difference from the base.
func (m *maker) add(name string, b []byte, code, part string) {
	m.addTrusting(name, b, code, part, false)
}

func (m *maker) addTrusting(name string, b []byte, code, part string, trust bool) {
	head := 0
	for head < min(len(b), len(m.base)) && b[head] == m.base[head] {
		head++
	}
	tail := 0
	for tail < min(len(b), len(m.base))-head && b[len(b)-1-tail] == m.base[len(m.base)-1-tail] {
		tail++
	}
	v := vector{Name: name, Trust: trust, Holds: code == "", Code: code, Part: part}
	v.Pieces = m.pieces(b, head, tail)
	if !bytes.Equal(v.build(m.base), b) {
		m.t.Fatalf("%s: the pieces do not make the vector", name)
	}
	m.list = append(m.list, v)
}

// pieces describes b: the common head, then whole files of the base where they
// are found, then the common tail.
func (m *maker) pieces(b []byte, head, tail int) []piece {
	out := []piece{{To: head}}
	middle := b[head : len(b)-tail]
	for len(middle) > 0 {
		best, at := piece{}, -1
		for _, f := range m.files {
			if f.end-f.data < 64 {
				continue
			}
			if i := bytes.Index(middle, m.base[f.data:f.end]); i >= 0 && (at < 0 || i < at) {
				best, at = piece{From: f.data, To: f.end}, i
			}
		}
		if at < 0 {
			out = append(out, piece{Data: middle})
			break
		}
		if at > 0 {
			out = append(out, piece{Data: middle[:at]})
		}
		out = append(out, best)
		middle = middle[at+best.To-best.From:]
	}
	return append(out, piece{From: len(m.base) - tail, To: len(m.base)})
}

func (m *maker) flip(at int, bit byte) []byte {
	b := bytes.Clone(m.base)
	b[at] ^= bit
	return b
}

// rezip builds a well-formed container of changed files.
func (m *maker) rezip(change func(parts []deposit.Part) []deposit.Part) []byte {
	var parts []deposit.Part
	for _, f := range m.files {
		parts = append(parts, deposit.Bytes(f.name, m.base[f.data:f.end]))
	}
	var b bytes.Buffer
	if err := deposit.Rezip(m.t.Context(), &b, m.at, change(parts)); err != nil {
		m.t.Fatal(err)
	}
	return b.Bytes()
}

// swap returns a container in which one file has other contents.
func (m *maker) swap(name string, data []byte) []byte {
	return m.rezip(func(p []deposit.Part) []deposit.Part {
		i := slices.IndexFunc(p, func(p deposit.Part) bool { return p.Path == name })
		p[i] = deposit.Bytes(name, data)
		return p
	})
}

func (m *maker) contents(name string) []byte {
	i := slices.IndexFunc(m.files, func(f file) bool { return f.name == name })
	return bytes.Clone(m.base[m.files[i].data:m.files[i].end])
}

// ofMeta says what a consistent change of a file that no list names must lead to.
var ofMeta = map[string]string{
	"mimetype": deposit.CodeMediaType, "META-INF/ASiCManifest001.xml": deposit.CodeManifest, "META-INF/ASiCManifest002.xml": deposit.CodeManifest,
	"META-INF/signature001.p7s": deposit.CodeManifest, "META-INF/timestamp001.tst": deposit.CodeStamp,
	"META-INF/ASiCManifest003.xml": deposit.CodeManifest, "META-INF/timestamp002.tst": deposit.CodeStamp, "META-INF/deposit.tlog-proof": deposit.CodeLogProof,
}

func (m *maker) eachFile() {
	for _, f := range m.files {
		for where, at := range map[string]int{"first": f.data, "middle": (f.data + f.end) / 2, "last": f.end - 1} {
			m.add("damaged, "+where+" byte of "+f.name, m.flip(at, 0x20), deposit.CodeChanged, f.name)
		}
		m.add("checksum in the header of "+f.name, m.flip(f.header+14, 1), deposit.CodeStructure, f.name)
		m.add("size in the directory entry of "+f.name, m.flip(f.cd+24, 1), deposit.CodeStructure, f.name)
		m.add("time in the header of "+f.name, m.flip(f.header+10, 1), deposit.CodeStructure, f.name)
		changed := m.contents(f.name)
		changed[0] ^= 0x20
		code, part := ofMeta[f.name], f.name
		if code == "" {
			code = deposit.CodeChanged
		}
		if f.name == "META-INF/signature001.p7s" {
			part = "META-INF/ASiCManifest002.xml"
		}
		m.add("changed, checksums mended: "+f.name, m.swap(f.name, changed), code, part)
		code = deposit.CodeMissing
		if f.name == "mimetype" {
			code = deposit.CodeMediaType
		}
		m.add("left out: "+f.name, m.rezip(func(p []deposit.Part) []deposit.Part {
			return slices.DeleteFunc(p, func(p deposit.Part) bool { return p.Path == f.name })
		}), code, f.name)
	}
}

func (m *maker) structure() {
	end := len(m.base)
	m.add("cut by one byte", m.base[:end-1], deposit.CodeStructure, "")
	m.add("one byte more", append(bytes.Clone(m.base), 0), deposit.CodeStructure, "")
	m.add("one byte before", append([]byte{0}, m.base...), deposit.CodeUnreadable, "")
	m.add("half", m.base[:end/2], deposit.CodeUnreadable, "")
	m.add("twice", append(bytes.Clone(m.base), m.base...), deposit.CodeStructure, "")
	m.add("count in the end record", m.flip(end-12, 1), deposit.CodeStructure, "")
	m.add("comment length in the end record", m.flip(end-2, 1), deposit.CodeStructure, "")
	m.add("not even a container", []byte("PK, but no container"), deposit.CodeUnreadable, "")
	extra := func(name string) []byte {
		return m.rezip(func(p []deposit.Part) []deposit.Part { return append(p, deposit.Bytes(name, []byte("smuggled"))) })
	}
	for _, name := range []string{"data/capture/signer-1/second.webm", "README.txt", "META-INF/signature002.p7s", "META-INF/ASiCManifest004.xml", "META-INF/timestamp003.tst", "META-INF/manifest.xml"} {
		m.add("smuggled in: "+name, extra(name), deposit.CodeUnlisted, name)
	}
	m.add("a file twice", extra("data/deposit.json"), deposit.CodeUnlisted, "data/deposit.json")
	for _, at := range []int{1, 5, 9, len(m.files) - 2} {
		m.add(fmt.Sprintf("files %d and %d exchanged", at, at+1), m.rezip(func(p []deposit.Part) []deposit.Part {
			p[at], p[at+1] = p[at+1], p[at]
			return p
		}), deposit.CodeOrder, "")
	}
	m.at = m.at.Add(time.Hour)
	m.add("all times moved", m.rezip(func(p []deposit.Part) []deposit.Part { return p }), deposit.CodeOrder, "")
	m.at = m.at.Add(-time.Hour)
}

// forged are containers in which every list and checksum was mended by
// somebody who has keys, but not the right ones.
func (m *maker) forged(w *sealtest.World) {
	other := sealtest.New(m.t)
	second := other.Bytes(other.Sealed(1, 200).Container)
	m.addTrusting("sealed by another service, trusting only the right one", second, deposit.CodeRoots, "", true)
	m.addTrusting("in another log, trusting only the right one", second, deposit.CodeLogTrust, "", true)
	m.addTrusting("the good one, trusting the right service", m.base, "", "", true)
	m.add("the good one, trusting what it brings along", m.base, "", "")
	foreign := maker{t: m.t, base: second}
	foreign.locate()
	for name, code := range map[string]string{"META-INF/signature001.p7s": deposit.CodeSignature, "META-INF/timestamp001.tst": deposit.CodeStamp,
		"META-INF/deposit.tlog-proof": deposit.CodeLogEntry, "META-INF/ASiCManifest002.xml": deposit.CodeStamp, "META-INF/ASiCManifest001.xml": deposit.CodeSignature,
		"data/contract-signed.pdf": deposit.CodeChanged, "data/deposit.json": deposit.CodeChanged, "data/validation/roots.pem": deposit.CodeRoots,
		"data/audit/audit.jsonl": ""} {
		if code != "" {
			m.add("from another deposit: "+name, m.swap(name, foreign.contents(name)), code, "")
		}
	}
	m.add("another key in the description of the log", m.swap("data/deposit.json", bytes.Replace(m.contents("data/deposit.json"),
		[]byte(w.Ledger.Keys()[0].String()), []byte(other.Ledger.Keys()[0].String()), 1)), deposit.CodeLogSigned, "")
	lines := bytes.SplitAfter(m.contents(deposit.AuditName), []byte("\n"))
	m.add("two events exchanged", m.swap(deposit.AuditName, bytes.Join([][]byte{lines[0], lines[2], lines[1], lines[3], lines[4]}, nil)), deposit.CodeAudit, "")
	m.add("an event dropped", m.swap(deposit.AuditName, bytes.Join([][]byte{lines[0], lines[2], lines[3], lines[4]}, nil)), deposit.CodeAudit, "")
	pdf := m.contents(deposit.DocumentName)
	m.add("something behind the end of the document", m.swap(deposit.DocumentName, append(pdf, "\n% harmless?\n"...)), "pdf.trailing-bytes", "")
	m.add("title changed in the description", m.swap("data/deposit.json", bytes.Replace(m.contents("data/deposit.json"), []byte("A contract"), []byte("B contract"), 1)), deposit.CodeChanged, "data/deposit.json")
	m.add("signer renamed", m.swap("data/deposit.json", bytes.Replace(m.contents("data/deposit.json"), []byte("Ada Lovelace"), []byte("Eve Lovelace"), 1)), deposit.CodeSigners, "Eve Lovelace")
	p := m.contents("META-INF/deposit.tlog-proof")
	m.add("place in the log changed", m.swap("META-INF/deposit.tlog-proof", bytes.Replace(p, []byte("index 0"), []byte("index 1"), 1)), deposit.CodeLogEntry, "")
	notes := bytes.SplitAfter(p, []byte("\n"))
	for i, whose := range map[int]string{5: "log", 4: "log, post-quantum", 3: "first witness", 2: "second witness, post-quantum"} {
		m.add("signature left out: "+whose, m.swap("META-INF/deposit.tlog-proof", bytes.Join(slices.Delete(slices.Clone(notes), len(notes)-i, len(notes)-i+1), nil)), deposit.CodeLogSigned, "")
	}
	without := m.rezip(func(p []deposit.Part) []deposit.Part {
		return slices.DeleteFunc(p, func(p deposit.Part) bool {
			return p.Path == "META-INF/ASiCManifest003.xml" || p.Path == "META-INF/timestamp002.tst"
		})
	})
	m.add("outside timestamp taken away with its list", without, deposit.CodeLogEntry, "")
	m.add("outside timestamp exchanged for our own", m.swap("META-INF/timestamp002.tst", m.contents("META-INF/timestamp001.tst")), deposit.CodeStamp, "META-INF/timestamp002.tst")
	plain := sealtest.New(m.t)
	m.add("good, with neither witnesses nor outside timestamp", plain.Bytes(plain.Sealed(1, 200).Container), "", "")
	m.add("signature line of a stranger", m.swap("META-INF/deposit.tlog-proof", append(p, "\u2014 stranger.example AAAAAAAA\n"...)), deposit.CodeLogSigned, "stranger.example")
	read, err := proof.Parse(p)
	w.Check(err)
	first := read.Checkpoint.Note.Sigs[0]
	renamed := proof.Sig{Name: "judge.example", ID: first.ID, Raw: first.Raw}
	m.add("signature line of the log again, with a judge's name", m.swap("META-INF/deposit.tlog-proof", append(p, renamed.Line()...)), deposit.CodeLogSigned, "judge.example")
	wrong := proof.Sig{Name: first.Name, ID: first.ID, Raw: make([]byte, len(first.Raw))}
	m.add("second signature line of the log, a wrong one", m.swap("META-INF/deposit.tlog-proof", append(p, wrong.Line()...)), deposit.CodeLogSigned, first.Name)
}

func updateVectors(t *testing.T) {
	w := sealtest.NewComplete(t)
	m := &maker{t: t, base: w.Bytes(w.Sealed(1, 200).Container), at: evidencetest.Start}
	m.locate()
	m.eachFile()
	m.structure()
	m.forged(w)
	m.purposes(w)
	m.rest(w)
	slices.SortStableFunc(m.list, func(a, b vector) int { return strings.Compare(a.Name, b.Name) })
	var roots, others strings.Builder
	for b, list := range map[*strings.Builder][]*x509.Certificate{&roots: w.Config.Roots, &others: w.Config.Others} {
		for _, c := range list {
			if err := pem.Encode(b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
				t.Fatal(err)
			}
		}
	}
	f := vectorFile{About: "Tamper vectors of the letter of deposit. Build each from its pieces, verify it, and look for code among the checks that fail.",
		Base: "good.asice", Vectors: m.list, Roots: roots.String(), Others: others.String()}
	for _, k := range append(w.Ledger.Keys(), w.Config.Witnesses...) {
		f.LogKeys = append(f.LogKeys, k.String())
	}
	var out bytes.Buffer
	out.WriteString("{\n")
	fmt.Fprintf(&out, "%q: %q,\n%q: %q,\n", "about", f.About, "base", f.Base)
	fmt.Fprintf(&out, "%q: %s,\n%q: %s,\n%q: %s,\n%q: [\n", "roots", marshal(t, f.Roots), "otherRoots", marshal(t, f.Others), "logKeys", marshal(t, f.LogKeys), "vectors")
	for i, v := range f.Vectors {
		out.Write(marshal(t, v))
		if i+1 < len(f.Vectors) {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]\n}\n")
	for name, b := range map[string][]byte{"vectors.json": out.Bytes(), f.Base: m.base} {
		if err := os.WriteFile(filepath.Join(vectorDir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
