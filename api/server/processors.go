package server

import (
	"os"
	"runtime"
)

// UseProcessors doubles the number of goroutines that run at once, unless the environment
// sets GOMAXPROCS. One that waits for the disk counts as running until Go's runtime
// notices, and sealing does little else: with as many as there are processors, these stand
// idle meanwhile (GOMAXPROCS=2 beside 4 in BenchmarkDeposits shows it on two of them). Call
// it after New, which sizes pools by the processors that there are. From then on the number
// no longer follows a container's limit that is changed while the program runs. It returns
// what undoes it.
func UseProcessors() (undo func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(2 * before)
	return func() { runtime.GOMAXPROCS(before) }
}
