//go:build goexperiment.simd && amd64

package network

import (
	"simd/archsimd"
	"unsafe"
)

var wide = archsimd.X86.AVX2()

// multiply is multiplyPlain, 32 places at a time: their sums stay in registers
// over all rows. No scalar float stands beside the wide registers, so that a
// weight is loaded with the three after it; the last three are done plainly.
func multiply(out, columns, weights []float32, stride int) {
	places, rows := len(out)&^31, len(weights)-3
	if !wide || places == 0 || rows < 1 {
		multiplyPlain(out, columns, weights, stride)
		return
	}
	po, pc, pw := unsafe.Pointer(&out[0]), unsafe.Pointer(&columns[0]), unsafe.Pointer(&weights[0])
	for i := 0; i < places; i += 32 {
		at := unsafe.Add(po, 4*i)
		s0, s1, s2, s3 := load(at), load(unsafe.Add(at, 32)), load(unsafe.Add(at, 64)), load(unsafe.Add(at, 96))
		off := 4 * i
		for k := range rows {
			w := archsimd.LoadFloat32x4((*[4]float32)(unsafe.Add(pw, 4*k))).Broadcast1To8()
			row := unsafe.Add(pc, off)
			s0, s1 = s0.Add(w.Mul(load(row))), s1.Add(w.Mul(load(unsafe.Add(row, 32))))
			s2, s3 = s2.Add(w.Mul(load(unsafe.Add(row, 64)))), s3.Add(w.Mul(load(unsafe.Add(row, 96))))
			off += 4 * stride
		}
		save(at, s0)
		save(unsafe.Add(at, 32), s1)
		save(unsafe.Add(at, 64), s2)
		save(unsafe.Add(at, 96), s3)
	}
	archsimd.ClearAVXUpperBits()
	multiplyPlain(out[:places], columns[rows*stride:], weights[rows:], stride)
	if places < len(out) {
		multiplyPlain(out[places:], columns[places:], weights, stride)
	}
}

func load(p unsafe.Pointer) archsimd.Float32x8 { return archsimd.LoadFloat32x8((*[8]float32)(p)) }

func save(p unsafe.Pointer, v archsimd.Float32x8) { v.Store((*[8]float32)(p)) }
