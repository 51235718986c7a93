package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inkwitness/evidence"
)

// torn is a vault whose objects can be read as far as their middle.
type torn struct{}

var errTorn = errors.New("the rest is not what was stored")

func (torn) Open(_ context.Context, o evidence.Object) (io.ReadSeekCloser, error) {
	return &tornObject{strings.NewReader(strings.Repeat("x", int(o.Size)))}, nil
}

type tornObject struct{ *strings.Reader }

func (t *tornObject) Read(p []byte) (int, error) {
	if t.Len() <= int(t.Size()/2) {
		return 0, errTorn
	}
	return t.Reader.Read(p[:min(len(p), t.Len()-int(t.Size()/2))])
}

func (*tornObject) Close() error { return nil }

// TestBrokenOff: a download that cannot be read to its end does not look like one
// that was, whole or in parts, and nothing else is in it; the log says why.
func TestBrokenOff(t *testing.T) {
	log := &strings.Builder{}
	a := newAPI(t, Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
	a.Raw(Route{Method: "GET", Path: "/torn", ID: "torn", Public: true}, func(w http.ResponseWriter, r *http.Request) error {
		return ServeObject(w, r, torn{}, evidence.Object{Size: 1 << 20}, "x.bin", Attachment)
	})
	for _, second := range []bool{false, true} {
		for _, ranges := range []string{"", "bytes=1000-", "bytes=600000-600010", "bytes=0-9,600000-600010"} {
			t.Run(fmt.Sprintf("HTTP/2 %t, %q", second, ranges), func(t *testing.T) {
				log.Reset()
				server := httptest.NewUnstartedServer(a.Handler())
				server.EnableHTTP2 = second
				server.StartTLS()
				r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/torn", nil)
				if err != nil {
					t.Fatal(err)
				}
				if ranges != "" {
					r.Header.Set("Range", ranges)
				}
				answer, err := server.Client().Do(r)
				var got []byte
				if err == nil {
					got, err = io.ReadAll(answer.Body)
					answer.Body.Close()
				}
				server.Close() // waits for the handler, which writes the log
				if err == nil {
					t.Errorf("%d bytes and a clean end", len(got))
				}
				if strings.Contains(string(got), "problem") || ranges == "" && strings.Trim(string(got), "x") != "" {
					t.Errorf("something else was sent: %.200q", strings.Trim(string(got), "x"))
				}
				if !strings.Contains(log.String(), errTorn.Error()) {
					t.Errorf("log: %s", log)
				}
			})
		}
	}
}
