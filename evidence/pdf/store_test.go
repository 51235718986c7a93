package pdf

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// answered adds validation data with an OCSP answer about Ada's certificate.
func (k *kit) answered(doc []byte, status int, by signer) []byte {
	k.t.Helper()
	der, err := ocsp.CreateResponse(k.cert, by.chain[0], ocsp.Response{
		Status: status, SerialNumber: k.ada.chain[0].SerialNumber, Certificate: by.chain[0],
		ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.AddDate(0, 1, 0), RevokedAt: noon.Add(-2 * time.Hour),
	}, by.key)
	if err != nil {
		k.t.Fatal(err)
	}
	var out bytes.Buffer
	err = Extend(context.Background(), &out, bytes.NewReader(doc), int64(len(doc)), Extension{Level: LevelLT, Revocation: Revocation{OCSPs: [][]byte{der}}})
	if err != nil {
		k.t.Fatal(err)
	}
	return out.Bytes()
}

// TestWhoMayAnswer: an answer about a certificate counts when its authority gave
// it, or somebody whom the authority certified for just that. Everybody who has
// a certificate could revoke the others' otherwise, or vouch for their own.
func TestWhoMayAnswer(t *testing.T) {
	k := newKit(t)
	key := ecKey(t, elliptic.P256())
	responder := signer{key, []*x509.Certificate{k.issue(t, "Test OCSP", key.Public(), func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	})}}
	authority := signer{k.key, []*x509.Certificate{k.cert}}
	doc := k.one(LevelT)
	for _, by := range []signer{responder, authority} {
		name := by.chain[0].Subject.CommonName
		if r := verify(t, k.answered(doc, ocsp.Revoked, by), k.authority); !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == CertRevoked }) {
			t.Errorf("revoked by %s: %+v", name, r.Findings)
		}
		if !k.shownGood(k.answered(doc, ocsp.Good, by)) {
			t.Errorf("good by %s: not believed", name)
		}
	}
	wantOK(t, verify(t, k.answered(doc, ocsp.Revoked, k.bob), k.authority), 1)
	if k.shownGood(k.answered(doc, ocsp.Good, k.bob)) {
		t.Error("good by another signer: believed")
	}
}

// shownGood tells whether what a document brings shows that Ada's certificate was good.
func (k *kit) shownGood(doc []byte) bool {
	k.t.Helper()
	f := k.open(doc)
	d, err := openDoc(f, 1)
	if err != nil {
		k.t.Fatal(err)
	}
	v := &verifier{f: f, doc: d}
	v.readStore()
	good, _ := v.store.status(k.ada.chain, noon)
	return good
}
