package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// Witness is somebody else's program that confirms that the log only grows
// (C2SP tlog-witness).
type Witness struct {
	URL  string      // submission prefix
	Keys []proof.Key // whose cosignatures count
}

// Witnesses asks several witnesses for each checkpoint. It implements Cosigner
// and is safe for concurrent use.
type Witnesses struct {
	List   []Witness
	Need   int           // how many must confirm; all when 0
	Client *http.Client  // nil: one with a time limit of 10 s, which follows no redirects
	Clock  capture.Clock // nil: the time of a cosignature is not looked at
	Log    *slog.Logger  // nil: none

	mu    sync.Mutex
	known map[string]known // by URL
}

// known is what is remembered of a witness.
type known struct {
	size  int64     // newest tree that it is known to have seen
	away  time.Time // since when it has not confirmed; zero where it did when it was asked last
	asked time.Time // when it was asked last
	slow  bool      // and kept us waiting for nothing
}

// A witness that keeps us waiting for longer than patience, and does not confirm, is
// asked again after pause, or once the others are not enough: until then each
// deposit would wait for it.
const (
	patience = time.Second
	pause    = time.Minute
)

// plain is the client where none is given.
var plain = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// ErrForked is a witness that has seen another tree. It must never happen: nothing
// is published, however many others confirm, until somebody has looked.
var ErrForked = errors.New("ledger: a witness has seen another history of this log")

// AheadError is a witness that has seen a larger tree than it was shown: another
// instance of the service was faster, or this log has lost what it once had.
type AheadError struct{ Size int64 }

func (e *AheadError) Error() string {
	return fmt.Sprintf("ledger: a witness has seen %d entries", e.Size)
}

// maxAnswer bounds what a witness may send.
const maxAnswer = 64 << 10

// Cosign implements Cosigner.
func (w *Witnesses) Cosign(ctx context.Context, checkpoint []byte, prove func(old int64) ([]proof.Hash, error)) ([]byte, error) {
	c, err := proof.ParseCheckpoint(checkpoint)
	if err != nil {
		return nil, err
	}
	need := w.Need
	if need == 0 {
		need = len(w.List)
	}
	var now, later []Witness
	for _, one := range w.List {
		if k := w.about(one.URL); k.slow && time.Since(k.asked) < pause {
			later = append(later, one)
		} else {
			now = append(now, one)
		}
	}
	cosigned := c
	var errs []error
	confirmed := w.askAll(ctx, now, c, prove, &cosigned.Note, &errs)
	if confirmed < need {
		confirmed += w.askAll(ctx, later, c, prove, &cosigned.Note, &errs)
	}
	// What one witness has seen counts whatever the others say.
	all := errors.Join(errs...)
	if _, ahead := errors.AsType[*AheadError](all); ahead || errors.Is(all, ErrForked) {
		return nil, all
	}
	if confirmed < need {
		return nil, fmt.Errorf("%d of %d witnesses confirmed, %d are needed: %w", confirmed, len(w.List), need, all)
	}
	return cosigned.Note.Marshal(), nil
}

// askAll asks several witnesses at once, adds their cosignatures to the note and what
// went wrong to errs, and returns how many confirmed.
func (w *Witnesses) askAll(ctx context.Context, list []Witness, c proof.Checkpoint, prove func(int64) ([]proof.Hash, error), note *proof.Note, errs *[]error) (confirmed int) {
	answers := make([][]proof.Sig, len(list))
	failed := make([]error, len(list))
	var wg sync.WaitGroup
	for i, one := range list {
		wg.Go(func() {
			began := time.Now()
			answers[i], failed[i] = w.ask(ctx, one, c, prove)
			away := w.answered(one.URL, c.Size, began, failed[i])
			if failed[i] != nil && w.Log != nil {
				w.Log.WarnContext(ctx, "witness did not confirm", "url", one.URL, "since", away, "err", failed[i])
			}
		})
	}
	wg.Wait()
	for i, sigs := range answers {
		if failed[i] == nil {
			confirmed++
			note.Sigs = append(note.Sigs, sigs...)
		}
	}
	*errs = append(*errs, failed...)
	return confirmed
}

// answered remembers how a witness answered, and returns since when it has not confirmed.
func (w *Witnesses) answered(url string, size int64, began time.Time, err error) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		w.known = map[string]known{}
	}
	k := w.known[url]
	k.asked = time.Now()
	k.slow = err != nil && k.asked.Sub(began) > patience
	switch {
	case err == nil:
		k.size, k.away = size, time.Time{}
	case k.away.IsZero():
		k.away = began
	}
	w.known[url] = k
	return k.away
}

func (w *Witnesses) about(url string) known {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[url]
}

// Away says since when a witness has not confirmed what it was asked for; the zero time
// where it has, and where nobody has asked it for an hour.
func (w *Witnesses) Away(url string) time.Time {
	k := w.about(url)
	if time.Since(k.asked) > time.Hour {
		return time.Time{}
	}
	return k.away
}

// maxTries bounds how often a witness is asked that knows another size each time.
const maxTries = 3

// ask submits the checkpoint to one witness, again when it knows another size.
func (w *Witnesses) ask(ctx context.Context, one Witness, c proof.Checkpoint, prove func(int64) ([]proof.Hash, error)) ([]proof.Sig, error) {
	old := w.about(one.URL).size
	if old > c.Size { // seen through a later call
		old = 0
	}
	for range maxTries {
		path, err := prove(old)
		if err != nil {
			return nil, err
		}
		status, body, err := w.post(ctx, one.URL, AddCheckpoint(old, path, c.Note.Marshal()))
		switch {
		case err != nil:
			return nil, err
		case status == http.StatusOK:
			return w.accept(one, c, body)
		case status == http.StatusUnprocessableEntity && old > 0: // our tree does not begin with what it has seen
			return nil, fmt.Errorf("witness of %d entries refuses the proof: %w", old, ErrForked)
		case status != http.StatusConflict:
			return nil, fmt.Errorf("witness answered with status %d: %w", status, evidence.ErrNotAllowed)
		}
		seen, err := strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
		switch {
		case err != nil || seen < 0:
			return nil, fmt.Errorf("witness has size %.20q: %w", body, evidence.ErrMalformed)
		case seen > c.Size:
			return nil, &AheadError{seen}
		case seen == old && old == c.Size: // of the same size, and not the same
			return nil, fmt.Errorf("witness has another tree of %d entries: %w", seen, ErrForked)
		}
		old = seen
	}
	return nil, fmt.Errorf("witness knew another size %d times: %w", maxTries, evidence.ErrNotAllowed)
}

// AddCheckpoint is the body of the request add-checkpoint.
func AddCheckpoint(old int64, path []proof.Hash, checkpoint []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range path {
		b.WriteString(h.String() + "\n")
	}
	b.WriteByte('\n')
	b.Write(checkpoint)
	return b.Bytes()
}

func (w *Witnesses) post(ctx context.Context, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("ask witness: %w", err)
	}
	client := w.Client
	if client == nil {
		client = plain
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask witness: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("ask witness: %w", err)
	}
	return resp.StatusCode, answer, nil
}

// maxOff is how far a witness's clock may be from ours. Deposits name the day on which
// it confirmed.
const maxOff = time.Hour

func (w *Witnesses) timely(at time.Time) error {
	if w.Clock == nil {
		return nil
	}
	now := w.Clock.Now()
	if at.Before(now.Add(-maxOff)) || at.After(now.Add(maxOff)) {
		return fmt.Errorf("the witness's clock says %d, ours %d: %w", at.Unix(), now.Unix(), evidence.ErrClock)
	}
	return nil
}

// accept takes the cosignatures of known keys that verify, and no others.
func (w *Witnesses) accept(one Witness, c proof.Checkpoint, body []byte) ([]proof.Sig, error) {
	sigs, err := proof.ParseSigs(body)
	if err != nil {
		return nil, err
	}
	var good []proof.Sig
	var wrong error
	for _, k := range one.Keys {
		for _, s := range sigs {
			trial := proof.Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Root, Note: proof.Note{Text: c.Note.Text, Sigs: []proof.Sig{s}}}
			if at, err := trial.Verify(k); err == nil {
				good = append(good, s)
				wrong = errors.Join(wrong, w.timely(at))
				break
			}
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	if len(good) != len(one.Keys) || len(good) == 0 {
		return nil, fmt.Errorf("witness gave %d of %d cosignatures: %w", len(good), len(one.Keys), proof.ErrSignature)
	}
	return good, nil
}
