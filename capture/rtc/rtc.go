// Package rtc takes in video and audio over WebRTC and hands complete frames,
// in order, to a durable sink. It speaks the offer and answer of WHIP
// (RFC 9725) without HTTP: the caller owns the routes. One actor serves one
// peer connection; a reconnect or an ICE restart continues the same capture as
// a new segment.
//
// It is the only package that knows pion. It decodes no picture, writes no
// file and judges nothing: webm makes the playable file, timeline the clock and
// footage the facts, all from what is recorded here.
package rtc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// Errors of the calls of this package, besides those of package capture.
var (
	ErrStopped  = errors.New("rtc: the server is stopped")
	ErrMatch    = errors.New("rtc: the entity tag is not that of the ICE session") // RFC 9725 section 4.3: 412
	ErrNoCodec  = errors.New("rtc: the offer has no codec that can be recorded")
	errSilent   = errors.New("no media came in time")
	errReplaced = errors.New("replaced by a new connection of the session")
	errFailed   = errors.New("the peer connection failed")
	errCodec    = errors.New("the sender changed the codec")
)

// Sink stores the records of one session; a session of the journal is one. The
// two media streams have no other writer.
type Sink interface {
	// Now is the session clock in µs. It never steps back.
	Now() int64

	// Head tells where a stream stands; its next record has the number Next.
	Head(stream capture.Stream) capture.Head

	// Append takes one record and copies payload. It need not be durable yet:
	// rtc waits for the Pending of one flush before it begins the next, and for
	// the last before a peer connection counts as closed. Any error ends the
	// segment.
	Append(ctx context.Context, stream capture.Stream, seq uint64, arrived int64, payload []byte) (capture.Pending, error)
}

// Config is what a Server needs. UDP is required.
type Config struct {
	Logger *slog.Logger // nil discards
	Random io.Reader    // names of resources; nil is crypto/rand

	// UDP carries the media of all sessions (one port, ICE mux). The server
	// closes it. A read buffer of 4 MiB or more (net.core.rmem_max) lets bursts
	// of a hundred streams through.
	UDP net.PacketConn

	// TCP, where set, takes ICE-TCP (RFC 6544) from networks that block UDP.
	// The server closes it.
	TCP net.Listener

	// PublicIPs replace the host's addresses in the answer where the server
	// stands behind a 1:1 NAT.
	PublicIPs []string

	// Codecs are the video codecs to negotiate, best first. Empty is VP8,
	// H.264, VP9, AV1: VP8 first because its stills can be looked at (face,
	// brightness) without a foreign decoder.
	Codecs []media.Codec

	MaxSessions  int   // peer connections at once; 0 is 100 for each core
	MaxBytes     int64 // media bytes of one segment; 0 is 2 GiB
	MaxVideoKbps int   // told to the sender as b=AS; 0 is 1500

	// Notify, where set, is told of every change of state and every
	// QualityInterval of the figures. It must return at once and may be called
	// by several goroutines, for one resource by one at a time.
	Notify func(Status)
}

// Times of a peer connection's life.
const (
	ConnectTimeout  = 20 * time.Second // from the offer to the first media
	StallAfter      = 3 * time.Second  // without RTP: Stalled
	GiveUpAfter     = 15 * time.Second // without RTP: Closed
	QualityInterval = 2 * time.Second  // between two notices while live
	flushInterval   = 200 * time.Millisecond
	tickInterval    = 100 * time.Millisecond
	keyframeSpacing = 300 * time.Millisecond // between two picture loss indications
	flushTimeout    = 5 * time.Second
)

// State is where a peer connection stands.
type State string

// The states of a peer connection.
const (
	Connecting State = "connecting"
	Live       State = "live"
	Stalled    State = "stalled" // no RTP for StallAfter; goes live again by itself
	Closed     State = "closed"
)

// Status is one notice to Config.Notify.
type Status struct {
	Session  capture.SessionID
	Resource string
	Segment  uint32
	State    State
	Err      error // why a connection was closed, nil when it was asked for
	Video    TrackStatus
	Audio    TrackStatus
}

// TrackStatus is what was counted on one track of the segment so far.
type TrackStatus struct {
	Codec    media.Codec // 0 until the track's first packet
	Packets  uint64      // taken in
	Lost     uint64      // never came
	Repaired uint64      // came late, out of order or as a retransmission, and were used
	Frames   uint64      // recorded
	Dropped  uint64      // given up
	Bytes    uint64      // recorded
}

// Server takes in peer connections. New gives it its sockets; Run must be
// called, and closes them.
type Server struct {
	cfg   Config
	api   *webrtc.API
	pcfg  webrtc.Configuration
	muxes []io.Closer

	mu       sync.Mutex
	stopped  bool
	peers    map[string]*peer            // by resource
	sessions map[capture.SessionID]*slot // sessions with a peer connection or an offer under way
	running  sync.WaitGroup              // actors of peers
}

// slot lets one offer of a session through at a time.
type slot struct {
	turn chan struct{} // holds one token: who has it may start or stop the session's peer
	peer *peer         // owner: holder of the token
	uses int           // owner: Server.mu
}

// New makes a server on the sockets of the configuration.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if cfg.UDP == nil {
		return nil, errors.New("rtc: Config.UDP is required")
	}
	cert, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("make the DTLS certificate: %w", err)
	}
	s := &Server{
		cfg:      cfg,
		pcfg:     webrtc.Configuration{Certificates: []webrtc.Certificate{*cert}, BundlePolicy: webrtc.BundlePolicyMaxBundle},
		peers:    make(map[string]*peer),
		sessions: make(map[capture.SessionID]*slot),
	}
	if s.api, s.muxes, err = newAPI(cfg); err != nil {
		return nil, fmt.Errorf("set up WebRTC: %w", err)
	}
	return s, nil
}

// newCertificate makes the certificate of all peer connections. Pages check its
// fingerprint, which comes with the answer, and nothing else (RFC 8827 section
// 5), so it has no end: pion's own would refuse service after a month.
func newCertificate() (*webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	return webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 section 4.1.2.5: no end
	})
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if len(c.Codecs) == 0 {
		c.Codecs = []media.Codec{media.VP8, media.H264, media.VP9, media.AV1}
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = 100 * runtime.GOMAXPROCS(0)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 2 << 30
	}
	if c.MaxVideoKbps == 0 {
		c.MaxVideoKbps = 1500
	}
	return c
}

// Run serves until the context ends. It returns when every peer connection is
// closed, everything recorded is in the sinks, and the sockets are closed.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.stopped = true
	for _, p := range s.peers {
		p.stop(ErrStopped)
	}
	s.mu.Unlock()
	s.running.Wait()
	var errs []error
	for _, m := range s.muxes {
		// The mux may have closed the socket already.
		if err := m.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
