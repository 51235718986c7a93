// Package check verifies one file of any kind that the project makes. It is
// what the command line and the browser share.
package check

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/proof"
)

// ErrKind is a file that is none of ours.
var ErrKind = errors.New("this is neither a deposit nor a PDF")

// Trust says whom the caller trusts; see deposit.Options.
type Trust struct {
	Roots      *x509.CertPool
	Others     []*x509.Certificate
	Algorithms []cms.Algorithm
	LogKeys    []proof.Key
	Now        time.Time // of the check
}

// File verifies a file and says point by point what holds.
func File(r io.ReaderAt, size int64, t Trust) (*evidence.Report, error) {
	var head [1024]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	switch start := head[:n]; {
	case container(r, size):
		return deposit.Verify(r, size, deposit.Options{Roots: t.Roots, Others: t.Others, Algorithms: t.Algorithms, LogKeys: t.LogKeys, Now: t.Now}), nil
	case bytes.Contains(start, []byte("%PDF-")):
		return document(r, size, t)
	}
	return nil, ErrKind
}

// container says whether a file is a ZIP container: by its first bytes, or, where
// those are damaged, by the end of its directory (PKWARE APPNOTE, section 4.3.16),
// so that the report names the damage.
func container(r io.ReaderAt, size int64) bool {
	var start [5]byte
	n, _ := r.ReadAt(start[:], 0)
	if bytes.HasPrefix(start[:n], []byte("PK")) {
		return true
	}
	const ending = 22
	var end [4]byte
	if string(start[:n]) == "%PDF-" || size < ending {
		return false
	}
	_, err := r.ReadAt(end[:], size-ending)
	return err == nil && string(end[:]) == "PK\x05\x06"
}

// WithRecord reads a deposit together with the evidence record that lies beside
// it. A damaged deposit is read without: the report will say where.
func WithRecord(r io.ReaderAt, size int64, der []byte) (*io.SectionReader, error) {
	record, err := cms.ParseRecord(der)
	if err != nil {
		return nil, err
	}
	if !container(r, size) {
		return nil, errors.New("it belongs to a deposit, and this file is none")
	}
	container, err := deposit.Open(r, size)
	if err != nil {
		return io.NewSectionReader(r, 0, size), nil
	}
	return container.WithRecord(record)
}

// CodeRoots is the point of a PDF that cannot be decided without roots.
const CodeRoots = "pdf.trust.roots"

// CodeSigned is the point of a signature that holds.
const CodeSigned = "pdf.signature"

func document(r io.ReaderAt, size int64, t Trust) (*evidence.Report, error) {
	found, err := pdf.Verify(r, size, pdf.Options{Roots: t.all(), At: t.Now})
	if err != nil {
		return nil, err
	}
	report := &evidence.Report{Kind: "pdf"}
	if t.Roots == nil {
		report.Add(evidence.Unknown, CodeRoots, "certificates", "No roots were given, so nobody's certificate can be trusted. Give --roots FILE. What else holds is said below.")
	}
	for _, s := range found.Signatures {
		kind := "Signature"
		if s.Timestamp {
			kind = "Archive timestamp"
		}
		if s.OK {
			report.Add(evidence.Holds, CodeSigned, s.Field, fmt.Sprintf("%s by %q, level %s, at %s.", kind, s.Signer, s.LevelName, stamped(s)))
		}
	}
	for _, f := range found.Findings {
		status := evidence.Fails
		if t.Roots == nil && slices.Contains(needRoots, f.Code) {
			status = evidence.Unknown
		}
		report.Add(status, string(f.Code), f.Where, f.Sentence)
	}
	return report, nil
}

// needRoots cannot be decided without roots: an untrusted timestamp does not
// say whether a certificate that has ended was good when it was used.
var needRoots = []pdf.Code{pdf.Untrusted, pdf.StampUntrusted, pdf.CertExpired}

func stamped(s pdf.SignatureReport) string {
	if s.Stamped.IsZero() {
		return "a time that it only claims, " + s.Claimed.UTC().Format(time.RFC3339)
	}
	return s.Stamped.UTC().Format(time.RFC3339)
}

// all are the roots of anybody, nil without any of the service.
func (t Trust) all() *x509.CertPool {
	if t.Roots == nil {
		return nil
	}
	pool := t.Roots.Clone()
	for _, c := range t.Others {
		pool.AddCert(c)
	}
	return pool
}

// Roots reads PEM certificates.
func Roots(raw []byte) (*x509.CertPool, error) {
	all, err := Certificates(raw)
	pool := x509.NewCertPool()
	for _, c := range all {
		pool.AddCert(c)
	}
	return pool, err
}

// Certificates reads PEM certificates.
func Certificates(raw []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("root certificate %d: %w", len(all)+1, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate in PEM form")
	}
	return all, nil
}

// Explain returns what a reason code means, "" for an unknown one.
func Explain(code string) string {
	switch code {
	case CodeRoots:
		return "A signature proves who signed only to those who trust the root of its certificate. With --roots FILE the roots are yours."
	case CodeSigned:
		return "A signature in the document is good: it covers what stood in the document then, its certificate leads to a trusted root, and nothing was added since but what may be."
	}
	if text := logCodes[code]; text != "" {
		return text
	}
	if text := deposit.Explain(code); text != "" {
		return text
	}
	return pdf.Explain(pdf.Code(code))
}

// Codes lists all reason codes.
func Codes() []string {
	codes := append(deposit.Codes(), CodeRoots, CodeSigned)
	for c := range logCodes {
		codes = append(codes, c)
	}
	for _, c := range pdf.Codes() {
		codes = append(codes, string(c))
	}
	slices.SortFunc(codes, strings.Compare)
	return codes
}
