package compare

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

func comparator(t testing.TB) *Comparator {
	t.Helper()
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSameHandAndAnother(t *testing.T) {
	c, r := comparator(t), rand.New(rand.NewPCG(3, 4))
	for seed := range uint64(6) {
		h, other := newHand(seed), newHand(seed+100)
		refs := h.references(5, r)
		same, err := c.Compare(context.Background(), refs, h.sign(r, 100, 1))
		if err != nil {
			t.Fatal(err)
		}
		diff, err := c.Compare(context.Background(), refs, other.sign(r, 100, 1))
		if err != nil {
			t.Fatal(err)
		}
		if same.Decision.Outcome != biometrics.Accept || diff.Decision.Outcome != biometrics.Reject {
			t.Errorf("hand %d: same %+v, other %+v", seed, same.LikelihoodRatio, diff.LikelihoodRatio)
		}
		if _, err := json.Marshal(same); err != nil {
			t.Error(err)
		}
	}
}

// The tablet at hand and the one of the enrolment differ in rate, unit and
// place; the answer must not.
func TestDevices(t *testing.T) {
	c := comparator(t)
	h := newHand(5)
	h.spread = 0.02
	refs := h.references(5, rand.New(rand.NewPCG(1, 1)))
	for _, rate := range []float64{60, 120, 133, 240} {
		q := h.sign(rand.New(rand.NewPCG(9, 9)), rate, 1)
		for i := range q.Points {
			q.Points[i].X = q.Points[i].X*4 + 12345
			q.Points[i].Y = q.Points[i].Y*4 - 777
		}
		got, err := c.Compare(context.Background(), refs, q)
		if err != nil || got.LikelihoodRatio.Log < 0 {
			t.Errorf("%v Hz: %+v, %v", rate, got.LikelihoodRatio, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	c, r := comparator(t), rand.New(rand.NewPCG(8, 8))
	h := newHand(1)
	refs := h.references(5, r)
	line := capture.Signature{Device: penDevice}
	for i := range 100 {
		line.Points = append(line.Points, capture.Point{Time: int64(i) * 10_000, X: int32(30 * i), Pressure: 30000, Down: true, Start: i == 0})
	}
	dot := capture.Signature{Device: penDevice, Points: line.Points[:3]}
	hovered := dot // two seconds in the air do not make a signature of it
	for i := range 200 {
		hovered.Points = append(hovered.Points[:len(hovered.Points):len(hovered.Points)], capture.Point{Time: int64(i+3) * 10_000, X: int32(50 * i), Y: int32(i * i)})
	}
	tests := []struct {
		name string
		refs []capture.Signature
		want string
	}{
		{"none", nil, biometrics.CodeNone},
		{"too many", make([]capture.Signature, biometrics.MaxReferences+1), biometrics.CodeTooMany},
		{"a dot", append(refs[:4:4], dot), biometrics.CodeTooShort},
		{"a dot, then hovering", append(refs[:4:4], hovered), biometrics.CodeTooShort},
		{"a line", append(refs[:4:4], line), biometrics.CodeTooSimple},
		{"a copy", append(refs[:4:4], refs[0]), biometrics.CodeIdentical},
		{"three hands", []capture.Signature{refs[0], newHand(77).sign(r, 100, 1), newHand(5).sign(r, 100, 1)}, biometrics.CodeInconsistent},
		{"two hands", []capture.Signature{refs[0], newHand(77).sign(r, 100, 1)}, biometrics.CodeInconsistent},
		{"another's", append(refs[:4:4], newHand(77).sign(r, 100, 1)), biometrics.CodeInconsistent},
	}
	for _, tt := range tests {
		found := false
		for _, p := range c.CheckReferences(tt.refs) {
			found = found || p.Code == tt.want && p.Severity == biometrics.Refusal
		}
		if !found {
			t.Errorf("%s: no %s in %v", tt.name, tt.want, c.CheckReferences(tt.refs))
		}
	}
	for _, p := range c.CheckReferences(refs) {
		t.Errorf("good references: %+v", p)
	}
	if _, err := c.Compare(context.Background(), nil, refs[0]); !errors.Is(err, biometrics.ErrReferences) {
		t.Errorf("no references: %v", err)
	}
	if _, err := c.Compare(context.Background(), refs, dot); !errors.Is(err, biometrics.ErrQuestioned) {
		t.Errorf("a dot: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Compare(ctx, refs, refs[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Where a forger leaves the model's way, the explanation points there.
func TestExplanation(t *testing.T) {
	c, err := New(Config{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(12, 4))
	h := newHand(4)
	h.spread = 0.02
	refs := h.references(5, r)
	q := h.sign(r, 100, 1)
	n := len(q.Points)
	from, to := n/2, n/2+n/6
	for i := from; i < to; i++ { // another shape in this stretch
		q.Points[i].X += int32(900 * float64((i-from)%14))
		q.Points[i].Y -= int32(700 * float64((i-from)%9))
	}
	got, err := c.Compare(context.Background(), refs, q)
	if err != nil {
		t.Fatal(err)
	}
	e := got.Explanation
	if e == nil || len(e.Path) == 0 || len(e.Channels) == 0 || len(e.Features) == 0 || len(e.Stretches) == 0 {
		t.Fatalf("incomplete: %+v", e)
	}
	worst := biometrics.Stretch{}
	for _, s := range e.Stretches {
		if s.Supports == biometrics.SupportsDifferent && s.Cost > worst.Cost {
			worst = s
		}
	}
	if worst.From >= to || worst.To <= from {
		t.Errorf("changed points %d to %d, explanation %+v", from, to, e.Stretches)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
	one, err := c.Compare(context.Background(), refs[:1], q)
	if err != nil || one.Explanation == nil {
		t.Fatalf("one reference: %v", err)
	}
	if _, err := json.Marshal(one); err != nil {
		t.Error(err)
	}
}

// A stored signature that is sent again is not a genuine signature.
func TestReplayOfReference(t *testing.T) {
	c, r := comparator(t), rand.New(rand.NewPCG(2, 4))
	refs := newHand(3).references(5, r)
	got, err := c.Compare(context.Background(), refs, refs[2])
	if err != nil || got.Decision.Outcome == biometrics.Accept {
		t.Fatalf("%+v, %v", got.Decision, err)
	}
	found := false
	for _, p := range got.Problems {
		found = found || p.Code == biometrics.CodeReplay && p.Index == 2
	}
	if !found {
		t.Errorf("no replay in %+v", got.Problems)
	}
}

// BenchmarkVerification is one signature of 300 points against five references
// of 300 points, all features and the calibration.
func BenchmarkVerification(b *testing.B) {
	c, r := comparator(b), rand.New(rand.NewPCG(3, 4))
	h := newHand(2)
	h.seconds = 3.26 // 300 points without the pen-ups
	t, err := c.Enrol(context.Background(), h.references(5, r))
	if err != nil {
		b.Fatal(err)
	}
	q := h.sign(r, 100, 1)
	b.Logf("%d points", len(q.Points))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Verify(context.Background(), t, q); err != nil {
			b.Fatal(err)
		}
	}
}

// Few references that lie closer together than their writer's are expected to
// are believed less than ones that lie farther apart; many are believed.
func TestFewCloseReferencesAreDrawnToTheExpected(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	score := func(own float64, pairs int) float64 {
		return m.Score(Evidence{Distance: 0, Own: own, Expected: -1, Pairs: pairs}, true)
	}
	at, below, above := score(-1, 3), score(-1.2, 3), score(-0.8, 3)
	if !(below < at && at < above) || at-below >= above-at {
		t.Errorf("scores %.3f, %.3f, %.3f for references closer than, as, farther than expected", below, at, above)
	}
	if few, many := at-score(-1.2, 1), at-score(-1.2, 45); few >= many || many > 0.2*m.Recipe.Spread {
		t.Errorf("one pair moves the score by %.3f, 45 pairs by %.3f", few, many)
	}
	if a, b := score(-1-1e-9, 3), score(-1+1e-9, 3); math.Abs(a-b) > 1e-6 {
		t.Errorf("the score leaps from %g to %g", a, b)
	}
	single := m.Score(Evidence{Expected: -1}, true) - m.Score(Evidence{Expected: -2}, true)
	if math.Abs(single-m.Recipe.Single) > 1e-9 {
		t.Errorf("one reference: %g of the expectation is taken off, want %g", single, m.Recipe.Single)
	}
}
