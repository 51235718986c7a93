package dispute

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/biometrics/corpus"
	"inkwitness/capture"
	"inkwitness/capture/archive"
	"inkwitness/capture/inspect"
	"inkwitness/capture/interchange"
	"inkwitness/capture/stream"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
)

// The formats that can be brought along.
const (
	FormatISO   = "iso-19794-7"
	FormatInkML = "inkml"
	FormatCSV   = "csv"
	FormatSVC   = "svc2004"
	FormatASiCE = "asice"
)

// Detect tells a file's format by its first bytes; empty when it is none that
// is known.
func Detect(head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return FormatASiCE
	case bytes.HasPrefix(head, []byte("SDI\x00")):
		return FormatISO
	case bytes.HasPrefix(text, []byte("<")):
		return FormatInkML
	case bytes.HasPrefix(text, []byte("# {")), bytes.HasPrefix(text, []byte("time_us,")):
		return FormatCSV
	case len(text) > 0 && (text[0] >= '0' && text[0] <= '9' || text[0] == '-'):
		return FormatSVC
	}
	return ""
}

// readFile reads an exported signature.
func readFile(format string, data []byte) (capture.Signature, error) {
	var s capture.Signature
	var err error
	switch format {
	case FormatISO:
		s, err = interchange.ReadISO(bytes.NewReader(data))
	case FormatInkML:
		s, err = interchange.ReadInkML(bytes.NewReader(data))
	case FormatCSV:
		s, err = interchange.ReadCSV(bytes.NewReader(data))
	case FormatSVC:
		s, err = corpus.ReadSVC(data)
	default:
		return s, api.Explain(api.ErrInvalid, "This file is none of ISO/IEC 19794-7, InkML, CSV with units, SVC2004 text, or a deposit (.asice).")
	}
	if err != nil {
		return s, &api.Explained{Detail: fmt.Sprintf("The file looks like %s, but cannot be read as such: %s", format, reason(err)), Err: fmt.Errorf("%w: %w", api.ErrInvalid, err)}
	}
	if len(s.Points) < minPoints {
		return s, api.Explain(api.ErrInvalid, "The file holds %d sample points, too few for a signature.", len(s.Points))
	}
	return s, nil
}

const minPoints = 5

// reason is a reader's error without the names of packages.
func reason(err error) string {
	text := err.Error()
	for _, prefix := range []string{"interchange: ", "corpus: ", "capture: "} {
		text = strings.ReplaceAll(text, prefix, "")
	}
	return strings.TrimSuffix(text, ": malformed data") + "."
}

// recorded is what a deposit holds of one signer.
type recorded struct {
	folder, name string
	signed       time.Time
	signature    capture.Signature
	pen          evidence.Digest // SHA-256 of the pen stream
	timeline     json.RawMessage
	video        string // its path in the container
}

// readContainer verifies a deposit and reads what it holds of each signer. What
// fails a check is reported, and the reading goes on as far as it can: a
// container that was changed is evidence too.
func readContainer(r io.ReaderAt, size int64, o deposit.Options) (*evidence.Report, []recorded, error) {
	report := deposit.Verify(r, size, o)
	if !report.Holds() {
		// One of another service: its own roots show that nothing changed since it
		// was sealed, and the report says that they show no more.
		if own := deposit.Verify(r, size, deposit.Options{Now: o.Now}); own.Holds() {
			report = own
		}
	}
	files, err := deposit.Files(r, size)
	if err != nil {
		return report, nil, api.Explain(api.ErrInvalid, "This is not a deposit, or its structure is destroyed.")
	}
	names := map[string]string{} // of the people, by folder
	if raw, err := files.Read(deposit.InfoName); err == nil {
		var info deposit.Info
		if json.Unmarshal(raw, &info) == nil {
			for _, s := range info.Signers {
				names[path.Base(s.Folder)] = s.Name
			}
		}
	}
	var all []recorded
	for _, file := range files.Names() {
		folder, found := strings.CutSuffix(file, "/"+inspect.PenName)
		if !found {
			continue
		}
		one, err := readRecorded(files, folder)
		if err != nil {
			return report, nil, api.Explain(fmt.Errorf("%w: %w", api.ErrInvalid, err), "The recording in %s cannot be read: it is damaged.", folder)
		}
		one.name = names[path.Base(folder)]
		all = append(all, one)
	}
	if len(all) == 0 {
		return report, nil, api.Explain(api.ErrInvalid, "The deposit holds no recorded signature.")
	}
	return report, all, nil
}

func readRecorded(files *deposit.Contents, folder string) (recorded, error) {
	one := recorded{folder: folder}
	raw, err := files.Read(folder + "/" + inspect.PenName)
	if err != nil {
		return one, err
	}
	one.pen = sha256.Sum256(raw)
	points, _, err := stream.ReadPen(bytes.NewReader(raw))
	if err != nil {
		return one, err
	}
	one.signature.Points = points
	if raw, err := files.Read(folder + "/" + inspect.FactsName); err == nil {
		var facts archive.Facts
		if err := json.Unmarshal(raw, &facts); err != nil {
			return one, err
		}
		one.signature.Device, one.signature.Epoch, one.signed = facts.Device, facts.Epoch, facts.Epoch
	} else if !errors.Is(err, evidence.ErrNotFound) {
		return one, err
	}
	if raw, err := files.Read(folder + "/" + inspect.TimelineName); err == nil && json.Valid(raw) {
		one.timeline = raw
	}
	if video := folder + "/" + inspect.SelfieName; slices.Contains(files.Names(), video) {
		one.video = video
	}
	return one, nil
}
