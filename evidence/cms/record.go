package cms

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// EvidenceRecord proves that data existed at a time, and is renewed before its
// algorithms or certificates weaken (RFC 4998).
//
// A chain holds archive timestamps by one hash algorithm: each later one
// covers the token before it. A new chain covers the data again, by a stronger
// hash, together with everything that came before.
type EvidenceRecord struct {
	Chains [][]ArchiveTimestamp
}

// ArchiveTimestamp is a token over the root of a hash tree, with the part of
// the tree that leads from the data to the root.
type ArchiveTimestamp struct {
	Hash  crypto.Hash
	Tree  [][][]byte // reduced hash tree; none when the token is over the data's own hash
	Token []byte     // DER
}

// ErrRecord is an evidence record that does not prove the data.
var ErrRecord = errors.New("cms: the evidence record does not cover this data")

// Bounds on what is read.
const (
	maxChains = 64
	maxLists  = 64
	maxHashes = 20_000
)

// Marshal returns the DER of the record.
func (r *EvidenceRecord) Marshal() ([]byte, error) {
	var used []hashID
	for _, chain := range r.Chains {
		for _, a := range chain {
			h, err := hashByID(a.Hash)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(used, func(u hashID) bool { return u.hash == h.hash }) {
				used = append(used, h)
			}
		}
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, h := range used {
				addHash(b, h)
			}
		})
		b.AddBytes(r.sequence(len(r.Chains)))
	})
	return b.Bytes()
}

// sequence is the DER of the first n chains: ArchiveTimeStampSequence.
func (r *EvidenceRecord) sequence(n int) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, chain := range r.Chains[:n] {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, a := range chain {
					a.add(b)
				}
			})
		}
	})
	return b.BytesOrPanic() // of parsed or self-made values
}

func (a ArchiveTimestamp) add(b *cryptobyte.Builder) {
	h, err := hashByID(a.Hash)
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(h.oid) })
		if len(a.Tree) > 0 {
			b.AddASN1(cbasn1.Tag(2).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				for _, list := range a.Tree {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						for _, v := range list {
							b.AddASN1OctetString(v)
						}
					})
				}
			})
		}
		b.AddBytes(a.Token)
	})
}

// ParseRecord reads a record in the form that Marshal writes: without
// cryptographic or encryption information, of which we make none.
func ParseRecord(der []byte) (*EvidenceRecord, error) {
	bad := fmt.Errorf("evidence record: %w", ErrMalformed)
	in := cryptobyte.String(der)
	var seq, algorithms, sequence, chain cryptobyte.String
	var version int
	if len(der) > maxBytes || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version != 1 ||
		!seq.ReadASN1(&algorithms, cbasn1.SEQUENCE) || !seq.ReadASN1(&sequence, cbasn1.SEQUENCE) || !seq.Empty() {
		return nil, bad
	}
	r := &EvidenceRecord{}
	for !sequence.Empty() {
		if !sequence.ReadASN1(&chain, cbasn1.SEQUENCE) || chain.Empty() || len(r.Chains) == maxChains {
			return nil, bad
		}
		var list []ArchiveTimestamp
		for !chain.Empty() {
			a, err := readArchiveTimestamp(&chain)
			if err != nil || len(list) == maxChains {
				return nil, errors.Join(bad, err)
			}
			list = append(list, a)
		}
		r.Chains = append(r.Chains, list)
	}
	if again, err := r.Marshal(); len(r.Chains) == 0 || err != nil || !bytes.Equal(again, der) {
		return nil, bad
	}
	return r, nil
}

func readArchiveTimestamp(in *cryptobyte.String) (ArchiveTimestamp, error) {
	var a ArchiveTimestamp
	var seq, alg, tree, list, token cryptobyte.String
	var id oid
	var present bool
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&alg, cbasn1.Tag(0).ContextSpecific().Constructed()) ||
		!alg.ReadASN1ObjectIdentifier(&id) || !noParams(alg) || !seq.ReadOptionalASN1(&tree, &present, cbasn1.Tag(2).ContextSpecific().Constructed()) {
		return a, ErrMalformed
	}
	h, err := hashByOID(id)
	if err != nil {
		return a, err
	}
	a.Hash = h.hash
	for total := 0; !tree.Empty(); {
		if !tree.ReadASN1(&list, cbasn1.SEQUENCE) || len(a.Tree) == maxLists {
			return a, ErrMalformed
		}
		var values [][]byte
		for !list.Empty() {
			var v cryptobyte.String
			if total++; !list.ReadASN1(&v, cbasn1.OCTET_STRING) || len(v) != h.hash.Size() || total > maxHashes {
				return a, ErrMalformed
			}
			values = append(values, v)
		}
		a.Tree = append(a.Tree, values)
	}
	if !seq.ReadASN1Element(&token, cbasn1.SEQUENCE) || !seq.Empty() {
		return a, ErrMalformed
	}
	a.Token = token
	return a, nil
}

// root climbs from the hashes of a group to the root of the tree (RFC 4998,
// section 4.3). The first list must hold exactly the group's hashes, or, for a
// group of one, its hash among others. For each nil of the group it may hold
// one more.
func (a ArchiveTimestamp) root(group [][]byte) ([]byte, error) {
	if len(a.Tree) == 0 {
		if len(group) != 1 || group[0] == nil {
			return nil, ErrRecord
		}
		return group[0], nil
	}
	first, known := a.Tree[0], present(group)
	if len(known) == 0 || len(group) > 1 && (len(first) < len(known) || len(first) > len(group)) {
		return nil, ErrRecord
	}
	for _, h := range known {
		if !slices.ContainsFunc(first, func(v []byte) bool { return bytes.Equal(v, h) }) {
			return nil, ErrRecord
		}
	}
	node := combine(a.Hash, first)
	for _, list := range a.Tree[1:] {
		node = combine(a.Hash, append(slices.Clone(list), node))
	}
	return node, nil
}

// combine hashes the values in binary ascending order; one alone is itself.
func combine(h crypto.Hash, values [][]byte) []byte {
	if len(values) == 1 {
		return values[0]
	}
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, bytes.Compare)
	return digest(h, bytes.Join(sorted, nil))
}

func digest(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// Group gives the hashes of the data that a record covers, by any algorithm; nil
// stands for data that was there and was erased, whose hash by it nobody knows.
type Group func(h crypto.Hash) ([][]byte, error)

// Verify checks the whole record (RFC 4998, section 5.3) and returns the time
// of its first timestamp. By the table each token's key must have counted until
// the next token, or now, and each chain's hash until the next chain; a nil table
// judges neither. trust judges each token's certificate: at is the time until
// which it must have been good.
func (r *EvidenceRecord) Verify(data Group, now time.Time, table []Algorithm, trust func(t *Token, at time.Time) error) (time.Time, error) {
	var tokens []*Token
	var first []int // of each chain, its first token
	for i, chain := range r.Chains {
		group, err := r.covered(i, data)
		if err != nil {
			return time.Time{}, err
		}
		first = append(first, len(tokens))
		for j, a := range chain {
			if j > 0 {
				if a.Hash != chain[0].Hash {
					return time.Time{}, fmt.Errorf("chain %d changes its hash: %w", i+1, ErrRecord)
				}
				group = [][]byte{digest(a.Hash, chain[j-1].Token)}
			}
			t, err := a.verify(group)
			if err != nil {
				return time.Time{}, fmt.Errorf("archive timestamp %d of chain %d: %w", j+1, i+1, err)
			}
			tokens = append(tokens, t)
		}
	}
	at, err := checkTimes(tokens, now, trust)
	if err != nil || table == nil {
		return at, err
	}
	return at, r.checkAlgorithms(tokens, append(first, len(tokens)), now, table)
}

// checkAlgorithms asks that each token and each chain was renewed before what it
// rests on weakened.
func (r *EvidenceRecord) checkAlgorithms(tokens []*Token, first []int, now time.Time, table []Algorithm) error {
	when := func(i int) time.Time {
		if i == len(tokens) {
			return now
		}
		return tokens[i].Info.Time
	}
	for i, chain := range r.Chains {
		for j := first[i]; j < first[i+1]; j++ {
			if err := tokens[j].Counts(table, chain[0].Hash, when(j+1), when(first[i+1])); err != nil {
				return fmt.Errorf("archive timestamp %d: %w", j+1, err)
			}
		}
	}
	return nil
}

func (a ArchiveTimestamp) verify(group [][]byte) (*Token, error) {
	root, err := a.root(group)
	if err != nil {
		return nil, err
	}
	t, err := ParseToken(a.Token)
	if err != nil {
		return nil, err
	}
	return t, t.Verify(a.Hash, root)
}

// checkTimes asks that the tokens are in order and that each one's certificate
// was good until the next one covered it.
func checkTimes(tokens []*Token, now time.Time, trust func(*Token, time.Time) error) (time.Time, error) {
	for i, t := range tokens {
		until := now
		if i+1 < len(tokens) {
			until = tokens[i+1].Info.Time
		}
		if until.Before(t.Info.Time) {
			return time.Time{}, fmt.Errorf("archive timestamp %d is later than the next: %w", i+1, ErrRecord)
		}
		if until.After(t.Signer.NotAfter) {
			return time.Time{}, fmt.Errorf("archive timestamp %d was not renewed before its certificate ended: %w", i+1, ErrRecord)
		}
		if err := trust(t, until); err != nil {
			return time.Time{}, err
		}
	}
	return tokens[0].Info.Time, nil
}

// covered returns the hashes that chain i covers: the data's own in the first,
// and in each later one the data's together with all chains before it.
func (r *EvidenceRecord) covered(i int, data Group) ([][]byte, error) {
	if i > len(r.Chains) {
		return nil, ErrRecord
	}
	h := r.Chains[min(i, len(r.Chains)-1)][0].Hash
	return r.coveredBy(i, h, data)
}

// coveredBy is section 5.2: H(H(d) || H(atsc)), the two in this order.
func (r *EvidenceRecord) coveredBy(i int, h crypto.Hash, data Group) ([][]byte, error) {
	group, err := data(h)
	if err != nil || i == 0 {
		return group, err
	}
	before := digest(h, r.sequence(i))
	out := make([][]byte, len(group))
	for k, d := range group {
		if d != nil {
			out[k] = digest(h, append(slices.Clone(d), before...))
		}
	}
	return out, nil
}

// present leaves out what was erased.
func present(group [][]byte) [][]byte {
	return slices.DeleteFunc(slices.Clone(group), func(h []byte) bool { return h == nil })
}
