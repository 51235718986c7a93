package soak

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/ws"
	"inkwitness/capture/ws/wstest"
)

// TestSimulation runs the whole way of the pen, clients, network, server and
// disk, in one process in virtual time, from a seed. The network delays, cuts
// and stalls; the machine loses power at random moments and starts again with
// what was synced and a part of what was not. In the end every stroke is there
// once and in order, and a second run of the seed ends with the same bytes.
func TestSimulation(t *testing.T) {
	seeds := envInt("INKWITNESS_SEEDS", 500/patience)
	powerCuts, reconnects := 0, 0
	for seed := range seeds {
		first := simulate(t, uint64(seed))
		if seed%10 == 0 {
			if second := simulate(t, uint64(seed)); second.hash != first.hash {
				t.Errorf("seed %d ends with %x and with %x", seed, first.hash, second.hash)
			}
		}
		powerCuts += first.powerCuts
		reconnects += first.reconnects
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("capture/simulation seeds=%d power cuts=%d reconnects=%d lost=0", seeds, powerCuts, reconnects)
	if powerCuts == 0 || reconnects == 0 {
		t.Error("nothing bad ever happened")
	}
}

// outcome is what a seed came to.
type outcome struct {
	hash       [32]byte // over the streams of all sessions, as kept
	powerCuts  int
	reconnects int
}

func simulate(t *testing.T, seed uint64) (out outcome) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 17))
		w := &world{t: t, disk: vfs.NewCrashableMem(), rng: rng}
		w.boot()
		pens := 1 + rng.IntN(4)
		clients := make([]*wstest.Client, pens)
		var runs sync.WaitGroup
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		for n := range clients {
			clients[n] = w.client(n, rand.New(rand.NewPCG(seed, uint64(n)+100)))
			batches := 5 + rng.IntN(100)
			runs.Go(func() {
				if err := w.sign(ctx, clients[n], batches); err != nil {
					t.Errorf("pen %d: %v", n, err)
				}
			})
		}
		for range rng.IntN(4) {
			time.Sleep(time.Duration(rng.IntN(5000)) * time.Millisecond)
			w.powerCut()
			out.powerCuts++
		}
		runs.Wait()
		hash := sha256.New()
		for n, c := range clients {
			book := c.Book()
			compare(t, w.journal, n, book)
			hash.Write(book.Head.Hash[:])
			if book.Receipt != nil { // its lack is an error already
				hash.Write(book.Receipt.Signature[:])
			}
			out.reconnects += book.Connected - 1
		}
		out.hash = [32]byte(hash.Sum(nil))
		w.shutDown()
		w.links.Wait()
	})
	return out
}

// world is one machine and the network around it.
type world struct {
	t     *testing.T
	disk  *vfs.MemFS
	links sync.WaitGroup
	rng   *rand.Rand

	mu       sync.Mutex
	listener *pipes // nil while the machine is off
	journal  *record.Journal
	handler  *ws.Handler
	off      func()
}

// boot starts the service on the disk as it is.
func (w *world) boot() {
	cfg := record.Config{FS: diskFS{w.disk}, AEAD: journalKey(), Clock: wall{}, SegmentBytes: 1 << 16, ReserveBytes: 1}
	j, h, err := service(cfg, func(c *ws.Config) { c.Admit = w.admit })
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := j.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	l := &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	parts.Go(func() { server.Serve(l) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.journal, w.handler, w.listener = j, h, l
	w.off = func() {
		server.Close()
		h.Shutdown(context.Background())
		cancel()
		parts.Wait()
	}
}

// admit starts sessions with a nonce that follows from their name, so that a
// seed has one outcome.
func (w *world) admit(q *http.Request) (ws.Admission, error) {
	id := capture.SessionID(q.Header.Get("Session"))
	w.mu.Lock()
	j := w.journal
	w.mu.Unlock()
	s, err := j.Session(id)
	if errors.Is(err, capture.ErrNotFound) {
		s, err = j.NewSession(q.Context(), id, sha256.Sum256([]byte(id)), nil)
	}
	if err != nil {
		return ws.Admission{}, err
	}
	return ws.Admission{ID: id, Nonce: s.Nonce(), Session: s}, nil
}

// powerCut ends the machine at once and boots it again a little later. The
// network goes first: nothing that happens after it on the old machine counts.
func (w *world) powerCut() {
	w.mu.Lock()
	l, off := w.listener, w.off
	w.listener = nil
	w.mu.Unlock()
	l.cutAll()
	keep := []int{0, 50, 100}[w.rng.IntN(3)]
	w.disk = w.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: w.rng})
	off()
	time.Sleep(time.Duration(w.rng.IntN(3000)) * time.Millisecond)
	w.boot()
}

func (w *world) shutDown() {
	w.mu.Lock()
	l, off := w.listener, w.off
	w.mu.Unlock()
	l.cutAll()
	off()
}

// client returns a pen whose every connection has its own bad luck.
func (w *world) client(n int, rng *rand.Rand) *wstest.Client {
	c := newClient(n, "ws://machine/")
	c.Patience, c.Ping = 4*time.Second, time.Second
	c.Dialer.NetDialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		w.mu.Lock()
		l := w.listener
		w.mu.Unlock()
		near, a := net.Pipe()
		b, far := net.Pipe()
		k := &link{rng: rand.New(rand.NewPCG(rng.Uint64(), 3)), a: a, b: b, faults: faults{delay: time.Duration(1+rng.IntN(200)) * time.Millisecond}}
		switch rng.IntN(5) {
		case 0:
			k.resetIn = time.Duration(1+rng.IntN(3000)) * time.Millisecond
		case 1:
			k.stallIn = time.Duration(1+rng.IntN(3000)) * time.Millisecond
		case 2:
			k.jitter, k.rate = k.delay/2, 4000
		}
		if l == nil || !l.offer(k, far) {
			return nil, errors.New("connection refused")
		}
		w.links.Go(func() { k.carry(context.Background()) })
		return near, nil
	}
	return c
}

// sign writes batches at the pace of a hand and finishes.
func (w *world) sign(ctx context.Context, c *wstest.Client, batches int) error {
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	for i := range batches {
		if err := c.Add(samples(i)); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.Finish()
	if err := <-ran; err != nil {
		return fmt.Errorf("%d of %d acknowledged: %w", c.Book().Acked, batches, err)
	}
	return nil
}

// pipes is a listener of connections in memory.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}

	mu    sync.Mutex
	shut  bool
	links []*link
}

// offer gives the server its end of a link.
func (p *pipes) offer(k *link, far net.Conn) bool {
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		return false
	}
	k.broken = make(chan struct{})
	p.links = append(p.links, k)
	p.mu.Unlock()
	select {
	case p.incoming <- far:
		return true
	case <-p.closed:
		return false
	}
}

// cutAll breaks every link and accepts no more.
func (p *pipes) cutAll() {
	p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.links {
		k.cut()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shut {
		p.shut = true
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// diskFS is a disk in memory as a record.FS.
type diskFS struct{ *vfs.MemFS }

func (d diskFS) Create(name string) (record.File, error) {
	if _, err := d.Stat(name); err == nil {
		return nil, fs.ErrExist
	}
	f, err := d.MemFS.Create(name, vfs.WriteCategoryUnspecified)
	return diskFile{f}, err
}

func (d diskFS) Open(name string) (record.File, error) {
	f, err := d.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	return diskFile{f}, err
}

func (d diskFS) List() ([]string, error) { return d.MemFS.List("") }

func (d diskFS) SyncDir() error {
	dir, err := d.OpenDir("")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

type diskFile struct{ vfs.File }

func (diskFile) Allocate(int64) error { return nil }
