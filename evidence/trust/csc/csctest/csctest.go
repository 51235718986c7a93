// Package csctest is a provider by the specification of the Cloud Signature
// Consortium, version 2, for tests: real keys and certificates, authorizations
// that bind hashes and are good once, OAuth 2.0 with PKCE. Only tests import it.
package csctest

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a provider with one credential.
type Server struct {
	*httptest.Server
	Root *x509.Certificate

	// Consent says that the signer has to consent at the provider.
	Consent bool

	// SCAL is told of the credential; empty: 2 with Consent, otherwise 1. Hashes
	// are held against what was authorized with 2 alone.
	SCAL string

	// Mode is told of the credential, where it is not what Consent says.
	Mode string

	// Asks are what an explicit authorization has to bring (auth/objects).
	Asks []string

	// DropAfterSigning loses the answer to that many signHash calls after
	// their signatures were made.
	DropAfterSigning int

	mu     sync.Mutex
	t      *testing.T
	key    crypto.Signer
	chain  []*x509.Certificate
	sads   map[string][]string   // hashes that an authorization allows
	codes  map[string]url.Values // consents given and not exchanged yet
	Signed int                   // signHash calls that made signatures
}

// The one client and its secret.
const (
	ClientID = "inkwitness"
	Secret   = "a secret of the client"
	token    = "access-token"
	id       = "credential-1"
	signer   = "zoe@example.com"
)

// New starts a provider whose certificates begin at the given time; its credential
// has a key for ECDSA on P-256.
func New(t *testing.T, now time.Time) *Server {
	t.Helper()
	return start(t, now, newKey(t))
}

// NewRSA starts one whose credential has a key for RSA.
func NewRSA(t *testing.T, now time.Time) *Server {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, now, k)
}

func start(t *testing.T, now time.Time, key crypto.Signer) *Server {
	t.Helper()
	s := &Server{t: t, key: key, sads: map[string][]string{}, codes: map[string]url.Values{}}
	rootKey := newKey(t)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CSC test root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Zoë 王小明"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(2, 0, 0),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageContentCommitment | x509.KeyUsageDigitalSignature}
	s.Root = s.issue(root, root, rootKey.Public(), rootKey)
	s.chain = []*x509.Certificate{s.issue(leaf, s.Root, s.key.Public(), rootKey), s.Root}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /csc/v2/info", s.info)
	mux.HandleFunc("POST /csc/v2/oauth2/token", s.tokens)
	mux.HandleFunc("GET /csc/v2/oauth2/authorize", s.consent)
	for path, h := range map[string]func(ask, http.ResponseWriter){"credentials/list": s.list, "credentials/info": s.credential,
		"credentials/authorize": s.authorize, "signatures/signHash": s.signHash} {
		mux.HandleFunc("POST /csc/v2/"+path, s.authenticated(h))
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// algorithms are the signature algorithms of the key: with SHA-256 alone, or, as
// many providers tell it, RSA with any hash.
func (s *Server) algorithms() (offered []string, withSHA256 string) {
	if _, ok := s.key.(*rsa.PrivateKey); ok {
		return []string{"1.2.840.113549.1.1.1"}, "1.2.840.113549.1.1.11"
	}
	return []string{"1.2.840.10045.4.3.2"}, "1.2.840.10045.4.3.2"
}

// scal is what is told of the credential.
func (s *Server) scal() string {
	if s.Consent {
		return cmp.Or(s.SCAL, "2")
	}
	return cmp.Or(s.SCAL, "1")
}

func (s *Server) issue(c, parent *x509.Certificate, pub crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, by)
	if err != nil {
		s.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return parsed
}

// API is the address of the API.
func (s *Server) API() string { return s.URL + "/csc/v2" }

// ask is every field that a request may have.
type ask struct {
	UserID           string   `json:"userID"`
	CredentialID     string   `json:"credentialID"`
	NumSignatures    int      `json:"numSignatures"`
	Hashes           []string `json:"hashes"`
	HashAlgorithmOID string   `json:"hashAlgorithmOID"`
	SignAlgo         string   `json:"signAlgo"`
	SAD              string   `json:"SAD"`
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": text}) // the client is gone
}

func (s *Server) authenticated(h func(ask, http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var a ask
		switch err := json.NewDecoder(r.Body).Decode(&a); {
		case r.Header.Get("Authorization") != "Bearer "+token:
			refuse(w, http.StatusUnauthorized, "invalid_token", "")
		case err != nil:
			refuse(w, http.StatusBadRequest, "invalid_request", "the body is not JSON")
		default:
			s.mu.Lock()
			defer s.mu.Unlock()
			h(a, w)
		}
	}
}

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{"specs": "2.0.0.2", "name": "Test Trust Services", "region": "FR", "lang": "en", "authType": []string{"oauth2code", "oauth2client"},
		"oauth2": s.API(), "methods": []string{"credentials/list", "credentials/info", "credentials/authorize", "signatures/signHash"}})
}

func (s *Server) list(a ask, w http.ResponseWriter) {
	ids := []string{}
	if a.UserID == signer {
		ids = append(ids, id)
	}
	reply(w, map[string]any{"credentialIDs": ids})
}

func (s *Server) credential(a ask, w http.ResponseWriter) {
	if a.CredentialID != id {
		refuse(w, http.StatusBadRequest, "invalid_request", "Invalid parameter credentialID")
		return
	}
	auth := map[string]any{"mode": "explicit"}
	if s.Consent {
		auth["mode"] = "oauth2code"
	}
	if s.Mode != "" {
		auth["mode"] = s.Mode
	}
	if len(s.Asks) > 0 {
		var objects []map[string]string
		for _, id := range s.Asks {
			objects = append(objects, map[string]string{"type": "Password", "id": id, "format": "N"})
		}
		auth["objects"], auth["expression"] = objects, strings.Join(s.Asks, " AND ")
	}
	algorithms, _ := s.algorithms()
	var certs []string
	for _, c := range s.chain {
		certs = append(certs, base64.StdEncoding.EncodeToString(c.Raw))
	}
	reply(w, map[string]any{"key": map[string]any{"status": "enabled", "algo": algorithms},
		"cert": map[string]any{"status": "valid", "certificates": certs}, "auth": auth, "SCAL": s.scal(), "multisign": 10})
}

func (s *Server) authorize(a ask, w http.ResponseWriter) {
	if s.Consent || len(s.Asks) > 0 || a.CredentialID != id || a.NumSignatures != len(a.Hashes) || len(a.Hashes) == 0 {
		refuse(w, http.StatusBadRequest, "invalid_request", "not to be authorized like this")
		return
	}
	reply(w, map[string]any{"SAD": s.newSAD(a.Hashes), "expiresIn": 300})
}

func (s *Server) newSAD(hashes []string) string {
	sad := rand.Text()
	s.sads[sad] = hashes
	return sad
}

func (s *Server) signHash(a ask, w http.ResponseWriter) {
	allowed, ok := s.sads[a.SAD]
	_, algorithm := s.algorithms()
	switch {
	case !ok:
		refuse(w, http.StatusBadRequest, "invalid_request", "Invalid parameter SAD")
		return
	case a.CredentialID != id || a.SignAlgo != algorithm || a.HashAlgorithmOID != "2.16.840.1.101.3.4.2.1" || len(allowed) != len(a.Hashes) || s.scal() == "2" && !slices.Equal(allowed, a.Hashes):
		refuse(w, http.StatusBadRequest, "invalid_request", "Hash is not authorized by the SAD")
		return
	}
	delete(s.sads, a.SAD) // good once
	var out []string
	for _, h := range a.Hashes {
		digest, err := base64.StdEncoding.DecodeString(h)
		if err != nil {
			refuse(w, http.StatusBadRequest, "invalid_request", "Invalid Base64 hash")
			return
		}
		sig, err := s.key.Sign(rand.Reader, digest, crypto.SHA256)
		if err != nil {
			s.t.Error(err)
		}
		out = append(out, base64.StdEncoding.EncodeToString(sig))
	}
	s.Signed++
	if s.DropAfterSigning > 0 {
		s.DropAfterSigning--
		panic(http.ErrAbortHandler) // the connection breaks
	}
	reply(w, map[string]any{"signatures": out})
}

// consent plays the page on which the signer agrees at once.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("credentialID") != id || q.Get("code_challenge_method") != "S256" || q.Get("hashes") == "" || q.Get("scope") != "credential" {
		refuse(w, http.StatusBadRequest, "invalid_request", "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code := rand.Text()
	s.codes[code] = q
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (s *Server) tokens(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != ClientID || r.PostForm.Get("client_secret") != Secret {
		refuse(w, http.StatusUnauthorized, "invalid_client", "")
		return
	}
	if r.PostForm.Get("grant_type") == "client_credentials" {
		reply(w, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.codes[r.PostForm.Get("code")]
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || q.Get("redirect_uri") != r.PostForm.Get("redirect_uri") {
		refuse(w, http.StatusBadRequest, "invalid_grant", "")
		return
	}
	delete(s.codes, r.PostForm.Get("code"))
	var hashes []string
	for h := range strings.SplitSeq(q.Get("hashes"), ",") {
		raw, err := base64.RawURLEncoding.DecodeString(h)
		if err != nil {
			refuse(w, http.StatusBadRequest, "invalid_grant", fmt.Sprint(err))
			return
		}
		hashes = append(hashes, base64.StdEncoding.EncodeToString(raw))
	}
	reply(w, map[string]any{"access_token": s.newSAD(hashes), "token_type": "SAD", "expires_in": 300})
}
