package ceremony

import (
	"context"
	"errors"
	"testing"
	"time"

	"inkwitness/api"
)

// oneGrant is Grants with one link in it.
type oneGrant struct {
	Grants
	grant Grant
}

func (g oneGrant) Grant(_ context.Context, hash [32]byte) (Grant, error) {
	if hash != g.grant.Hash {
		return Grant{}, ErrNotFound
	}
	return g.grant, nil
}

type stopped time.Time

func (s stopped) Now() time.Time { return time.Time(s) }

func TestLinksThatDoNotOpen(t *testing.T) {
	browser := HashSecret("the browser that opened it")
	link := Grant{Hash: HashSecret("link"), Kind: LinkGrant, Expires: start.Add(LinkLifetime)}
	used, session := link, link
	used.UsedBy, session.Kind = browser[:], SessionGrant
	for name, test := range map[string]struct {
		grant  Grant
		secret string
		now    time.Time
		want   error
		kind   error // how it is answered
	}{
		"unknown":          {link, "another", start, ErrNotFound, api.ErrNotFound},
		"a session's":      {session, "link", start, ErrNotFound, api.ErrNotFound},
		"expired":          {link, "link", start.Add(LinkLifetime), ErrLinkExpired, api.ErrExpired},
		"elsewhere":        {used, "link", start, ErrLinkUsed, api.ErrExpired},
		"used and expired": {used, "link", start.Add(LinkLifetime + 1), ErrLinkExpired, api.ErrExpired},
	} {
		s := New(Config{Grants: oneGrant{grant: test.grant}, Clock: stopped(test.now)})
		_, _, _, err := s.OpenLink(t.Context(), test.secret, "some browser")
		if !errors.Is(err, test.want) || !errors.Is(err, test.kind) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	s := New(Config{Grants: oneGrant{grant: session}, Clock: stopped(start.Add(LinkLifetime))})
	if _, err := s.Session(t.Context(), "link"); !errors.Is(err, ErrLinkExpired) {
		t.Errorf("a session after its end: %v, want ErrLinkExpired", err)
	}
}
