package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"filippo.io/mldsa"
	"golang.org/x/crypto/cryptobyte"
)

// Algorithm is the type byte of a note key.
type Algorithm byte

// The algorithms of C2SP signed-note and tlog-cosignature.
const (
	Ed25519     Algorithm = 0x01 // the log's own signature over the checkpoint
	CosignEd    Algorithm = 0x04 // a witness: cosignature/v1
	CosignMLDSA Algorithm = 0x06 // ML-DSA-44: stands when Ed25519 has fallen
)

// String returns the usual name.
func (a Algorithm) String() string {
	switch a {
	case Ed25519, CosignEd:
		return "Ed25519"
	case CosignMLDSA:
		return "ML-DSA-44"
	}
	return "unknown"
}

// Key verifies signatures of notes.
type Key struct {
	Name      string
	Algorithm Algorithm
	Public    []byte
}

// ID is the short id by which a signature line names its key.
func (k Key) ID() uint32 {
	h := sha256.New()
	h.Write([]byte(k.Name + "\n"))
	h.Write([]byte{byte(k.Algorithm)})
	h.Write(k.Public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// String is the key as a vkey: name+id+base64(algorithm || public key).
func (k Key) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.Name, k.ID(), b64.EncodeToString(append([]byte{byte(k.Algorithm)}, k.Public...)))
}

// ParseKey reads a vkey.
func ParseKey(s string) (Key, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(s), "+")
	id, encoded, ok := strings.Cut(rest, "+")
	raw, err := b64.DecodeString(encoded)
	if !ok || err != nil || len(raw) < 2 || !validName(name) {
		return Key{}, fmt.Errorf("key %.80q: %w", s, ErrMalformed)
	}
	k := Key{Name: name, Algorithm: Algorithm(raw[0]), Public: raw[1:]}
	want := map[Algorithm]int{Ed25519: ed25519.PublicKeySize, CosignEd: ed25519.PublicKeySize, CosignMLDSA: mldsa.MLDSA44PublicKeySize}
	if got, err := strconv.ParseUint(id, 16, 32); err != nil || len(id) != 8 || uint32(got) != k.ID() || len(k.Public) != want[k.Algorithm] {
		return Key{}, fmt.Errorf("key %.80q: %w", s, ErrMalformed)
	}
	return k, nil
}

// Verify looks for the key's signature on the checkpoint. The time is that of
// a cosignature and zero for the log's own, which stands for the log of its name and
// for no other. ErrUnsigned when there is none,
// ErrSignature when there is one and it is wrong.
func (c Checkpoint) Verify(k Key) (time.Time, error) {
	for _, s := range c.Note.Sigs {
		if s.Name == k.Name && s.ID == k.ID() {
			return c.verify(k, s.Raw)
		}
	}
	return time.Time{}, fmt.Errorf("%s: %w", k.Name, ErrUnsigned)
}

func (c Checkpoint) verify(k Key, raw []byte) (time.Time, error) {
	bad := fmt.Errorf("%s: %w", k.Name, ErrSignature)
	if k.Algorithm == Ed25519 { // of the log itself, whose name is the origin
		if c.Origin != k.Name || !ed25519.Verify(k.Public, []byte(c.Note.Text), raw) {
			return time.Time{}, bad
		}
		return time.Time{}, nil
	}
	if len(raw) < 8 {
		return time.Time{}, bad
	}
	at, sig := binary.BigEndian.Uint64(raw), raw[8:]
	ok := false
	switch k.Algorithm {
	case CosignEd:
		ok = ed25519.Verify(k.Public, cosignText(at, c.Note.Text), sig)
	case CosignMLDSA:
		pub, err := mldsa.NewPublicKey(mldsa.MLDSA44(), k.Public)
		ok = err == nil && mldsa.Verify(pub, cosignMessage(k.Name, at, c), sig, nil) == nil
	}
	if !ok || at > 1<<62 {
		return time.Time{}, bad
	}
	return time.Unix(int64(at), 0).UTC(), nil
}

// cosignText is the Ed25519 message of C2SP tlog-cosignature.
func cosignText(at uint64, text string) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text)
}

// cosignMessage is the ML-DSA-44 message of C2SP tlog-cosignature.
func cosignMessage(cosigner string, at uint64, c Checkpoint) []byte {
	b := cryptobyte.NewBuilder([]byte("subtree/v1\n\x00"))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(cosigner)) })
	b.AddUint64(at)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(c.Origin)) })
	b.AddUint64(0)
	b.AddUint64(uint64(c.Size))
	b.AddBytes(c.Root[:])
	return b.BytesOrPanic() // names are at most 255 bytes, see validName
}

// Signer makes signature lines. Secret is the 32-byte seed of the key.
type Signer struct {
	Key    Key
	Secret []byte
}

// NewSigner derives the public key from a 32-byte seed.
func NewSigner(name string, a Algorithm, seed []byte) (*Signer, error) {
	if !validName(name) || len(seed) != ed25519.SeedSize {
		return nil, errors.New("proof: signer needs a name without spaces and a seed of 32 bytes")
	}
	s := &Signer{Key: Key{Name: name, Algorithm: a}, Secret: bytes.Clone(seed)}
	switch a {
	case Ed25519, CosignEd:
		s.Key.Public = ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	case CosignMLDSA:
		key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
		if err != nil {
			return nil, fmt.Errorf("ML-DSA-44 key: %w", err)
		}
		s.Key.Public = key.PublicKey().Bytes()
	default:
		return nil, fmt.Errorf("proof: unknown algorithm %d", a)
	}
	return s, nil
}

// Sign signs a checkpoint. The time goes into cosignatures.
func (s *Signer) Sign(c Checkpoint, at time.Time) (Sig, error) {
	sig := Sig{Name: s.Key.Name, ID: s.Key.ID()}
	t := uint64(at.Unix())
	switch s.Key.Algorithm {
	case Ed25519:
		sig.Raw = ed25519.Sign(ed25519.NewKeyFromSeed(s.Secret), []byte(c.Note.Text))
	case CosignEd:
		sig.Raw = append(binary.BigEndian.AppendUint64(nil, t), ed25519.Sign(ed25519.NewKeyFromSeed(s.Secret), cosignText(t, c.Note.Text))...)
	case CosignMLDSA:
		key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), s.Secret)
		if err != nil {
			return sig, fmt.Errorf("ML-DSA-44 key: %w", err)
		}
		raw, err := key.Sign(nil, cosignMessage(s.Key.Name, t, c), nil)
		if err != nil {
			return sig, fmt.Errorf("ML-DSA-44 signature: %w", err)
		}
		sig.Raw = append(binary.BigEndian.AppendUint64(nil, t), raw...)
	}
	return sig, nil
}
