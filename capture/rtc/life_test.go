package rtc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"

	"inkwitness/capture"
	"inkwitness/capture/media"
	"inkwitness/capture/webm"
)

func TestReconnectContinuesAsANewSegment(t *testing.T) {
	h, sink := serve(t, nil), newMemory()
	first, a := connect(t, h, "s", sink)
	first.awaitConnected(t)
	first.send(t, 0, 25)
	second, b := connect(t, h, "s", sink) // the first one is still there
	if s := h.awaitState(t, Closed); s.Resource != a.Resource || s.Err == nil {
		t.Errorf("closed %s with %v, want the first connection, replaced", s.Resource, s.Err)
	}
	second.awaitConnected(t)
	second.send(t, 0, 25)
	if err := h.Close(t.Context(), b.Resource); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []capture.Stream{capture.StreamVideo, capture.StreamAudio} {
		segments := only[media.Segment](sink.records(t, stream))
		if len(segments) != 2 || segments[1].Reason != media.Reconnect || segments[1].Number <= segments[0].Number {
			t.Errorf("%v segments = %+v, want two with rising numbers", stream, segments)
		}
	}
	frames := only[media.Frame](sink.records(t, capture.StreamVideo))
	if len(frames) < 45 || frames[0].Segment == frames[len(frames)-1].Segment {
		t.Errorf("%d frames of segments %d to %d, want at least 45 of two", len(frames), frames[0].Segment, frames[len(frames)-1].Segment)
	}
}

func TestICERestartContinuesAsANewSegment(t *testing.T) {
	h, sink := serve(t, nil), newMemory()
	p, a := connect(t, h, "s", sink)
	p.awaitConnected(t)
	p.send(t, 0, 25)

	offer := p.offer(t, true)
	desc, err := checkOffer(offer)
	if err != nil {
		t.Fatal(err)
	}
	pwd, _ := desc.MediaDescriptions[0].Attribute("ice-pwd")
	fragment := "a=ice-ufrag:" + ufragOf(desc) + "\r\na=ice-pwd:" + pwd + "\r\n"
	if _, err := h.Patch(t.Context(), a.Resource, a.Tag, fragment); !errors.Is(err, ErrMatch) {
		t.Errorf("restart under the old tag: %v, want ErrMatch", err)
	}
	patched, err := h.Patch(t.Context(), a.Resource, "*", fragment)
	if err != nil {
		t.Fatal(err)
	}
	if patched.Tag == a.Tag || !strings.Contains(patched.Fragment, "a=candidate:") {
		t.Errorf("patched = %+v, want another tag and candidates", patched)
	}
	p.answer(t, replaceICE(a.SDP, patched.Fragment))
	p.awaitConnected(t)
	p.send(t, 25, 25)
	if err := h.Close(t.Context(), a.Resource); err != nil {
		t.Fatal(err)
	}
	video := sink.records(t, capture.StreamVideo)
	segments, starts := only[media.Segment](video), only[media.TrackStart](video)
	if len(segments) != 2 || segments[1].Reason != media.ICERestart {
		t.Fatalf("segments = %+v, want a second one for the ICE restart", segments)
	}
	if len(starts) != 2 || starts[0].SSRC != starts[1].SSRC {
		t.Errorf("track starts = %+v, want two of one SSRC", starts)
	}
	frames := only[media.Frame](video)
	if len(frames) < 48 || frames[len(frames)-1].Segment != segments[1].Number {
		t.Errorf("%d frames, the last of segment %d, want about 50 and %d", len(frames), frames[len(frames)-1].Segment, segments[1].Number)
	}
}

// replaceICE is what a page does with the answer to an ICE restart.
func replaceICE(answer, fragment string) string {
	f, _ := parseFragment(fragment)
	out, _ := withCredentials(answer, f)
	for _, c := range f.candidates {
		out = strings.Replace(out, "a=ice-pwd", "a="+c+"\r\na=ice-pwd", 1)
	}
	return out
}

func TestTrickle(t *testing.T) {
	h := serve(t, nil)
	_, a := connect(t, h, "s", newMemory())
	candidate := "a=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host\r\n"
	if got, err := h.Patch(t.Context(), a.Resource, `"`+a.Tag+`"`, candidate); err != nil || got.Tag != a.Tag || got.Fragment != "" {
		t.Errorf("Patch = %+v, %v", got, err)
	}
	tests := []struct {
		name, resource, tag, fragment string
		want                          error
	}{
		{"unknown resource", "none", a.Tag, candidate, capture.ErrNotFound},
		{"another tag", a.Resource, "other", candidate, ErrMatch},
		{"bad candidate", a.Resource, a.Tag, "a=candidate:x\r\n", capture.ErrMalformed},
		{"short password", a.Resource, "*", "a=ice-ufrag:abcdef\r\na=ice-pwd:short\r\n", capture.ErrMalformed},
		{"too many candidates", a.Resource, a.Tag, strings.Repeat(candidate, 65), capture.ErrLimit},
		{"too long", a.Resource, a.Tag, strings.Repeat("a", MaxOffer+1), capture.ErrLimit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := h.Patch(t.Context(), test.resource, test.tag, test.fragment); !errors.Is(err, test.want) {
				t.Errorf("Patch: %v, want %v", err, test.want)
			}
		})
	}
}

func TestOffersThatAreRefused(t *testing.T) {
	h := serve(t, func(c *Config) { c.Codecs = []media.Codec{media.VP8} })
	good := newPage(t, webrtc.MimeTypeVP8).offer(t, false)
	tests := []struct {
		name, offer string
		want        error
	}{
		{"empty", "", capture.ErrMalformed},
		{"no SDP", "hello", capture.ErrMalformed},
		{"too long", good + strings.Repeat("a=x\r\n", MaxOffer), capture.ErrLimit},
		{"data channel", good + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n", capture.ErrMalformed},
		{"two videos", good + good[strings.Index(good, "m=video"):], capture.ErrMalformed},
		{"no media", good[:strings.Index(good, "m=")], capture.ErrMalformed},
		{"sends nothing", strings.Replace(good, "a=sendonly", "a=recvonly", 1), capture.ErrMalformed},
		{"simulcast", strings.Replace(good, "a=sendonly", "a=sendonly\r\na=simulcast:send 1;2", 1), capture.ErrMalformed},
		{"no codec of ours", newPage(t, webrtc.MimeTypeVP9).offer(t, false), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "no codec of ours" {
				test.offer = strings.ReplaceAll(test.offer, "VP8/90000", "VX8/90000")
				test.want = ErrNoCodec
			}
			_, err := h.Offer(t.Context(), "s", test.offer, newMemory())
			if !errors.Is(err, test.want) {
				t.Errorf("Offer: %v, want %v", err, test.want)
			}
		})
	}
	if len(h.sessions) != 0 || len(h.peers) != 0 {
		t.Errorf("%d sessions and %d peers are left of refused offers", len(h.sessions), len(h.peers))
	}
}

func TestAdmission(t *testing.T) {
	h := serve(t, func(c *Config) { c.MaxSessions = 1 })
	_, a := connect(t, h, "one", newMemory())
	other := newPage(t, webrtc.MimeTypeVP8).offer(t, false)
	if _, err := h.Offer(t.Context(), "two", other, newMemory()); !errors.Is(err, capture.ErrLimit) {
		t.Errorf("second session: %v, want ErrLimit", err)
	}
	_, b := connect(t, h, "one", newMemory()) // the same session may come again
	if err := h.Close(t.Context(), a.Resource); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("closing the replaced connection: %v, want ErrNotFound", err)
	}
	if err := h.Close(t.Context(), b.Resource); err != nil {
		t.Fatal(err)
	}
	connect(t, h, "two", newMemory())
	h.stop()
	if _, err := h.Offer(t.Context(), "two", other, newMemory()); !errors.Is(err, ErrStopped) {
		t.Errorf("after the stop: %v, want ErrStopped", err)
	}
}

func TestSinkFailureEndsTheSegment(t *testing.T) {
	h, sink := serve(t, nil), newMemory()
	sink.refuse = capture.ErrFinished
	connect(t, h, "s", sink)
	if s := h.awaitState(t, Closed); !errors.Is(s.Err, capture.ErrFinished) {
		t.Errorf("closed with %v, want ErrFinished", s.Err)
	}
}

func TestByteLimitEndsTheSegment(t *testing.T) {
	h, sink := serve(t, func(c *Config) { c.MaxBytes = 20_000 }), newMemory()
	p, _ := connect(t, h, "s", sink)
	p.awaitConnected(t)
	p.send(t, 0, 15)
	if s := h.awaitState(t, Closed); !errors.Is(s.Err, capture.ErrLimit) {
		t.Errorf("closed with %v, want ErrLimit", s.Err)
	}
}

func TestThePageClosingIsSeen(t *testing.T) {
	h, sink := serve(t, nil), newMemory()
	p, _ := connect(t, h, "s", sink)
	p.awaitConnected(t)
	p.send(t, 0, 10)
	time.Sleep(50 * time.Millisecond) // the last packets are on their way
	p.pc.GracefulClose()
	h.awaitState(t, Closed)
	if n := len(only[media.Frame](sink.records(t, capture.StreamVideo))); n != 10 {
		t.Errorf("%d frames, want 10", n)
	}
}

func TestTheCertificateDoesNotEnd(t *testing.T) {
	c, err := newCertificate()
	if err != nil || c.Expires().Year() != 9999 {
		t.Errorf("the certificate ends %v, %v", c.Expires(), err)
	}
}

func TestWatchdog(t *testing.T) {
	ms := func(n int64) int64 { return n * 1000 }
	tests := []struct {
		now, begun, last int64
		state            State
		err              error
	}{
		{ms(1), 0, 0, Connecting, nil},
		{ms(20_000), 0, 0, Connecting, nil},
		{ms(20_001), 0, 0, Closed, errSilent},
		{ms(30_000), 0, ms(30_000), Live, nil},
		{ms(33_000), 0, ms(30_000), Live, nil},
		{ms(33_001), 0, ms(30_000), Stalled, nil},
		{ms(45_000), 0, ms(30_000), Stalled, nil},
		{ms(45_001), 0, ms(30_000), Closed, errSilent},
	}
	for _, test := range tests {
		if state, err := judge(test.now, test.begun, test.last); state != test.state || err != test.err {
			t.Errorf("judge(%d, %d, %d) = %v, %v, want %v, %v", test.now, test.begun, test.last, state, err, test.state, test.err)
		}
	}
}

func TestStalledThenLive(t *testing.T) {
	h, sink := serve(t, nil), newMemory()
	p, _ := connect(t, h, "s", sink)
	p.awaitConnected(t)
	p.send(t, 0, 5)
	h.awaitState(t, Live)
	h.awaitState(t, Stalled)
	p.send(t, 5, 10)
	h.awaitState(t, Live)
}

// TestLoss loses packets at the server's socket, in both directions, so that
// requests for retransmission and retransmissions are lost too. What is
// recorded decodes, every frame of it, and the share of frames is stated.
func TestLoss(t *testing.T) {
	tests := []struct {
		name         string
		loss         float64
		share, video float64 // least share of the frames; of the packets
	}{
		{"1 percent", 0.01, 0.99, 0.999},
		{"5 percent", 0.05, 0.95, 0.99},
		{"20 percent", 0.20, 0.60, 0.97},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, func(c *Config) {
				c.UDP = &lossy{PacketConn: c.UDP, share: test.loss, rnd: rand.New(rand.NewPCG(5, 5))}
			})
			sink := newMemory()
			p, a := connect(t, h, "s", sink)
			p.awaitConnected(t)
			p.sendClip(t, 150)
			time.Sleep(400 * time.Millisecond) // the last retransmissions
			if err := h.Close(t.Context(), a.Resource); err != nil {
				t.Fatal(err)
			}
			v := h.awaitState(t, Closed).Video
			share, packets := float64(v.Frames)/150, float64(v.Packets)/float64(v.Packets+v.Lost)
			t.Logf("%s lost: %d of 150 frames (%.1f %%), %.2f %% of the packets, %d repaired", test.name, v.Frames, 100*share, 100*packets, v.Repaired)
			if share < test.share || packets < test.video || test.loss > 0.02 && v.Repaired == 0 {
				t.Errorf("%+v: want %.0f %% of the frames", v, 100*test.share)
			}
			var file bytes.Buffer
			src := func() iter.Seq2[media.Record, error] { return each(sink.records(t, capture.StreamVideo)) }
			if _, err := webm.Write(&file, webm.Config{Video: src, Time: func(f media.Frame) int64 { return f.Arrival }}); err != nil {
				t.Fatal(err)
			}
			decoded(t, file.Bytes(), int(v.Frames))
		})
	}
}

func each(records []media.Record) iter.Seq2[media.Record, error] {
	return func(yield func(media.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// sendClip sends real pictures, over and over, 25 a second.
func (p *page) sendClip(t testing.TB, n int) {
	t.Helper()
	frames := clip(t)
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		if err := p.video.WriteSample(pionmedia.Sample{Data: frames[i%len(frames)], Duration: 40 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestICEOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, sink := serve(t, func(c *Config) { c.TCP = listener }), newMemory()
	p := newPage(t, webrtc.MimeTypeVP8, webrtc.NetworkTypeTCP4)
	a, err := h.Offer(t.Context(), "s", p.offer(t, false), sink)
	if err != nil {
		t.Fatal(err)
	}
	var only []string
	for line := range strings.Lines(a.SDP) {
		if !strings.HasPrefix(line, "a=candidate") || strings.Contains(strings.ToLower(line), " tcp ") {
			only = append(only, line) // a network that blocks UDP
		}
	}
	p.answer(t, strings.Join(only, ""))
	p.awaitConnected(t)
	p.send(t, 0, 20)
	time.Sleep(100 * time.Millisecond) // the last packets are on their way
	if err := h.Close(t.Context(), a.Resource); err != nil {
		t.Fatal(err)
	}
	if s := h.awaitState(t, Closed); s.Video.Frames != 20 {
		t.Errorf("%+v, want 20 frames", s.Video)
	}
}

// TestStartStop starts and stops connections of few sessions from many
// goroutines while the server goes down; goleak and -race look on.
func TestStartStop(t *testing.T) {
	h := serve(t, nil)
	offer := newPage(t, webrtc.MimeTypeVP8).offer(t, false)
	sinks := []*memory{newMemory(), newMemory(), newMemory()}
	var all sync.WaitGroup
	for g := range 10 {
		all.Go(func() {
			for i := range 20 {
				n := (g + i) % len(sinks)
				a, err := h.Offer(t.Context(), capture.SessionID(fmt.Sprint(n)), offer, sinks[n])
				if errors.Is(err, ErrStopped) {
					return
				}
				if err != nil {
					t.Errorf("Offer: %v", err)
					return
				}
				if i%2 == 0 {
					if err := h.Close(context.Background(), a.Resource); err != nil && !errors.Is(err, capture.ErrNotFound) {
						t.Errorf("Close: %v", err)
					}
				}
			}
		})
	}
	go func() {
		for range h.statuses {
		}
	}()
	time.Sleep(time.Second)
	h.stop()
	all.Wait()
	close(h.statuses)
	for _, sink := range sinks {
		last := int64(-1)
		for _, s := range only[media.Segment](sink.records(t, capture.StreamVideo)) {
			if int64(s.Number) <= last {
				t.Errorf("segment %d after %d", s.Number, last)
			}
			last = int64(s.Number)
		}
	}
}

// FuzzOffer: no offer panics, alone or applied.
func FuzzOffer(f *testing.F) {
	if good, err := os.ReadFile("testdata/chromium.sdp"); err == nil {
		f.Add(string(good))
	} else {
		f.Fatal(err)
	}
	f.Add("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n")
	h := serve(f, func(c *Config) { c.Notify = nil })
	f.Fuzz(func(t *testing.T, offer string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a, err := h.Offer(ctx, "s", offer, newMemory())
		if err != nil {
			return
		}
		if err := h.Close(ctx, a.Resource); err != nil {
			t.Error(err)
		}
	})
}

// FuzzPatch: no fragment panics.
func FuzzPatch(f *testing.F) {
	f.Add("a=ice-ufrag:abcdef\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\n")
	h := serve(f, func(c *Config) { c.Notify = nil })
	p := newPage(f, webrtc.MimeTypeVP8)
	a, err := h.Offer(f.Context(), "s", p.offer(f, false), newMemory())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, fragment string) {
		_, _ = h.Patch(t.Context(), a.Resource, "*", fragment) // errors are fine, panics are not
		_, _ = h.Patch(t.Context(), a.Resource, a.Tag, fragment)
	})
}
