package pdf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"inkwitness/evidence/cms"
	"inkwitness/evidence/pdf/syntax"
)

// Draft is a signature that is laid out and waits for its value. It can be kept
// (as JSON) while a remote provider asks its user for consent, or over a crash:
// the same draft finished twice gives the same document but for the signature
// value and its timestamp.
type Draft struct {
	Size       int64     // bytes of the document that it extends
	Before     []byte    // SHA-256 of that document
	Tail       []byte    // the revision to be appended, its signature still zero
	Hole       [2]int    // of the signature's value in Tail, brackets included
	ByteRange  [4]int64  // what is signed
	Chain      [][]byte  // certificates in DER, the signer's first
	PSS        bool      // RSA signs with RSASSA-PSS
	Digest     []byte    // of the signed bytes
	Attributes []byte    // the signed attributes, DER
	Level      Level     // as requested
	Time       time.Time // as requested
}

// Start lays a signature out on the document without signing. The same
// document and request always give the same draft.
func Start(in io.ReaderAt, size int64, req Request) (*Draft, error) {
	if len(req.Signer.Chain()) == 0 || req.Time.IsZero() {
		return nil, fmt.Errorf("%w: a signature needs a certificate and a time", ErrArgument)
	}
	f, err := open(in, size, req.Limits, req.Password)
	if err != nil {
		return nil, err
	}
	doc, err := openDoc(f, 1<<20)
	if err != nil {
		return nil, err
	}
	if err := doc.permit(req); err != nil {
		return nil, err
	}
	tail, err := doc.layout(req)
	if err != nil {
		return nil, err
	}
	return newDraft(in, size, req, tail)
}

// newDraft hashes the document with the revision behind it.
func newDraft(in io.ReaderAt, size int64, req Request, tail syntax.Tail) (*Draft, error) {
	chain := req.Signer.Chain()
	d := &Draft{Size: size, PSS: req.PSS, Level: req.Level, Time: req.Time}
	d.setTail(tail)
	var err error
	if d.Before, d.Digest, err = d.hash(in, cms.HashFor(chain[0].PublicKey)); err != nil {
		return nil, err
	}
	for _, c := range chain {
		d.Chain = append(d.Chain, c.Raw)
	}
	message, err := d.message()
	if err != nil {
		return nil, err
	}
	d.Attributes = message.Attributes()
	return d, nil
}

// setTail takes a laid-out revision over and fills in its byte range.
func (d *Draft) setTail(tail syntax.Tail) {
	at := tail.Holes[holeContents]
	end := at + 2
	for tail.Bytes[end-1] != '>' {
		end++
	}
	d.Hole = [2]int{at, end}
	from, to := d.Size+int64(at), d.Size+int64(end)
	d.ByteRange = [4]int64{0, from, to, d.Size + int64(len(tail.Bytes)) - to}
	tail.Fill(holeRange, fmt.Appendf(nil, "[0 %d %d %d]", from, to, d.ByteRange[3]))
	d.Tail = tail.Bytes
}

// hash reads the document once and returns its SHA-256 and the digest of what
// is signed.
func (d *Draft) hash(in io.ReaderAt, h crypto.Hash) (before, digest []byte, err error) {
	all, signed := sha256.New(), h.New()
	if _, err := io.Copy(io.MultiWriter(all, signed), io.NewSectionReader(in, 0, d.Size)); err != nil {
		return nil, nil, fmt.Errorf("read document: %w", err)
	}
	signed.Write(d.Tail[:d.Hole[0]])
	signed.Write(d.Tail[d.Hole[1]:])
	return all.Sum(nil), signed.Sum(nil), nil
}

// message is the signed message that lacks its last step. There is no signing
// time in it: PAdES keeps it in the signature dictionary (EN 319 142-1, 6.3).
func (d *Draft) message() (*cms.Draft, error) {
	chain, err := x509.ParseCertificates(bytes.Join(d.Chain, nil))
	if err != nil || len(chain) == 0 {
		return nil, fmt.Errorf("%w: bad certificates in the draft", ErrArgument)
	}
	return cms.NewDraft(cms.Params{Chain: chain, PSS: d.PSS, Digest: d.Digest, Attributes: d.Attributes})
}

// ToSign returns what a key must sign, and with which options of crypto.Signer:
// a digest, or the message itself for Ed25519.
func (d *Draft) ToSign() ([]byte, crypto.SignerOpts, error) {
	m, err := d.message()
	if err != nil {
		return nil, nil, err
	}
	input, opts := m.ToSign()
	return input, opts, nil
}

// CMS makes the signed message from the value of the signature, with a
// timestamp over it when ts is not nil.
func (d *Draft) CMS(ctx context.Context, signature []byte, ts Timestamper) ([]byte, error) {
	m, err := d.message()
	if err != nil {
		return nil, err
	}
	der, err := m.Finish(signature) // a wrong key or a broken provider shows here, not in court
	if err != nil {
		return nil, fmt.Errorf("check new signature: %w", err)
	}
	if ts == nil {
		return der, nil
	}
	digest := sha256.Sum256(signature)
	token, err := ts.Timestamp(ctx, crypto.SHA256, digest[:])
	if err != nil {
		return nil, fmt.Errorf("timestamp signature: %w", err)
	}
	return cms.AddTimestamp(der, token)
}

// Finish copies the document to w and appends the signed revision. It fails
// with ErrChanged, after writing, when the document is not the draft's: what
// was written must then be thrown away.
func (d *Draft) Finish(w io.Writer, in io.ReaderAt, size int64, signedMessage []byte) error {
	tail, err := d.filled(signedMessage)
	if err != nil {
		return err
	}
	if size != d.Size {
		return ErrChanged
	}
	all := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, all), io.NewSectionReader(in, 0, size)); err != nil {
		return fmt.Errorf("copy document: %w", err)
	}
	if !bytes.Equal(all.Sum(nil), d.Before) {
		return ErrChanged
	}
	if _, err := w.Write(tail); err != nil {
		return fmt.Errorf("append revision: %w", err)
	}
	return nil
}

// filled returns the revision with the signed message in its place.
func (d *Draft) filled(signedMessage []byte) ([]byte, error) {
	room := (d.Hole[1] - d.Hole[0] - 2) / 2
	if len(signedMessage) > room {
		return nil, fmt.Errorf("%w: %d bytes, reserved %d", ErrReserve, len(signedMessage), room)
	}
	tail := bytes.Clone(d.Tail)
	hex.Encode(tail[d.Hole[0]+1:], signedMessage)
	return tail, nil
}

// Sign signs a prepared field and writes the extended document to w. It reads
// the document piece by piece; memory does not grow with it.
func Sign(ctx context.Context, w io.Writer, in io.ReaderAt, size int64, req Request) error {
	if req.Level >= LevelT && req.Timestamper == nil {
		return fmt.Errorf("%w: level %v needs a timestamper", ErrArgument, req.Level)
	}
	d, err := Start(in, size, req)
	if err != nil {
		return err
	}
	input, opts, err := d.ToSign()
	if err != nil {
		return err
	}
	signature, err := req.Signer.Sign(ctx, input, opts)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	ts := req.Timestamper
	if req.Level < LevelT {
		ts = nil
	}
	der, err := d.CMS(ctx, signature, ts)
	if err != nil {
		return err
	}
	tail, err := d.filled(der)
	if err != nil {
		return err
	}
	more := Extension{Level: req.Level, Revocation: req.Revocation, Timestamper: ts, Reserve: req.Reserve, Password: req.Password, Limits: req.Limits}
	tail, err = more.apply(ctx, in, size, tail)
	if err != nil {
		return err
	}
	return copyTo(w, in, size, tail)
}

// Extension raises or renews the level of a signed document.
type Extension struct {
	Level       Level // LevelLT adds validation data, LevelLTA also an archive timestamp
	Revocation  Revocation
	Timestamper Timestamper // for LevelLTA
	Reserve     int         // bytes kept for the archive timestamp, default 16 KiB
	Password    string
	Limits      syntax.Limits
}

// Extend copies the document to w and appends what the extension asks for:
// validation data in one revision, an archive timestamp in another. Repeated
// with LevelLTA it renews the archive timestamp.
func Extend(ctx context.Context, w io.Writer, in io.ReaderAt, size int64, x Extension) error {
	if x.Level < LevelLT || x.Level == LevelLTA && x.Timestamper == nil {
		return fmt.Errorf("%w: extension to level %v", ErrArgument, x.Level)
	}
	tail, err := x.apply(ctx, in, size, nil)
	if err != nil {
		return err
	}
	return copyTo(w, in, size, tail)
}

// apply appends to tail, which stands behind the document, what the level
// needs, and returns it all.
func (x Extension) apply(ctx context.Context, in io.ReaderAt, size int64, tail []byte) ([]byte, error) {
	if x.Level < LevelLT {
		return tail, nil
	}
	more, err := x.validationData(view{in, size, tail})
	if err != nil {
		return nil, err
	}
	tail = append(tail, more...)
	if x.Level < LevelLTA {
		return tail, nil
	}
	if more, err = x.archiveTimestamp(ctx, view{in, size, tail}); err != nil {
		return nil, err
	}
	return append(tail, more...), nil
}

// view is a document with revisions behind it that are not written yet.
type view struct {
	in   io.ReaderAt
	size int64
	tail []byte
}

func (v view) len() int64 { return v.size + int64(len(v.tail)) }

// ReadAt reads across the border between document and tail.
func (v view) ReadAt(p []byte, off int64) (int, error) {
	if off >= v.size {
		return bytes.NewReader(v.tail).ReadAt(p, off-v.size)
	}
	n := min(int64(len(p)), v.size-off)
	got, err := v.in.ReadAt(p[:n], off)
	if int64(got) < n {
		return got, err
	}
	if int64(len(p)) == n {
		return got, nil
	}
	rest, err := bytes.NewReader(v.tail).ReadAt(p[n:], 0)
	return got + rest, err
}
