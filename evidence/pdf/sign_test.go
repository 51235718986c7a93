package pdf

import (
	"crypto"
	"crypto/elliptic"
	"testing"
)

// TestAlgorithms signs with every kind of key.
func TestAlgorithms(t *testing.T) {
	a := newAuthority(t)
	doc := prepared(t, plain(t), 1)
	for _, tt := range []struct {
		name string
		key  crypto.Signer
		pss  bool
	}{
		{"RSA PKCS #1", rsaKey(t), false},
		{"RSA-PSS", rsaKey(t), true},
		{"P-256", ecKey(t, elliptic.P256()), false},
		{"P-384", ecKey(t, elliptic.P384()), false},
		{"Ed25519", edKey(t), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := a.request(a.signer(t, "Ada", tt.key), "A")
			req.PSS, req.Level = tt.pss, LevelT
			r := verify(t, sign(t, doc, req), a)
			wantOK(t, r, 1)
			s := r.Signatures[0]
			if s.Level != LevelT || s.Signer != "Ada" || !s.WholeFile || !s.Claimed.Equal(noon) {
				t.Errorf("report %+v", s)
			}
		})
	}
}

// TestLevels signs two fields one after the other at each level.
func TestLevels(t *testing.T) {
	a := newAuthority(t)
	ada, bob := a.signer(t, "Ada", ecKey(t, elliptic.P256())), a.signer(t, "Bob", rsaKey(t))
	for level := LevelB; level <= LevelLTA; level++ {
		t.Run(level.String(), func(t *testing.T) {
			doc := prepared(t, plain(t), 2)
			first := a.request(ada, "A")
			first.Certify, first.Level = true, level
			first.Revocation = Revocation{CRLs: [][]byte{a.crl(t)}}
			second := a.request(bob, "B")
			second.Level, second.Revocation = level, first.Revocation
			doc = sign(t, sign(t, doc, first), second)
			save(t, "level-"+level.String()+".pdf", doc)
			r := verify(t, doc, a)
			stamps := 0
			if level == LevelLTA {
				stamps = 2
			}
			wantOK(t, r, 2+stamps)
			for _, s := range r.Signatures {
				if !s.Timestamp && s.Level != level {
					t.Errorf("%s has level %v, want %v", s.Field, s.Level, level)
				}
			}
			if r.Signatures[0].Certifies != 2 {
				t.Error("not certified")
			}
		})
	}
}
