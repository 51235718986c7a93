package network

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Parse reads an ONNX model and checks that every operator can be run. Weights
// must lie in the file itself.
func Parse(data []byte) (*Network, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("a model of %d bytes: %w", len(data), ErrModel)
	}
	n := &Network{Metadata: map[string]string{}, constants: map[string]*Tensor{}, uses: map[string]int{}}
	var graph []byte
	err := fields(data, func(number protowire.Number, f field) error { // ModelProto
		switch number {
		case 7:
			graph = f.bytes
		case 14:
			key, value, err := entry(f.bytes)
			n.Metadata[key] = value
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if graph == nil {
		return nil, fmt.Errorf("no graph: %w", ErrModel)
	}
	if err := n.graph(graph); err != nil {
		return nil, err
	}
	return n, n.check()
}

// field is one field of a message: bytes of a nested one or a text, or a number.
type field struct {
	bytes  []byte
	number uint64
	kind   protowire.Type
}

// fields calls do for each field of a message, in order.
func fields(b []byte, do func(protowire.Number, field) error) error {
	bad := fmt.Errorf("damaged protocol buffer: %w", ErrModel)
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return bad
		}
		b = b[n:]
		f := field{kind: kind}
		switch kind {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.number = uint64(v)
		case protowire.Fixed64Type:
			f.number, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
			if f.bytes == nil {
				f.bytes = []byte{}
			}
		default:
			return bad
		}
		if n < 0 {
			return bad
		}
		b = b[n:]
		if err := do(number, f); err != nil {
			return err
		}
	}
	return nil
}

// entry reads a StringStringEntryProto.
func entry(b []byte) (key, value string, err error) {
	err = fields(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			key = string(f.bytes)
		case 2:
			value = string(f.bytes)
		}
		return nil
	})
	return key, value, err
}

// graph reads a GraphProto.
func (n *Network) graph(b []byte) error {
	var inputs []string
	shapes := map[string][]int{}
	err := fields(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			d, err := parseNode(f.bytes)
			if err != nil {
				return err
			}
			if n.nodes = append(n.nodes, d); len(n.nodes) > MaxNodes {
				return fmt.Errorf("more than %d operators: %w", MaxNodes, ErrModel)
			}
		case 5:
			name, t, err := parseTensor(f.bytes)
			if err != nil {
				return err
			}
			n.constants[name] = t
		case 11, 12:
			name, shape, err := parseValue(f.bytes)
			if err != nil {
				return err
			}
			if number == 11 {
				inputs, shapes[name] = append(inputs, name), shape
			} else if n.output == "" {
				n.output = name
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range inputs { // old writers list the weights among the inputs
		if n.constants[name] != nil {
			continue
		}
		if n.input != "" {
			return fmt.Errorf("two inputs, %s and %s: %w", n.input, name, ErrModel)
		}
		n.input, n.Input = name, shapes[name]
	}
	if n.input == "" || n.output == "" {
		return fmt.Errorf("no input or no output: %w", ErrModel)
	}
	return nil
}

// check finds the operators, and values that are read before they are made.
func (n *Network) check() error {
	made := map[string]bool{n.input: true}
	for name := range n.constants {
		made[name] = true
	}
	for i := range n.nodes {
		d := &n.nodes[i]
		run, ok := operators[d.op]
		if !ok {
			return fmt.Errorf("operator %s (%s) is not supported: %w", d.op, d.name, ErrModel)
		}
		d.run = run
		for _, name := range d.inputs {
			if name != "" && !made[name] {
				return fmt.Errorf("%s %s reads %q, which nothing before it makes: %w", d.op, d.name, name, ErrModel)
			}
			n.uses[name]++
		}
		for _, name := range d.outputs {
			made[name] = true
		}
	}
	if !made[n.output] {
		return fmt.Errorf("nothing makes the output %q: %w", n.output, ErrModel)
	}
	return nil
}

// parseNode reads a NodeProto.
func parseNode(b []byte) (node, error) {
	d := node{attributes: map[string]attribute{}}
	err := fields(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			d.inputs = append(d.inputs, string(f.bytes))
		case 2:
			d.outputs = append(d.outputs, string(f.bytes))
		case 3:
			d.name = string(f.bytes)
		case 4:
			d.op = string(f.bytes)
		case 5:
			name, a, err := parseAttribute(f.bytes)
			d.attributes[name] = a
			return err
		case 7:
			if domain := string(f.bytes); domain != "" && domain != "ai.onnx" {
				return fmt.Errorf("operators of %s: %w", domain, ErrModel)
			}
		}
		return nil
	})
	return d, err
}

// parseAttribute reads an AttributeProto.
func parseAttribute(b []byte) (name string, a attribute, err error) {
	err = fields(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			name = string(f.bytes)
		case 2:
			a.f = math.Float32frombits(uint32(f.number))
		case 3:
			a.i = int64(f.number)
		case 4:
			a.s = string(f.bytes)
		case 5:
			_, t, err := parseTensor(f.bytes)
			a.t = t
			return err
		case 7:
			a.floats, err = appendFloats(a.floats, f)
			return err
		case 8:
			a.ints, err = appendInts(a.ints, f)
			return err
		}
		return nil
	})
	return name, a, err
}

// appendFloats reads a repeated float, packed or one by one.
func appendFloats(out []float32, f field) ([]float32, error) {
	if f.kind == protowire.Fixed32Type {
		return append(out, math.Float32frombits(uint32(f.number))), nil
	}
	if len(f.bytes)%4 != 0 {
		return nil, fmt.Errorf("damaged floats: %w", ErrModel)
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return out, nil
}

// appendInts reads a repeated int64, packed or one by one.
func appendInts(out []int64, f field) ([]int64, error) {
	if f.kind == protowire.VarintType {
		return append(out, int64(f.number)), nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, fmt.Errorf("damaged integers: %w", ErrModel)
		}
		out, b = append(out, int64(v)), b[n:]
	}
	return out, nil
}

// parseValue reads a ValueInfoProto: name, and shape with 0 for what is open.
func parseValue(b []byte) (name string, shape []int, err error) {
	into := func(want protowire.Number, next func([]byte) error) func([]byte) error {
		return func(b []byte) error {
			return fields(b, func(number protowire.Number, f field) error {
				if number == want {
					return next(f.bytes)
				}
				return nil
			})
		}
	}
	dim := func(b []byte) error {
		size := 0
		err := fields(b, func(number protowire.Number, f field) error {
			if number == 1 && f.number <= MaxElements {
				size = int(f.number)
			}
			return nil
		})
		if shape = append(shape, size); len(shape) > maxRank {
			return fmt.Errorf("%d dimensions: %w", len(shape), ErrModel)
		}
		return err
	}
	err = fields(b, func(number protowire.Number, f field) error {
		switch number {
		case 1:
			name = string(f.bytes)
		case 2: // TypeProto.tensor_type.shape.dim
			return into(1, into(2, into(1, dim)))(f.bytes)
		}
		return nil
	})
	return name, shape, err
}
