package e2e

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
	"inkwitness/capture/ws/wstest"
)

// TestReplays plays earlier captures of a signer again, each under a nonce of its
// own, as somebody with a copy of the samples and a program would. What repeats
// an earlier one's moves is not taken; what was made from one is taken, and the
// deposit says so with figures, undecided.
func TestReplays(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "libreoffice-letter.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Lease")
	owner.plan(d, person{"Sam Signer", "sam@example.org"})
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	signer := s.enter(1)
	signer.consent("handwriting", "comparison")

	var known [][]capture.Point
	for _, one := range syntheticSignatures(t, 6) {
		known = append(known, toPoints(one))
	}
	for n, points := range known[:5] {
		if r := signer.capture("reference", points); !r.Accepted {
			t.Fatalf("reference %d was not taken: %+v", n, r.Problems)
		}
		if n > 0 {
			continue
		}
		if r := signer.capture("reference", points); r.Accepted || !r.has("replay") {
			t.Errorf("a reference sent twice: %+v, want the problem \"replay\"", r)
		}
	}
	played := map[string][]capture.Point{
		"bit for bit":        known[2],
		"at another time":    changed(known[2], func(p *capture.Point) { p.Time += 12_345_678 }),
		"at another place":   changed(known[3], func(p *capture.Point) { p.X, p.Y = p.X+500, p.Y-300 }),
		"slower":             changed(known[4], func(p *capture.Point) { p.Time = p.Time * 11 / 10 }),
		"with a firmer hand": changed(known[4], func(p *capture.Point) { p.Pressure = p.Pressure / 2 * 2 }),
		"most of it":         known[1][:len(known[1])*4/5],
	}
	for name, points := range played {
		if r := signer.capture("signature", points); r.Accepted || !r.has("replay") {
			t.Errorf("played again %s: %+v, want the problem \"replay\"", name, r)
		}
	}
	// Made from an earlier one: larger, and every place a little off.
	random := rand.New(rand.NewPCG(4, 2))
	made := changed(known[2], func(p *capture.Point) {
		p.X = int32(math.Round(1.2*float64(p.X) + 10*random.NormFloat64()))
		p.Y = int32(math.Round(1.2*float64(p.Y) + 10*random.NormFloat64()))
	})
	r := signer.capture("signature", made)
	if !r.Accepted {
		t.Fatalf("what no figure refuses was not taken: %+v", r.Problems)
	}
	signer.must("POST", "/api/signing/confirm", map[string]string{"captureId": r.id}, nil)
	owner.completed(d.ID)
	got := owner.deposit(d.ID)
	got.suspects("copied-shape")
	if report, code := inkverify(t, got.path); code != 0 || !strings.Contains(report, "are of one session") {
		t.Errorf("inkverify ends with %d:\n%s", code, report)
	}
}

// suspects wants a reason of that code in the facts of device and recording.
func (d deposit) suspects(code string) {
	d.t.Helper()
	var device struct{ Reasons []capture.Reason }
	var facts struct {
		Replays struct {
			Compared int
			Found    []struct{ Reasons []capture.Reason }
		}
	}
	for file, into := range map[string]any{"/device.json": &device, "/capture.json": &facts} {
		if err := json.Unmarshal(d.file(file), into); err != nil {
			d.t.Fatalf("%s: %v", file, err)
		}
	}
	// Five references, the one that was sent twice, and the six that were played.
	if facts.Replays.Compared != 12 || len(facts.Replays.Found) == 0 {
		d.t.Errorf("capture.json: compared with %d earlier captures, %+v found", facts.Replays.Compared, facts.Replays.Found)
	}
	for _, r := range device.Reasons {
		if r.Code == code && r.Verdict == "undecided" && r.Figure < r.Limit {
			return
		}
	}
	d.t.Errorf("device.json has the reasons %+v, want %s", device.Reasons, code)
}

// consent agrees to some purposes and refuses the others.
func (c *client) consent(given ...string) {
	c.t.Helper()
	var view struct {
		Consents []struct{ Purpose, TextVersion string }
	}
	c.must("GET", "/api/signing", nil, &view)
	for _, p := range view.Consents {
		yes := strings.Contains(strings.Join(given, " "), p.Purpose)
		c.must("POST", "/api/signing/consents", map[string]any{"purpose": p.Purpose, "textVersion": p.TextVersion, "language": "en", "given": yes}, nil)
	}
}

// result is what the service says of a finished capture.
type result struct {
	id       string
	Accepted bool
	Problems []struct{ Code string }
}

func (r result) has(code string) bool {
	for _, p := range r.Problems {
		if p.Code == code {
			return true
		}
	}
	return false
}

// capture records points as a capture of their own, over the pen socket.
func (c *client) capture(kind string, points []capture.Point) result {
	c.t.Helper()
	var begun struct{ ID, PenURL string }
	c.must("POST", "/api/signing/captures", map[string]any{"kind": kind}, &begun)
	base, err := url.Parse(c.s.base)
	if err != nil {
		c.t.Fatal(err)
	}
	var cookies []string
	for _, cookie := range c.http.Jar.Cookies(base) {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	pen := &wstest.Client{
		URL: "ws" + strings.TrimPrefix(c.s.base, "http") + begun.PenURL, Header: http.Header{"Cookie": {strings.Join(cookies, "; ")}},
		Dialer: &websocket.Dialer{}, ID: capture.SessionID(begun.ID),
	}
	for ; len(points) > 0; points = points[min(len(points), 50):] {
		if err := pen.Add(points[:min(len(points), 50)]); err != nil {
			c.t.Fatal(err)
		}
	}
	pen.Finish()
	if err := pen.Run(c.t.Context()); err != nil {
		c.t.Fatalf("record the pen: %v", err)
	}
	r := result{id: begun.ID}
	c.must("POST", "/api/signing/captures/"+begun.ID+"/finish", nil, &r)
	return r
}

// toPoints is a signature as a page sends it: µs and 1/100 CSS px.
func toPoints(samples []sample) []capture.Point {
	points := make([]capture.Point, len(samples))
	for i, s := range samples {
		points[i] = capture.Point{
			Time: int64(1000*s.T) + 5_000_000, X: int32(math.Round(100 * s.X)), Y: int32(math.Round(100 * s.Y)), Pressure: uint16(s.P),
			TiltX: int16(100 * s.TiltX), TiltY: int16(100 * s.TiltY), Down: s.Down, Start: s.Down && (i == 0 || !samples[i-1].Down),
		}
	}
	return points
}

func changed(points []capture.Point, change func(*capture.Point)) []capture.Point {
	out := append([]capture.Point{}, points...)
	for i := range out {
		change(&out[i])
	}
	return out
}
