package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"testing"

	"inkwitness/evidence/cms"
	"inkwitness/evidence/cms/cmstest"
)

// TestSaltsOfOthers: OpenSSL signs by RSASSA-PSS with salts of several lengths.
func TestSaltsOfOthers(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	id := issue(t, "Ada", key, root(t), false)
	cert := write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.chain[0].Raw}))
	secret := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
	content := []byte("content")
	for _, salt := range []string{"20", "32", "max"} {
		out := write(t, "s.p7s", nil)
		run(t, "openssl", "cms", "-sign", "-binary", "-cades", "-md", "sha256", "-signer", cert, "-inkey", secret, "-keyopt", "rsa_padding_mode:pss",
			"-keyopt", "rsa_pss_saltlen:"+salt, "-in", write(t, "content", content), "-outform", "DER", "-out", out)
		s, err := cms.Parse(must(os.ReadFile(out)))
		if err != nil {
			t.Fatalf("salt of %s: %v", salt, err)
		}
		if err := s.Verify(sum(content)); err != nil {
			t.Errorf("salt of %s: %v", salt, err)
		}
		if err := s.Verify(sum(nil)); !errors.Is(err, cms.ErrDigest) {
			t.Errorf("salt of %s over other content: %v", salt, err)
		}
	}
}

// TestWeakKeysAreRefused, when signing and when reading.
func TestWeakKeysAreRefused(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	ca := root(t)
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	digest := sum([]byte("content"))
	for name, key := range map[string]crypto.Signer{"RSA with 1024 bits": short, "P-224": p224} {
		id := issue(t, "Ada", key, ca, false)
		if _, err := cms.NewDraft(cms.Params{Chain: id.chain, Digest: digest}); !errors.Is(err, cms.ErrUnsupported) {
			t.Errorf("signing by %s: %v", name, err)
		}
		attributes := cmstest.Attributes(id.chain[0], digest)
		value := must(key.Sign(rand.Reader, sum(attributes), crypto.SHA256))
		s, err := cms.Parse(cmstest.Build(id.chain, attributes, value))
		if err == nil {
			err = s.Verify(digest)
		}
		if !errors.Is(err, cms.ErrUnsupported) {
			t.Errorf("signed by %s: %v", name, err)
		}
	}
}

// TestForeignMessages are what others may send: each is taken or refused for
// one reason.
func TestForeignMessages(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ada, other := issue(t, "Ada", key, ca, false), issue(t, "Ada", key, ca, false)
	digest := sum([]byte("content"))
	build := func(chain []*x509.Certificate, attributes []byte) []byte {
		return cmstest.Build(chain, attributes, must(key.Sign(rand.Reader, sum(attributes), crypto.SHA256)))
	}
	plain := cmstest.Attributes(ada.chain[0], digest)
	rsaNamed := bytes.Clone(build(ada.chain, plain))
	ecdsaWithSHA256 := must(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}))
	at := bytes.LastIndex(rsaNamed, ecdsaWithSHA256)
	copy(rsaNamed[at:], must(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 9})))
	for name, test := range map[string]struct {
		der    []byte
		strict error // of Verify
		loose  error // of VerifyUnbound
	}{
		"as it should be":           {build(ada.chain, plain), nil, nil},
		"other certificate named":   {build(other.chain, plain), cms.ErrBound, cms.ErrBound},
		"no certificate named":      {build(ada.chain, without(t, plain, 2)), cms.ErrBound, nil},
		"digest stands twice":       {build(ada.chain, twice(t, plain, 1)), cms.ErrMalformed, cms.ErrMalformed},
		"certificate named twice":   {build(ada.chain, twice(t, plain, 2)), cms.ErrMalformed, cms.ErrMalformed},
		"two digests in one":        {build(ada.chain, doubled(t, plain, 1)), cms.ErrMalformed, cms.ErrMalformed},
		"no digest":                 {build(ada.chain, without(t, plain, 1)), cms.ErrMalformed, cms.ErrMalformed},
		"an algorithm nobody knows": {rsaNamed, cms.ErrUnsupported, cms.ErrUnsupported},
	} {
		s, err := cms.Parse(test.der)
		strict, loose := err, err
		if err == nil {
			strict, loose = s.Verify(digest), s.VerifyUnbound(digest)
		}
		if !errors.Is(strict, test.strict) || !errors.Is(loose, test.loose) {
			t.Errorf("%s: %v and %v, want %v and %v", name, strict, loose, test.strict, test.loose)
		}
	}
}

// TestPlaceOfFixedSize: in a PDF zeros stand behind the message.
func TestPlaceOfFixedSize(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	id := issue(t, "Ada", key, ca, false)
	digest := sum([]byte("content"))
	der := must(cms.Sign(t.Context(), cms.Params{Chain: id.chain, Digest: digest}, key))
	padded := append(bytes.Clone(der), 0, 0, 0)
	s, rest, err := cms.ParsePrefix(padded)
	if err != nil || len(rest) != 3 || s.Verify(digest) != nil {
		t.Errorf("%d bytes follow, %v", len(rest), err)
	}
	if _, err := cms.Parse(padded); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("with bytes behind it: %v", err)
	}
	for n := range der {
		if _, _, err := cms.ParsePrefix(der[:n]); !errors.Is(err, cms.ErrMalformed) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	token := stamp(t, issue(t, "Clock", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ca, true), digest)
	k, rest, err := cms.ParseTokenPrefix(append(bytes.Clone(token), 0))
	if err != nil || len(rest) != 1 || !bytes.Equal(k.DER, token) {
		t.Errorf("timestamp: %d bytes follow, %v", len(rest), err)
	}
	if _, err := cms.ParseToken(append(bytes.Clone(token), 0)); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("timestamp with a byte behind it: %v", err)
	}
}

// TestSignerFromElsewhere: the certificate is not in the message.
func TestSignerFromElsewhere(t *testing.T) {
	ca := root(t)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	id := issue(t, "Ada", key, ca, false)
	digest := sum([]byte("content"))
	attributes := cmstest.Attributes(id.chain[0], digest)
	named := *id.chain[0]
	named.Raw = ca.chain[0].Raw // names Ada, carries the root
	s := must(cms.Parse(cmstest.Build([]*x509.Certificate{&named}, attributes, must(key.Sign(rand.Reader, sum(attributes), crypto.SHA256)))))
	if err := s.Verify(digest); !errors.Is(err, cms.ErrCertificate) {
		t.Errorf("without the certificate: %v", err)
	}
	s.Supply([]*x509.Certificate{ca.chain[0], id.chain[0]})
	if err := s.Verify(digest); err != nil || s.Signer != id.chain[0] {
		t.Errorf("with the certificate: %v", err)
	}
}

// attributesOf takes a SET OF apart; join puts one together.
func attributesOf(t *testing.T, set []byte) (all []asn1.RawValue) {
	t.Helper()
	if _, err := asn1.UnmarshalWithParams(set, &all, "set"); err != nil {
		t.Fatal(err)
	}
	return all
}

func join(all []asn1.RawValue) []byte {
	var b []byte
	for _, a := range all {
		b = append(b, a.FullBytes...)
	}
	return must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: b}))
}

// kinds of attributes by the last number of their identifiers.
func kind(t *testing.T, a asn1.RawValue) int {
	t.Helper()
	var id asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(a.Bytes, &id); err != nil {
		t.Fatal(err)
	}
	return map[string]int{"1.2.840.113549.1.9.3": 0, "1.2.840.113549.1.9.4": 1, "1.2.840.113549.1.9.16.2.47": 2}[id.String()]
}

func without(t *testing.T, set []byte, which int) []byte {
	t.Helper()
	var kept []asn1.RawValue
	for _, a := range attributesOf(t, set) {
		if kind(t, a) != which {
			kept = append(kept, a)
		}
	}
	return join(kept)
}

func twice(t *testing.T, set []byte, which int) []byte {
	t.Helper()
	var all []asn1.RawValue
	for _, a := range attributesOf(t, set) {
		if all = append(all, a); kind(t, a) == which {
			all = append(all, a)
		}
	}
	return join(all)
}

// doubled has an attribute with two values.
func doubled(t *testing.T, set []byte, which int) []byte {
	t.Helper()
	all := attributesOf(t, set)
	for i, a := range all {
		if kind(t, a) != which {
			continue
		}
		var id asn1.ObjectIdentifier
		rest := must(asn1.Unmarshal(a.Bytes, &id))
		var values asn1.RawValue
		must(asn1.Unmarshal(rest, &values))
		values.Bytes, values.FullBytes = append(bytes.Clone(values.Bytes), values.Bytes...), nil
		all[i] = asn1.RawValue{FullBytes: must(asn1.Marshal(struct {
			ID     asn1.ObjectIdentifier
			Values asn1.RawValue
		}{id, values}))}
	}
	return join(all)
}
