// Package server puts the service together: it opens the parts that a Config
// names, mounts the routes, and runs everything until it is told to stop. It is
// the one place that knows all packages; it has no rules of its own.
package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"inkwitness/api"
	"inkwitness/api/auth"
	"inkwitness/api/ceremony"
	"inkwitness/api/dispute"
	"inkwitness/api/egress"
	"inkwitness/api/mail"
	"inkwitness/api/program"
	"inkwitness/api/signing"
	"inkwitness/api/store"
	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/ws"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/renew"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/trust/holder"
	"inkwitness/evidence/tsa"
	"inkwitness/evidence/vault"
)

// Server is the service, opened and not yet running.
type Server struct {
	cfg        Config
	clock      capture.Clock
	store      *store.Store
	accounts   *store.Accounts
	objects    *vault.Vault
	keys       *vault.Keyring
	purger     *retain.Purger
	renewer    *renew.Renewer
	waiting    *prometheus.GaugeVec // evidence records that are due
	carer      *carer
	damage     *prometheus.GaugeVec
	missed     *missed // copies that a store did not take
	journal    *record.Journal
	media      *media
	pen        *ws.Handler
	log        *ledger.Log
	witnesses  *ledger.Witnesses // of the log; nil: nobody
	watch      *tsa.Watch
	ceremony   *ceremony.Service
	disputes   *dispute.Service
	reports    *reports
	post       *mail.Post
	programs   *program.Handler
	auth       *auth.Handler
	signing    *signing.Handler
	roots      []*x509.Certificate // of certificates and timestamps
	algorithms []cms.Algorithm     // until when proofs count
	otherRoots []*x509.Certificate // of other providers and outside authorities
	logKeys    []proof.Key         // of the log and its witnesses

	held      *holder.Client // nil: the service keeps the signers' keys itself
	providers providers      // of certificates, beside our own authority
	api       *api.API
	listener  net.Listener
	bans      *ws.Bans // of addresses that do harm to the sockets
}

// New opens everything. What a crash left half done is repaired by Run.
func New(ctx context.Context, cfg Config) (*Server, error) {
	s, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.mount(ctx); err != nil {
		return nil, errors.Join(err, s.listener.Close(), s.store.Close())
	}
	return s, nil
}

// open opens everything but what serves HTTP.
func open(ctx context.Context, cfg Config) (_ *Server, err error) {
	listener, err := net.Listen("tcp", cmp.Or(cfg.Listen, DefaultListen))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	cfg.Listen = listener.Addr().String() // with the real port, where 0 was asked for
	if cfg, err = cfg.fill(); err != nil {
		return nil, err
	}
	if cfg.BackupDir != "" {
		if err := store.CanSnapshot(cfg.DatabaseURL); err != nil {
			return nil, fmt.Errorf("--backup-dir: %w", err)
		}
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Data, addressName), []byte(cfg.PublicURL+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("note the address: %w", err)
	}
	s := &Server{cfg: cfg, clock: cfg.seams.clock, bans: ws.NewBans(cfg.seams.clock)}
	s.listener = s.bans.Listener(listener)
	if s.store, err = openStore(ctx, cfg); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.store.Close())
		}
	}()
	if err := s.parts(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// parts makes the parts in the order in which they need each other.
func (s *Server) parts(ctx context.Context) error {
	s.missed = newMissed(s.cfg.Logger)
	objects, keys, err := openVault(ctx, s.cfg, s.store, s.missed)
	if err != nil {
		return err
	}
	s.objects, s.keys = objects, keys
	s.accounts = store.NewAccounts(s.store, keys)
	if s.journal, err = openJournal(ctx, s.cfg, keys, s.clock); err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	if s.media, err = openMedia(ctx, s.cfg, keys, s.clock, s.journal); err != nil {
		return err
	}
	authority, err := trust.Open(ctx, trust.Config{Keys: keys, Clock: s.clock})
	if err != nil {
		return fmt.Errorf("open the certificate authority: %w", err)
	}
	timestamps, outside, outsideRoots, err := openTime(s.cfg, s.store, authority)
	if err != nil {
		return err
	}
	s.watch = timestamps.Watch()
	if s.algorithms, err = algorithms(s.cfg); err != nil {
		return err
	}
	s.purger, err = retain.New(retain.Config{Store: s.store, Vault: objects, Signer: authority, Clock: s.clock, Outside: clockOutside(s.cfg, s.watch, outside), Log: s.cfg.Logger})
	if err != nil {
		return err
	}
	if s.renewer, err = newRenewer(s.cfg, s.accounts, objects, timestamps, outside); err != nil {
		return err
	}
	var witnessKeys []proof.Key
	if s.witnesses, witnessKeys, err = openWitnesses(s.cfg); err != nil {
		return err
	}
	logConfig := ledger.Config{Origin: origin(s.cfg.PublicURL), Outbox: s.store, Tiles: s.store, Keys: keys, Clock: s.clock, Log: s.cfg.Logger}
	if s.witnesses != nil {
		s.witnesses.Clock = s.clock
		logConfig.Cosigner = s.witnesses
	}
	name, err := instance(s.cfg.Data)
	if err != nil {
		return fmt.Errorf("name of this instance: %w", err)
	}
	logConfig.Guard = guard{s.store, name}
	if s.log, err = ledger.Open(ctx, logConfig); err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	comparator, err := compare.New(compare.Config{Explain: true})
	if err != nil {
		return fmt.Errorf("open the comparator: %w", err)
	}
	if s.post, err = mail.New(mail.Config{Outbox: s.accounts, Clock: s.clock, Logger: s.cfg.Logger, URL: s.cfg.PublicURL, From: s.cfg.Mail.From, SMTP: s.cfg.Mail.URL, Account: s.accounts.Account}); err != nil {
		return err
	}
	if s.providers, err = openProviders(ctx, s.cfg, keys, s.clock, authority); err != nil {
		return fmt.Errorf("open the certificate providers: %w", err)
	}
	s.roots = []*x509.Certificate{authority.Root()}
	s.logKeys = append(s.log.Keys(), witnessKeys...)
	signers, signerRoots, held, err := openHolder(ctx, s.cfg, authority)
	if err != nil {
		return err
	}
	s.held, s.otherRoots = held, slices.Concat(outsideRoots, s.providers.roots, signerRoots)
	sealing, err := seal.New(seal.Config{
		Vault: objects, Provider: signers, Own: authority.Seals(), Providers: s.providers.byName, Revoker: authority, Timestamper: timestamps, Outside: outside,
		Log: s.log, Witnesses: witnessKeys, Need: witnessesNeeded(s.cfg), Clock: s.clock, Roots: s.roots, Others: s.otherRoots,
	})
	if err != nil {
		return fmt.Errorf("open the sealer: %w", err)
	}
	watching, err := openFaces(s.cfg.Face)
	if err != nil {
		return err
	}
	ceremonies := s.accounts.Ceremonies()
	toSeal := &sealer{Sealer: sealing, providers: s.providers.byName, history: s.history}
	s.ceremony = ceremony.New(ceremony.Config{
		Tx: s.store, Documents: ceremonies, Schedule: ceremonies, Grants: ceremonies, Subjects: ceremonies, Objects: s.store, Prints: ceremonies,
		Notices: notices{mail: s.post.Notify, audit: s.record, owner: s.accounts.Account},
		Vault:   objects, PDF: inspector{}, Recorder: recorder{s.journal, s.media, watching}, Inks: inks{}, Comparator: comparing{comparator},
		Sealer: toSeal, Eraser: eraser{s.store, objects, authority, timestamps}, Log: outbox{s.store, s.log}, Clock: s.clock, Logger: s.cfg.Logger, MaxUpload: s.cfg.MaxUpload,
		Providers: s.providers.names(), DefaultProvider: s.defaultProvider,
	})
	toSeal.signature = s.ceremony.Handwriting
	s.reports = &reports{by: authority, timestamps: timestamps, clock: s.clock}
	cases := s.accounts.Disputes()
	s.disputes = dispute.New(dispute.Config{
		Tx: s.store, Cases: cases, Openings: cases, People: s.accounts, Records: records{s}, Evidence: s.ceremony,
		Vault: objects, Limits: s.accounts, Comparator: comparing{comparator}, Trust: s.trusted, Clock: s.clock, Logger: s.cfg.Logger,
	})
	reach := s.reach()
	s.programs, err = program.New(program.Config{Store: s.accounts, Clock: s.clock, Client: egress.NewClient(reach), Logger: s.cfg.Logger,
		CheckURL: func(url string) error { return egress.CheckURL(url, reach) }})
	if err != nil {
		return fmt.Errorf("open API keys and webhooks: %w", err)
	}
	return nil
}

// reach is where the service may connect to on somebody's word.
func (s *Server) reach() egress.Config {
	return egress.Config{Allow: s.cfg.EgressAllow, PlainHTTP: len(s.cfg.EgressAllow) > 0}
}

// comparing adds the description of a signature to the comparator.
type comparing struct{ *compare.Comparator }

func (comparing) Describe(s capture.Signature) biometrics.Quality { return compare.Measure(s) }

// outbox is ceremony.Log: entries go through the store, which shares the
// transaction, and the log is woken.
type outbox struct {
	*store.Store
	log *ledger.Log
}

func (o outbox) Wake() { o.log.Wake() }

// sweep deletes every hour what has served its time.
func (s *Server) sweep(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := s.accounts.Sweep(ctx, s.clock.Now()); err != nil && ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "sweep the tables of people", "err", err)
		}
		if err := s.disputes.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "end cases whose time is over", "err", err)
		}
		if err := s.releaseAbandoned(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "release abandoned recordings", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// releaseAbandoned lets go of recordings that nobody can go on with: the signing
// session in which they began is over. They would keep their journal segments.
func (s *Server) releaseAbandoned(ctx context.Context) error {
	for _, id := range s.journal.Sessions() {
		session, err := s.journal.Session(id)
		if errors.Is(err, capture.ErrNotFound) {
			continue // released meanwhile
		}
		if err != nil {
			return err
		}
		if s.clock.Now().Sub(session.Epoch()) < 2*ceremony.SessionLifetime {
			continue
		}
		if err := s.journal.Release(ctx, id); err != nil && !errors.Is(err, capture.ErrNotFound) {
			return err
		}
	}
	return nil
}

// Address is where the service listens.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, then lets what is under way finish for a while.
func (s *Server) Run(ctx context.Context) error {
	// Captures and the journal outlive the HTTP server, so that a socket's last
	// samples are on disk before the process ends.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g := group{new(errgroup.Group)}
	g.part(work, "journal", s.journal.Run)
	g.part(work, "video", s.media.run)
	g.part(work, "log", s.log.Run)
	g.part(work, "clock", s.watch.Run)
	g.part(work, "sealing", s.ceremony.Run)
	g.part(work, "mail", s.post.Run)
	g.part(work, "webhooks", s.programs.Run)
	g.part(work, "signing sessions", s.signing.Run)
	g.part(work, "sweeper", s.sweep)
	g.part(work, "care of objects", s.carer.Run)
	g.part(work, "copies", s.missed.run(s.checker()))
	failed := make(chan error, 1)
	go func() { failed <- g.Wait() }()

	web := &http.Server{Handler: s.api.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug)}
	served := make(chan error, 1)
	go func() { served <- s.serve(web) }()

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case err = <-served:
	}
	const patience = 10 * time.Second
	drain, cancel := context.WithTimeout(work, patience)
	defer cancel()
	err = errors.Join(err, s.pen.Shutdown(drain), s.media.chunks.Shutdown(drain), web.Shutdown(drain))
	stop()
	if ctx.Err() != nil {
		err = errors.Join(err, <-failed)
	}
	return errors.Join(err, s.store.Close())
}

func (s *Server) serve(web *http.Server) error {
	err := func() error {
		if s.cfg.tls() {
			return web.ServeTLS(s.listener, s.cfg.TLSCert, s.cfg.TLSKey)
		}
		return web.Serve(s.listener)
	}()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve HTTP: %w", err)
}
