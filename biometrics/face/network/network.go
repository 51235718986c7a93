// Package network runs small feed-forward networks of the ONNX format in plain
// Go: the operators that public face networks consist of (MobileFaceNet, SFace,
// ArcFace's residual networks), on one picture at a time, in 32-bit floats.
//
// A model comes from an operator, so that a file is checked whole before it runs:
// its size, every shape that it states, every operator. Work is bounded by
// MaxMACs, memory by MaxElements, and a run ends with its context.
//
// ONNX: https://github.com/onnx/onnx/blob/main/docs/IR.md and Operators.md.
package network

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Limits of a network and of one run.
const (
	MaxBytes    = 512 << 20
	MaxNodes    = 10_000
	MaxElements = 1 << 26 // of one tensor
	MaxMACs     = 1 << 35 // multiplications of one run; ArcFace's largest needs 2^34
	maxRank     = 6
)

// ErrModel is returned for a file that is not a network this package runs; the
// error says which operator or which part.
var ErrModel = errors.New("network: not a model that can be run")

// Tensor is an array: Data of floats or, for shapes that are computed, Ints.
type Tensor struct {
	Shape []int
	Data  []float32
	Ints  []int64
}

// elements is the product of a shape, -1 where it is no shape or above the limit.
func elements(shape []int) int {
	n := 1
	if len(shape) > maxRank {
		return -1
	}
	for _, d := range shape {
		if d < 0 || d > 0 && n > MaxElements/d {
			return -1
		}
		n *= d
	}
	return n
}

func newTensor(shape ...int) (*Tensor, error) {
	n := elements(shape)
	if n < 0 {
		return nil, fmt.Errorf("a tensor of shape %v: %w", shape, ErrModel)
	}
	return &Tensor{Shape: append([]int(nil), shape...), Data: make([]float32, n)}, nil
}

// Network is a model that was read and checked. It is immutable and safe for
// concurrent use.
type Network struct {
	Input    []int             // shape; 0 where the model leaves it open
	Metadata map[string]string // what the model's maker wrote into it

	input, output string
	nodes         []node
	constants     map[string]*Tensor
	uses          map[string]int // how many nodes read a value
}

// node is one operator with its attributes.
type node struct {
	op, name        string
	inputs, outputs []string
	attributes      map[string]attribute
	run             operator
}

type attribute struct {
	f      float32
	i      int64
	s      string
	t      *Tensor
	floats []float32
	ints   []int64
}

func (n *node) integer(name string, otherwise int) int {
	if a, ok := n.attributes[name]; ok {
		return int(max(math.MinInt32, min(math.MaxInt32, a.i)))
	}
	return otherwise
}

func (n *node) float(name string, otherwise float32) float32 {
	if a, ok := n.attributes[name]; ok {
		return a.f
	}
	return otherwise
}

func (n *node) integers(name string, otherwise ...int) []int {
	a, ok := n.attributes[name]
	if !ok {
		return otherwise
	}
	out := make([]int, len(a.ints))
	for i, v := range a.ints {
		out[i] = int(max(math.MinInt32, min(math.MaxInt32, v)))
	}
	return out
}

// Run computes the network's first output for an input of one picture.
func (n *Network) Run(ctx context.Context, in *Tensor) (*Tensor, error) {
	if elements(in.Shape) != len(in.Data) || len(in.Data) == 0 {
		return nil, fmt.Errorf("an input of shape %v with %d values: %w", in.Shape, len(in.Data), ErrModel)
	}
	r := &runner{ctx: ctx, left: MaxMACs}
	values := map[string]*Tensor{n.input: in}
	left := make(map[string]int, len(n.uses))
	for name, uses := range n.uses {
		left[name] = uses
	}
	for i := range n.nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := n.step(r, &n.nodes[i], values, left); err != nil {
			return nil, err
		}
	}
	out := values[n.output]
	if out == nil || len(out.Data) == 0 {
		return nil, fmt.Errorf("no output %s: %w", n.output, ErrModel)
	}
	return out, nil
}

// runner is the budget of one run.
type runner struct {
	ctx  context.Context
	left int // multiplications
}

func (r *runner) spend(macs int) error {
	if r.left -= macs; macs < 0 || r.left < 0 {
		return fmt.Errorf("more than %d multiplications: %w", MaxMACs, ErrModel)
	}
	return r.ctx.Err()
}

// step runs one node and forgets what nobody reads any more.
func (n *Network) step(r *runner, d *node, values map[string]*Tensor, left map[string]int) error {
	in := make([]*Tensor, len(d.inputs))
	for i, name := range d.inputs {
		switch {
		case name == "": // an input that is left out
		case values[name] != nil:
			in[i] = values[name]
		case n.constants[name] != nil:
			in[i] = n.constants[name]
		default:
			return fmt.Errorf("%s %s reads %q, which nothing made: %w", d.op, d.name, name, ErrModel)
		}
	}
	out, err := d.run(r, d, in)
	if err != nil {
		return fmt.Errorf("%s %s: %w", d.op, d.name, err)
	}
	if len(d.outputs) > 0 {
		values[d.outputs[0]] = out
	}
	for _, name := range d.inputs {
		if left[name]--; left[name] == 0 && name != n.output {
			delete(values, name)
		}
	}
	return nil
}
