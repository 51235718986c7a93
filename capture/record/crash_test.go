package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"inkwitness/capture"
)

// memFS is a folder in memory that knows what was synced.
type memFS struct {
	*vfs.MemFS
	before func(op string) // called around every operation that changes something
}

func (m memFS) step(op string) {
	if m.before != nil {
		m.before(op)
	}
}

func (m memFS) Create(name string) (File, error) {
	if _, err := m.Stat(name); err == nil {
		return nil, fs.ErrExist
	}
	m.step("create " + name)
	f, err := m.MemFS.Create(name, vfs.WriteCategoryUnspecified)
	return memFile{f, m}, err
}

func (m memFS) Open(name string) (File, error) {
	f, err := m.MemFS.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	return memFile{f, m}, err
}

func (m memFS) Remove(name string) error {
	m.step("remove " + name)
	return m.MemFS.Remove(name)
}

func (m memFS) List() ([]string, error) { return m.MemFS.List("") }

func (m memFS) SyncDir() error {
	m.step("sync the folder")
	d, err := m.OpenDir("")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type memFile struct {
	vfs.File
	fs memFS
}

func (f memFile) Allocate(int64) error { return nil }

// Write tears: power may fail within it.
func (f memFile) Write(p []byte) (int, error) {
	f.fs.step("write")
	half := len(p) / 2
	n, err := f.File.Write(p[:half])
	if err != nil {
		return n, err
	}
	f.fs.step("rest of the write")
	m, err := f.File.Write(p[half:])
	return n + m, err
}

func (f memFile) Sync() error {
	f.fs.step("sync")
	return f.File.Sync()
}

// ledger is what the clients of a run were told.
type ledger struct {
	acked     map[int]int // batches of session n on disk; present once NewSession returned
	finished  map[int]bool
	releasing map[int]bool
	released  map[int]bool
}

func newLedger() ledger {
	return ledger{map[int]int{}, map[int]bool{}, map[int]bool{}, map[int]bool{}}
}

func (l ledger) clone() ledger {
	return ledger{maps.Clone(l.acked), maps.Clone(l.finished), maps.Clone(l.releasing), maps.Clone(l.released)}
}

// crash is the state of a disk after a power cut, and what was promised by then.
type crash struct {
	disk  *vfs.MemFS
	op    string
	known ledger
}

func crashConfig(t testing.TB, m memFS) Config {
	return Config{
		FS: m, AEAD: testKey(t, 1), Clock: wall{}, SyncEvery: 20 * time.Millisecond,
		SegmentBytes: 20000, ReserveBytes: 1,
	}
}

// live runs clients on a disk and cuts the power, in a copy, before every
// operation: none, all, and a random part of what was not synced survives.
func live(t *testing.T, rng *rand.Rand, from crash, first int) []crash {
	var mu sync.Mutex
	known := from.known.clone()
	var crashes []crash
	record := func(op string) {
		mu.Lock()
		defer mu.Unlock()
		keep := []int{0, 50, 100}[rng.IntN(3)]
		clone := from.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rng})
		removeSome(t, rng, from.disk, clone)
		crashes = append(crashes, crash{clone, op, known.clone()})
	}
	told := func(f func()) {
		mu.Lock()
		defer mu.Unlock()
		f()
	}
	synctest.Test(t, func(t *testing.T) {
		j, stop := start(t, crashConfig(t, memFS{from.disk, record}))
		var clients sync.WaitGroup
		for n := first; n < first+4; n++ {
			length, end := 1+rng.IntN(24), rng.IntN(8)
			frame := make([]byte, rng.IntN(5000))
			pace := time.Duration(1+rng.IntN(15)) * time.Millisecond
			clients.Go(func() {
				s := newSession(t, j, n)
				told(func() { known.acked[n] = 0 })
				for i := range length {
					if _, err := s.Append(t.Context(), capture.StreamVideo, uint64(i), int64(i), frame); err != nil {
						t.Error(err)
					}
					send(t, s, i, i+1)
					told(func() { known.acked[n] = i + 1 })
					time.Sleep(pace)
				}
				if end > 0 {
					if err := s.Finish(t.Context()); err != nil {
						t.Error(err)
					}
					told(func() { known.finished[n] = true })
				}
				if end > 2 {
					told(func() { known.releasing[n] = true })
					if err := j.Release(t.Context(), testID(n)); err != nil {
						t.Error(err)
					}
					told(func() { known.released[n] = true })
				}
			})
		}
		clients.Wait()
		stop()
	})
	return crashes
}

// removeSome makes some of the removals last that no sync made last; CrashClone
// takes them all back.
func removeSome(t *testing.T, rng *rand.Rand, disk, clone *vfs.MemFS) {
	now, err := disk.List("")
	if err != nil {
		t.Fatal(err)
	}
	then, err := clone.List("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range then {
		if !slices.Contains(now, name) && rng.IntN(2) == 0 {
			if err := clone.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := (memFS{clone, nil}).SyncDir(); err != nil {
		t.Fatal(err)
	}
}

// holds opens the disk after a crash and checks every promise, goes on, and
// checks again after an orderly restart.
func holds(t *testing.T, c crash) {
	synctest.Test(t, func(t *testing.T) {
		next := map[int]int{}
		for round := range 2 {
			j, stop := start(t, crashConfig(t, memFS{c.disk, nil}))
			if st := j.Stats(); st.Damaged != 0 {
				t.Errorf("a power cut before %q counts as damage", c.op)
			}
			for n, acked := range c.known.acked {
				s, err := j.Session(testID(n))
				switch {
				case c.known.released[n]:
					if err == nil {
						t.Errorf("session %d came back from its release", n)
					}
					continue
				case err != nil && c.known.releasing[n]:
					continue
				case err != nil:
					t.Errorf("session %d: %v", n, err)
					continue
				}
				got := int(s.Head(capture.StreamPen).Next)
				check(t, j, n, got)
				if frames := int(s.Head(capture.StreamVideo).Next); frames < acked {
					t.Errorf("session %d has %d frames, and %d later batches", n, frames, acked)
				}
				if got < acked || (round > 0 && got != next[n]) {
					t.Errorf("session %d has %d batches, %d were acknowledged, %d were there", n, got, acked, next[n])
				}
				if c.known.finished[n] && !s.Finished(capture.StreamPen) {
					t.Errorf("session %d is no longer finished", n)
				}
				if !s.Finished(capture.StreamPen) && round == 0 {
					send(t, s, got, got+1)
					got++
				}
				next[n] = got
			}
			stop()
		}
		if t.Failed() {
			t.Fatalf("the power was cut before %q", c.op)
		}
	})
}

// TestPowerLossAtEveryOperation runs histories that go on from one of their own
// crashes. INKWITNESS_POWER_CASES sets how many power cuts there are at least.
func TestPowerLossAtEveryOperation(t *testing.T) {
	want := 2000
	if v, err := strconv.Atoi(os.Getenv("INKWITNESS_POWER_CASES")); err == nil {
		want = v
	}
	cases := 0
	ops := map[string]int{}
	for seed := uint64(1); cases < want; seed++ {
		rng := rand.New(rand.NewPCG(seed, 4))
		from := crash{disk: vfs.NewCrashableMem(), known: newLedger()}
		for life := range 3 {
			crashes := live(t, rng, from, life*4)
			for _, c := range crashes {
				ops[c.op[:min(len(c.op), 5)]]++
				holds(t, crash{c.disk.CrashClone(vfs.CrashCloneCfg{}), c.op, c.known})
				if t.Failed() {
					t.Fatalf("seed %d, life %d", seed, life)
				}
			}
			cases += len(crashes)
			from = crashes[rng.IntN(len(crashes))]
		}
	}
	t.Logf("%d power cuts: %s", cases, fmt.Sprint(ops))
	for _, op := range []string{"creat", "write", "rest ", "sync", "sync ", "remov"} {
		if ops[op] == 0 {
			t.Errorf("the power was never cut before %q: %v", op, slices.Collect(maps.Keys(ops)))
		}
	}
}

// TestRecoveryCountsOnlySyncedRecords: a process dies before its sync, the next
// one finds the records in the page cache and acknowledges them, then the power
// goes.
func TestRecoveryCountsOnlySyncedRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewCrashableMem()
		var died *vfs.MemFS
		all := vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}
		armed := false
		j, stop := start(t, crashConfig(t, memFS{disk, func(op string) {
			if armed && op == "sync" && died == nil {
				died = disk.CrashClone(all)
			}
		}}))
		s := newSession(t, j, 1)
		armed = true
		send(t, s, 0, 3)
		stop()
		// died is as the page cache was, but CrashClone calls it synced; bring
		// the last records in again without a sync.
		cached := vfs.NewCrashableMem()
		copyUnsynced(t, died, cached)
		j, err := Open(crashConfig(t, memFS{cached, nil}))
		if err != nil {
			t.Fatal(err)
		}
		s, err = j.Session(testID(1))
		if err != nil {
			t.Fatal(err)
		}
		head, err := s.Durable(t.Context(), capture.StreamPen)
		if err != nil || head.Next != 3 {
			t.Fatalf("Durable = %d, %v, want the 3 batches of the page cache", head.Next, err)
		}
		lost := cached.CrashClone(vfs.CrashCloneCfg{})
		again, _ := start(t, crashConfig(t, memFS{lost, nil}))
		check(t, again, 1, 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// copyUnsynced copies the files of a disk; their names are synced, their
// content is not.
func copyUnsynced(t *testing.T, from, to *vfs.MemFS) {
	t.Helper()
	names, err := from.List("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		src, err := (memFS{from, nil}).Open(name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := from.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, info.Size())
		if _, err := src.ReadAt(data, 0); len(data) > 0 && err != nil {
			t.Fatal(err)
		}
		dst, err := (memFS{to, nil}).Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dst.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := (memFS{to, nil}).SyncDir(); err != nil {
		t.Fatal(err)
	}
}
