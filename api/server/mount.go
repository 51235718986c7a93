package server

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/api"
	"inkwitness/api/account"
	"inkwitness/api/auth"
	"inkwitness/api/document"
	"inkwitness/api/egress"
	"inkwitness/api/investigate"
	"inkwitness/api/publish"
	"inkwitness/api/retention"
	"inkwitness/api/scim"
	"inkwitness/api/share"
	"inkwitness/api/signing"
	"inkwitness/capture/ws"
	"inkwitness/webclient"
)

// mount adds every route.
func (s *Server) mount(ctx context.Context) (err error) {
	keys, objects := s.keys, s.objects
	metrics := prometheus.NewRegistry()
	s.damage = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "inkwitness_damage", Help: "What the last hourly check found damaged and could not repair: an alarm when not 0."}, []string{"what"})
	s.waiting = newWaiting()
	metrics.MustRegister(s.damage, s.waiting, s.missed.waiting,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "inkwitness_timestamps_stopped", Help: "1 while the clock is in doubt, so that nothing is sealed: an alarm."},
			func() float64 { return flag(s.watch.Stopped()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "inkwitness_log_forked", Help: "1 while the log is not published because a witness has seen another history of it: an alarm."},
			func() float64 { return flag(s.log.Forked()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "inkwitness_capture_banned_addresses", Help: "Addresses that are kept away for a while because of what their sockets did."},
			func() float64 { return float64(s.bans.Kept()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "inkwitness_capture_banned_connections_total", Help: "Connections of such addresses that were closed."},
			func() float64 { return float64(s.bans.Refused()) }))
	metrics.MustRegister(watchWitnesses(s.witnesses)...)
	s.carer = newCarer(s.store, s.clock, s.cfg.Logger, metrics, s.tasks()...)
	s.api, err = api.New(api.Config{
		Metrics: metrics,
		Clock:   s.clock, Logger: s.cfg.Logger, Version: s.cfg.Version, TLS: s.cfg.secure(), TrustedProxies: s.cfg.TrustedProxies,
		Ready: s.store.Ping, Replies: s.accounts, Kinds: kinds, Refused: s.refused,
	})
	if err != nil {
		return err
	}
	key, err := receiptKey(ctx, keys, s.clock)
	if err != nil {
		return err
	}
	signer := &signing.Handler{Ceremony: s.ceremony, Vault: objects, Media: s.media, ReceiptKey: key.Public().(ed25519.PublicKey), Names: s, Releases: s, Owners: owners{s}}
	client := func(r *http.Request) string {
		network, _ := api.Networks(api.ClientOf(r.Context()).Address)
		return network
	}
	s.pen, err = ws.New(ws.Config{Admit: s.admit(signer), Key: key, Clock: s.clock, Logger: s.cfg.Logger, Address: client, Bans: s.bans})
	if err != nil {
		return fmt.Errorf("start the pen sockets: %w", err)
	}
	s.media.chunks, err = ws.NewMedia(ws.Config{
		Admit: s.media.admit(signer), Clock: s.clock, Logger: s.cfg.Logger, Address: client, Bans: s.bans,
		MaxConns: maxRecorders, Rate: 10, Burst: 200,
	})
	if err != nil {
		return fmt.Errorf("start the media sockets: %w", err)
	}
	signer.Pen, signer.Chunks, signer.Streams, signer.Logger = s.pen, s.media.chunks, streams{s.pen, s.media}, s.cfg.Logger
	s.signing = signer
	if s.held != nil {
		signer.Proofs = proofs{s.held}
	}
	messages, err := s.openSMS()
	if err != nil {
		return fmt.Errorf("open the SMS gateway: %w", err)
	}
	var texts account.Texts
	if messages != nil {
		signer.Codes, texts = codes{messages}, messages
	}
	if s.auth, err = auth.New(ctx, auth.Config{Store: s.accounts, Keys: keys, Notices: s.post, Clock: s.clock, Client: egress.NewClient(s.reach()), LookupTXT: net.DefaultResolver.LookupTXT, Logger: s.cfg.Logger, URL: s.cfg.PublicURL}); err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	signer.Apps = s.auth
	people, err := account.New(account.Config{Store: s.accounts, Notices: s.post, Texts: texts, Documents: called{s.ceremony.Documents}, Clock: s.clock, Logger: s.cfg.Logger, Providers: s.providers.names()})
	if err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	sharing, err := share.New(share.Config{Documents: s.ceremony, Store: s.accounts, Notices: s.post, Clock: s.clock})
	if err != nil {
		return fmt.Errorf("open sharing: %w", err)
	}
	directory, err := scim.New(scim.Config{Store: s.accounts, Clock: s.clock, URL: s.cfg.PublicURL})
	if err != nil {
		return fmt.Errorf("open the directory: %w", err)
	}
	// The signer comes first: in a browser with both cookies the signing page is
	// the signer's.
	s.api.Mount(
		&document.Handler{Ceremony: s.ceremony, Vault: objects, Activities: s, Releases: s, Providers: s.providers.views, Shares: s.accounts, Care: s.store, Limits: s.accounts},
		sharing,
		signer,
		&investigate.Handler{Disputes: s.disputes, Documents: s.ceremony.Documents, Vault: objects, Reports: s.reports},
		&retention.Handler{Ceremony: s.ceremony, Holds: s.accounts, Objects: s.store, Records: s.store, Shares: s.accounts, Purge: s.purgeObjects, Logger: s.cfg.Logger, Clock: s.clock, Record: s.record, Name: s.SenderName},
		s.auth,
		people,
		s.programs,
		directory,
		&publish.Handler{Roots: rootsPEM(s.roots), OtherRoots: rootsPEM(s.otherRoots), LogKeys: vkeys(s.logKeys), Log: s.log},
	)
	files, err := fs.Sub(webclient.Dist, "dist")
	if err != nil {
		return err
	}
	all, err := newPages(files)
	if err != nil {
		return err
	}
	s.api.Pages(all)
	return nil
}

// maxRecorders bounds the pages that send video over a socket: each costs the
// journal some 80 KB/s.
const maxRecorders = 200

// admit lets a signer's page in to the journal's session of its capture.
func (s *Server) admit(signer *signing.Handler) func(*http.Request) (ws.Admission, error) {
	return func(r *http.Request) (ws.Admission, error) {
		c, err := signer.CaptureOf(r)
		if err != nil {
			return ws.Admission{}, err
		}
		session, err := s.journal.Session(c.ID)
		if err != nil {
			return ws.Admission{}, err
		}
		return ws.Admission{ID: c.ID, Nonce: session.Nonce(), Session: session}, nil
	}
}
