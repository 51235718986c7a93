package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// Ceremonies keeps documents, their signers' links and sessions, and the
// holders of references. It implements ceremony.Documents, Grants and Subjects.
//
// What names or describes a person is sealed in the row's body, under a key of
// the document or of the subject.
type Ceremonies struct {
	store  *Store
	sealer *sealer
}

// Ceremonies returns the tables of ceremonies beside those of accounts.
func (a *Accounts) Ceremonies() *Ceremonies { return &Ceremonies{a.Store, a.sealer} }

// CreateDocument implements ceremony.Documents.
func (c *Ceremonies) CreateDocument(ctx context.Context, d *ceremony.Document) error {
	body, err := c.sealer.seal(ctx, documentKey(d.ID), "documents", d.ID, d)
	if err != nil {
		return err
	}
	d.Version = 1
	return c.store.execOne(ctx, `INSERT INTO documents (id, organisation, owner, state, busy, version, created, remind_at, ends, body) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)`,
		d.ID, d.Organisation, d.Owner, string(d.State), d.Busy(), micros(d.Created), micros(d.RemindAt()), micros(d.Ends()), body)
}

// Document implements ceremony.Documents.
func (c *Ceremonies) Document(ctx context.Context, id string) (*ceremony.Document, error) {
	row, err := scanDocument(c.store.row(ctx, `SELECT id, version, body FROM documents WHERE id = $1`, id))
	if errors.Is(err, api.ErrNotFound) {
		return nil, ceremony.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return c.openDocument(ctx, row)
}

// sealedDocument is a row as stored. It is opened after the rows are read:
// opening a key may need the connection.
type sealedDocument struct {
	id      string
	version int64
	body    []byte
}

func scanDocument(r scanner) (s sealedDocument, err error) {
	return s, r.Scan(&s.id, &s.version, &s.body)
}

func (c *Ceremonies) openDocument(ctx context.Context, s sealedDocument) (*ceremony.Document, error) {
	d := new(ceremony.Document)
	if err := c.sealer.open(ctx, "documents", s.id, s.body, d); err != nil {
		return nil, fmt.Errorf("read document %s: %w", s.id, err)
	}
	d.Version = s.version
	return d, nil
}

// SaveDocument implements ceremony.Documents.
func (c *Ceremonies) SaveDocument(ctx context.Context, d *ceremony.Document) error {
	body, err := c.sealer.seal(ctx, documentKey(d.ID), "documents", d.ID, d)
	if err != nil {
		return err
	}
	err = c.store.execOne(ctx, `UPDATE documents SET state = $3, busy = $4, remind_at = $5, version = version + 1, ends = $6, body = $7 WHERE id = $1 AND version = $2`,
		d.ID, d.Version, string(d.State), d.Busy(), micros(d.RemindAt()), micros(d.Ends()), body)
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
	rows, err := list(ctx, c.store, scanDocument, `SELECT id, version, body FROM documents
		WHERE organisation = $1 AND (owner = $2 OR $2 = '' OR id IN (SELECT document FROM shares WHERE account = $2)) AND created < $3 ORDER BY created DESC, id LIMIT $4`,
		organisation, owner, micros(before), limit)
	if err != nil {
		return nil, err
	}
	documents := make([]*ceremony.Document, len(rows))
	for i, row := range rows {
		if documents[i], err = c.openDocument(ctx, row); err != nil {
			return nil, err
		}
	}
	return documents, nil
}

// Unfinished implements ceremony.Documents.
func (c *Ceremonies) Unfinished(ctx context.Context) ([]string, error) {
	return list(ctx, c.store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM documents WHERE busy ORDER BY created`)
}

// DueReminders implements ceremony.Schedule.
func (c *Ceremonies) DueReminders(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return list(ctx, c.store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM documents WHERE remind_at <= $1 ORDER BY remind_at LIMIT $2`, micros(now), limit)
}

// Grant implements ceremony.Grants.
func (c *Ceremonies) Grant(ctx context.Context, hash [32]byte) (ceremony.Grant, error) {
	g := ceremony.Grant{Hash: hash}
	var kind string
	err := c.store.row(ctx, `SELECT kind, document, signer, expires, used_by FROM grants WHERE hash = $1`, hex.EncodeToString(hash[:])).
		Scan(&kind, &g.Document, &g.Signer, when(&g.Expires), &g.UsedBy)
	g.Kind = ceremony.GrantKind(kind)
	if errors.Is(err, api.ErrNotFound) {
		return g, ceremony.ErrNotFound
	}
	return g, err
}

// AddGrant implements ceremony.Grants.
func (c *Ceremonies) AddGrant(ctx context.Context, g ceremony.Grant) error {
	return c.store.execOne(ctx, `INSERT INTO grants (hash, kind, document, signer, expires) VALUES ($1, $2, $3, $4, $5)`,
		hex.EncodeToString(g.Hash[:]), string(g.Kind), g.Document, g.Signer, micros(g.Expires))
}

// UseGrant implements ceremony.Grants.
func (c *Ceremonies) UseGrant(ctx context.Context, hash, browser [32]byte) error {
	err := c.store.execOne(ctx, `UPDATE grants SET used_by = $2 WHERE hash = $1 AND kind = 'link' AND (used_by IS NULL OR used_by = $2)`,
		hex.EncodeToString(hash[:]), browser[:])
	if errors.Is(err, api.ErrNotFound) {
		return ceremony.ErrLinkUsed
	}
	return err
}

// RevokeGrants implements ceremony.Grants.
func (c *Ceremonies) RevokeGrants(ctx context.Context, signer string, kinds ...ceremony.GrantKind) error {
	if len(kinds) == 0 {
		_, err := c.store.exec(ctx, `DELETE FROM grants WHERE signer = $1`, signer)
		return err
	}
	for _, kind := range kinds {
		if _, err := c.store.exec(ctx, `DELETE FROM grants WHERE signer = $1 AND kind = $2`, signer, string(kind)); err != nil {
			return err
		}
	}
	return nil
}

// grantsAtOnce bounds the parameters of one query.
const grantsAtOnce = 500

// LiveGrants implements ceremony.Grants.
func (c *Ceremonies) LiveGrants(ctx context.Context, hashes [][32]byte, now time.Time) (map[[32]byte]bool, error) {
	live := make(map[[32]byte]bool, len(hashes))
	for some := range slices.Chunk(hashes, grantsAtOnce) {
		places, args := make([]string, len(some)), []any{micros(now)}
		for i, h := range some {
			places[i], args = "$"+strconv.Itoa(i+2), append(args, hex.EncodeToString(h[:]))
		}
		found, err := list(ctx, c.store, scanHash, `SELECT hash FROM grants WHERE expires > $1 AND hash IN (`+strings.Join(places, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, h := range found {
			live[h] = true
		}
	}
	return live, nil
}

func scanHash(r scanner) (hash [32]byte, err error) {
	var text string
	if err := r.Scan(&text); err != nil {
		return hash, err
	}
	_, err = hex.Decode(hash[:], []byte(text))
	return hash, err
}

// Subject implements ceremony.Subjects.
func (c *Ceremonies) Subject(ctx context.Context, organisation, email string) (*ceremony.Subject, error) {
	address, err := c.sealer.index(ctx, "subject:"+organisation, NormalEmail(email))
	if err != nil {
		return nil, fmt.Errorf("index the address: %w", err)
	}
	subject, err := c.subject(ctx, organisation, address)
	if !errors.Is(err, api.ErrNotFound) {
		return subject, err
	}
	fresh := &ceremony.Subject{ID: api.NewID(), Organisation: organisation, Email: NormalEmail(email)}
	body, err := c.sealer.seal(ctx, subjectKey(fresh.ID), "subjects", fresh.ID, fresh)
	if err != nil {
		return nil, err
	}
	if _, err := c.store.exec(ctx, `INSERT INTO subjects (id, organisation, address, version, body) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING`,
		fresh.ID, organisation, address, body); err != nil {
		return nil, err
	}
	return c.subject(ctx, organisation, address) // who lost a race reads the winner's
}

func (c *Ceremonies) subject(ctx context.Context, organisation string, address []byte) (*ceremony.Subject, error) {
	var id string
	var version int64
	var body []byte
	if err := c.store.row(ctx, `SELECT id, version, body FROM subjects WHERE organisation = $1 AND address = $2`, organisation, address).Scan(&id, &version, &body); err != nil {
		return nil, err
	}
	subject := new(ceremony.Subject)
	if err := c.sealer.open(ctx, "subjects", id, body, subject); err != nil {
		return nil, fmt.Errorf("read subject %s: %w", id, err)
	}
	subject.Version = version
	return subject, nil
}

// SaveSubject implements ceremony.Subjects.
func (c *Ceremonies) SaveSubject(ctx context.Context, subject *ceremony.Subject) error {
	body, err := c.sealer.seal(ctx, subjectKey(subject.ID), "subjects", subject.ID, subject)
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

// DocumentIDs implements ceremony.Holders.
func (c *Ceremonies) DocumentIDs(ctx context.Context, after string, n int) ([]string, error) {
	return list(ctx, c.store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM documents WHERE id > $1 ORDER BY id LIMIT $2`, after, n)
}

// AllSubjects implements ceremony.Holders.
func (c *Ceremonies) AllSubjects(ctx context.Context, after string, n int) ([]*ceremony.Subject, error) {
	rows, err := list(ctx, c.store, scanDocument, `SELECT id, version, body FROM subjects WHERE id > $1 ORDER BY id LIMIT $2`, after, n)
	if err != nil {
		return nil, err
	}
	subjects := make([]*ceremony.Subject, len(rows))
	for i, row := range rows {
		subjects[i] = &ceremony.Subject{}
		if err := c.sealer.open(ctx, "subjects", row.id, row.body, subjects[i]); err != nil {
			return nil, fmt.Errorf("read subject %s: %w", row.id, err)
		}
		subjects[i].Version = row.version
	}
	return subjects, nil
}

// Prints implements ceremony.Prints.
func (c *Ceremonies) Prints(ctx context.Context, subject string, limit int) ([]ceremony.Print, error) {
	prints, err := list(ctx, c.store, func(r scanner) (p ceremony.Print, err error) { return p, r.Scan(&p.Capture, when(&p.Made), &p.Data) },
		`SELECT capture, made, body FROM prints WHERE subject = $1 ORDER BY made DESC, capture LIMIT $2`, subject, limit)
	if err != nil {
		return nil, err
	}
	for i := range prints {
		p := &prints[i]
		sealed := p.Data
		if err := c.sealer.open(ctx, "prints", subject+"/"+string(p.Capture), sealed, &p.Data); err != nil {
			return nil, fmt.Errorf("read the print of capture %s: %w", p.Capture, err)
		}
	}
	return prints, nil
}

// AddPrint implements ceremony.Prints.
func (c *Ceremonies) AddPrint(ctx context.Context, subject string, p ceremony.Print) error {
	body, err := c.sealer.seal(ctx, subjectKey(subject), "prints", subject+"/"+string(p.Capture), p.Data)
	if err != nil {
		return err
	}
	_, err = c.store.exec(ctx, `INSERT INTO prints (subject, capture, made, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, subject, string(p.Capture), micros(p.Made), body)
	return err
}

func documentKey(id string) string { return "document:" + id }
func subjectKey(id string) string  { return "subject:" + id }
