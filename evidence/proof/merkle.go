package proof

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
)

// Hash is a node of the tree.
type Hash [sha256.Size]byte

// LeafHash is the hash of an entry (RFC 9162, section 2.1.1).
func LeafHash(entry []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(entry)
	return Hash(h.Sum(nil))
}

// NodeHash is the hash of two subtrees.
func NodeHash(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// EmptyRoot is the root of a tree without entries.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// CheckInclusion verifies an inclusion proof (RFC 9162, section 2.1.3.2).
func CheckInclusion(leaf Hash, index, size int64, path []Hash, root Hash) error {
	if index < 0 || index >= size {
		return fmt.Errorf("index %d in a tree of %d: %w", index, size, ErrInclusion)
	}
	fn, sn, r := uint64(index), uint64(size-1), leaf
	for _, p := range path {
		if sn == 0 {
			return fmt.Errorf("proof too long: %w", ErrInclusion)
		}
		if fn&1 == 1 || fn == sn {
			r = NodeHash(p, r)
			if fn&1 == 0 {
				shift := bits.TrailingZeros64(fn)
				fn, sn = fn>>shift, sn>>shift
			}
		} else {
			r = NodeHash(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	if sn != 0 || r != root {
		return ErrInclusion
	}
	return nil
}

// CheckConsistency verifies that the tree of size and root b begins with the
// tree of size and root a (RFC 9162, section 2.1.4.2).
func CheckConsistency(sizeA, sizeB int64, rootA, rootB Hash, path []Hash) error {
	bad := fmt.Errorf("trees of %d and %d are not consistent: %w", sizeA, sizeB, ErrInclusion)
	switch {
	case sizeA < 0 || sizeA > sizeB:
		return bad
	case sizeA == sizeB || sizeA == 0:
		if len(path) != 0 || sizeA == sizeB && rootA != rootB || sizeA == 0 && rootA != EmptyRoot() {
			return bad
		}
		return nil
	case len(path) == 0:
		return bad
	}
	if bits.OnesCount64(uint64(sizeA)) == 1 {
		path = append([]Hash{rootA}, path...)
	}
	fn, sn := uint64(sizeA-1), uint64(sizeB-1)
	shift := bits.TrailingZeros64(^fn)
	fn, sn = fn>>shift, sn>>shift
	fr, sr := path[0], path[0]
	for _, c := range path[1:] {
		if sn == 0 {
			return bad
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = NodeHash(c, fr), NodeHash(c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = NodeHash(sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	if sn != 0 || fr != rootA || sr != rootB {
		return bad
	}
	return nil
}

// String is the hash in base64, as lines of proofs have it.
func (h Hash) String() string { return b64.EncodeToString(h[:]) }
