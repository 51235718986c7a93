package server

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/signing"
	"inkwitness/api/store"
	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/rtc"
	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/tsa"
	"inkwitness/evidence/vault"
)

// wallClock is the one place where the service reads the time.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

// openStore connects to the database.
func openStore(ctx context.Context, cfg Config) (*store.Store, error) {
	return store.Open(ctx, cfg.DatabaseURL, store.Options{Clock: cfg.seams.clock, Logger: cfg.Logger, Wrap: cfg.seams.sql})
}

// openRoot opens the root key, a URL of a key service or a file, and older ones
// that keys may still be wrapped with.
func openRoot(ctx context.Context, cfg Config, keys vault.KeyStore) (*vault.Keyring, error) {
	roots, err := vault.OpenRoots(ctx, cfg.RootKey, cfg.OldRootKeys...)
	if err != nil {
		return nil, err
	}
	return vault.Ring(keys, roots), nil
}

// openVault opens the object stores and the keys of what is in them. copies, which
// may be nil, is told of those that a store did not take or holds damaged.
func openVault(ctx context.Context, cfg Config, keys vault.KeyStore, copies *missed) (*vault.Vault, *vault.Keyring, error) {
	ring, err := openRoot(ctx, cfg, keys)
	if err != nil {
		return nil, nil, err
	}
	first := cfg.BlobURL
	if first == "" {
		first = filepath.Join(cfg.Data, "blobs")
	}
	var all []vault.Blobs
	for _, where := range append([]string{first}, cfg.BlobCopies...) {
		blobs, err := openBlobs(ctx, where)
		if err != nil {
			return nil, nil, fmt.Errorf("open the object store: %w", err)
		}
		if cfg.seams.blobs != nil {
			blobs = cfg.seams.blobs(blobs)
		}
		all = append(all, blobs)
	}
	// More than half of the stores must have a blob before it is acknowledged.
	c := vault.Config{Blobs: all[0], Copies: all[1:], Need: len(all)/2 + 1, Keys: ring, Clock: cfg.seams.clock, Region: cfg.Region}
	if copies != nil {
		c.Missed, c.Damaged = copies.note, copies.damaged
	}
	v, err := vault.New(c)
	return v, ring, err
}

// openBlobs opens one object store, by URL, or a folder.
func openBlobs(ctx context.Context, where string) (vault.Blobs, error) {
	if strings.Contains(where, "://") {
		return vault.OpenBucket(ctx, where)
	}
	return vault.OpenDir(where)
}

// secretKey opens a named 256-bit key of the service, and makes it at the first start.
func secretKey(ctx context.Context, keys evidence.Keys, clock capture.Clock, id, purpose string) ([]byte, error) {
	_, secret, err := keys.Open(ctx, id)
	if !errors.Is(err, evidence.ErrNotFound) {
		return secret, err
	}
	secret = make([]byte, 32)
	rand.Read(secret) // never fails, see crypto/rand
	err = keys.Create(ctx, evidence.Key{ID: id, Purpose: purpose, Subject: "service", Created: clock.Now().UTC()}, secret)
	if errors.Is(err, evidence.ErrExists) { // another instance was first
		_, secret, err = keys.Open(ctx, id)
	}
	return secret, err
}

// openJournal opens the journal under a key of its own.
func openJournal(ctx context.Context, cfg Config, keys evidence.Keys, clock capture.Clock) (*record.Journal, error) {
	secret, err := secretKey(ctx, keys, clock, "service:journal", "journal")
	if err != nil {
		return nil, fmt.Errorf("key of the journal: %w", err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.Data, "journal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return record.Open(record.Config{Dir: dir, AEAD: aead, Clock: clock, Logger: cfg.Logger})
}

// receiptKey signs what the service has received of a pen stream.
func receiptKey(ctx context.Context, keys evidence.Keys, clock capture.Clock) (ed25519.PrivateKey, error) {
	seed, err := secretKey(ctx, keys, clock, "service:receipts", "receipt")
	if err != nil {
		return nil, fmt.Errorf("key of receipts: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// openMedia opens the sockets of WebRTC: UDP at the given port, ICE-TCP at the
// next one.
func openMedia(ctx context.Context, cfg Config, keys evidence.Keys, clock capture.Clock, journal *record.Journal) (*media, error) {
	udp, err := net.ListenPacket("udp", cfg.Media.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for video: %w", err)
	}
	host, _, err := net.SplitHostPort(cfg.Media.Listen)
	if err != nil {
		return nil, err
	}
	port := udp.LocalAddr().(*net.UDPAddr).Port + 1
	tcp, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		cfg.Logger.Warn("video over TCP is not offered", "port", port, "err", err)
		tcp = nil
	}
	server, err := rtc.New(rtc.Config{Logger: cfg.Logger, UDP: udp, TCP: tcp, PublicIPs: cfg.Media.PublicIPs})
	if err != nil {
		return nil, fmt.Errorf("start WebRTC: %w", err)
	}
	m := &media{rtc: server, journal: journal, servers: []signing.ICEServer{}, resources: map[capture.SessionID]string{}}
	if len(cfg.Media.STUN) > 0 {
		m.servers = append(m.servers, signing.ICEServer{URLs: cfg.Media.STUN})
	}
	if len(cfg.Media.TURN) > 0 {
		m.servers = append(m.servers, signing.ICEServer{URLs: cfg.Media.TURN, Username: cfg.Media.TURNUser, Credential: cfg.Media.TURNPass})
	}
	if cfg.Media.TURNListen != "" {
		at := udp.LocalAddr().(*net.UDPAddr).AddrPort()
		at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		if m.relay, m.relayURL, err = openRelay(ctx, cfg, keys, clock, at); err != nil {
			return nil, fmt.Errorf("start the relay: %w", err)
		}
	}
	return m, nil
}

// openTime opens the timestamp authorities: our own, whose clock is watched, and
// the outside ones, nil where there are none.
func openTime(cfg Config, db *store.Store, own *trust.Local) (authority *tsa.Authority, outside evidence.Timestamper, roots []*x509.Certificate, err error) {
	clock := cfg.seams.clock
	var references []tsa.Reference
	for _, address := range cfg.TimeServers {
		references = append(references, tsa.NTP{Addr: address, Clock: clock})
	}
	if authority, err = tsa.New(tsa.Config{Credential: own.Timestamping, Serials: db, Clock: clock, Watch: tsa.NewWatch(clock, cfg.Logger, references...), Log: cfg.Logger}); err != nil {
		return nil, nil, nil, fmt.Errorf("start the timestamp authority: %w", err)
	}
	if len(cfg.TimestampURLs) == 0 {
		return authority, nil, nil, nil
	}
	if roots, err = readCertificates(cfg.TimestampRoots); err != nil {
		return nil, nil, nil, fmt.Errorf("read --timestamp-roots: %w", err)
	}
	pool := x509.NewCertPool()
	for _, c := range roots {
		pool.AddCert(c)
	}
	chain := tsa.Fallback{Log: cfg.Logger}
	for _, url := range cfg.TimestampURLs {
		chain.List = append(chain.List, &tsa.Remote{URL: url, Roots: pool, Clock: clock})
	}
	return authority, chain, roots, nil
}

// readCertificates reads a PEM file.
func readCertificates(file string) ([]*x509.Certificate, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of %s: %w", len(all)+1, file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no certificate in PEM form", file)
	}
	return all, nil
}

// rootsPEM writes certificates as people publish them.
func rootsPEM(roots []*x509.Certificate) string {
	var b strings.Builder
	for _, c := range roots {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.String()
}

// vkeys are public keys as signed notes name them.
func vkeys(keys []proof.Key) []string {
	var all []string
	for _, k := range keys {
		all = append(all, k.String())
	}
	return all
}

// kinds are the answers to errors that package api cannot know.
var kinds = []api.Kind{
	{Err: evidence.ErrErased, Status: http.StatusGone, Name: "erased", Title: "Erased", Detail: "This was erased, as its retention or a request said. It cannot be brought back."},
	{Err: evidence.ErrNotFound, Status: http.StatusNotFound, Name: "not-found", Title: "Not found", Detail: "There is no such thing, or not yet."},
	{Err: evidence.ErrPending, Status: http.StatusConflict, Name: "pending", Title: "Not done yet", Detail: "Try again in a moment."},
	{Err: evidence.ErrHeld, Status: http.StatusConflict, Name: "held", Title: "Under legal hold", Detail: "Nothing of it can be deleted until the hold is lifted."},
	{Err: evidence.ErrClock, Status: http.StatusServiceUnavailable, Name: "unavailable", Title: "Temporarily unavailable", Detail: "The service's clock is in doubt, so nothing is sealed. It goes on by itself."},
	{Err: ceremony.ErrOthersRecorded, Status: http.StatusForbidden, Name: "others-recorded", Title: "Recordings of others", Detail: "The letter of deposit holds recordings of other signers, so only the sender can download it. The signed PDF is yours."},
	{Err: rtc.ErrNoCodec, Status: http.StatusNotAcceptable, Name: "no-codec", Title: "No common video format", Detail: "The browser offers no video format that can be recorded."},
	{Err: rtc.ErrMatch, Status: http.StatusPreconditionFailed, Name: "precondition", Title: "Another connection", Detail: "The entity tag is not that of this connection."},
	{Err: rtc.ErrStopped, Status: http.StatusServiceUnavailable, Name: "unavailable", Title: "Temporarily unavailable", Detail: "The service is stopping. Try again in a moment."},
}

// inspector is ceremony.PDF.
type inspector struct{}

func (inspector) Inspect(_ context.Context, r io.ReaderAt, size int64) ([]ceremony.Page, error) {
	info, err := pdf.Inspect(r, size, pdf.Limits{})
	if err != nil {
		if r, ok := errors.AsType[*pdf.Refusal](err); ok {
			return nil, &api.Explained{Detail: r.Sentence, Faults: []api.Fault{{Location: "body", Message: string(r.Code)}}, Err: api.ErrInvalid}
		}
		return nil, fmt.Errorf("inspect the PDF: %w", err)
	}
	pages := make([]ceremony.Page, len(info.Pages))
	for i, p := range info.Pages {
		pages[i] = ceremony.Page{Width: p.Width, Height: p.Height, Rotation: p.Rotation}
	}
	return pages, nil
}

// sqlTx lets ceremony span its stores with one transaction.
var _ ceremony.Transactor = (*store.Store)(nil)

// group is the set of parts that run as long as the service.
type group struct{ *errgroup.Group }

// part runs one part; that it stops early is an error that ends the service.
func (g group) part(ctx context.Context, name string, run func(context.Context) error) {
	g.Go(func() error {
		err := run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = errors.New("stopped by itself")
		}
		return fmt.Errorf("%s: %w", name, err)
	})
}
