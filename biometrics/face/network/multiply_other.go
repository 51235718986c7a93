//go:build !goexperiment.simd || !amd64

package network

func multiply(out, columns, weights []float32, stride int) {
	multiplyPlain(out, columns, weights, stride)
}
