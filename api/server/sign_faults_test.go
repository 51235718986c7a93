package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/capture"
)

// preserveSent makes a service with a document that waits for its one signer.
func preserveSent(t *testing.T, database string) preserved {
	t.Helper()
	p := newPreserved(t, database)
	if !t.Run("prepare", func(t *testing.T) {
		b := newIdleBench(t, p.config)
		d := b.sentTo(ceremony.SignerPlan{Name: "Ada First", Email: "ada@example.org"})
		p.id, p.now, p.trusted = d.ID, b.clock.Now(), b.trusted()
	}) {
		t.FailNow()
	}
	return p
}

// signerPage is a signer's page: what has no answer is sent again, with the same key
// where the page sends one.
type signerPage struct {
	*scene
	line
	ended  func()
	cookie string
	hit    string // the call that went wrong
}

func (s *scene) signerPage() *signerPage {
	p := &signerPage{scene: s}
	p.begin()
	return p
}

func (p *signerPage) begin() {
	p.line = p.scene.line()
	p.must(p.mount(p.t.Context()))
	ctx, end := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- p.journal.Run(ctx) }()
	p.ended = func() {
		end()
		_ = p.media.run(ctx) // lets go of its sockets
		p.must(errors.Join(<-stopped, p.listener.Close(), p.store.Close()))
	}
}

// post sends a request until it is answered. After the call that goes wrong its
// answer is lost, whatever it was, and after a crash the service starts again.
func (p *signerPage) post(path, key string, body, out any) {
	p.t.Helper()
	said, err := json.Marshal(body)
	p.must(err)
	for range 20 {
		r := httptest.NewRequestWithContext(p.t.Context(), "POST", "https://sign.example.org/api/signing/"+path, strings.NewReader(string(said)))
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		if p.cookie != "" {
			r.Header.Set("Cookie", p.cookie)
		}
		w := httptest.NewRecorder()
		p.api.Handler().ServeHTTP(w, r)
		switch {
		case p.f.hit != "":
			p.hit = p.f.hit
			died := p.f.mode == crashes
			p.f.arm(0, "")
			if died {
				p.ended()
				p.begin()
			}
		case w.Code == http.StatusConflict && strings.Contains(w.Body.String(), "/in-progress"):
			p.c.seams.clock.(*testClock).advance(time.Second)
		case w.Code >= 300:
			p.t.Fatalf("%s, after %q: %d %s", path, p.hit, w.Code, w.Body)
		default:
			if set := w.Result().Cookies(); len(set) > 0 {
				p.cookie = set[0].Name + "=" + set[0].Value
			}
			if out != nil {
				p.must(json.Unmarshal(w.Body.Bytes(), out))
			}
			return
		}
	}
	p.t.Fatalf("%s, after %q, is never answered", path, p.hit)
}

// record records one capture and finishes it.
func (p *signerPage) record(kind ceremony.CaptureKind, seed int) capture.SessionID {
	p.t.Helper()
	var c struct{ ID capture.SessionID }
	p.post("captures", api.NewID(), map[string]any{"kind": kind, "media": map[string]bool{"video": false, "audio": false},
		"device": map[string]string{"pointer": "pen", "system": "a tablet", "deviceId": "d"}}, &c)
	session, err := p.journal.Session(c.ID)
	p.must(err)
	draw(p.t, session, seed)
	var done struct{ Accepted bool }
	p.post("captures/"+string(c.ID)+"/finish", "", struct{}{}, &done)
	if !done.Accepted {
		p.t.Errorf("%s %d, after %q, was refused", kind, seed, p.hit)
	}
	return c.ID
}

// signingFaults: whatever call of a signing fails, loses its answer or is the last
// before a crash, the page that asks again goes on; everything that the signer did
// is there once, and is sealed.
func signingFaults(t *testing.T, p preserved) {
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (string, int) {
		s := p.scene(t)
		mails, err := s.AllMails(t.Context(), 100)
		s.must(err)
		token := linkSecret.FindStringSubmatch(mails[len(mails)-1].Text)[1]
		s.must(s.Close())
		page := s.signerPage()
		s.f.arm(at, mode)
		page.post("open", "", map[string]string{"token": token, "browser": "the browser of Ada First"}, nil)
		for _, purpose := range ceremony.Purposes {
			page.post("consents", api.NewID(), map[string]any{"purpose": purpose, "textVersion": ceremony.ConsentVersion, "language": "en",
				"given": purpose != ceremony.ForVideo}, nil)
		}
		for seed := range ceremony.ReferencesNeeded {
			page.record(ceremony.ReferenceCapture, seed)
		}
		signature := page.record(ceremony.SignatureCapture, ceremony.ReferencesNeeded)
		page.post("confirm", api.NewID(), map[string]any{"captureId": signature}, nil)
		calls := s.f.n
		s.f.arm(0, "")
		s.must(page.Advance(t.Context(), p.id))
		page.ended()
		s.open()
		s.sealedOnce()
		subject, err := s.Ceremonies().Subject(t.Context(), firstOrganisation, "ada@example.org")
		s.must(err)
		if n := len(subject.References); n != ceremony.ReferencesNeeded {
			t.Errorf("%d references", n)
		}
		for event, want := range map[string]int{"consent.given": 2, "consent.refused": 1, "capture.refused": 0,
			"capture.finished": ceremony.ReferencesNeeded + 1, "signer.confirmed": 1} {
			if n := s.times(event); n != want {
				t.Errorf("%s stands %d times in the record, want %d", event, n, want)
			}
		}
		s.must(s.Close())
		return page.hit, calls
	})
}
