package compare

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// One comparison allocates what its answer needs, however long the signatures
// are: the dynamic programme keeps three anti-diagonals, and signals are made
// in memory that is used again.
func TestMemoryOfAComparisonIsConstant(t *testing.T) {
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	allocated := func(rate float64) (points int, least uint64) {
		h, r := newHand(3), rand.New(rand.NewPCG(3, 3))
		h.seconds = rate / 50 // 2 s, and 16 s
		refs := h.references(2, r)
		q := h.sign(r, 100, 1)
		template, err := c.Enrol(t.Context(), refs)
		if err != nil {
			t.Fatal(err)
		}
		least = math.MaxUint64
		// The least of many: the race detector makes pools forget now and then.
		for range 60 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := c.Verify(t.Context(), template, q); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		return len(q.Points), least
	}
	short, few := allocated(100)
	long, many := allocated(800)
	if long < 6*short {
		t.Fatalf("%d and %d points are not short and long", short, long)
	}
	if few > 64<<10 || many > few+1024 {
		t.Errorf("%d points: %d bytes; %d points: %d bytes; want the same, at most 64 KiB", short, few, long, many)
	}
	t.Logf("%d points: %d bytes; %d points: %d bytes", short, few, long, many)
}
