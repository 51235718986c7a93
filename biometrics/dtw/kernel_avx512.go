//go:build goexperiment.simd && amd64

package dtw

import (
	"simd/archsimd"
	"unsafe"
)

// wide is narrow by two vectors of 16 cells at a time, and for the same reasons
// written as it is.
func wide(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	rows := rows{p2: unsafe.Pointer(&prev2[0]), p1: unsafe.Pointer(&prev1[0]), pc: unsafe.Pointer(&cur[0])}
	switch {
	case o.Metric == L2:
		wideSquares(rows, a, b, b.n-1-k, lo, hi, o.Penalty, extra)
	case o.Cap > 0:
		wideCapped(rows, a, b, b.n-1-k, lo, hi, o.Penalty, extra, o.Cap)
	default:
		wideDifferences(rows, a, b, b.n-1-k, lo, hi, o.Penalty, extra)
	}
	archsimd.ClearAVXUpperBits()
}

// store16 finishes 16 cells from their local costs; at is the offset of the first.
func store16(r rows, at int, cost, penalty, extra archsimd.Float32x16) {
	best := load16(unsafe.Add(r.p1, at+4)).Min(load16(unsafe.Add(r.p1, at))).Add(penalty)
	best = best.Min(load16(unsafe.Add(r.p2, at)).Add(extra.Mul(cost)))
	best.Add(cost).Store((*[16]float32)(unsafe.Add(r.pc, at+4)))
}

//go:norace
//go:nocheckptr
func wideSquares(r rows, a, b *Series, shift, lo, hi int, pen, ext float32) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	channels, nextA, nextB := a.d, 4*a.stride, 4*b.stride
	penalty, extra := archsimd.BroadcastFloat32x16(pen), archsimd.BroadcastFloat32x16(ext)
	for i := lo; i <= hi; i += 32 {
		oa, ob := 4*i, 4*(shift+i)
		var c, e archsimd.Float32x16
		for range channels {
			x := load16(unsafe.Add(fwd, oa)).Sub(load16(unsafe.Add(rev, ob)))
			y := load16(unsafe.Add(fwd, oa+64)).Sub(load16(unsafe.Add(rev, ob+64)))
			c, e = x.MulAdd(x, c), y.MulAdd(y, e)
			oa, ob = oa+nextA, ob+nextB
		}
		store16(r, 4*i, c, penalty, extra)
		store16(r, 4*i+64, e, penalty, extra)
	}
}

//go:norace
//go:nocheckptr
func wideDifferences(r rows, a, b *Series, shift, lo, hi int, pen, ext float32) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	channels, nextA, nextB := a.d, 4*a.stride, 4*b.stride
	penalty, extra := archsimd.BroadcastFloat32x16(pen), archsimd.BroadcastFloat32x16(ext)
	abs := archsimd.BroadcastInt32x16(0x7fffffff)
	for i := lo; i <= hi; i += 32 {
		oa, ob := 4*i, 4*(shift+i)
		var c, e archsimd.Float32x16
		for range channels {
			x := load16(unsafe.Add(fwd, oa)).Sub(load16(unsafe.Add(rev, ob))).AsInt32x16().And(abs).AsFloat32x16()
			y := load16(unsafe.Add(fwd, oa+64)).Sub(load16(unsafe.Add(rev, ob+64))).AsInt32x16().And(abs).AsFloat32x16()
			c, e = c.Add(x), e.Add(y)
			oa, ob = oa+nextA, ob+nextB
		}
		store16(r, 4*i, c, penalty, extra)
		store16(r, 4*i+64, e, penalty, extra)
	}
}

//go:norace
//go:nocheckptr
func wideCapped(r rows, a, b *Series, shift, lo, hi int, pen, ext, most float32) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	weights, factor := unsafe.Pointer(&a.repeated[0]), archsimd.BroadcastFloat32x16(most)
	channels, nextA, nextB := a.d, 4*a.stride, 4*b.stride
	penalty, extra := archsimd.BroadcastFloat32x16(pen), archsimd.BroadcastFloat32x16(ext)
	abs := archsimd.BroadcastInt32x16(0x7fffffff)
	for i := lo; i <= hi; i += 32 {
		oa, ob, ow := 4*i, 4*(shift+i), 0
		var c, e archsimd.Float32x16
		for range channels {
			m := load16(unsafe.Add(weights, ow)).Mul(factor)
			x := load16(unsafe.Add(fwd, oa)).Sub(load16(unsafe.Add(rev, ob))).AsInt32x16().And(abs).AsFloat32x16().Min(m)
			y := load16(unsafe.Add(fwd, oa+64)).Sub(load16(unsafe.Add(rev, ob+64))).AsInt32x16().And(abs).AsFloat32x16().Min(m)
			c, e = c.Add(x), e.Add(y)
			oa, ob, ow = oa+nextA, ob+nextB, ow+4*repeats
		}
		store16(r, 4*i, c, penalty, extra)
		store16(r, 4*i+64, e, penalty, extra)
	}
}
