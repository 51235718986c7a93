//go:build goexperiment.simd && amd64

package dtw

import (
	"simd/archsimd"
	"unsafe"
)

// narrow is an anti-diagonal by two vectors of 8 cells at a time.
func narrow(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	// Scalar floating point between vector instructions stalls many processors,
	// so it is done before the loops and the upper halves are cleared at the end.
	pen, ext, most := archsimd.BroadcastFloat32x8(o.Penalty), archsimd.BroadcastFloat32x8(extra), archsimd.BroadcastFloat32x8(o.Cap)

	p2, p1, pc := unsafe.Pointer(&prev2[0]), unsafe.Pointer(&prev1[0]), unsafe.Pointer(&cur[0])
	shift := b.n - 1 - k
	for i := lo; i <= hi; i += 16 {
		oa, ob := i*4, (shift+i)*4
		var c, e archsimd.Float32x8
		switch {
		case o.Metric == L2:
			c, e = narrowSquares(a, b, oa, ob)
		case o.Cap > 0:
			c, e = narrowCapped(a, b, oa, ob, most)
		default:
			c, e = narrowDifferences(a, b, oa, ob)
		}
		at := i * 4
		best := load8(unsafe.Add(p1, at+4)).Min(load8(unsafe.Add(p1, at))).Add(pen)
		best = best.Min(load8(unsafe.Add(p2, at)).Add(ext.Mul(c)))
		best.Add(c).Store((*[8]float32)(unsafe.Add(pc, at+4)))
		if i+8 > hi {
			break
		}
		at += 32
		best = load8(unsafe.Add(p1, at+4)).Min(load8(unsafe.Add(p1, at))).Add(pen)
		best = best.Min(load8(unsafe.Add(p2, at)).Add(ext.Mul(e)))
		best.Add(e).Store((*[8]float32)(unsafe.Add(pc, at+4)))
	}
	archsimd.ClearAVXUpperBits()
}

func narrowDifferences(a, b *Series, oa, ob int) (c, e archsimd.Float32x8) {
	abs := archsimd.BroadcastInt32x8(0x7fffffff)
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	for range a.d {
		pa, pb := unsafe.Add(fwd, oa), unsafe.Add(rev, ob)
		c = c.Add(load8(pa).Sub(load8(pb)).AsInt32x8().And(abs).AsFloat32x8())
		e = e.Add(load8(unsafe.Add(pa, 32)).Sub(load8(unsafe.Add(pb, 32))).AsInt32x8().And(abs).AsFloat32x8())
		oa, ob = oa+4*a.stride, ob+4*b.stride
	}
	return c, e
}

func narrowSquares(a, b *Series, oa, ob int) (c, e archsimd.Float32x8) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	for range a.d {
		pa, pb := unsafe.Add(fwd, oa), unsafe.Add(rev, ob)
		x, y := load8(pa).Sub(load8(pb)), load8(unsafe.Add(pa, 32)).Sub(load8(unsafe.Add(pb, 32)))
		c, e = x.Mul(x).Add(c), y.Mul(y).Add(e)
		oa, ob = oa+4*a.stride, ob+4*b.stride
	}
	return c, e
}

func narrowCapped(a, b *Series, oa, ob int, most archsimd.Float32x8) (c, e archsimd.Float32x8) {
	abs := archsimd.BroadcastInt32x8(0x7fffffff)
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	caps := unsafe.Pointer(&a.lanes[0])
	for range a.d {
		pa, pb := unsafe.Add(fwd, oa), unsafe.Add(rev, ob)
		m := most.Mul(load8(caps))
		caps = unsafe.Add(caps, 4*lanes/2)
		c = c.Add(load8(pa).Sub(load8(pb)).AsInt32x8().And(abs).AsFloat32x8().Min(m))
		e = e.Add(load8(unsafe.Add(pa, 32)).Sub(load8(unsafe.Add(pb, 32))).AsInt32x8().And(abs).AsFloat32x8().Min(m))
		oa, ob = oa+4*a.stride, ob+4*b.stride
	}
	return c, e
}
