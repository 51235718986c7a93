package csc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
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
	return client(t, s, ""), s
}

func client(t *testing.T, s *csctest.Server, level string) *csc.Client {
	t.Helper()
	c, err := csc.New(csc.Config{URL: s.API(), ID: csctest.ClientID, Secret: csctest.Secret, Redirect: "https://sign.example.com/back", Clock: &evidencetest.Clock{},
		Info: evidence.ProviderInfo{Legal: "Test Trust Services", Country: "FR", Level: level}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var zoe = evidence.CredentialRequest{Subject: "sub1", Email: "zoe@example.com"}

// TestCredentialsThatCannotBeUsed: they are refused with a reason before anything
// is prepared for them, and are not authorized.
func TestCredentialsThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*csctest.Server)
		level  string
		reason string // empty: it can be used
	}{
		"explicit, nothing asked":      {func(*csctest.Server) {}, "advanced", ""},
		"explicit with a PIN":          {func(s *csctest.Server) { s.Asks = []string{"PIN"} }, "advanced", `asks for "PIN"`},
		"explicit with PIN and OTP":    {func(s *csctest.Server) { s.Asks = []string{"PIN", "OTP"} }, "advanced", `asks for "PIN, OTP"`},
		"implicit, as in version 1":    {func(s *csctest.Server) { s.Mode = "implicit" }, "advanced", "neither oauth2code nor explicit"},
		"consent":                      {func(s *csctest.Server) { s.Consent = true }, "qualified", ""},
		"consent, not to the hashes":   {func(s *csctest.Server) { s.Consent, s.SCAL = true, "1" }, "advanced", ""},
		"the same, called qualified":   {func(s *csctest.Server) { s.Consent, s.SCAL = true, "1" }, "qualified", "SCAL 2"},
		"no consent, called qualified": {func(*csctest.Server) {}, "qualified", "SCAL 2"},
		"SCAL of another kind":         {func(s *csctest.Server) { s.SCAL = "3" }, "advanced", `SCAL "3"`},
	} {
		s := csctest.New(t, evidencetest.Start)
		c.set(s)
		provider := client(t, s, c.level)
		cred, err := provider.Credential(t.Context(), zoe)
		if c.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if _, err := provider.Authorize(t.Context(), cred.ID, digests("document")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
		if _, err := provider.Authorize(t.Context(), "credential-1", digests("document")); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s, authorized: %v, want %s", name, err, c.reason)
		}
	}
	c, _ := open(t)
	if _, err := c.Authorize(t.Context(), "credential-1", digests("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("more signatures than the credential makes at once: %v", err)
	}
}

// TestOtherHashesWithSCAL1: what a provider does not hold against the authorization,
// the client does.
func TestOtherHashesWithSCAL1(t *testing.T) {
	for _, consent := range []bool{false, true} {
		c, s := open(t)
		s.Consent, s.SCAL = consent, "1"
		auth, err := c.Authorize(t.Context(), "credential-1", digests("document"))
		if err != nil {
			t.Fatal(err)
		}
		if consent {
			q := visit(t, auth.Redirect)
			if auth, err = c.Consented(t.Context(), auth, q.Get("state"), q.Get("code")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Sign(t.Context(), auth, digests("another")); !errors.Is(err, evidence.ErrNotAllowed) || s.Signed != 0 {
			t.Errorf("other hashes: %v, signed %d times", err, s.Signed)
		}
		if _, err := c.Sign(t.Context(), auth, digests("document")); err != nil {
			t.Errorf("the hashes that were authorized: %v", err)
		}
	}
}

// TestRSA: by both ways of authorization.
func TestRSA(t *testing.T) {
	for _, consent := range []bool{false, true} {
		s := csctest.NewRSA(t, evidencetest.Start)
		s.Consent = consent
		c := client(t, s, "")
		cred, err := c.Credential(t.Context(), zoe)
		if err != nil {
			t.Fatal(err)
		}
		agreed := digests("document", "manifest")
		auth, err := c.Authorize(t.Context(), cred.ID, agreed)
		if err != nil {
			t.Fatal(err)
		}
		if consent {
			q := visit(t, auth.Redirect)
			if auth, err = c.Consented(t.Context(), auth, q.Get("state"), q.Get("code")); err != nil {
				t.Fatal(err)
			}
		}
		sigs, err := c.Sign(t.Context(), auth, agreed)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, cred, agreed, sigs)
	}
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
		good := false
		switch k := cred.Chain[0].PublicKey.(type) {
		case *ecdsa.PublicKey:
			good = ecdsa.VerifyASN1(k, d[i].Value, s)
		case *rsa.PublicKey:
			good = rsa.VerifyPKCS1v15(k, d[i].Hash, d[i].Value, s) == nil
		}
		if !good {
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
