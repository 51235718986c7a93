package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Problem is the answer to a request that failed, RFC 9457.
type Problem struct {
	Type     string  `json:"type" format:"uri-reference" doc:"stable name of the kind of problem"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty" doc:"what to do about it"`
	Instance string  `json:"instance,omitempty" doc:"id of the request, to be quoted when asking for help"`
	Errors   []Fault `json:"errors,omitempty" doc:"which parts of the request are wrong"`

	retryAfter time.Duration
}

// Fault is one wrong part of a request.
type Fault struct {
	Location string `json:"location" doc:"as body.email or query.limit"`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	if p.retryAfter <= 0 {
		return nil
	}
	seconds := int64((p.retryAfter + time.Second - 1) / time.Second)
	return http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}
}

// Explained is an error whose text is meant for the person who asked. The text
// must hold nothing of the inside; Err says what kind of error it is.
type Explained struct {
	Detail string
	Faults []Fault
	Retry  time.Duration // after which trying again makes sense
	Err    error         // wraps a sentinel of the table below
}

// Explain gives err a text for the person who asked.
func Explain(err error, format string, args ...any) error {
	return &Explained{Detail: fmt.Sprintf(format, args...), Err: err}
}

func (e *Explained) Error() string { return e.Err.Error() + ": " + e.Detail }

// Unwrap keeps the sentinel in reach of errors.Is.
func (e *Explained) Unwrap() error { return e.Err }

// Kind is one line of the table from errors to answers.
type Kind struct {
	Err    error // matched with errors.Is
	Status int
	Name   string // the last part of the problem's type
	Title  string
	Detail string // says what to do, unless the error is Explained
}

// kinds is the one table from errors to answers. The first match wins. Its
// titles and details are all that a client learns of an error, unless it is
// Explained. Packages that this one cannot import add theirs by Config.Kinds.
var kinds = []Kind{
	{ErrUnauthenticated, 401, "not-signed-in", "Not signed in", "Sign in, then try again."},
	{ErrStepUp, 403, "step-up", "Prove that it is you", "Confirm with your password or second factor, then try again."},
	{ErrDeactivated, 403, "deactivated", "Deactivated", "This account is deactivated. What is there can be read and downloaded; nothing new can be submitted."},
	{ErrForbidden, 403, "not-allowed", "Not allowed", "Your role does not allow this. Ask the owner of the account."},
	{ErrTooMany, 429, "too-many", "Too many tries", "Wait before you try again."},
	{ErrTooLarge, 413, "too-large", "Too large", "Send less."},
	{ErrExpired, 410, "expired", "No longer valid", "The link or code was used already or its time is over. Ask for a new one."},
	{ErrKeyReused, 422, "idempotency-key-reused", "Idempotency key used for another request", "Use a new key for a new request."},
	{ErrShownOnce, 409, "shown-once", "Done already", "A request with this Idempotency-Key was done, and its secret was shown once. If the answer never arrived, delete what was made and make it anew with another Idempotency-Key."},
	{ErrInProgress, 409, "in-progress", "In progress", "A request with this Idempotency-Key is being answered. Send it again in a moment."},
	{ErrWrongPassword, 422, "wrong-password", "Wrong password", "The current password is not this one."},
	{ErrInvalid, 422, "invalid", "Not possible", "Check what was sent."},
	{ErrConflict, 409, "conflict", "Not possible now", "It exists already or is in another state. Load it again."},
	{ErrNotFound, 404, "not-found", "Not found", "There is no such thing, or you have no access to it."},
	{ErrMethod, 405, "method-not-allowed", "Method not allowed", "The header Allow says which methods this path takes."},
	{syscall.ENOSPC, 503, "disk-full", "No room left", "The disk of the service is full, so nothing was stored. Its operator must make room; then try again."},
	{ErrUnavailable, 503, "unavailable", "Temporarily unavailable", "Nothing was changed. Try again in a moment."},

	{capture.ErrNotFound, 404, "not-found", "Not found", "There is no such recording."},
	{capture.ErrGap, 409, "gap", "Samples are missing", "Send again from the last acknowledged one."},
	{capture.ErrConflict, 409, "conflict", "Other samples were sent before", "This recording cannot go on. Start again."},
	{capture.ErrFinished, 409, "finished", "Finished", "This recording is finished and cannot be changed."},
	{capture.ErrMalformed, 422, "malformed", "Not readable", "What was sent is damaged or of another format."},
	{capture.ErrLimit, 413, "too-large", "Too large", "A limit of the recording was exceeded."},
	{biometrics.ErrReferences, 422, "references", "Signatures cannot be compared", "The reference signatures cannot be used. Enrol again."},
	{biometrics.ErrQuestioned, 422, "signature", "Signature not usable", "The signature is too short or damaged. Sign again."},
	{biometrics.ErrNotFound, 404, "not-found", "Not found", "There is no such reference."},
	{biometrics.ErrStale, 409, "conflict", "Changed meanwhile", "The references were replaced. Load them again."},
	{biometrics.ErrMalformed, 422, "malformed", "Not readable", "What was sent is damaged or of another format."},
	{biometrics.ErrLimit, 413, "too-large", "Too large", "A limit was exceeded."},
	{biometrics.ErrUnavailable, 503, "unavailable", "Temporarily unavailable", "Try again in a moment."},
	{capture.ErrDiskFull, 503, "unavailable", "Temporarily unavailable", "No new recordings can start now. Try again later."},
}

// Problem turns an error into the answer. What the table does not know is a
// 500 that says nothing; the caller logs it.
func (a *API) Problem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = ErrTooLarge
	}
	for _, k := range a.kinds {
		if errors.Is(err, k.Err) {
			p := &Problem{Type: "/problems/" + k.Name, Title: k.Title, Status: k.Status, Detail: k.Detail}
			return p.explain(err)
		}
	}
	return &Problem{Type: "/problems/internal", Title: "Internal error", Status: http.StatusInternalServerError}
}

// explain takes over the text of an Explained error.
func (p *Problem) explain(err error) *Problem {
	if e, ok := errors.AsType[*Explained](err); ok {
		p.Errors, p.retryAfter = e.Faults, e.Retry
		if e.Detail != "" {
			p.Detail = e.Detail
		}
	}
	return p
}

// WriteProblem answers a request with the problem that err is, and logs what
// only the operator can mend.
func (a *API) WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := a.report(r.Context(), err)
	body, failed := json.Marshal(p)
	if failed != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client is gone; nobody is left to tell
}

// report is Problem for one request: with its id, and with a line in the log
// when the fault is ours.
func (a *API) report(ctx context.Context, err error) *Problem {
	p := *a.Problem(err)
	p.Instance = RequestID(ctx)
	a.refused(ctx, err)
	if p.Status >= http.StatusInternalServerError {
		a.log.ErrorContext(ctx, "request failed", "request", p.Instance, "status", p.Status, "error", err)
	}
	return &p
}

// refused tells of what somebody may not do. The request is refused whether that
// can be written down or not.
func (a *API) refused(ctx context.Context, err error) {
	r, ok := errors.AsType[*Refusal](err)
	id := IdentityOf(ctx)
	if !ok || a.cfg.Refused == nil || id.Organisation == "" || errors.Is(err, ErrStepUp) {
		return
	}
	if err := a.cfg.Refused(context.WithoutCancel(ctx), id, r); err != nil {
		a.log.ErrorContext(ctx, "a refusal is not in the record", "request", RequestID(ctx), "error", err)
	}
}
