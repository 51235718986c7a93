package seal

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

// Reading a blob with what follows it is reading both at one place, whatever is asked for.
func TestExtended(t *testing.T) {
	all := []byte("stored, and what follows")
	whole := bytes.NewReader(all)
	for cut := range len(all) {
		e := extended{memory{bytes.NewReader(all[:cut])}, all[cut:]}
		if e.Size() != int64(len(all)) {
			t.Fatalf("cut at %d: %d bytes", cut, e.Size())
		}
		for off := range len(all) + 2 {
			for size := range len(all) + 2 {
				got, want := make([]byte, size), make([]byte, size)
				n, err := e.ReadAt(got, int64(off))
				wantN, wantErr := whole.ReadAt(want, int64(off))
				if n != wantN || !bytes.Equal(got, want) || errors.Is(err, io.EOF) != errors.Is(wantErr, io.EOF) {
					t.Fatalf("cut at %d, %d bytes from %d: %d %q %v, want %d %q %v", cut, size, off, n, got, err, wantN, want, wantErr)
				}
			}
		}
	}
}
