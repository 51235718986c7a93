package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// task is what flow.mjs is told.
type task struct {
	Steps      []string   `json:"steps"`
	Base       string     `json:"base"`
	Invitation string     `json:"invitation,omitempty"`
	Link       string     `json:"link,omitempty"`
	Chromium   string     `json:"chromium"`
	Camera     string     `json:"camera"`
	PDF        string     `json:"pdf"`
	Deposit    string     `json:"deposit,omitempty"`
	Password   string     `json:"password"`
	Signer     person     `json:"signer"`
	Signatures [][]sample `json:"signatures"`
	References int        `json:"references"`
	Screens    string     `json:"screens"`
	Viewport   bool       `json:"viewport,omitempty"` // pictures show what fits on the screen, not the whole page
	Out        string     `json:"out"`                // folder for downloads
	Language   string     `json:"language,omitempty"`
	Refuse     []string   `json:"refuse,omitempty"` // purposes that the signer does not consent to
	Lossy      bool       `json:"lossy,omitempty"`  // connections are cut on purpose
}

type person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// event is what flow.mjs reports.
type event struct {
	Event    string   `json:"event"`
	Who      string   `json:"who"`
	Text     string   `json:"text"`
	Kind     string   `json:"kind"`
	Document string   `json:"document"`
	File     string   `json:"file"`
	Answer   string   `json:"answer"`
	Samples  []sample `json:"samples"`
	VideoMS  float64  `json:"videoMs"`

	// Of what was drawn: from the live pad to the press of "done", as the page has
	// it, and from the live pad to what follows it, as the program that drives it has it.
	SessionMS float64 `json:"sessionMs"`
	SpanMS    float64 `json:"spanMs"`

	Median float64 `json:"median"` // ms between pen and video while both are replayed
	Most   float64 `json:"most"`
	Shown  float64 `json:"shown"` // pictures of the video that were shown meanwhile
}

// run drives the browser and returns what it reported. Anything that a page must
// never do fails the test.
func (f task) run(t *testing.T, seen func(event)) []event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	input, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "node", "flow.mjs")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("run node: %v", err)
	}
	var events []event
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("the browser script printed %q", lines.Text())
			continue
		}
		switch e.Event {
		case "failed", "page-error", "console-error", "foreign-request":
			t.Errorf("%s: %s: %s", e.Event, e.Who, e.Text)
		}
		events = append(events, e)
		if seen != nil {
			seen(e)
		}
	}
	if err := cmd.Wait(); err != nil && !t.Failed() {
		t.Errorf("the browser script: %v", err)
	}
	if t.Failed() {
		t.FailNow()
	}
	return events
}

// camera makes the clip that the browser plays as its camera, once.
var camera = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "inkwitness-camera-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "face.mjpeg")
	cmd := exec.Command("go", "run", "../../testdata/face/gen.go", "-out", path, "-seconds", "6")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

func newTask(t *testing.T, s *service) task {
	t.Helper()
	clip, err := camera()
	if err != nil {
		t.Fatalf("make the camera clip: %v", err)
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	pdf, err := filepath.Abs(filepath.Join("..", "..", "testdata", "pdf", "libreoffice-letter.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return task{
		Base: s.base, Invitation: s.invitation, Chromium: chromium, Camera: clip, PDF: pdf, Out: t.TempDir(),
		Password: "correct horse battery staple", Signer: person{"Sam Signer", "sam@example.org"}, References: 5,
	}
}
