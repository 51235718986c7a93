package pdf

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"inkwitness/evidence/cms"
)

// tool runs a program that `make deps` installs; a missing one is a failure.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// twoFields places two fields on the last page, in proportion to it.
func twoFields(t testing.TB, in []byte) []Field {
	t.Helper()
	info, err := Inspect(bytes.NewReader(in), int64(len(in)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	last := info.Pages[len(info.Pages)-1]
	w, h := last.Width, last.Height
	return []Field{
		{Name: "A", Label: "First signer", Page: len(info.Pages), Rect: Rect{X: w / 10, Y: h * 0.8, W: w / 3, H: h / 10}},
		{Name: "B", Page: len(info.Pages), Rect: Rect{X: w / 2, Y: h * 0.8, W: w / 3, H: h / 10}},
	}
}

// TestInterop signs every document of the corpus twice, to B-LTA and to B-T,
// and has it judged by our verifier, poppler, qpdf, mutool and OpenSSL.
func TestInterop(t *testing.T) {
	a := newAuthority(t)
	ada, bob := a.signer(t, "Ada", rsaKey(t)), a.signer(t, "Bob", ecKey(t, elliptic.P256()))
	goods, _ := corpus(t)
	for _, g := range goods {
		t.Run(g.name, func(t *testing.T) {
			in := read(t, g.name)
			first, second := a.request(ada, "A"), a.request(bob, "B")
			first.Certify, first.Level, first.Revocation = true, LevelLTA, Revocation{CRLs: [][]byte{a.crl(t)}}
			second.Level = LevelT
			doc := prepare(t, in, twoFields(t, in)...)
			if !bytes.HasPrefix(doc, in) {
				t.Fatal("preparing changed the sender's bytes")
			}
			doc = sign(t, sign(t, doc, first), second)
			wantOK(t, verify(t, doc, a), 3)
			judge(t, g, save(t, g.name, doc), doc, a)
		})
	}
}

func judge(t *testing.T, g good, path string, doc []byte, a *authority) {
	t.Helper()
	sigs := tool(t, "pdfsig", "-nocert", path)
	if n := strings.Count(sigs, "Signature is Valid."); n != 2 {
		t.Errorf("pdfsig finds %d of 2 valid:\n%s", n, sigs)
	}
	if out := tool(t, "qpdf", "--check", path); strings.Contains(out, "WARNING") {
		t.Errorf("qpdf: %s", out)
	}
	pages := strings.TrimSpace(tool(t, "qpdf", "--show-npages", path))
	if pages != strconv.Itoa(g.pages) {
		t.Errorf("qpdf counts %s pages, want %d", pages, g.pages)
	}
	out := tool(t, "mutool", "draw", "-q", "-r", "20", "-o", filepath.Join(t.TempDir(), "p.png"), path, "N")
	if strings.Contains(out, "error") || strings.Contains(out, "repair") {
		t.Errorf("mutool: %s", out)
	}
	opensslChecks(t, doc, a)
}

// opensslChecks cuts signatures and timestamps out and gives them to OpenSSL.
func opensslChecks(t *testing.T, doc []byte, a *authority) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	root := file("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	at := strconv.FormatInt(noon.Unix(), 10)
	for _, s := range cutOut(t, doc) {
		if s.stamp {
			h := crypto.SHA256.New()
			h.Write(s.content)
			checkStamp(t, file("token", s.value), root, at, h.Sum(nil))
			continue
		}
		tool(t, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", file("cms", s.value), "-content", file("content", s.content),
			"-CAfile", root, "-attime", at, "-purpose", "any", "-out", os.DevNull)
		m, _, err := cms.ParsePrefix(s.value)
		if err != nil {
			t.Fatal(err)
		}
		if m.Timestamp != nil {
			h := crypto.SHA256.New()
			h.Write(m.Signature)
			checkStamp(t, file("token", m.Timestamp), root, at, h.Sum(nil))
		}
	}
}

func checkStamp(t *testing.T, token, root, at string, digest []byte) {
	t.Helper()
	tool(t, "openssl", "ts", "-verify", "-token_in", "-in", token, "-CAfile", root, "-attime", at, "-digest", hex.EncodeToString(digest))
}

type cutSignature struct {
	stamp          bool
	value, content []byte
}

// cutOut finds signatures by their byte ranges, without our reader.
func cutOut(t *testing.T, doc []byte) (out []cutSignature) {
	t.Helper()
	for rest := doc; ; {
		i := bytes.Index(rest, []byte("/ByteRange ["))
		if i < 0 {
			return out
		}
		rest = rest[i:]
		var n [4]int
		if _, err := fmt.Sscanf(string(rest[:60]), "/ByteRange [%d %d %d %d]", &n[0], &n[1], &n[2], &n[3]); err != nil {
			t.Fatal(err)
		}
		value, err := hex.DecodeString(string(doc[n[1]+1 : n[2]-1]))
		if err != nil {
			t.Fatal(err)
		}
		var der asn1.RawValue // a message may itself end in a zero, so zeros cannot be trimmed
		if _, err := asn1.Unmarshal(value, &der); err != nil {
			t.Fatal(err)
		}
		end := bytes.Index(rest, []byte("endobj"))
		out = append(out, cutSignature{
			stamp:   bytes.Contains(rest[:end], []byte("/ETSI.RFC3161")),
			value:   der.FullBytes,
			content: append(bytes.Clone(doc[:n[1]]), doc[n[2]:n[2]+n[3]]...),
		})
		rest = rest[10:]
	}
}

// TestInteropAlgorithms shows every kind of signature to OpenSSL and to Bouncy
// Castle. Debian 12's OpenSSL 3.0 knows no Ed25519 in CMS.
func TestInteropAlgorithms(t *testing.T) {
	a := newAuthority(t)
	doc := prepared(t, plain(t), 1)
	dir := t.TempDir()
	args := []string{"-cp", "/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar", "testdata/CheckCMS.java"}
	keys := []struct {
		name string
		key  crypto.Signer
		pss  bool
	}{
		{"rsa", rsaKey(t), false}, {"pss", rsaKey(t), true}, {"p256", ecKey(t, elliptic.P256()), false},
		{"p384", ecKey(t, elliptic.P384()), false}, {"p521", ecKey(t, elliptic.P521()), false}, {"ed25519", edKey(t), false},
	}
	for _, tt := range keys {
		req := a.request(a.signer(t, "Ada", tt.key), "A")
		req.PSS, req.Level = tt.pss, LevelT
		signed := sign(t, doc, req)
		wantOK(t, verify(t, signed, a), 1)
		if tt.name != "ed25519" {
			opensslChecks(t, signed, a)
		}
		cut := cutOut(t, signed)[0]
		for ext, b := range map[string][]byte{".cms": cut.value, ".bin": cut.content} {
			if err := os.WriteFile(filepath.Join(dir, tt.name+ext), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, filepath.Join(dir, tt.name+".cms"), filepath.Join(dir, tt.name+".bin"))
	}
	if n := strings.Count(tool(t, "java", args...), "good"); n != len(keys) {
		t.Errorf("Bouncy Castle finds %d of %d good", n, len(keys))
	}
}
