package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"
)

// message signs a digest with a fresh P-256 key.
func message(t testing.TB, digest []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "Ada"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	alg, err := AlgorithmFor(&key.PublicKey, false)
	if err != nil {
		t.Fatal(err)
	}
	attrs := Attributes(cert, digest)
	value, err := key.Sign(rand.Reader, alg.Input(attrs), alg.Opts)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Build([]*x509.Certificate{cert}, alg, attrs, value, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRoundTrip(t *testing.T) {
	digest := sum(crypto.SHA256, []byte("content"))
	der := message(t, digest)
	m, rest, err := Parse(append(der, 0, 0))
	if err != nil || len(rest) != 2 {
		t.Fatalf("rest %x, error %v", rest, err)
	}
	if err := m.Verify(digest); err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(sum(crypto.SHA256, nil)); !errors.Is(err, ErrDigest) {
		t.Errorf("another digest: %v", err)
	}
	if m.SigningTime || !m.CertID || m.Signer.Subject.CommonName != "Ada" || m.Hash != crypto.SHA256 {
		t.Errorf("%+v", m)
	}
}

// TestTruncated cuts a message everywhere.
func TestTruncated(t *testing.T) {
	der := message(t, make([]byte, 32))
	for n := range der {
		if _, _, err := Parse(der[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestAlgorithmFor(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.PublicKey{nil, "key", &p224.PublicKey} {
		if _, err := AlgorithmFor(key, false); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%T: %v", key, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	digest := sum(crypto.SHA256, nil)
	f.Add(message(f, digest))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, _, err := Parse(b); err == nil {
			_ = m.Verify(digest)
		}
		if ts, _, err := ParseTimestamp(b); err == nil {
			_ = ts.Verify(digest)
		}
	})
}
