package deposit

import (
	"io"
	"path"
	"strings"

	"inkwitness/capture/inspect"
)

// recordings holds the files of each recording against each other: a deposit
// whose strokes or video come from another session, or whose times were moved,
// was sealed by somebody who put it together wrongly or on purpose.
func (v *verifier) recordings() {
	for _, e := range v.archive.entries {
		folder, name := path.Split(e.name)
		if name == inspect.FactsName && strings.HasPrefix(folder, "data/capture/") {
			v.recording(folder)
		}
	}
}

func (v *verifier) recording(folder string) {
	for name := range v.erased {
		if strings.HasPrefix(name, folder) {
			v.unknown(CodeRecording, folder, "A part of this recording was erased by right, so its files cannot be held against each other.")
			return
		}
	}
	findings, err := inspect.Check(recordingFiles{v.archive, folder})
	if err != nil {
		v.fails(CodeRecording, folder, "The recording cannot be read: %v.", err)
		return
	}
	for _, f := range findings {
		if f.Wrong {
			v.fails(CodeRecording, folder+f.File, "%s", f.Text)
		} else {
			v.unknown(CodeRecording, folder+f.File, "%s", f.Text)
		}
	}
	if len(findings) == 0 {
		v.holds(CodeRecording, folder, "Strokes, video and timeline of the recording are of one session and agree with each other.")
	}
}

// recordingFiles are the files of one folder.
type recordingFiles struct {
	archive *archive
	folder  string
}

// Open implements inspect.Files.
func (f recordingFiles) Open(name string) io.ReadCloser {
	e, ok := f.archive.find(f.folder + name)
	if !ok {
		return nil
	}
	return io.NopCloser(f.archive.open(e))
}
