package compare

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"inkwitness/biometrics"
	"inkwitness/biometrics/feature"
	"inkwitness/capture"
)

// Config of a Comparator. The zero value compares with the built-in model and
// the default thresholds.
type Config struct {
	Model *Model // nil: Default

	// Thresholds of the decision, natural logarithms of the likelihood ratio.
	// Both zero means the default: accept from a ratio of 10, reject below 1/10.
	AcceptAbove, RejectBelow float64

	// Explain adds the explanation to every comparison. It costs an alignment
	// with its path.
	Explain bool
}

// Comparator implements biometrics.Comparator. It holds no state but its
// configuration and is safe for concurrent use.
type Comparator struct {
	model *Model
	cfg   Config
}

var _ biometrics.Comparator = (*Comparator)(nil)

// New returns a comparator.
func New(cfg Config) (*Comparator, error) {
	if cfg.Model == nil {
		m, err := Default()
		if err != nil {
			return nil, err
		}
		cfg.Model = m
	}
	if cfg.AcceptAbove == 0 && cfg.RejectBelow == 0 {
		cfg.AcceptAbove, cfg.RejectBelow = math.Log(10), -math.Log(10)
	}
	if !(cfg.RejectBelow <= cfg.AcceptAbove) {
		return nil, fmt.Errorf("thresholds %g and %g: %w", cfg.RejectBelow, cfg.AcceptAbove, biometrics.ErrModel)
	}
	return &Comparator{model: cfg.Model, cfg: cfg}, nil
}

// Compare answers how strongly the questioned signature speaks for the writer
// of the references.
func (c *Comparator) Compare(ctx context.Context, references []capture.Signature, questioned capture.Signature) (biometrics.Comparison, error) {
	none := biometrics.Comparison{}
	t, err := c.Enrol(ctx, references)
	if err != nil {
		return none, err
	}
	return c.Verify(ctx, t, questioned)
}

// Template is a set of references made ready, with and without pressure. It is
// biometric data in the clear, for memory only; package protect seals the
// signatures it is made from.
type Template struct {
	device   capture.Device
	problems []biometrics.Problem
	several  bool  // references of several days
	with     *side // nil where a reference has no pressure
	without  *side
}

type side struct {
	refs  []*Prepared
	among []Costs
}

// Enrol makes references ready, so that several signatures can be compared with
// them. It returns ErrReferences where CheckReferences refuses them.
func (c *Comparator) Enrol(ctx context.Context, references []capture.Signature) (*Template, error) {
	t := &Template{problems: c.CheckReferences(references)}
	for _, p := range t.problems {
		if p.Severity == biometrics.Refusal && p.Code != biometrics.CodeInconsistent && p.Code != biometrics.CodeTooSimple {
			return nil, &biometrics.Unusable{Problem: p, Err: biometrics.ErrReferences}
		}
	}
	t.device, t.several = references[0].Device, severalDays(references)
	pressure := true
	for _, r := range references {
		pressure = pressure && r.Device.HasPressure
	}
	var err error
	if pressure {
		if t.with, err = c.side(ctx, references, true); err != nil {
			return nil, err
		}
	}
	t.without, err = c.side(ctx, references, false)
	return t, err
}

// oneSitting is how far apart signatures of one day can be.
const oneSitting = 12 * time.Hour

// severalDays is true where all signatures are dated and not all are of one day.
func severalDays(sigs []capture.Signature) bool {
	first, last := sigs[0].Epoch, sigs[0].Epoch
	for _, s := range sigs {
		if s.Epoch.IsZero() {
			return false
		}
		if s.Epoch.Before(first) {
			first = s.Epoch
		}
		if s.Epoch.After(last) {
			last = s.Epoch
		}
	}
	return last.Sub(first) > oneSitting
}

func (c *Comparator) side(ctx context.Context, references []capture.Signature, pressure bool) (*side, error) {
	s := &side{}
	for i, r := range references {
		p, err := c.model.Prepare(r, pressure)
		if err != nil {
			return nil, fmt.Errorf("reference %d: %w: %w", i+1, biometrics.ErrReferences, err)
		}
		s.refs = append(s.refs, p)
	}
	for _, ij := range pairs(len(s.refs)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		costs, err := c.model.Align(s.refs[ij[0]], s.refs[ij[1]])
		if err != nil {
			return nil, err
		}
		s.among = append(s.among, costs)
	}
	return s, nil
}

// Verify compares one questioned signature with enrolled references.
func (c *Comparator) Verify(ctx context.Context, t *Template, questioned capture.Signature) (biometrics.Comparison, error) {
	none := biometrics.Comparison{}
	q := Measure(questioned)
	problems := append(append([]biometrics.Problem{}, t.problems...), signatureProblems(q, questioned, -1)...)
	for _, p := range problems[len(t.problems):] {
		if p.Severity == biometrics.Refusal && p.Code != biometrics.CodeTooSimple {
			return none, &biometrics.Unusable{Problem: p, Err: biometrics.ErrQuestioned}
		}
	}
	s, pressure := t.with, true
	if s == nil || !questioned.Device.HasPressure {
		s, pressure = t.without, false
	}
	mem := memories.Get().(*memory)
	defer mem.free()
	p := &mem.prepared
	err := c.model.prepareInto(p, questioned, pressure, &mem.scratch)
	if err != nil {
		return none, fmt.Errorf("%w: %w", biometrics.ErrQuestioned, err)
	}
	costs := make([]Costs, len(s.refs))
	for i, r := range s.refs {
		if err := ctx.Err(); err != nil {
			return none, err
		}
		if costs[i], err = c.model.Align(p, r); err != nil {
			return none, err
		}
	}
	for i, k := range costs {
		if k[0] < identicalBelow {
			problems = append(problems, problem(biometrics.CodeReplay, biometrics.Refusal, i, "The signature is a copy of reference %d, not signed anew.", i+1))
		}
	}
	class := biometrics.Class{Pressure: pressure, Pointer: questioned.Device.Pointer, References: len(s.refs), SeveralDays: t.several}
	out := biometrics.Comparison{
		Format: 1, Method: "multivariate DTW", Model: c.model.Version, Calibration: c.model.Version,
		Score: c.model.Score(c.model.evidence(p, s, costs), pressure), Quality: q,
	}
	out.LikelihoodRatio, class.Calibrated = c.model.likelihood(out.Score, class)
	out.Class = class
	out.Problems = append(problems, classProblems(class, t.device, questioned.Device)...)
	out.Decision = c.decide(out)
	if c.cfg.Explain {
		if out.Explanation, err = c.model.explain(p, s, costs); err != nil {
			return none, err
		}
	}
	return out, nil
}

func (c *Comparator) decide(out biometrics.Comparison) biometrics.Decision {
	d := biometrics.Decision{Outcome: biometrics.Inconclusive, AcceptAbove: c.cfg.AcceptAbove, RejectBelow: c.cfg.RejectBelow}
	refused := false
	for _, p := range out.Problems {
		refused = refused || p.Severity == biometrics.Refusal
	}
	switch {
	case out.LikelihoodRatio.Log <= d.RejectBelow:
		d.Outcome = biometrics.Reject
	case out.LikelihoodRatio.Log >= d.AcceptAbove && !refused:
		d.Outcome = biometrics.Accept
	}
	return d
}

// evidence is Weigh, Expected and Deviation together.
func (m *Model) evidence(questioned *Prepared, s *side, costs []Costs) Evidence {
	e := m.Weigh(costs, s.among)
	refs := make([]*[feature.NumGlobal]float64, len(s.refs))
	for i, r := range s.refs {
		refs[i] = &r.Globals
	}
	e.Expected = m.Expected(refs, questioned.pressure)
	e.Deviation = m.Deviation(&questioned.Globals, refs, questioned.pressure)
	return e
}

// memory is what one verification computes in. It holds biometric data in the
// clear, so it is wiped before it waits for the next.
type memory struct {
	scratch  feature.Scratch
	prepared Prepared
}

var memories = sync.Pool{New: func() any { return new(memory) }}

func (m *memory) free() {
	m.scratch.Wipe()
	m.prepared.wipe()
	memories.Put(m)
}
