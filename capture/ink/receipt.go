package ink

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"inkwitness/capture"
)

// receiptContext keeps this use of the receipt key apart from every other.
const receiptContext = "inkwitness pen receipt v1\x00"

// Receipt is the server's signature over a finished pen stream.
type Receipt struct {
	Head      capture.Head
	Signature [ed25519.SignatureSize]byte
}

// SignReceipt signs the head of the finished pen stream of a session. The key
// must be an Ed25519 key.
func SignReceipt(key crypto.Signer, id capture.SessionID, nonce [32]byte, h capture.Head) (Receipt, error) {
	text, err := receiptText(id, nonce, h)
	if err != nil {
		return Receipt{}, err
	}
	sig, err := key.Sign(rand.Reader, text, crypto.Hash(0))
	if err != nil {
		return Receipt{}, fmt.Errorf("sign pen receipt: %w", err)
	}
	if len(sig) != ed25519.SignatureSize {
		return Receipt{}, fmt.Errorf("sign pen receipt: %d bytes of signature are not Ed25519", len(sig))
	}
	return Receipt{Head: h, Signature: [ed25519.SignatureSize]byte(sig)}, nil
}

// Verify tells whether the receipt is the server's for this session.
func (r Receipt) Verify(key ed25519.PublicKey, id capture.SessionID, nonce [32]byte) bool {
	text, err := receiptText(id, nonce, r.Head)
	return err == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, text, r.Signature[:])
}

func receiptText(id capture.SessionID, nonce [32]byte, h capture.Head) ([]byte, error) {
	raw, err := id.Bytes()
	if err != nil {
		return nil, err
	}
	text := append([]byte(receiptContext), raw[:]...)
	text = append(text, nonce[:]...)
	text = binary.BigEndian.AppendUint64(text, h.Next)
	return append(text, h.Hash[:]...), nil
}

// Append appends the RECEIPT message.
func (r Receipt) Append(dst []byte) []byte {
	return append(appendHead(append(dst, typeReceipt), r.Head), r.Signature[:]...)
}

// ParseReceipt reads a RECEIPT message. It does not verify it.
func ParseReceipt(msg []byte) (r Receipt, err error) {
	c := open(msg, typeReceipt, "RECEIPT")
	r.Head = c.head()
	c.take("signature", r.Signature[:])
	return r, c.end()
}
