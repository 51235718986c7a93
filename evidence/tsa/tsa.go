// Package tsa gives trusted time: a timestamp authority of our own (RFC 3161)
// whose clock is watched, and outside authorities asked over HTTP, with
// fall-over from one to the next.
//
// The authority issues nothing while its clock is in doubt: a jump against the
// monotonic clock, or more than one second between it and a reference, stops
// it until the clock is right again. Tokens are signed with the key of the
// year; serial numbers never repeat.
//
// It keeps no tokens and serves no HTTP: Respond turns request bytes into
// response bytes, and the caller mounts it.
package tsa

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// DefaultPolicy is the best practices time-stamp policy of ETSI EN 319 421,
// section 5.2.
var DefaultPolicy = asn1.ObjectIdentifier{0, 4, 0, 2023, 1, 1}

// MaxOffset is how far the clock may be from its references.
const MaxOffset = time.Second

// Serials gives serial numbers. Implementations are safe for concurrent use.
type Serials interface {
	// NextSerial returns a positive number that is higher than every one before,
	// of any instance, across restarts, and a time in whole milliseconds that is
	// later than that of every number before: now, or a little more. Gaps are allowed.
	NextSerial(ctx context.Context, now time.Time) (serial int64, at time.Time, err error)
}

// Config is what an Authority needs. Credential, Serials and Clock are required.
type Config struct {
	// Credential returns the signing key and its chain, leaf first.
	Credential func(ctx context.Context) (crypto.Signer, []*x509.Certificate, error)
	Serials    Serials
	Clock      capture.Clock
	Watch      *Watch                // nil: a watch over Clock without references
	Policy     asn1.ObjectIdentifier // nil: DefaultPolicy
	Log        *slog.Logger          // nil: none
}

// Authority is a timestamp authority. It implements evidence.Timestamper and
// is safe for concurrent use.
type Authority struct{ cfg Config }

// New returns an Authority.
func New(cfg Config) (*Authority, error) {
	if cfg.Credential == nil || cfg.Serials == nil || cfg.Clock == nil {
		return nil, errors.New("tsa: Credential, Serials and Clock are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Watch == nil {
		cfg.Watch = NewWatch(cfg.Clock, cfg.Log)
	}
	if cfg.Policy == nil {
		cfg.Policy = DefaultPolicy
	}
	return &Authority{cfg: cfg}, nil
}

// Watch is what watches the authority's clock; its Run must be running.
func (a *Authority) Watch() *Watch { return a.cfg.Watch }

// Timestamp implements evidence.Timestamper.
func (a *Authority) Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	return a.stamp(ctx, cms.Request{Hash: hash, Digest: digest})
}

func (a *Authority) stamp(ctx context.Context, req cms.Request) ([]byte, error) {
	if len(digestOrNil(req)) == 0 {
		return nil, fmt.Errorf("timestamp: digest does not fit its hash: %w", evidence.ErrMalformed)
	}
	key, chain, err := a.cfg.Credential(ctx)
	if err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	serial, at, err := a.next(ctx)
	if err != nil {
		return nil, err
	}
	token, err := cms.SignToken(ctx, cms.TSTInfo{
		Policy: a.cfg.Policy, Hash: req.Hash, Digest: req.Digest, Serial: big.NewInt(serial),
		Time: at.UTC(), Accuracy: MaxOffset, Ordering: true, Nonce: req.Nonce,
	}, chain, key)
	if err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	return token, nil
}

// numberTries is how often a number is asked for where the answer takes so long
// that its time is past: the database is busy then, or was away.
const numberTries = 3

// next returns a serial number and its time, which is now by a clock that is in
// no doubt.
func (a *Authority) next(ctx context.Context) (serial int64, at time.Time, err error) {
	for range numberTries {
		if serial, at, err = a.cfg.Serials.NextSerial(ctx, a.cfg.Clock.Now().UTC()); err != nil {
			return 0, at, fmt.Errorf("timestamp serial: %w", err)
		}
		if err := a.cfg.Watch.Check(); err != nil { // last: what was read meanwhile counts
			return 0, at, fmt.Errorf("timestamp: %w", err)
		}
		now := a.cfg.Clock.Now().UTC()
		if at.Sub(now) > MaxOffset {
			return 0, at, fmt.Errorf("timestamp: the last one was at %s, the clock says %s: %w", at.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano), evidence.ErrClock)
		}
		if now.Sub(at) <= MaxOffset {
			return serial, at, nil
		}
	}
	return 0, at, fmt.Errorf("timestamp serial: the answer took longer than %v, %d times", MaxOffset, numberTries)
}

func digestOrNil(req cms.Request) []byte {
	if !req.Hash.Available() || len(req.Digest) != req.Hash.Size() {
		return nil
	}
	return req.Digest
}

// Respond answers a TimeStampReq with a TimeStampResp, both in DER. It always
// returns a response; a refusal says why in its failure bits.
func (a *Authority) Respond(ctx context.Context, request []byte) []byte {
	req, err := cms.ParseRequest(request)
	switch {
	case errors.Is(err, cms.ErrUnsupported):
		return cms.Refused(cms.FailBadAlg)
	case err != nil:
		return cms.Refused(cms.FailBadFormat)
	case req.Policy != nil && !req.Policy.Equal(a.cfg.Policy):
		return cms.Refused(cms.FailPolicy)
	}
	token, err := a.stamp(ctx, req)
	switch {
	case errors.Is(err, evidence.ErrClock):
		return cms.Refused(cms.FailTimeNotAvailable)
	case err != nil:
		a.cfg.Log.ErrorContext(ctx, "timestamp refused", "err", err)
		return cms.Refused(cms.FailSystem)
	}
	return cms.Granted(token)
}
