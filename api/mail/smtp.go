package mail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"inkwitness/api"
)

// server is a mail server and how to talk to it.
type server struct {
	host    string
	options []gomail.Option
}

const sendTimeout = 30 * time.Second

func parseServer(address string) (*server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("mail: the server's address cannot be read") // the error would repeat the password
	}
	s := &server{host: u.Hostname(), options: []gomail.Option{gomail.WithTimeout(sendTimeout)}}
	switch u.Scheme {
	case "smtp":
		s.options = append(s.options, gomail.WithTLSPortPolicy(gomail.TLSMandatory))
	case "smtps":
		s.options = append(s.options, gomail.WithSSLPort(false))
	case "smtp+plain":
		s.options = append(s.options, gomail.WithTLSPortPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("mail: %q is not smtp, smtps or smtp+plain", u.Scheme)
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, fmt.Errorf("mail: port: %w", err)
		}
		s.options = append(s.options, gomail.WithPort(port))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// errMessage says that the mail itself cannot be sent, however often it is tried.
var errMessage = errors.New("the mail cannot be written")

func (s *server) send(ctx context.Context, from string, m api.Mail, now time.Time) error {
	msg := gomail.NewMsg()
	if err := errors.Join(msg.From(from), msg.To(m.To)); err != nil {
		return fmt.Errorf("%w: %w", errMessage, err)
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetDateWithValue(now)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetGenHeader("Content-Language", m.Language)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail client: %w", err)
	}
	return client.DialAndSendWithContext(ctx, msg)
}

// classify names what went wrong without the address, and says whether trying
// again is of no use.
func classify(err error) (problem string, final bool) {
	if errors.Is(err, errMessage) {
		return "address not valid", true
	}
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return "server not reached", false
	}
	code := refused.ErrorCode()
	if code == 0 {
		return "connection lost", false
	}
	return "refused with " + strconv.Itoa(code), code >= 500 && !refused.IsTemp()
}
