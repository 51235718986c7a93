//go:build chromium

package rtc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"inkwitness/capture"
	"inkwitness/capture/media"
	"inkwitness/capture/timeline"
	"inkwitness/capture/webm"
)

// These tests drive Debian's Chromium with the pages' own playwright-core:
//
//	go test -tags chromium -run Chromium -v ./capture/rtc

// studio serves the page of the tests and records what it sends.
type studio struct {
	*harness
	sink     *memory
	resource string
	file     string // the recording, made when the page closes its connection
	frames   int64
	t        *testing.T
}

func newStudio(t *testing.T) *studio {
	return &studio{harness: serve(t, func(c *Config) { c.Notify = nil }), sink: newMemory(), file: filepath.Join(t.TempDir(), "recording"), t: t}
}

func (s *studio) records(stream capture.Stream) func() iter.Seq2[media.Record, error] {
	all := s.sink.records(s.t, stream)
	return func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			for _, r := range all {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func (s *studio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/time":
		received := s.sink.Now()
		fmt.Fprintf(w, "[%d,%d]", received, s.sink.Now())
	case r.URL.Path == "/recording":
		http.ServeFile(w, r, s.file)
	case r.Method == http.MethodPost:
		offer, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		answer, err := s.Offer(r.Context(), "s", string(offer), s.sink)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.resource = answer.Resource
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, answer.SDP)
	case r.Method == http.MethodDelete:
		if err := s.Close(r.Context(), s.resource); err != nil {
			s.t.Error(err)
		}
		s.finish()
	default:
		http.ServeFile(w, r, "testdata/chromium.html")
	}
}

// finish makes the file.
func (s *studio) finish() {
	video, audio := s.records(capture.StreamVideo), s.records(capture.StreamAudio)
	line, err := timeline.Build(timeline.Input{Video: video, Audio: audio})
	if err != nil {
		s.t.Error(err)
		return
	}
	var out bytes.Buffer
	res, err := webm.Write(&out, webm.Config{Video: video, Audio: audio, Time: line.FileMicros})
	if err != nil {
		s.t.Error(err)
	}
	s.frames = res.VideoFrames
	if err := os.WriteFile(s.file, out.Bytes(), 0o600); err != nil {
		s.t.Error(err)
	}
}

// run runs a function of the page.
func (s *studio) run(function string, argument, result any) {
	s.t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	arg, err := json.Marshal(argument)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("node", "testdata/chromium.cjs", server.URL, function, string(arg))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("the page: %v", err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		s.t.Fatal(err)
	}
}

func TestChromiumRecordsEveryCodec(t *testing.T) {
	for _, codec := range []string{"", "VP8", "H264", "VP9", "AV1"} {
		t.Run("codec="+codec, func(t *testing.T) {
			s := newStudio(t)
			var got struct {
				Sent                    int64
				Duration, Played, Width float64
			}
			s.run("record", map[string]any{"codec": codec, "seconds": 4}, &got)
			t.Logf("%d frames sent, %d recorded; %.2f s, %.2f s played after seeking", got.Sent, s.frames, got.Duration, got.Played)
			if got.Sent < 60 || s.frames != got.Sent {
				t.Errorf("%d of %d frames recorded", s.frames, got.Sent)
			}
			if got.Duration < 3.5 || got.Duration > 4.5 || got.Played < 0.2 || got.Width < 320 {
				t.Errorf("%+v: want 4 s that play after seeking", got)
			}
		})
	}
}

// TestChromiumPenAgainstVideo: pictures that carry their number are drawn, and
// the moment of each, on the pen's clock, is compared with where the timeline
// puts the recorded picture. INKWITNESS_SYNC_SECONDS sets how long.
func TestChromiumPenAgainstVideo(t *testing.T) {
	seconds := 30
	fmt.Sscan(os.Getenv("INKWITNESS_SYNC_SECONDS"), &seconds)
	s := newStudio(t)
	var page struct {
		Drawn     []int64
		Exchanges []capture.ClockExchange
	}
	s.run("synchronise", map[string]any{"seconds": seconds}, &page)
	line, err := timeline.Build(timeline.Input{Exchanges: page.Exchanges, Video: s.records(capture.StreamVideo)})
	if err != nil {
		t.Fatal(err)
	}
	var errors []float64 // ms
	numbers := pictureNumbers(t, s.file)
	for i, f := range only[media.Frame](s.sink.records(t, capture.StreamVideo)) {
		if n := numbers[i]; n >= 0 && n < len(page.Drawn) && (i == 0 || n != numbers[i-1]) {
			at := line.Find(media.Video, f.Segment).Micros(f.RTP)
			e := at - line.Pen.Micros(page.Drawn[n])
			if n+1 < len(page.Drawn) && e > 0 { // a page that stood still showed the picture longer than the 40 ms
				e = max(0, e-max(0, page.Drawn[n+1]-page.Drawn[n]-40_000))
			}
			errors = append(errors, float64(e)/1000)
		}
	}
	var mean, worst float64
	for _, e := range errors {
		mean += math.Abs(e) / float64(len(errors))
		worst = max(worst, math.Abs(e))
	}
	stated := float64(line.Pen.UncertaintyMicros+line.Media[0].UncertaintyMicros) / 1000
	// 40 ms when Chromium keeps up the 25 pictures a second that it is asked for.
	interval := max(40, float64(line.Media[0].LastMicros-line.Media[0].FirstMicros)/float64(len(errors))/1000)
	fmt.Printf("capture/sync seconds=%d frames=%d mean=%.1f worst=%.1f interval=%.1f stated=%.1f ms\n", seconds, len(errors), mean, worst, interval, stated)
	if len(errors) < 10*seconds || mean > 10 || worst > interval || worst > stated {
		t.Errorf("mean %.1f ms, worst %.1f ms: want at most 10 ms, and one frame interval of %.1f ms, within the %.1f ms stated", mean, worst, interval, stated)
	}
}

// pictureNumbers decodes every frame with ffmpeg and reads the number in its
// sixteen fields, -1 where a field is neither black nor white.
func pictureNumbers(t *testing.T, file string) (numbers []int) {
	t.Helper()
	const w, h = 64, 48
	raw, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-vsync", "0", "-vf", "scale=64:48", "-f", "rawvideo", "-pix_fmt", "gray", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for ; len(raw) >= w*h; raw = raw[w*h:] {
		n := 0
		for bit := range 16 {
			switch v := raw[((bit>>2)*12+6)*w+(bit%4)*16+8]; {
			case v > 160:
				n |= 1 << bit
			case v > 95:
				n = math.MinInt
			}
		}
		numbers = append(numbers, max(n, -1))
	}
	return numbers
}
