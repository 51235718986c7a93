package record

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"inkwitness/capture"
)

// TestEveryOperationMayFail lets the n-th operation on the disk fail, for every
// n that a run has, once for good and once for a while: what was acknowledged is
// there when the disk is well again, and who was not acknowledged was told.
func TestEveryOperationMayFail(t *testing.T) {
	for name, cause := range map[string]error{"I/O error": syscall.EIO, "full disk": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				if !failAt(t, n, cause) {
					if n < 30 {
						t.Errorf("a run has only %d operations", n)
					}
					return
				}
				if t.Failed() {
					t.Fatalf("operation %d", n)
				}
			}
		})
	}
}

// failAt runs three sessions on a disk whose n-th operation fails. It is false
// when there were not that many.
func failAt(t *testing.T, n int, cause error) (failed bool) {
	disk := vfs.NewCrashableMem()
	acked := map[int]int{}
	synctest.Test(t, func(t *testing.T) {
		ops := 0
		cfg := faultConfig(t, disk, func(string, int) error {
			if ops++; ops == n {
				failed = true
				return cause
			}
			return nil
		})
		cfg.SegmentBytes, cfg.Logger = 1500, nil
		j, err := Open(cfg)
		if err != nil {
			return // it was told
		}
		opening := failed // then it was the reserve: sessions wait until there is one
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- j.Run(ctx) }()
		for k := range 3 {
			acked[k] = feed(t, j, k)
		}
		if err := j.Release(t.Context(), testID(0)); err == nil {
			delete(acked, 0)
		} else if _, there := acked[0]; there {
			acked[0] = min(acked[0], 0) // released or not, nobody knows
		}
		time.Sleep(3 * time.Second)
		cancel()
		err = <-ran
		if failed && !opening && errors.Is(cause, syscall.EIO) && err == nil {
			t.Errorf("Run does not tell of the failure")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		cfg := faultConfig(t, disk.CrashClone(vfs.CrashCloneCfg{}), func(string, int) error { return nil })
		j, _ := start(t, cfg)
		for k, want := range acked {
			s, err := j.Session(testID(k))
			if err != nil {
				if want > 0 {
					t.Errorf("session %d with %d acknowledged batches: %v", k, want, err)
				}
				continue
			}
			got := int(s.Head(capture.StreamPen).Next)
			if got < want {
				t.Errorf("session %d has %d batches, %d were acknowledged", k, got, want)
			}
			check(t, j, k, got)
		}
	})
	return failed
}

// feed returns how many batches of a session were acknowledged, -1 if not even
// the session was.
func feed(t *testing.T, j *Journal, k int) int {
	s, err := j.NewSession(t.Context(), testID(k), testNonce(k), nil)
	if err != nil {
		return -1
	}
	for i := range 10 {
		p, err := s.AppendPen(t.Context(), batch(t, i), 0)
		if err != nil {
			return i
		}
		if _, err := p.Wait(t.Context()); err != nil {
			return i
		}
	}
	return 10
}

// TestStoppingMayRaceWithAppending stops the journal under ten writers, again
// and again: each append is acknowledged and kept, or fails.
func TestStoppingMayRaceWithAppending(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	acked := make([]int, 10)
	j, stop := start(t, cfg)
	for n := range acked {
		newSession(t, j, n)
	}
	for range 30 {
		var writers sync.WaitGroup
		for n := range acked {
			s, err := j.Session(testID(n))
			if err != nil {
				t.Fatal(err)
			}
			next := int(s.Head(capture.StreamPen).Next)
			if next < acked[n] {
				t.Fatalf("session %d has %d batches, %d were acknowledged", n, next, acked[n])
			}
			writers.Go(func() {
				for i := next; ; i++ {
					p, err := s.AppendPen(context.Background(), batch(t, i), 0)
					if err == nil {
						_, err = p.Wait(context.Background())
					}
					if errors.Is(err, capture.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					acked[n] = i + 1
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		stop()
		writers.Wait()
		j, stop = start(t, cfg)
	}
	for n := range acked {
		s, err := j.Session(testID(n))
		if err != nil {
			t.Fatal(err)
		}
		check(t, j, n, int(s.Head(capture.StreamPen).Next))
	}
}
