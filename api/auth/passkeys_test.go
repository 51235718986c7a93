package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"inkwitness/api"
)

// authenticator is a passkey in software: WebAuthn level 3, section 6.
type authenticator struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	user    string // base64url, as the options name it
	counter uint32
	origin  string
	rp      string
	flags   byte // user present 1, verified 4
}

func newAuthenticator(t *testing.T) *authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &authenticator{t: t, key: key, id: []byte("credential of this test"), origin: "http://localhost", rp: "localhost", flags: 1 | 4}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) json(v any) []byte {
	a.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func (a *authenticator) client(kind, challenge string) []byte {
	return a.json(m{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
}

func (a *authenticator) data(more byte) []byte {
	rp := sha256.Sum256([]byte(a.rp))
	return binary.BigEndian.AppendUint32(append(rp[:], a.flags|more), a.counter)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(options map[string]any) m {
	a.t.Helper()
	public := options["publicKey"].(map[string]any)
	a.user = public["user"].(map[string]any)["id"].(string)
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		a.t.Fatal(err)
	}
	data := append(a.data(0x40), make([]byte, 16)...) // attested credential data follows; AAGUID zero
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	attestation, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		a.t.Fatal(err)
	}
	return m{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key",
		"response": m{"clientDataJSON": b64(a.client("webauthn.create", public["challenge"].(string))), "attestationObject": b64(attestation)}}
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options map[string]any) m {
	a.t.Helper()
	client := a.client("webauthn.get", options["publicKey"].(map[string]any)["challenge"].(string))
	data, hash := a.data(0), sha256.Sum256(client)
	sum := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return m{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "response": m{"clientDataJSON": b64(client),
		"authenticatorData": b64(data), "signature": b64(signature), "userHandle": a.user}}
}

func (b *browser) register(a *authenticator) answer {
	begun := b.do("POST", "/api/factors/passkeys/begin", nil).wants(b.s.t, 200, "")
	return b.do("POST", "/api/factors/passkeys", m{"ceremony": begun.body["ceremony"], "name": "tablet",
		"credential": a.create(begun.body["options"].(map[string]any))})
}

func (b *browser) passkey(a *authenticator) answer {
	begun := b.do("POST", "/api/session/passkey/begin", nil).wants(b.s.t, 200, "")
	return b.do("POST", "/api/session/passkey", m{"ceremony": begun.body["ceremony"], "credential": a.get(begun.body["options"].(map[string]any))})
}

func TestA8Passkeys(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	key := newAuthenticator(t)
	key.origin = "https://evil.example"
	ann.register(key).wants(t, 401, "not-signed-in")
	key.origin = "http://localhost"
	if a := ann.register(key).wants(t, 201, ""); len(a.body["recoveryCodes"].([]any)) != 10 {
		t.Error(a.raw)
	}
	ann.register(key).wants(t, 409, "conflict")
	if a := ann.do("GET", "/api/factors", nil).wants(t, 200, ""); a.body["passkeys"].([]any)[0].(map[string]any)["name"] != "tablet" {
		t.Error(a.raw)
	}
	ann.do("DELETE", "/api/session", nil).wants(t, 204, "")

	ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 401, "second-factor")
	key.counter = 5
	if a := ann.passkey(key).wants(t, 201, ""); a.body["secondFactor"] != true {
		t.Error(a.raw)
	}
	ann.do("GET", "/api/inside", nil).wants(t, 204, "")
	ann.do("DELETE", "/api/session", nil)

	for name, spoil := range map[string]func(*authenticator){
		"another origin":     func(a *authenticator) { a.origin = "https://evil.example" },
		"another service":    func(a *authenticator) { a.rp = "evil.example" },
		"an old counter":     func(a *authenticator) { a.counter = 5 },
		"user not verified":  func(a *authenticator) { a.flags = 1 },
		"another key":        func(a *authenticator) { a.key = newAuthenticator(t).key },
		"another person":     func(a *authenticator) { a.user = b64([]byte("nobody")) },
		"another credential": func(a *authenticator) { a.id = []byte("another") },
	} {
		bad := *key
		bad.counter = 9
		spoil(&bad)
		if a := ann.passkey(&bad); a.status != 401 {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if kinds := s.events(); count(kinds, "passkey.copied") != 1 || count(kinds, "passkey.refused") != 6 {
		t.Errorf("the record says %v", kinds)
	}
	key.counter = 10
	begun := ann.do("POST", "/api/session/passkey/begin", nil)
	answer := m{"ceremony": begun.body["ceremony"], "credential": key.get(begun.body["options"].(map[string]any))}
	ann.do("POST", "/api/session/passkey", answer).wants(t, 201, "")
	ann.do("POST", "/api/session/passkey", answer).wants(t, 410, "expired") // the same answer twice

	ann.do("DELETE", "/api/factors/passkeys/"+b64(key.id), nil).wants(t, 204, "")
	ann.do("DELETE", "/api/session", nil)
	key.counter = 11
	ann.passkey(key).wants(t, 401, "not-signed-in")
}

func TestPasskeyTakesOver(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	key := newAuthenticator(t)
	ann.register(key).wants(t, 201, "")
	other := s.browser(safari)
	key.counter = 1
	other.passkey(key).wants(t, 409, "signed-in-elsewhere")
	begun := other.do("POST", "/api/session/passkey/begin", nil)
	key.counter = 2
	other.do("POST", "/api/session/passkey", m{"ceremony": begun.body["ceremony"], "takeOver": true,
		"credential": key.get(begun.body["options"].(map[string]any))}).wants(t, 201, "")
	ann.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
}

// prove shows the passkey in a session that is open.
func (b *browser) provePasskey(a *authenticator) answer {
	begun := b.do("POST", "/api/session/proof/passkey/begin", nil).wants(b.s.t, 200, "")
	a.counter++
	return b.do("POST", "/api/session/proof/passkey", m{"ceremony": begun.body["ceremony"], "credential": a.get(begun.body["options"].(map[string]any))})
}

func TestFreshProofByPasskey(t *testing.T) {
	s := newService(t)
	ann, eve := s.member("ann@example.org", api.Owner), s.member("eve@example.org", api.Sender)
	key, other := newAuthenticator(t), newAuthenticator(t)
	other.id = []byte("credential of somebody else")
	ann.register(key).wants(t, 201, "")
	eve.register(other).wants(t, 201, "")
	s.clock.Advance(11 * time.Minute)
	ann.do("POST", "/api/factors/recovery", nil).wants(t, 403, "step-up")
	ann.provePasskey(other).wants(t, 401, "not-signed-in")
	ann.do("POST", "/api/factors/recovery", nil).wants(t, 403, "step-up")
	ann.provePasskey(key).wants(t, 204, "")
	ann.do("POST", "/api/factors/recovery", nil).wants(t, 201, "")

	begun := ann.do("POST", "/api/session/proof/passkey/begin", nil).wants(t, 200, "") // of ann's session, for no other
	key.counter++
	eve.do("POST", "/api/session/proof/passkey", m{"ceremony": begun.body["ceremony"], "credential": key.get(begun.body["options"].(map[string]any))}).wants(t, 403, "not-allowed")
	s.browser(firefox).do("POST", "/api/session/proof/passkey/begin", nil).wants(t, 401, "not-signed-in")
}

// TestA12PasskeyOfASigner: the passkey of the account of the signer's address, in
// the signing session that asked, once.
func TestA12PasskeyOfASigner(t *testing.T) {
	s := newService(t)
	ann, eve := s.member("ann@example.org", api.Owner), s.member("eve@example.org", api.Sender)
	key, other := newAuthenticator(t), newAuthenticator(t)
	other.id = []byte("credential of somebody else")
	ann.register(key).wants(t, 201, "")
	eve.register(other).wants(t, 201, "")
	begin := func(a *authenticator) (string, map[string]any) {
		a.counter++
		ceremony, options, err := s.auth.BeginSignerPasskey(t.Context(), "session 1")
		s.must(err)
		var plain map[string]any
		s.must(json.Unmarshal(a.json(options), &plain))
		return ceremony, a.get(plain)
	}
	refused := func(what, email, session, ceremony string, credential map[string]any) {
		t.Helper()
		if err := s.auth.CheckSignerPasskey(t.Context(), email, session, ceremony, credential); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
	ceremony, credential := begin(other)
	refused("another's passkey", "ann@example.org", "session 1", ceremony, credential)
	ceremony, credential = begin(key)
	refused("another session", "ann@example.org", "session 2", ceremony, credential)
	ceremony, credential = begin(key)
	refused("an address without account", "nobody@example.org", "session 1", ceremony, credential)
	ceremony, credential = begin(key)
	s.must(s.auth.CheckSignerPasskey(t.Context(), " Ann@Example.org", "session 1", ceremony, credential))
	refused("the same answer again", "ann@example.org", "session 1", ceremony, credential)
	for range 5 {
		refused("a guess", "ann@example.org", "session 1", "guess", credential)
	}
	ceremony, credential = begin(key)
	if err := s.auth.CheckSignerPasskey(t.Context(), "ann@example.org", "session 1", ceremony, credential); !errors.Is(err, api.ErrTooMany) {
		t.Errorf("after five wrong ones: %v", err)
	}
}
