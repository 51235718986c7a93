package auth

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
)

var cheap = cost{memory: 64, time: 1, threads: 1}

func TestNewPasswords(t *testing.T) {
	long := strings.Repeat("Übung macht den ", 4) // 64 characters
	tests := []struct {
		password string
		second   bool
		ok       bool
	}{
		{"fourteen chars", false, false},
		{"fifteen chars!!", false, true},
		{"sevenzz", true, false},
		{"kq8vz2mw", true, true},
		{long, false, true},
		{strings.Repeat("xq7 ", 65), false, false}, // 260 characters
		{"密碼密碼甲乙丙丁戊己庚辛壬癸子", false, true},           // 15 code points
		{"e\u0301ssai de mots", false, false},      // 15 code points, 14 after normalisation
		{"password", true, false}, {"Password123", true, false}, {"trustno1", true, false}, {"iloveyou", true, false},
		{"passwordpassword", false, false},
		{"password12345678", false, false},
		{"Password1234567", false, false},
		{"monkeymonkeymonkey", false, false},
		{"monkeymonkeymonkey1!", false, false},
		{"password52819473", false, true},
		{"aaaaaaaaaaaaaaaaaaaa", false, false}, {"abcabcabcabcabcabc", false, false},
		{"123456789012345", false, false}, {"abcdefghijklmnop", false, false}, {"zyxwvutsrqponmlk", false, false},
		{"computer", true, false},                   // a word
		{"zoe.marker@mail", false, false},           // one's own address
		{"inkwitness12345", false, false},           // the service's name
		{"zoe likes tall green trees", false, true}, // a name is no harm in a long one
		{"\xff\xfe\xfdabcdefghijklmnop", false, false},
	}
	for _, test := range tests {
		err := checkNew(test.password, test.second, "Zoe Marker", "zoe.marker@mail.example")
		if (err == nil) != test.ok {
			t.Errorf("%q with second factor %v: %v", test.password, test.second, err)
		}
		if err != nil && (!errors.Is(err, api.ErrInvalid) || strings.Contains(err.Error(), "marker")) {
			t.Errorf("%q: %v", test.password, err)
		}
	}
}

func TestHashing(t *testing.T) {
	ctx := t.Context()
	h := newHasher([]byte("pepper"), cheap)
	password := strings.Repeat("a", 63) + "b"
	stored, err := h.hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1,keyid=1$") {
		t.Errorf("stored as %s", stored)
	}
	again, err := h.hash(ctx, password)
	if err != nil || again == stored {
		t.Error("no salt", err)
	}
	for given, want := range map[string]bool{
		password:                      true,
		strings.Repeat("a", 63) + "c": false, // character 64 matters
		strings.Repeat("a", 63):       false,
		password + "\x00":             false,
		"":                            false,
		strings.ToUpper(password):     false,
	} {
		if ok, renew, err := h.check(ctx, stored, given); ok != want || renew || err != nil {
			t.Errorf("%q: %v %v %v", given, ok, renew, err)
		}
	}
	if ok, _, err := newHasher([]byte("another"), cheap).check(ctx, stored, password); ok || err != nil {
		t.Error("the pepper does not matter", err)
	}
	dear := newHasher([]byte("pepper"), cost{memory: 128, time: 1, threads: 1})
	if ok, renew, err := dear.check(ctx, stored, password); !ok || !renew || err != nil {
		t.Errorf("a cheaper hash: %v %v %v", ok, renew, err)
	}
	if ok, renew, err := dear.check(ctx, stored, "wrong"); ok || renew || err != nil {
		t.Errorf("a wrong password renews: %v %v %v", ok, renew, err)
	}
	if ok, _, err := h.check(ctx, h.dummy, ""); ok || err != nil {
		t.Error("the dummy opens", err)
	}
	composed, _ := h.hash(ctx, "caf\u00e9 au lait, s'il")
	if ok, _, _ := h.check(ctx, composed, "cafe\u0301 au lait, s'il"); !ok {
		t.Error("two spellings of one password differ")
	}
}

func TestStoredHashesAreChecked(t *testing.T) {
	h := newHasher([]byte("pepper"), cheap)
	for _, stored := range []string{"", "x", "$argon2i$v=19$m=64,t=1,p=1,keyid=1$AAAA$AAAA", "$argon2id$v=16$m=64,t=1,p=1,keyid=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=1,p=1,keyid=1$AAAA$AAAA", "$argon2id$v=19$m=99999999,t=1,p=1,keyid=1$AAAA$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=64,t=0,p=1,keyid=1$AAAA$" + strings.Repeat("A", 43), "$argon2id$v=19$m=64$AAAA$AAAA"} {
		if ok, _, err := h.check(t.Context(), stored, ""); ok || err == nil {
			t.Errorf("%q: %v %v", stored, ok, err)
		}
	}
}

// TestUsedInvitationsAreNotHashed: what is no longer wanted when its turn comes is
// not made, so that a link used many times at once costs few hashes.
func TestUsedInvitationsAreNotHashed(t *testing.T) {
	h := newHasher([]byte("pepper"), cheap)
	if hash, err := h.hash(t.Context(), good, func() error { return api.ErrExpired }); !errors.Is(err, api.ErrExpired) || hash != "" {
		t.Errorf("%q, %v", hash, err)
	}
	if hash, err := h.hash(t.Context(), good, func() error { return nil }); err != nil || hash == "" {
		t.Errorf("%q, %v", hash, err)
	}
}

func TestHasherIsBounded(t *testing.T) {
	h := newHasher([]byte("pepper"), cheap)
	for range maxRunning {
		h.running <- struct{}{} // all places taken
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range maxWaiting {
		wg.Go(func() {
			if _, err := h.hash(ctx, "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("waiting: %v", err)
			}
		})
	}
	for began := time.Now(); len(h.waiting) < maxWaiting; runtime.Gosched() {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%d wait, want %d: the others were let in", len(h.waiting), maxWaiting)
		}
	}
	if _, err := h.hash(ctx, "x"); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	wg.Wait()
}

func TestCommonListIsThere(t *testing.T) {
	if n := len(common) / commonBytes; n < 20_000 || len(common)%commonBytes != 0 {
		t.Errorf("%d entries", n)
	}
	if isCommon("kq8vz2mw-not-in-any-list") {
		t.Error("everything is common")
	}
}
