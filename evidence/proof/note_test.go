package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

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
