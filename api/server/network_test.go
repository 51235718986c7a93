package server

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// drawnNetwork is an ONNX file in the shape of a face network, 1x3x112x112 in, 64
// numbers out: random filters over squares of 8x8 pixels, so that alike pictures
// give alike numbers. It has learned nothing, is of nobody, and is the same bytes
// each time. The field numbers are those of onnx.proto3.
func drawnNetwork() []byte {
	r := rand.New(rand.NewPCG(6, 6))
	strides := onnxField(5, onnxText(1, "strides"), onnxVarint(8, 8), onnxVarint(8, 8))
	graph := onnxField(7,
		onnxInput(1, 3, 112, 112), onnxWeights("filters", r, 6, 3, 8, 8), onnxWeights("mix", r, 6*14*14, 64),
		onnxNode("Conv", "in", "filters", "a", strides), onnxNode("Relu", "a", "", "b"), onnxNode("Flatten", "b", "", "c"), onnxNode("MatMul", "c", "mix", "out"),
		onnxField(12, onnxText(1, "out")))
	return append(graph, onnxField(14, onnxText(1, "threshold"), onnxText(2, "0.5"))...)
}

func onnxField(number protowire.Number, parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
}

func onnxVarint(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

func onnxText(number protowire.Number, s string) []byte { return onnxField(number, []byte(s)) }

// onnxWeights is an initializer of normal random numbers.
func onnxWeights(name string, r *rand.Rand, shape ...int) []byte {
	n, dims := 1, []byte{}
	for _, d := range shape {
		n, dims = n*d, append(dims, onnxVarint(1, uint64(d))...)
	}
	var raw []byte
	for range n {
		raw = protowire.AppendFixed32(raw, math.Float32bits(float32(r.NormFloat64())))
	}
	return onnxField(5, dims, onnxVarint(2, 1), onnxText(8, name), onnxField(9, raw))
}

func onnxNode(op, in, w, out string, attributes ...[]byte) []byte {
	parts := [][]byte{onnxText(1, in), onnxText(2, out), onnxText(4, op)}
	if w != "" {
		parts = append(parts, onnxText(1, w))
	}
	return onnxField(1, append(parts, attributes...)...)
}

func onnxInput(shape ...int) []byte {
	var dims [][]byte
	for _, d := range shape {
		dims = append(dims, onnxField(1, onnxVarint(1, uint64(d))))
	}
	return onnxField(11, onnxText(1, "in"), onnxField(2, onnxField(1, onnxVarint(1, 1), onnxField(2, dims...))))
}
