package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"inkwitness/capture/media"
	"inkwitness/capture/stream"
)

// TestVideoWithoutWebRTC signs behind a network that lets neither UDP nor ICE-TCP
// through: the addresses that the service names for WebRTC lead nowhere (RFC 5737
// section 3). The page goes over to its WebSocket by itself and says so. While it
// records, the service is killed and starts again; the video in the deposit is
// one piece all the same.
func TestVideoWithoutWebRTC(t *testing.T) {
	s := newService(t, "MEDIA_IPS=192.0.2.1")
	s.start()
	owner := s.owner()
	all, origin := signatures(t, 1)
	t.Logf("the pen replays %s signatures", origin)
	f := newTask(t, s)
	f.Lossy, f.Steps, f.Signatures, f.References, f.Refuse = true, []string{"signer"}, all, 0, []string{"comparison"}
	pdf, err := os.ReadFile(f.PDF)
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Lease")
	owner.plan(d, f.Signer)
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	f.Link = s.link()
	var killing sync.WaitGroup
	var drawn event
	way := ""
	f.run(t, func(e event) {
		switch e.Event {
		case "live":
			way = e.Text
			killing.Go(func() {
				time.Sleep(500 * time.Millisecond)
				s.kill()
				s.start()
			})
		case "drawn":
			drawn = e
		}
	})
	killing.Wait()
	if way != "socket" {
		t.Errorf("the page says that its video goes by %q, want the socket", way)
	}
	owner.completed(d.ID)
	got := owner.deposit(d.ID)
	if report, code := inkverify(t, got.path); code != 0 {
		t.Fatalf("inkverify ends with %d:\n%s", code, report)
	}
	if n := got.recorders(); n != 1 {
		t.Errorf("the video comes from %d recorders, want one that ran on", n)
	}
	// The recorder begins a moment before the pad is open and ends when the
	// signer is done, before what follows is shown. A busy browser is behind with
	// coding by some frames when it ends.
	seconds, session, span := got.played(), drawn.SessionMS/1000, drawn.SpanMS/1000
	t.Logf("video of %.2f s; session of %.2f s, until the next page %.2f s", seconds, session, span)
	if session == 0 || seconds < session-1 || seconds > span+2 {
		t.Errorf("the video lasts %.2f s, want between %.2f s and %.2f s", seconds, session-1, span+2)
	}
}

// recorders counts the MediaRecorders whose output the deposit holds.
func (d deposit) recorders() (n int) {
	d.t.Helper()
	r, err := stream.NewReader(bytes.NewReader(d.file("/video.stream")))
	if err != nil {
		d.t.Fatal(err)
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			d.t.Fatal(err)
		}
		for m, err := range media.Records(record.Payload) {
			if err != nil {
				d.t.Fatal(err)
			}
			switch m := m.(type) {
			case media.Segment:
				d.t.Logf("%.2f s: segment %d, reason %d", float64(m.Arrival)/1e6, m.Number, m.Reason)
				if m.Reason == media.Fallback {
					n++
				}
			case media.Chunk:
				d.t.Logf("%.2f s: chunk of %d bytes, sent at %.2f s of the page", float64(m.Arrival)/1e6, len(m.Data), float64(m.Sent)/1e6)
			}
		}
	}
}
