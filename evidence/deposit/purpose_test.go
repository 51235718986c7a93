package deposit_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/seal/sealtest"
)

// certificate signs with a key of which the certificate is known.
type certificate struct {
	chain []*x509.Certificate
	sign  func(digest []byte) []byte
	add   func(signed []byte) []byte // to the signature of a seal, nil for nothing
}

// ada is somebody whom the service's authority certified as a signer, and who has
// the key.
func ada(w *sealtest.World) certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.Check(err)
	chain, err := w.CA.Certify(context.Background(), evidence.CredentialRequest{ID: "x", Subject: "sub2", Name: "Ada Lovelace"}, key.Public())
	w.Check(err)
	return certificate{chain: chain, sign: func(digest []byte) []byte {
		value, err := key.Sign(rand.Reader, digest, crypto.SHA256)
		w.Check(err)
		return value
	}}
}

// sealOf is the service's own certificate of the seal of a deposit.
func sealOf(w *sealtest.World, id string) certificate {
	ctx, by := context.Background(), w.CA.Seals()
	c, err := by.Credential(ctx, evidence.CredentialRequest{ID: id + "/another", Subject: id, Deposit: id, Name: "Inkwitness test deposit seal"})
	w.Check(err)
	return certificate{chain: c.Chain, sign: func(digest []byte) []byte {
		digests := []evidence.SignDigest{{Hash: crypto.SHA256, Value: digest}}
		auth, err := by.Authorize(ctx, c.ID, digests)
		w.Check(err)
		values, err := by.Sign(ctx, auth, digests)
		w.Check(err)
		return values[0]
	}}
}

// yearly is what the service signs one kind of statements with.
func yearly(w *sealtest.World, kind string) certificate {
	_, secret, err := w.Keys.Open(context.Background(), kind+"/2026")
	w.Check(err)
	var first asn1.RawValue
	der, err := asn1.Unmarshal(secret, &first)
	w.Check(err)
	key, err := x509.ParsePKCS8PrivateKey(first.FullBytes)
	w.Check(err)
	c, err := x509.ParseCertificate(der)
	w.Check(err)
	return certificate{chain: []*x509.Certificate{c, w.CA.Root()}, sign: func(digest []byte) []byte {
		value, err := key.(crypto.Signer).Sign(rand.Reader, digest, crypto.SHA256)
		w.Check(err)
		return value
	}}
}

// cms signs content, which stays outside where detached, and has it stamped.
func (c certificate) cms(w *sealtest.World, content []byte, detached, stamped bool) []byte {
	p := cms.Params{Chain: c.chain, Content: content, SigningTime: w.Clock.Now()}
	if detached {
		digest := sha256.Sum256(content)
		p.Content, p.Hash, p.Digest = nil, crypto.SHA256, digest[:]
	}
	draft, err := cms.NewDraft(p)
	w.Check(err)
	digest, _ := draft.ToSign()
	value := c.sign(digest)
	signed, err := draft.Finish(value)
	w.Check(err)
	if stamped {
		signed = withStamp(w, signed)
	}
	return signed
}

func withStamp(w *sealtest.World, signed []byte) []byte {
	s, err := cms.Parse(signed)
	w.Check(err)
	over := sha256.Sum256(s.Signature)
	token, err := w.Config.Timestamper.Timestamp(context.Background(), crypto.SHA256, over[:])
	w.Check(err)
	signed, err = cms.AddTimestamp(signed, token)
	w.Check(err)
	return signed
}

// resealed is the deposit with changed files, and all lists, the signature, the
// timestamps and the place in the log made again by whoever has a certificate.
func resealed(w *sealtest.World, file []byte, by certificate, change func(info *deposit.Info, name string, data []byte) []byte) []byte {
	ctx := context.Background()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	w.Check(err)
	var info deposit.Info
	var parts []deposit.Part
	for _, f := range z.File {
		r, err := f.Open()
		w.Check(err)
		raw, err := io.ReadAll(r)
		w.Check(err)
		switch {
		case f.Name == deposit.InfoName:
			w.Check(json.Unmarshal(raw, &info))
		case f.Name == deposit.LetterName || strings.HasPrefix(f.Name, "data/"):
			parts = append(parts, deposit.Bytes(f.Name, change(&info, f.Name, raw)))
		}
	}
	plan, err := deposit.NewPlan(info, parts)
	w.Check(err)
	s := deposit.Seal{Signature: by.cms(w, plan.Manifest(), true, false)}
	if by.add != nil {
		s.Signature = by.add(s.Signature)
	}
	digest := sha256.Sum256(plan.StampManifest(s.Signature))
	s.Timestamp, err = w.Config.Timestamper.Timestamp(ctx, crypto.SHA256, digest[:])
	w.Check(err)
	if w.Config.Outside != nil {
		digest = sha256.Sum256(plan.OutsideManifest(s.Signature))
		s.Outside, err = w.Config.Outside.Timestamp(ctx, crypto.SHA256, digest[:])
		w.Check(err)
	}
	commitment := plan.Commitment(s.Signature, s.Timestamp, s.Outside)
	w.Check(w.LogStore.Add(commitment))
	_, err = w.Ledger.Sequence(ctx)
	w.Check(err)
	s.Proof, err = w.Ledger.Proof(ctx, commitment)
	w.Check(err)
	var b bytes.Buffer
	w.Check(plan.Write(ctx, &b, s))
	return b.Bytes()
}

func same(_ *deposit.Info, _ string, data []byte) []byte { return data }

// erased is the deposit without the recording of its first signer, by a statement
// that somebody signed.
func erased(w *sealtest.World, file []byte, id string, when time.Time, sign func(statement []byte) []byte) []byte {
	c, err := deposit.Open(bytes.NewReader(file), int64(len(file)))
	w.Check(err)
	statement, err := c.Erase(id, "request 17 of the data subject", when, "data/capture/signer-1/", "data/comparison/signer-1.json")
	w.Check(err)
	var b bytes.Buffer
	w.Check(c.WriteErased(context.Background(), &b, sign(statement)))
	return b.Bytes()
}

func byErasure(w *sealtest.World) func([]byte) []byte {
	return func(statement []byte) []byte {
		signed, err := w.CA.SignErasure(context.Background(), statement, w.Config.Timestamper)
		w.Check(err)
		return signed
	}
}

// purposes are deposits that were sealed again, or from which something was erased,
// by those who may and those who may not.
func (m *maker) purposes(w *sealtest.World) {
	const seal, statement = "META-INF/signature001.p7s", "META-INF/erasure001.p7m"
	forge := func(_ *deposit.Info, name string, data []byte) []byte {
		switch name {
		case deposit.LetterName:
			return []byte("%PDF-1.7 another letter")
		case "data/comparison/signer-1.json":
			return []byte(`{"score":0.01}`)
		}
		return data
	}
	both := func(name string, b []byte, code, part string) {
		m.add(name, b, code, part)
		m.addTrusting(name+", trusting the right service", b, code, part, true)
	}
	both("sealed by a signer, with another comparison and letter", resealed(w, m.base, ada(w), forge), deposit.CodePurpose, seal)
	both("sealed again by a signer", resealed(w, m.base, ada(w), same), deposit.CodePurpose, seal)
	both("sealed with the certificate of another deposit's seal", resealed(w, m.base, sealOf(w, "dep2"), same), deposit.CodePurpose, seal)
	both("letter replaced before the seal", resealed(w, m.base, sealOf(w, "dep1"), forge), deposit.CodeLetter, deposit.LetterName)
	both("letter signed with another certificate of the service", resealed(w, m.base, sealOf(w, "dep1"), same), deposit.CodeLetter, deposit.LetterName)
	both("letter with something behind its signature", resealed(w, m.base, sealOf(w, "dep1"), func(_ *deposit.Info, name string, data []byte) []byte {
		if name == deposit.LetterName {
			return append(data, "\n% another page\n"...)
		}
		return data
	}), deposit.CodeLetter, deposit.LetterName)
	now := w.Clock.Now()
	both("recording erased by right", erased(w, m.base, "dep1", now, byErasure(w)), "", "")
	both("recording erased by a signer", erased(w, m.base, "dep1", now, func(b []byte) []byte { return ada(w).cms(w, b, false, true) }), deposit.CodePurpose, statement)
	both("erasure stated with the certificate of a seal", erased(w, m.base, "dep1", now, func(b []byte) []byte { return sealOf(w, "dep1").cms(w, b, false, true) }), deposit.CodePurpose, statement)
	both("erasure stated with the key of deletion receipts", erased(w, m.base, "dep1", now, func(b []byte) []byte {
		signed, err := w.CA.SignReceipt(context.Background(), b)
		w.Check(err)
		return withStamp(w, signed)
	}), deposit.CodePurpose, statement)
	both("erasure of another deposit", erased(w, m.base, "dep2", now, byErasure(w)), deposit.CodeErased, statement)
	both("erasure before the seal", erased(w, m.base, "dep1", now.Add(-time.Hour), byErasure(w)), deposit.CodeErased, statement)
	both("erasure stated before it was", erased(w, m.base, "dep1", now.Add(time.Hour), byErasure(w)), deposit.CodeErased, statement)
	both("erasure without a timestamp", erased(w, m.base, "dep1", now, func(b []byte) []byte { return yearly(w, "erasure").cms(w, b, false, false) }), deposit.CodeErased, statement)
}

// What an earlier release sealed and erased holds; that its certificates do not say
// what they are for is left open.
func TestEarlierRelease(t *testing.T) {
	dir := filepath.Join(vectorDir, "earlier")
	pem, err := os.ReadFile(filepath.Join(dir, "roots.pem"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(dir, "log-keys.txt"))
	if err != nil {
		t.Fatal(err)
	}
	given := deposit.Options{Roots: x509.NewCertPool()}
	given.Roots.AppendCertsFromPEM(pem)
	for line := range strings.Lines(string(keys)) {
		k, err := proof.ParseKey(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		given.LogKeys = append(given.LogKeys, k)
	}
	for name, want := range map[string]int{"good.asice": 1, "erased.asice": 2} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []deposit.Options{{}, given} {
			report := sealtest.Verify(raw, o)
			if !report.Holds() {
				t.Errorf("%s: %+v", name, report.Failed())
			}
			open := 0
			for _, c := range report.Checks {
				if c.Code == deposit.CodePurpose && c.Status == evidence.Unknown {
					open++
				}
			}
			if open != want {
				t.Errorf("%s: %d certificates without a purpose, want %d", name, open, want)
			}
		}
	}
}

// Whoever another provider certifies is not the service, whatever the certificate
// says: that provider's root is one of the others.
func TestOtherRootsSealNothing(t *testing.T) {
	w, other := sealtest.New(t), sealtest.New(t)
	file := resealed(w, w.Bytes(w.Sealed(1, 200).Container), sealOf(other, "dep1"), same)
	report := sealtest.Verify(file, deposit.Options{Roots: w.Roots(), Others: []*x509.Certificate{other.CA.Root()}})
	if !slices.ContainsFunc(report.Failed(), func(c evidence.Check) bool {
		return c.Code == deposit.CodeRoots && c.Part == "META-INF/signature001.p7s"
	}) {
		t.Errorf("sealed under the root of another provider: %+v", report.Failed())
	}
}
