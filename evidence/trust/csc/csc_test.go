package csc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/trust/csc"
	"inkwitness/evidence/trust/csc/csctest"
)

var _ evidence.Provider = (*csc.Client)(nil)

func open(t *testing.T) (*csc.Client, *csctest.Server) {
	t.Helper()
	s := csctest.New(t, evidencetest.Start)
	c, err := csc.New(csc.Config{URL: s.API(), ID: csctest.ClientID, Secret: csctest.Secret, Redirect: "https://sign.example.com/back", Clock: &evidencetest.Clock{},
		Info: evidence.ProviderInfo{Legal: "Test Trust Services", Country: "FR"}})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func digests(texts ...string) []evidence.SignDigest {
	var out []evidence.SignDigest
	for _, s := range texts {
		d := sha256.Sum256([]byte(s))
		out = append(out, evidence.SignDigest{Hash: crypto.SHA256, Value: d[:]})
	}
	return out
}

func verify(t *testing.T, cred evidence.Credential, d []evidence.SignDigest, sigs [][]byte) {
	t.Helper()
	for i, s := range sigs {
		if !ecdsa.VerifyASN1(cred.Chain[0].PublicKey.(*ecdsa.PublicKey), d[i].Value, s) {
			t.Errorf("signature %d does not verify", i)
		}
	}
}

func TestServiceAuthorization(t *testing.T) {
	c, _ := open(t)
	if i := c.Info(); i.Name != "csc" || i.Legal != "Test Trust Services" || i.Country != "FR" {
		t.Errorf("info %+v", i)
	}
	cred, err := c.Credential(t.Context(), evidence.CredentialRequest{Subject: "sub1", Email: "zoe@example.com"})
	if err != nil || len(cred.Chain) != 2 {
		t.Fatal(cred, err)
	}
	agreed := digests("document", "manifest")
	auth, err := c.Authorize(t.Context(), cred.ID, agreed)
	if err != nil || auth.Redirect != "" {
		t.Fatal(auth, err)
	}
	if _, err := c.Sign(t.Context(), auth, digests("document", "another")); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("other hashes: %v", err)
	}
	sigs, err := c.Sign(t.Context(), auth, agreed)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, cred, agreed, sigs)
	if _, err := c.Sign(t.Context(), auth, agreed); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("one authorization used twice: %v", err)
	}
	if _, err := c.Credential(t.Context(), evidence.CredentialRequest{Subject: "nobody"}); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("no credential: %v", err)
	}
}

// visit goes where the signer is sent and comes back with the answer.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Host != "sign.example.com" {
		t.Fatalf("%d: %v, %v", resp.StatusCode, back, err)
	}
	return back.Query()
}

func TestSignerConsentsAtTheProvider(t *testing.T) {
	c, s := open(t)
	s.Consent = true
	cred, err := c.Credential(t.Context(), evidence.CredentialRequest{Subject: "sub1", Email: "zoe@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	agreed := digests("document")
	auth, err := c.Authorize(t.Context(), cred.ID, agreed)
	if err != nil || auth.Redirect == "" {
		t.Fatal(auth, err)
	}
	if _, err := c.Sign(t.Context(), auth, agreed); !errors.Is(err, evidence.ErrPending) {
		t.Errorf("before consent: %v", err)
	}
	q := visit(t, auth.Redirect)
	other, err := c.Authorize(t.Context(), cred.ID, digests("another document"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Consented(t.Context(), other, q.Get("state"), q.Get("code")); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("consent for another document: %v", err)
	}
	done, err := c.Consented(t.Context(), auth, q.Get("state"), q.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	sigs, err := c.Sign(t.Context(), done, agreed)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, cred, agreed, sigs)
	if _, err := c.Consented(t.Context(), auth, q.Get("state"), q.Get("code")); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("one code used twice: %v", err)
	}
}

// The provider signs and the answer is lost: signing again takes a new
// authorization and the same certificate.
func TestAnswerLostAfterSigning(t *testing.T) {
	c, s := open(t)
	s.DropAfterSigning = 1
	cred, err := c.Credential(t.Context(), evidence.CredentialRequest{Subject: "sub1", Email: "zoe@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	agreed := digests("document")
	auth, err := c.Authorize(t.Context(), cred.ID, agreed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sign(t.Context(), auth, agreed); err == nil || errors.Is(err, evidence.ErrNotAllowed) {
		t.Fatalf("lost answer: %v", err)
	}
	if _, err := c.Sign(t.Context(), auth, agreed); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Fatalf("the used authorization: %v", err)
	}
	if auth, err = c.Authorize(t.Context(), cred.ID, agreed); err != nil {
		t.Fatal(err)
	}
	sigs, err := c.Sign(t.Context(), auth, agreed)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, cred, agreed, sigs)
	again, err := c.Credential(t.Context(), evidence.CredentialRequest{Subject: "sub1", Email: "zoe@example.com"})
	if err != nil || !bytes.Equal(again.Chain[0].Raw, cred.Chain[0].Raw) {
		t.Errorf("another certificate, %v", err)
	}
}

func TestWrongSecret(t *testing.T) {
	s := csctest.New(t, evidencetest.Start)
	c, err := csc.New(csc.Config{URL: s.API(), ID: csctest.ClientID, Secret: "wrong", Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Credential(t.Context(), evidence.CredentialRequest{Subject: "sub1", Email: "zoe@example.com"}); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("got %v", err)
	}
}
