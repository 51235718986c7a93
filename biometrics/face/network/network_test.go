package network

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// The tests write their own models: the few messages of ONNX that it takes.

func message(number protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
}

func varint(number protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(v))
}

func join(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func tensorOf(name string, shape []int, data []float32) []byte {
	var dims, raw []byte
	for _, d := range shape {
		dims = append(dims, varint(1, int64(d))...)
	}
	for _, v := range data {
		raw = protowire.AppendFixed32(raw, math.Float32bits(v))
	}
	return join(dims, varint(2, typeFloat), message(8, []byte(name)), message(9, raw))
}

func intsOf(name string, v ...int64) []byte {
	var packed []byte
	for _, x := range v {
		packed = protowire.AppendVarint(packed, uint64(x))
	}
	return join(varint(1, int64(len(v))), varint(2, typeInt64), message(7, packed), message(8, []byte(name)))
}

func nodeOf(op string, inputs, outputs []string, attributes ...[]byte) []byte {
	var b []byte
	for _, v := range inputs {
		b = append(b, message(1, []byte(v))...)
	}
	for _, v := range outputs {
		b = append(b, message(2, []byte(v))...)
	}
	b = join(b, message(3, []byte("the "+op)), message(4, []byte(op)))
	for _, a := range attributes {
		b = append(b, message(5, a)...)
	}
	return b
}

func intsAttribute(name string, v ...int64) []byte {
	b := message(1, []byte(name))
	for _, x := range v {
		b = append(b, varint(8, x)...)
	}
	return b
}

func intAttribute(name string, v int64) []byte { return join(message(1, []byte(name)), varint(3, v)) }

func floatAttribute(name string, v float32) []byte {
	return join(message(1, []byte(name)), protowire.AppendFixed32(protowire.AppendTag(nil, 2, protowire.Fixed32Type), math.Float32bits(v)))
}

func valueOf(name string, shape ...int) []byte {
	var dims []byte
	for _, d := range shape {
		dims = append(dims, message(1, varint(1, int64(d)))...)
	}
	return join(message(1, []byte(name)), message(2, message(1, join(varint(1, typeFloat), message(2, dims)))))
}

// modelOf puts a graph together: nodes and weights, from "in" to "out".
func modelOf(input []byte, nodes, weights [][]byte, metadata ...string) []byte {
	var g []byte
	for _, n := range nodes {
		g = append(g, message(1, n)...)
	}
	for _, w := range weights {
		g = append(g, message(5, w)...)
	}
	g = join(g, message(11, input), message(12, valueOf("out")))
	b := join(varint(1, 8), message(7, g))
	for i := 0; i+1 < len(metadata); i += 2 {
		b = append(b, message(14, join(message(1, []byte(metadata[i])), message(2, []byte(metadata[i+1]))))...)
	}
	return b
}

// one runs a single operator on inputs; the first is the network's.
func one(t testing.TB, op string, in []*Tensor, attributes ...[]byte) (*Tensor, error) {
	t.Helper()
	names := []string{"in"}
	var weights [][]byte
	for i, w := range in[1:] {
		name := fmt.Sprintf("w%d", i)
		names = append(names, name)
		if len(w.Ints) > 0 {
			weights = append(weights, intsOf(name, w.Ints...))
		} else {
			weights = append(weights, tensorOf(name, w.Shape, w.Data))
		}
	}
	n, err := Parse(modelOf(valueOf("in", in[0].Shape...), [][]byte{nodeOf(op, names, []string{"out"}, attributes...)}, weights))
	if err != nil {
		return nil, err
	}
	return n.Run(context.Background(), in[0])
}

func values(shape []int, v ...float32) *Tensor { return &Tensor{Shape: shape, Data: v} }

func random(r *rand.Rand, shape ...int) *Tensor {
	t := &Tensor{Shape: shape, Data: make([]float32, elements(shape))}
	for i := range t.Data {
		t.Data[i] = float32(r.NormFloat64())
	}
	return t
}

// Operators by hand.
func TestOperators(t *testing.T) {
	in := values([]int{1, 2, 1, 2}, 1, -2, 3, -4)
	tests := []struct {
		op         string
		in         []*Tensor
		attributes [][]byte
		shape      []int
		want       []float32
	}{
		{"Relu", []*Tensor{in}, nil, []int{1, 2, 1, 2}, []float32{1, 0, 3, 0}},
		{"LeakyRelu", []*Tensor{in}, [][]byte{floatAttribute("alpha", 0.5)}, []int{1, 2, 1, 2}, []float32{1, -1, 3, -2}},
		{"Clip", []*Tensor{in}, [][]byte{floatAttribute("min", -1), floatAttribute("max", 2)}, []int{1, 2, 1, 2}, []float32{1, -1, 2, -1}},
		{"Clip", []*Tensor{in, values(nil, 0), values(nil, 2)}, nil, []int{1, 2, 1, 2}, []float32{1, 0, 2, 0}},
		{"Sigmoid", []*Tensor{values([]int{2}, 0, float32(math.Log(3)))}, nil, []int{2}, []float32{0.5, 0.75}},
		{"HardSigmoid", []*Tensor{values([]int{3}, -9, 0, 1)}, nil, []int{3}, []float32{0, 0.5, 0.7}},
		{"HardSwish", []*Tensor{values([]int{3}, -4, 0, 3)}, nil, []int{3}, []float32{0, 0, 3}},
		// One slope for each channel, written with and without the two ones.
		{"PRelu", []*Tensor{in, values([]int{2, 1, 1}, 0.5, 0.25)}, nil, []int{1, 2, 1, 2}, []float32{1, -1, 3, -1}},
		{"PRelu", []*Tensor{in, values([]int{2}, 0.5, 0.25)}, nil, []int{1, 2, 1, 2}, []float32{1, -1, 3, -1}},
		{"Add", []*Tensor{in, values([]int{2, 1, 1}, 10, 20)}, nil, []int{1, 2, 1, 2}, []float32{11, 8, 23, 16}},
		{"Sub", []*Tensor{in, values(nil, 1)}, nil, []int{1, 2, 1, 2}, []float32{0, -3, 2, -5}},
		{"Mul", []*Tensor{in, values([]int{1, 1, 1, 2}, 2, 3)}, nil, []int{1, 2, 1, 2}, []float32{2, -6, 6, -12}},
		{"Div", []*Tensor{in, values(nil, 2)}, nil, []int{1, 2, 1, 2}, []float32{0.5, -1, 1.5, -2}},
		// scale (v - mean) / sqrt(variance + epsilon) + offset: channel 1 has 2 (v-1)/2 + 1 = v.
		{"BatchNormalization", []*Tensor{in, values([]int{2}, 2, 1), values([]int{2}, 1, 0), values([]int{2}, 1, 0), values([]int{2}, 3, 0)},
			[][]byte{floatAttribute("epsilon", 1)}, []int{1, 2, 1, 2}, []float32{1, -2, 3, -4}},
		{"Gemm", []*Tensor{values([]int{1, 2}, 1, 2), values([]int{3, 2}, 1, 0, 0, 1, 1, 1), values([]int{3}, 10, 20, 30)},
			[][]byte{intAttribute("transB", 1)}, []int{1, 3}, []float32{11, 22, 33}},
		{"Gemm", []*Tensor{values([]int{2, 1}, 1, 2), values([]int{2, 2}, 1, 2, 3, 4)},
			[][]byte{intAttribute("transA", 1), floatAttribute("alpha", 2)}, []int{1, 2}, []float32{14, 20}},
		{"MatMul", []*Tensor{values([]int{1, 2}, 1, 2), values([]int{2, 2}, 1, 2, 3, 4)}, nil, []int{1, 2}, []float32{7, 10}},
		{"MaxPool", []*Tensor{values([]int{1, 1, 2, 3}, 1, 5, 2, 7, 3, 4)}, [][]byte{intsAttribute("kernel_shape", 2, 2)}, []int{1, 1, 1, 2}, []float32{7, 5}},
		// Corners see four values, of which the padding does not count.
		{"AveragePool", []*Tensor{values([]int{1, 1, 2, 2}, 1, 2, 3, 6)}, [][]byte{intsAttribute("kernel_shape", 2, 2), intsAttribute("pads", 1, 1, 0, 0)}, []int{1, 1, 2, 2}, []float32{1, 1.5, 2, 3}},
		{"AveragePool", []*Tensor{values([]int{1, 1, 1, 1}, 8)}, [][]byte{intsAttribute("kernel_shape", 2, 2), intsAttribute("pads", 1, 1, 0, 0), intAttribute("count_include_pad", 1)}, []int{1, 1, 1, 1}, []float32{2}},
		{"GlobalAveragePool", []*Tensor{in}, nil, []int{1, 2, 1, 1}, []float32{-0.5, -0.5}},
		{"Flatten", []*Tensor{in}, nil, []int{1, 4}, in.Data},
		{"Reshape", []*Tensor{in, {Ints: []int64{0, -1}}}, nil, []int{1, 4}, in.Data},
		{"Transpose", []*Tensor{values([]int{2, 3}, 1, 2, 3, 4, 5, 6)}, nil, []int{3, 2}, []float32{1, 4, 2, 5, 3, 6}},
		{"Transpose", []*Tensor{in}, [][]byte{intsAttribute("perm", 0, 2, 3, 1)}, []int{1, 1, 2, 2}, []float32{1, 3, -2, -4}},
		{"Concat", []*Tensor{values([]int{1, 2}, 1, 2), values([]int{1, 1}, 9)}, [][]byte{intAttribute("axis", 1)}, []int{1, 3}, []float32{1, 2, 9}},
		{"ReduceL2", []*Tensor{values([]int{1, 2}, 3, 4)}, [][]byte{intsAttribute("axes", -1)}, []int{1, 1}, []float32{5}},
		{"LpNormalization", []*Tensor{values([]int{1, 2}, 3, 4)}, nil, []int{1, 2}, []float32{0.6, 0.8}},
		{"Squeeze", []*Tensor{in}, [][]byte{intsAttribute("axes", 0, 2)}, []int{2, 2}, in.Data},
		{"Unsqueeze", []*Tensor{values([]int{2}, 1, 2)}, [][]byte{intsAttribute("axes", 0, -1)}, []int{1, 2, 1}, []float32{1, 2}},
		{"Dropout", []*Tensor{in}, nil, []int{1, 2, 1, 2}, in.Data},
		{"Sqrt", []*Tensor{values([]int{2}, 4, 9)}, nil, []int{2}, []float32{2, 3}},
		// 1 2 under the kernel 10 1: 12, then the edge: 20 and 3 4: 34, 40.
		{"Conv", []*Tensor{values([]int{1, 1, 2, 2}, 1, 2, 3, 4), values([]int{1, 1, 1, 2}, 10, 1)}, [][]byte{intsAttribute("pads", 0, 0, 0, 1)}, []int{1, 1, 2, 2}, []float32{12, 20, 34, 40}},
	}
	for _, tt := range tests {
		got, err := one(t, tt.op, tt.in, tt.attributes...)
		if err != nil {
			t.Errorf("%s: %v", tt.op, err)
			continue
		}
		if fmt.Sprint(got.Shape) != fmt.Sprint(tt.shape) || !near(got.Data, tt.want) {
			t.Errorf("%s: %v %v, want %v %v", tt.op, got.Shape, got.Data, tt.shape, tt.want)
		}
	}
}

func near(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if d := math.Abs(float64(a[i] - b[i])); !(d <= 1e-4*math.Max(1, math.Abs(float64(b[i])))) {
			return false
		}
	}
	return true
}

// slowConv is the definition, in 64 bits, place by place.
func slowConv(x, w *Tensor, bias []float32, stride, pad, dilation, groups int) *Tensor {
	oh := (x.Shape[2]+2*pad-(w.Shape[2]-1)*dilation-1)/stride + 1
	ow := (x.Shape[3]+2*pad-(w.Shape[3]-1)*dilation-1)/stride + 1
	out := &Tensor{Shape: []int{x.Shape[0], w.Shape[0], oh, ow}}
	for b := range x.Shape[0] {
		for o := range w.Shape[0] {
			g := o / (w.Shape[0] / groups)
			for y := range oh {
				for xx := range ow {
					sum := float64(bias[o])
					for c := range w.Shape[1] {
						for ky := range w.Shape[2] {
							for kx := range w.Shape[3] {
								iy, ix := y*stride-pad+ky*dilation, xx*stride-pad+kx*dilation
								if iy < 0 || ix < 0 || iy >= x.Shape[2] || ix >= x.Shape[3] {
									continue
								}
								v := x.Data[((b*x.Shape[1]+g*w.Shape[1]+c)*x.Shape[2]+iy)*x.Shape[3]+ix]
								sum += float64(v) * float64(w.Data[((o*w.Shape[1]+c)*w.Shape[2]+ky)*w.Shape[3]+kx])
							}
						}
					}
					out.Data = append(out.Data, float32(sum))
				}
			}
		}
	}
	return out
}

// Convolutions of every kind that face networks have, against the definition.
func TestConvIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		groups := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "groups")
		each, out := rapid.IntRange(1, 3).Draw(t, "channels"), groups*rapid.IntRange(1, 3).Draw(t, "outputs")
		kernel, stride := rapid.IntRange(1, 3).Draw(t, "kernel"), rapid.IntRange(1, 2).Draw(t, "stride")
		pad, dilation := rapid.IntRange(0, 2).Draw(t, "pad"), rapid.IntRange(1, 2).Draw(t, "dilation")
		x := random(r, 1, groups*each, rapid.IntRange(5, 30).Draw(t, "h"), rapid.IntRange(5, 40).Draw(t, "w"))
		w, bias := random(r, out, each, kernel, kernel), random(r, out)
		p, s, d := int64(pad), int64(stride), int64(dilation)
		got, err := one(&testing.T{}, "Conv", []*Tensor{x, w, bias}, intsAttribute("pads", p, p, p, p), intsAttribute("strides", s, s), intsAttribute("dilations", d, d), intAttribute("group", int64(groups)))
		if err != nil {
			t.Fatal(err)
		}
		want := slowConv(x, w, bias.Data, stride, pad, dilation, groups)
		if fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) || !near(got.Data, want.Data) {
			t.Fatalf("%v and %v", got.Shape, want.Shape)
		}
	})
}

func TestMultiplyIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		places, rows := rapid.IntRange(1, 100).Draw(t, "places"), rapid.IntRange(1, 20).Draw(t, "rows")
		columns, weights := random(r, rows*100).Data, random(r, rows).Data
		a, b := make([]float32, places), make([]float32, places)
		multiply(a, columns, weights, 100)
		multiplyPlain(b, columns, weights, 100)
		if !near(a, b) {
			t.Fatalf("%v\n%v", a, b)
		}
	})
}

// A residual network as exporters write it, its shape computed on the way,
// against the same arithmetic written out.
func TestResidualNetwork(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	w1, b1, slope, w2, b2, fc := random(r, 4, 3, 3, 3), random(r, 4), random(r, 4, 1, 1), random(r, 4, 1, 3, 3), random(r, 4), random(r, 5, 4*4*4)
	data := modelOf(valueOf("in", 0, 3, 8, 8), [][]byte{
		nodeOf("Conv", []string{"in", "w1", "b1"}, []string{"a"}, intsAttribute("pads", 1, 1, 1, 1), intsAttribute("strides", 2, 2)),
		nodeOf("PRelu", []string{"a", "slope"}, []string{"b"}),
		nodeOf("Conv", []string{"b", "w2", "b2"}, []string{"c"}, intsAttribute("pads", 1, 1, 1, 1), intAttribute("group", 4)),
		nodeOf("Add", []string{"b", "c"}, []string{"d"}),
		nodeOf("Shape", []string{"d"}, []string{"shape"}),
		nodeOf("Gather", []string{"shape", "zero"}, []string{"batch"}),
		nodeOf("Concat", []string{"batch", "rest"}, []string{"flat"}, intAttribute("axis", 0)),
		nodeOf("Reshape", []string{"d", "flat"}, []string{"e"}),
		nodeOf("Gemm", []string{"e", "fc"}, []string{"out"}, intAttribute("transB", 1)),
	}, [][]byte{
		tensorOf("w1", w1.Shape, w1.Data), tensorOf("b1", b1.Shape, b1.Data), tensorOf("slope", slope.Shape, slope.Data), tensorOf("w2", w2.Shape, w2.Data),
		tensorOf("b2", b2.Shape, b2.Data), tensorOf("fc", fc.Shape, fc.Data), intsOf("zero", 0), intsOf("rest", -1),
	}, "mean", "127.5")
	n, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(n.Input) != "[0 3 8 8]" || n.Metadata["mean"] != "127.5" {
		t.Errorf("%v %v", n.Input, n.Metadata)
	}
	x := random(r, 1, 3, 8, 8)
	got, err := n.Run(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	a := slowConv(x, w1, b1.Data, 2, 1, 1, 1)
	for i, v := range a.Data {
		if v < 0 {
			a.Data[i] = v * slope.Data[i/16]
		}
	}
	c := slowConv(a, w2, b2.Data, 1, 1, 1, 4)
	var want []float32
	for o := range 5 {
		sum := 0.0
		for k := range c.Data {
			sum += float64(a.Data[k]+c.Data[k]) * float64(fc.Data[o*64+k])
		}
		want = append(want, float32(sum))
	}
	if !near(got.Data, want) {
		t.Errorf("%v, want %v", got.Data, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := n.Run(ctx, x); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{0x3c00: 1, 0xc000: -2, 0x3555: 0.33325195, 0x7bff: 65504, 0x0001: 5.9604645e-08, 0x8000: 0, 0x7c00: float32(math.Inf(1))} {
		if got := half(bits); got != want {
			t.Errorf("%#x: %v, want %v", bits, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	in := valueOf("in", 1, 1, 2, 2)
	relu := [][]byte{nodeOf("Relu", []string{"in"}, []string{"out"})}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                 {nil, "no graph"},
		"words":                 {[]byte("this is not a model"), "damaged"},
		"unknown operator":      {modelOf(in, [][]byte{nodeOf("Loop", []string{"in"}, []string{"out"})}, nil), "operator Loop (the Loop) is not supported"},
		"foreign operator":      {modelOf(in, [][]byte{join(nodeOf("Relu", []string{"in"}, []string{"out"}), message(7, []byte("com.example")))}, nil), "com.example"},
		"nothing makes it":      {modelOf(in, [][]byte{nodeOf("Relu", []string{"other"}, []string{"out"})}, nil), "which nothing before it makes"},
		"no output":             {modelOf(in, [][]byte{nodeOf("Relu", []string{"in"}, []string{"elsewhere"})}, nil), "nothing makes the output"},
		"too few weights":       {modelOf(in, relu, [][]byte{tensorOf("w", []int{3}, []float32{1})}), "4 bytes for shape [3]"},
		"a shape too large":     {modelOf(in, relu, [][]byte{tensorOf("w", []int{1 << 25, 1 << 25}, []float32{1})}), "shape"},
		"weights in other file": {modelOf(in, relu, [][]byte{join(tensorOf("w", []int{1}, []float32{1}), varint(14, 1))}), "another file"},
		"two inputs":            {join(varint(1, 8), message(7, join(message(1, relu[0]), message(11, in), message(11, valueOf("more", 1)), message(12, valueOf("out"))))), "two inputs"},
	} {
		if _, err := Parse(tt.data); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	n, err := Parse(modelOf(in, [][]byte{nodeOf("Conv", []string{"in", "w"}, []string{"out"}, intsAttribute("pads", 4000, 4000, 4000, 4000))}, [][]byte{tensorOf("w", []int{600, 1, 3, 3}, make([]float32, 5400))}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Run(context.Background(), values([]int{1, 1, 2, 2}, 1, 2, 3, 4)); !errors.Is(err, ErrModel) {
		t.Errorf("a picture that grows without end: %v", err)
	}
	if _, err := n.Run(context.Background(), &Tensor{Shape: []int{1, 1, 2, 2}}); !errors.Is(err, ErrModel) {
		t.Errorf("an input without values: %v", err)
	}
}

// FuzzParse: what is accepted runs or is refused, and never panics.
func FuzzParse(f *testing.F) {
	in := valueOf("in", 1, 1, 4, 4)
	for op := range operators {
		f.Add(modelOf(in, [][]byte{nodeOf(op, []string{"in", "w", "w"}, []string{"out"}, intsAttribute("kernel_shape", 2, 2), intsAttribute("pads", 1, 1, 1, 1), intAttribute("axis", 1))}, [][]byte{tensorOf("w", []int{1, 1, 2, 2}, []float32{1, 2, 3, 4})}))
		f.Add(modelOf(in, [][]byte{nodeOf("Shape", []string{"in"}, []string{"s"}), nodeOf(op, []string{"s", "w"}, []string{"out"}, intsAttribute("axes", 0))}, [][]byte{intsOf("w", 0, 1)}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		n, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrModel) {
				t.Fatal(err)
			}
			return
		}
		x := &Tensor{Shape: []int{1, 1, 4, 4}, Data: make([]float32, 16)}
		if _, err := n.Run(context.Background(), x); err != nil && !errors.Is(err, ErrModel) {
			t.Fatal(err)
		}
	})
}

// BenchmarkMobile is a layer of the size of MobileFaceNet's: 3x3 over 64 channels
// of 56x56, 116 million multiplications.
func BenchmarkMobile(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x, w := random(r, 1, 64, 56, 56), random(r, 64, 64, 3, 3)
	n, err := Parse(modelOf(valueOf("in", x.Shape...), [][]byte{nodeOf("Conv", []string{"in", "w"}, []string{"out"}, intsAttribute("pads", 1, 1, 1, 1))}, [][]byte{tensorOf("w", w.Shape, w.Data)}))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Run(context.Background(), x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*64*64*9*56*56/1e9/b.Elapsed().Seconds(), "GMAC/s")
}
