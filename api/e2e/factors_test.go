package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/pquerna/otp/totp"
)

// TestA8_SecondFactor: where an organisation asks for one, a password alone opens
// nothing of it; a time-based code works once; a passkey works on this service
// alone, verifies its holder and counts forward.
func TestA8_SecondFactor(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Factors", "owner@factors.example")
	var offer struct{ Secret string }
	owner.must("POST", "/api/factors/totp", nil, &offer)
	code := func(at time.Time) string {
		c, err := totp.GenerateCode(offer.Secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := time.Now()
	owner.must("POST", "/api/factors/totp/confirm", map[string]string{"code": code(now.Add(-30 * time.Second))}, nil)
	sam := owner.join("sam@factors.example", "admin")
	owner.must("PATCH", "/api/organisation", map[string]bool{"secondFactor": true}, nil)

	var description struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	sam.do("GET", "/openapi.json", nil).json(t, &description)
	own := []string{"/api/session", "/api/profile", "/api/factors"} // to add the factor with
	asked := 0
	for path, methods := range description.Paths {
		if _, reads := methods["get"]; !reads || methods["get"].Security == nil || slices.ContainsFunc(own, func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		asked++
		for strings.Contains(path, "{") {
			before, rest, _ := strings.Cut(path, "{")
			_, after, _ := strings.Cut(rest, "}")
			path = before + strings.Repeat("a", 32) + after
		}
		if a := sam.do("GET", path, nil); a.Status < 400 {
			t.Errorf("GET %s with a password alone: %s", path, a)
		}
	}
	if asked < 15 {
		t.Errorf("only %d routes of the organisation were asked", asked)
	}

	owner.must("DELETE", "/api/session", nil, nil)
	signIn := func(code string) answer {
		return s.client().do("POST", "/api/session", map[string]string{"email": "owner@factors.example", "password": ownerPassword, "code": code})
	}
	if a := signIn(""); problemOf(a) != "second-factor" {
		t.Errorf("a password without a code: %s", a)
	}
	if a := signIn(code(now.Add(-30 * time.Second))); problemOf(a) != "wrong-code" {
		t.Errorf("a code that was used: %s", a)
	}
	spent := code(time.Now())
	if a := signIn(spent); a.Status != 201 {
		t.Errorf("a fresh code: %s", a)
	}
	if a := signIn(spent); problemOf(a) != "wrong-code" {
		t.Errorf("the same code again: %s", a)
	}

	key := newPasskey(t, s.base)
	if a := sam.register(key.from("https://evil.example")); a.Status != 401 {
		t.Errorf("a passkey of another site: %s", a)
	}
	if a := sam.register(key); a.Status != 201 {
		t.Fatalf("a passkey: %s", a)
	}
	if a := sam.do("GET", "/api/documents", nil); a.Status != 200 {
		t.Errorf("the organisation with a passkey added and used: %s", a)
	}
	sam.must("DELETE", "/api/session", nil, nil)
	key.counter = 5
	if a := sam.withPasskey(key); a.Status != 201 {
		t.Fatalf("signing in with the passkey alone: %s", a)
	}
	for name, bad := range map[string]*passkey{"another origin": key.from("https://evil.example"), "an old counter": key.with(func(k *passkey) { k.counter = 4 }),
		"a holder who was not verified": key.with(func(k *passkey) { k.flags = 1 }), "another key": key.with(func(k *passkey) { k.key = newPasskey(t, s.base).key })} {
		if name != "an old counter" {
			bad.counter = 9
		}
		if a := s.client().withPasskey(bad); a.Status != 401 {
			t.Errorf("a passkey with %s: %s", name, a)
		}
	}
}

// passkey is one in software: WebAuthn level 3, section 6.
type passkey struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	user    string
	counter uint32
	origin  string
	flags   byte // user present 1, verified 4
}

func newPasskey(t *testing.T, base string) *passkey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &passkey{t: t, key: key, id: []byte(rand.Text()), origin: base, flags: 1 | 4}
}

func (k *passkey) with(change func(*passkey)) *passkey {
	other := *k
	change(&other)
	return &other
}

func (k *passkey) from(origin string) *passkey {
	return k.with(func(k *passkey) { k.origin = origin })
}

type passkeyOptions struct {
	Ceremony string
	Options  struct {
		PublicKey struct {
			Challenge string
			User      struct{ ID string }
		}
	}
}

func (k *passkey) client(kind, challenge string) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	if err != nil {
		k.t.Fatal(err)
	}
	return raw
}

func (k *passkey) data(more byte) []byte {
	host := sha256.Sum256([]byte("localhost"))
	return binary.BigEndian.AppendUint32(append(host[:], k.flags|more), k.counter)
}

func (c *client) register(k *passkey) answer {
	c.t.Helper()
	var begun passkeyOptions
	c.must("POST", "/api/factors/passkeys/begin", nil, &begun)
	k.user = begun.Options.PublicKey.User.ID
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		c.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		c.t.Fatal(err)
	}
	data := append(k.data(0x40), make([]byte, 16)...)
	data = append(append(binary.BigEndian.AppendUint16(data, uint16(len(k.id))), k.id...), cose...)
	attestation, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		c.t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return c.do("POST", "/api/factors/passkeys", map[string]any{"ceremony": begun.Ceremony, "name": "tablet", "credential": map[string]any{
		"id": enc(k.id), "rawId": enc(k.id), "type": "public-key", "response": map[string]string{
			"clientDataJSON": enc(k.client("webauthn.create", begun.Options.PublicKey.Challenge)), "attestationObject": enc(attestation)}}})
}

func (c *client) withPasskey(k *passkey) answer {
	c.t.Helper()
	var begun passkeyOptions
	c.must("POST", "/api/session/passkey/begin", nil, &begun)
	client := k.client("webauthn.get", begun.Options.PublicKey.Challenge)
	data, hash := k.data(0), sha256.Sum256(client)
	sum := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		c.t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return c.do("POST", "/api/session/passkey", map[string]any{"ceremony": begun.Ceremony, "credential": map[string]any{
		"id": enc(k.id), "rawId": enc(k.id), "type": "public-key", "response": map[string]string{
			"clientDataJSON": enc(client), "authenticatorData": enc(data), "signature": enc(signature), "userHandle": k.user}}})
}
