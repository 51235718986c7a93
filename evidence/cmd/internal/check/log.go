package check

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// The reason codes of a log.
const (
	CodeLogRead   = "log.read"
	CodeLogTree   = "log.tree"
	CodeLogSigned = "log.signature"
	CodeLogTrust  = "log.trust"
	CodeLogFork   = "log.consistency"
	CodeLogAhead  = "log.ahead"
)

var logCodes = map[string]string{
	CodeLogRead:   "The folder must hold a copy of the log: the file checkpoint and the tiles under tile/, as C2SP tlog-tiles lays them out.",
	CodeLogTree:   "Every entry was hashed, every tile of every level was computed again and compared, and the root was compared with the checkpoint's.",
	CodeLogSigned: "The checkpoint must be signed by the key that you trust.",
	CodeLogTrust:  "Without --log-key it is not known whose log this is; then only its inner agreement is checked.",
	CodeLogFork:   "A checkpoint that was noted earlier must be the beginning of this log: nothing that it covered was changed or dropped since.",
	CodeLogAhead:  "A witness confirms a tree before the log publishes it, which waits for its other witnesses. What a witness has confirmed the log must show within a day.",
}

// Log verifies a copy of a log in a folder. earlier are checkpoints noted
// before, from a deposit or by a monitor.
func Log(dir fs.FS, keys []proof.Key, earlier [][]byte) *evidence.Report {
	report := &evidence.Report{Kind: "log"}
	raw, err := fs.ReadFile(dir, "checkpoint")
	if err != nil {
		report.Add(evidence.Fails, CodeLogRead, "checkpoint", fmt.Sprintf("The checkpoint cannot be read: %v.", err))
		return report
	}
	c, err := proof.ParseCheckpoint(raw)
	if err != nil {
		report.Add(evidence.Fails, CodeLogRead, "checkpoint", fmt.Sprintf("The checkpoint cannot be read: %v.", err))
		return report
	}
	if len(keys) == 0 {
		report.Add(evidence.Unknown, CodeLogTrust, "checkpoint", "No key was given, so it is not known whose log this is. Give --log-key.")
	}
	for _, k := range keys {
		if _, err := c.Verify(k); err != nil {
			report.Add(evidence.Fails, CodeLogSigned, "checkpoint", fmt.Sprintf("The checkpoint is not signed as it must be: %v.", err))
		} else {
			report.Add(evidence.Holds, CodeLogSigned, "checkpoint", fmt.Sprintf("The checkpoint is signed by %s (%s).", k.Name, k.Algorithm))
		}
	}
	tree(report, dir, c, keys, earlier)
	return report
}

// SignedByOne reports whether one of the keys has signed a checkpoint.
func SignedByOne(c proof.Checkpoint, keys []proof.Key) bool {
	return slices.ContainsFunc(keys, func(k proof.Key) bool { _, err := c.Verify(k); return err == nil })
}

// tree checks the tiles, and the older checkpoints on the way.
func tree(report *evidence.Report, dir fs.FS, c proof.Checkpoint, keys []proof.Key, earlier [][]byte) {
	prefix := &prefixRoots{want: map[int64][]proof.Checkpoint{}}
	for i, raw := range earlier {
		old, err := proof.ParseCheckpoint(raw)
		part := fmt.Sprintf("earlier checkpoint %d", i+1)
		switch {
		case err != nil:
			report.Add(evidence.Fails, CodeLogFork, part, "An earlier checkpoint cannot be read.")
		case len(keys) > 0 && !SignedByOne(old, keys):
			report.Add(evidence.Fails, CodeLogSigned, part, "An earlier checkpoint is not signed by the log, so it says nothing of it.")
		case old.Origin != c.Origin || old.Size > c.Size:
			report.Add(evidence.Fails, CodeLogFork, part, fmt.Sprintf("An earlier checkpoint is of %s with %d entries, this log is %s with %d.", old.Origin, old.Size, c.Origin, c.Size))
		default:
			prefix.want[old.Size] = append(prefix.want[old.Size], old)
		}
	}
	err := proof.CheckLog(c.Size, c.Root, func(path string) ([]byte, error) { return fs.ReadFile(dir, path) }, prefix.visit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		report.Add(evidence.Fails, CodeLogRead, "tiles", fmt.Sprintf("A file of the log is missing: %v.", err))
	case err != nil:
		report.Add(evidence.Fails, CodeLogTree, "tiles", fmt.Sprintf("The log contradicts itself: %v.", err))
	default:
		report.Add(evidence.Holds, CodeLogTree, "tiles", fmt.Sprintf("All %d entries of %s lead to the root of the checkpoint.", c.Size, c.Origin))
		prefix.report(report)
	}
}

// prefixRoots follows the tree's root as it grew, entry by entry, at the cost
// of one hash for each.
type prefixRoots struct {
	want  map[int64][]proof.Checkpoint
	stack []node
	got   map[int64]proof.Hash
}

type node struct {
	level int
	hash  proof.Hash
}

func (p *prefixRoots) visit(i int64, entry []byte) {
	if len(p.want) == 0 {
		return
	}
	n := node{0, proof.LeafHash(entry)}
	for len(p.stack) > 0 && p.stack[len(p.stack)-1].level == n.level {
		n = node{n.level + 1, proof.NodeHash(p.stack[len(p.stack)-1].hash, n.hash)}
		p.stack = p.stack[:len(p.stack)-1]
	}
	p.stack = append(p.stack, n)
	if _, asked := p.want[i+1]; asked {
		if p.got == nil {
			p.got = map[int64]proof.Hash{}
		}
		p.got[i+1] = p.root()
	}
}

func (p *prefixRoots) root() proof.Hash {
	h := p.stack[len(p.stack)-1].hash
	for i := len(p.stack) - 2; i >= 0; i-- {
		h = proof.NodeHash(p.stack[i].hash, h)
	}
	return h
}

func (p *prefixRoots) report(r *evidence.Report) {
	for size, all := range p.want {
		for _, c := range all {
			if root, ok := p.got[size]; ok && root == c.Root || size == 0 && c.Root == proof.EmptyRoot() {
				r.Add(evidence.Holds, CodeLogFork, "earlier checkpoint", fmt.Sprintf("The earlier checkpoint of %d entries is the beginning of this log.", size))
			} else {
				r.Add(evidence.Fails, CodeLogFork, "earlier checkpoint", fmt.Sprintf("The log has another history: its first %d entries are not those of the earlier checkpoint.", size))
			}
		}
	}
}
