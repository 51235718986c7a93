//go:build goexperiment.simd && amd64

package dtw

import (
	"simd/archsimd"
	"unsafe"
)

// narrow is an anti-diagonal by two vectors of 8 cells at a time. The choice of
// the cost stands outside of the loops, and no scalar float inside them: the
// compiler gives those legacy SSE instructions, which beside wide registers cost
// ten times the work itself. ClearAVXUpperBits ends that state for the caller. For
// the same reason the loops are not watched by the race detector and checkptr, whose
// calls made tests two hundred times slower; the callers, who own the rows, are.
func narrow(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	rows := rows{p2: unsafe.Pointer(&prev2[0]), p1: unsafe.Pointer(&prev1[0]), pc: unsafe.Pointer(&cur[0])}
	switch {
	case o.Metric == L2:
		narrowSquares(rows, a, b, b.n-1-k, lo, hi, o.Penalty, extra)
	case o.Cap > 0:
		narrowCapped(rows, a, b, b.n-1-k, lo, hi, o.Penalty, extra, o.Cap)
	default:
		narrowDifferences(rows, a, b, b.n-1-k, lo, hi, o.Penalty, extra)
	}
	archsimd.ClearAVXUpperBits()
}

// rows are the anti-diagonals: two before and the current one.
type rows struct{ p2, p1, pc unsafe.Pointer }

// store8 finishes 8 cells from their local costs; at is the offset of the first.
func store8(r rows, at int, cost, penalty, extra archsimd.Float32x8) {
	best := load8(unsafe.Add(r.p1, at+4)).Min(load8(unsafe.Add(r.p1, at))).Add(penalty)
	best = best.Min(load8(unsafe.Add(r.p2, at)).Add(extra.Mul(cost)))
	best.Add(cost).Store((*[8]float32)(unsafe.Add(r.pc, at+4)))
}

//go:norace
//go:nocheckptr
func narrowSquares(r rows, a, b *Series, shift, lo, hi int, pen, ext float32) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	channels, nextA, nextB := a.d, 4*a.stride, 4*b.stride
	penalty, extra := archsimd.BroadcastFloat32x8(pen), archsimd.BroadcastFloat32x8(ext)
	for i := lo; i <= hi; i += 16 {
		oa, ob := 4*i, 4*(shift+i)
		var c, e archsimd.Float32x8
		for range channels {
			x := load8(unsafe.Add(fwd, oa)).Sub(load8(unsafe.Add(rev, ob)))
			y := load8(unsafe.Add(fwd, oa+32)).Sub(load8(unsafe.Add(rev, ob+32)))
			c, e = x.Mul(x).Add(c), y.Mul(y).Add(e)
			oa, ob = oa+nextA, ob+nextB
		}
		store8(r, 4*i, c, penalty, extra)
		store8(r, 4*i+32, e, penalty, extra)
	}
}

//go:norace
//go:nocheckptr
func narrowDifferences(r rows, a, b *Series, shift, lo, hi int, pen, ext float32) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	channels, nextA, nextB := a.d, 4*a.stride, 4*b.stride
	penalty, extra := archsimd.BroadcastFloat32x8(pen), archsimd.BroadcastFloat32x8(ext)
	abs := archsimd.BroadcastInt32x8(0x7fffffff)
	for i := lo; i <= hi; i += 16 {
		oa, ob := 4*i, 4*(shift+i)
		var c, e archsimd.Float32x8
		for range channels {
			x := load8(unsafe.Add(fwd, oa)).Sub(load8(unsafe.Add(rev, ob))).AsInt32x8().And(abs).AsFloat32x8()
			y := load8(unsafe.Add(fwd, oa+32)).Sub(load8(unsafe.Add(rev, ob+32))).AsInt32x8().And(abs).AsFloat32x8()
			c, e = c.Add(x), e.Add(y)
			oa, ob = oa+nextA, ob+nextB
		}
		store8(r, 4*i, c, penalty, extra)
		store8(r, 4*i+32, e, penalty, extra)
	}
}

//go:norace
//go:nocheckptr
func narrowCapped(r rows, a, b *Series, shift, lo, hi int, pen, ext, most float32) {
	fwd, rev := unsafe.Pointer(&a.fwd[0]), unsafe.Pointer(&b.rev[0])
	weights, factor := unsafe.Pointer(&a.repeated[0]), archsimd.BroadcastFloat32x8(most)
	channels, nextA, nextB := a.d, 4*a.stride, 4*b.stride
	penalty, extra := archsimd.BroadcastFloat32x8(pen), archsimd.BroadcastFloat32x8(ext)
	abs := archsimd.BroadcastInt32x8(0x7fffffff)
	for i := lo; i <= hi; i += 16 {
		oa, ob, ow := 4*i, 4*(shift+i), 0
		var c, e archsimd.Float32x8
		for range channels {
			m := load8(unsafe.Add(weights, ow)).Mul(factor)
			x := load8(unsafe.Add(fwd, oa)).Sub(load8(unsafe.Add(rev, ob))).AsInt32x8().And(abs).AsFloat32x8().Min(m)
			y := load8(unsafe.Add(fwd, oa+32)).Sub(load8(unsafe.Add(rev, ob+32))).AsInt32x8().And(abs).AsFloat32x8().Min(m)
			c, e = c.Add(x), e.Add(y)
			oa, ob, ow = oa+nextA, ob+nextB, ow+4*repeats
		}
		store8(r, 4*i, c, penalty, extra)
		store8(r, 4*i+32, e, penalty, extra)
	}
}
