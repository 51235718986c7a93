package network

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Types of TensorProto.
const (
	typeFloat  = 1
	typeInt32  = 6
	typeInt64  = 7
	typeHalf   = 10
	typeDouble = 11
)

// parseTensor reads a TensorProto. Halves and doubles become floats.
func parseTensor(b []byte) (string, *Tensor, error) {
	var name string
	var kind uint64
	var raw []byte
	var dims, ints []int64
	t := &Tensor{}
	err := fields(b, func(number protowire.Number, f field) (err error) {
		switch number {
		case 1:
			dims, err = appendInts(dims, f)
		case 2:
			kind = f.number
		case 4:
			t.Data, err = appendFloats(t.Data, f)
		case 5, 7:
			ints, err = appendInts(ints, f)
		case 8:
			name = string(f.bytes)
		case 9:
			raw = f.bytes
		case 10:
			err = appendDoubles(t, f)
		case 13, 14:
			if number == 13 || f.number != 0 {
				err = fmt.Errorf("the weights of %s lie in another file: %w", name, ErrModel)
			}
		}
		return err
	})
	if err != nil {
		return name, nil, err
	}
	for _, d := range dims {
		if d < 0 || d > MaxElements {
			return name, nil, fmt.Errorf("tensor %s of shape %v: %w", name, dims, ErrModel)
		}
		t.Shape = append(t.Shape, int(d))
	}
	if err := t.fill(kind, raw, ints); err != nil {
		return name, nil, fmt.Errorf("tensor %s: %w", name, err)
	}
	return name, t, nil
}

func appendDoubles(t *Tensor, f field) error {
	if f.kind == protowire.Fixed64Type {
		t.Data = append(t.Data, float32(math.Float64frombits(f.number)))
		return nil
	}
	if len(f.bytes)%8 != 0 {
		return fmt.Errorf("damaged doubles: %w", ErrModel)
	}
	for b := f.bytes; len(b) > 0; b = b[8:] {
		t.Data = append(t.Data, float32(math.Float64frombits(binary.LittleEndian.Uint64(b))))
	}
	return nil
}

// fill takes the values from where the writer put them and holds their number
// to the shape.
func (t *Tensor) fill(kind uint64, raw []byte, ints []int64) error {
	n := elements(t.Shape)
	if n < 0 {
		return fmt.Errorf("shape %v: %w", t.Shape, ErrModel)
	}
	size := map[uint64]int{typeFloat: 4, typeInt32: 4, typeInt64: 8, typeHalf: 2, typeDouble: 8}[kind]
	if size == 0 {
		return fmt.Errorf("values of type %d: %w", kind, ErrModel)
	}
	if len(raw) > 0 && len(raw) != n*size {
		return fmt.Errorf("%d bytes for shape %v: %w", len(raw), t.Shape, ErrModel)
	}
	le := binary.LittleEndian
	switch {
	case kind == typeInt32 || kind == typeInt64:
		for i := 0; i < len(raw); i += size {
			v := int64(int32(le.Uint32(raw[i:])))
			if size == 8 {
				v = int64(le.Uint64(raw[i:]))
			}
			ints = append(ints, v)
		}
		t.Ints, t.Data = ints, nil
	case kind == typeHalf && len(raw) == 0:
		for _, v := range ints { // halves stand in int32_data
			t.Data = append(t.Data, half(uint16(v)))
		}
	default:
		for i := 0; i < len(raw); i += size {
			switch kind {
			case typeFloat:
				t.Data = append(t.Data, math.Float32frombits(le.Uint32(raw[i:])))
			case typeHalf:
				t.Data = append(t.Data, half(le.Uint16(raw[i:])))
			default:
				t.Data = append(t.Data, float32(math.Float64frombits(le.Uint64(raw[i:]))))
			}
		}
	}
	if max(len(t.Data), len(t.Ints)) != n {
		return fmt.Errorf("%d values for shape %v: %w", max(len(t.Data), len(t.Ints)), t.Shape, ErrModel)
	}
	return nil
}

// half is a number of IEEE 754 binary16.
func half(v uint16) float32 {
	sign, exponent, fraction := 1.0, int(v>>10&31), float64(v&1023)
	if v>>15 != 0 {
		sign = -1
	}
	switch exponent {
	case 0:
		return float32(sign * math.Ldexp(fraction, -24))
	case 31:
		if fraction != 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+fraction, exponent-25))
}
