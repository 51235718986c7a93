package archive

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"inkwitness/capture"
	"inkwitness/capture/inspect"
	"inkwitness/capture/stream"
	"inkwitness/capture/timeline"
)

// folder is the files of a recording in memory.
type folder map[string][]byte

func (f folder) Open(name string) io.ReadCloser {
	b, ok := f[name]
	if !ok {
		return nil
	}
	return io.NopCloser(bytes.NewReader(b))
}

func made(t *testing.T) folder {
	t.Helper()
	rec, _ := recorded(t, true)
	a, err := Make(t.Context(), rec, Known{})
	if err != nil {
		t.Fatal(err)
	}
	f := folder{}
	for _, one := range a.Files {
		f[one.Name] = file(t, a, one.Name)
	}
	return f
}

// another is the same streams as they would be in another session.
func another(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := stream.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := stream.NewWriter(&out, stream.Header{Stream: r.Stream, Session: "ffeeddccbbaa99887766554433221100", Nonce: [32]byte{9}})
	if err != nil {
		t.Fatal(err)
	}
	for {
		record, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// moved is timeline.json with something moved.
func moved(t *testing.T, b []byte, move func(*timeline.Timeline)) []byte {
	t.Helper()
	var line timeline.Timeline
	if err := json.Unmarshal(b, &line); err != nil {
		t.Fatal(err)
	}
	move(&line)
	out, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFilesThatDoNotBelongTogether: strokes or video of another session and
// times that were moved by half a second are found (REQUIREMENTS B3).
func TestFilesThatDoNotBelongTogether(t *testing.T) {
	good := made(t)
	found, err := inspect.Check(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Wrong {
			t.Errorf("a recording as it was made: %+v", f)
		}
	}
	const half = 500_000 // µs
	for name, change := range map[string]struct {
		file string
		to   []byte
	}{
		"strokes of another session":      {inspect.PenName, another(t, good[inspect.PenName])},
		"video of another session":        {"video.stream", another(t, good["video.stream"])},
		"clocks of another session":       {"control.stream", another(t, good["control.stream"])},
		"a video that was swapped":        {"selfie.webm", append(bytes.Clone(good["selfie.webm"]), 0)},
		"a table that was edited":         {inspect.TableName, bytes.Replace(good[inspect.TableName], []byte("100000,"), []byte("100001,"), 1)},
		"the pen moved by 500 ms":         {inspect.TimelineName, moved(t, good[inspect.TimelineName], func(l *timeline.Timeline) { l.Pen.OriginMicros += half })},
		"the video moved by 500 ms":       {inspect.TimelineName, moved(t, good[inspect.TimelineName], func(l *timeline.Timeline) { l.Media[0].OriginMicros -= half })},
		"a timeline without the video":    {inspect.TimelineName, moved(t, good[inspect.TimelineName], func(l *timeline.Timeline) { l.Media = nil })},
		"the last stroke cut off":         {inspect.PenName, good[inspect.PenName][:len(good[inspect.PenName])-9]},
		"a stream with a flipped bit":     {"video.stream", append(bytes.Clone(good["video.stream"][:200]), append([]byte{good["video.stream"][200] ^ 1}, good["video.stream"][201:]...)...)},
		"strokes that are missing":        {inspect.PenName, nil},
		"a video that is missing":         {"selfie.webm", nil},
		"a timeline that is missing":      {inspect.TimelineName, nil},
		"facts that are no JSON":          {inspect.FactsName, []byte("{")},
		"clock exchanges that were moved": {inspect.FactsName, bytes.Replace(good[inspect.FactsName], []byte(`"t2": 20000`), []byte(`"t2": 520000`), 1)},
	} {
		t.Run(name, func(t *testing.T) {
			changed := folder{}
			for k, v := range good {
				changed[k] = v
			}
			if changed[change.file] = change.to; change.to == nil {
				delete(changed, change.file)
			} else if bytes.Equal(change.to, good[change.file]) {
				t.Fatal("nothing was changed")
			}
			found, err := inspect.Check(changed)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if f.Wrong && strings.HasSuffix(f.Text, ".") && f.File != "" {
					return
				}
			}
			t.Errorf("found %+v", found)
		})
	}
}

// TestStreamsThatWereShifted: even with every hash made anew, pen samples that
// arrive half a second before they were made are told.
func TestStreamsThatWereShifted(t *testing.T) {
	in := timeline.Input{
		Exchanges: []capture.ClockExchange{{ClientSend: 10_000, ServerReceive: 20_000, ServerSend: 20_100, ClientReceive: 10_500}},
		Pen:       []timeline.Batch{{First: 1_000_000, Last: 1_050_000, Arrived: 1_075_000 - 500_000}},
	}
	line, err := timeline.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	found, err := timeline.Check(line, in)
	if err != nil || len(found) != 1 || found[0].Code != timeline.CodeEarly {
		t.Errorf("found %+v, %v", found, err)
	}
}
