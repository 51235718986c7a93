package mail_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"inkwitness/api"
	"inkwitness/api/mail"
	"inkwitness/api/store"
	"inkwitness/api/store/storetest"
)

// sink is a mail server that keeps what it takes and refuses as it is told.
type sink struct {
	mu     sync.Mutex
	got    []string
	refuse *smtp.SMTPError
}

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s}, nil }

type session struct{ *sink }

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(string, *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, string(raw))
	return err
}

func (s *sink) mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

func (s *sink) set(e *smtp.SMTPError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = e
}

func serve(t *testing.T) (*sink, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	server := smtp.NewServer(s)
	server.Domain = "localhost"
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(l) }) // ends with an error when it is closed
	t.Cleanup(func() { server.Close(); wg.Wait() })
	return s, "smtp+plain://" + l.Addr().String()
}

func newPost(t *testing.T, address string) (*mail.Post, *store.Accounts, *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock()
	s, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	accounts := storetest.Accounts(t, s)
	p, err := mail.New(mail.Config{Outbox: accounts, Clock: clock, URL: "https://ink.example.org", SMTP: address})
	if err != nil {
		t.Fatal(err)
	}
	return p, accounts, clock
}

var invitation = api.Notice{Kind: api.NoticeInvitation, To: "signer@example.org", Language: "fr", Organisation: "o1", Account: "a1",
	Link: "/sign.html#t=SECRET", Values: map[string]string{"sender": "Zoë"}, Key: "d1:s1:1"}

func TestSent(t *testing.T) {
	sink, address := serve(t)
	post, accounts, _ := newPost(t, address)
	for range 2 { // the same event twice is one mail
		if err := post.Notify(t.Context(), invitation); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := post.SendDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := sink.mails()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	for _, part := range []string{"To: <signer@example.org>", "From: <inkwitness@ink.example.org>", "Message-ID: <", "@ink.example.org>",
		"Auto-Submitted: auto-generated", "https://ink.example.org/sign.html#t=3DSECRET", "Content-Language: fr", "Zo=C3=AB"} {
		if !strings.Contains(got[0], part) {
			t.Errorf("%q is missing in\n%s", part, got[0])
		}
	}
	all, err := accounts.Mails(t.Context(), "o1", "", 10)
	if err != nil || len(all) != 1 || all[0].State != api.MailSent || all[0].Sent.IsZero() || all[0].Tries != 1 {
		t.Errorf("%+v %v", all, err)
	}
}

// TestDoubleHasOneMessageID sends a mail whose settling is lost, as when the
// service dies between the two.
func TestDoubleHasOneMessageID(t *testing.T) {
	sink, address := serve(t)
	post, accounts, clock := newPost(t, address)
	if err := post.Notify(t.Context(), invitation); err != nil {
		t.Fatal(err)
	}
	dying, err := mail.New(mail.Config{Outbox: unsettled{accounts}, Clock: clock, URL: "https://ink.example.org", SMTP: address})
	if err != nil {
		t.Fatal(err)
	}
	if err := dying.SendDue(t.Context()); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	clock.Advance(10 * time.Minute)
	if err := post.SendDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := sink.mails()
	if len(got) != 2 || header(got[0], "Message-ID") == "" || header(got[0], "Message-ID") != header(got[1], "Message-ID") {
		t.Errorf("%d mails: %v", len(got), got)
	}
}

var errDied = errors.New("the service died")

type unsettled struct{ *store.Accounts }

func (unsettled) SettleMail(context.Context, api.Mail) error { return errDied }

func header(mail, name string) string {
	for _, line := range strings.Split(mail, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
	}
	return ""
}

func TestTriedAgain(t *testing.T) {
	sink, address := serve(t)
	post, accounts, clock := newPost(t, address)
	tries := func(refuse *smtp.SMTPError, steps int) api.Mail {
		sink.set(refuse)
		n := invitation
		n.Key += time.Now().String()
		if err := post.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		for range steps {
			if err := post.SendDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Advance(25 * time.Hour)
		}
		all, err := accounts.Mails(t.Context(), "o1", "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	busy := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "busy for signer@example.org"}
	if m := tries(busy, 3); m.State != api.MailQueued || m.Tries != 3 || m.Problem != "refused with 451" {
		t.Errorf("busy: %+v", m)
	}
	if m := tries(busy, 12); m.State != api.MailFailed || m.Tries != 10 {
		t.Errorf("busy for days: %+v", m)
	}
	if m := tries(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody here"}, 3); m.State != api.MailFailed || m.Tries != 1 {
		t.Errorf("no such mailbox: %+v", m)
	}
	if m := tries(nil, 1); m.State != api.MailSent {
		t.Errorf("after all: %+v", m)
	}
}

// Whose act caused a mail is told once that it will not arrive, in their language
// and without the address; a notice that fails as well tells nobody.
func TestBounce(t *testing.T) {
	sink, address := serve(t)
	_, accounts, clock := newPost(t, address)
	owner := api.Account{ID: "a1", Profile: api.Profile{Email: "owner@example.org", Language: "fr"}}
	asked := 0
	bouncing, err := mail.New(mail.Config{Outbox: accounts, Clock: clock, URL: "https://ink.example.org", SMTP: address,
		Account: func(_ context.Context, id string) (api.Account, error) {
			asked++
			if id != owner.ID {
				return api.Account{}, api.ErrNotFound
			}
			return owner, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	sink.set(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody here"})
	for i, account := range []string{owner.ID, "gone", ""} {
		n := invitation
		n.Account, n.Key = account, n.Key+strings.Repeat("x", i)
		if err := bouncing.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // the notice fails too
		if err := bouncing.SendDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.Advance(25 * time.Hour)
	}
	all, err := accounts.Mails(t.Context(), "o1", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var told []api.Mail
	for _, m := range all {
		if m.Kind == string(api.NoticeUndelivered) {
			told = append(told, m)
		}
	}
	if len(told) != 1 || told[0].To != owner.Email || told[0].Subject != "Un message n’a pas pu être remis" || !strings.Contains(told[0].Text, "/#/outbox") ||
		strings.Contains(told[0].Text, invitation.To) || !strings.Contains(told[0].Text, "Un document à signer") || asked != 2 {
		t.Errorf("told (asked %d times): %+v", asked, told)
	}
}

func TestServerDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	post, accounts, _ := newPost(t, "smtp+plain://"+address)
	if err := post.Notify(t.Context(), invitation); err != nil {
		t.Fatal(err)
	}
	if err := post.SendDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := accounts.Mails(t.Context(), "o1", "", 10)
	if err != nil || len(all) != 1 || all[0].State != api.MailQueued || all[0].Problem != "server not reached" {
		t.Errorf("%+v %v", all, err)
	}
}

func TestLocalOutbox(t *testing.T) {
	post, accounts, _ := newPost(t, "")
	failed := errors.New("the transaction failed")
	err := accounts.Tx(t.Context(), func(ctx context.Context) error {
		if err := post.Notify(ctx, invitation); err != nil {
			t.Error(err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if err := post.Notify(t.Context(), api.Notice{Kind: api.NoticeReset, To: "a@example.org", Organisation: "o1", Link: "/#reset=X", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	all, err := accounts.Mails(t.Context(), "o1", "", 10)
	if err != nil || len(all) != 1 || all[0].State != api.MailLocal || !strings.Contains(all[0].Text, "https://ink.example.org/#reset=X") {
		t.Errorf("%+v %v", all, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := post.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRunSends(t *testing.T) {
	sink, address := serve(t)
	post, _, _ := newPost(t, address)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- post.Run(ctx) }()
	if err := post.Notify(t.Context(), invitation); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); len(sink.mails()) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not sent")
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	clock := storetest.NewClock()
	for _, address := range []string{"mail.example.org:25", "http://mail", "smtp://", "smtp://user:hunter2@[bad"} {
		_, err := mail.New(mail.Config{Outbox: &store.Accounts{}, Clock: clock, URL: "https://x", SMTP: address, From: "a@example.org"})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := mail.New(mail.Config{Outbox: &store.Accounts{}, Clock: clock, URL: "nowhere"}); err == nil {
		t.Error("an address without a host was taken")
	}
}
