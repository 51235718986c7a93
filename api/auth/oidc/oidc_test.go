package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

type clock struct{}

func (clock) Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// idp is a provider in the test process. It checks what a provider checks (client
// secret, redirect, PKCE, one use of a code) and answers with a token that the
// test may spoil.
type idp struct {
	t       *testing.T
	server  *httptest.Server
	key     *ecdsa.PrivateKey
	codes   map[string]string // code -> challenge
	nonce   string
	spoil   func(header, claims map[string]any)
	sign    func(input []byte) []byte // nil is the provider's key
	noToken bool
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t, key: key, codes: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.write(w, map[string]any{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/auth", "token_endpoint": p.server.URL + "/token",
			"jwks_uri": p.server.URL + "/keys", "code_challenge_methods_supported": []string{"S256"},
			"id_token_signing_alg_values_supported": []string{"ES256", "none", "HS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := p.key.PublicKey.Bytes()
		if err != nil {
			t.Error(err)
		}
		p.write(w, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
			"x": b64(point[1:33]), "y": b64(point[33:])}}})
	})
	mux.HandleFunc("/token", p.token)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *idp) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// authorize plays the person's browser at the provider: it returns a code.
func (p *idp) authorize(address string) (code, state string) {
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
		p.t.Errorf("asked with %v", q)
	}
	code = "code-" + q.Get("state")
	p.codes[code], p.nonce = q.Get("code_challenge"), q.Get("nonce")
	return code, q.Get("state")
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	challenge, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if id, secret, _ := r.BasicAuth(); !ok || b64(sum[:]) != challenge || id != "client" || secret != "secret" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := clock{}.Now()
	header := map[string]any{"alg": "ES256", "kid": "k1", "typ": "JWT"}
	claims := map[string]any{"iss": p.server.URL, "aud": "client", "sub": "subject-1", "nonce": p.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"email": "ann@example.org", "email_verified": true, "name": "Ann", "amr": []string{"pwd", "mfa"}}
	if p.spoil != nil {
		p.spoil(header, claims)
	}
	out := map[string]any{"access_token": "x", "token_type": "Bearer"}
	if !p.noToken {
		out["id_token"] = p.jwt(header, claims)
	}
	p.write(w, out)
}

func (p *idp) jwt(header, claims map[string]any) string {
	h, err1 := json.Marshal(header)
	c, err2 := json.Marshal(claims)
	if err := errors.Join(err1, err2); err != nil {
		p.t.Error(err)
	}
	input := b64(h) + "." + b64(c)
	sign := p.sign
	if sign == nil {
		sign = p.es256(p.key)
	}
	return input + "." + b64(sign([]byte(input)))
}

func (p *idp) es256(key *ecdsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			p.t.Error(err)
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	}
}

func (p *idp) provider() *Provider {
	p.t.Helper()
	c, err := Discover(context.Background(), Config{Issuer: p.server.URL, ClientID: "client", ClientSecret: "secret",
		Redirect: "https://ink.example.org/back", Client: p.server.Client(), Clock: clock{}})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

var attempt = Attempt{State: "state-1", Nonce: "nonce-1", Verifier: "a-verifier-of-more-than-forty-three-characters-1"}

func TestSignIn(t *testing.T) {
	p := newIDP(t)
	provider := p.provider()
	code, state := p.authorize(provider.Begin(attempt, false))
	if state != "state-1" {
		t.Error(state)
	}
	got, err := provider.Finish(t.Context(), attempt, code, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Claims{Subject: "subject-1", Email: "ann@example.org", EmailVerified: true, Name: "Ann", SecondFactor: true}); got != want {
		t.Errorf("%+v", got)
	}
	if _, err := provider.Finish(t.Context(), attempt, code, ""); !errors.Is(err, ErrRefused) {
		t.Errorf("a code works twice: %v", err)
	}
	if u, _ := url.Parse(provider.Begin(attempt, true)); u.Query().Get("prompt") != "login" {
		t.Error("a fresh proof was not asked for")
	}
}

func TestA9Attacks(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int64 { return clock{}.Now().Add(d).Unix() }
	set := func(name string, v any) func(*idp) {
		return func(p *idp) { p.spoil = func(_, c map[string]any) { c[name] = v } }
	}
	attacks := map[string]func(*idp){
		"wrong audience":          set("aud", "another"),
		"no audience":             set("aud", nil),
		"two audiences, no party": set("aud", []string{"client", "another"}),
		"another party":           set("azp", "another"),
		"wrong issuer":            set("iss", "https://evil.example"),
		"issuer with a slash":     func(p *idp) { set("iss", p.server.URL+"/")(p) },
		"wrong nonce":             set("nonce", "nonce-2"),
		"no nonce":                set("nonce", nil),
		"expired":                 set("exp", at(-time.Second)),
		"no end":                  set("exp", nil),
		"old":                     set("iat", at(-11*time.Minute)),
		"from the future":         set("iat", at(10*time.Minute)),
		"no subject":              set("sub", ""),
		"no token":                func(p *idp) { p.noToken = true },
		"unsigned": func(p *idp) {
			p.spoil = func(h, _ map[string]any) { h["alg"] = "none" }
			p.sign = func([]byte) []byte { return nil }
		},
		"unsigned, odd spelling": func(p *idp) {
			p.spoil = func(h, _ map[string]any) { h["alg"] = "nOnE" }
			p.sign = func([]byte) []byte { return nil }
		},
		"signature cut off": func(p *idp) { p.sign = func([]byte) []byte { return nil } },
		"signed by another": func(p *idp) { p.sign = p.es256(other) },
		"other key, key in header": func(p *idp) {
			point, _ := other.PublicKey.Bytes()
			p.spoil = func(h, _ map[string]any) {
				h["jwk"] = map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
			}
			p.sign = p.es256(other)
		},
		"key by address": func(p *idp) {
			p.spoil = func(h, _ map[string]any) { h["jku"] = "https://evil.example/keys"; h["kid"] = "k2" }
			p.sign = p.es256(other)
		},
		"HMAC with the client's secret": func(p *idp) {
			p.spoil = func(h, _ map[string]any) { h["alg"] = "HS256" }
			p.sign = func(in []byte) []byte {
				m := hmac.New(crypto.SHA256.New, []byte("secret"))
				m.Write(in)
				return m.Sum(nil)
			}
		},
		"HMAC with the public key": func(p *idp) {
			point, _ := p.key.PublicKey.Bytes()
			p.spoil = func(h, _ map[string]any) { h["alg"] = "HS256" }
			p.sign = func(in []byte) []byte { m := hmac.New(crypto.SHA256.New, point); m.Write(in); return m.Sum(nil) }
		},
		"all zero signature": func(p *idp) { p.sign = func([]byte) []byte { return make([]byte, 64) } },
		"critical header":    func(p *idp) { p.spoil = func(h, _ map[string]any) { h["crit"] = []string{"exp"} } },
	}
	if len(attacks) < 24 { // three more are answers of the browser's, below
		t.Errorf("%d attacks", len(attacks))
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			attack(p)
			provider := p.provider()
			code, _ := p.authorize(provider.Begin(attempt, false))
			if got, err := provider.Finish(t.Context(), attempt, code, ""); !errors.Is(err, ErrRefused) {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	t.Run("another verifier", func(t *testing.T) { // a code stolen on its way
		p := newIDP(t)
		provider := p.provider()
		code, _ := p.authorize(provider.Begin(attempt, false))
		thief := Attempt{State: attempt.State, Nonce: attempt.Nonce, Verifier: "the-thief-does-not-know-the-verifier-of-the-victim"}
		if _, err := provider.Finish(t.Context(), thief, code, ""); !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
	})
	t.Run("mix-up", func(t *testing.T) { // RFC 9207
		p := newIDP(t)
		provider := p.provider()
		code, _ := p.authorize(provider.Begin(attempt, false))
		if _, err := provider.Finish(t.Context(), attempt, code, "https://evil.example"); !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
	})
	t.Run("description of another issuer", func(t *testing.T) {
		p := newIDP(t)
		if _, err := Discover(t.Context(), Config{Issuer: p.server.URL + "/tenant", Client: p.server.Client(), Clock: clock{}}); err == nil {
			t.Error("accepted")
		}
	})
}

// TestWhatTheProviderAskedFor: second factor and time of the proof are read from
// what the provider signed.
func TestWhatTheProviderAskedFor(t *testing.T) {
	p := newIDP(t)
	provider := p.provider()
	for _, c := range []struct {
		name string
		amr  []string
		acr  any
		want bool
	}{
		{"nothing", nil, nil, false}, {"a password", []string{"pwd"}, "0", false}, {"a code alone", []string{"otp"}, nil, false},
		{"a password and a code", []string{"pwd", "otp"}, nil, true}, {"a key", []string{"hwk", "user"}, nil, true},
		{"several", []string{"mfa"}, nil, true}, {"a class", nil, "https://refeds.org/profile/mfa", true}, {"no class", nil, 7, false},
	} {
		for name, at := range map[string]any{"no time": nil, "a number": 1700000000, "a string": "1700000000"} {
			p.spoil = func(_, claims map[string]any) { claims["amr"], claims["acr"], claims["auth_time"] = c.amr, c.acr, at }
			code, _ := p.authorize(provider.Begin(attempt, true))
			got, err := provider.Finish(t.Context(), attempt, code, "")
			if err != nil || got.SecondFactor != c.want || got.Authenticated.IsZero() != (at == nil) || at != nil && got.Authenticated.Unix() != 1700000000 {
				t.Errorf("%s, %s: %+v, %v", c.name, name, got, err)
			}
		}
	}
}
