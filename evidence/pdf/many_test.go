package pdf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestManySigners signs five fields in any order at any levels, extends in
// between, and verifies after every step.
func TestManySigners(t *testing.T) {
	k := newKit(t)
	empty := prepared(t, contract(), 5)
	rapid.Check(t, func(rt *rapid.T) {
		doc, signed, stamps := empty, 0, 0
		for i, field := range rapid.Permutation([]string{"A", "B", "C", "D", "E"}).Draw(rt, "order") {
			s := []signer{k.ada, k.bob}[rapid.IntRange(0, 1).Draw(rt, "signer")]
			req := k.request(s, field, Level(rapid.IntRange(0, 3).Draw(rt, "level")))
			req.Certify = i == 0 && rapid.Bool().Draw(rt, "certify")
			doc = sign(t, doc, req)
			if signed++; req.Level == LevelLTA {
				stamps++
			}
			if rapid.IntRange(0, 4).Draw(rt, "extend") == 0 {
				doc = k.extend(doc)
				stamps++
			}
		}
		r := verify(t, doc, k.authority)
		wantOK(t, r, signed+stamps)
		last := int64(0)
		for _, s := range r.Signatures {
			if s.End <= last {
				rt.Fatalf("signatures out of order: %+v", r.Signatures)
			}
			last = s.End
		}
	})
}

// TestTenYears renews the archive timestamp every second year, each time by
// another authority certificate. Long after the signer's certificate and the
// first timestamps' have expired the signature still verifies.
func TestTenYears(t *testing.T) {
	k := newKit(t)
	doc := k.one(LevelLTA)
	at := noon
	for range 5 {
		at = at.AddDate(2, 0, -30)
		k.tsa = k.issue(t, "Later Time", &k.tkey.PublicKey, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = at.AddDate(0, 0, -1), at.AddDate(2, 0, 0)
			c.ExtraExtensions = []pkix.Extension{timeStamping}
		})
		var out bytes.Buffer
		x := Extension{Level: LevelLTA, Reserve: 2600, Revocation: Revocation{CRLs: [][]byte{k.crl(t)}},
			Timestamper: stamper(func(h crypto.Hash, d []byte) ([]byte, error) { return k.ownToken(t, h, d, at), nil })}
		if err := Extend(context.Background(), &out, bytes.NewReader(doc), int64(len(doc)), x); err != nil {
			t.Fatal(err)
		}
		doc = out.Bytes()
	}
	late, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: k.roots(), At: at.AddDate(3, 0, 0)})
	if err != nil || len(late.Findings) != 5 { // the last one no longer vouches for those before it
		t.Errorf("when the last one has ended: %+v, error %v", late.Findings, err)
	}
	for _, f := range late.Findings {
		if f.Code != StampExpired {
			t.Errorf("%+v", f)
		}
	}
	r, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: k.roots(), At: at.AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	wantOK(t, r, 7)
	if s := r.Signatures[0]; s.Level != LevelLTA || !s.Stamped.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v", s)
	}
}

// ownToken is an RFC 3161 token that no clock of the machine goes into.
func (k *kit) ownToken(t testing.TB, h crypto.Hash, digest []byte, at time.Time) []byte {
	t.Helper()
	type oid = asn1.ObjectIdentifier
	marshal := func(v any) []byte {
		b, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sum := func(b []byte) []byte {
		w := h.New()
		w.Write(b)
		return w.Sum(nil)
	}
	set := func(tag int, class int, items ...[]byte) asn1.RawValue {
		slices.SortFunc(items, bytes.Compare)
		return asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: bytes.Join(items, nil)}
	}
	attribute := func(id oid, v any) []byte {
		return marshal(struct {
			Type   oid
			Values asn1.RawValue
		}{id, set(asn1.TagSet, asn1.ClassUniversal, marshal(v))})
	}
	sha256 := pkix.AlgorithmIdentifier{Algorithm: oid{2, 16, 840, 1, 101, 3, 4, 2, 1}}
	tst := oid{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	type imprint struct {
		Hash   pkix.AlgorithmIdentifier
		Digest []byte
	}
	info := marshal(struct {
		Version int
		Policy  oid
		Imprint imprint
		Serial  int
		Time    time.Time `asn1:"generalized"`
	}{1, oid{1, 2, 3}, imprint{sha256, digest}, 9, at.Truncate(time.Second)})
	type certID struct{ Hash []byte }
	attrs := set(asn1.TagSet, asn1.ClassUniversal,
		attribute(oid{1, 2, 840, 113549, 1, 9, 3}, tst),
		attribute(oid{1, 2, 840, 113549, 1, 9, 4}, sum(info)),
		attribute(oid{1, 2, 840, 113549, 1, 9, 16, 2, 47}, struct{ Certs []certID }{[]certID{{sum(k.tsa.Raw)}}}))
	value, err := k.tkey.Sign(rand.Reader, sum(marshal(attrs)), h)
	if err != nil {
		t.Fatal(err)
	}
	signed := attrs
	signed.Class, signed.Tag = asn1.ClassContextSpecific, 0
	type signerInfo struct {
		Version int
		ID      struct {
			Issuer asn1.RawValue
			Serial *big.Int
		}
		Digest    pkix.AlgorithmIdentifier
		Signed    asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Value     []byte
	}
	si := signerInfo{Version: 1, Digest: sha256, Signed: signed, Algorithm: pkix.AlgorithmIdentifier{Algorithm: oid{1, 2, 840, 10045, 4, 3, 2}}, Value: value}
	si.ID.Issuer, si.ID.Serial = asn1.RawValue{FullBytes: k.tsa.RawIssuer}, k.tsa.SerialNumber
	type content struct {
		Type oid
		Body asn1.RawValue
	}
	explicit := func(b []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: b}
	}
	body := marshal(struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Content content
		Certs   asn1.RawValue
		Signers []signerInfo `asn1:"set"`
	}{3, []pkix.AlgorithmIdentifier{sha256}, content{tst, explicit(marshal(info))}, explicit(k.tsa.Raw), []signerInfo{si}})
	return marshal(content{oid{1, 2, 840, 113549, 1, 7, 2}, explicit(body)})
}

// TestFolder signs every PDF below PDF_DIR, if set, and has each result checked
// by our verifier, qpdf and pdfsig: a wider net than the corpus.
func TestFolder(t *testing.T) {
	dir := os.Getenv("PDF_DIR")
	if dir == "" {
		dir = corpusDir
	}
	a := newAuthority(t)
	ada := a.signer(t, "Ada", ecKey(t, elliptic.P256()))
	done := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.HasSuffix(path, ".pdf") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := Inspect(bytes.NewReader(b), int64(len(b)), Limits{}); err != nil {
			return nil // a refusal is an answer too
		}
		done++
		req := a.request(ada, "Inkwitness")
		req.Level, req.Certify = LevelLTA, true
		doc := sign(t, prepare(t, b, Field{Name: "Inkwitness"}), req)
		if r := verify(t, doc, a); !r.OK {
			t.Errorf("%s: %+v", path, r.Findings)
		}
		out := save(t, "folder.pdf", doc)
		if n := strings.Count(tool(t, "pdfsig", "-nocert", out), "Signature is Valid."); n != 1 {
			t.Errorf("%s: pdfsig finds no valid signature", path)
		}
		return nil
	})
	if err != nil || done == 0 {
		t.Fatalf("%d documents, error %v", done, err)
	}
}
