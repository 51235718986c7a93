// Package tsa gives trusted time: a timestamp authority of our own (RFC 3161)
// whose clock is watched, and outside authorities asked over HTTP, with
// fall-over from one to the next.
//
// The authority issues nothing while its clock is in doubt. With references,
// that is whenever it cannot show that a token's time is as right as the token
// says; without, a jump against the monotonic clock stops it, and how right the
// clock is otherwise is the business of whoever runs the machine. Tokens are
// signed with the key of the year; serial numbers never repeat.
//
// It stamps what the service itself seals, and answers nobody else's requests.
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

// Accuracy is what tokens state: their time is no further from the true one.
const Accuracy = time.Second

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
	if !hash.Available() || len(digest) != hash.Size() {
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
		Policy: a.cfg.Policy, Hash: hash, Digest: digest, Serial: big.NewInt(serial),
		Time: at.UTC(), Accuracy: Accuracy, Ordering: true,
	}, chain, key)
	if err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	return token, nil
}

// numberTries is how often a number is asked for where the answer takes so long
// that its time is past: the database is busy then, or was away.
const numberTries = 3

// next returns a serial number and its time, which is no further from the true
// one than Accuracy: what it is from the clock, and the clock from its references,
// together.
func (a *Authority) next(ctx context.Context) (serial int64, at time.Time, err error) {
	for range numberTries {
		if serial, at, err = a.cfg.Serials.NextSerial(ctx, a.cfg.Clock.Now().UTC()); err != nil {
			return 0, at, fmt.Errorf("timestamp serial: %w", err)
		}
		within, err := a.cfg.Watch.Check(ctx)
		if err != nil {
			return 0, at, fmt.Errorf("timestamp: %w", err)
		}
		now := a.cfg.Clock.Now().UTC() // last: what was read meanwhile counts
		if at.Sub(now)+within > Accuracy {
			return 0, at, fmt.Errorf("timestamp: the last one was at %s, the clock says %s, give or take %v: %w",
				at.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano), within, evidence.ErrClock)
		}
		if now.Sub(at)+within <= Accuracy {
			return serial, at, nil
		}
	}
	return 0, at, fmt.Errorf("timestamp serial: its time was past when it came, %d times", numberTries)
}
