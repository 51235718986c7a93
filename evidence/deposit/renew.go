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
	"strings"
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
// but mimetype, the record's own two and the statement of an erasure, which
// comes later. Of an erased file the statement has the SHA-256; by another
// algorithm it is nil. It is a cms.Group.
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
	erased, err := c.erased()
	if err != nil {
		return nil, err
	}
	for _, f := range erased {
		if h == crypto.SHA256 {
			out = append(out, f.SHA256[:])
		} else {
			out = append(out, nil)
		}
	}
	return out, nil
}

// erased lists what the statement of an erasure names and is gone.
func (c *Container) erased() ([]ErasedFile, error) {
	der, err := c.a.read(erasureName)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e, _, err := parseErasure(der)
	return slices.DeleteFunc(e.Files, func(f ErasedFile) bool {
		_, there := c.a.find(f.Path)
		return there || !hasPrefix(f.Path, erasable)
	}), err
}

func recorded(name string) bool {
	return name != mimetypeName && name != recordListName && name != recordName && name != erasureName
}

// WithRecord returns the container with an evidence record, in place of its own
// if it has one. Only what lies under META-INF is made anew, in memory; the rest
// is read where it is, when it is read.
func (c *Container) WithRecord(record *cms.EvidenceRecord) (*io.SectionReader, error) {
	der, err := record.Marshal()
	if err != nil {
		return nil, fmt.Errorf("evidence record: %w", err)
	}
	list, err := c.a.read(asicName)
	if err != nil {
		return nil, err
	}
	signed, err := parseManifest(list)
	if err != nil {
		return nil, err
	}
	sums := map[string]evidence.Digest{}
	for _, r := range signed.refs {
		sums[r.uri] = r.digest
	}
	first := slices.IndexFunc(c.a.entries, func(e entry) bool { return isMeta(e.name) })
	var listed, meta []Part
	for i, e := range c.a.entries {
		p := Part{Path: e.name, SHA256: sums[e.name]}
		if i >= first {
			raw, err := c.a.read(e.name)
			if err != nil || !isMeta(e.name) {
				return nil, errors.Join(fmt.Errorf("%s stands behind META-INF: %w", e.name, evidence.ErrMalformed), err)
			}
			p = Bytes(e.name, raw)
			if e.name != recordListName && e.name != recordName {
				meta = append(meta, p)
			}
		}
		if recorded(e.name) {
			listed = append(listed, p)
		}
	}
	meta = append(meta, Bytes(recordListName, manifestOf(recordName, recordType, listed).marshal()), Bytes(recordName, der))
	slices.SortFunc(meta, func(a, b Part) int { return strings.Compare(a.Path, b.Path) })
	var tail bytes.Buffer
	z := newZip(&tail, time.Time{})
	z.at, z.off, z.entries = c.a.at, c.a.entries[first].offset, slices.Clone(c.a.entries[:first])
	head := z.off
	for _, p := range meta {
		if err := z.add(context.Background(), p); err != nil {
			return nil, fmt.Errorf("write %s: %w", p.Path, err)
		}
	}
	if err := z.close(); err != nil {
		return nil, err
	}
	return io.NewSectionReader(joined{c.a.r, head, tail.Bytes()}, 0, head+int64(tail.Len())), nil
}

// joined is the first bytes of a file, and others behind them.
type joined struct {
	file io.ReaderAt
	head int64
	tail []byte
}

// ReadAt implements io.ReaderAt.
func (j joined) ReadAt(p []byte, off int64) (n int, err error) {
	if off < j.head {
		n, err = j.file.ReadAt(p[:min(int64(len(p)), j.head-off)], off)
		if n == len(p) || int64(n) < j.head-off {
			return n, err
		}
	}
	at := off + int64(n) - j.head
	if at >= int64(len(j.tail)) {
		return n, io.EOF
	}
	k := copy(p[n:], j.tail[at:])
	if n += k; n < len(p) {
		return n, io.EOF
	}
	return n, nil
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
	v.judge(r)
}

// judge says what a record shows at the time of the check. One that held as long
// as its newest timestamp and was not renewed since is left open, as a deposit
// without a record is: there may be a newer one.
func (v *verifier) judge(r *cms.EvidenceRecord) {
	now := v.opts.Now
	if now.IsZero() {
		now = v.stamped
	}
	c := &Container{v.archive}
	verify := func(now time.Time) (time.Time, error) {
		return r.Verify(c.Hashes, laterOf(now, r), v.opts.Algorithms, v.trustsToken)
	}
	at, err := verify(now)
	stale := false
	if err != nil {
		if then, before := verify(time.Time{}); before == nil {
			at, err, stale = then, nil, true
		}
	}
	switch {
	case errors.Is(err, cms.ErrWeak):
		v.fails(CodeAlgorithm, recordName, "The evidence record was not renewed in time: %v.", err)
	case err != nil:
		v.fails(CodeRecord, recordName, "The evidence record does not hold: %v.", err)
	case !v.renews(at):
		v.fails(CodeRecord, recordName, "The evidence record was made on %s, when the timestamp that it covers did not count any more.", at.Format(time.RFC3339))
	case stale:
		v.renewed = false
		v.unknown(CodeRecord, recordName, "Judged as of %s, but the newest timestamp of the evidence record is of %s, and nothing renewed it before its certificate or an algorithm ended. Ask for the deposit's newer .ers file.",
			now.Format(time.RFC3339), laterOf(time.Time{}, r).Format(time.RFC3339))
	default:
		v.holds(CodeRecord, recordName, "An evidence record covers every file since %s and was renewed in time.", at.Format(time.RFC3339))
	}
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

func isMeta(name string) bool { return len(name) > 9 && name[:9] == "META-INF/" }
