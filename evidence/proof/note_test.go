package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"inkwitness/evidence/proof"
)

// What signed-note forbids in a name (spaces of any kind, a plus) and in a text
// (control characters, which a terminal would obey) is refused, as elsewhere.
func TestCharactersOfNotes(t *testing.T) {
	public := bytes.Repeat([]byte{7}, 32)
	for r := rune(1); r < 0x3100; r++ {
		key := proof.Key{Name: fmt.Sprintf("a%cb", r), Algorithm: proof.Ed25519, Public: public}.String()
		_, err := proof.ParseKey(key)
		_, elsewhere := note.NewVerifier(key)
		if (err == nil) != (elsewhere == nil) {
			t.Errorf("a name with %U: %v, elsewhere %v", r, err, elsewhere)
		}
		text := proof.CheckpointText(fmt.Sprintf("a%cb", r), 1, proof.LeafHash(nil)) + "\n\u2014 a AAAAAAA=\n"
		_, err = proof.ParseCheckpoint([]byte(text))
		_, elsewhere = note.Open([]byte(text), note.VerifierList())
		var unverified *note.UnverifiedNoteError
		if r != '\n' && (err == nil) != errors.As(elsewhere, &unverified) {
			t.Errorf("a text with %U: %v, elsewhere %v", r, err, elsewhere)
		}
	}
}

// A log's key vouches for the log of its name, and for no other: one that is kept
// beside it, which nobody watches, is not the one that was trusted.
func TestKeySignsForItsOwnLog(t *testing.T) {
	log, err := proof.NewSigner("a.example/log", proof.Ed25519, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for origin, good := range map[string]bool{"a.example/log": true, "a.example/hidden": false} {
		c := proof.Checkpoint{Origin: origin, Size: 1, Root: proof.LeafHash(nil)}
		c.Note.Text = proof.CheckpointText(origin, 1, c.Root)
		sig, err := log.Sign(c, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c.Note.Sigs = []proof.Sig{sig}
		if _, err := c.Verify(log.Key); (err == nil) != good || !good && !errors.Is(err, proof.ErrSignature) {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
