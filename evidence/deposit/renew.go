package deposit

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// The evidence record of a renewed deposit (EN 319 162-1, clause 4.4.3.3): the
// list of files it covers, and the record.
const (
	recordListName = "META-INF/ASiCEvidenceRecordManifest001.xml"
	recordName     = "META-INF/evidencerecord001.ers"
	recordType     = "application/octet-stream"
)

// Container is a deposit that exists, to be renewed. Verify it first.
type Container struct{ a *archive }

// Open opens a container that is intact in its structure.
func Open(r io.ReaderAt, size int64) (*Container, error) {
	a, err := openArchive(r, size)
	if err != nil {
		return nil, err
	}
	if len(a.faults) > 0 {
		return nil, fmt.Errorf("container: %s: %w", a.faults[0].text, evidence.ErrCorrupt)
	}
	return &Container{a}, nil
}

// Record returns the evidence record that the container carries;
// evidence.ErrNotFound when it has none.
func (c *Container) Record() (*cms.EvidenceRecord, error) {
	der, err := c.a.read(recordName)
	if err != nil {
		return nil, err
	}
	return cms.ParseRecord(der)
}

// Hashes returns the hashes of every file that an evidence record covers: all
// but mimetype and the record's own two. It is a cms.Group.
func (c *Container) Hashes(h crypto.Hash) ([][]byte, error) {
	var out [][]byte
	buf := make([]byte, 1<<20)
	for _, e := range c.a.entries {
		if !recorded(e.name) {
			continue
		}
		d := h.New()
		if _, err := io.CopyBuffer(d, struct{ io.Reader }{c.a.open(e)}, buf); err != nil {
			return nil, fmt.Errorf("hash %s: %w", e.name, err)
		}
		out = append(out, d.Sum(nil))
	}
	return out, nil
}

func recorded(name string) bool {
	return name != mimetypeName && name != recordListName && name != recordName
}

// WriteRenewed writes the container with a new evidence record in place of the
// old one, if there was one. Nothing else changes.
func (c *Container) WriteRenewed(ctx context.Context, w io.Writer, record *cms.EvidenceRecord) error {
	der, err := record.Marshal()
	if err != nil {
		return fmt.Errorf("evidence record: %w", err)
	}
	sums, err := c.Hashes(crypto.SHA256)
	if err != nil {
		return err
	}
	var parts, listed []Part
	for _, e := range c.a.entries {
		if e.name == recordListName || e.name == recordName {
			continue
		}
		p := Part{Path: e.name, Size: e.size, CRC32: e.crc, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(c.a.open(e)), nil }}
		if recorded(e.name) {
			p.SHA256, sums = evidence.Digest(sums[0]), sums[1:]
			listed = append(listed, p)
		}
		parts = append(parts, p)
	}
	parts = append(parts, Bytes(recordListName, manifestOf(recordName, recordType, listed).marshal()), Bytes(recordName, der))
	sortMeta(parts)
	z := newZip(w, time.Time{})
	z.at = c.a.at
	for _, p := range parts {
		if err := z.add(ctx, p); err != nil {
			return fmt.Errorf("write %s: %w", p.Path, err)
		}
	}
	return z.close()
}

// record checks the evidence record, when there is one.
func (v *verifier) record() {
	list, listErr := v.archive.read(recordListName)
	der, err := v.archive.read(recordName)
	if errors.Is(listErr, evidence.ErrNotFound) && errors.Is(err, evidence.ErrNotFound) {
		return
	}
	var covered []Part
	for _, e := range v.archive.entries {
		if recorded(e.name) {
			covered = append(covered, Part{Path: e.name, SHA256: v.found[e.name]})
		}
	}
	if listErr != nil || !bytes.Equal(list, manifestOf(recordName, recordType, covered).marshal()) {
		v.fails(CodeRecord, recordListName, "The list that the evidence record covers is not that of the files.")
		return
	}
	r, err := cms.ParseRecord(der)
	if err != nil {
		v.fails(CodeRecord, recordName, "The evidence record cannot be read: %v.", err)
		return
	}
	now := v.opts.Now
	if now.IsZero() {
		now = v.stamped
	}
	c := &Container{v.archive}
	at, err := r.Verify(c.Hashes, laterOf(now, r), func(t *cms.Token, at time.Time) error { return v.trustsToken(t, at) })
	if err != nil {
		v.fails(CodeRecord, recordName, "The evidence record does not hold: %v.", err)
		return
	}
	v.holds(CodeRecord, recordName, "An evidence record covers every file since %s and was renewed in time.", at.Format(time.RFC3339))
}

// laterOf is now, or the newest token's time where that is later.
func laterOf(now time.Time, r *cms.EvidenceRecord) time.Time {
	chain := r.Chains[len(r.Chains)-1]
	if t, err := cms.ParseToken(chain[len(chain)-1].Token); err == nil && t.Info.Time.After(now) {
		return t.Info.Time
	}
	return now
}

func (v *verifier) trustsToken(t *cms.Token, at time.Time) error {
	_, err := t.Chain(v.roots, minTime(at, t.Signer))
	return err
}

// minTime keeps a chain's check inside the certificate's life; that a token
// was renewed in time has been checked before.
func minTime(at time.Time, c *x509.Certificate) time.Time {
	if at.After(c.NotAfter) {
		return c.NotAfter
	}
	return at
}

// sortMeta puts what is under META-INF behind the rest, by name.
func sortMeta(parts []Part) {
	i := slices.IndexFunc(parts, func(p Part) bool { return isMeta(p.Path) })
	if i >= 0 {
		slices.SortFunc(parts[i:], func(a, b Part) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	}
}

func isMeta(name string) bool { return len(name) > 9 && name[:9] == "META-INF/" }
