package deposit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// A deposit outlives the right to erasure of one of several signers: their
// recording goes, the document and the proof of everybody else stay. What was
// erased is named by path and hash in a statement that the service signs; the
// seal over the list of files stays good, as the list holds only hashes.

// ErasureFormat is the version of Erasure.
const ErasureFormat = "inkwitness erasure v1"

const erasureName = "META-INF/erasure001.p7m"

// Erasure is the statement inside erasure001.p7m, a CMS message.
type Erasure struct {
	Format    string       `json:"format"`
	Deposit   string       `json:"deposit"`
	When      time.Time    `json:"when"`
	Authority string       `json:"authority"` // by what right, "request 2026-17 of the data subject"
	Files     []ErasedFile `json:"files"`
}

// ErasedFile is a file that is no longer there.
type ErasedFile struct {
	Path   string          `json:"path"`
	SHA256 evidence.Digest `json:"sha256"`
}

// Erasable are the folders from which a person's data can be taken.
var erasable = []string{"data/capture/", "data/comparison/"}

// Erase states which files of the given prefixes go, for the service to sign.
// A prefix is one person's folder, "data/capture/signer-1/", or one file.
func (c *Container) Erase(deposit, authority string, when time.Time, prefixes ...string) ([]byte, error) {
	e := Erasure{Format: ErasureFormat, Deposit: deposit, When: when.UTC().Truncate(time.Second), Authority: authority}
	list, err := c.a.read(asicName)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(list)
	if err != nil {
		return nil, err
	}
	if earlier, err := c.a.read(erasureName); err == nil {
		if before, _, err := parseErasure(earlier); err == nil {
			e.Files = before.Files // what is gone stays named
		}
	}
	for _, r := range m.refs {
		if _, there := c.a.find(r.uri); there && hasPrefix(r.uri, prefixes) && hasPrefix(r.uri, erasable) {
			e.Files = append(e.Files, ErasedFile{r.uri, r.digest})
		}
	}
	if len(e.Files) == 0 {
		return nil, fmt.Errorf("nothing to erase: %w", evidence.ErrNotFound)
	}
	return json.Marshal(e)
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// WriteErased writes the container without the files that the signed
// statement names, and with the statement.
func (c *Container) WriteErased(ctx context.Context, w io.Writer, statement []byte) error {
	e, _, err := parseErasure(statement)
	if err != nil {
		return err
	}
	gone := map[string]bool{erasureName: true}
	for _, f := range e.Files {
		gone[f.Path] = true
	}
	parts := []Part{Bytes(erasureName, statement)}
	for _, e := range c.a.entries {
		if !gone[e.name] {
			parts = append(parts, Part{Path: e.name, Size: e.size, CRC32: e.crc, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(c.a.open(e)), nil }})
		}
	}
	slices.SortStableFunc(parts, func(a, b Part) int { // the files keep their order, META-INF follows by name
		switch am, bm := isMeta(a.Path), isMeta(b.Path); {
		case am && bm:
			return strings.Compare(a.Path, b.Path)
		case am:
			return 1
		case bm:
			return -1
		}
		return 0
	})
	z := newZip(w, time.Time{})
	z.at = c.a.at
	for _, p := range parts {
		if err := z.add(ctx, p); err != nil {
			return fmt.Errorf("write %s: %w", p.Path, err)
		}
	}
	return z.close()
}

func parseErasure(der []byte) (Erasure, *cms.Signed, error) {
	var e Erasure
	s, err := cms.Parse(der)
	if err != nil {
		return e, nil, err
	}
	if err := s.Verify(nil); err != nil {
		return e, s, err
	}
	if err := json.Unmarshal(s.Content, &e); err != nil || e.Format != ErasureFormat || len(e.Files) > maxEntries {
		return e, s, fmt.Errorf("erasure: %w", evidence.ErrMalformed)
	}
	if again, _ := json.Marshal(e); !bytes.Equal(again, s.Content) {
		return e, s, fmt.Errorf("erasure: %w", evidence.ErrMalformed)
	}
	return e, s, nil
}

// readErasure checks the statement of an erasure and notes what may be missing.
func (v *verifier) readErasure() {
	der, err := v.archive.read(erasureName)
	if errors.Is(err, evidence.ErrNotFound) {
		return
	}
	e, s, err := parseErasure(der)
	if err != nil || e.Deposit != v.info.ID {
		v.fails(CodeErased, erasureName, "The statement of an erasure is damaged or of another deposit.")
		return
	}
	at, err := v.erasedAt(e, s)
	if err != nil {
		v.fails(CodeErased, erasureName, "The statement of an erasure does not count: %v.", err)
		return
	}
	if !v.byService(s, at, erasureName, evidence.ForErasure) {
		v.fails(CodeErased, erasureName, "The statement of an erasure does not count: it is not the service's.")
		return
	}
	v.erased = map[string]evidence.Digest{}
	for _, f := range e.Files {
		if hasPrefix(f.Path, erasable) {
			v.erased[f.Path] = f.SHA256
		}
	}
	v.holds(CodeErased, erasureName, "%d files were erased on %s, for this reason: %s; the commitment to them is intact.", len(e.Files), e.When.Format(time.DateOnly), e.Authority)
}

// erasedAt is when an erasure was stated: by its timestamp, or, in a statement of
// an earlier release, which has none, by itself.
func (v *verifier) erasedAt(e Erasure, s *cms.Signed) (time.Time, error) {
	at := minTime(e.When, s.Signer)
	if s.Timestamp != nil {
		token, err := signatureStamp(s)
		if err != nil {
			return at, fmt.Errorf("its timestamp does not hold: %w", err)
		}
		at = token.Info.Time
		if _, err := token.Chain(v.roots, at); err != nil {
			return at, fmt.Errorf("its timestamp is by an authority that is not trusted: %w", err)
		}
	} else if evidence.PurposeOf(s.Signer) != "" {
		return at, errors.New("it carries no timestamp")
	}
	if e.When.Before(v.info.Sealed) || e.When.After(at.Add(maxBehind)) {
		return at, fmt.Errorf("sealed %s, erased %s and stated %s do not fit together", v.info.Sealed.Format(time.RFC3339), e.When.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	return at, nil
}

// isErased reports whether a file of the signed list was erased by right.
func (v *verifier) isErased(r reference) bool {
	digest, ok := v.erased[r.uri]
	return ok && digest == r.digest
}
