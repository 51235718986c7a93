package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inkwitness/api/signing"
	"inkwitness/api/sms"
)

// SMSConfig says how codes go to telephones. Without a URL none are sent.
type SMSConfig struct {
	// URL is twilio://SID:TOKEN@api.twilio.com?from=+33..., or the https address
	// of a gateway that takes Template. twilio+plain:// and http:// are for a
	// gateway on this machine.
	URL           string
	Template      string // JSON with {to} and {text}
	Authorization string // header of requests to a gateway with a template
	Countries     []string
}

// codes is signing.Codes.
type codes struct{ *sms.Codes }

func (c codes) Send(ctx context.Context, organisation, session, number, document, language string) error {
	return c.Codes.Send(ctx, sms.Ask{Organisation: organisation, Session: session, Number: number, Document: document, Language: language})
}

var _ signing.Codes = codes{}

// openSMS opens the gateway, nil where none is configured.
func (s *Server) openSMS() (*sms.Codes, error) {
	if s.cfg.SMS.URL == "" {
		return nil, nil
	}
	gateway, err := openGateway(s.cfg.SMS)
	if err != nil {
		return nil, err
	}
	return sms.New(sms.Config{Store: s.accounts, Gateway: gateway, Clock: s.clock, Logger: s.cfg.Logger, URL: s.cfg.PublicURL, Countries: s.cfg.SMS.Countries})
}

func openGateway(cfg SMSConfig) (sms.Gateway, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("the URL of the SMS gateway cannot be read") // without it: it holds a secret
	}
	client := &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if clear := u.Scheme == "http" || u.Scheme == "twilio+plain"; clear && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("the SMS gateway at %s would be reached in clear text: use https", u.Host)
	}
	switch u.Scheme {
	case "twilio", "twilio+plain":
		token, _ := u.User.Password()
		from := u.Query().Get("from")
		if u.User.Username() == "" || token == "" || from == "" {
			return nil, errors.New("an SMS gateway of this kind needs an account, a token and a sender: twilio://SID:TOKEN@api.twilio.com?from=%2B33123456789 (a plus sign is written %2B)")
		}
		base := "https://" + u.Host
		if u.Scheme == "twilio+plain" {
			base = "http://" + u.Host
		}
		return &sms.Twilio{Client: client, Base: base, Account: u.User.Username(), Token: token, From: strings.ReplaceAll(from, " ", "+")}, nil
	case "https", "http":
		header := map[string]string{}
		if cfg.Authorization != "" {
			header["Authorization"] = cfg.Authorization
		}
		return sms.NewTemplate(sms.Template{Client: client, URL: cfg.URL, Header: header, Body: cfg.Template})
	}
	return nil, fmt.Errorf("there is no SMS gateway of the kind %q", u.Scheme)
}
