//go:build goexperiment.simd && amd64

package dtw

import "simd/archsimd"

// kernelsHere are all kernels that this machine can run.
func kernelsHere() map[string]kernelFunc {
	m := map[string]kernelFunc{"scalar": scalar}
	if archsimd.X86.AVX2() {
		m["avx2"] = narrow
	}
	if archsimd.X86.AVX512() {
		m["avx512"] = wide
	}
	return m
}
