package evidence_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"inkwitness/evidence"
)

func TestRetentionEndsOnTheDay(t *testing.T) {
	ten := evidence.Retention{Years: 10}
	for from, want := range map[string]string{
		"2026-03-02T09:30:00Z":      "2036-03-02T09:30:00Z",
		"2024-02-29T12:00:00Z":      "2034-03-01T12:00:00Z", // 2034 has no 29 February
		"2026-12-31T23:59:59Z":      "2036-12-31T23:59:59Z",
		"2026-03-29T02:30:00+02:00": "2036-03-29T00:30:00Z",
	} {
		at, err := time.Parse(time.RFC3339, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := ten.End(at).Format(time.RFC3339); got != want {
			t.Errorf("ten years from %s end %s, want %s", from, got, want)
		}
	}
}

func TestObjectNeedsClassReasonAndEnd(t *testing.T) {
	end := time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
	good := evidence.Meta{Key: "k", Class: evidence.ClassDeposit, Reason: "letter of deposit", DeleteAfter: end, Subject: "s"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*evidence.Meta){
		"class":   func(m *evidence.Meta) { m.Class = "" },
		"unknown": func(m *evidence.Meta) { m.Class = "K8" },
		"reason":  func(m *evidence.Meta) { m.Reason = "" },
		"end":     func(m *evidence.Meta) { m.DeleteAfter = time.Time{} },
		"key":     func(m *evidence.Meta) { m.Key = "" },
		"subject": func(m *evidence.Meta) { m.Subject = "" },
	} {
		m := good
		spoil(&m)
		if err := m.Check(); !errors.Is(err, evidence.ErrNoClass) {
			t.Errorf("%s missing: %v", name, err)
		}
	}
}

func TestCommitmentHidesAndBinds(t *testing.T) {
	a, b := evidence.Digest{1}, evidence.Digest{2}
	base := evidence.Commit([32]byte{9}, a, b)
	for name, other := range map[string]evidence.Commitment{
		"salt":  evidence.Commit([32]byte{8}, a, b),
		"order": evidence.Commit([32]byte{9}, b, a),
		"fewer": evidence.Commit([32]byte{9}, a),
	} {
		if other == base {
			t.Errorf("%s does not change the commitment", name)
		}
	}
	// printf 'inkwitness deposit commitment v1\n' + 09 00*31 + 01 00*31 + 02 00*31 | sha256sum
	const want = "a95827748a19c95ad7b2cfe91b14e7f127fa6beaa93dfe96a5807d395c1756a0"
	if base.String() != want {
		t.Errorf("commitment %s, want %s", base, want)
	}
}

func TestDigestText(t *testing.T) {
	d := evidence.Digest{0xab, 1}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back evidence.Digest
	if err := json.Unmarshal(b, &back); err != nil || back != d {
		t.Errorf("%s reads back as %v, %v", b, back, err)
	}
	for _, bad := range []string{`""`, `"ab"`, `"` + "zz" + d.String()[2:] + `"`} {
		if err := json.Unmarshal([]byte(bad), &back); !errors.Is(err, evidence.ErrMalformed) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
