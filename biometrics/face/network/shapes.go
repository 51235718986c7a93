package network

import (
	"fmt"
	"math"
)

// view is the same values under another shape.
func view(t *Tensor, shape []int) (*Tensor, error) {
	if elements(shape) != max(len(t.Data), len(t.Ints)) {
		return nil, shapeError(t.Shape, shape)
	}
	return &Tensor{Shape: shape, Data: t.Data, Ints: t.Ints}, nil
}

func flatten(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 1); err != nil {
		return nil, err
	}
	axis := n.integer("axis", 1)
	if axis < 0 {
		axis += len(in[0].Shape)
	}
	if axis < 0 || axis > len(in[0].Shape) {
		return nil, shapeError(in[0].Shape)
	}
	return view(in[0], []int{elements(in[0].Shape[:axis]), elements(in[0].Shape[axis:])})
}

// reshape takes the shape as an input: 0 keeps a dimension, -1 is what is left.
func reshape(_ *runner, _ *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 2); err != nil {
		return nil, err
	}
	if len(in[1].Ints) > maxRank {
		return nil, shapeError(in[0].Shape)
	}
	shape := make([]int, len(in[1].Ints))
	open, known := -1, 1
	for i, v := range in[1].Ints {
		switch {
		case v == 0 && i < len(in[0].Shape):
			shape[i] = in[0].Shape[i]
		case v == -1 && open < 0:
			open = i
			continue
		case v > 0 && v <= MaxElements:
			shape[i] = int(v)
		default:
			return nil, fmt.Errorf("the shape %v: %w", in[1].Ints, ErrModel)
		}
		if known = elements([]int{known, shape[i]}); known < 1 {
			return nil, fmt.Errorf("the shape %v: %w", in[1].Ints, ErrModel)
		}
	}
	if open >= 0 {
		shape[open] = max(len(in[0].Data), len(in[0].Ints)) / known
	}
	return view(in[0], shape)
}

func transpose(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	rank := len(x.Shape)
	var reversed []int
	for i := range rank {
		reversed = append(reversed, rank-1-i)
	}
	perm := n.integers("perm", reversed...)
	shape, seen := make([]int, rank), make([]bool, rank)
	if len(perm) != rank {
		return nil, shapeError(x.Shape, perm)
	}
	for i, p := range perm {
		if p < 0 || p >= rank || seen[p] {
			return nil, shapeError(x.Shape, perm)
		}
		shape[i], seen[p] = x.Shape[p], true
	}
	out, err := newTensor(shape...)
	if err != nil {
		return nil, err
	}
	from := stretched(x.Shape, x.Shape)
	at := make([]int, rank)
	for i := range out.Data {
		k := 0
		for d, p := range perm {
			k += at[d] * from[p]
		}
		out.Data[i] = x.Data[k]
		for d := rank - 1; d >= 0; d-- {
			if at[d]++; at[d] < shape[d] {
				break
			}
			at[d] = 0
		}
	}
	return out, nil
}

func concat(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, max(1, len(in))); err != nil {
		return nil, err
	}
	rank := len(in[0].Shape)
	axis := n.integer("axis", 0)
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return nil, shapeError(in[0].Shape)
	}
	shape := append([]int(nil), in[0].Shape...)
	shape[axis] = 0
	for _, t := range in {
		if len(t.Shape) != rank || (len(t.Ints) > 0) != (len(in[0].Ints) > 0) {
			return nil, shapeError(in[0].Shape, t.Shape)
		}
		for d, size := range t.Shape {
			if d != axis && size != shape[d] {
				return nil, shapeError(in[0].Shape, t.Shape)
			}
		}
		shape[axis] += t.Shape[axis]
	}
	if elements(shape) < 1 {
		return nil, shapeError(shape)
	}
	out := &Tensor{Shape: shape}
	for outer := range elements(shape[:axis]) {
		for _, t := range in {
			step := elements(t.Shape[axis:])
			if len(t.Ints) > 0 {
				out.Ints = append(out.Ints, t.Ints[outer*step:(outer+1)*step]...)
			} else {
				out.Data = append(out.Data, t.Data[outer*step:(outer+1)*step]...)
			}
		}
	}
	return out, nil
}

func constant(_ *runner, n *node, _ []*Tensor) (*Tensor, error) {
	for name, a := range n.attributes {
		switch {
		case name == "value" && a.t != nil:
			return a.t, nil
		case name == "value_float":
			return &Tensor{Data: []float32{a.f}}, nil
		case name == "value_int":
			return &Tensor{Ints: []int64{a.i}}, nil
		case name == "value_ints":
			return &Tensor{Shape: []int{len(a.ints)}, Ints: a.ints}, nil
		case name == "value_floats":
			return &Tensor{Shape: []int{len(a.floats)}, Data: a.floats}, nil
		}
	}
	return nil, fmt.Errorf("a constant without a value: %w", ErrModel)
}

func shapeOf(_ *runner, _ *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 1); err != nil {
		return nil, err
	}
	out := &Tensor{Shape: []int{len(in[0].Shape)}}
	for _, d := range in[0].Shape {
		out.Ints = append(out.Ints, int64(d))
	}
	return out, nil
}

// gather picks whole numbers out of a computed shape.
func gather(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 2); err != nil {
		return nil, err
	}
	if len(in[0].Ints) == 0 || len(in[0].Shape) != 1 || n.integer("axis", 0) != 0 {
		return nil, fmt.Errorf("gathers from something else than a shape: %w", ErrModel)
	}
	out := &Tensor{Shape: in[1].Shape}
	for _, i := range in[1].Ints {
		if i < 0 {
			i += int64(len(in[0].Ints))
		}
		if i < 0 || i >= int64(len(in[0].Ints)) {
			return nil, shapeError(in[0].Shape)
		}
		out.Ints = append(out.Ints, in[0].Ints[i])
	}
	return out, nil
}

// axes come as an attribute or, from version 13 on, as an input.
func axes(n *node, in []*Tensor) []int {
	out := n.integers("axes")
	if t := optional(in, 1); t != nil {
		for _, v := range t.Ints {
			out = append(out, int(max(-maxRank, min(maxRank, v))))
		}
	}
	return out
}

func unsqueeze(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 1); err != nil {
		return nil, err
	}
	add := axes(n, in)
	rank := len(in[0].Shape) + len(add)
	if rank > maxRank {
		return nil, shapeError(in[0].Shape)
	}
	shape := make([]int, rank)
	for _, a := range add {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank || shape[a] != 0 {
			return nil, shapeError(in[0].Shape, add)
		}
		shape[a] = 1
	}
	rest := in[0].Shape
	for i := range shape {
		if shape[i] == 0 {
			shape[i], rest = rest[0], rest[1:]
		}
	}
	return view(in[0], shape)
}

func squeeze(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := want(in, 1); err != nil {
		return nil, err
	}
	drop := map[int]bool{}
	for _, a := range axes(n, in) {
		if a < 0 {
			a += len(in[0].Shape)
		}
		if a < 0 || a >= len(in[0].Shape) || in[0].Shape[a] != 1 {
			return nil, shapeError(in[0].Shape)
		}
		drop[a] = true
	}
	var shape []int
	for i, d := range in[0].Shape {
		if !drop[i] && (d != 1 || len(drop) > 0) {
			shape = append(shape, d)
		}
	}
	return view(in[0], shape)
}

// lastAxis says whether a reduction runs over the last axis only, which is all
// that an embedding's length needs.
func lastAxis(list []int, rank int) bool {
	return len(list) == 1 && (list[0] == -1 || list[0] == rank-1) && rank > 0
}

func reduceL2(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if !lastAxis(axes(n, in), len(x.Shape)) {
		return nil, fmt.Errorf("reduces another axis than the last: %w", ErrModel)
	}
	width := x.Shape[len(x.Shape)-1]
	shape := append([]int(nil), x.Shape[:len(x.Shape)-1]...)
	if n.integer("keepdims", 1) != 0 {
		shape = append(shape, 1)
	}
	out, err := newTensor(shape...)
	if err != nil {
		return nil, err
	}
	for i := range out.Data {
		out.Data[i] = length(x.Data[i*width : (i+1)*width])
	}
	return out, nil
}

func length(v []float32) float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return float32(math.Sqrt(sum))
}

func lpNormalization(_ *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if !lastAxis([]int{n.integer("axis", -1)}, len(x.Shape)) || n.integer("p", 2) != 2 {
		return nil, fmt.Errorf("normalises otherwise than by L2 over the last axis: %w", ErrModel)
	}
	out, err := newTensor(x.Shape...)
	if err != nil {
		return nil, err
	}
	width := x.Shape[len(x.Shape)-1]
	for i := 0; i < len(x.Data); i += width {
		if l := length(x.Data[i : i+width]); l > 0 {
			for k, v := range x.Data[i : i+width] {
				out.Data[i+k] = v / l
			}
		}
	}
	return out, nil
}
