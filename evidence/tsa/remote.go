package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// Remote is an outside authority, asked over HTTP (RFC 3161, section 3.4). It
// implements evidence.Timestamper.
type Remote struct {
	URL    string
	Client *http.Client   // nil: one with a time limit of 20 s that follows no redirect
	Roots  *x509.CertPool // nil: any certificate for timestamping is taken; the verifier decides later
	Clock  capture.Clock
}

// maxSkew is how far an outside token may be from our own time. It only
// catches an authority that answers nonsense; MaxOffset is for our own.
const maxSkew = 5 * time.Minute

// defaultClient follows no redirects: the configured address is the one meant.
func defaultClient() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Timestamp implements evidence.Timestamper. What comes back is checked before
// it is believed: imprint, nonce, signature, purpose, time.
func (r *Remote) Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	body, err := cms.Request{Hash: hash, Digest: digest, Nonce: nonce, WantCert: true}.Marshal()
	if err != nil {
		return nil, err
	}
	answer, err := r.post(ctx, body)
	if err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", r.URL, err)
	}
	token, err := cms.ParseResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", r.URL, err)
	}
	if err := r.check(token, hash, digest, nonce); err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", r.URL, err)
	}
	return token, nil
}

func (r *Remote) post(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	client := r.Client
	if client == nil {
		client = defaultClient()
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %w", resp.StatusCode, ErrNoAnswer)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}

func (r *Remote) check(der []byte, hash crypto.Hash, digest []byte, nonce *big.Int) error {
	token, err := cms.ParseToken(der)
	if err != nil {
		return err
	}
	if err := token.Verify(hash, digest); err != nil {
		return err
	}
	if token.Info.Nonce == nil || token.Info.Nonce.Cmp(nonce) != 0 {
		return fmt.Errorf("nonce differs: %w", cms.ErrImprint)
	}
	if skew := r.Clock.Now().Sub(token.Info.Time); skew.Abs() > maxSkew {
		return fmt.Errorf("its time is %v from ours: %w", skew, evidence.ErrClock)
	}
	if r.Roots != nil {
		_, err = token.Chain(r.Roots, token.Info.Time)
	}
	return err
}

// Fallback asks one authority after the other until one gives a token. It
// implements evidence.Timestamper.
type Fallback struct {
	List []evidence.Timestamper
	Log  *slog.Logger // nil: none
}

// Timestamp implements evidence.Timestamper.
func (f Fallback) Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	var all error
	for i, t := range f.List {
		token, err := t.Timestamp(ctx, hash, digest)
		if err == nil {
			return token, nil
		}
		if f.Log != nil && i+1 < len(f.List) {
			f.Log.WarnContext(ctx, "timestamp authority failed, asking the next", "err", err)
		}
		all = errors.Join(all, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("no authority gave a timestamp: %w", all)
}
