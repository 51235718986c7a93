// Package pdf inspects, signs and verifies PDF documents: PAdES signatures
// (ETSI EN 319 142-1, levels B-B to B-LTA) by several signers one after the
// other, each with the signer's handwriting as vector strokes in a field of
// its own.
//
// A document is only ever extended: every revision is appended, and the
// sender's bytes stay the beginning of the file for ever. Verify reads the
// revisions back and allows only what a further signature, validation data
// or an archive timestamp adds; everything else that was appended is an attack
// on what the signer saw, and is refused with a reason code.
//
// The package holds no keys, reads no clock and opens no connection: a Signer
// signs, a Timestamper stamps, and times are given. It does not draw pages and
// does not repair damaged files. Package page beside it writes new PDFs.
package pdf

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"inkwitness/evidence/pdf/page"
	"inkwitness/evidence/pdf/syntax"
)

// Errors of the writing half. Inspect returns a *Refusal, Verify reports
// findings.
var (
	ErrNoField   = errors.New("pdf: the document has no such signature field")
	ErrFilled    = errors.New("pdf: the signature field is already signed")
	ErrSigned    = errors.New("pdf: the document is already signed, fields cannot be added")
	ErrForbidden = errors.New("pdf: an earlier signature forbids this change")
	ErrReserve   = errors.New("pdf: the signature does not fit into its reserve")
	ErrChanged   = errors.New("pdf: the document is not the one that the draft was made for")
	ErrArgument  = errors.New("pdf: bad argument")
)

// Rect is a rectangle on the page as it is displayed: in points, from the top
// left corner of the crop box after the page's rotation, y growing downwards.
type Rect struct{ X, Y, W, H float64 }

// Field is a signature field to be prepared.
type Field struct {
	Name  string // unique in the document; no dots
	Label string // what a viewer calls the field, optional
	Page  int    // from 1; ignored when Rect is zero
	Rect  Rect   // zero for an invisible signature
	Lock  *Lock  // what signing this field freezes, optional
}

// Lock says which other fields a signature freezes (ISO 32000-2, table 236).
type Lock struct {
	Action LockAction
	Fields []string // for Include and Exclude
}

// LockAction is the kind of a Lock.
type LockAction string

// The kinds of locks.
const (
	LockAll     LockAction = "All"
	LockInclude LockAction = "Include"
	LockExclude LockAction = "Exclude"
)

// Level is a PAdES baseline level; each contains the ones before it.
type Level int

// The levels of EN 319 142-1.
const (
	LevelB   Level = iota // the signature alone
	LevelT                // and a timestamp over it
	LevelLT               // and certificates, CRLs and OCSP answers
	LevelLTA              // and a timestamp over all of that
)

// String returns the level's usual name.
func (l Level) String() string {
	if l < LevelB || l > LevelLTA {
		return "none"
	}
	return [...]string{"B-B", "B-T", "B-LT", "B-LTA"}[l]
}

// Signer holds a signing key. Calls come one at a time.
type Signer interface {
	// Chain returns the signer's certificate first, then its issuers. The
	// root may be left out.
	Chain() []*x509.Certificate

	// Sign signs as crypto.Signer does, with these options: a crypto.Hash
	// for ECDSA (answer in ASN.1) and RSA PKCS #1, *rsa.PSSOptions for
	// RSA-PSS, and crypto.Hash(0) for Ed25519, where digest is the message.
	Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// Timestamper asks a timestamp authority. Calls come one at a time.
type Timestamper interface {
	// Timestamp returns the RFC 3161 token, a DER ContentInfo, whose message
	// imprint is the given digest. The token carries its certificate.
	Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error)
}

// Revocation is what proves later that certificates were good, all in DER.
type Revocation struct {
	Certificates []*x509.Certificate
	CRLs         [][]byte
	OCSPs        [][]byte // whole OCSP responses (RFC 6960)
}

// Point is a point of a pen stroke, in any unit, y growing downwards.
type Point = page.Point

// Appearance is what a viewer shows in the field. The zero value shows an
// empty field.
type Appearance struct {
	Strokes [][]Point // the handwriting
	Name    string    // the signer, in any script
	Time    string    // as it shall be read
	Lines   []string  // further lines of text
}

// Request says what to sign and how.
type Request struct {
	Field       string // the name of a prepared, empty field
	Appearance  Appearance
	Fill        []Fill // text fields and checkboxes that the field's Lock includes
	Level       Level
	Certify     bool // first signature: only further signatures are allowed from here on (DocMDP, P=2)
	PSS         bool // RSA keys sign with RSASSA-PSS instead of PKCS #1 v1.5
	Signer      Signer
	Timestamper Timestamper // from level B-T on
	Revocation  Revocation  // from level B-LT on
	Time        time.Time   // the claimed time of signing, required
	Name        string      // the signer's name for the signature dictionary
	Reason      string
	Location    string
	Reserve     int    // bytes kept for the signature, default 16 KiB
	Password    string // of a document encrypted with AES-256
	Limits      syntax.Limits
}

// DefaultReserve is the room for one signature with its certificates and
// timestamp, in bytes.
const DefaultReserve = 16 << 10
