package interchange

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"inkwitness/capture"
)

// read appends the points of a trace.
func (t inkmlTrace) read(format inkmlFormat, s *capture.Signature) error {
	values := make([]history, len(format.Channels))
	down := t.Type != "penUp"
	for i, text := range strings.Split(t.Text, ",") {
		tokens, err := split(text)
		if err != nil {
			return err
		}
		if len(tokens) == 0 && i == 0 && !strings.Contains(t.Text, ",") {
			return nil // an empty trace
		}
		if len(tokens) != len(values) {
			return fmt.Errorf("%d values for %d channels", len(tokens), len(values))
		}
		if len(s.Points) == MaxPoints {
			return tooMany()
		}
		p := capture.Point{Down: down, Start: down && i == 0, Time: int64(len(s.Points))}
		for k, token := range tokens {
			if err := values[k].take(token); err != nil {
				return err
			}
			if err := format.Channels[k].set(&p, values[k].value); err != nil {
				return err
			}
		}
		s.Points = append(s.Points, p)
	}
	return nil
}

// split cuts a point into values: they are apart by space, or by a modifier or a
// sign, as in 7'2-3 (section 3.3).
func split(text string) ([]string, error) {
	var tokens []string
	open := false // the last token may go on
	signed := false
	for _, r := range text {
		switch {
		case strings.ContainsRune(" \t\r\n", r):
			open = false
			continue
		case strings.ContainsRune("!'\"", r):
			tokens, open, signed = append(tokens, string(r)), true, true
			continue
		case r == '-' && !(open && signed):
			tokens, open, signed = append(tokens, "-"), true, false
			continue
		case r == '*' || r == '?':
			tokens, open = append(tokens, string(r)), false
			continue
		case !open:
			tokens, open = append(tokens, ""), true
		}
		tokens[len(tokens)-1] += string(r)
		signed = false
		if len(tokens) > 64 {
			return nil, errors.New("more than 64 values in a point")
		}
	}
	return tokens, nil
}

// history is what a channel had, for differences.
type history struct {
	value, step float64
	order       byte // '!' explicit, '\'' first difference, '"' second difference
	seen        bool
}

// take reads the next value of the channel. A modifier holds until the next one.
func (h *history) take(token string) error {
	if token == "?" {
		return errors.New("an unknown value")
	}
	if token == "*" {
		if !h.seen {
			return errors.New("nothing to repeat")
		}
		h.step = 0
		return nil
	}
	if h.order == 0 {
		h.order = '!'
	}
	if token != "" && strings.ContainsRune("!'\"", rune(token[0])) {
		h.order, token = token[0], token[1:]
	}
	v, err := number(token)
	if err != nil {
		return err
	}
	before := h.value
	switch h.order {
	case '!':
		h.value = v
		h.step = v - before
	case '\'':
		h.step = v
		h.value += v
	case '"':
		h.step += v
		h.value += h.step
	}
	h.seen = true
	return nil
}

func number(token string) (float64, error) {
	switch token {
	case "T":
		return 1, nil
	case "F":
		return 0, nil
	}
	if hex, ok := strings.CutPrefix(token, "#"); ok {
		v, err := strconv.ParseUint(hex, 16, 32)
		return float64(v), err
	}
	v, err := strconv.ParseFloat(token, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e15 {
		return 0, fmt.Errorf("%q is no value", token)
	}
	return v, nil
}

// set puts a value into its field of p.
func (c inkmlChannel) set(p *capture.Point, v float64) error {
	switch c.Name {
	case "X", "Y":
		if unit := lengths[c.Units]; unit > 0 {
			v *= unit
		}
	}
	switch c.Name {
	case "X":
		return put(&p.X, v, math.MinInt32, math.MaxInt32)
	case "Y":
		if c.Orientation == "-ve" { // it grows upwards
			v = -v
		}
		return put(&p.Y, v, math.MinInt32, math.MaxInt32)
	case "F":
		full, err := strconv.ParseFloat(c.Max, 64)
		if c.Units == "%" {
			full, err = 100, nil
		}
		if err == nil && full > 0 {
			v *= capture.MaxPressure / full
		}
		return put(&p.Pressure, v, 0, capture.MaxPressure)
	case "OTx":
		return put(&p.TiltX, v*100, -9000, 9000)
	case "OTy":
		return put(&p.TiltY, v*100, -9000, 9000)
	case "OR":
		return put(&p.Twist, math.Mod(36000-math.Round(v*100), 36000), 0, 35999)
	case "T":
		unit, ok := map[string]float64{"": 1000, "ms": 1000, "s": 1e6, "us": 1}[c.Units]
		if !ok {
			return fmt.Errorf("times in %q", c.Units)
		}
		return put(&p.Time, v*unit, -1e15, 1e15)
	}
	return nil
}

// put rounds v into a field, if it is in range.
func put[T int16 | uint16 | int32 | int64](field *T, v, lo, hi float64) error {
	if v = math.Round(v); !(v >= lo && v <= hi) {
		return fmt.Errorf("%v is not in %v..%v", v, lo, hi)
	}
	*field = T(v)
	return nil
}
