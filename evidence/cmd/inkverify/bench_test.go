package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"inkwitness/evidence/seal/sealtest"
)

// BenchmarkInkverify runs the program on a sealed deposit, and sha256sum on the
// same file: what both take of the processor, and the most memory that ours has.
// INKWITNESS_FULL=1 adds a deposit of 1 GB.
func BenchmarkInkverify(b *testing.B) {
	program := filepath.Join(b.TempDir(), "inkverify")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	sizes := []int{20}
	if os.Getenv("INKWITNESS_FULL") != "" {
		sizes = append(sizes, 1000)
	}
	for _, megabytes := range sizes {
		b.Run(fmt.Sprintf("%dMB", megabytes), func(b *testing.B) {
			w := sealtest.New(b)
			d := w.Sealed(20, megabytes*1_000_000/len(sealtest.People))
			file := filepath.Join(b.TempDir(), "d.asice")
			if err := os.WriteFile(file, w.Bytes(d.Container), 0o600); err != nil {
				b.Fatal(err)
			}
			var ours, sums time.Duration
			var memory int64
			for b.Loop() {
				own := measured(b, program, file)
				ours, memory = ours+own.CPU, max(memory, own.Memory)
				b.StopTimer()
				sums += measured(b, "sha256sum", file).CPU
				b.StartTimer()
			}
			b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "cpu-ms")
			b.ReportMetric(float64(memory)/1024, "MB-memory")
			b.ReportMetric(float64(sums.Microseconds())/1000/float64(b.N), "sha256sum-cpu-ms")
			b.ReportMetric(float64(sums)/float64(ours), "of-its-speed")
		})
	}
}

// usage is what a program took: processor time, and peak memory in KiB.
type usage struct {
	CPU    time.Duration
	Memory int64
}

// TestMain makes the test binary a small parent of what is measured: Linux counts
// the parent's memory at the fork as the child's.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != "measure" {
		os.Exit(m.Run())
	}
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		os.Exit(1)
	}
	state := cmd.ProcessState
	_ = json.NewEncoder(os.Stdout).Encode(usage{state.UserTime() + state.SystemTime(), state.SysUsage().(*syscall.Rusage).Maxrss})
}

// measured runs a program on a file.
func measured(b *testing.B, program, file string) (u usage) {
	b.Helper()
	out, err := exec.Command(os.Args[0], "measure", program, file).Output()
	if err == nil {
		err = json.Unmarshal(out, &u)
	}
	if err != nil {
		b.Fatalf("%s: %v\n%s", program, err, out)
	}
	return u
}
