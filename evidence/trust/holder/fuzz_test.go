package holder

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"inkwitness/evidence"
)

// calls are the paths of the wire.
var calls = []string{"root", "enrol", "challenge", "approve", "credential", "authorize", "sign", "release", "revocation"}

// FuzzCalls asks a holder for anything: it answers, and gives no certificate,
// authorization or signature to anybody without a proof.
func FuzzCalls(f *testing.F) {
	digest := wireDigest{uint(crypto.SHA256), make([]byte, 32)}
	for i, body := range []any{
		struct{}{},
		enrolCall{"ceremony", "signer", []byte("key")},
		challengeCall{"ceremony", "signer", "00", 1, []byte("key")},
		approveCall{"ceremony", "signer", "00", "inkwitness proof\nnonce 00\n", make([]byte, 64)},
		evidence.CredentialRequest{ID: "ceremony/signer/1", Subject: "s", Deposit: "ceremony", Name: "Zoë"},
		digestsCall{Credential: "ceremony/signer/1", Digests: []wireDigest{digest}},
		digestsCall{Auth: evidence.Authorization{ID: "00", Credential: "ceremony/signer/1"}, Digests: []wireDigest{digest, digest}},
		digestsCall{Credential: "ceremony/signer/1"},
		answer{Chain: [][]byte{{0x30, 0}}},
	} {
		raw, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), raw)
		f.Add(uint8(i), raw[:len(raw)/2])
		f.Add(uint8(i), []byte("null"))
	}
	dir := f.TempDir()
	h, err := open(f.Context(), dir, wall{}, 10)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { h.cfg.Journal.Close() })
	handler := h.Handler()
	f.Fuzz(func(t *testing.T, call uint8, body []byte) {
		name := calls[int(call)%len(calls)]
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/"+name, bytes.NewReader(body)))
		if w.Code == http.StatusBadRequest {
			return
		}
		var out answer
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d, %v", name, w.Code, err)
		}
		given := len(out.Values) > 0 || len(out.Chain) > 0 || out.Auth.ID != "" || out.Statement != ""
		switch {
		case name == "root" || name == "revocation" || name == "enrol":
		case given || out.Error == "":
			t.Fatalf("%s without a proof: %s", name, w.Body)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.credentials) > 0 || len(h.challenges) > 0 {
			t.Fatalf("%d certificates, %d statements", len(h.credentials), len(h.challenges))
		}
		clear(h.signers) // of browsers that registered: each costs a line on the disk and no more
	})
}

// FuzzAnswer lets the holder's socket answer with anything: what the client takes
// for a certificate is one, and a failure keeps its kind.
func FuzzAnswer(f *testing.F) {
	for _, body := range []any{answer{}, answer{Chain: [][]byte{{0x30, 0}}}, answer{Kind: "proof", Error: "no"}, answer{Kind: "?", Error: "no"},
		answer{Values: [][]byte{{1}, {2}}, Auth: evidence.Authorization{ID: "a", Redirect: "https://elsewhere"}}} {
		raw, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, raw)
		f.Add(500, raw)
		f.Add(200, raw[:len(raw)/2])
	}
	dir, err := os.MkdirTemp("", "hold") // short: a socket's path has at most 107 bytes
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		f.Fatal(err)
	}
	var status int
	var body []byte
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	f.Cleanup(server.Close)
	c := Dial(socket, evidence.ProviderInfo{})
	f.Fuzz(func(t *testing.T, code int, raw []byte) {
		if code < 200 || code > 599 { // what net/http lets a server say as a last word
			return
		}
		status, body = code, raw
		ctx := t.Context()
		if root, err := c.Root(ctx); (root == nil) == (err == nil) {
			t.Fatalf("root %v, %v", root, err)
		}
		cred, err := c.Credential(ctx, evidence.CredentialRequest{ID: "id"})
		if err == nil && (cred.ID != "id" || len(cred.Chain) == 0) {
			t.Fatalf("credential %+v", cred)
		}
		digests := []evidence.SignDigest{{Hash: crypto.SHA256, Value: make([]byte, 32)}}
		auth, err := c.Authorize(ctx, "id", digests)
		if err == nil && (auth.ID == "" || auth.Credential != "id" || auth.Redirect != "" || len(auth.Digests) != 1) {
			t.Fatalf("authorization %+v", auth)
		}
		values, err := c.Sign(ctx, auth, digests)
		if err == nil && len(values) != 1 {
			t.Fatalf("%d signatures for one digest", len(values))
		}
		if _, err := c.Revocation(ctx, nil); err != nil && code != http.StatusOK && !errors.Is(err, ErrAway) {
			t.Fatalf("status %d: %v", code, err)
		}
	})
}

// FuzzFiles lets the holder's own files say anything: a start that goes well knows
// only what follows line by line, and a key file is of the key that it is named after.
func FuzzFiles(f *testing.F) {
	first, err := json.Marshal(Entry{Kind: Enrolled, Ceremony: "c", Signer: "s", Key: []byte("key")})
	if err != nil {
		f.Fatal(err)
	}
	second, err := json.Marshal(Entry{Before: sum(first), Kind: Approved, Ceremony: "c", Signer: "s", Signatures: 2})
	if err != nil {
		f.Fatal(err)
	}
	log := append(append(first, '\n'), append(second, '\n')...)
	f.Add(log)
	f.Add(log[:len(log)-1])
	f.Add(log[len(first):])
	f.Add([]byte(`{"ID": "id", "Wrapped": "AAAA"}`))
	f.Add([]byte("null\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, last, good, err := ReadEntries(bytes.NewReader(raw))
		if err == nil {
			if good > int64(len(raw)) || bytes.Count(raw[:good], []byte("\n")) != len(entries) || bytes.Contains(raw[good:], []byte("\n")) {
				t.Fatalf("%d entries in %d of %d bytes", len(entries), good, len(raw))
			}
			again, lastAgain, _, err := ReadEntries(bytes.NewReader(raw[:good]))
			if err != nil || lastAgain != last || len(again) != len(entries) {
				t.Fatalf("the whole lines alone: %v", err)
			}
			h := &Holder{signers: map[string]*signer{}, credentials: map[string]*credential{}}
			for _, e := range entries {
				h.apply(e)
			}
		}
		files, err := OpenFiles(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files.path("id"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if k, err := files.Key(context.Background(), "id"); err == nil && k.ID != "id" {
			t.Fatalf("key %q for id", k.ID)
		}
		if all, err := files.Keys(context.Background()); err == nil && (len(all) != 1 || all[0].ID != "id") {
			t.Fatalf("keys %v", all)
		}
	})
}
