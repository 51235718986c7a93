package timeline

import "math"

// Step says that a sender's media clock lost time: frames from FromTicks on
// were made AddMicros later than the clock says. Chromium's does so when the
// page stands still for some 0.3 s: it then takes the frames' own times for too
// late and holds all that follow back (WebRTC's TimestampAligner). Its sender
// reports follow the error; only the frames' arrival shows it.
type Step struct {
	FromTicks int64 `json:"fromTicks"`
	AddMicros int64 `json:"addMicros"` // instead of those before
}

// How steps are looked for.
const (
	stepWindow = 5e6    // µs of frames of which the quickest counts
	stepFrames = 10     // fewer in a window tell nothing
	stepLeast  = 30_000 // µs: what coding or the network may change by
)

// window is the quickest of some seconds of frames.
type window struct {
	first int     // index of its first frame in the run's ticks
	delay float64 // µs from the time that the mapping gives to arrival, without the network's share
}

// windows cuts the run and takes the quickest frame of each piece, less what
// the reports of that time waited in the network.
func (r *run) windows(m mapping) (out []window) {
	for from := 0; from < len(r.ticks); {
		to, begun := from, r.ticks[from].y
		quickest := math.Inf(1)
		for ; to < len(r.ticks) && r.ticks[to].y < begun+stepWindow; to++ {
			quickest = min(quickest, r.ticks[to].y-m.at(r.ticks[to].x))
		}
		if to-from >= stepFrames {
			out = append(out, window{first: from, delay: quickest - r.queued(m, begun, begun+stepWindow)})
		}
		from = to
	}
	return out
}

// queued is the least that reports which came in a span waited more than the
// path's shortest, 0 without reports.
func (r *run) queued(m mapping, from, to float64) float64 {
	least := math.Inf(1)
	for _, p := range r.reports {
		if p.came >= from && p.came < to {
			least = min(least, p.came-m.at(p.rtp)-m.path)
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return max(0, least)
}

// findSteps compares each piece with the one before. A change must last for two
// windows; the piece that is quickest is right, because a clock that is held
// back makes delays longer only. left is the delay of that piece: its stamps
// cannot be more wrong than that.
func (r *run) findSteps(m mapping) (steps []Step, left float64) {
	ws := r.windows(m)
	if len(ws) == 0 {
		return nil, 0
	}
	type piece struct {
		from  int
		level float64
	}
	pieces := []piece{{0, ws[0].delay}}
	for i, w := range ws {
		p := &pieces[len(pieces)-1]
		next := w.delay
		if i+1 < len(ws) {
			next = ws[i+1].delay
		}
		lo, hi := min(w.delay, next), max(w.delay, next)
		if lo-p.level > stepLeast || p.level-hi > stepLeast {
			pieces = append(pieces, piece{r.turning(m, ws, i, p.level, lo), lo})
		} else {
			p.level = min(p.level, w.delay)
		}
	}
	left = pieces[0].level
	for _, p := range pieces {
		left = min(left, p.level)
	}
	for i, p := range pieces {
		if add := int64(p.level - left); i > 0 || add > stepLeast {
			steps = append(steps, Step{FromTicks: int64(r.ticks[p.from].x), AddMicros: add})
		}
	}
	return steps, left
}

// turning finds the frame at which the delay changed, between the last two
// windows: the first after which none is as quick as before, or all are.
func (r *run) turning(m mapping, ws []window, i int, before, after float64) int {
	from, to := ws[max(0, i-1)].first, len(r.ticks)
	if i+1 < len(ws) {
		to = ws[i+1].first
	}
	middle := (before + after) / 2
	at := to - 1
	for j := to - 1; j >= from; j-- {
		if quick := r.ticks[j].y-m.at(r.ticks[j].x) < middle; quick == (after > before) {
			break
		}
		at = j
	}
	return at
}

// at is the mapping's session time of a media time, µs.
func (m mapping) at(ticks float64) float64 { return m.micros + (ticks-m.ticks)*m.perTick }
