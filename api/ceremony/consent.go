package ceremony

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

// Purpose is one thing that biometric data is used for. Each is asked for by
// itself, and each may be refused (GDPR article 9(2)(a) and 7(2)).
type Purpose string

// The purposes, in the order in which they are asked.
const (
	ForHandwriting Purpose = "handwriting" // pen strokes with pressure and speed, kept as evidence
	ForVideo       Purpose = "video"       // selfie video and sound while signing, kept as evidence
	ForComparison  Purpose = "comparison"  // references enrolled and compared with later signatures
)

// Purposes lists them all in the order in which they are asked.
var Purposes = []Purpose{ForHandwriting, ForVideo, ForComparison}

// ConsentVersion is the version of the texts below. It changes with every
// change of a text, so that a stored consent says exactly what was read.
const ConsentVersion = "2026-11-2"

// Consent is the answer of a signer to one purpose. The hash and the language
// tell which words were on the screen.
type Consent struct {
	Purpose     Purpose   `json:"purpose"`
	TextVersion string    `json:"textVersion"`
	TextSHA256  string    `json:"textSha256"` // of the text in that language, lower-case hex
	Language    string    `json:"language"`
	Given       bool      `json:"given"`
	At          time.Time `json:"at"`
}

//go:embed consent/*.txt
var consentTexts embed.FS

// ConsentText returns the words that ask for a purpose, in the language or, if
// there is none, in English; and the language that it found.
func ConsentText(purpose Purpose, language string) (text, found string, err error) {
	found = language
	if !slices.Contains(api.Languages(), found) {
		found = api.Languages()[0]
	}
	all, err := consentTexts.ReadFile("consent/" + found + ".txt")
	if err != nil {
		return "", "", fmt.Errorf("read the consent texts in %s: %w", found, err)
	}
	for section := range strings.SplitSeq(string(all), "\n\n") {
		name, body, ok := strings.Cut(section, "\n")
		if ok && name == "["+string(purpose)+"]" {
			return strings.TrimSpace(body), found, nil
		}
	}
	return "", "", api.Explain(ErrInvalid, "No purpose is called %q.", purpose)
}

func textHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Consent returns the last answer to a purpose, and whether there is one.
func (s *Signer) Consent(purpose Purpose) (Consent, bool) {
	for _, c := range slices.Backward(s.Consents) {
		if c.Purpose == purpose {
			return c, true
		}
	}
	return Consent{}, false
}

// Allows tells whether the signer agreed to a purpose.
func (s *Signer) Allows(purpose Purpose) bool {
	c, ok := s.Consent(purpose)
	return ok && c.Given
}

// answered tells whether every purpose has an answer.
func (s *Signer) answered() bool {
	return !slices.ContainsFunc(Purposes, func(p Purpose) bool {
		_, ok := s.Consent(p)
		return !ok
	})
}
