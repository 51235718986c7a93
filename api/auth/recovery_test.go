package auth

import (
	"strings"
	"testing"
)

// TestRecoveryCodesAreLong: a code of base32 has 5 bits a letter, and 112 are asked
// for where it is hashed fast.
func TestRecoveryCodesAreLong(t *testing.T) {
	codes, hashes := newRecoveryCodes("ann")
	if len(codes) != recoveryCount || len(hashes) != recoveryCount {
		t.Fatalf("%d codes, %d hashes", len(codes), len(hashes))
	}
	for i, code := range codes {
		letters := strings.ReplaceAll(code, "-", "")
		if 5*len(letters) < 112 || hashes[i] != recoveryHash("ann", letters) {
			t.Errorf("%q", code)
		}
	}
}
