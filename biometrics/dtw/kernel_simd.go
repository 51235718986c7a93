//go:build goexperiment.simd && amd64

package dtw

import (
	"simd/archsimd"
	"unsafe"
)

// kernel is chosen once, from what the processor has.
var kernel = choose()

type choice struct {
	name string
	run  kernelFunc
}

func choose() choice {
	switch {
	case archsimd.X86.AVX512():
		return choice{"avx512", wide}
	case archsimd.X86.AVX2():
		return choice{"avx2", narrow}
	}
	return choice{"scalar", scalar}
}

// Kernel names the kernel in use.
func Kernel() string { return kernel.name }

func diagonal(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	kernel.run(a, b, k, lo, hi, o, extra, prev2, prev1, cur)
}

// The kernels read up to two vectors beyond the last cell: New pads every channel
// and work.reset every row, so all reads and writes stay inside the slices. What
// is written beyond hi is guarded or overwritten before it is read as a cell.

func load16(p unsafe.Pointer) archsimd.Float32x16 {
	return archsimd.LoadFloat32x16((*[16]float32)(p))
}

func load8(p unsafe.Pointer) archsimd.Float32x8 {
	return archsimd.LoadFloat32x8((*[8]float32)(p))
}
