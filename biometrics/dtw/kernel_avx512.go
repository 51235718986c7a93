//go:build goexperiment.simd && amd64

package dtw

import (
	"simd/archsimd"
	"unsafe"
)

// wide is an anti-diagonal by two vectors of 16 cells at a time.
func wide(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	// Scalar floating point between vector instructions stalls many processors,
	// so it is done before the loops and the upper halves are cleared at the end.
	pen, ext, most := archsimd.BroadcastFloat32x16(o.Penalty), archsimd.BroadcastFloat32x16(extra), archsimd.BroadcastFloat32x16(o.Cap)

	p2, p1, pc := unsafe.Pointer(&prev2[0]), unsafe.Pointer(&prev1[0]), unsafe.Pointer(&cur[0])
	shift := b.n - 1 - k
	for i := lo; i <= hi; i += 32 {
		oa, ob := i*4, (shift+i)*4
		var c, e archsimd.Float32x16
		switch {
		case o.Metric == L2:
			c, e = wideSquares(a, b, oa, ob)
		case o.Cap > 0:
			c, e = wideCapped(a, b, oa, ob, most)
		default:
			c, e = wideDifferences(a, b, oa, ob)
		}
		at := i * 4
		best := load16(unsafe.Add(p1, at+4)).Min(load16(unsafe.Add(p1, at))).Add(pen)
		best = best.Min(load16(unsafe.Add(p2, at)).Add(ext.Mul(c)))
		best.Add(c).Store((*[16]float32)(unsafe.Add(pc, at+4)))
		if i+16 > hi {
			break
		}
		at += 64
		best = load16(unsafe.Add(p1, at+4)).Min(load16(unsafe.Add(p1, at))).Add(pen)
		best = best.Min(load16(unsafe.Add(p2, at)).Add(ext.Mul(e)))
		best.Add(e).Store((*[16]float32)(unsafe.Add(pc, at+4)))
	}
	archsimd.ClearAVXUpperBits()
}

func wideDifferences(a, b *Series, oa, ob int) (c, e archsimd.Float32x16) {
	abs := archsimd.BroadcastInt32x16(0x7fffffff)
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	for range a.d {
		pa, pb := unsafe.Add(fwd, oa), unsafe.Add(rev, ob)
		c = c.Add(load16(pa).Sub(load16(pb)).AsInt32x16().And(abs).AsFloat32x16())
		e = e.Add(load16(unsafe.Add(pa, 64)).Sub(load16(unsafe.Add(pb, 64))).AsInt32x16().And(abs).AsFloat32x16())
		oa, ob = oa+4*a.stride, ob+4*b.stride
	}
	return c, e
}

func wideSquares(a, b *Series, oa, ob int) (c, e archsimd.Float32x16) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	for range a.d {
		pa, pb := unsafe.Add(fwd, oa), unsafe.Add(rev, ob)
		x, y := load16(pa).Sub(load16(pb)), load16(unsafe.Add(pa, 64)).Sub(load16(unsafe.Add(pb, 64)))
		c, e = x.MulAdd(x, c), y.MulAdd(y, e)
		oa, ob = oa+4*a.stride, ob+4*b.stride
	}
	return c, e
}

func wideCapped(a, b *Series, oa, ob int, most archsimd.Float32x16) (c, e archsimd.Float32x16) {
	abs := archsimd.BroadcastInt32x16(0x7fffffff)
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	caps := unsafe.Pointer(&a.lanes[0])
	for range a.d {
		pa, pb := unsafe.Add(fwd, oa), unsafe.Add(rev, ob)
		m := most.Mul(load16(caps))
		caps = unsafe.Add(caps, 4*lanes/2)
		c = c.Add(load16(pa).Sub(load16(pb)).AsInt32x16().And(abs).AsFloat32x16().Min(m))
		e = e.Add(load16(unsafe.Add(pa, 64)).Sub(load16(unsafe.Add(pb, 64))).AsInt32x16().And(abs).AsFloat32x16().Min(m))
		oa, ob = oa+4*a.stride, ob+4*b.stride
	}
	return c, e
}
