//go:build !(goexperiment.simd && amd64)

package dtw

// Kernel names the kernel in use.
func Kernel() string { return "scalar" }

func diagonal(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	scalar(a, b, k, lo, hi, o, extra, prev2, prev1, cur)
}
