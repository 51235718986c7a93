package csc_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/trust/csc"
	"inkwitness/evidence/trust/csc/csctest"
)

// spoiler answers at one path with bytes of its own, elsewhere as the provider does.
type spoiler struct {
	path   string
	status int
	body   []byte
}

func (s spoiler) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, s.path) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

// paths are all that a client asks.
var paths = []string{"/info", "/oauth2/token", "/credentials/list", "/credentials/info", "/credentials/authorize", "/signatures/signHash"}

// FuzzAnswers lets a provider answer one of the calls with anything: what the client
// takes for a certificate, an authorization, a signature or an address for the
// signer is one.
func FuzzAnswers(f *testing.F) {
	for i, body := range []string{
		`{"oauth2": "https://provider.example/csc/v2"}`,
		`{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}`,
		`{"credentialIDs": ["GX0112348"]}`,
		`{"key": {"status": "enabled", "algo": ["1.2.840.10045.4.3.2"]}, "cert": {"status": "valid", "certificates": ["AAAA"]}, "auth": {"mode": "oauth2code"}, "SCAL": "2"}`,
		`{"SAD": "s", "expiresIn": 300}`,
		`{"signatures": ["AAAA", "BBBB"]}`,
	} {
		f.Add(uint8(i), 200, []byte(body))
		f.Add(uint8(i), 400, []byte(`{"error": "invalid_request", "error_description": "Invalid parameter"}`))
		f.Add(uint8(i), 200, []byte(`null`))
		f.Add(uint8(i), 200, []byte(`{`))
	}
	for _, oauth2 := range []string{"javascript:alert(1)//", "http://elsewhere", "//elsewhere", "https://", "https://a/?x#y", "\x00"} {
		raw, err := json.Marshal(map[string]string{"oauth2": oauth2})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(0), 200, raw)
	}
	f.Add(uint8(1), 200, []byte(`{"access_token": "t", "expires_in": 9223372036854775807}`))
	f.Add(uint8(4), 200, []byte(`{"SAD": ""}`))
	f.Add(uint8(5), 200, []byte(`{"signatures": []}`))
	f.Fuzz(func(t *testing.T, path uint8, status int, body []byte) {
		s := csctest.New(t, evidencetest.Start)
		for _, s.Consent = range []bool{false, true} {
			ask(t, s, spoiler{paths[int(path)%len(paths)], status, body})
		}
	})
}

func ask(t *testing.T, s *csctest.Server, answers spoiler) {
	c, err := csc.New(csc.Config{URL: s.API(), ID: csctest.ClientID, Secret: csctest.Secret, Redirect: "https://sign.example.com/back", Clock: &evidencetest.Clock{},
		HTTP: &http.Client{Transport: answers}})
	if err != nil {
		t.Fatal(err)
	}
	cred, err := c.Credential(t.Context(), evidence.CredentialRequest{Email: "zoe@example.com"})
	if err != nil {
		return
	}
	if len(cred.Chain) == 0 || cred.Chain[0] == nil {
		t.Fatal("a credential without a certificate")
	}
	agreed := digests("document", "manifest")
	auth, err := c.Authorize(t.Context(), cred.ID, agreed)
	if err != nil {
		return
	}
	switch at, err := url.Parse(auth.Redirect); {
	case auth.Redirect == "" && auth.ID == "":
		t.Fatal("an authorization without SAD")
	case auth.Redirect != "" && (err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || at.Query().Get("client_id") != csctest.ClientID || at.Fragment != ""):
		t.Fatalf("signers are sent to %q", auth.Redirect)
	case auth.Redirect != "":
		if auth, err = c.Consented(t.Context(), auth, at.Query().Get("state"), "code"); err != nil {
			return
		}
		if auth.ID == "" || auth.Redirect != "" {
			t.Fatal("a consent without SAD")
		}
	}
	sigs, err := c.Sign(t.Context(), auth, agreed)
	if err == nil && len(sigs) != len(agreed) {
		t.Fatalf("%d signatures for %d hashes", len(sigs), len(agreed))
	}
}
