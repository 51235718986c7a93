package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"inkwitness/evidence/cms"
)

var now = time.Date(2026, 3, 2, 9, 30, 0, 123_000_000, time.UTC)

type identity struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// issue makes a certificate by the issuer, or a root when it is nil.
func issue(t *testing.T, name string, key crypto.Signer, by *identity, stamp bool) *identity {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment}
	if stamp {
		tmpl.KeyUsage = x509.KeyUsageDigitalSignature
		tmpl.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true,
			Value: must(asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}))}}
	}
	parent, signer := tmpl, key
	if by == nil {
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	} else {
		parent, signer = by.chain[0], by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	id := &identity{key, []*x509.Certificate{must(x509.ParseCertificate(der))}}
	if by != nil {
		id.chain = append(id.chain, by.chain...)
	}
	return id
}

func root(t *testing.T) *identity {
	return issue(t, "Test root", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), nil, false)
}

func pool(id *identity) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(id.chain[len(id.chain)-1])
	return p
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func writePEM(t *testing.T, c *x509.Certificate) string {
	return write(t, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func keysOfEveryKind() map[string]struct {
	key crypto.Signer
	pss bool
} {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	r := must(rsa.GenerateKey(rand.Reader, 2048))
	type k = struct {
		key crypto.Signer
		pss bool
	}
	return map[string]k{
		"rsa":     {r, false},
		"rsa-pss": {r, true},
		"p256":    {must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), false},
		"p384":    {must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), false},
		"p521":    {must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), false},
		"ed25519": {ed, false},
	}
}

func TestSignatureOfEveryKeyIsReadByOpenSSL(t *testing.T) {
	ca := root(t)
	content := []byte("the content, outside")
	for name, k := range keysOfEveryKind() {
		t.Run(name, func(t *testing.T) {
			id := issue(t, "Ada Lovelace", k.key, ca, false)
			hash := cms.HashFor(k.key.Public())
			h := hash.New()
			h.Write(content)
			digest := h.Sum(nil)
			der, err := cms.Sign(t.Context(), cms.Params{Chain: id.chain, PSS: k.pss, Digest: digest, SigningTime: now}, k.key)
			if err != nil {
				t.Fatal(err)
			}
			s, err := cms.Parse(der)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(digest); err != nil {
				t.Error(err)
			}
			if s.Signer.Subject.CommonName != "Ada Lovelace" || !s.SigningTime.Equal(now.Truncate(time.Second)) {
				t.Errorf("signer %v at %v", s.Signer.Subject, s.SigningTime)
			}
			if chain, err := s.Chain(pool(ca), now); err != nil || len(chain) != 2 {
				t.Errorf("chain of %d, %v", len(chain), err)
			}
			if _, err := s.Chain(pool(root(t)), now); err == nil {
				t.Error("another root vouches for it")
			}
			if name == "ed25519" {
				return // OpenSSL 3.0 asks the key for a digest that Ed25519 does not have
			}
			run(t, "openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", write(t, "s.p7s", der),
				"-content", write(t, "content", content), "-CAfile", writePEM(t, ca.chain[0]), "-attime", "1772443800", "-out", os.DevNull)
		})
	}
}

func TestSignatureTimestamp(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	id := issue(t, "Ada", key, ca, false)
	tsa := issue(t, "Clock", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ca, true)
	content := []byte("content")
	digest := sum(content)
	der := must(cms.Sign(t.Context(), cms.Params{Chain: id.chain, Digest: digest}, key))
	s := must(cms.Parse(der))
	token := stamp(t, tsa, sum(s.Signature))
	full, err := cms.AddTimestamp(der, token)
	if err != nil {
		t.Fatal(err)
	}
	s, err = cms.Parse(full)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(digest); err != nil || !bytes.Equal(s.Timestamp, token) {
		t.Errorf("%v, timestamp of %d bytes", err, len(s.Timestamp))
	}
	if _, err := cms.AddTimestamp(full, token); !errors.Is(err, cms.ErrUnsupported) {
		t.Errorf("a second one: %v", err)
	}
	run(t, "openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", write(t, "s.p7s", full),
		"-content", write(t, "content", content), "-CAfile", writePEM(t, ca.chain[0]), "-attime", "1772443800", "-out", os.DevNull)
}

func sum(b []byte) []byte {
	h := crypto.SHA256.New()
	h.Write(b)
	return h.Sum(nil)
}

func stamp(t *testing.T, tsa *identity, digest []byte) []byte {
	t.Helper()
	token, err := cms.SignToken(t.Context(), cms.TSTInfo{Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, Hash: crypto.SHA256, Digest: digest,
		Serial: big.NewInt(77), Time: now, Accuracy: 1500 * time.Millisecond, Ordering: true, Nonce: big.NewInt(5)}, tsa.chain, tsa.key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenIsReadByOpenSSL(t *testing.T) {
	ca := root(t)
	data := []byte("data")
	for name, k := range keysOfEveryKind() {
		if name == "ed25519" || k.pss {
			continue // openssl ts 3.0 takes neither
		}
		t.Run(name, func(t *testing.T) {
			tsa := issue(t, "Clock", k.key, ca, true)
			der := stamp(t, tsa, sum(data))
			token, err := cms.ParseToken(der)
			if err != nil {
				t.Fatal(err)
			}
			if err := token.Verify(crypto.SHA256, sum(data)); err != nil {
				t.Error(err)
			}
			i := token.Info
			if !i.Time.Equal(now) || i.Serial.Int64() != 77 || i.Accuracy != 1500*time.Millisecond || !i.Ordering || i.Nonce.Int64() != 5 {
				t.Errorf("read back %+v", i)
			}
			if err := token.Verify(crypto.SHA256, sum([]byte("other"))); !errors.Is(err, cms.ErrImprint) {
				t.Errorf("other data: %v", err)
			}
			run(t, "openssl", "ts", "-verify", "-token_in", "-in", write(t, "t.tst", der), "-data", write(t, "data", data),
				"-CAfile", writePEM(t, ca.chain[0]), "-attime", "1772443800")
		})
	}
}

func TestTokenOfAnOrdinaryCertificateIsRefused(t *testing.T) {
	ca := root(t)
	id := issue(t, "Ada", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ca, false)
	token := must(cms.ParseToken(stamp(t, id, sum(nil))))
	if err := token.Verify(crypto.SHA256, sum(nil)); !errors.Is(err, cms.ErrPurpose) {
		t.Errorf("got %v", err)
	}
}

func TestOpenSSLRequestAndOurAnswer(t *testing.T) {
	dir := t.TempDir()
	data, req := write(t, "data", []byte("data")), filepath.Join(dir, "req.tsq")
	run(t, "openssl", "ts", "-query", "-data", data, "-sha384", "-cert", "-out", req)
	r, err := cms.ParseRequest(must(os.ReadFile(req)))
	if err != nil || r.Hash != crypto.SHA384 || r.Nonce == nil || !r.WantCert {
		t.Fatalf("request %+v, %v", r, err)
	}
	again := must(r.Marshal())
	if !bytes.Equal(again, must(os.ReadFile(req))) {
		t.Error("our request differs from OpenSSL's")
	}
	ca := root(t)
	tsa := issue(t, "Clock", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ca, true)
	token := must(cms.SignToken(t.Context(), cms.TSTInfo{Policy: asn1.ObjectIdentifier{1, 2, 3}, Hash: r.Hash, Digest: r.Digest,
		Serial: big.NewInt(1), Time: now, Nonce: r.Nonce}, tsa.chain, tsa.key))
	run(t, "openssl", "ts", "-verify", "-queryfile", req, "-in", write(t, "resp.tsr", cms.Granted(token)),
		"-CAfile", writePEM(t, ca.chain[0]), "-attime", "1772443800")
	if _, err := cms.ParseResponse(cms.Refused(cms.FailTimeNotAvailable)); err == nil {
		t.Error("a refusal was taken for a token")
	}
	if out, _ := exec.Command("openssl", "ts", "-reply", "-text", "-in", write(t, "no.tsr", cms.Refused(cms.FailTimeNotAvailable))).CombinedOutput(); !bytes.Contains(out, []byte("time source is not available")) {
		t.Errorf("OpenSSL reads our refusal as %s", out)
	}
}

// Every changed byte must be found.
func TestChangedBytesAreFound(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	id := issue(t, "Ada", key, ca, false)
	digest := sum([]byte("content"))
	der := must(cms.Sign(t.Context(), cms.Params{Chain: id.chain[:1], Digest: digest}, key))
	for i := range der {
		for bit := range 8 {
			b := bytes.Clone(der)
			b[i] ^= 1 << bit
			s, err := cms.Parse(b)
			if err == nil {
				err = s.Verify(digest)
			}
			if err == nil {
				t.Errorf("bit %d of byte %d of %d (%#x) changed unseen", bit, i, len(der), der[max(0, i-4):i+1])
			}
		}
	}
}

func TestExchangedCertificateIsFound(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ada, eve := issue(t, "Ada", key, ca, false), issue(t, "Eve", key, ca, false) // one key, two names
	digest := sum([]byte("content"))
	der := must(cms.Sign(t.Context(), cms.Params{Chain: ada.chain[:1], Digest: digest}, key))
	for len(ada.chain[0].Raw) != len(eve.chain[0].Raw) { // ECDSA signatures vary in length
		eve = issue(t, "Eve", key, ca, false)
	}
	swapped := bytes.Replace(der, ada.chain[0].Raw, eve.chain[0].Raw, 1)
	s, err := cms.Parse(swapped)
	if err == nil {
		err = s.Verify(digest)
	}
	if !errors.Is(err, cms.ErrCertificate) {
		t.Errorf("got %v", err)
	}
}

func TestFinishRefusesAWrongSignature(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	id := issue(t, "Ada", key, ca, false)
	d := must(cms.NewDraft(cms.Params{Chain: id.chain, Digest: sum(nil)}))
	digest, opts := d.ToSign()
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	if _, err := d.Finish(must(other.Sign(rand.Reader, digest, opts))); !errors.Is(err, cms.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	t := &testing.T{}
	ca := root(t)
	tsa := issue(t, "Clock", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ca, true)
	token := must(cms.SignToken(f.Context(), cms.TSTInfo{Policy: asn1.ObjectIdentifier{1, 2}, Hash: crypto.SHA256, Digest: sum(nil),
		Serial: big.NewInt(1), Time: now}, tsa.chain, tsa.key))
	f.Add(token)
	f.Add(must(cms.AddTimestamp(token, token)))
	f.Fuzz(func(t *testing.T, der []byte) {
		if s, err := cms.Parse(der); err == nil {
			_ = s.Verify(nil)
		}
		if k, err := cms.ParseToken(der); err == nil {
			_ = k.Verify(k.Info.Hash, k.Info.Digest)
		}
		_, _ = cms.ParseRequest(der)
		_, _ = cms.ParseResponse(der)
	})
}
