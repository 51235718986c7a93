//go:build pkcs11

package pkcs11_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/trust/pkcs11"
)

// open starts a new SoftHSM2 token in a directory of its own.
func open(t *testing.T) *pkcs11.Provider {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.MkdirAll(filepath.Join(dir, "tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, fmt.Appendf(nil, "directories.tokendir = %s/tokens\nobjectstore.backend = file\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	if out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", "ink", "--pin", "1234", "--so-pin", "5678").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	keys, _ := evidencetest.Keys()
	ca, err := trust.Open(t.Context(), trust.Config{Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pkcs11.Open(pkcs11.Config{Library: "/usr/lib/softhsm/libsofthsm2.so", Token: "ink", Pin: "1234", Issuer: ca, Secret: make([]byte, 32), Info: evidence.ProviderInfo{Legal: "Test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestKeyLivesAndDiesInTheModule(t *testing.T) {
	var p evidence.Provider = open(t)
	req := evidence.CredentialRequest{ID: "dep1/signer-1/1", Subject: "s", Deposit: "dep1", Name: "Zoë 王小明"}
	cred, err := p.Credential(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Credential(t.Context(), req)
	if err != nil || !bytes.Equal(again.Chain[0].Raw, cred.Chain[0].Raw) || len(again.Chain) != 2 {
		t.Errorf("another certificate for the same request, %v", err)
	}
	d := sha256.Sum256([]byte("document"))
	digests := []evidence.SignDigest{{Hash: crypto.SHA256, Value: d[:]}}
	auth, err := p.Authorize(t.Context(), cred.ID, digests)
	if err != nil {
		t.Fatal(err)
	}
	other := sha256.Sum256([]byte("another"))
	if _, err := p.Sign(t.Context(), auth, []evidence.SignDigest{{Hash: crypto.SHA256, Value: other[:]}}); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("another digest: %v", err)
	}
	sigs, err := p.Sign(t.Context(), auth, digests)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(cred.Chain[0].PublicKey.(*ecdsa.PublicKey), d[:], sigs[0]) || cred.Chain[0].Subject.CommonName != req.Name {
		t.Error("signature or name is wrong")
	}
	for range 2 {
		if err := p.Release(t.Context(), cred.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Sign(t.Context(), auth, digests); !errors.Is(err, evidence.ErrErased) {
		t.Errorf("sign after release: %v", err)
	}
	if _, err := p.Credential(t.Context(), req); !errors.Is(err, evidence.ErrErased) {
		t.Errorf("credential after release: %v", err)
	}
}
