package pdf

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"inkwitness/evidence/cms"
	"inkwitness/evidence/cms/cmstest"
	"inkwitness/evidence/pdf/syntax"
)

// kit makes signed documents and spoils them.
type kit struct {
	t testing.TB
	*authority
	ada, bob signer
}

func newKit(t testing.TB) *kit {
	a := newAuthority(t)
	return &kit{t, a, a.signer(t, "Ada", ecKey(t, elliptic.P256())), a.signer(t, "Bob", ecKey(t, elliptic.P256()))}
}

// contract is a small document with a text field, an overlay annotation, and
// two page contents of which it shows the first. swap are texts to be replaced,
// each followed by what takes its place.
func contract(swap ...string) []byte {
	var b bytes.Buffer
	swapped := strings.NewReplacer(swap...).Replace
	var offs []int
	b.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	obj := func(body string) {
		offs = append(offs, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offs), swapped(body))
	}
	stream := func(dict, data string) {
		obj(fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data))
	}
	obj("<</Type/Catalog/Pages 2 0 R/AcroForm 8 0 R>>")
	obj("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	obj("<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R/Annots[7 0 R 9 0 R]>>")
	obj("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	stream("", "BT /F1 18 Tf 40 300 Td (Pay 100 euros) Tj ET")
	stream("", "BT /F1 18 Tf 40 300 Td (Pay 999 euros) Tj ET")
	obj("<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V(100)/Rect[40 200 140 220]/F 4/P 3 0 R/AP<</N 10 0 R>>>>")
	obj("<</Fields[7 0 R]/DA(/F1 12 Tf)/DR<</Font<</F1 4 0 R>>>>>>")
	obj("<</Type/Annot/Subtype/Square/Rect[40 290 200 320]/IC[1 1 1]/F 4/P 3 0 R/AP<</N 11 0 R>>>>")
	stream("/Type/XObject/Subtype/Form/BBox[0 0 100 20]/Resources<</Font<</F1 4 0 R>>>>", "BT /F1 12 Tf 2 5 Td (100) Tj ET")
	stream("/Type/XObject/Subtype/Form/BBox[0 0 160 30]", "1 g 0 0 160 30 re f")
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offs)+1)
	for _, o := range offs {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	b.WriteString(swapped(fmt.Sprintf("trailer\n<</Size %d/Root 1 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF\n", len(offs)+1, at)))
	return b.Bytes()
}

// request is small: strokes only, and little room for the signature.
func (k *kit) request(s Signer, field string, level Level) Request {
	r := k.authority.request(s, field)
	r.Appearance = Appearance{Strokes: scrawl()[1:]}
	r.Level, r.Reserve = level, 2600
	r.Revocation = Revocation{CRLs: [][]byte{k.crl(k.t)}}
	return r
}

func (k *kit) empty() []byte { return prepared(k.t, contract(), 2) }

// one is signed by Ada, certified.
func (k *kit) one(level Level) []byte { return k.certified(k.empty(), level) }

func (k *kit) certified(doc []byte, level Level) []byte {
	r := k.request(k.ada, "A", level)
	r.Certify = true
	return sign(k.t, doc, r)
}

// two is also signed by Bob.
func (k *kit) two(level Level) []byte {
	return sign(k.t, k.one(level), k.request(k.bob, "B", level))
}

func (k *kit) open(doc []byte) *syntax.File {
	f, err := syntax.Open(bytes.NewReader(doc), int64(len(doc)), syntax.Limits{})
	if err != nil {
		k.t.Fatal(err)
	}
	return f
}

func (k *kit) dict(f *syntax.File, o syntax.Object) syntax.Dict {
	d, err := f.Dict(o)
	if err != nil || d == nil {
		k.t.Fatalf("no dictionary %v: %v", o, err)
	}
	return d.Clone()
}

// appended adds a well-formed revision.
func (k *kit) appended(doc []byte, trailer syntax.Dict, change func(u *syntax.Update, f *syntax.File)) []byte {
	f := k.open(doc)
	u := syntax.NewUpdate(f)
	change(u, f)
	tail, err := u.Append(trailer)
	if err != nil {
		k.t.Fatal(err)
	}
	return append(bytes.Clone(doc), tail.Bytes...)
}

// set adds a revision in which one object has other entries; nil removes one.
func (k *kit) set(doc []byte, num int, entries syntax.Dict) []byte {
	return k.appended(doc, nil, func(u *syntax.Update, f *syntax.File) {
		ref := syntax.Ref{Num: num}
		d := k.dict(f, ref)
		for key, v := range entries {
			if v == nil {
				delete(d, key)
			} else {
				d[key] = v
			}
		}
		u.Set(ref, d)
	})
}

// field returns a field's reference and dictionary.
func (k *kit) field(f *syntax.File, name string) (syntax.Ref, syntax.Dict) {
	d, err := openDoc(f, 100)
	if err != nil {
		k.t.Fatal(err)
	}
	fd, ok := d.field(name)
	if !ok {
		k.t.Fatalf("no field %s", name)
	}
	return fd.ref, fd.dict.Clone()
}

// replaced puts new for the n-th occurrence of old, counting from 0; from the
// end when n is negative.
func (k *kit) replaced(doc []byte, old, new string, n int) []byte {
	parts := bytes.Split(doc, []byte(old))
	if n < 0 {
		n += len(parts) - 1
	}
	if n < 0 || n >= len(parts)-1 {
		k.t.Fatalf("%q occurs %d times", old, len(parts)-1)
	}
	var out bytes.Buffer
	for i, p := range parts {
		out.Write(p)
		if i == n {
			out.WriteString(new)
		} else if i < len(parts)-1 {
			out.WriteString(old)
		}
	}
	return out.Bytes()
}

// padded replaces a text in the last signature's dictionary by one of the same
// length.
func (k *kit) padded(doc []byte, old, new string, n int) []byte {
	if len(new) > len(old) {
		k.t.Fatalf("%q is longer than %q", new, old)
	}
	return k.replaced(doc, old, new+strings.Repeat(" ", len(old)-len(new)), n)
}

// rangeText is the byte range of the only signature as it stands in the file.
func (k *kit) rangeText(doc []byte) (string, [4]int) {
	i := bytes.Index(doc, []byte("/ByteRange ["))
	if i < 0 {
		k.t.Fatal("no byte range")
	}
	var n [4]int
	if _, err := fmt.Sscanf(string(doc[i:i+70]), "/ByteRange [%d %d %d %d]", &n[0], &n[1], &n[2], &n[3]); err != nil {
		k.t.Fatal(err)
	}
	return string(doc[i : i+len("/ByteRange ")+rangeWidth]), n
}

// flip changes a bit of a byte.
func flip(doc []byte, at int) []byte { return flipBit(doc, at, 1) }

func flipBit(doc []byte, at int, bit byte) []byte {
	out := bytes.Clone(doc)
	out[at] ^= bit
	return out
}

// message changes the signed message of the only signature.
func (k *kit) message(doc []byte, change func([]byte) []byte) []byte {
	_, n := k.rangeText(doc)
	value, err := hex.DecodeString(string(doc[n[1]+1 : n[2]-1]))
	if err != nil {
		k.t.Fatal(err)
	}
	room := len(value)
	value = change(value)
	if len(value) > room {
		k.t.Fatalf("%d bytes for %d", len(value), room)
	}
	out := bytes.Clone(doc)
	copy(out[n[1]+1:], strings.Repeat("0", 2*room))
	hex.Encode(out[n[1]+1:], value)
	return out
}

// crafted signs field A with every step open to change. A nil step is as Sign
// does it.
type crafted struct {
	signer  signer
	request func(*Request)
	draft   func(*Draft) // before the attributes are signed; digest is made again
	attrs   func(d *Draft) []byte
	build   func(d *Draft, signature []byte) []byte
}

func (k *kit) craft(doc []byte, c crafted) []byte {
	if c.signer.key == nil {
		c.signer = k.ada
	}
	req := k.request(c.signer, "A", LevelB)
	if c.request != nil {
		c.request(&req)
	}
	in := bytes.NewReader(doc)
	d, err := openDoc(k.open(doc), 100)
	if err != nil {
		k.t.Fatal(err)
	}
	tail, err := d.layout(req)
	if err != nil {
		k.t.Fatal(err)
	}
	draft, err := newDraft(in, int64(len(doc)), req, tail)
	if err != nil {
		k.t.Fatal(err)
	}
	if c.draft != nil {
		c.draft(draft)
		_, draft.Digest, _ = draft.hash(in, cms.HashFor(c.signer.chain[0].PublicKey))
		draft.Attributes = cmstest.Attributes(c.signer.chain[0], draft.Digest)
	}
	if c.attrs != nil {
		draft.Attributes = c.attrs(draft)
	}
	input, opts, err := draft.ToSign()
	if err != nil {
		k.t.Fatal(err)
	}
	signature, err := c.signer.Sign(context.Background(), input, opts)
	if err != nil {
		k.t.Fatal(err)
	}
	message := cmstest.Build(c.signer.chain, draft.Attributes, signature)
	if c.build != nil {
		message = c.build(draft, signature)
	}
	filled, err := draft.filled(message)
	if err != nil {
		k.t.Fatal(err)
	}
	return append(bytes.Clone(doc), filled...)
}

// tailReplace changes text in a draft's revision, keeping its length.
func (k *kit) tailReplace(d *Draft, old, new string) {
	d.Tail = k.padded(d.Tail, old, new, 0)
}

func revoked(c *x509.Certificate) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: new(big.Int).Set(c.SerialNumber), RevocationTime: noon.AddDate(0, 0, -1)}
}
