package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"inkwitness/evidence"
)

// The tiles of C2SP tlog-tiles: 256 nodes wide.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	hashBytes  = tlog.HashSize
)

// reader reads nodes of the stored tree of the given size. It reads each tile
// once, so one reader serves one proof or one turn.
func (l *Log) reader(ctx context.Context, size int64) tlog.HashReader {
	seen := map[TileID][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var missing []TileID
		for _, x := range indexes {
			t := tlog.TileForIndex(tileHeight, x)
			id := TileID{t.L, t.N}
			if _, ok := seen[id]; !ok {
				seen[id] = nil
				missing = append(missing, id)
			}
		}
		if len(missing) > 0 {
			stored, err := l.cfg.Tiles.Tiles(ctx, missing)
			if err != nil {
				return nil, err
			}
			for i, id := range missing {
				seen[id] = stored[i]
			}
		}
		return pick(indexes, seen)
	})
}

func pick(indexes []int64, tiles map[TileID][]byte) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		t := tlog.TileForIndex(tileHeight, x)
		data := tiles[TileID{t.L, t.N}]
		if len(data) < t.W*hashBytes {
			return nil, fmt.Errorf("tile %d/%d has %d bytes: %w", t.L, t.N, len(data), evidence.ErrCorrupt)
		}
		h, err := tlog.HashFromTile(t, data[:t.W*hashBytes], x)
		if err != nil {
			return nil, fmt.Errorf("tile %d/%d: %w", t.L, t.N, evidence.ErrCorrupt)
		}
		out[i] = h
	}
	return out, nil
}

// Checkpoint returns the newest published checkpoint; evidence.ErrNotFound
// before the first.
func (l *Log) Checkpoint(ctx context.Context) ([]byte, error) {
	head, err := l.cfg.Tiles.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("log head: %w", err)
	}
	if len(head.Published) == 0 {
		return nil, fmt.Errorf("checkpoint: %w", evidence.ErrNotFound)
	}
	return head.Published, nil
}

// Tile returns the bytes under a path of the read API of C2SP tlog-tiles:
// "tile/<level>/<n>[.p/<width>]" or "tile/entries/<n>[.p/<width>]", with n in
// groups of three digits ("x001/x234/067"). What it returns never changes, and
// belongs to a published tree.
func (l *Log) Tile(ctx context.Context, path string) ([]byte, error) {
	id, width, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	head, err := l.cfg.Tiles.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("log head: %w", err)
	}
	if !published(id, width, head.PublishedSize) {
		return nil, fmt.Errorf("tile %s: %w", path, evidence.ErrNotFound)
	}
	stored, err := l.cfg.Tiles.Tiles(ctx, []TileID{id})
	if err != nil {
		return nil, fmt.Errorf("tile %s: %w", path, err)
	}
	if id.Level == EntryLevel {
		return firstEntries(stored[0], width)
	}
	if len(stored[0]) < width*hashBytes {
		return nil, fmt.Errorf("tile %s: %w", path, evidence.ErrCorrupt)
	}
	return stored[0][:width*hashBytes], nil
}

// published reports whether the tree of the given size has the first width
// nodes of the tile.
func published(id TileID, width int, size int64) bool {
	level := max(id.Level, 0)
	if level > 7 {
		return false
	}
	nodes := size >> (tileHeight * level)
	return id.N <= nodes/tileWidth && id.N*tileWidth+int64(width) <= nodes
}

// firstEntries cuts a bundle after n entries.
func firstEntries(bundle []byte, n int) ([]byte, error) {
	end := 0
	for range n {
		if end+2 > len(bundle) {
			return nil, fmt.Errorf("entry tile: %w", evidence.ErrCorrupt)
		}
		end += 2 + int(bundle[end])<<8 + int(bundle[end+1])
	}
	if end > len(bundle) {
		return nil, fmt.Errorf("entry tile: %w", evidence.ErrCorrupt)
	}
	return bundle[:end], nil
}

// parsePath reads a tile path in its one canonical form.
func parsePath(path string) (TileID, int, error) {
	bad := fmt.Errorf("tile path %.80q: %w", path, evidence.ErrMalformed)
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, found := strings.Cut(rest, "/")
	if !ok || !found || len(path) > 80 {
		return TileID{}, 0, bad
	}
	id, width := TileID{Level: EntryLevel}, tileWidth
	if level != "entries" {
		l, err := strconv.Atoi(level)
		if err != nil || l < 0 || l > 7 {
			return id, 0, bad
		}
		id.Level = l
	}
	if n, w, partial := strings.Cut(rest, ".p/"); partial {
		var err error
		if width, err = strconv.Atoi(w); err != nil || width < 1 || width >= tileWidth {
			return id, 0, bad
		}
		rest = n
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(rest, "x", ""), "/") {
		d, err := strconv.ParseUint(part, 10, 16)
		if err != nil || len(part) != 3 || id.N > 1<<40 {
			return id, 0, bad
		}
		id.N = id.N*1000 + int64(d)
	}
	if Path(id, width) != path {
		return id, 0, bad
	}
	return id, width, nil
}

// Path is the path of a tile in the read API.
func Path(id TileID, width int) string {
	level := "entries"
	if id.Level != EntryLevel {
		level = strconv.Itoa(id.Level)
	}
	n := fmt.Sprintf("%03d", id.N%1000)
	for v := id.N / 1000; v > 0; v /= 1000 {
		n = fmt.Sprintf("x%03d/%s", v%1000, n)
	}
	if width < tileWidth {
		n += ".p/" + strconv.Itoa(width)
	}
	return "tile/" + level + "/" + n
}
