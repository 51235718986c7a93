// Package protect keeps reference signatures secret while they rest, in the
// sense of ISO/IEC 24745:2022, clause 5.3: irreversible (nothing can be read
// without the subject's key), renewable (a new epoch refuses the old template),
// unlinkable (two tenants' templates of one person share no bit and no length).
//
// The comparison needs the signatures in the clear, in memory, for its
// duration; it is not a comparison in the encrypted domain. Where keys come from
// and where templates are stored is for others: keys are handed in, Sealed
// values are handed out.
//
// inkeval seals an examiner's references with it. The service keeps references
// as recordings instead, because they are evidence: each encrypted under the data
// key of its subject and deposit, with a key of its own derived from it (package
// evidence/vault), erased with that key, and read into memory for a comparison.
package protect

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// KeyBytes is the length of a subject's key.
const KeyBytes = 32

// Limits of a template. The plain text is padded to whole steps of padTo, so
// that the length tells little.
const (
	maxPoints = 1 << 16
	maxHeader = 1 << 12
	maxPlain  = 64 << 20
	padTo     = 64 << 10
)

// Config of a Sealer. Key and Tenant are required.
type Config struct {
	Key    []byte // the subject's data key, KeyBytes long
	Tenant string // whose template it is; part of the derived key

	Rand io.Reader // nil: crypto/rand
}

// Sealer seals and opens templates of one subject for one tenant. It is safe
// for concurrent use where its Rand is.
type Sealer struct{ cfg Config }

// New returns a sealer.
func New(cfg Config) (*Sealer, error) {
	if len(cfg.Key) != KeyBytes || cfg.Tenant == "" {
		return nil, fmt.Errorf("a key of %d bytes and a tenant are needed: %w", KeyBytes, biometrics.ErrSealed)
	}
	cfg.Key = bytes.Clone(cfg.Key)
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return &Sealer{cfg}, nil
}

// Seal encrypts references as the template of one epoch. The key of each
// template is derived from the subject's key, the tenant, the identifier and the
// epoch, so that no two templates share a key.
//
//	0 'T' | 1 version 1 | 2 nonce (12 bytes) | 14 ciphertext and tag (AES-256-GCM)
func (s *Sealer) Seal(id biometrics.TemplateID, epoch uint32, at time.Time, references []capture.Signature) (biometrics.Sealed, error) {
	none := biometrics.Sealed{}
	plain, err := encode(references)
	if err != nil {
		return none, err
	}
	defer clear(plain)
	aead, err := s.cipher(id, epoch)
	if err != nil {
		return none, err
	}
	out := make([]byte, 2+aead.NonceSize(), 2+aead.NonceSize()+len(plain)+aead.Overhead())
	out[0], out[1] = 'T', 1
	if _, err := io.ReadFull(s.cfg.Rand, out[2:]); err != nil {
		return none, fmt.Errorf("seal template: %w", err)
	}
	out = aead.Seal(out, out[2:], plain, out[:2])
	return biometrics.Sealed{ID: id, Epoch: epoch, CreatedAt: at, Data: out}, nil
}

// Open decrypts a template. It returns ErrStale where the epoch is older than
// the one in force, and ErrSealed for a wrong key, tenant or identifier and for
// any changed bit.
func (s *Sealer) Open(t biometrics.Sealed, inForce uint32) ([]capture.Signature, error) {
	if t.Epoch < inForce {
		return nil, fmt.Errorf("open template of epoch %d, %d is in force: %w", t.Epoch, inForce, biometrics.ErrStale)
	}
	aead, err := s.cipher(t.ID, t.Epoch)
	if err != nil {
		return nil, err
	}
	n := 2 + aead.NonceSize()
	if len(t.Data) < n || t.Data[0] != 'T' || t.Data[1] != 1 || len(t.Data) > maxPlain {
		return nil, fmt.Errorf("open template: %w", biometrics.ErrSealed)
	}
	plain, err := aead.Open(nil, t.Data[2:n], t.Data[n:], t.Data[:2])
	if err != nil {
		return nil, fmt.Errorf("open template: %w", biometrics.ErrSealed)
	}
	defer clear(plain)
	return decode(plain)
}

// Renew seals the same references for the next epoch: after it is stored, the
// old template is refused wherever the epoch in force is known.
func (s *Sealer) Renew(t biometrics.Sealed, at time.Time) (biometrics.Sealed, error) {
	refs, err := s.Open(t, t.Epoch)
	if err != nil {
		return biometrics.Sealed{}, err
	}
	return s.Seal(t.ID, t.Epoch+1, at, refs)
}

// cipher derives the key of one template by HKDF (RFC 5869).
func (s *Sealer) cipher(id biometrics.TemplateID, epoch uint32) (cipher.AEAD, error) {
	info := fmt.Sprintf("inkwitness template 1|%d|%s|%d|%s|%d", len(s.cfg.Tenant), s.cfg.Tenant, len(id), id, epoch)
	key, err := hkdf.Key(sha256.New, s.cfg.Key, nil, info, KeyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive template key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive template key: %w", err)
	}
	return cipher.NewGCM(block)
}

// encode writes, little-endian: the number of signatures u32, for each the
// length of its header u32, the header as JSON (device and epoch), the number of
// points u32, and 25 bytes a point: time i64, x i32, y i32, pressure u16, tilt x
// i16, tilt y i16, twist u16, flags u8 (bit 0 down, bit 1 start); then zeros up to
// a whole step of padTo.
func encode(references []capture.Signature) ([]byte, error) {
	if len(references) == 0 || len(references) > biometrics.MaxReferences {
		return nil, fmt.Errorf("%d references: %w", len(references), biometrics.ErrReferences)
	}
	le := binary.LittleEndian
	out := le.AppendUint32(nil, uint32(len(references)))
	for _, r := range references {
		if len(r.Points) > maxPoints {
			return nil, fmt.Errorf("%d points: %w", len(r.Points), biometrics.ErrLimit)
		}
		head, err := json.Marshal(header{r.Device, r.Epoch})
		if err != nil {
			return nil, fmt.Errorf("encode template: %w", err)
		}
		out = append(le.AppendUint32(out, uint32(len(head))), head...)
		out = le.AppendUint32(out, uint32(len(r.Points)))
		for _, p := range r.Points {
			out = appendPoint(out, p)
		}
	}
	return append(out, make([]byte, padTo-len(out)%padTo)...), nil
}

type header struct {
	Device capture.Device `json:"device"`
	Epoch  time.Time      `json:"epoch"`
}

const pointBytes = 25

func appendPoint(b []byte, p capture.Point) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(p.Time))
	b = le.AppendUint32(b, uint32(p.X))
	b = le.AppendUint32(b, uint32(p.Y))
	b = le.AppendUint16(b, p.Pressure)
	b = le.AppendUint16(b, uint16(p.TiltX))
	b = le.AppendUint16(b, uint16(p.TiltY))
	b = le.AppendUint16(b, p.Twist)
	var flags byte
	if p.Down {
		flags |= 1
	}
	if p.Start {
		flags |= 2
	}
	return append(b, flags)
}

func point(b []byte) capture.Point {
	le := binary.LittleEndian
	return capture.Point{
		Time: int64(le.Uint64(b)), X: int32(le.Uint32(b[8:])), Y: int32(le.Uint32(b[12:])), Pressure: le.Uint16(b[16:]),
		TiltX: int16(le.Uint16(b[18:])), TiltY: int16(le.Uint16(b[20:])), Twist: le.Uint16(b[22:]), Down: b[24]&1 != 0, Start: b[24]&2 != 0,
	}
}

// decode reads what encode wrote. The text is authentic, yet bounds are kept.
func decode(b []byte) ([]capture.Signature, error) {
	bad := fmt.Errorf("decode template: %w", biometrics.ErrMalformed)
	le := binary.LittleEndian
	number := func(most int) (int, bool) {
		if len(b) < 4 || le.Uint32(b) > uint32(most) {
			return 0, false
		}
		n := int(le.Uint32(b))
		b = b[4:]
		return n, true
	}
	n, ok := number(biometrics.MaxReferences)
	if !ok {
		return nil, bad
	}
	var out []capture.Signature
	for range n {
		size, ok := number(maxHeader)
		if !ok || size > len(b) {
			return nil, bad
		}
		var h header
		if json.Unmarshal(b[:size], &h) != nil {
			return nil, bad
		}
		b = b[size:]
		points, ok := number(maxPoints)
		if !ok || points*pointBytes > len(b) {
			return nil, bad
		}
		s := capture.Signature{Device: h.Device, Epoch: h.Epoch, Points: make([]capture.Point, points)}
		for i := range s.Points {
			s.Points[i] = point(b[i*pointBytes:])
		}
		b = b[points*pointBytes:]
		out = append(out, s)
	}
	return out, nil
}
