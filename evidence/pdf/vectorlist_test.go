package pdf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence/cms/cmstest"
	"inkwitness/evidence/pdf/syntax"
)

func vectors() []vector {
	return slices.Concat(wholeVectors(), byteVectors(), rangeVectors(), messageVectors(), trustVectors(), shadowVectors(), gapVectors(), updateVectors())
}

func codes(c ...Code) []Code { return c }

func wholeVectors() []vector {
	return []vector{
		{"ok-unsigned-field.pdf", nil, "one signature, one field still empty, certified (P=2)", func(k *kit) []byte { return k.one(LevelB) }},
		{"ok-bt.pdf", nil, "two signers, B-T", func(k *kit) []byte { return k.two(LevelT) }},
		{"ok-blt.pdf", nil, "two signers, B-LT: validation data follows each", func(k *kit) []byte { return k.two(LevelLT) }},
		{"ok-blta.pdf", nil, "two signers, B-LTA", func(k *kit) []byte { return k.two(LevelLTA) }},
		{"ok-renewed.pdf", nil, "one signer, archive timestamp renewed twice", func(k *kit) []byte {
			doc := k.one(LevelLTA)
			for range 2 {
				doc = k.extend(doc)
			}
			return doc
		}},
		{"ok-empty-update.pdf", nil, "a revision that changes nothing", func(k *kit) []byte {
			return k.appended(k.one(LevelB), nil, func(u *syntax.Update, f *syntax.File) {})
		}},
		{"stamped-only.pdf", codes(NoSignature), "a document timestamp and nobody's signature", func(k *kit) []byte { return k.extend(k.empty()) }},
		{"unsigned.pdf", codes(NoSignature), "prepared, not signed", func(k *kit) []byte { return k.empty() }},
	}
}

func (k *kit) extend(doc []byte) []byte {
	var out bytes.Buffer
	x := Extension{Level: LevelLTA, Timestamper: k, Reserve: 2600}
	if err := Extend(context.Background(), &out, bytes.NewReader(doc), int64(len(doc)), x); err != nil {
		k.t.Fatal(err)
	}
	return out.Bytes()
}

// byteVectors flip a bit somewhere.
func byteVectors() []vector {
	at := func(text string) func(*kit) []byte {
		return func(k *kit) []byte {
			doc := k.one(LevelT)
			return flip(doc, bytes.Index(doc, []byte(text))+len(text)-1)
		}
	}
	return []vector{
		{"flip-content.pdf", codes(DigestDiffers), "one bit of the page's text", at("(Pay 1")},
		{"flip-header.pdf", codes(DigestDiffers), "one bit of the version in the header", at("%PDF-1.7")},
		{"flip-form-value.pdf", codes(DigestDiffers), "one bit of a form field's value", at("/V(1")},
		{"flip-time.pdf", codes(DigestDiffers), "one bit of the claimed time", at("/M (D:2026")},
		{"flip-first-of-two.pdf", codes(DigestDiffers), "one bit of the page under two signatures: both break", func(k *kit) []byte {
			doc := k.two(LevelB)
			return flip(doc, bytes.Index(doc, []byte("(Pay 1"))+5)
		}},
		{"flip-second-only.pdf", codes(DigestDiffers), "one bit of the second revision: the first signature stands", func(k *kit) []byte {
			doc := k.two(LevelB)
			return flip(doc, bytes.LastIndex(doc, []byte("/M (D:2026"))+9)
		}},
		{"flip-archive.pdf", codes(DigestDiffers), "one bit of the validation data under an archive timestamp", func(k *kit) []byte {
			doc := k.one(LevelLTA)
			return flip(doc, bytes.Index(doc, []byte("/Filter /FlateDecode"))+len("/Filter /Flat"))
		}},
	}
}

// rangeVectors attack the byte range and the hole: universal signature forgery
// and signature wrapping.
func rangeVectors() []vector {
	// ranged replaces the byte range text.
	ranged := func(change func(n [4]int) string) func(*kit) []byte {
		return func(k *kit) []byte {
			doc := k.one(LevelB)
			text, n := k.rangeText(doc)
			return k.padded(doc, text, change(n), 0)
		}
	}
	bad := codes(ByteRange)
	return []vector{
		{"usf-no-range.pdf", bad, "no /ByteRange", ranged(func([4]int) string { return "" })},
		{"usf-null-range.pdf", bad, "/ByteRange null", ranged(func([4]int) string { return "/ByteRange null" })},
		{"usf-three-numbers.pdf", bad, "/ByteRange of three numbers", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [0 %d %d]", n[1], n[2]) })},
		{"usf-negative.pdf", bad, "/ByteRange with a negative length", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [0 %d %d -%d]", n[1], n[2], n[3]) })},
		{"usf-overflow.pdf", bad, "/ByteRange whose sum overflows 64 bits", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [0 %d %d 9223372036854775807]", n[1], n[2]) })},
		{"usf-zeros.pdf", bad, "/ByteRange of zeros", ranged(func([4]int) string { return "/ByteRange [0 0 0 0]" })},
		{"usf-beyond.pdf", bad, "/ByteRange longer than the file", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [0 %d %d %d]", n[1], n[2], n[3]+1) })},
		{"usf-not-from-start.pdf", bad, "/ByteRange that leaves the header out", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [8 %d %d %d]", n[1]-8, n[2], n[3]) })},
		{"usf-short.pdf", codes(NotARevision, DigestDiffers), "/ByteRange that ends before the cross-reference", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [0 %d %d %d]", n[1], n[2], n[3]-80) })},
		{"usf-wide-hole.pdf", bad, "/ByteRange whose hole is a byte wider than the signature value", ranged(func(n [4]int) string { return fmt.Sprintf("/ByteRange [0 %d %d %d]", n[1], n[2]+1, n[3]-1) })},
		{"usf-no-contents.pdf", bad, "no /Contents", func(k *kit) []byte { return k.replaced(k.one(LevelB), "/Contents <", "/Contentz <", 0) }},
		{"usf-empty-contents.pdf", bad, "/Contents <>", func(k *kit) []byte {
			doc := k.one(LevelB)
			_, n := k.rangeText(doc)
			out := bytes.Clone(doc)
			copy(out[n[1]:n[2]], "<>"+strings.Repeat(" ", n[2]-n[1]-2))
			return out
		}},
		{"usf-zero-contents.pdf", codes(CMSMalformed), "/Contents of zeros", func(k *kit) []byte { return k.message(k.one(LevelB), func([]byte) []byte { return nil }) }},
		{"swa-moved.pdf", bad, "the signed end moved back, a forged cross-reference in the widened hole", func(k *kit) []byte { return k.wrapped(k.one(LevelB)) }},
		{"swa-two-contents.pdf", bad, "two /Contents in one signature", func(k *kit) []byte {
			doc := k.one(LevelB)
			return k.replaced(doc, "/Filter /Adobe.PPKLite", "/Contents <00>        ", 0)
		}},
		{"padding.pdf", codes(Padding), "bytes hidden behind the signature value", func(k *kit) []byte {
			return k.message(k.one(LevelB), func(b []byte) []byte { b[len(b)-1] = 0x41; return b })
		}},
		{"contents-case.pdf", bad, "one digit of the signature value in another case", func(k *kit) []byte {
			doc := k.one(LevelB)
			_, n := k.rangeText(doc)
			return flipBit(doc, n[1]+bytes.IndexAny(doc[n[1]:n[2]], "abcdef"), 0x20)
		}},
		{"contents-space.pdf", bad, "a space in the signature value", func(k *kit) []byte {
			doc := k.one(LevelB)
			_, n := k.rangeText(doc)
			return flipBit(doc, n[2]-2, 0x10)
		}},
		{"subfilter.pdf", codes(SubFilter), "a kind of signature that is not checked", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{draft: func(d *Draft) { k.tailReplace(d, "/ETSI.CAdES.detached", "/adbe.pkcs7.sha1") }})
		}},
		{"swapped.pdf", codes(DigestDiffers), "the second signature's value in the first one's place", func(k *kit) []byte {
			doc := k.two(LevelB)
			cuts := bytes.Split(doc, []byte("/Contents <"))
			copy(cuts[1][:2*2600], cuts[2][:2*2600])
			return bytes.Join(cuts, []byte("/Contents <"))
		}},
	}
}

// wrapped is the signature wrapping attack: the bytes behind the hole are moved
// back, and a cross-reference that shows other content takes the place where
// the real one was.
func (k *kit) wrapped(doc []byte) []byte {
	text, n := k.rangeText(doc)
	f := k.open(doc)
	section, err := f.Section(f.Sections[0])
	if err != nil {
		k.t.Fatal(err)
	}
	dict := "/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Type/Sig>>\nendobj\n"
	table := func(shift int) string {
		other, _ := f.Entry(objOther)
		section.Entries[objContent] = other
		out := "xref\n"
		for num, e := range section.Entries {
			if int(e.Offset) > n[2] {
				e.Offset += int64(shift)
			}
			out += fmt.Sprintf("%d 1\n%010d 00000 n \n", num, e.Offset)
		}
		return out + fmt.Sprintf("trailer\n<</Size 99/Root 1 0 R/ID[<00><01>]/Prev %d>>\n", f.Sections[1])
	}
	room := int(f.Sections[0]) - n[2] - len(dict)
	shift := len(dict) + room + len(table(0))
	forged := dict + strings.Repeat(" ", room) + table(shift)
	out := slices.Concat(doc[:n[2]], []byte(forged), doc[n[2]:])
	return k.padded(out, text, fmt.Sprintf("/ByteRange [0 %d %d %d]", n[1], n[2]+shift, n[3]), 0)
}

// derText is how an attribute's identifier stands in DER.
func derText(oid ...int) []byte {
	b, err := asn1.Marshal(asn1.ObjectIdentifier(oid))
	if err != nil {
		panic(err)
	}
	return b
}

// messageVectors attack the signed message.
func messageVectors() []vector {
	inMessage := func(find []byte, offset int) func(*kit) []byte {
		return func(k *kit) []byte {
			return k.message(k.one(LevelT), func(b []byte) []byte {
				i := bytes.Index(b, find)
				if i < 0 {
					k.t.Fatalf("%x not in the message", find)
				}
				return flip(b, i+offset)
			})
		}
	}
	messageDigest := derText(1, 2, 840, 113549, 1, 9, 4)
	certV2 := derText(1, 2, 840, 113549, 1, 9, 16, 2, 47)
	ecdsaSHA256 := derText(1, 2, 840, 10045, 4, 3, 2)
	return []vector{
		{"cms-digest.pdf", codes(DigestDiffers), "one bit of the message digest", inMessage(messageDigest, len(messageDigest)+8)},
		{"cms-cert-id.pdf", codes(ValueWrong), "one bit of the signing-certificate attribute", inMessage(certV2, len(certV2)+12)},
		{"cms-truncated.pdf", codes(CMSMalformed), "the signed message cut in half", func(k *kit) []byte {
			return k.message(k.one(LevelB), func(b []byte) []byte { return b[:300] })
		}},
		{"cms-value.pdf", codes(ValueWrong), "one bit of the signature value", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{build: func(d *Draft, sig []byte) []byte { return k.rebuild(d, flip(sig, len(sig)-1), k.ada.chain) }})
		}},
		{"cms-other-key.pdf", codes(ValueWrong), "signed with another key than the certificate's", func(k *kit) []byte {
			mallory := signer{ecKey(k.t, elliptic.P256()), k.ada.chain}
			return k.craft(k.empty(), crafted{signer: mallory})
		}},
		{"cms-no-certificate.pdf", codes(SignerMissing), "the signer's certificate is not in the message", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{build: func(d *Draft, sig []byte) []byte {
				absent := *k.ada.chain[0]
				absent.Raw = k.cert.Raw // names Ada, carries the root
				return k.rebuild(d, sig, []*x509.Certificate{&absent})
			}})
		}},
		{"cms-other-certificate.pdf", codes(CertIDWrong), "another certificate for the same key", func(k *kit) []byte {
			other := k.reissued()
			return k.craft(k.empty(), crafted{build: func(d *Draft, sig []byte) []byte { return k.rebuild(d, sig, []*x509.Certificate{other, k.cert}) }})
		}},
		{"cms-signing-time.pdf", codes(NotPAdES), "a signing-time attribute, which PAdES forbids", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{attrs: func(d *Draft) []byte { return withAttribute(d.Attributes, signingTime()) }})
		}},
		{"cms-no-cert-id.pdf", codes(NotPAdES), "no signing-certificate attribute", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{attrs: func(d *Draft) []byte { return withoutAttribute(d.Attributes, certV2) }})
		}},
		{"cms-no-digest.pdf", codes(CMSMalformed), "no message digest among the attributes", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{attrs: func(d *Draft) []byte { return withoutAttribute(d.Attributes, messageDigest) }})
		}},
		{"cms-weak.pdf", codes(WeakAlgorithm), "SHA-1 named as the digest", func(k *kit) []byte {
			return k.message(k.one(LevelB), func(b []byte) []byte {
				sha256 := derText(2, 16, 840, 1, 101, 3, 4, 2, 1)
				weak := derText(2, 16, 840, 1, 101, 3, 4, 2, 4) // SHA-224: as long, and not allowed
				return bytes.ReplaceAll(b, sha256, weak)
			})
		}},
		{"cms-algorithm.pdf", codes(WeakAlgorithm), "an RSA identifier on an ECDSA signature", func(k *kit) []byte {
			return k.craft(k.empty(), crafted{build: func(d *Draft, sig []byte) []byte {
				whole := k.rebuild(d, sig, k.ada.chain)
				i := bytes.LastIndex(whole, ecdsaSHA256)
				copy(whole[i:], derText(1, 2, 840, 10045, 4, 3, 9))
				return whole
			}})
		}},
	}
}

func (k *kit) rebuild(d *Draft, signature []byte, chain []*x509.Certificate) []byte {
	return cmstest.Build(chain, d.Attributes, signature)
}

// reissued is another certificate for Ada's key.
func (k *kit) reissued() *x509.Certificate {
	return k.issue(k.t, "Ada", k.ada.key.Public(), nil)
}

// set is a DER SET OF attributes.
func attributeSet(b []byte) (out []asn1.RawValue) {
	var set asn1.RawValue
	if _, err := asn1.Unmarshal(b, &set); err != nil {
		panic(err)
	}
	for rest := set.Bytes; len(rest) > 0; {
		var one asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &one); err != nil {
			panic(err)
		}
		out = append(out, one)
	}
	return out
}

func joinSet(items []asn1.RawValue) []byte {
	var all [][]byte
	for _, i := range items {
		all = append(all, i.FullBytes)
	}
	slices.SortFunc(all, bytes.Compare)
	b, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: bytes.Join(all, nil)})
	if err != nil {
		panic(err)
	}
	return b
}

func withAttribute(set, attr []byte) []byte {
	return joinSet(append(attributeSet(set), asn1.RawValue{FullBytes: attr}))
}

func withoutAttribute(set, oid []byte) []byte {
	return joinSet(slices.DeleteFunc(attributeSet(set), func(a asn1.RawValue) bool { return bytes.HasPrefix(a.Bytes, oid) }))
}

func signingTime() []byte {
	b, err := asn1.Marshal(struct {
		Type   asn1.ObjectIdentifier
		Values []time.Time `asn1:"set"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}, []time.Time{noon}})
	if err != nil {
		panic(err)
	}
	return b
}

// stamper is a Timestamper made from a function.
type stamper func(crypto.Hash, []byte) ([]byte, error)

func (s stamper) Timestamp(_ context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	return s(h, digest)
}

// shortLived is stamped by an authority whose certificate ends soon after.
func (k *kit) shortLived() []byte {
	brief := *k
	own := *k.authority
	brief.authority = &own
	own.tsa = k.issue(k.t, "Brief Time", &k.tkey.PublicKey, func(c *x509.Certificate) {
		c.ExtraExtensions, c.NotAfter = []pkix.Extension{timeStamping}, noon.Add(30*time.Minute)
	})
	r := k.request(k.ada, "A", LevelT)
	r.Timestamper = stamper(func(h crypto.Hash, d []byte) ([]byte, error) { return brief.ownToken(k.t, h, d, noon), nil })
	return sign(k.t, k.empty(), r)
}

// trustVectors are sound signatures by people one should not believe.
func trustVectors() []vector {
	signedBy := func(change func(*x509.Certificate)) func(*kit) []byte {
		return func(k *kit) []byte {
			key := ecKey(k.t, elliptic.P256())
			s := signer{key, []*x509.Certificate{k.issue(k.t, "Eve", key.Public(), change), k.cert}}
			return sign(k.t, k.empty(), k.request(s, "A", LevelB))
		}
	}
	stampedBy := func(make func(k *kit) stamper) func(*kit) []byte {
		return func(k *kit) []byte {
			r := k.request(k.ada, "A", LevelT)
			r.Timestamper = make(k)
			return sign(k.t, k.empty(), r)
		}
	}
	return []vector{
		{"trust-unknown-root.pdf", codes(Untrusted), "signed under a root of one's own", func(k *kit) []byte {
			other := newKit(k.t)
			return sign(k.t, k.empty(), k.request(other.ada, "A", LevelB))
		}},
		{"trust-expired.pdf", codes(CertExpired), "the certificate had expired a day before", signedBy(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = noon.AddDate(-1, 0, 0), noon.AddDate(0, 0, -1)
		})},
		{"trust-not-yet.pdf", codes(CertExpired), "the certificate is not yet valid", signedBy(func(c *x509.Certificate) { c.NotBefore = noon.AddDate(0, 0, 1) })},
		{"trust-key-usage.pdf", codes(KeyUsage), "a certificate for encryption", signedBy(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })},
		{"trust-timestamper.pdf", codes(KeyUsage), "a certificate for timestamps signs a document", signedBy(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{timeStamping} })},
		{"trust-revoked.pdf", codes(CertRevoked), "revoked a day before signing", func(k *kit) []byte {
			r := k.request(k.ada, "A", LevelLT)
			r.Revocation = Revocation{CRLs: [][]byte{k.crl(k.t, revoked(k.ada.chain[0]))}}
			return sign(k.t, k.empty(), r)
		}},
		{"stamp-other-root.pdf", codes(StampUntrusted), "the timestamp authority has a root of its own", stampedBy(func(k *kit) stamper {
			other := newAuthority(k.t)
			return func(h crypto.Hash, d []byte) ([]byte, error) { return other.stampAt(h, d, noon) }
		})},
		{"stamp-other-digest.pdf", codes(StampDiffers), "a timestamp over something else", stampedBy(func(k *kit) stamper {
			return func(h crypto.Hash, d []byte) ([]byte, error) { return k.stampAt(h, flip(d, 0), noon) }
		})},
		{"stamp-garbage.pdf", codes(StampMalformed), "a timestamp that is none", stampedBy(func(k *kit) stamper {
			return func(crypto.Hash, []byte) ([]byte, error) { return []byte{0x30, 0x03, 0x02, 0x01, 0x01}, nil }
		})},
		{"stamp-flipped.pdf", codes(StampWrong), "one bit of the time in a timestamp", stampedBy(func(k *kit) stamper {
			return func(h crypto.Hash, d []byte) ([]byte, error) {
				token, err := k.stampAt(h, d, noon)
				return flip(token, bytes.Index(token, []byte("20261123"))+3), err
			}
		})},
		{"stamp-wrong-use.pdf", codes(StampUntrusted), "a timestamp by a certificate for signing documents", stampedBy(func(k *kit) stamper {
			fake := *k.authority
			fake.tkey = k.ada.key.(*ecdsa.PrivateKey)
			fake.tsa = k.ada.chain[0]
			return func(h crypto.Hash, d []byte) ([]byte, error) { return fake.stampAt(h, d, noon) }
		})},
		{"stamp-expired.pdf", codes(StampExpired), "the timestamp's certificate ended half an hour before the check", func(k *kit) []byte { return k.shortLived() }},
		{"ok-stamp-renewed.pdf", nil, "the same, renewed by an archive timestamp in time", func(k *kit) []byte { return k.extend(k.shortLived()) }},
		{"archive-other-root.pdf", codes(StampUntrusted), "the archive timestamp's authority has a root of its own", func(k *kit) []byte {
			doc := k.one(LevelLT)
			other := newAuthority(k.t)
			var out bytes.Buffer
			x := Extension{Level: LevelLTA, Timestamper: other, Reserve: 2600}
			if err := Extend(context.Background(), &out, bytes.NewReader(doc), int64(len(doc)), x); err != nil {
				k.t.Fatal(err)
			}
			return out.Bytes()
		}},
	}
}
