// Package sms sends a signer a one-time code by text message and checks it.
//
// A code is for the session that asked and for one document, whose name the
// message shows: a relay that has a victim read out a code gets one for another
// session, and the victim sees for what. It has six digits, lives ten minutes,
// works once, and five wrong tries end it; asking again does not reset the tries.
// Text messages are never the only proof, and other factors stand beside them.
//
// Limits fail closed: when tries or messages cannot be counted there is no code.
package sms

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"inkwitness/api"
	"inkwitness/capture"
)

// Config is what a Codes needs. Store, Gateway, Clock and URL are required.
type Config struct {
	Store     Store
	Gateway   Gateway
	Clock     capture.Clock
	Logger    *slog.Logger
	URL       string   // of the service as people reach it: browsers fill codes in there and nowhere else
	Countries []string // prefixes that messages go to, as "+33"; empty is all
}

// Store counts and keeps codes. It is safe for concurrent use and durable on return.
type Store interface {
	// Hit counts one try and returns how many there were in the window.
	Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (int, time.Time, error)
	// AddChallenge stores a challenge in place of all others of its account and kind.
	AddChallenge(ctx context.Context, c api.Challenge, secret [32]byte) error
	// TakeChallenge returns and removes a live one; api.ErrExpired.
	TakeChallenge(ctx context.Context, kind string, secret [32]byte, now time.Time) (api.Challenge, error)
}

// Gateway sends a message. The key is the same for the same message, so that a
// gateway that knows such keys sends it once. An error must not hold the number.
type Gateway interface {
	Send(ctx context.Context, key, to, text string) error
}

// Codes sends and checks codes. It is safe for concurrent use.
type Codes struct {
	cfg  Config
	host string
}

// New returns a Codes.
func New(cfg Config) (*Codes, error) {
	u, err := url.Parse(cfg.URL)
	if cfg.Store == nil || cfg.Gateway == nil || cfg.Clock == nil || err != nil || u.Host == "" {
		return nil, errors.New("sms: a part is missing")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Codes{cfg: cfg, host: u.Hostname()}, nil
}

// Ask is who wants a code for what.
type Ask struct {
	Organisation string // whose document it is
	Session      string // that alone can use the code
	Number       string // registered for the signer, +33612345678
	Document     string // its name, shown in the message
	Language     string
}

const (
	life      = api.CodeLife
	maxTries  = 5
	tryWindow = time.Hour // longer than a code lives: asking again resets nothing
)

type limit struct {
	name   string
	max    int
	window time.Duration
	who    func(Ask) string
}

// Of messages: a number gets 10 a day (A10), a session asks 5 times an hour, an
// organisation 200 times, and a country gets 500 an hour, so that nobody can run up the
// bill by expensive ones. No organisation uses up a country for the others. A limit of
// nobody counts nothing.
var limits = []limit{
	{"sms session", 5, time.Hour, func(a Ask) string { return a.Session }},
	{"sms number", 10, 24 * time.Hour, func(a Ask) string { return a.Number }},
	{"sms organisation", 200, time.Hour, func(a Ask) string { return a.Organisation }},
	{"sms country", 500, time.Hour, func(a Ask) string { return country(a.Number) }},
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// Send sends a new code; earlier ones of the session end.
func (c *Codes) Send(ctx context.Context, a Ask) error {
	a.Number = strings.ReplaceAll(a.Number, " ", "")
	if a.Session == "" || !e164.MatchString(a.Number) || !c.reached(a.Number) {
		return api.Explain(api.ErrInvalid, "Messages cannot be sent to this number. Use another way to confirm.")
	}
	now := c.cfg.Clock.Now()
	for _, l := range limits {
		if err := c.count(ctx, l, a, now); err != nil {
			return err
		}
	}
	code, err := newCode()
	if err != nil {
		return err
	}
	challenge := api.Challenge{Kind: "sms", Account: "session:" + a.Session, Session: a.Session, Created: now, Expires: now.Add(life)}
	if err := c.cfg.Store.AddChallenge(ctx, challenge, hash(a.Session, code)); err != nil {
		return fmt.Errorf("keep code: %w", err)
	}
	key := hash(a.Session, code+now.String())
	if err := c.cfg.Gateway.Send(ctx, fmt.Sprintf("%x", key[:16]), a.Number, c.text(a, code)); err != nil {
		c.cfg.Logger.WarnContext(ctx, "text message not sent", "error", err)
		return api.Explain(api.ErrUnavailable, "The message could not be sent. Try again, or use another way to confirm.")
	}
	return nil
}

// count counts a message against a limit, and refuses what is over it.
func (c *Codes) count(ctx context.Context, l limit, a Ask, now time.Time) error {
	who := l.who(a)
	if who == "" {
		return nil
	}
	n, ends, err := c.cfg.Store.Hit(ctx, l.name, who, l.window, now)
	if err != nil {
		return fmt.Errorf("limit %s: %w: %w", l.name, api.ErrUnavailable, err)
	}
	if n > l.max {
		return &api.Explained{Detail: "Too many codes were asked for. Wait, or use another way to confirm.", Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	return nil
}

// NumberChanged tells a number that it is no longer an account's: whoever took
// the account over cannot keep that from the telephone's owner. Nothing else is in
// the message, since the number may be somebody else's by now.
func (c *Codes) NumberChanged(ctx context.Context, number, language string) error {
	a := Ask{Number: strings.ReplaceAll(number, " ", ""), Language: language}
	if !e164.MatchString(a.Number) || !c.reached(a.Number) {
		return fmt.Errorf("tell a number: %w", api.ErrInvalid)
	}
	now := c.cfg.Clock.Now()
	for _, l := range limits { // no session and no organisation asks
		if err := c.count(ctx, l, a, now); err != nil {
			return err
		}
	}
	w, ok := changed[language]
	if !ok {
		w = changed[api.Languages()[0]]
	}
	key := hash(a.Number, "changed"+now.String())
	if err := c.cfg.Gateway.Send(ctx, fmt.Sprintf("%x", key[:16]), a.Number, strings.ReplaceAll(w, "{host}", c.host)); err != nil {
		return fmt.Errorf("tell a number: %w", err)
	}
	return nil
}

var changed = map[string]string{
	"en":      "This number was replaced by another on an account at {host}. If that was not you, sign in and set a new password.",
	"fr":      "Ce numéro a été remplacé par un autre sur un compte de {host}. Si ce n’était pas vous, connectez-vous et choisissez un nouveau mot de passe.",
	"zh-Hant": "此號碼在 {host} 的一個帳戶上已被另一個號碼取代。若非您本人，請登入並設定新密碼。",
	"zh-Hans": "此号码在 {host} 的一个账户上已被另一个号码取代。若非您本人，请登录并设置新密码。",
}

// Check spends a code. A wrong one is api.ErrUnauthenticated; after five wrong
// ones everything is api.ErrTooMany until the hour is over.
func (c *Codes) Check(ctx context.Context, session, code string) error {
	now := c.cfg.Clock.Now()
	n, ends, err := c.cfg.Store.Hit(ctx, "sms tries", session, tryWindow, now)
	if err != nil {
		return fmt.Errorf("limit sms tries: %w: %w", api.ErrUnavailable, err)
	}
	if n > maxTries {
		return &api.Explained{Detail: "Too many wrong codes. Wait, or use another way to confirm.", Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	_, err = c.cfg.Store.TakeChallenge(ctx, "sms", hash(session, strings.ReplaceAll(code, " ", "")), now)
	if errors.Is(err, api.ErrExpired) {
		return api.Explain(api.ErrUnauthenticated, "The code is wrong or its time is over.")
	}
	return err
}

// reached says whether messages go to the number's country.
func (c *Codes) reached(number string) bool {
	return len(c.cfg.Countries) == 0 || slices.ContainsFunc(c.cfg.Countries, func(p string) bool { return strings.HasPrefix(number, p) })
}

// hash binds a code to its session. Six digits can be searched, so the hash
// protects a code only for its ten minutes and five tries; it is not meant to
// withstand who reads the database, who could not use the session anyway.
func hash(session, code string) [32]byte {
	return sha256.Sum256([]byte("sms\x00" + session + "\x00" + code))
}

func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

// words in each language; {code} and {document} are filled in.
var words = map[string]string{
	"en":      "{code} is your code to sign “{document}”. It works once, for 10 minutes. Give it to nobody.",
	"fr":      "{code} est votre code pour signer « {document} ». Il fonctionne une fois, pendant 10 minutes. Ne le donnez à personne.",
	"zh-Hant": "{code} 是您簽署「{document}」的驗證碼，僅能使用一次，10 分鐘內有效。請勿告訴任何人。",
	"zh-Hans": "{code} 是您签署“{document}”的验证码，仅能使用一次，10 分钟内有效。请勿告诉任何人。",
}

const longestName = 40 // characters of a document's name that fit

// text ends with the line by which browsers offer the code on this origin and on
// no other (WICG, "Origin-bound one-time codes delivered via SMS").
func (c *Codes) text(a Ask, code string) string {
	w, ok := words[a.Language]
	if !ok {
		w = words[api.Languages()[0]]
	}
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("@#<>/\u2028\u2029", r) {
			return ' '
		}
		return r
	}, a.Document)
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > longestName {
		name = strings.TrimSpace(string(runes[:longestName])) + "…"
	}
	return strings.NewReplacer("{code}", code, "{document}", name).Replace(w) + "\n\n@" + c.host + " #" + code
}
