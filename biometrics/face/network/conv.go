package network

import (
	"fmt"
	"math"
	"runtime"
	"sync"
)

// window is the geometry that convolutions and pools share, of two dimensions.
type window struct {
	kernel, stride, dilation [2]int
	pad                      [2]int // before
	in, out                  [2]int
}

func newWindow(n *node, x []int, kernel []int) (w window, err error) {
	bad := fmt.Errorf("kernel %v over %v: %w", kernel, x, ErrModel)
	stride, dilation, pads := n.integers("strides", 1, 1), n.integers("dilations", 1, 1), n.integers("pads", 0, 0, 0, 0)
	if len(x) != 4 || len(kernel) != 2 || len(stride) != 2 || len(dilation) != 2 || len(pads) != 4 {
		return w, bad
	}
	auto := n.attributes["auto_pad"].s
	for d := range 2 {
		k, s, l := kernel[d], stride[d], dilation[d]
		if k < 1 || s < 1 || l < 1 || k > 1<<10 || s > 1<<10 || l > 1<<10 {
			return w, bad
		}
		before, after := pads[d], pads[d+2]
		reach := (k-1)*l + 1
		switch auto {
		case "", "NOTSET":
		case "VALID":
			before, after = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			all := max(0, ((x[2+d]+s-1)/s-1)*s+reach-x[2+d])
			before = all / 2
			if auto == "SAME_LOWER" {
				before = all - all/2
			}
			after = all - before
		default:
			return w, bad
		}
		if before < 0 || after < 0 || before > 1<<12 || after > 1<<12 {
			return w, bad
		}
		span := x[2+d] + before + after - reach
		if n.integer("ceil_mode", 0) != 0 {
			span += s - 1
		}
		if span < 0 {
			return w, bad
		}
		w.kernel[d], w.stride[d], w.dilation[d], w.pad[d] = k, s, l, before
		w.in[d], w.out[d] = x[2+d], span/s+1
	}
	return w, nil
}

// block is how many places of the output are computed at once: what a core's
// second cache holds of the gathered input.
const block = 512

// conv is a convolution in groups: the input under the kernel is gathered into
// columns, block by block, and multiplied with the weights.
func conv(r *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 2); err != nil {
		return nil, err
	}
	x, weights, groups := in[0], in[1], n.integer("group", 1)
	if len(weights.Shape) != 4 || len(x.Shape) != 4 || groups < 1 || x.Shape[1] != weights.Shape[1]*groups || weights.Shape[0]%groups != 0 {
		return nil, shapeError(x.Shape, weights.Shape)
	}
	bias := optional(in, 2)
	if bias != nil && len(bias.Data) != weights.Shape[0] {
		return nil, shapeError(weights.Shape, bias.Shape)
	}
	w, err := newWindow(n, x.Shape, weights.Shape[2:])
	if err != nil {
		return nil, err
	}
	out, err := newTensor(x.Shape[0], weights.Shape[0], w.out[0], w.out[1])
	if err != nil {
		return nil, err
	}
	depth := weights.Shape[1] * w.kernel[0] * w.kernel[1]
	if depth > MaxElements/block || elements([]int{depth, len(out.Data)}) < 0 && len(out.Data) > MaxMACs/depth {
		return nil, shapeError(weights.Shape)
	}
	if err := r.spend(depth * len(out.Data)); err != nil {
		return nil, err
	}
	places, each := w.out[0]*w.out[1], weights.Shape[0]/groups
	if bias != nil {
		for i := range out.Data {
			out.Data[i] = bias.Data[i/places%len(bias.Data)]
		}
	}
	c := convolution{w: w, x: x, weights: weights, out: out, depth: depth, places: places, each: each}
	c.run(x.Shape[0], groups)
	return out, nil
}

// convolution is what the workers of one convolution share; each writes its own
// places of the output.
type convolution struct {
	w               window
	x, weights, out *Tensor
	depth           int // values under the kernel
	places          int // of one channel of the output
	each            int // channels of the output in a group
}

type piece struct{ image, group, from int }

func (c *convolution) run(images, groups int) {
	pieces := make(chan piece)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), images*groups*((c.places+block-1)/block)) {
		wg.Go(func() {
			columns := make([]float32, c.depth*block)
			for p := range pieces {
				c.piece(p, columns)
			}
		})
	}
	for i := range images {
		for g := range groups {
			for from := 0; from < c.places; from += block {
				pieces <- piece{i, g, from}
			}
		}
	}
	close(pieces)
	wg.Wait()
}

func (c *convolution) piece(p piece, columns []float32) {
	width := min(block, c.places-p.from)
	channels := c.weights.Shape[1]
	plane := c.w.in[0] * c.w.in[1]
	row := 0
	for ch := range channels {
		at := ((p.image*c.x.Shape[1] + p.group*channels + ch) * plane)
		for ky := range c.w.kernel[0] {
			for kx := range c.w.kernel[1] {
				c.gather(c.x.Data[at:at+plane], columns[row*block:row*block+width], p.from, ky, kx)
				row++
			}
		}
	}
	for k := range c.each {
		oc := p.group*c.each + k
		at := (p.image*c.out.Shape[1]+oc)*c.places + p.from
		multiply(c.out.Data[at:at+width], columns, c.weights.Data[oc*c.depth:(oc+1)*c.depth], block)
	}
}

// gather collects one value under the kernel for each place of a block.
func (c *convolution) gather(plane, to []float32, from, ky, kx int) {
	w := &c.w
	y, x := from/w.out[1], from%w.out[1]
	for i := 0; i < len(to); {
		run := min(len(to)-i, w.out[1]-x)
		iy := y*w.stride[0] - w.pad[0] + ky*w.dilation[0]
		ix := x*w.stride[1] - w.pad[1] + kx*w.dilation[1]
		line := to[i : i+run]
		switch {
		case iy < 0 || iy >= w.in[0]:
			clear(line)
		case w.stride[1] == 1 && ix >= 0 && ix+run <= w.in[1]:
			copy(line, plane[iy*w.in[1]+ix:])
		default:
			for k := range line {
				line[k] = 0
				if at := ix + k*w.stride[1]; at >= 0 && at < w.in[1] {
					line[k] = plane[iy*w.in[1]+at]
				}
			}
		}
		i, x, y = i+run, 0, y+1
	}
}

// pool is MaxPool or AveragePool.
func pool(r *runner, n *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	w, err := newWindow(n, x.Shape, n.integers("kernel_shape"))
	if err != nil {
		return nil, err
	}
	out, err := newTensor(x.Shape[0], x.Shape[1], w.out[0], w.out[1])
	if err != nil {
		return nil, err
	}
	if err := r.spend(len(out.Data) * w.kernel[0] * w.kernel[1]); err != nil {
		return nil, err
	}
	average, whole := n.op == "AveragePool", n.integer("count_include_pad", 0) != 0
	plane, places := w.in[0]*w.in[1], w.out[0]*w.out[1]
	for i := range out.Data {
		y, xx := i%places/w.out[1], i%w.out[1]
		from := x.Data[i/places*plane:][:plane]
		sum, most, count := float32(0), float32(math.Inf(-1)), 0
		for ky := range w.kernel[0] {
			for kx := range w.kernel[1] {
				iy, ix := y*w.stride[0]-w.pad[0]+ky*w.dilation[0], xx*w.stride[1]-w.pad[1]+kx*w.dilation[1]
				if iy >= 0 && iy < w.in[0] && ix >= 0 && ix < w.in[1] {
					v := from[iy*w.in[1]+ix]
					sum, most, count = sum+v, max(most, v), count+1
				}
			}
		}
		if whole {
			count = w.kernel[0] * w.kernel[1]
		}
		if out.Data[i] = most; average {
			out.Data[i] = sum / float32(max(1, count))
		}
	}
	return out, nil
}

func globalAverage(_ *runner, _ *node, in []*Tensor) (*Tensor, error) {
	if err := floats(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x.Shape) < 3 {
		return nil, shapeError(x.Shape)
	}
	shape := []int{x.Shape[0], x.Shape[1]}
	for range x.Shape[2:] {
		shape = append(shape, 1)
	}
	out, err := newTensor(shape...)
	if err != nil {
		return nil, err
	}
	plane := len(x.Data) / len(out.Data)
	for i := range out.Data {
		sum := 0.0
		for _, v := range x.Data[i*plane : (i+1)*plane] {
			sum += float64(v)
		}
		out.Data[i] = float32(sum / float64(plane))
	}
	return out, nil
}
