package proof

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// ErrLog is a log whose files contradict each other.
var ErrLog = errors.New("proof: the log's files do not agree")

const tileWidth = 256

// LogPath is the path of a tile (C2SP tlog-tiles): level is "entries" or a
// number, width 256 for a full one.
func LogPath(level string, n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < tileWidth {
		path += ".p/" + strconv.Itoa(width)
	}
	return "tile/" + level + "/" + path
}

// CheckLog reads a whole log and derives everything again: each entry's hash,
// each tile of each level, and the root, which must be the checkpoint's. fetch
// returns the bytes under a path; visit, when not nil, sees every entry. The
// error names the first path that does not agree.
func CheckLog(size int64, root Hash, fetch func(path string) ([]byte, error), visit func(index int64, entry []byte)) error {
	c := &logChecker{fetch: fetch}
	for n := int64(0); n*tileWidth < size; n++ {
		width := int(min(tileWidth, size-n*tileWidth))
		path := LogPath("entries", n, width)
		raw, err := fetch(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		leaves, err := readEntries(raw, width, n*tileWidth, visit)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := c.tile(0, leaves); err != nil {
			return err
		}
	}
	return c.finish(root)
}

// readEntries hashes the entries of a bundle, each after its length in two bytes.
func readEntries(raw []byte, width int, first int64, visit func(int64, []byte)) ([]Hash, error) {
	leaves := make([]Hash, 0, width)
	for range width {
		if len(raw) < 2 {
			return nil, fmt.Errorf("cut short: %w", ErrLog)
		}
		n := int(raw[0])<<8 | int(raw[1])
		if raw = raw[2:]; len(raw) < n {
			return nil, fmt.Errorf("cut short: %w", ErrLog)
		}
		if visit != nil {
			visit(first+int64(len(leaves)), raw[:n])
		}
		leaves, raw = append(leaves, LeafHash(raw[:n])), raw[n:]
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes too many: %w", len(raw), ErrLog)
	}
	return leaves, nil
}

// logChecker builds the levels above the entries.
type logChecker struct {
	fetch  func(string) ([]byte, error)
	levels [][]Hash // nodes of each tile level that are not in a full tile yet
	counts []int64  // full tiles of each level so far
}

// tile takes the next nodes of a level; a full tile goes up.
func (c *logChecker) tile(level int, nodes []Hash) error {
	if level == len(c.levels) {
		c.levels, c.counts = append(c.levels, nil), append(c.counts, 0)
	}
	c.levels[level] = append(c.levels[level], nodes...)
	if len(c.levels[level]) < tileWidth {
		return nil
	}
	full := c.levels[level]
	if err := c.compare(level, full); err != nil {
		return err
	}
	c.levels[level] = nil
	c.counts[level]++
	return c.tile(level+1, []Hash{subtree(full)})
}

// compare asks that the log's own tile has these nodes.
func (c *logChecker) compare(level int, nodes []Hash) error {
	path := LogPath(strconv.Itoa(level), c.counts[level], len(nodes))
	got, err := c.fetch(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	want := make([]byte, 0, len(nodes)*len(Hash{}))
	for _, h := range nodes {
		want = append(want, h[:]...)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s does not follow from the entries: %w", path, ErrLog)
	}
	return nil
}

// finish compares the partial tiles and folds everything into the root.
func (c *logChecker) finish(root Hash) error {
	var right *Hash
	for level, nodes := range c.levels {
		if len(nodes) > 0 {
			if err := c.compare(level, nodes); err != nil {
				return err
			}
		}
		if right != nil {
			nodes = append(nodes, *right)
		}
		if len(nodes) > 0 {
			h := subtree(nodes)
			right = &h
		}
	}
	if right == nil {
		empty := EmptyRoot()
		right = &empty
	}
	if *right != root {
		return fmt.Errorf("the root of the tree is not the checkpoint's: %w", ErrLog)
	}
	return nil
}

// subtree is the root over nodes of one level (RFC 9162, section 2.1.1): the
// left part is the largest power of two that is smaller than the whole.
func subtree(nodes []Hash) Hash {
	if len(nodes) == 1 {
		return nodes[0]
	}
	k := 1
	for k*2 < len(nodes) {
		k *= 2
	}
	return NodeHash(subtree(nodes[:k]), subtree(nodes[k:]))
}
