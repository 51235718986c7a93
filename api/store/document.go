package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/evidence"
)

// Ceremonies keeps documents, their signers' links and sessions, and the
// holders of references. It implements ceremony.Documents, Grants and Subjects.
//
// What names or describes a person is encrypted in the row's body, under a key
// of the document or of the subject.
type Ceremonies struct {
	store *Store
	keys  evidence.Keys
	index []byte // HMAC key for addresses
}

// NewCeremonies returns the tables of ceremony. The index key finds a subject by
// address without keeping the address; it must stay the same for ever.
func NewCeremonies(s *Store, keys evidence.Keys, indexKey []byte) *Ceremonies {
	return &Ceremonies{store: s, keys: keys, index: indexKey}
}

// CreateDocument implements ceremony.Documents.
func (c *Ceremonies) CreateDocument(ctx context.Context, d *ceremony.Document) error {
	body, err := c.seal(ctx, documentKey(d.ID), d.ID, d)
	if err != nil {
		return err
	}
	d.Version = 1
	return c.store.execOne(ctx, `INSERT INTO documents (id, organisation, owner, state, busy, version, created, body) VALUES ($1, $2, $3, $4, $5, 1, $6, $7)`,
		d.ID, d.Organisation, d.Owner, string(d.State), d.Busy(), micros(d.Created), body)
}

// Document implements ceremony.Documents.
func (c *Ceremonies) Document(ctx context.Context, id string) (*ceremony.Document, error) {
	d, err := c.scanDocument(ctx, c.store.row(ctx, `SELECT id, version, body FROM documents WHERE id = $1`, id))
	if errors.Is(err, api.ErrNotFound) {
		return nil, ceremony.ErrNotFound
	}
	return d, err
}

func (c *Ceremonies) scanDocument(ctx context.Context, row scanner) (*ceremony.Document, error) {
	var id string
	var version int64
	var body []byte
	if err := row.Scan(&id, &version, &body); err != nil {
		return nil, err
	}
	d := new(ceremony.Document)
	if err := c.open(ctx, documentKey(id), id, body, d); err != nil {
		return nil, fmt.Errorf("read document %s: %w", id, err)
	}
	d.Version = version
	return d, nil
}

// SaveDocument implements ceremony.Documents.
func (c *Ceremonies) SaveDocument(ctx context.Context, d *ceremony.Document) error {
	body, err := c.seal(ctx, documentKey(d.ID), d.ID, d)
	if err != nil {
		return err
	}
	err = c.store.execOne(ctx, `UPDATE documents SET state = $3, busy = $4, version = version + 1, body = $5 WHERE id = $1 AND version = $2`,
		d.ID, d.Version, string(d.State), d.Busy(), body)
	if errors.Is(err, api.ErrNotFound) {
		return ceremony.ErrStale
	}
	if err == nil {
		d.Version++
	}
	return err
}

// DocumentsOf implements ceremony.Documents.
func (c *Ceremonies) DocumentsOf(ctx context.Context, organisation, owner string, before time.Time, limit int) ([]*ceremony.Document, error) {
	type stored struct {
		id      string
		version int64
		body    []byte
	}
	rows, err := list(ctx, c.store, func(r scanner) (s stored, err error) {
		return s, r.Scan(&s.id, &s.version, &s.body)
	}, `SELECT id, version, body FROM documents WHERE organisation = $1 AND (owner = $2 OR $2 = '') AND created < $3 ORDER BY created DESC, id LIMIT $4`, organisation, owner, micros(before), limit)
	if err != nil {
		return nil, err
	}
	documents := make([]*ceremony.Document, 0, len(rows))
	for _, r := range rows {
		d := &ceremony.Document{}
		if err := c.open(ctx, documentKey(r.id), r.id, r.body, d); err != nil {
			return nil, fmt.Errorf("read document %s: %w", r.id, err)
		}
		d.Version = r.version
		documents = append(documents, d)
	}
	return documents, nil
}

// Unfinished implements ceremony.Documents.
func (c *Ceremonies) Unfinished(ctx context.Context) ([]string, error) {
	return list(ctx, c.store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM documents WHERE busy ORDER BY created`)
}

// Grant implements ceremony.Grants.
func (c *Ceremonies) Grant(ctx context.Context, hash [32]byte) (ceremony.Grant, error) {
	g := ceremony.Grant{Hash: hash}
	var kind string
	err := c.store.row(ctx, `SELECT kind, document, signer, expires, used FROM grants WHERE hash = $1`, hex.EncodeToString(hash[:])).
		Scan(&kind, &g.Document, &g.Signer, when(&g.Expires), &g.Used)
	g.Kind = ceremony.GrantKind(kind)
	if errors.Is(err, api.ErrNotFound) {
		return g, ceremony.ErrNotFound
	}
	return g, err
}

// AddGrant implements ceremony.Grants.
func (c *Ceremonies) AddGrant(ctx context.Context, g ceremony.Grant) error {
	return c.store.execOne(ctx, `INSERT INTO grants (hash, kind, document, signer, expires, used) VALUES ($1, $2, $3, $4, $5, $6)`,
		hex.EncodeToString(g.Hash[:]), string(g.Kind), g.Document, g.Signer, micros(g.Expires), g.Used)
}

// UseGrant implements ceremony.Grants.
func (c *Ceremonies) UseGrant(ctx context.Context, hash [32]byte) error {
	err := c.store.execOne(ctx, `UPDATE grants SET used = TRUE WHERE hash = $1 AND kind = 'link' AND NOT used`, hex.EncodeToString(hash[:]))
	if errors.Is(err, api.ErrNotFound) {
		return ceremony.ErrLinkUsed
	}
	return err
}

// RevokeGrants implements ceremony.Grants.
func (c *Ceremonies) RevokeGrants(ctx context.Context, signer string) error {
	_, err := c.store.exec(ctx, `DELETE FROM grants WHERE signer = $1`, signer)
	return err
}

// Subject implements ceremony.Subjects.
func (c *Ceremonies) Subject(ctx context.Context, organisation, email string) (*ceremony.Subject, error) {
	address := c.address(organisation, email)
	subject, err := c.subject(ctx, organisation, address)
	if !errors.Is(err, api.ErrNotFound) {
		return subject, err
	}
	fresh := &ceremony.Subject{ID: api.NewID(), Organisation: organisation, Email: strings.ToLower(email)}
	body, err := c.seal(ctx, subjectKey(fresh.ID), fresh.ID, fresh)
	if err != nil {
		return nil, err
	}
	if _, err := c.store.exec(ctx, `INSERT INTO subjects (id, organisation, address, version, body) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING`,
		fresh.ID, organisation, address, body); err != nil {
		return nil, err
	}
	return c.subject(ctx, organisation, address) // who lost a race reads the winner's
}

func (c *Ceremonies) subject(ctx context.Context, organisation, address string) (*ceremony.Subject, error) {
	var id string
	var version int64
	var body []byte
	if err := c.store.row(ctx, `SELECT id, version, body FROM subjects WHERE organisation = $1 AND address = $2`, organisation, address).Scan(&id, &version, &body); err != nil {
		return nil, err
	}
	subject := new(ceremony.Subject)
	if err := c.open(ctx, subjectKey(id), id, body, subject); err != nil {
		return nil, fmt.Errorf("read subject %s: %w", id, err)
	}
	subject.Version = version
	return subject, nil
}

// SaveSubject implements ceremony.Subjects.
func (c *Ceremonies) SaveSubject(ctx context.Context, subject *ceremony.Subject) error {
	body, err := c.seal(ctx, subjectKey(subject.ID), subject.ID, subject)
	if err != nil {
		return err
	}
	err = c.store.execOne(ctx, `UPDATE subjects SET version = version + 1, body = $3 WHERE id = $1 AND version = $2`, subject.ID, subject.Version, body)
	if errors.Is(err, api.ErrNotFound) {
		return ceremony.ErrStale
	}
	if err == nil {
		subject.Version++
	}
	return err
}

func documentKey(id string) string { return "document/" + id }
func subjectKey(id string) string  { return "subject/" + id }

// address is a keyed hash: the table alone does not tell whether somebody is in it.
func (c *Ceremonies) address(organisation, email string) string {
	mac := hmac.New(sha256.New, c.index)
	fmt.Fprintf(mac, "subject\x00%s\x00%s", organisation, strings.ToLower(email))
	return hex.EncodeToString(mac.Sum(nil))
}

// seal encodes and encrypts a body under the named key, which it makes if there
// is none. The row's ID is bound in.
func (c *Ceremonies) seal(ctx context.Context, key, row string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	secret, err := c.secret(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open the key of %s: %w", key, err)
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(row)), nil
}

// open is the inverse of seal.
func (c *Ceremonies) open(ctx context.Context, key, row string, body []byte, v any) error {
	_, secret, err := c.keys.Open(ctx, key)
	if err != nil {
		return err
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return err
	}
	plain, err := aead.Open(nil, nil, body, []byte(row))
	if err != nil {
		return fmt.Errorf("decrypt: %w", evidence.ErrCorrupt)
	}
	return json.Unmarshal(plain, v)
}
