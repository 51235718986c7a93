package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Twilio sends by the Messages resource of Twilio's API, which several other
// houses answer too.
type Twilio struct {
	Client  *http.Client
	Base    string // https://api.twilio.com
	Account string // SID
	Token   string
	From    string // number or sender id
}

// Send implements Gateway.
func (t *Twilio) Send(ctx context.Context, key, to, text string) error {
	form := url.Values{"To": {to}, "From": {t.From}, "Body": {text}}
	address := strings.TrimSuffix(t.Base, "/") + "/2010-04-01/Accounts/" + url.PathEscape(t.Account) + "/Messages.json"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("sms gateway: its address cannot be read")
	}
	r.SetBasicAuth(t.Account, t.Token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t.Client, r, key)
}

// Template posts JSON of a shape that the operator writes down, with {to} and
// {text} inside its strings.
type Template struct {
	Client *http.Client
	URL    string
	Header map[string]string // such as Authorization
	Body   string            // {"recipient":"{to}","message":"{text}"}
}

// NewTemplate checks the shape.
func NewTemplate(t Template) (*Template, error) {
	var any any
	if err := json.Unmarshal([]byte(t.Body), &any); err != nil || !strings.Contains(t.Body, "{to}") || !strings.Contains(t.Body, "{text}") {
		return nil, errors.New("sms gateway: the template must be JSON with {to} and {text} in it")
	}
	return &t, nil
}

// Send implements Gateway.
func (t *Template) Send(ctx context.Context, key, to, text string) error {
	body := strings.NewReplacer("{to}", inString(to), "{text}", inString(text)).Replace(t.Body)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, strings.NewReader(body))
	if err != nil {
		return errors.New("sms gateway: its address cannot be read")
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range t.Header {
		r.Header.Set(k, v)
	}
	return do(t.Client, r, key)
}

// inString is a text as it stands between the quotes of a JSON string.
func inString(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}

func do(client *http.Client, r *http.Request, key string) error {
	r.Header.Set("Idempotency-Key", key)
	answer, err := client.Do(r)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the address, which may hold a number or secret
		}
		return fmt.Errorf("sms gateway: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("sms gateway: status %d", answer.StatusCode)
	}
	return nil
}
