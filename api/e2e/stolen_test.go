package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestJ11_StolenStoresSayNothing: database, blobs, journal, log and a backup
// together, without the root key, hold none of what was entered, in any of the forms
// that bytes are kept in.
func TestJ11_StolenStoresSayNothing(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	owner.must("PATCH", "/api/profile", map[string]string{"phone": "+33 6 12 34 56 78", "company": "Marker Works"}, nil)
	d, token := owner.sent("Lease of the marker mill", person{"Ada Markerstone", "ada@marker.example"})
	owner.must("POST", "/api/documents/"+d.ID+"/comments", map[string]string{"text": "A marked comment."}, nil)
	s.open(token, 1)
	s.stolenSaysNothing("olivia@example.org", "Olivia Owner", "6 12 34 56 78", "Marker Works", "Lease of the marker mill", "Ada Markerstone",
		"ada@marker.example", "A marked comment", ownerPassword, token, "%PDF-")
}

// stolenSaysNothing makes a backup beside the running service, and looks for the
// markers in every byte that a thief gets who takes everything but the root key.
func (s *service) stolenSaysNothing(markers ...string) {
	s.t.Helper()
	backup := filepath.Join(s.t.TempDir(), "backup")
	s.operator("backup", backup)
	files, read := 0, int64(0)
	for _, root := range []string{s.data, backup} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() || e.Name() == "root.key" {
				return err
			}
			raw, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				return nil // it went while the folder was read
			}
			if err != nil {
				return err
			}
			files, read = files+1, read+int64(len(raw))
			if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
				more, _ := io.ReadAll(io.LimitReader(z, 64<<20)) // what can be read of it
				raw = append(raw, more...)
			}
			for _, m := range markers {
				for form, b := range forms(m) {
					if bytes.Contains(raw, b) {
						s.t.Errorf("%s holds %q as %s", strings.TrimPrefix(path, filepath.Dir(root)), m, form)
					}
				}
			}
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if files < 8 || read < 200_000 {
		s.t.Errorf("only %d files of %d bytes were found", files, read)
	}
}

// forms are the ways in which text lies in files.
func forms(text string) map[string][]byte {
	wide := []byte{}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	all := map[string][]byte{"UTF-8": []byte(text), "UTF-16": wide, "hex": []byte(hex.EncodeToString([]byte(text)))}
	for shift := range 3 { // whatever stands before it in the group of three bytes
		raw := append(make([]byte, shift), text...)
		coded := base64.StdEncoding.EncodeToString(raw)
		if within := coded[4:max(4, len(coded)-4)]; len(within) >= 8 { // less is found anywhere
			all["base64 "+string(rune('0'+shift))] = []byte(within)
		}
	}
	return all
}
