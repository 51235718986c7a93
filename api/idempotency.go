package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Reply is the answer that was given to a request with an idempotency key.
type Reply struct {
	Status      int
	ContentType string
	Location    string
	Body        []byte   // sealed at rest; empty where it holds a secret
	Rights      []Right  // that the request needed; sealed at rest
	Request     [32]byte // SHA-256 of the request's query and body
	Done        bool     // false: the request was begun and has not ended
	Begun       time.Time
}

// Replies keeps answers for a day. Implementations are safe for concurrent use
// and durable on return.
type Replies interface {
	// BeginReply claims the key for a request that begins now. When there is an
	// answer begun after answersAfter, or a claim begun after claimsAfter, it
	// returns that and false; older ones are replaced.
	BeginReply(ctx context.Context, key [32]byte, now, answersAfter, claimsAfter time.Time) (Reply, bool, error)
	// EndReply stores the answer.
	EndReply(ctx context.Context, key [32]byte, r Reply) error
	// HoldReply renews the claim of a request that is still being answered.
	HoldReply(ctx context.Context, key [32]byte, now time.Time) error
	// DropReply gives the claim up: the request failed and may be tried again.
	DropReply(ctx context.Context, key [32]byte) error
}

// Right is an action on an object that Allow allowed.
type Right struct {
	Action Action
	Object Object
}

// rights are what a request needed. A nil one notes nothing.
type rights struct {
	mu   sync.Mutex
	list []Right
}

func (r *rights) note(right Right) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, right)
}

func (r *rights) all() []Right {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// holdsSecret says whether an answer of a type shows something once.
func holdsSecret(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		text := field.Type.Kind() == reflect.String || field.Type == typeOf[[]string]()
		if text && (name == "secret" || name == "recoveryCodes") || field.Name == "Body" && holdsSecret(field.Type) {
			return true
		}
	}
	return false
}

// maxReply bounds what is kept of an answer: creating routes answer with a small
// JSON document.
const maxReply = 64 << 10

// A request with the same key is let through when the claim was not renewed for
// claimLife: the server that began it is gone. People wait that long after a
// crash, so it is short; a request that takes longer renews its claim.
const (
	claimLife  = 6 * time.Second
	claimRenew = 2 * time.Second
)

// replyLife is how long an answer is repeated.
const replyLife = 24 * time.Hour

// idempotent repeats the answer of a POST whose Idempotency-Key was seen before
// (draft-ietf-httpapi-idempotency-key-header-07), so that a client may send again
// after a lost connection. The same key with another query or body is refused. Failures
// are not kept, nor are answers that hold a secret: a repeat learns that it was done.
// Whoever may no longer do what the request did does not get its answer.
func (a *API) idempotent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Idempotency-Key")
		if r.Method != http.MethodPost || header == "" || a.cfg.Replies == nil || !IdentityOf(r.Context()).Known() {
			next.ServeHTTP(w, r)
			return
		}
		if len(header) > 255 {
			a.WriteProblem(w, r, Explain(ErrInvalid, "An Idempotency-Key has at most 255 characters."))
			return
		}
		if err := a.once(w, r, next, replyKey(r, header)); err != nil {
			a.WriteProblem(w, r, err)
		}
	})
}

// replyKey is the key of the reply: nobody can ask for another one's.
func replyKey(r *http.Request, header string) [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{"reply", IdentityOf(r.Context()).Subject(), r.URL.Path, header}, "\x00")))
}

func (a *API) once(w http.ResponseWriter, r *http.Request, next http.Handler, key [32]byte) error {
	ctx, now := r.Context(), a.cfg.Clock.Now()
	before, claimed, err := a.cfg.Replies.BeginReply(ctx, key, now, now.Add(-replyLife), now.Add(-claimLife))
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	if !claimed && !before.Done {
		return &Explained{Retry: time.Second, Err: ErrInProgress}
	}
	if !claimed {
		return a.repeat(w, r, before)
	}
	id := IdentityOf(ctx)
	id.asked = new(rights)
	r = r.WithContext(WithIdentity(ctx, id))
	body := &hashedBody{Reader: r.Body, Closer: r.Body, sum: requestHash(r)}
	r.Body = body
	kept := &keptWriter{ResponseWriter: w}
	ctx = context.WithoutCancel(ctx) // the client may be gone; its next try needs the answer
	func() {
		defer a.hold(ctx, key)() // also where the handler panics
		next.ServeHTTP(kept, r)
	}()
	if kept.status < 200 || kept.status > 299 || kept.full {
		return a.forget(ctx, key)
	}
	reply := Reply{Status: kept.status, ContentType: kept.Header().Get("Content-Type"), Location: kept.Header().Get("Location"),
		Body: kept.body.Bytes(), Rights: id.asked.all(), Request: [32]byte(body.sum.Sum(nil)), Done: true, Begun: now}
	if a.secrets[RouteOf(ctx)] {
		reply.Body = nil
	}
	if err := a.cfg.Replies.EndReply(ctx, key, reply); err != nil {
		a.log.ErrorContext(ctx, "idempotency reply not kept", "request", RequestID(ctx), "error", err)
	}
	return nil
}

// hold renews the claim until the function that it returns has been called.
func (a *API) hold(ctx context.Context, key [32]byte) (letGo func()) {
	ctx, stop := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(claimRenew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := a.cfg.Replies.HoldReply(ctx, key, a.cfg.Clock.Now()); err != nil && ctx.Err() == nil {
				a.log.ErrorContext(ctx, "idempotency key not renewed", "request", RequestID(ctx), "error", err)
			}
		}
	})
	return func() {
		stop()
		renewing.Wait()
	}
}

func (a *API) forget(ctx context.Context, key [32]byte) error {
	if err := a.cfg.Replies.DropReply(ctx, key); err != nil {
		a.log.ErrorContext(ctx, "idempotency key not given up", "request", RequestID(ctx), "error", err)
	}
	return nil
}

// repeat answers as before, if the body is the same as before and whoever asks may
// still do what was done.
func (a *API) repeat(w http.ResponseWriter, r *http.Request, before Reply) error {
	for _, right := range before.Rights {
		if err := Allow(IdentityOf(r.Context()), right.Action, right.Object); err != nil {
			return err
		}
	}
	sum := requestHash(r)
	if _, err := io.Copy(sum, http.MaxBytesReader(w, r.Body, maxRepeat)); err != nil {
		return err
	}
	if [32]byte(sum.Sum(nil)) != before.Request {
		return ErrKeyReused
	}
	if a.secrets[RouteOf(r.Context())] {
		return ErrShownOnce
	}
	for name, value := range map[string]string{"Content-Type": before.ContentType, "Location": before.Location} {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(before.Status)
	_, _ = w.Write(before.Body) // the client is gone; it may ask again
	return nil
}

// requestHash begins the hash of what is asked for: the query, where uploads have their
// title and what they are for, and then the body.
func requestHash(r *http.Request) hash.Hash {
	sum := sha256.New()
	if r.URL.RawQuery != "" {
		io.WriteString(sum, r.URL.RawQuery+"\x00")
	}
	return sum
}

// maxRepeat bounds the body that is hashed for comparison: the largest upload.
const maxRepeat = 256 << 20

// hashedBody hashes what the handler reads. Before the answer is kept, the rest
// must have been read too: handlers of JSON and uploads read to the end.
type hashedBody struct {
	io.Reader
	io.Closer
	sum hash.Hash
}

func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.sum.Write(p[:n])
	return n, err
}

// keptWriter keeps a copy of a small answer.
type keptWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	full   bool // the answer was too large to keep
}

func (k *keptWriter) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

func (k *keptWriter) Write(p []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	if k.body.Len()+len(p) > maxReply {
		k.full = true
	} else {
		k.body.Write(p)
	}
	return k.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (k *keptWriter) Unwrap() http.ResponseWriter { return k.ResponseWriter }
