package syntax

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// crypt holds the file key of a file encrypted with AES-256 (ISO 32000-2,
// 7.6, V 5). Older ciphers are not supported: RC4 and AES-128 with MD5 keys no
// longer protect anything.
type crypt struct {
	key       []byte // 32 bytes
	plainMeta bool   // the metadata stream is not encrypted
}

// Encrypted says whether the trailer declares encryption.
func (f *File) Encrypted() bool { return f.Trailer["Encrypt"] != nil }

// Unlock opens an encrypted file with the user or the owner password; many
// files have an empty user password. A file that is not encrypted is left alone.
func (f *File) Unlock(password string) error {
	if !f.Encrypted() {
		return nil
	}
	d, err := f.encryptDict()
	if err != nil {
		return err
	}
	if err := supported(d); err != nil {
		return err
	}
	key, err := fileKey(d, []byte(password))
	if err != nil {
		return err
	}
	f.crypt = &crypt{key: key, plainMeta: d["EncryptMetadata"] == false}
	return nil
}

// encryptDict reads the encryption dictionary, whose strings are plain.
func (f *File) encryptDict() (Dict, error) {
	o := f.Trailer["Encrypt"]
	if ref, ok := o.(Ref); ok {
		e := f.xref[ref.Num]
		if e.Kind != InFile {
			return nil, fmt.Errorf("%w: no encryption dictionary", ErrBroken)
		}
		var err error
		if _, o, err = f.objectAt(e.Offset, false, nil); err != nil {
			return nil, err
		}
	}
	d, ok := o.(Dict)
	if !ok {
		return nil, fmt.Errorf("%w: no encryption dictionary", ErrBroken)
	}
	return d, nil
}

// supported checks that strings and streams both use the standard AES-256
// filter.
func supported(d Dict) error {
	old := fmt.Errorf("%w with a method other than AES-256", ErrEncrypted)
	if d.Name("Filter") != "Standard" || d["V"] != int64(5) || (d["R"] != int64(5) && d["R"] != int64(6)) {
		return old
	}
	filters, _ := d["CF"].(Dict)
	for _, k := range []Name{"StmF", "StrF"} {
		cf, _ := filters[d.Name(k)].(Dict)
		if cf.Name("CFM") != "AESV3" {
			return old
		}
	}
	return nil
}

// fileKey finds the file key (ISO 32000-2, 7.6.4.3.3, algorithm 2.A).
func fileKey(d Dict, password []byte) ([]byte, error) {
	password = password[:min(len(password), 127)]
	u, _ := d["U"].(String)
	o, _ := d["O"].(String)
	ue, _ := d["UE"].(String)
	oe, _ := d["OE"].(String)
	if len(u) < 48 || len(o) < 48 || len(ue) < 32 || len(oe) < 32 {
		return nil, fmt.Errorf("%w: bad encryption dictionary", ErrBroken)
	}
	hash := hash2B
	if d["R"] == int64(5) {
		hash = hashR5
	}
	u = u[:48]
	var wrap, wrapped []byte
	switch {
	case subtle.ConstantTimeCompare(hash(password, o[32:40], u), o[:32]) == 1:
		wrap, wrapped = hash(password, o[40:48], u), oe
	case subtle.ConstantTimeCompare(hash(password, u[32:40], nil), u[:32]) == 1:
		wrap, wrapped = hash(password, u[40:48], nil), ue
	default:
		return nil, ErrPassword
	}
	key := make([]byte, 32)
	cipher.NewCBCDecrypter(aesBlock(wrap), make([]byte, 16)).CryptBlocks(key, wrapped[:32])
	return key, nil
}

func hashR5(password, salt, user []byte) []byte {
	h := sha256.Sum256(bytes.Join([][]byte{password, salt, user}, nil))
	return h[:]
}

// hash2B is algorithm 2.B: at least 64 rounds of AES-128 over 64 repetitions,
// each round's hash chosen by the round before.
func hash2B(password, salt, user []byte) []byte {
	k := hashR5(password, salt, user)
	for i := 0; ; i++ {
		k1 := bytes.Repeat(bytes.Join([][]byte{password, k, user}, nil), 64)
		cipher.NewCBCEncrypter(aesBlock(k[:16]), k[16:32]).CryptBlocks(k1, k1)
		sum := 0
		for _, b := range k1[:16] {
			sum += int(b) // 256 = 1 mod 3: the sum of bytes has the number's remainder
		}
		switch sum % 3 {
		case 0:
			h := sha256.Sum256(k1)
			k = h[:]
		case 1:
			h := sha512.Sum384(k1)
			k = h[:]
		case 2:
			h := sha512.Sum512(k1)
			k = h[:]
		}
		if i >= 63 && int(k1[len(k1)-1]) <= i-31 {
			return k[:32]
		}
	}
}

// aesBlock makes a cipher from a key whose length is known to be right.
func aesBlock(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 16 or 32 bytes at every call
	}
	return b
}

func (c *crypt) decrypt(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return b, nil
	}
	if len(b) < 32 || len(b)%16 != 0 {
		return nil, fmt.Errorf("%w: bad encrypted data", ErrBroken)
	}
	out := make([]byte, len(b)-16)
	cipher.NewCBCDecrypter(aesBlock(c.key), b[:16]).CryptBlocks(out, b[16:])
	pad := int(out[len(out)-1])
	if pad < 1 || pad > 16 {
		return nil, fmt.Errorf("%w: bad padding of encrypted data", ErrBroken)
	}
	return out[:len(out)-pad], nil
}

// encrypter returns the function that encrypts what belongs to ref. The
// initialisation vector is derived from the key, the object, a counter and the
// text: unpredictable without the key, yet the same update gives the same bytes.
func (c *crypt) encrypter(ref Ref) func([]byte) []byte {
	var count uint64
	return func(plain []byte) []byte {
		count++
		m := hmac.New(sha256.New, c.key)
		_ = binary.Write(m, binary.BigEndian, []uint64{uint64(ref.Num), uint64(ref.Gen), count}) // a hash does not fail
		m.Write(plain)
		iv := m.Sum(nil)[:16]
		pad := 16 - len(plain)%16
		padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(aesBlock(c.key), iv).CryptBlocks(padded, padded)
		return append(iv, padded...)
	}
}

// decrypted returns o with its strings decrypted, and its stream prepared for
// decryption when it is read.
func (f *File) decrypted(o Object, ref Ref) (Object, error) {
	if !f.Encrypted() {
		return o, nil
	}
	if enc, ok := f.Trailer["Encrypt"].(Ref); ok && enc == ref {
		return o, nil
	}
	if f.crypt == nil {
		return nil, ErrEncrypted
	}
	if st, ok := o.(*Stream); ok {
		typ := st.Dict.Name("Type")
		st.open = typ == "XRef" || typ == "Metadata" && f.crypt.plainMeta || identity(st.Dict)
		if typ == "XRef" {
			return o, nil
		}
		d, err := f.crypt.strings(st.Dict)
		if err == nil {
			st.Dict = d.(Dict)
		}
		return o, err
	}
	return f.crypt.strings(o)
}

// identity says whether a stream names the Identity crypt filter.
func identity(d Dict) bool {
	first := d["Filter"]
	if a, ok := first.(Array); ok && len(a) > 0 {
		first = a[0]
	}
	return first == Name("Crypt")
}

// strings decrypts all strings below o. The value of a signature is never
// encrypted (ISO 32000-2, 7.6.2).
func (c *crypt) strings(o Object) (Object, error) {
	switch v := o.(type) {
	case String:
		b, err := c.decrypt(v)
		return String(b), err
	case Array:
		for i := range v {
			e, err := c.strings(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = e
		}
	case Dict:
		_, signature := v["ByteRange"]
		for k := range v {
			if signature && k == "Contents" {
				continue
			}
			e, err := c.strings(v[k])
			if err != nil {
				return nil, err
			}
			v[k] = e
		}
	}
	return o, nil
}
