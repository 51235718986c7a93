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

// The kernels read up to a vector beyond the last cell: New pads every channel
// and work.reset every row, so all reads and writes stay inside the slices. What
// is written beyond hi is guarded or overwritten before it is read as a cell.

func load16(p unsafe.Pointer) archsimd.Float32x16 {
	return archsimd.LoadFloat32x16((*[16]float32)(p))
}

func load8(p unsafe.Pointer) archsimd.Float32x8 {
	return archsimd.LoadFloat32x8((*[8]float32)(p))
}

// wide is an anti-diagonal by 16 cells at a time.
func wide(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	abs := archsimd.BroadcastInt32x16(0x7fffffff)
	pen := archsimd.BroadcastFloat32x16(o.Penalty)
	ext := archsimd.BroadcastFloat32x16(extra)
	sa, sb := uintptr(a.stride)*4, uintptr(b.stride)*4
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	p2, p1, pc := unsafe.Pointer(&prev2[0]), unsafe.Pointer(&prev1[0]), unsafe.Pointer(&cur[0])
	shift := b.n - 1 - k
	for i := lo; i <= hi; i += 16 {
		pa, pb := unsafe.Add(fwd, i*4), unsafe.Add(rev, (shift+i)*4)
		var c archsimd.Float32x16
		if o.Metric == L1 {
			c = load16(pa).Sub(load16(pb)).AsInt32x16().And(abs).AsFloat32x16()
			for d := 1; d < a.d; d++ {
				pa, pb = unsafe.Add(pa, sa), unsafe.Add(pb, sb)
				c = c.Add(load16(pa).Sub(load16(pb)).AsInt32x16().And(abs).AsFloat32x16())
			}
		} else {
			diff := load16(pa).Sub(load16(pb))
			c = diff.Mul(diff)
			for d := 1; d < a.d; d++ {
				pa, pb = unsafe.Add(pa, sa), unsafe.Add(pb, sb)
				diff = load16(pa).Sub(load16(pb))
				c = diff.MulAdd(diff, c)
			}
		}
		at := i * 4
		best := load16(unsafe.Add(p1, at+4)).Min(load16(unsafe.Add(p1, at))).Add(pen)
		best = best.Min(load16(unsafe.Add(p2, at)).Add(ext.Mul(c)))
		best.Add(c).Store((*[16]float32)(unsafe.Add(pc, at+4)))
	}
}

// narrow is an anti-diagonal by 8 cells at a time.
func narrow(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	abs := archsimd.BroadcastInt32x8(0x7fffffff)
	pen := archsimd.BroadcastFloat32x8(o.Penalty)
	ext := archsimd.BroadcastFloat32x8(extra)
	sa, sb := uintptr(a.stride)*4, uintptr(b.stride)*4
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	p2, p1, pc := unsafe.Pointer(&prev2[0]), unsafe.Pointer(&prev1[0]), unsafe.Pointer(&cur[0])
	shift := b.n - 1 - k
	for i := lo; i <= hi; i += 8 {
		pa, pb := unsafe.Add(fwd, i*4), unsafe.Add(rev, (shift+i)*4)
		var c archsimd.Float32x8
		if o.Metric == L1 {
			c = load8(pa).Sub(load8(pb)).AsInt32x8().And(abs).AsFloat32x8()
			for d := 1; d < a.d; d++ {
				pa, pb = unsafe.Add(pa, sa), unsafe.Add(pb, sb)
				c = c.Add(load8(pa).Sub(load8(pb)).AsInt32x8().And(abs).AsFloat32x8())
			}
		} else {
			diff := load8(pa).Sub(load8(pb))
			c = diff.Mul(diff)
			for d := 1; d < a.d; d++ {
				pa, pb = unsafe.Add(pa, sa), unsafe.Add(pb, sb)
				diff = load8(pa).Sub(load8(pb))
				c = diff.Mul(diff).Add(c)
			}
		}
		at := i * 4
		best := load8(unsafe.Add(p1, at+4)).Min(load8(unsafe.Add(p1, at))).Add(pen)
		best = best.Min(load8(unsafe.Add(p2, at)).Add(ext.Mul(c)))
		best.Add(c).Store((*[8]float32)(unsafe.Add(pc, at+4)))
	}
}
