// Package deposit writes and verifies the letter of deposit: one file that
// holds a signed document, the recording of how it was signed, the comparison,
// the chain of custody, and the proof of all of it.
//
// The file is an ASiC-E container with CAdES signatures (ETSI EN 319 162-1)
// whose unpacked tree is a BagIt bag (RFC 8493), so that public tools verify
// it; VERIFY.txt inside says how. It is written as a stream with entries that
// are stored, not compressed, in a fixed order with times from the seal: the
// same contents always give the same bytes, and the reader accepts no other
// form. So no byte of the file is without meaning, and nothing can be hidden
// between entries or unpack to more than it is.
//
// The package signs nothing and opens no connection: a Plan says what to sign,
// and takes signature, timestamp and log proof once they exist.
package deposit

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
)

// Format is the version of the container, in deposit.json.
const Format = "inkwitness deposit v1"

// MediaType is the container's type (EN 319 162-1, annex A).
const MediaType = "application/vnd.etsi.asic-e+zip"

// The names with a fixed meaning.
const (
	mimetypeName  = "mimetype"
	LetterName    = "letter-of-deposit.pdf"
	verifyName    = "VERIFY.txt"
	bagitName     = "bagit.txt"
	bagInfoName   = "bag-info.txt"
	manifestName  = "manifest-sha256.txt"
	DocumentName  = "data/contract-signed.pdf"
	InfoName      = "data/deposit.json"
	AuditName     = "data/audit/audit.jsonl"
	RootsName     = "data/validation/roots.pem"
	asicName      = "META-INF/ASiCManifest001.xml"
	signatureName = "META-INF/signature001.p7s"
	stampListName = "META-INF/ASiCManifest002.xml"
	stampName     = "META-INF/timestamp001.tst"
	outListName   = "META-INF/ASiCManifest003.xml" // where an outside authority stamped too
	outStampName  = "META-INF/timestamp002.tst"
	proofName     = "META-INF/deposit.tlog-proof"
)

// Info is data/deposit.json: what the deposit says of itself.
type Info struct {
	Format  string          `json:"format"`
	ID      string          `json:"id"`
	Title   string          `json:"title"`
	Sealed  time.Time       `json:"sealed"` // UTC, whole seconds
	Ends    time.Time       `json:"ends"`   // UTC: kept until then
	Service string          `json:"service"`
	Signers []Signer        `json:"signers"`
	Salt    evidence.Digest `json:"salt"` // of the commitment in the log
	Log     Log             `json:"log"`
}

// Signer is one person who signed.
type Signer struct {
	Folder string `json:"folder"` // under data/capture
	Name   string `json:"name"`
	Field  string `json:"field"` // signature field in the document

	Provider  string `json:"provider,omitempty"`  // of the certificate, where it is not the service's own authority
	Certified string `json:"certified,omitempty"` // the name in the certificate, where that provider writes it otherwise
}

// Log says which log vouches for the deposit's place in history.
type Log struct {
	Origin string   `json:"origin"`
	Keys   []string `json:"keys"` // vkeys of the log; each must have signed

	Witnesses []string `json:"witnesses,omitempty"` // vkeys of witnesses
	Need      int      `json:"need,omitempty"`      // how many of them must have confirmed
}

// Part is one file of the container that exists already.
type Part struct {
	Path   string // in the container
	Size   int64
	SHA256 evidence.Digest
	CRC32  uint32
	Open   func(ctx context.Context) (io.ReadCloser, error)
}

// Bytes makes a part of bytes at hand.
func Bytes(name string, data []byte) Part {
	return Part{Path: name, Size: int64(len(data)), SHA256: sha256.Sum256(data), CRC32: crc32.ChecksumIEEE(data),
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(data))), nil
		}}
}

// Stored makes a part of an object in the vault.
func Stored(name string, o evidence.Object, open func(context.Context, evidence.Object) (io.ReadSeekCloser, error)) Part {
	return Part{Path: name, Size: o.Size, SHA256: o.SHA256, CRC32: o.CRC32,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return open(ctx, o) }}
}

// Plan is a container whose contents are fixed and which waits for its seal.
type Plan struct {
	info  Info
	parts []Part // in the order of the container, up to and without META-INF
	asic  []byte
}

// Bounds, for writing and reading alike.
const (
	maxEntries  = 10_000
	maxPath     = 240
	maxMetadata = 16 << 20 // bytes of one file that is read into memory
)

var pathPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*){0,10}$`)

func checkPath(name string) error {
	if len(name) > maxPath || !pathPattern.MatchString(name) || path.Clean(name) != name {
		return fmt.Errorf("name %.80q: %w", name, evidence.ErrMalformed)
	}
	return nil
}

// NewPlan fixes the contents. parts are the files under data/ and, when there
// is one, LetterName; deposit.json, VERIFY.txt and the bag's own files are made
// here. The same arguments always give the same plan.
func NewPlan(info Info, parts []Part) (*Plan, error) {
	info.Format = Format
	info.Sealed, info.Ends = info.Sealed.UTC().Truncate(time.Second), info.Ends.UTC().Truncate(time.Second)
	described, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe deposit: %w", err)
	}
	payload := []Part{Bytes(InfoName, append(described, '\n'))}
	var letter []Part
	for _, p := range parts {
		switch {
		case p.Path == LetterName:
			letter = append(letter, p)
		case !strings.HasPrefix(p.Path, "data/"):
			return nil, fmt.Errorf("part %q lies outside data/: %w", p.Path, evidence.ErrMalformed)
		default:
			payload = append(payload, p)
		}
	}
	slices.SortFunc(payload, func(a, b Part) int { return strings.Compare(a.Path, b.Path) })
	if err := checkParts(append(letter, payload...)); err != nil {
		return nil, err
	}
	p := &Plan{info: info}
	p.parts = append(p.parts, Bytes(mimetypeName, []byte(MediaType)))
	p.parts = append(p.parts, letter...)
	p.parts = append(p.parts, Bytes(verifyName, verifyText(info)), Bytes(bagitName, []byte(bagit)),
		Bytes(bagInfoName, bagInfo(info, payload)), Bytes(manifestName, bagManifest(payload)))
	p.parts = append(p.parts, payload...)
	p.asic = manifestOf(signatureName, signatureType, p.parts[1:]).marshal()
	return p, nil
}

func checkParts(parts []Part) error {
	if len(parts) > maxEntries-16 {
		return fmt.Errorf("%d parts: %w", len(parts), evidence.ErrLimit)
	}
	seen := map[string]bool{}
	for _, p := range parts {
		if err := checkPath(p.Path); err != nil {
			return err
		}
		if folded := strings.ToLower(p.Path); seen[folded] {
			return fmt.Errorf("part %q appears twice: %w", p.Path, evidence.ErrMalformed)
		} else {
			seen[folded] = true
		}
	}
	return nil
}

// Manifest is what the seal's signature is over (ASiCManifest001.xml).
func (p *Plan) Manifest() []byte { return p.asic }

// StampManifest is what the timestamp is over (ASiCManifest002.xml): the
// manifest and its signature.
func (p *Plan) StampManifest(signature []byte) []byte {
	return stampManifest(stampName, p.asic, signature)
}

// OutsideManifest is what the timestamp of an outside authority is over
// (ASiCManifest003.xml): the same two files.
func (p *Plan) OutsideManifest(signature []byte) []byte {
	return stampManifest(outStampName, p.asic, signature)
}

func stampManifest(token string, list, signature []byte) []byte {
	return manifestOf(token, stampType, []Part{Bytes(asicName, list), Bytes(signatureName, signature)}).marshal()
}

// Commitment is what goes into the log: it binds the timestamped manifest,
// through it the signature and every file, and the timestamps themselves.
// outside is nil where there is only the service's own.
func (p *Plan) Commitment(signature, timestamp, outside []byte) evidence.Commitment {
	digests := []evidence.Digest{sha256.Sum256(p.StampManifest(signature)), sha256.Sum256(timestamp)}
	if outside != nil {
		digests = append(digests, sha256.Sum256(outside))
	}
	return evidence.Commit(p.info.Salt, digests...)
}

// Seal is what proves a plan.
type Seal struct {
	Signature []byte // CAdES, detached, over Plan.Manifest
	Timestamp []byte // RFC 3161 token over Plan.StampManifest
	Outside   []byte // token of an outside authority over Plan.OutsideManifest, nil where there is none
	Proof     []byte // tlog-proof of Plan.Commitment
	Later     []Part // what renewals add, under META-INF/
}

// Write streams the container. Memory does not grow with it.
func (p *Plan) Write(ctx context.Context, w io.Writer, s Seal) error {
	parts := append(slices.Clone(p.parts), Bytes(asicName, p.asic), Bytes(stampListName, p.StampManifest(s.Signature)),
		Bytes(proofName, s.Proof), Bytes(signatureName, s.Signature), Bytes(stampName, s.Timestamp))
	if s.Outside != nil {
		parts = append(parts, Bytes(outListName, p.OutsideManifest(s.Signature)), Bytes(outStampName, s.Outside))
	}
	parts = append(parts, s.Later...)
	meta := parts[len(p.parts):]
	slices.SortFunc(meta, func(a, b Part) int { return strings.Compare(a.Path, b.Path) })
	if err := checkParts(meta); err != nil {
		return err
	}
	z := newZip(w, p.info.Sealed)
	for _, part := range parts {
		if err := z.add(ctx, part); err != nil {
			return fmt.Errorf("write %s: %w", part.Path, err)
		}
	}
	return z.close()
}
