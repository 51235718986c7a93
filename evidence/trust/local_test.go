package trust_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/vault"
)

var _ interface {
	evidence.Provider
	evidence.Revoker
} = (*trust.Local)(nil)

func open(t *testing.T) (*trust.Local, *vault.Keyring, *evidencetest.Clock) {
	t.Helper()
	keys, _ := evidencetest.Keys()
	clock := &evidencetest.Clock{}
	l, err := trust.Open(t.Context(), trust.Config{Keys: keys, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return l, keys, clock
}

func request(id string) evidence.CredentialRequest {
	return evidence.CredentialRequest{ID: id, Subject: "sgn_1", Deposit: "dep_1", Name: "Zoë 王 Łukasz", Email: "zoe@example.com"}
}

func digestsOf(texts ...string) []evidence.SignDigest {
	var all []evidence.SignDigest
	for _, s := range texts {
		d := sha256.Sum256([]byte(s))
		all = append(all, evidence.SignDigest{Hash: crypto.SHA256, Value: d[:]})
	}
	return all
}

func TestOneCertificatePerRequest(t *testing.T) {
	l, _, _ := open(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, err := l.Credential(t.Context(), request("dep_1/sgn_1"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[string(c.Chain[0].Raw)] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d certificates for one request", len(seen))
	}
	c, err := l.Credential(t.Context(), request("dep_1/sgn_1"))
	if err != nil {
		t.Fatal(err)
	}
	leaf := c.Chain[0]
	if leaf.Subject.CommonName != "Zoë 王 Łukasz" || leaf.IsCA || leaf.KeyUsage&x509.KeyUsageContentCommitment == 0 {
		t.Errorf("certificate %+v", leaf.Subject)
	}
	if life := leaf.NotAfter.Sub(evidencetest.Start); life != trust.DefaultLifetime {
		t.Errorf("lives %v", life)
	}
	other, err := l.Credential(t.Context(), request("dep_1/sgn_2"))
	if err != nil || leaf.PublicKey.(*ecdsa.PublicKey).Equal(other.Chain[0].PublicKey) {
		t.Errorf("two signers share a key, %v", err)
	}
}

func TestSignOnlyWhatWasAuthorized(t *testing.T) {
	l, _, clock := open(t)
	c, err := l.Credential(t.Context(), request("r"))
	if err != nil {
		t.Fatal(err)
	}
	agreed := digestsOf("document", "manifest")
	auth, err := l.Authorize(t.Context(), c.ID, agreed)
	if err != nil || auth.Redirect != "" {
		t.Fatal(auth, err)
	}
	sigs, err := l.Sign(t.Context(), auth, agreed)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sigs {
		if !ecdsa.VerifyASN1(c.Chain[0].PublicKey.(*ecdsa.PublicKey), agreed[i].Value, s) {
			t.Errorf("signature %d does not verify", i)
		}
	}
	for name, other := range map[string][]evidence.SignDigest{
		"other": digestsOf("document", "another"), "fewer": agreed[:1], "order": digestsOf("manifest", "document"),
	} {
		if _, err := l.Sign(t.Context(), auth, other); !errors.Is(err, evidence.ErrNotAllowed) {
			t.Errorf("%s digests: %v", name, err)
		}
	}
	clock.Advance(trust.DefaultLifetime + time.Second)
	if _, err := l.Sign(t.Context(), auth, agreed); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("after its end: %v", err)
	}
	for range 2 {
		if err := l.Release(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Sign(t.Context(), auth, agreed); !errors.Is(err, evidence.ErrErased) {
		t.Errorf("after release: %v", err)
	}
	if _, err := l.Credential(t.Context(), request("r")); !errors.Is(err, evidence.ErrErased) {
		t.Errorf("credential after release: %v", err)
	}
}

func TestSecondStartHasTheSameRoot(t *testing.T) {
	l, keys, clock := open(t)
	again, err := trust.Open(t.Context(), trust.Config{Keys: keys, Clock: clock})
	if err != nil || !bytes.Equal(again.Root().Raw, l.Root().Raw) {
		t.Errorf("another root, %v", err)
	}
}

func TestTimestampingKeyChangesEachYear(t *testing.T) {
	l, _, clock := open(t)
	_, first, err := l.Timestamping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, same, err := l.Timestamping(t.Context())
	if err != nil || !bytes.Equal(first[0].Raw, same[0].Raw) {
		t.Errorf("changed within the year, %v", err)
	}
	clock.Advance(365 * 24 * time.Hour)
	_, next, err := l.Timestamping(t.Context())
	if err != nil || bytes.Equal(first[0].Raw, next[0].Raw) {
		t.Errorf("same key in the next year, %v", err)
	}
	if first[0].NotAfter.Before(evidencetest.Start.AddDate(11, 0, 0)) {
		t.Errorf("ends %v, before the deposits it stamps", first[0].NotAfter)
	}
}

func TestReceipt(t *testing.T) {
	l, _, _ := open(t)
	signed, err := l.SignReceipt(t.Context(), []byte(`{"deleted":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "r.p7m"), signed, 0o600); err != nil {
		t.Fatal(err)
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Root().Raw})
	if err := os.WriteFile(filepath.Join(dir, "root.pem"), root, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", filepath.Join(dir, "r.p7m"), "-CAfile", filepath.Join(dir, "root.pem"), "-attime", "1772443810").CombinedOutput()
	if err != nil || !strings.Contains(string(out), `{"deleted":"x"}`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestOpenSSLAcceptsChainAndRevocationList(t *testing.T) {
	l, _, _ := open(t)
	c, err := l.Credential(t.Context(), request("r"))
	if err != nil {
		t.Fatal(err)
	}
	rev, err := l.Revocation(t.Context(), c.Chain)
	if err != nil || len(rev.CRLs) != 1 {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"verify", "-x509_strict", "-crl_check", "-attime", "1772443810",
		"-CAfile", file("root.pem", "CERTIFICATE", l.Root().Raw), "-CRLfile", file("crl.pem", "X509 CRL", rev.CRLs[0]),
		file("leaf.pem", "CERTIFICATE", c.Chain[0].Raw)}
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil || !strings.Contains(string(out), "OK") {
		t.Errorf("openssl %v: %v\n%s", args, err, out)
	}
	other, _, _ := open(t)
	if _, err := other.Revocation(t.Context(), c.Chain); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("list for another authority's certificate: %v", err)
	}
}

// stamp is a timestamp authority.
type stamp struct{ l *trust.Local }

func (s stamp) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	key, chain, err := s.l.Timestamping(ctx)
	if err != nil {
		return nil, err
	}
	return cms.SignToken(ctx, cms.TSTInfo{Policy: asn1.ObjectIdentifier{0, 4, 0, 2023, 1, 1}, Hash: h, Digest: digest, Serial: big.NewInt(1), Time: evidencetest.Start}, chain, key)
}

// Every certificate says what it is for, and a signer gets none for anything else.
func TestPurposes(t *testing.T) {
	l, _, _ := open(t)
	signer, err := l.Credential(t.Context(), request("a"))
	if err != nil {
		t.Fatal(err)
	}
	sealing, err := l.Seals().Credential(t.Context(), request("b"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := l.Certify(t.Context(), request("c"), signer.Chain[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	by := func(signed []byte, err error) *x509.Certificate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := cms.Parse(signed)
		if err != nil {
			t.Fatal(err)
		}
		return s.Signer
	}
	for purpose, certificates := range map[evidence.Purpose][]*x509.Certificate{
		evidence.ForSigner: {signer.Chain[0], elsewhere[0]}, evidence.ForSeal: {sealing.Chain[0]},
		evidence.ForReceipt: {by(l.SignReceipt(t.Context(), []byte("{}")))}, evidence.ForErasure: {by(l.SignErasure(t.Context(), []byte("{}"), stamp{l}))}, "": {l.Root()},
	} {
		for _, c := range certificates {
			if got := evidence.PurposeOf(c); got != purpose {
				t.Errorf("%q is for %q, want %q", c.Subject, got, purpose)
			}
		}
	}
}
