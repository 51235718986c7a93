package proof_test

import (
	"bytes"
	"strings"
	"testing"

	"inkwitness/evidence/proof"
)

// FuzzCheckLog gives the reader of logs any bundle of entries and any tile. What it
// takes must be the one log of that root: its entries, laid out again, are the bundle.
func FuzzCheckLog(f *testing.F) {
	for _, n := range []int64{0, 1, 3, 255} {
		all, root := files(max(n, 1))
		f.Add(n, root[:], all[proof.LogPath("entries", 0, int(max(n, 1)))], all[proof.LogPath("0", 0, int(max(n, 1)))])
	}
	f.Fuzz(func(t *testing.T, size int64, root, entries, tile []byte) {
		var want proof.Hash
		copy(want[:], root)
		fetch := func(path string) ([]byte, error) {
			if strings.HasPrefix(path, "tile/entries/") {
				return entries, nil
			}
			return tile, nil
		}
		var seen []byte
		n := int64(0)
		err := proof.CheckLog(size%1000, want, fetch, func(i int64, e []byte) {
			if i != n {
				t.Errorf("entry %d after %d", i, n-1)
			}
			n++
			seen = append(append(seen, byte(len(e)>>8), byte(len(e))), e...)
		})
		if err == nil && (n != max(size%1000, 0) || n <= 256 && n > 0 && !bytes.Equal(seen, entries)) {
			t.Errorf("%d entries of %d were seen: %x of %x", n, size, seen, entries)
		}
	})
}
