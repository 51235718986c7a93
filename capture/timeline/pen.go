package timeline

import (
	"math"

	"inkwitness/capture"
)

// exchangeWindow is the time of which the best exchange is used, µs.
const exchangeWindow = 10e6

// unknownDelay is what a path of which no round trip is known may add, µs. It
// is wide on purpose.
const unknownDelay = 100_000

// good is an exchange that can be true: no time runs backwards in it.
func good(e capture.ClockExchange) bool {
	return e.ClientReceive >= e.ClientSend && e.ServerSend >= e.ServerReceive && width(e) >= 0
}

// width is the round trip without the server's share, µs.
func width(e capture.ClockExchange) int64 {
	return (e.ClientReceive - e.ClientSend) - (e.ServerSend - e.ServerReceive)
}

// bestExchanges keeps the shortest round trip of each window: the one that was
// delayed least, RFC 5905 section 10.
func bestExchanges(all []capture.ClockExchange) []capture.ClockExchange {
	best := make(map[int64]int)
	var out []capture.ClockExchange
	for _, e := range all {
		if !good(e) {
			continue
		}
		w := e.ServerReceive / exchangeWindow
		i, ok := best[w]
		if !ok {
			best[w] = len(out)
			out = append(out, e)
		} else if width(e) < width(out[i]) {
			out[i] = e
		}
	}
	return out
}

// roundTrip is the shortest one seen, 0 when none was.
func roundTrip(all []capture.ClockExchange) int64 {
	least := int64(math.MaxInt64)
	for _, e := range all {
		if good(e) {
			least = min(least, width(e))
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// buildPen maps the page's clock; nil when nothing is known of it.
func buildPen(in Input) *Pen {
	best := bestExchanges(in.Exchanges)
	var p *Pen
	switch {
	case len(best) > 0:
		p = penByExchanges(best, span(in))
	case len(in.Pen) > 0:
		p = penByArrivals(in.Pen, span(in))
	default:
		return nil
	}
	p.ExchangesSeen = len(in.Exchanges)
	for i, b := range in.Pen {
		first, last := p.Micros(b.First), p.Micros(b.Last)
		if i == 0 {
			p.FirstMicros, p.LastMicros, p.MinDelayMicros = first, last, b.Arrived-last
		}
		p.FirstMicros, p.LastMicros = min(p.FirstMicros, first), max(p.LastMicros, last)
		p.MinDelayMicros = min(p.MinDelayMicros, b.Arrived-last)
	}
	return p
}

// span is how long the page's clock is read for, µs.
func span(in Input) float64 {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, e := range in.Exchanges {
		lo, hi = min(lo, e.ClientSend), max(hi, e.ClientReceive)
	}
	for _, b := range in.Pen {
		lo, hi = min(lo, b.First), max(hi, b.Last)
	}
	return max(0, float64(hi)-float64(lo))
}

// penByExchanges fits a line through the best exchanges. Each is right to half
// of its round trip whatever the path's two directions take; the fit cannot be
// worse than that plus what the exchanges disagree by.
func penByExchanges(best []capture.ClockExchange, span float64) *Pen {
	points, weights := make([]point, len(best)), make([]float64, len(best))
	halves := make([]int64, len(best))
	for i, e := range best {
		points[i] = point{
			x: float64(e.ClientSend+e.ClientReceive) / 2,
			y: float64((e.ServerReceive-e.ClientSend)+(e.ServerSend-e.ClientReceive)) / 2,
		}
		halves[i] = width(e)/2 + 1
		weights[i] = 1 / (float64(halves[i]) * float64(halves[i]))
	}
	l := weighted(points, weights)
	worst, square := 0.0, 0.0
	for i, p := range points {
		r := math.Abs(p.y - l.at(p.x))
		worst, square = max(worst, r-float64(halves[i])), square+r*r
	}
	noise := math.Sqrt(square / float64(len(points)))
	origin := int64(l.x0)
	return &Pen{
		Method: Exchanges, OriginPageMicros: origin, OriginMicros: origin + int64(l.at(float64(origin))),
		DriftPPM: l.slope * 1e6, UncertaintyMicros: median(halves) + int64(worst+2*noise+l.wander(span)), ExchangesUsed: len(best),
	}
}

// penByArrivals knows only that a batch came after its last point.
func penByArrivals(batches []Batch, span float64) *Pen {
	points := make([]point, len(batches))
	for i, b := range batches {
		points[i] = point{x: float64(b.Last), y: float64(b.Arrived - b.Last)}
	}
	l := lowerLine(points)
	origin := int64(l.x0)
	return &Pen{
		Method: Arrivals, OriginPageMicros: origin, OriginMicros: origin + int64(l.y0) - unknownDelay/2,
		DriftPPM: l.slope * 1e6, UncertaintyMicros: unknownDelay + int64(l.wander(span)),
	}
}
