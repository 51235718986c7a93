package timeline

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"inkwitness/capture/media"
)

// run is one media clock: a track of one segment, or of several that an ICE
// restart joined. Its RTP time goes on over all of them.
type run struct {
	start    media.TrackStart
	segments []segment
	reports  []report
	base     uint64  // NTP time of the first report
	ticks    []point // RTP time against arrival in µs, of frames
	last     int64   // RTP time of the frame before
	chunked  bool
}

type segment struct {
	number      uint32
	frames      int
	first, last int64 // RTP time
	from        int   // index of its first frame in the run's ticks
	steps       []int64
	pairs       []Pair
}

// report is a sender report with its RTP time unwrapped.
type report struct {
	rtp    float64
	sender float64 // µs of the sender's clock since its first report
	came   float64 // µs
}

// Build makes the timeline of a recording. The only errors are those of the
// sources: of what cannot be known the timeline says so.
func Build(in Input) (Timeline, error) {
	t := Timeline{Format: 1, Clock: "session", Media: []Track{}, Notes: []string{
		"A camera's own delay, from light to time stamp, is not known and not in the uncertainties.",
	}}
	t.Pen = buildPen(in)
	t.NetworkRoundTripMicros = roundTrip(in.Exchanges)
	for _, source := range []func() iter.Seq2[media.Record, error]{in.Video, in.Audio} {
		if source == nil {
			continue
		}
		runs, err := collect(source())
		if err != nil {
			return Timeline{}, fmt.Errorf("read the media: %w", err)
		}
		for _, r := range runs {
			t.Media = append(t.Media, r.tracks(t.NetworkRoundTripMicros)...)
		}
	}
	if len(in.Exchanges) == 0 {
		t.Notes = append(t.Notes, "No clock exchange was recorded: delays of the network are assumed to be under 0.1 s.")
	}
	for i, m := range t.Media {
		if len(m.Steps) > 0 && m.Steps[0].FromTicks >= m.OriginTicks {
			t.Notes = append(t.Notes, fmt.Sprintf("The sender's clock of %s stepped; the times are corrected by when the frames came.", m.Track))
		}
		if i == 0 || m.FirstMicros < t.FileStartMicros {
			t.FileStartMicros = m.FirstMicros
		}
	}
	return t, nil
}

// collect sorts a stream's records by media clock.
func collect(records iter.Seq2[media.Record, error]) ([]*run, error) {
	var runs []*run
	current := func() *run {
		if len(runs) == 0 {
			return nil
		}
		return runs[len(runs)-1]
	}
	reason := media.Started
	for rec, err := range records {
		if err != nil {
			return nil, err
		}
		r := current()
		switch rec := rec.(type) {
		case media.Segment:
			reason = rec.Reason
		case media.TrackStart:
			if reason != media.ICERestart || r == nil || r.start.SSRC != rec.SSRC {
				r = &run{start: rec, chunked: reason == media.Fallback}
				runs = append(runs, r)
			}
			r.segments = append(r.segments, segment{number: rec.Segment})
		case media.Frame:
			if r != nil && len(rec.Data) > 0 {
				r.frame(rec)
			}
		case media.SenderReport:
			if r != nil && rec.SSRC == r.start.SSRC {
				r.report(rec)
			}
		}
	}
	return slices.DeleteFunc(runs, func(r *run) bool { return len(r.ticks) == 0 }), nil
}

func (r *run) frame(f media.Frame) {
	s := &r.segments[len(r.segments)-1]
	if s.frames == 0 {
		s.first, s.from = f.RTP, len(r.ticks)
	} else if !f.Gap {
		s.steps = append(s.steps, f.RTP-r.last)
	}
	s.frames++
	s.last, r.last = f.RTP, f.RTP
	r.ticks = append(r.ticks, point{x: float64(f.RTP), y: float64(f.Arrival)})
}

// report keeps a report, unwrapped to the frame before it: they are less than
// 2^31 ticks apart.
func (r *run) report(sr media.SenderReport) {
	s := &r.segments[len(r.segments)-1]
	s.pairs = append(s.pairs, Pair{NTP: sr.NTP, RTP: sr.RTP, ArrivedMicros: sr.Arrival})
	rtp := int64(sr.RTP)
	if len(r.ticks) > 0 {
		rtp = r.last + int64(int32(sr.RTP-uint32(r.last)))
	}
	if len(r.reports) == 0 {
		r.base = sr.NTP
	}
	sender := float64(int64(sr.NTP-r.base)) * 1e6 / (1 << 32)
	r.reports = append(r.reports, report{rtp: float64(rtp), sender: sender, came: float64(sr.Arrival)})
}

// mapping is a run's clock against the session clock.
type mapping struct {
	method        Method
	ticks, micros float64 // one instant on both
	perTick       float64 // µs
	drift         float64
	uncertainty   float64 // µs, without the frame interval
	path          float64 // µs that the quickest reports took, as assumed
}

// fit finds the run's mapping. The sender's NTP clock is what its reports pair
// with the media clock; how that clock lies to ours is told by the reports that
// were delayed least.
func (r *run) fit(trip int64) mapping {
	if len(r.reports) > 0 {
		if m, ok := r.byReports(trip); ok {
			return m
		}
	}
	return r.byArrivals(trip)
}

// delay is half the shortest round trip, and how wrong that may be: a path need
// not be as quick there as back.
func delay(trip int64) (middle, uncertain float64) {
	if trip == 0 {
		return unknownDelay / 2, unknownDelay / 2
	}
	return float64(trip) / 2, float64(trip) / 2
}

func (r *run) byReports(trip int64) (mapping, bool) {
	rate, spread, ok := r.senderRate()
	if !ok {
		return mapping{}, false
	}
	offsets := make([]point, len(r.reports))
	for i, p := range r.reports {
		offsets[i] = point{x: p.sender, y: p.came - p.sender}
	}
	l := lowerLine(offsets)
	waited := 0.0
	for _, p := range offsets {
		waited += (p.y - l.at(p.x)) / float64(len(offsets))
	}
	middle, uncertain := delay(trip)
	// One instant: the middle of the reports, free of the noise of any one.
	var ticks, sender float64
	for _, p := range r.reports {
		ticks += p.rtp / float64(len(r.reports))
		sender += p.sender / float64(len(r.reports))
	}
	return mapping{
		method: SenderReports, ticks: ticks, micros: sender + l.at(sender) - middle,
		perTick: rate * (1 + l.slope), drift: l.slope, path: middle,
		uncertainty: uncertain + spread + waited/math.Sqrt(float64(len(offsets))) + l.wander(r.span()),
	}, true
}

// senderRate is the sender's µs to a tick, and how far its reports are from a
// line, µs. A sender whose media clock is not what was negotiated (WebKit bug
// 292273: 1 MHz) is seen here. Fewer than three reports cannot tell.
func (r *run) senderRate() (rate, spread float64, ok bool) {
	nominal := 1e6 / float64(r.start.ClockRate)
	first, last := r.reports[0], r.reports[len(r.reports)-1]
	if len(r.reports) < 3 || last.sender-first.sender < 1e6 || last.rtp <= first.rtp {
		return nominal, 2 * nominal, r.arrivalsAgree(nominal)
	}
	points := make([]point, len(r.reports))
	for i, p := range r.reports {
		points[i] = point{x: p.rtp - first.rtp, y: p.sender - first.sender}
	}
	l := leastSquares(points)
	rate = l.slope
	if math.Abs(rate/nominal-1) < maxDrift {
		rate = nominal // within what a short run can tell
		if last.sender-first.sender >= minSpan {
			rate = l.slope
		}
	}
	deviations := make([]float64, len(points))
	for i, p := range points {
		deviations[i] = math.Abs(p.y - l.at(p.x))
	}
	return rate, median(deviations), rate > 0
}

// arrivalsAgree tells whether frames come about as fast as the rate says.
func (r *run) arrivalsAgree(perTick float64) bool {
	a, b := r.ticks[0], r.ticks[len(r.ticks)-1]
	if b.y-a.y < 2e6 {
		return true
	}
	ratio := (b.x - a.x) * perTick / (b.y - a.y)
	return ratio > 0.8 && ratio < 1.25
}

// span is how long the run's frames came for, µs.
func (r *run) span() float64 { return r.ticks[len(r.ticks)-1].y - r.ticks[0].y }

// leastSquares is weighted without weights and without a bound on the slope.
func leastSquares(points []point) line {
	var x, y, xx, xy float64
	n := float64(len(points))
	for _, p := range points {
		x, y = x+p.x/n, y+p.y/n
	}
	for _, p := range points {
		xx += (p.x - x) * (p.x - x)
		xy += (p.x - x) * (p.y - y)
	}
	if xx == 0 {
		return line{x0: x, y0: y}
	}
	return line{x0: x, y0: y, slope: xy / xx}
}

// byArrivals maps by the frames that came quickest. Coding takes its time too,
// some 30 ms that nothing tells.
func (r *run) byArrivals(trip int64) mapping {
	const coding = 30_000
	perTick := 1e6 / float64(r.start.ClockRate)
	// A recorder writes its own clock's milliseconds, whatever the network does;
	// after a cut minutes of it may come at once.
	if !r.chunked && !r.arrivalsAgree(perTick) {
		perTick = leastSquares(r.ticks).slope
	}
	points := make([]point, len(r.ticks))
	for i, p := range r.ticks {
		points[i] = point{x: p.x * perTick, y: p.y - p.x*perTick}
	}
	l := lowerLine(points)
	middle, uncertain := delay(trip)
	return mapping{
		method: Arrivals, ticks: l.x0 / perTick, micros: l.x0 + l.y0 - middle - coding,
		perTick: perTick * (1 + l.slope), drift: l.slope, uncertainty: uncertain + coding + l.wander(r.span()),
	}
}

// chunking is what a MediaRecorder may hold a frame back for, µs.
const chunking = 50_000

// tracks are the run's segments, all with the run's clock.
func (r *run) tracks(trip int64) []Track {
	m := r.fit(trip)
	if r.chunked {
		m.uncertainty += chunking
	}
	steps := []Step{}
	if m.method == SenderReports {
		found, left := r.findSteps(m)
		steps = append(steps, found...)
		// A stamp cannot be more wrong than what lies between it and the arrival.
		worst := max(0, left-m.path)
		for _, s := range steps {
			worst = max(worst, float64(s.AddMicros))
		}
		m.uncertainty += worst
	}
	var out []Track
	for _, s := range r.segments {
		if s.frames > 0 {
			out = append(out, r.track(s, m, steps))
		}
	}
	return out
}

func (r *run) track(s segment, m mapping, steps []Step) Track {
	t := Track{
		Track: r.start.Track.String(), Segment: s.number, Codec: r.start.Codec.String(), Method: m.method,
		OriginTicks: s.first, OriginMicros: int64(math.Round(m.micros + (float64(s.first)-m.ticks)*m.perTick)),
		MicrosPerTick: m.perTick, ClockRateHz: r.start.ClockRate, DriftPPM: m.drift * 1e6, Frames: s.frames, Reports: s.pairs, Steps: steps,
	}
	if t.Reports == nil {
		t.Reports = []Pair{}
	}
	t.FirstMicros, t.LastMicros = t.Micros(s.first), t.Micros(s.last)
	t.FrameIntervalMicros = int64(math.Round(float64(median(s.steps)) * m.perTick))
	// A picture stands for the time until the next one.
	t.UncertaintyMicros = int64(math.Ceil(m.uncertainty)) + t.FrameIntervalMicros
	t.MinDelayMicros = math.MaxInt64
	for _, p := range r.ticks[s.from : s.from+s.frames] {
		t.MinDelayMicros = min(t.MinDelayMicros, int64(p.y)-t.Micros(int64(p.x)))
	}
	return t
}
