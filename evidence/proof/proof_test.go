package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	upstream "github.com/transparency-dev/formats/note"
	upproof "github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"inkwitness/evidence/proof"
)

var now = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// tree is golang.org/x/mod's log in memory: other people's code, so that both
// being wrong in the same way is unlikely.
type tree struct {
	hashes []tlog.Hash
	size   int64
}

func (t *tree) ReadHashes(index []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(index))
	for i, x := range index {
		out[i] = t.hashes[x]
	}
	return out, nil
}

func grow(n int64) *tree {
	t := &tree{}
	for t.size < n {
		h, err := tlog.StoredHashes(t.size, entry(t.size), t)
		if err != nil {
			panic(err)
		}
		t.hashes = append(t.hashes, h...)
		t.size++
	}
	return t
}

func entry(i int64) []byte { return fmt.Appendf(nil, "entry %d", i) }

func hashes(in []tlog.Hash) []proof.Hash {
	var out []proof.Hash
	for _, h := range in {
		out = append(out, proof.Hash(h))
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestProofsOfSumdbVerify(t *testing.T) {
	big := grow(300)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 300).Draw(t, "size")
		index := rapid.Int64Range(0, size-1).Draw(t, "index")
		root := proof.Hash(must(tlog.TreeHash(size, big)))
		path := hashes(must(tlog.ProveRecord(size, index, big)))
		leaf := proof.LeafHash(entry(index))
		if err := proof.CheckInclusion(leaf, index, size, path, root); err != nil {
			t.Fatal(err)
		}
		old := rapid.Int64Range(1, size).Draw(t, "old")
		oldRoot := proof.Hash(must(tlog.TreeHash(old, big)))
		var between []proof.Hash
		if old < size {
			between = hashes(must(tlog.ProveTree(size, old, big)))
		}
		if err := proof.CheckConsistency(old, size, oldRoot, root, between); err != nil {
			t.Fatal(err)
		}
		spoil(t, leaf, index, size, path, root)
		if len(between) > 0 {
			between[rapid.IntRange(0, len(between)-1).Draw(t, "which")][3] ^= 1
			if proof.CheckConsistency(old, size, oldRoot, root, between) == nil {
				t.Fatal("a changed consistency proof verifies")
			}
		}
	})
}

func spoil(t *rapid.T, leaf proof.Hash, index, size int64, path []proof.Hash, root proof.Hash) {
	wrong := leaf
	wrong[0] ^= 1
	for name, err := range map[string]error{
		"leaf":  proof.CheckInclusion(wrong, index, size, path, root),
		"long":  proof.CheckInclusion(leaf, index, size, append(bytes2(path), leaf), root),
		"index": proof.CheckInclusion(leaf, size, size, path, root),
		"root":  proof.CheckInclusion(leaf, index, size, path, wrong),
	} {
		if err == nil {
			t.Fatalf("wrong %s verifies", name)
		}
	}
	if len(path) > 0 && proof.CheckInclusion(leaf, index, size, path[1:], root) == nil {
		t.Fatal("short proof verifies")
	}
}

func bytes2(p []proof.Hash) []proof.Hash { return append([]proof.Hash(nil), p...) }

func TestConsistencyWithNothing(t *testing.T) {
	empty, root := proof.EmptyRoot(), proof.LeafHash([]byte("x"))
	if err := proof.CheckConsistency(0, 1, empty, root, nil); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"wrong empty root": proof.CheckConsistency(0, 1, root, root, nil),
		"shrinks":          proof.CheckConsistency(2, 1, root, root, nil),
		"same size, other": proof.CheckConsistency(1, 1, root, empty, nil),
		"no proof":         proof.CheckConsistency(1, 2, root, empty, nil),
	} {
		if err == nil {
			t.Error(name)
		}
	}
}

func signers(t *testing.T) []*proof.Signer {
	t.Helper()
	var all []*proof.Signer
	for i, a := range []proof.Algorithm{proof.Ed25519, proof.CosignMLDSA, proof.CosignEd} {
		s, err := proof.NewSigner([]string{"example.com/log", "example.com/log", "witness.example/w1"}[i], a, bytes.Repeat([]byte{byte(i + 1)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func signed(t *testing.T, size int64, root proof.Hash) proof.Checkpoint {
	t.Helper()
	c := proof.Checkpoint{Origin: "example.com/log", Size: size, Root: root}
	c.Note.Text = proof.CheckpointText(c.Origin, size, root)
	for _, s := range signers(t) {
		sig, err := s.Sign(c, now)
		if err != nil {
			t.Fatal(err)
		}
		c.Note.Sigs = append(c.Note.Sigs, sig)
	}
	return c
}

// What we sign, the public libraries verify, under the same vkeys.
func TestSignaturesVerifyElsewhere(t *testing.T) {
	c := signed(t, 7, proof.Hash{1})
	all := signers(t)
	for i, s := range all {
		var v note.Verifier
		var err error
		if i == 0 {
			v, err = note.NewVerifier(s.Key.String())
		} else {
			v, err = upstream.NewVerifierForCosignatureV1(s.Key.String())
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(c.Note.Marshal(), note.VerifierList(v)); err != nil {
			t.Errorf("%s: %v", s.Key.Name, err)
		}
	}
	back, err := proof.ParseCheckpoint(c.Note.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		k, err := proof.ParseKey(s.Key.String())
		if err != nil {
			t.Fatal(err)
		}
		at, err := back.Verify(k)
		if err != nil || (i > 0) != at.Equal(now) {
			t.Errorf("%s: %v, %v", k.Name, at, err)
		}
	}
	stranger := must(proof.NewSigner("example.com/log", proof.Ed25519, make([]byte, 32)))
	if _, err := back.Verify(stranger.Key); !errors.Is(err, proof.ErrUnsigned) {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestFileIsReadElsewhereAndEveryBitCounts(t *testing.T) {
	const size, index = 11, 6
	log := grow(size)
	p := proof.Proof{Index: index, Hashes: hashes(must(tlog.ProveRecord(size, index, log))),
		Checkpoint: signed(t, size, proof.Hash(must(tlog.TreeHash(size, log))))}
	file := p.Marshal()
	var up upproof.TLogProof
	if err := up.Unmarshal(file); err != nil || up.Index != index || len(up.Hashes) != len(p.Hashes) {
		t.Errorf("elsewhere: %v", err)
	}
	check := func(file []byte) error {
		p, err := proof.Parse(file)
		if err == nil {
			err = p.Includes(entry(index))
		}
		if err == nil && len(p.Checkpoint.Note.Sigs) != 3 {
			err = proof.ErrUnsigned
		}
		for _, s := range signers(t) {
			if err == nil {
				_, err = p.Checkpoint.Verify(s.Key)
			}
		}
		return err
	}
	if err := check(file); err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 17
	}
	for i := 0; i < len(file); i += step {
		changed := bytes.Clone(file)
		changed[i] ^= 1 << (i % 7)
		if check(changed) == nil {
			t.Errorf("byte %d (%q) changed unseen", i, file[i])
		}
	}
	for name, bad := range map[string]string{
		"no header": string(file[5:]), "leading zero": strings.Replace(string(file), "index 6", "index 06", 1),
		"minus": strings.Replace(string(file), "index 6", "index -6", 1), "empty": "", "more": string(file) + "\n",
	} {
		if _, err := proof.Parse([]byte(bad)); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadKeys(t *testing.T) {
	good := signers(t)[0].Key.String()
	for _, bad := range []string{"", "a", "a+b+c", strings.Replace(good, "+", "+0", 1), good[:len(good)-4], "x" + good} {
		if _, err := proof.ParseKey(bad); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\nexample.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 a AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := proof.Parse(data)
		if err == nil && !bytes.Equal(p.Marshal(), data) {
			t.Error("read, but written differently")
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("example.com/log+1c5e3c2f+AU5vdEFLZXlPZkFueWJvZHlUaGF0RXZlckxpdmVkSGVyZQ==")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := proof.ParseKey(text)
		if err == nil && k.String() != strings.TrimSpace(text) {
			t.Errorf("%q read, but written as %q", text, k)
		}
	})
}

// FuzzParseCheckpoint reads notes and checkpoints, those of witnesses too.
func FuzzParseCheckpoint(f *testing.F) {
	f.Add([]byte("example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 a AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := proof.ParseCheckpoint(data)
		if err == nil && !bytes.Equal(c.Note.Marshal(), data) {
			t.Error("read, but written differently")
		}
	})
}
