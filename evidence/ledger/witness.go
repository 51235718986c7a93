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

// ErrForked is a witness that has seen another tree. It must never happen and
// is never tried again silently: somebody has to look.
var ErrForked = errors.New("ledger: a witness has seen another history of this log")

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
	if confirmed < need {
		return nil, fmt.Errorf("%d of %d witnesses confirmed, %d are needed: %w", confirmed, len(w.List), need, errors.Join(errs...))
	}
	return c.Note.Marshal(), nil
}

// ask submits the checkpoint to one witness, again when it knows another size.
func (w *Witnesses) ask(ctx context.Context, one Witness, c proof.Checkpoint, prove func(int64) ([]proof.Hash, error)) ([]proof.Sig, error) {
	old := w.size(one.URL)
	for try := 0; ; try++ {
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
		case status == http.StatusConflict && try == 0:
			seen, err := strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
			if err != nil || seen < 0 || seen > c.Size || seen == old {
				return nil, fmt.Errorf("witness has size %.20q, the log %d: %w", body, c.Size, ErrForked)
			}
			old = seen
		case status == http.StatusConflict, status == http.StatusUnprocessableEntity:
			return nil, fmt.Errorf("status %d: %w", status, ErrForked)
		default:
			return nil, fmt.Errorf("witness answered with status %d: %w", status, evidence.ErrNotAllowed)
		}
	}
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
