package network

import (
	"fmt"
	"math"
)

// operator computes the first output of a node.
type operator func(r *runner, n *node, in []*Tensor) (*Tensor, error)

// operators are those of public face networks, with what exporters put around
// them. Shapes that are computed (Shape, Gather, ...) are whole numbers.
var operators map[string]operator

func init() {
	operators = map[string]operator{
		"Conv": conv, "Gemm": gemm, "MatMul": matMul,
		"MaxPool": pool, "AveragePool": pool, "GlobalAveragePool": globalAverage,
		"BatchNormalization": batchNormalization, "PRelu": prelu,
		"Relu":      each(func(*node) func(float32) float32 { return func(v float32) float32 { return max(v, 0) } }),
		"LeakyRelu": each(leaky),
		"Sigmoid":   each(func(*node) func(float32) float32 { return sigmoid }),
		"Tanh": each(func(*node) func(float32) float32 {
			return func(v float32) float32 { return float32(math.Tanh(float64(v))) }
		}),
		"Sqrt": each(func(*node) func(float32) float32 {
			return func(v float32) float32 { return float32(math.Sqrt(float64(v))) }
		}),
		"HardSigmoid": each(hardSigmoid),
		"HardSwish": each(func(*node) func(float32) float32 {
			return func(v float32) float32 { return v * max(0, min(1, v/6+0.5)) }
		}),
		"Clip":     clip,
		"Add":      both(func(a, b float32) float32 { return a + b }, func(a, b int64) int64 { return a + b }),
		"Sub":      both(func(a, b float32) float32 { return a - b }, func(a, b int64) int64 { return a - b }),
		"Mul":      both(func(a, b float32) float32 { return a * b }, func(a, b int64) int64 { return a * b }),
		"Div":      both(func(a, b float32) float32 { return a / b }, nil),
		"Identity": same, "Dropout": same,
		"Flatten": flatten, "Reshape": reshape, "Transpose": transpose, "Concat": concat,
		"Constant": constant, "Shape": shapeOf, "Gather": gather, "Unsqueeze": unsqueeze, "Squeeze": squeeze,
		"ReduceL2": reduceL2, "LpNormalization": lpNormalization,
	}
}

func want(in []*Tensor, least int) error {
	for i := range least {
		if i >= len(in) || in[i] == nil {
			return fmt.Errorf("%d inputs, want %d: %w", len(in), least, ErrModel)
		}
	}
	return nil
}

// floats holds the first inputs to be tensors of floats with values.
func floats(in []*Tensor, least int) error {
	if err := want(in, least); err != nil {
		return err
	}
	for _, t := range in[:least] {
		if len(t.Data) == 0 {
			return fmt.Errorf("an input without floats: %w", ErrModel)
		}
	}
	return nil
}

func shapeError(shapes ...[]int) error {
	return fmt.Errorf("shapes %v do not fit: %w", shapes, ErrModel)
}

// optional is an input that may be left out.
func optional(in []*Tensor, i int) *Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

func each(f func(*node) func(float32) float32) operator {
	return func(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
		if err := floats(in, 1); err != nil {
			return nil, err
		}
		out, err := newTensor(in[0].Shape...)
		if err != nil {
			return nil, err
		}
		g := f(n)
		for i, v := range in[0].Data {
			out.Data[i] = g(v)
		}
		return out, nil
	}
}

func leaky(n *node) func(float32) float32 {
	alpha := n.float("alpha", 0.01)
	return func(v float32) float32 {
		if v < 0 {
			return alpha * v
		}
		return v
	}
}

func sigmoid(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }

func hardSigmoid(n *node) func(float32) float32 {
	alpha, beta := n.float("alpha", 0.2), n.float("beta", 0.5)
	return func(v float32) float32 { return max(0, min(1, alpha*v+beta)) }
}

// clip takes its limits as inputs, or as attributes up to version 6.
func clip(r *runner, n *node, in []*Tensor) (*Tensor, error) {
	low, high := n.float("min", -math.MaxFloat32), n.float("max", math.MaxFloat32)
	if t := optional(in, 1); t != nil && len(t.Data) == 1 {
		low = t.Data[0]
	}
	if t := optional(in, 2); t != nil && len(t.Data) == 1 {
		high = t.Data[0]
	}
	return each(func(*node) func(float32) float32 { return func(v float32) float32 { return min(max(v, low), high) } })(r, n, in)
}

// both applies an operation value by value, with broadcasting.
func both(f func(a, b float32) float32, whole func(a, b int64) int64) operator {
	return func(_ *runner, _ *node, in []*Tensor) (*Tensor, error) {
		if err := want(in, 2); err != nil {
			return nil, err
		}
		shape, ok := broadcast(in[0].Shape, in[1].Shape)
		if !ok {
			return nil, shapeError(in[0].Shape, in[1].Shape)
		}
		out, err := newTensor(shape...)
		if err != nil {
			return nil, err
		}
		if len(in[0].Ints) > 0 && len(in[1].Ints) > 0 && whole != nil {
			out.Ints, out.Data = make([]int64, len(out.Data)), nil
			walk2(shape, in[0].Shape, in[1].Shape, func(i, a, b int) { out.Ints[i] = whole(in[0].Ints[a], in[1].Ints[b]) })
			return out, nil
		}
		if err := floats(in, 2); err != nil {
			return nil, err
		}
		walk2(shape, in[0].Shape, in[1].Shape, func(i, a, b int) { out.Data[i] = f(in[0].Data[a], in[1].Data[b]) })
		return out, nil
	}
}

// broadcast is the shape of two shapes that are stretched to each other, from
// the last dimension on (Broadcasting.md of ONNX).
func broadcast(a, b []int) ([]int, bool) {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		x, y := 1, 1
		if k := i - len(out) + len(a); k >= 0 {
			x = a[k]
		}
		if k := i - len(out) + len(b); k >= 0 {
			y = b[k]
		}
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			return nil, false
		}
	}
	return out, true
}

// walk2 visits all places of shape with the places of two that are stretched to it.
func walk2(shape, a, b []int, do func(i, a, b int)) {
	sa, sb := stretched(shape, a), stretched(shape, b)
	at := make([]int, len(shape))
	n, ia, ib := elements(shape), 0, 0
	for i := range n {
		do(i, ia, ib)
		for d := len(shape) - 1; d >= 0; d-- {
			at[d]++
			ia, ib = ia+sa[d], ib+sb[d]
			if at[d] < shape[d] {
				break
			}
			ia, ib = ia-sa[d]*shape[d], ib-sb[d]*shape[d]
			at[d] = 0
		}
	}
}

// stretched is the steps of a shape inside a larger one, 0 where it is stretched.
func stretched(shape, s []int) []int {
	out := make([]int, len(shape))
	step := 1
	for k := len(s) - 1; k >= 0; k-- {
		if d := k + len(shape) - len(s); s[k] > 1 {
			out[d] = step
		}
		step *= s[k]
	}
	return out
}

// prelu multiplies negative values with a slope: one, or one for each channel.
func prelu(_ *runner, _ *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 2); err != nil {
		return nil, err
	}
	slope := in[1]
	if len(in[0].Shape) > 1 && len(slope.Shape) == 1 && len(slope.Data) == in[0].Shape[1] { // as Caffe and PyTorch mean it
		shape := []int{len(slope.Data)}
		for range in[0].Shape[2:] {
			shape = append(shape, 1)
		}
		slope = &Tensor{Shape: shape, Data: slope.Data}
	}
	if shape, ok := broadcast(in[0].Shape, slope.Shape); !ok || elements(shape) != len(in[0].Data) {
		return nil, shapeError(in[0].Shape, in[1].Shape)
	}
	return both(func(v, s float32) float32 {
		if v < 0 {
			return s * v
		}
		return v
	}, nil)(nil, nil, []*Tensor{in[0], slope})
}

// batchNormalization is that of inference: mean and variance are given.
func batchNormalization(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 5); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x.Shape) < 2 {
		return nil, shapeError(x.Shape)
	}
	channels := x.Shape[1]
	for _, t := range in[1:5] {
		if len(t.Data) != channels {
			return nil, shapeError(x.Shape, t.Shape)
		}
	}
	out, err := newTensor(x.Shape...)
	if err != nil {
		return nil, err
	}
	epsilon := float64(n.float("epsilon", 1e-5))
	plane := len(x.Data) / (x.Shape[0] * channels)
	for i := 0; i < len(x.Data); i += plane {
		c := i / plane % channels
		scale := float64(in[1].Data[c]) / math.Sqrt(float64(in[4].Data[c])+epsilon)
		a, b := float32(scale), float32(float64(in[2].Data[c])-scale*float64(in[3].Data[c]))
		for k, v := range x.Data[i : i+plane] {
			out.Data[i+k] = a*v + b
		}
	}
	return out, nil
}

func same(_ *runner, _ *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 1); err != nil {
		return nil, err
	}
	return in[0], nil
}

// gemm is alpha A B + beta C, with A and B perhaps transposed.
func gemm(r *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if len(a.Shape) != 2 || len(b.Shape) != 2 {
		return nil, shapeError(a.Shape, b.Shape)
	}
	ta, tb := n.integer("transA", 0) != 0, n.integer("transB", 0) != 0
	rows, inner, innerB, columns := a.Shape[0], a.Shape[1], b.Shape[0], b.Shape[1]
	if ta {
		rows, inner = inner, rows
	}
	if tb {
		innerB, columns = columns, innerB
	}
	if inner != innerB {
		return nil, shapeError(a.Shape, b.Shape)
	}
	out, err := newTensor(rows, columns)
	if err != nil {
		return nil, err
	}
	if err := r.spend(len(out.Data) * inner); err != nil {
		return nil, err
	}
	alpha := n.float("alpha", 1)
	for i := range rows {
		for j := range columns {
			sum := float32(0)
			for k := range inner {
				ia, ib := i*inner+k, k*columns+j
				if ta {
					ia = k*rows + i
				}
				if tb {
					ib = j*inner + k
				}
				sum += a.Data[ia] * b.Data[ib]
			}
			out.Data[i*columns+j] = alpha * sum
		}
	}
	if c := optional(in, 2); c != nil {
		if shape, ok := broadcast(out.Shape, c.Shape); !ok || elements(shape) != len(out.Data) || len(c.Data) == 0 {
			return nil, shapeError(out.Shape, c.Shape)
		}
		beta := n.float("beta", 1)
		return both(func(v, w float32) float32 { return v + beta*w }, nil)(r, n, []*Tensor{out, c})
	}
	return out, nil
}

func matMul(r *runner, _ *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 2); err != nil {
		return nil, err
	}
	return gemm(r, &node{}, in[:2])
}
