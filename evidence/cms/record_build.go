package cms

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
)

// Stamp gives a token over a digest.
type Stamp func(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error)

// NewRecords makes one evidence record for each group of data, all under one
// timestamp: thousands of deposits cost one token.
func NewRecords(ctx context.Context, h crypto.Hash, groups [][][]byte, stamp Stamp) ([]*EvidenceRecord, error) {
	stamps, err := archive(ctx, h, groups, stamp)
	if err != nil {
		return nil, err
	}
	records := make([]*EvidenceRecord, len(stamps))
	for i, a := range stamps {
		records[i] = &EvidenceRecord{Chains: [][]ArchiveTimestamp{{a}}}
	}
	return records, nil
}

// RenewTimestamps covers the newest token of each record with one new
// timestamp, before that token's certificate or signature algorithm weakens.
// All records must be by the same hash in their last chain.
func RenewTimestamps(ctx context.Context, records []*EvidenceRecord, stamp Stamp) error {
	if len(records) == 0 {
		return nil
	}
	h := last(records[0])[0].Hash
	groups := make([][][]byte, len(records))
	for i, r := range records {
		chain := last(r)
		if chain[0].Hash != h {
			return fmt.Errorf("records by different hashes: %w", ErrUnsupported)
		}
		groups[i] = [][]byte{digest(h, chain[len(chain)-1].Token)}
	}
	stamps, err := archive(ctx, h, groups, stamp)
	if err != nil {
		return err
	}
	for i, r := range records {
		n := len(r.Chains) - 1
		r.Chains[n] = append(slices.Clone(r.Chains[n]), stamps[i])
	}
	return nil
}

func last(r *EvidenceRecord) []ArchiveTimestamp { return r.Chains[len(r.Chains)-1] }

// RenewHashes starts a new chain by a stronger hash, before the old hash
// weakens: the data is read again.
func RenewHashes(ctx context.Context, h crypto.Hash, records []*EvidenceRecord, data []Group, stamp Stamp) error {
	if len(records) != len(data) {
		return errors.New("cms: every record needs its data")
	}
	groups := make([][][]byte, len(records))
	for i, r := range records {
		var err error
		if groups[i], err = r.coveredBy(len(r.Chains), h, data[i]); err != nil {
			return fmt.Errorf("renew record %d: %w", i+1, err)
		}
	}
	stamps, err := archive(ctx, h, groups, stamp)
	if err != nil {
		return err
	}
	for i, r := range records {
		r.Chains = append(slices.Clone(r.Chains), []ArchiveTimestamp{stamps[i]})
	}
	return nil
}

// archive builds the tree over all groups, stamps its root, and returns each
// group's way to it.
func archive(ctx context.Context, h crypto.Hash, groups [][][]byte, stamp Stamp) ([]ArchiveTimestamp, error) {
	if _, err := hashByID(h); err != nil || len(groups) == 0 {
		return nil, errors.Join(errors.New("cms: nothing to archive"), err)
	}
	nodes := make([][]byte, len(groups))
	groups = slices.Clone(groups)
	for i := range groups {
		groups[i] = present(groups[i])
		g := groups[i]
		if len(g) == 0 || len(g) > maxHashes/2 {
			return nil, fmt.Errorf("group %d has %d hashes: %w", i+1, len(g), ErrUnsupported)
		}
		nodes[i] = combine(h, g)
	}
	root, ways := climb(h, nodes)
	token, err := stamp(ctx, h, root)
	if err != nil {
		return nil, fmt.Errorf("archive timestamp: %w", err)
	}
	out := make([]ArchiveTimestamp, len(groups))
	for i, g := range groups {
		out[i] = ArchiveTimestamp{Hash: h, Tree: reduce(g, ways[i]), Token: token}
	}
	return out, nil
}

// climb pairs nodes level by level; one left over goes up by itself. ways[i]
// are the siblings of node i from the bottom to the top.
func climb(h crypto.Hash, nodes [][]byte) (root []byte, ways [][][]byte) {
	ways = make([][][]byte, len(nodes))
	under := make([][]int, len(nodes)) // the leaves below each node
	for i := range nodes {
		under[i] = []int{i}
	}
	for len(nodes) > 1 {
		var up [][]byte
		var above [][]int
		for i := 0; i < len(nodes); i += 2 {
			if i+1 == len(nodes) {
				up, above = append(up, nodes[i]), append(above, under[i])
				continue
			}
			for _, leaf := range under[i] {
				ways[leaf] = append(ways[leaf], nodes[i+1])
			}
			for _, leaf := range under[i+1] {
				ways[leaf] = append(ways[leaf], nodes[i])
			}
			up, above = append(up, combine(h, nodes[i:i+2])), append(above, slices.Concat(under[i], under[i+1]))
		}
		nodes, under = up, above
	}
	return nodes[0], ways
}

// reduce writes a way as partial hash trees. A single hash shares its list
// with its first sibling, so that no list but the first of a lone group has
// one value and readers cannot differ on what hashing it means.
func reduce(group, way [][]byte) [][][]byte {
	if len(group) == 1 && len(way) == 0 {
		return nil
	}
	first := slices.Clone(group)
	if len(group) == 1 {
		first, way = append(first, way[0]), way[1:]
	}
	tree := [][][]byte{first}
	for _, sibling := range way {
		tree = append(tree, [][]byte{sibling})
	}
	return tree
}
