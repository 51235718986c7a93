package inspect_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"inkwitness/capture/archive/archivetest"
	"inkwitness/capture/inspect"
)

// folder is a recording's files on the disk.
type folder string

// Open implements inspect.Files.
func (d folder) Open(name string) io.ReadCloser {
	f, err := os.Open(filepath.Join(string(d), name))
	if err != nil {
		return nil
	}
	return f
}

// written makes a recording with so many bytes of video, and returns the size of
// all its files.
func written(t testing.TB, video int64) (d folder, size int64) {
	t.Helper()
	d = folder(t.TempDir())
	for _, one := range archivetest.Make(t, "00112233445566778899aabbccddeeff", video).Files {
		f, err := os.Create(filepath.Join(string(d), one.Name))
		if err != nil {
			t.Fatal(err)
		}
		if err := one.Write(f); err != nil {
			t.Fatal(err)
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		size += at
	}
	return d, size
}

// TestLargeRecording: what is allocated in all does not grow with the pictures.
func TestLargeRecording(t *testing.T) {
	d, size := written(t, 50<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	findings, err := inspect.Check(d)
	runtime.ReadMemStats(&after)
	if err != nil || len(findings) > 0 {
		t.Errorf("found %v, %v", findings, err)
	}
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 8 {
		t.Errorf("%d MB were allocated in all for a recording of %d MB", used, size>>20)
	}
}

func BenchmarkCheck(b *testing.B) {
	d, size := written(b, 20<<20)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if findings, err := inspect.Check(d); err != nil || len(findings) > 0 {
			b.Fatal(findings, err)
		}
	}
}
