// Package tsatest is somebody else's timestamp authority (RFC 3161), over HTTP.
// Only tests import it.
package tsatest

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"sync/atomic"
	"testing"

	"inkwitness/capture"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/trust"
)

// Authority has a root of its own. It implements http.Handler.
type Authority struct {
	t     testing.TB
	ca    *trust.Local
	clock capture.Clock
	last  atomic.Int64
}

// New returns an authority that goes by the given clock.
func New(t testing.TB, clock capture.Clock) *Authority {
	t.Helper()
	keys, _ := evidencetest.Keys()
	ca, err := trust.Open(t.Context(), trust.Config{Keys: keys, Clock: clock, Organisation: "Elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{t: t, ca: ca, clock: clock}
}

// Root is where its certificates begin.
func (a *Authority) Root() *x509.Certificate { return a.ca.Root() }

// ServeHTTP implements http.Handler (RFC 3161, section 3.4).
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "no timestamp query", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(a.Respond(r.Context(), body)) // the client is gone
}

// Respond answers a TimeStampReq with a TimeStampResp, both in DER. The token
// holds its certificates, so that a request that does not ask for them, to which
// they must not be given (RFC 3161, section 2.4.1), is refused.
func (a *Authority) Respond(ctx context.Context, request []byte) []byte {
	req, err := cms.ParseRequest(request)
	switch {
	case errors.Is(err, cms.ErrUnsupported):
		return cms.Refused(cms.FailBadAlg)
	case err != nil:
		return cms.Refused(cms.FailBadFormat)
	case req.Policy != nil:
		return cms.Refused(cms.FailPolicy)
	case !req.WantCert:
		return cms.Refused(cms.FailBadRequest)
	}
	key, chain, err := a.ca.Timestamping(ctx)
	if err == nil {
		var token []byte
		if token, err = cms.SignToken(ctx, cms.TSTInfo{Policy: asn1.ObjectIdentifier{1, 2, 3}, Hash: req.Hash, Digest: req.Digest,
			Serial: big.NewInt(a.last.Add(1)), Time: a.clock.Now(), Nonce: req.Nonce}, chain, key); err == nil {
			return cms.Granted(token)
		}
	}
	a.t.Error(err)
	return cms.Refused(cms.FailSystem)
}
