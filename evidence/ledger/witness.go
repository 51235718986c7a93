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
	Need   int          // how many must confirm; all when 0
	Client *http.Client // nil: one with a time limit of 10 s
	Log    *slog.Logger // nil: none

	mu    sync.Mutex
	sizes map[string]int64 // newest tree that a witness is known to have seen, by URL
}

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
	answers := make([][]proof.Sig, len(w.List))
	errs := make([]error, len(w.List))
	var wg sync.WaitGroup
	for i, one := range w.List {
		wg.Go(func() { answers[i], errs[i] = w.ask(ctx, one, c, prove) })
	}
	wg.Wait()
	confirmed := 0
	for i, sigs := range answers {
		if errs[i] != nil && w.Log != nil {
			w.Log.WarnContext(ctx, "witness did not confirm", "url", w.List[i].URL, "err", errs[i])
		}
		if len(sigs) > 0 {
			confirmed++
			c.Note.Sigs = append(c.Note.Sigs, sigs...)
		}
	}
	need := w.Need
	if need == 0 {
		need = len(w.List)
	}
	// What one witness has seen counts whatever the others say.
	all := errors.Join(errs...)
	if _, ahead := errors.AsType[*AheadError](all); ahead || errors.Is(all, ErrForked) {
		return nil, all
	}
	if confirmed < need {
		return nil, fmt.Errorf("%d of %d witnesses confirmed, %d are needed: %w", confirmed, len(w.List), need, all)
	}
	return c.Note.Marshal(), nil
}

// maxTries bounds how often a witness is asked that knows another size each time.
const maxTries = 3

// ask submits the checkpoint to one witness, again when it knows another size.
func (w *Witnesses) ask(ctx context.Context, one Witness, c proof.Checkpoint, prove func(int64) ([]proof.Hash, error)) ([]proof.Sig, error) {
	old := w.size(one.URL)
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
		case status == http.StatusUnprocessableEntity: // our tree does not begin with what it has seen
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
		client = &http.Client{Timeout: 10 * time.Second}
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

// accept takes the cosignatures of known keys that verify, and no others.
func (w *Witnesses) accept(one Witness, c proof.Checkpoint, body []byte) ([]proof.Sig, error) {
	sigs, err := proof.ParseSigs(body)
	if err != nil {
		return nil, err
	}
	var good []proof.Sig
	for _, k := range one.Keys {
		for _, s := range sigs {
			trial := proof.Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Root, Note: proof.Note{Text: c.Note.Text, Sigs: []proof.Sig{s}}}
			if _, err := trial.Verify(k); err == nil {
				good = append(good, s)
				break
			}
		}
	}
	if len(good) != len(one.Keys) || len(good) == 0 {
		return nil, fmt.Errorf("witness gave %d of %d cosignatures: %w", len(good), len(one.Keys), proof.ErrSignature)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sizes == nil {
		w.sizes = map[string]int64{}
	}
	w.sizes[one.URL] = c.Size
	return good, nil
}

func (w *Witnesses) size(url string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sizes[url]
}
