package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"inkwitness/api/store"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/vault"
)

// ErrDamage says that a check found something wrong; the report says what.
var ErrDamage = errors.New("the check found damage")

// CheckReport is what a check found.
type CheckReport struct {
	Structure vault.Structure `json:"structure"`
	Unclassed int             `json:"unclassed"` // rows without a class, reason or end
	Chains    int             `json:"chains"`    // of the audit record
	Broken    []string        `json:"broken,omitempty"`
	Log       LogReport       `json:"log"`
	Bytes     BytesReport     `json:"bytes"`
}

// LogReport is what a check of the log found.
type LogReport struct {
	Size    int64  `json:"size"`
	Problem string `json:"problem,omitempty"`
}

// BytesReport is what reading and hashing found.
type BytesReport struct {
	Objects  int      `json:"objects"`
	Bytes    int64    `json:"bytes"`
	Repaired int      `json:"repaired"` // copies written again from a good one, or locked again
	Erased   int      `json:"erased"`   // whose key was destroyed: nothing can be read
	Damaged  []string `json:"damaged,omitempty"`
	Unread   []string `json:"unread,omitempty"` // no copy could be read now: a store did not answer, or its disk fails; or a copy could not be locked

	began time.Time // what was read since then is not read again
}

// Sound tells whether nothing is wrong. Orphans are no damage: they are swept.
func (r CheckReport) Sound() bool {
	return len(r.Structure.Missing)+len(r.Broken)+len(r.Bytes.Damaged)+len(r.Bytes.Unread)+r.Unclassed == 0 && r.Log.Problem == ""
}

// Write prints the report for people.
func (r CheckReport) Write(w io.Writer) error {
	s := r.Structure
	lines := []string{fmt.Sprintf("objects  %d rows, blobs in each store: %v", s.Objects, s.Blobs)}
	for _, m := range s.Missing {
		lines = append(lines, fmt.Sprintf("MISSING  %s is not in store %d", m.Key, m.Store))
	}
	if r.Unclassed > 0 {
		lines = append(lines, fmt.Sprintf("NO CLASS %d objects have no class, reason or end", r.Unclassed))
	}
	lines = append(lines, fmt.Sprintf("orphans  %d, to be swept; %d younger ones that may yet get their row", len(s.Orphans), s.Young),
		fmt.Sprintf("audit    %d chains", r.Chains))
	for _, b := range r.Broken {
		lines = append(lines, "BROKEN   "+b)
	}
	lines = append(lines, fmt.Sprintf("log      %d entries", r.Log.Size))
	if r.Log.Problem != "" {
		lines = append(lines, "BROKEN   log: "+r.Log.Problem)
	}
	lines = append(lines, fmt.Sprintf("bytes    %d objects, %d bytes read and hashed; %d copies repaired; %d erased objects left out", r.Bytes.Objects, r.Bytes.Bytes, r.Bytes.Repaired, r.Bytes.Erased))
	for _, d := range r.Bytes.Damaged {
		lines = append(lines, "DAMAGED  "+d+" has no good copy left")
	}
	for _, u := range r.Bytes.Unread {
		lines = append(lines, "UNREAD   "+u)
	}
	verdict := "All is well."
	if !r.Sound() {
		verdict = "Something is wrong; see the lines in capitals."
	}
	for _, line := range append(lines, verdict) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// checker looks over what is stored.
type checker struct {
	store    *store.Store
	objects  *vault.Vault
	keys     evidence.Keys
	clock    capture.Clock
	progress func(what string) // nil: nobody watches
}

func (c *checker) tell(format string, a ...any) {
	if c.progress != nil {
		c.progress(fmt.Sprintf(format, a...))
	}
}

// structure checks everything but the bytes.
func (c *checker) structure(ctx context.Context) (r CheckReport, err error) {
	c.tell("comparing rows and blobs")
	if r.Structure, err = c.objects.CheckStructure(ctx, c.store, time.Now().Add(-orphanAge)); err != nil {
		return r, fmt.Errorf("check rows and blobs: %w", err)
	}
	if r.Unclassed, err = c.store.Unclassed(ctx); err != nil {
		return r, fmt.Errorf("check classes: %w", err)
	}
	c.tell("checking the audit record")
	if r.Chains, r.Broken, err = c.store.CheckAudit(ctx); err != nil {
		return r, fmt.Errorf("check the audit record: %w", err)
	}
	c.tell("checking the log")
	if r.Log, err = c.log(ctx); err != nil {
		return r, fmt.Errorf("check the log: %w", err)
	}
	return r, nil
}

// log derives the root of the published tree from its entries, and compares it
// and every tile with the signed checkpoint.
func (c *checker) log(ctx context.Context) (r LogReport, err error) {
	head, err := c.store.Head(ctx)
	if err != nil || len(head.Published) == 0 {
		return r, err
	}
	checkpoint, err := proof.ParseCheckpoint(head.Published)
	if err != nil {
		return LogReport{Problem: "the checkpoint cannot be read: " + err.Error()}, nil
	}
	r.Size = checkpoint.Size
	l, err := ledger.Open(ctx, ledger.Config{Origin: checkpoint.Origin, Outbox: c.store, Tiles: c.store, Keys: c.keys, Clock: c.clock})
	if err != nil {
		return r, err
	}
	if _, err := checkpoint.Verify(l.Keys()[0]); err != nil {
		r.Problem = "the checkpoint is not signed by the log's key: " + err.Error()
		return r, nil
	}
	var unread error // the database did not answer, which says nothing of the log
	err = proof.CheckLog(checkpoint.Size, checkpoint.Root, func(path string) ([]byte, error) {
		tile, err := l.Tile(ctx, path)
		if err != nil && !errors.Is(err, evidence.ErrNotFound) && !errors.Is(err, evidence.ErrCorrupt) {
			unread = err
		}
		return tile, err
	}, func(int64, []byte) {})
	if unread != nil {
		return r, fmt.Errorf("read the tiles: %w", unread)
	}
	if err != nil {
		r.Problem = err.Error()
	}
	return r, nil
}

// week is within how long every byte is read once.
const week = 7 * 24 * time.Hour

// shareOf is how many of all bytes must be read after that much time.
func shareOf(all int64, elapsed time.Duration) int64 {
	return int64(float64(all) * min(float64(elapsed)/float64(week), 1))
}

// bytes reads and hashes objects. Those with which something was wrong are tried
// again first, beside the rest and not instead of it: what is lost must not keep
// new damage from being found. Damaged and missing copies are written again from
// a good one.
func (c *checker) bytes(ctx context.Context, budget int64, r *BytesReport) error {
	if err := c.share(ctx, c.store.Damaged, budget, r); err != nil {
		return err
	}
	return c.share(ctx, c.store.Unchecked, budget, r)
}

// share reads objects of a list, those first that were not read for the longest,
// until budget bytes were read, and at least one.
func (c *checker) share(ctx context.Context, list func(ctx context.Context, since time.Time, n int) ([]evidence.Object, error), budget int64, r *BytesReport) error {
	began := c.began(r)
	before := r.Bytes
	for first := true; first || r.Bytes-before < budget; first = false {
		some, err := list(ctx, began, 100)
		if err != nil {
			return fmt.Errorf("list what is to be read: %w", err)
		}
		if len(some) == 0 {
			return nil
		}
		for _, o := range some {
			if _, err := c.object(ctx, o, r); err != nil {
				return err
			}
			if c.tell("read %d objects, %d MB of %d MB", r.Objects, r.Bytes>>20, budget>>20); r.Bytes-before >= budget {
				break
			}
		}
	}
	return nil
}

func (c *checker) began(r *BytesReport) time.Time {
	if r.began.IsZero() {
		r.began = c.clock.Now()
	}
	return r.began
}

// object reads one object in every store, notes what was found, and tells whether
// each has it whole now.
func (c *checker) object(ctx context.Context, o evidence.Object, r *BytesReport) (whole bool, err error) {
	repaired, err := c.objects.Scrub(ctx, o)
	damage := ""
	switch {
	case err == nil:
		whole = true
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, evidence.ErrErased):
		r.Erased++
	default:
		if _, gone := c.store.Object(ctx, o.Key); errors.Is(gone, evidence.ErrNotFound) {
			return true, nil // deleted while it was read
		}
		damage = err.Error()
		r.wrong(o.Key, err)
	}
	r.Objects++
	r.Bytes += o.Size
	r.Repaired += repaired
	if err := c.store.Checked(ctx, o.Key, c.clock.Now(), damage); err != nil {
		return false, fmt.Errorf("note the check of %s: %w", o.Key, err)
	}
	return whole, nil
}

// wrong notes that an object could not be read. The others are read all the same.
func (r *BytesReport) wrong(key string, err error) {
	if errors.Is(err, evidence.ErrCorrupt) {
		r.Damaged = append(r.Damaged, key)
		return
	}
	r.Unread = append(r.Unread, fmt.Sprintf("%s: %v", key, err))
}

func (s *Server) checker() *checker {
	return &checker{store: s.store, objects: s.objects, keys: s.keys, clock: s.clock}
}

// checkSelf is the hourly check of the running service: the structure, and as
// many bytes as the time since the last one asks for.
func (s *Server) checkSelf(ctx context.Context) error {
	c := s.checker()
	r, err := c.structure(ctx)
	if err != nil {
		return err
	}
	last, err := s.store.Cared(ctx, "task check")
	if err != nil {
		return err
	}
	elapsed := time.Hour
	if !last.IsZero() {
		elapsed = s.clock.Now().Sub(last)
	}
	all, err := s.store.TotalSize(ctx)
	if err != nil {
		return err
	}
	if err := c.locks(ctx, &r.Bytes); err != nil {
		return err
	}
	if err := c.heal(ctx, &r); err != nil {
		return err
	}
	if err := c.bytes(ctx, shareOf(all, elapsed), &r.Bytes); err != nil {
		return err
	}
	noted, err := s.store.CountDamaged(ctx) // those too that this hour's share did not reach
	if err != nil {
		return err
	}
	s.damage.WithLabelValues("missing").Set(float64(len(r.Structure.Missing)))
	s.damage.WithLabelValues("damaged").Set(float64(max(len(r.Bytes.Damaged), noted-len(r.Bytes.Unread))))
	s.damage.WithLabelValues("unread").Set(float64(len(r.Bytes.Unread)))
	s.damage.WithLabelValues("audit").Set(float64(len(r.Broken)))
	s.damage.WithLabelValues("log").Set(flag(r.Log.Problem != ""))
	if !r.Sound() {
		report, _ := json.Marshal(r)
		s.cfg.Logger.ErrorContext(ctx, "the hourly check found damage", "report", string(report))
	}
	return nil
}

// heal copies what one store lacks from another that has it. What nobody has
// stays on the list.
func (c *checker) heal(ctx context.Context, r *CheckReport) error {
	var lost []vault.Missing
	c.began(&r.Bytes)
	whole := map[string]bool{}
	for _, m := range r.Structure.Missing {
		o, err := c.store.Object(ctx, m.Key)
		if errors.Is(err, evidence.ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if _, read := whole[m.Key]; !read { // several stores may lack it
			if whole[m.Key], err = c.object(ctx, o, &r.Bytes); err != nil {
				return err
			}
		}
		if !whole[m.Key] {
			lost = append(lost, m)
		}
	}
	r.Structure.Missing = lost
	return nil
}

// CheckOptions say what a check by hand does.
type CheckOptions struct {
	Bytes    string // "all", "share" (one seventh) or "none"
	JSON     bool
	Progress io.Writer // nil: nobody watches
}

// Check looks over everything that is stored, beside a running service or
// without one, and prints what it finds. Damage is ErrDamage.
func Check(ctx context.Context, cfg Config, opt CheckOptions, w io.Writer) error {
	h, err := openByHand(ctx, cfg)
	if err != nil {
		return err
	}
	defer h.Close()
	c := h.checker()
	if opt.Progress != nil {
		last := time.Now()
		c.progress = func(what string) {
			if now := time.Now(); now.Sub(last) > time.Second {
				last = now
				fmt.Fprintln(opt.Progress, what)
			}
		}
	}
	r, err := c.structure(ctx)
	if err != nil {
		return err
	}
	if opt.Bytes != "none" {
		if err := c.locks(ctx, &r.Bytes); err != nil {
			return err
		}
		if err := c.heal(ctx, &r); err != nil {
			return err
		}
		budget, err := h.TotalSize(ctx)
		if err != nil {
			return err
		}
		if opt.Bytes == "share" {
			budget = shareOf(budget, 24*time.Hour)
		}
		if err = c.bytes(ctx, budget, &r.Bytes); err != nil {
			return err
		}
	}
	if opt.JSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.Write(w)
	}
	if err != nil {
		return err
	}
	if !r.Sound() {
		return ErrDamage
	}
	return nil
}
