package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/capture/stream"
)

// deposit is a downloaded letter of deposit.
type deposit struct {
	t    *testing.T
	path string
	raw  []byte
	zip  *zip.Reader
}

func (c *client) deposit(id string) deposit {
	c.t.Helper()
	raw := c.must("GET", "/api/documents/"+id+"/deposit", nil, nil).Body
	path := filepath.Join(c.t.TempDir(), "contract.asice")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return newDeposit(c.t, path, raw)
}

func newDeposit(t *testing.T, path string, raw []byte) deposit {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatalf("open the deposit: %v", err)
	}
	return deposit{t, path, raw, z}
}

// file returns the content of the one entry with that ending.
func (d deposit) file(ending string) []byte {
	d.t.Helper()
	for _, f := range d.zip.File {
		if strings.HasSuffix(f.Name, ending) {
			r, err := f.Open()
			if err != nil {
				d.t.Fatal(err)
			}
			defer r.Close()
			content, err := io.ReadAll(r)
			if err != nil {
				d.t.Fatalf("read %s: %v", f.Name, err)
			}
			return content
		}
	}
	d.t.Fatalf("the deposit has no %s", ending)
	return nil
}

// inkverify runs our verifier, on a machine without the service as far as it knows.
func inkverify(t *testing.T, path string) (report string, code int) {
	t.Helper()
	cmd := exec.Command(bin(t, "inkverify"), path)
	cmd.Env = []string{} // no proxy, no home, nothing
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// verifies runs our verifier and, word for word, the commands of VERIFY.txt.
func (d deposit) verifies() {
	d.t.Helper()
	if report, code := inkverify(d.t, d.path); code != 0 {
		d.t.Fatalf("inkverify ends with %d:\n%s", code, report)
	}
	script := []string{"set -euo pipefail"}
	for line := range strings.SplitSeq(string(d.file("VERIFY.txt")), "\n") {
		if command, ok := strings.CutPrefix(line, "      "); ok {
			script = append(script, strings.ReplaceAll(command, "FILE.asice", filepath.Base(d.path)))
		}
	}
	if len(script) < 8 {
		d.t.Fatalf("VERIFY.txt has only %d commands", len(script)-1)
	}
	cmd := exec.Command("bash", "-c", strings.Join(script, "\n"))
	cmd.Dir = filepath.Dir(d.path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("the commands of VERIFY.txt: %v\n%s\n%s", err, strings.Join(script, "\n"), out)
	}
	for _, expected := range []string{"No errors detected", "strokes.ink: OK", "Verification successful", "Verification: OK", "Signature is Valid"} {
		if !strings.Contains(string(out), expected) {
			d.t.Errorf("the public tools do not say %q:\n%s", expected, out)
		}
	}
}

// flipped changes one byte in the middle of each part in turn: each time the
// verifier must fail and name the part.
func (d deposit) flipped() {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "flipped.asice")
	for _, f := range d.zip.File {
		offset, err := f.DataOffset()
		if err != nil {
			d.t.Fatal(err)
		}
		at := offset + int64(f.UncompressedSize64)/2
		changed := bytes.Clone(d.raw)
		changed[at] ^= 0x40
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			d.t.Fatal(err)
		}
		report, code := inkverify(d.t, path)
		if code == 0 {
			d.t.Errorf("a flipped byte in %s was not found", f.Name)
		}
		if !strings.Contains(report, f.Name) {
			d.t.Errorf("a flipped byte in %s was found, but not where it is:\n%s", f.Name, report)
		}
	}
}

// samples holds the deposit's sample points against what was drawn.
func (d deposit) samples(drawn []sample) {
	d.t.Helper()
	points, _, err := stream.ReadPen(bytes.NewReader(d.file("/strokes.ink")))
	if err != nil {
		d.t.Fatalf("read the strokes: %v", err)
	}
	var got []capture.Point
	for _, p := range points {
		if p.Down {
			got = append(got, p)
		}
	}
	var want []sample
	for _, s := range drawn {
		if s.Down {
			want = append(want, s)
		}
	}
	if len(got) != len(want) {
		d.t.Fatalf("%d sample points on the surface were drawn, the deposit has %d", len(want), len(got))
	}
	var position, pressure, clock float64
	for i, w := range want {
		p := got[i]
		position = max(position, math.Hypot(float64(p.X)/100-w.X, float64(p.Y)/100-w.Y))
		pressure = max(pressure, math.Abs(float64(p.Pressure)-w.P)/65535)
		clock = max(clock, math.Abs(float64(p.Time-got[0].Time)/1000-(w.T-want[0].T)))
		if p.Start != w.Start {
			d.t.Errorf("point %d: start of a stroke is %v, drawn %v", i, p.Start, w.Start)
		}
	}
	d.t.Logf("%d points; greatest differences: %.3f px, %.5f of full pressure, %.2f ms", len(got), position, pressure, clock)
	if position > 0.5 || pressure > 1.0/1024 || clock > 5 {
		d.t.Errorf("the deposit's points differ by %.3f px (at most 0.5), %.5f of full pressure (at most 1/1024), %.2f ms (at most 5)", position, pressure, clock)
	}
}

// video plays the selfie video with ffmpeg, which also tells its length.
func (d deposit) video(recorded time.Duration) {
	d.t.Helper()
	seconds := d.played()
	if difference := math.Abs(seconds - recorded.Seconds()); difference > 0.5 {
		d.t.Errorf("the video lasts %.2f s, the session %.2f s", seconds, recorded.Seconds())
	}
	d.t.Logf("video of %.2f s, session of %.2f s", seconds, recorded.Seconds())
}

// played decodes every frame of the selfie video and returns its length in seconds.
func (d deposit) played() float64 {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "selfie.webm")
	if err := os.WriteFile(path, d.file("/selfie.webm"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		d.t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		d.t.Fatalf("the video has no duration: %s", out)
	}
	// with the file's own milliseconds: the frame rate's would give two near frames one time
	decoded, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-f", "null", "-").CombinedOutput()
	if err != nil || len(decoded) > 0 {
		d.t.Errorf("the video does not play without errors: %v\n%s", err, decoded)
	}
	return seconds
}

// face looks into the finding about the face in the video: of a service without
// a model it says just that.
func (d deposit) face() {
	d.t.Helper()
	found := 0
	for _, f := range d.zip.File {
		if !strings.HasSuffix(f.Name, "/face.json") {
			continue
		}
		found++
		var c biometrics.FaceFinding
		if err := json.Unmarshal(d.file(f.Name), &c); err != nil || c.Outcome != biometrics.FaceUnavailable || c.Code != biometrics.FaceNoModel {
			d.t.Errorf("%s: %+v, %v", f.Name, c, err)
		}
	}
	if found != 1 {
		d.t.Errorf("%d findings about a face in the deposit, want 1", found)
	}
}

// comparison looks into the comparison's result.
func (d deposit) comparison() {
	d.t.Helper()
	var c struct {
		Score           *float64
		LikelihoodRatio struct {
			Log    float64
			Verbal struct{ Text string }
		}
		Decision struct{ Outcome string }
		Model    struct{ Number string }
		Quality  struct{ Points int }
		Class    struct{ References int }
	}
	for _, f := range d.zip.File {
		if strings.HasPrefix(f.Name, "data/comparison/") {
			if err := json.Unmarshal(d.file(f.Name), &c); err != nil {
				d.t.Fatalf("%s: %v", f.Name, err)
			}
		}
	}
	if c.Score == nil || c.LikelihoodRatio.Verbal.Text == "" || c.Decision.Outcome != "accept" || c.Model.Number == "" || c.Quality.Points == 0 || c.Class.References != 5 {
		d.t.Errorf("the comparison of a genuine signature with 5 references says %+v", c)
	}
}
