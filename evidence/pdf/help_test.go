package pdf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"inkwitness/evidence/pdf/page"
	"inkwitness/evidence/pdf/syntax"
)

// noon is the time of signing in all tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// authority is a small CA with a timestamp authority.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	tsa  *x509.Certificate
	tkey *ecdsa.PrivateKey
	next int64
}

// timeStamping is the extended key usage of a timestamp authority: critical and
// alone (RFC 3161, 2.3).
var timeStamping = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true,
	Value: []byte{0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08}}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{next: 100}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root", Organization: []string{"Inkwitness tests"}},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId: []byte{1, 2, 3, 4},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if a.tkey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.tsa = a.issue(t, "Test Time", &a.tkey.PublicKey, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{timeStamping}
		// The other implementation reads the machine's clock and wants it here.
		c.NotBefore, c.NotAfter = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	return a
}

func (a *authority) issue(t testing.TB, name string, pub crypto.PublicKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	a.next++
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name},
		NotBefore: noon.AddDate(0, 0, -1), NotAfter: noon.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, BasicConstraintsValid: true,
	}
	if change != nil {
		change(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *authority) roots() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// crl is the authority's list of revoked serial numbers.
func (a *authority) crl(t testing.TB, revoked ...x509.RevocationListEntry) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.AddDate(0, 1, 0),
		RevokedCertificateEntries: revoked,
	}, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signer is a key with its certificate.
type signer struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

func (s signer) Chain() []*x509.Certificate { return s.chain }

func (s signer) Sign(_ context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(rand.Reader, digest, opts)
}

func (a *authority) signer(t testing.TB, name string, key crypto.Signer) signer {
	t.Helper()
	return signer{key, []*x509.Certificate{a.issue(t, name, key.Public(), nil), a.cert}}
}

func ecKey(t testing.TB, c elliptic.Curve) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func edKey(t testing.TB) crypto.Signer {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Timestamp is a real RFC 3161 token, made by another implementation.
func (a *authority) Timestamp(_ context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	return a.stampAt(hash, digest, noon.Add(time.Minute))
}

func (a *authority) stampAt(hash crypto.Hash, digest []byte, at time.Time) ([]byte, error) {
	ts := timestamp.Timestamp{
		HashAlgorithm: hash, HashedMessage: digest, Time: at, SerialNumber: big.NewInt(7),
		Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, AddTSACertificate: true, Certificates: []*x509.Certificate{a.cert},
	}
	resp, err := ts.CreateResponseWithOpts(a.tsa, a.tkey, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	parsed, err := timestamp.ParseResponse(resp)
	if err != nil {
		return nil, err
	}
	return parsed.RawToken, nil
}

// scrawl is made-up handwriting: a few loops with changing pressure.
func scrawl() [][]Point {
	var a, b []Point
	for i := range 80 {
		x := float64(i) / 10
		a = append(a, Point{X: x*9 + 6*zig(i), Y: 20 + 14*zig(i+5), Pressure: 0.3 + 0.6*float64(i%20)/20})
	}
	for i := range 20 {
		b = append(b, Point{X: 10 + 3*float64(i), Y: 44 - float64(i)/3, Pressure: 0.5})
	}
	return [][]Point{a, b, {{X: 40, Y: 2, Pressure: 1}}}
}

// zig swings between -1 and 1 in 16 steps.
func zig(i int) float64 {
	v := i % 16
	if v > 8 {
		v = 16 - v
	}
	return float64(v)/4 - 1
}

// plain is a one-page document.
func plain(t testing.TB) []byte {
	t.Helper()
	d := page.New(page.Config{Title: "Contract", Language: "en"})
	d.Heading(1, "Contract")
	d.Paragraph("The parties agree. Les parties sont d'accord. 雙方同意。")
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// prepared adds fields "A", "B" and so on, side by side at the foot of page 1.
func prepared(t testing.TB, in []byte, n int) []byte {
	t.Helper()
	var fields []Field
	for i := range n {
		fields = append(fields, Field{Name: string(rune('A' + i)), Page: 1, Rect: Rect{X: 10 + 75*float64(i), Y: 20, W: 70, H: 50}})
	}
	return prepare(t, in, fields...)
}

func prepare(t testing.TB, in []byte, fields ...Field) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Prepare(&out, bytes.NewReader(in), int64(len(in)), Preparation{Fields: fields}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sign(t testing.TB, in []byte, req Request) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Sign(context.Background(), &out, bytes.NewReader(in), int64(len(in)), req); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bytes(), in) {
		t.Fatal("the document is not the beginning of the signed one")
	}
	return out.Bytes()
}

func (a *authority) request(s Signer, field string) Request {
	return Request{
		Field: field, Signer: s, Time: noon, Level: LevelB, Name: "Signer " + field, Timestamper: a,
		Appearance: Appearance{Strokes: scrawl(), Name: "Zoë 王小明", Time: "2026-11-23 12:00 UTC"},
	}
}

func verify(t testing.TB, in []byte, a *authority) Report {
	t.Helper()
	r, err := Verify(bytes.NewReader(in), int64(len(in)), Options{Roots: a.roots(), At: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantOK(t testing.TB, r Report, signatures int) {
	t.Helper()
	if !r.OK || len(r.Signatures) != signatures {
		t.Fatalf("ok %v, %d signatures (want %d), findings %+v", r.OK, len(r.Signatures), signatures, r.Findings)
	}
}

// save keeps a document where PDF_OUT says, for looking at.
func save(t testing.TB, name string, b []byte) string {
	t.Helper()
	dir := os.Getenv("PDF_OUT")
	if dir == "" {
		dir = t.TempDir()
	}
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

type syntaxLimits = syntax.Limits

func limitsOf(set func(*syntaxLimits)) syntaxLimits {
	var l syntaxLimits
	set(&l)
	return l
}
