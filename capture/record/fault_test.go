package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"inkwitness/capture"
)

// faultFS fails operations as told.
type faultFS struct {
	memFS
	fail func(op string, bytes int) error
}

func (f faultFS) Create(name string) (File, error) {
	if err := f.fail("create", 0); err != nil {
		return nil, err
	}
	file, err := f.memFS.Create(name)
	return faultFile{file, f}, err
}

func (f faultFS) Remove(name string) error {
	if err := f.fail("remove "+name, 0); err != nil {
		return err
	}
	return f.memFS.Remove(name)
}

type faultFile struct {
	File
	fs faultFS
}

func (f faultFile) Write(p []byte) (int, error) {
	if err := f.fs.fail("write", len(p)); err != nil {
		n, _ := f.File.Write(p[:len(p)/3]) // a short write
		return n, err
	}
	return f.File.Write(p)
}

func (f faultFile) Sync() error {
	if err := f.fs.fail("sync", 0); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f faultFile) Allocate(n int64) error { return f.fs.fail("allocate", int(n)) }

func faultConfig(t *testing.T, disk *vfs.MemFS, fail func(op string, bytes int) error) Config {
	cfg := testConfig(t, "")
	cfg.FS = faultFS{memFS{disk, nil}, fail}
	return cfg
}

func TestAFailedSyncEndsEverythingAndIsNotTriedAgain(t *testing.T) {
	for _, op := range []string{"sync", "write"} {
		t.Run(op, func(t *testing.T) {
			broken := errors.New("the disk is broken")
			var armed atomic.Bool
			calls := 0
			disk := vfs.NewCrashableMem()
			j, err := Open(faultConfig(t, disk, func(o string, _ int) error {
				if armed.Load() && o == op {
					calls++
					return broken
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			ran := make(chan error, 1)
			go func() { ran <- j.Run(t.Context()) }()
			s := newSession(t, j, 1)
			send(t, s, 0, 3)
			armed.Store(true)
			p, err := s.AppendPen(t.Context(), batch(t, 3), 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Wait(t.Context()); !errors.Is(err, broken) {
				t.Errorf("Wait: %v, though the disk is broken", err)
			}
			if err := <-ran; !errors.Is(err, broken) {
				t.Errorf("Run: %v", err)
			}
			if _, err := s.AppendPen(t.Context(), batch(t, 4), 0); !errors.Is(err, broken) {
				t.Errorf("AppendPen afterwards: %v", err)
			}
			if _, err := j.NewSession(t.Context(), testID(2), testNonce(2), nil); !errors.Is(err, broken) {
				t.Errorf("NewSession afterwards: %v", err)
			}
			if _, err := s.Durable(t.Context(), capture.StreamPen); !errors.Is(err, broken) {
				t.Errorf("Durable afterwards: %v", err)
			}
			if calls != 1 {
				t.Errorf("the failed %s was tried %d times", op, calls)
			}
		})
	}
}

func TestEveryFailureOfOpenIsReported(t *testing.T) {
	broken := errors.New("the disk is broken")
	for _, op := range []string{"open", "list", "read"} {
		disk := vfs.NewCrashableMem()
		j, stop := start(t, faultConfig(t, disk, func(string, int) error { return nil }))
		send(t, newSession(t, j, 1), 0, 3)
		stop()
		cfg := testConfig(t, "")
		cfg.FS = badFS{memFS{disk, nil}, op, broken}
		if _, err := Open(cfg); !errors.Is(err, broken) {
			t.Errorf("%s: Open: %v", op, err)
		}
	}
}

// badFS cannot be read.
type badFS struct {
	memFS
	op  string
	err error
}

func (f badFS) List() ([]string, error) {
	if f.op == "list" {
		return nil, f.err
	}
	return f.memFS.List()
}

func (f badFS) Open(name string) (File, error) {
	if f.op == "open" {
		return nil, f.err
	}
	file, err := f.memFS.Open(name)
	return badFile{file, f}, err
}

type badFile struct {
	File
	fs badFS
}

func (f badFile) ReadAt(p []byte, off int64) (int, error) {
	if f.fs.op == "read" && len(p) > headerSize+1 {
		return 0, f.fs.err
	}
	n, err := f.File.ReadAt(p, off)
	if n < len(p) && err == nil {
		err = io.EOF
	}
	return n, err
}

func TestAFullDiskUsesTheReserveThenWaits(t *testing.T) {
	var room atomic.Int64
	room.Store(1 << 30)
	free := func() (float64, error) { return min(1, float64(room.Load())/1000), nil }
	const reserve = 5000
	var held atomic.Bool // the reserve's room is taken: a file that got no room gives none back
	disk := vfs.NewCrashableMem()
	cfg := faultConfig(t, disk, func(op string, bytes int) error {
		switch {
		case op == "remove "+reserveName:
			if held.Swap(false) {
				room.Add(reserve)
			}
		case op == "allocate" && bytes == reserve && room.Load() < reserve:
			return syscall.ENOSPC
		case op == "allocate" && bytes == reserve:
			held.Store(true)
			room.Add(-reserve)
		case op == "write" && room.Load() < int64(bytes):
			return syscall.ENOSPC
		case op == "write":
			room.Add(-int64(bytes))
		}
		return nil
	})
	cfg.ReserveBytes, cfg.Free = reserve, free
	j, _ := start(t, cfg)
	s := newSession(t, j, 1)
	send(t, s, 0, 3)

	room.Store(0)
	send(t, s, 3, 10) // from the reserve
	if j.Stats().Reserve {
		t.Error("the reserve is still there")
	}
	if _, err := j.NewSession(t.Context(), testID(2), testNonce(2), nil); !errors.Is(err, capture.ErrDiskFull) {
		t.Errorf("NewSession on a full disk: %v", err)
	}

	room.Store(0) // now the reserve is full, too
	p, err := s.AppendPen(t.Context(), batch(t, 10), 0)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait with no room at all: %v", err)
	}
	room.Store(1 << 20)
	if head, err := p.Wait(t.Context()); err != nil || head.Next != 11 {
		t.Errorf("Wait once there is room: %d, %v", head.Next, err)
	}
	for i := 0; !j.Stats().Reserve && i < 500; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	newSession(t, j, 2)
	check(t, j, 1, 11)
}

// TestAFlippedByteIsFound flips each byte of a small journal in turn: what was
// acknowledged is read back exactly or the loss is told, and never is a wrong
// byte handed out.
func TestAFlippedByteIsFound(t *testing.T) {
	disk := vfs.NewCrashableMem()
	ok := func(string, int) error { return nil }
	j, stop := start(t, faultConfig(t, disk, ok))
	for n := range 3 {
		s := newSession(t, j, n)
		send(t, s, 0, 4)
		if err := s.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	name := (&segment{num: 1}).name()
	clean, err := disk.UnsafeGetFileDataBuffer(name)
	if err != nil {
		t.Fatal(err)
	}
	size := len(clean)
	lost := 0
	for off := range size {
		rotten := disk.CrashClone(vfs.CrashCloneCfg{})
		data, err := rotten.UnsafeGetFileDataBuffer(name)
		if err != nil {
			t.Fatal(err)
		}
		data[off] ^= 1 << rand.IntN(8)
		cfg := faultConfig(t, rotten, ok)
		cfg.Logger = nil
		j, err := Open(cfg)
		if err != nil {
			if off >= headerSize || !errors.Is(err, capture.ErrDamaged) {
				t.Fatalf("byte %d: Open: %v", off, err)
			}
			continue
		}
		whole := 0
		for n := range 3 {
			if intact(t, j, n, 4) {
				whole++
			}
		}
		last := off >= size-frameMore-1 // the mark at the end: nothing follows that could tell, and nothing is lost
		if damaged := j.Stats().Damaged > 0; damaged == last {
			t.Errorf("byte %d of %d: damage found: %v", off, size, damaged)
		}
		if whole < 2 {
			t.Errorf("byte %d: %d of 3 sessions are whole", off, whole)
		}
		lost += 3 - whole
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	}
	if lost == 0 {
		t.Error("no flipped byte hurt a session")
	}
}

// intact tells whether session n has all its batches, and fails the test if one
// of them is wrong.
func intact(t *testing.T, j *Journal, n, want int) bool {
	s, err := j.Session(testID(n))
	if err != nil {
		return false
	}
	r, err := s.Recording(t.Context())
	if err != nil {
		return false
	}
	got := 0
	for frame, err := range r.Frames(capture.StreamPen) {
		if err != nil {
			return false
		}
		if string(frame.Payload) != string(batch(t, got)) {
			t.Fatalf("session %d: wrong bytes were handed out", n)
		}
		got++
	}
	return got == want
}

func TestALostSegmentIsFound(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.SegmentBytes = 2000
	j, stop := start(t, cfg)
	s := newSession(t, j, 1)
	for n := range 100 {
		send(t, s, n, n+1)
	}
	stop()
	if err := os.Remove(filepath.Join(dir, (&segment{num: 2}).name())); err != nil {
		t.Fatal(err)
	}
	cfg.Logger = nil
	j, _ = start(t, cfg)
	s, err := j.Session(testID(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recording(t.Context()); !errors.Is(err, capture.ErrDamaged) {
		t.Errorf("Recording: %v", err)
	}
	if _, err := s.AppendPen(t.Context(), batch(t, 100), 0); !errors.Is(err, capture.ErrDamaged) {
		t.Errorf("AppendPen: %v", err)
	}
	if j.Stats().Damaged == 0 {
		t.Error("no damage is counted")
	}
}

const smallDisk = "INKWITNESS_SMALL_DISK"

// TestARealFullDisk fills a real file system of 16 MB, in a process with its own
// mount table.
func TestARealFullDisk(t *testing.T) {
	if dir := os.Getenv(smallDisk); dir != "" {
		fillDisk(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestARealFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), smallDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the disk was full") {
		t.Errorf("%v\n%s", err, out)
	}
}

func fillDisk(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t, filepath.Join(dir, "journal"))
	cfg.Free, cfg.ReserveBytes, cfg.SegmentBytes = nil, 4<<20, 1<<20
	j, stop := start(t, cfg)
	running := make([]*Session, 10)
	for n := range running {
		running[n] = newSession(t, j, n)
		send(t, running[n], 0, 10)
	}
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = ballast.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if _, err := j.NewSession(t.Context(), testID(99), testNonce(99), nil); !errors.Is(err, capture.ErrDiskFull) {
		t.Errorf("NewSession on a full disk: %v", err)
	}
	frame := make([]byte, 20_000) // 10 sessions send 1.4 MB each, more than is allocated ahead, less than the reserve in all
	for n, s := range running {
		for i := range 14 {
			if _, err := s.Append(t.Context(), capture.StreamVideo, uint64(i), int64(i), frame); err != nil {
				t.Fatal(err)
			}
		}
		send(t, s, 10, 20)
		if err := s.Finish(t.Context()); err != nil {
			t.Errorf("session %d cannot finish: %v", n, err)
		}
	}
	fmt.Println("the disk was full")
	if err := errors.Join(ballast.Close(), os.Remove(ballast.Name())); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	for {
		if _, err := j.NewSession(t.Context(), testID(99), testNonce(99), nil); err == nil {
			break
		}
		if time.Since(freed) > 5*time.Second {
			t.Fatal("no new session 5 s after there was room again")
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	again, _ := start(t, cfg)
	for n := range running {
		check(t, again, n, 20)
	}
}
