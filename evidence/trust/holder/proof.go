package holder

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// How a signer's factor speaks: a browser registers its key, is given a statement,
// and signs it.

// Enrol registers the key of a signer's browser. Once a certificate was made for
// the signer no further key is taken, see certified.
func (h *Holder) Enrol(_ context.Context, ceremony, who string, public []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Kind: Enrolled, Ceremony: ceremony, Signer: who, Key: public}
	if !plain(ceremony) || !plain(who) {
		return h.refuse(Entry{}, ErrProof, "a ceremony or signer is not named")
	}
	if _, err := parseKey(public); err != nil {
		return h.refuse(e, ErrProof, "the browser's key is not one of P-256")
	}
	if s := h.signers[ceremony+"/"+who]; s != nil {
		switch {
		case slices.ContainsFunc(s.keys, func(k []byte) bool { return string(k) == string(public) }):
			return nil
		case h.certified(s):
			return h.refuse(e, ErrProof, "the signer's certificate was made already")
		case len(s.keys) >= maxKeys:
			return h.refuse(e, ErrProof, "too many browsers for one signer")
		}
	}
	return h.note(e)
}

// Challenge makes the statement that a registered key has to sign.
func (h *Holder) Challenge(_ context.Context, ceremony, who, document string, signatures int, public []byte) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Ceremony: ceremony, Signer: who, Document: document}
	s := h.signers[ceremony+"/"+who]
	if s == nil || !slices.ContainsFunc(s.keys, func(k []byte) bool { return string(k) == string(public) }) {
		return "", h.refuse(e, ErrProof, "the browser's key is not registered")
	}
	if raw, err := hex.DecodeString(document); err != nil || len(raw) != sha256.Size || signatures < 1 || signatures > maxSignatures {
		return "", h.refuse(e, ErrProof, "a document's SHA-256 and 1 to 200 signatures are needed")
	}
	now := h.cfg.Clock.Now()
	for nonce, c := range h.challenges {
		if now.After(c.ends) {
			delete(h.challenges, nonce)
		}
	}
	if len(h.challenges) >= maxChallenges {
		return "", ErrBusy
	}
	var random [16]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	nonce := hex.EncodeToString(random[:])
	statement := fmt.Sprintf("inkwitness proof of a signer's factor, v1\nceremony %s\nsigner %s\ndocument sha256:%s\nsignatures %d\nnonce %s\n",
		ceremony, who, document, signatures, nonce)
	h.challenges[nonce] = challenge{statement, ceremony + "/" + who, document, signatures, public, now.Add(ProofLifetime)}
	return statement, nil
}

// Approve takes the signer's answer, r and s of ECDSA with SHA-256 over the
// statement, 64 bytes. An answer is used up by the first try.
func (h *Holder) Approve(_ context.Context, ceremony, who, document, statement string, signature []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Kind: Approved, Ceremony: ceremony, Signer: who, Document: document}
	_, nonce, _ := strings.Cut(statement, "\nnonce ")
	c, known := h.challenges[strings.TrimSpace(nonce)]
	switch {
	case statement == "" || len(signature) == 0:
		return h.refuse(e, ErrProof, "the proof is missing")
	case !known:
		return h.refuse(e, ErrProof, "the statement is unknown, or was used")
	}
	delete(h.challenges, strings.TrimSpace(nonce))
	now := h.cfg.Clock.Now()
	s := h.signers[c.who]
	switch {
	case now.After(c.ends):
		return h.refuse(e, ErrProof, "the proof is too old")
	case c.statement != statement || c.who != ceremony+"/"+who:
		return h.refuse(e, ErrProof, "the proof is for another ceremony or signer")
	case c.document != document:
		return h.refuse(e, ErrProof, "the proof is for another document")
	case !verify(c.key, statement, signature):
		return h.refuse(e, ErrProof, "the browser's key did not sign this")
	case h.certified(s):
		return h.refuse(e, ErrProof, "the signer's certificate was made already")
	}
	e.Key, e.Signatures, e.Ends = c.key, c.signatures, now.Add(ApprovalLifetime).UTC()
	return h.note(e)
}

// plain is an identifier: nothing that could end a line of a statement.
func plain(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func parseKey(der []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("not a key of P-256")
	}
	return key, nil
}

func verify(public []byte, statement string, signature []byte) bool {
	key, err := parseKey(public)
	if err != nil || len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(statement))
	return ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
