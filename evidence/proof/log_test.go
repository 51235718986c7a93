package proof_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"inkwitness/evidence/proof"
)

// files lays out a log of n entries as tiles, by golang.org/x/mod's code.
func files(n int64) (map[string][]byte, proof.Hash) {
	t := grow(n)
	out := map[string][]byte{}
	for _, tile := range tlog.NewTiles(8, 0, n) {
		if tile.W < 256 && (tile.N*256+int64(tile.W))<<(8*tile.L) > n { // of an older tree
			continue
		}
		out[proof.LogPath(strconv.Itoa(tile.L), tile.N, tile.W)] = must(tlog.ReadTileData(tile, t))
	}
	for from := int64(0); from < n; from += 256 {
		var b []byte
		to := min(n, from+256)
		for i := from; i < to; i++ {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(entry(i)))), entry(i)...)
		}
		out[proof.LogPath("entries", from/256, int(to-from))] = b
	}
	return out, proof.Hash(must(tlog.TreeHash(n, t)))
}

func fetch(files map[string][]byte) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		b, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("no file %s", path)
		}
		return b, nil
	}
}

func TestWholeLog(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 255, 256, 257, 511, 1000, 65536, 65536 + 256 + 7} {
		all, root := files(n)
		seen := int64(0)
		visit := func(i int64, e []byte) {
			if i != seen || string(e) != string(entry(i)) {
				t.Fatalf("entry %d is %q", i, e)
			}
			seen++
		}
		if err := proof.CheckLog(n, root, fetch(all), visit); err != nil || seen != n {
			t.Errorf("%d entries: %v, %d seen", n, err, seen)
		}
	}
	if err := proof.CheckLog(0, proof.EmptyRoot(), fetch(nil), nil); err != nil {
		t.Error(err)
	}
}

func TestEveryFileOfALogCounts(t *testing.T) {
	all, root := files(700)
	for path, good := range all {
		for _, at := range []int{0, len(good) / 2, len(good) - 1} {
			bad := append([]byte(nil), good...)
			bad[at] ^= 4
			all[path] = bad
			if err := proof.CheckLog(700, root, fetch(all), nil); !errors.Is(err, proof.ErrLog) {
				t.Errorf("%s, byte %d changed: %v", path, at, err)
			}
		}
		delete(all, path)
		if err := proof.CheckLog(700, root, fetch(all), nil); err == nil {
			t.Errorf("%s is missing", path)
		}
		all[path] = good
	}
	root[0] ^= 1
	if err := proof.CheckLog(700, root, fetch(all), nil); !errors.Is(err, proof.ErrLog) {
		t.Errorf("wrong root: %v", err)
	}
}

// BenchmarkCheckLog verifies a log of a million entries, with INKWITNESS_FULL=1
// of ten.
func BenchmarkCheckLog(b *testing.B) {
	sizes := []int64{1_000_000}
	if os.Getenv("INKWITNESS_FULL") != "" {
		sizes = append(sizes, 10_000_000)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all, root := files(n)
			for b.Loop() {
				if err := proof.CheckLog(n, root, fetch(all), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
