package deposit

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"

	"inkwitness/evidence"
)

// The ASiCManifest of EN 319 162-1, annex A.4, written by hand so that its
// bytes never depend on a library's version; read with encoding/xml, and
// accepted only when writing it again gives the same bytes.

const (
	signatureType = "application/pkcs7-signature"
	stampType     = "application/vnd.etsi.timestamp-token"
	sha256URI     = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// asicManifest lists files with their digests, and the signature over the list.
type asicManifest struct {
	sigURI, sigType string
	refs            []reference
}

type reference struct {
	uri, mime string
	digest    evidence.Digest
}

func manifestOf(sigURI, sigType string, parts []Part) asicManifest {
	m := asicManifest{sigURI: sigURI, sigType: sigType}
	for _, p := range parts {
		m.refs = append(m.refs, reference{p.Path, typeOf(p.Path), p.SHA256})
	}
	return m
}

func (m asicManifest) marshal() []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="no"?>` + "\n" +
		`<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + "\n")
	fmt.Fprintf(&b, "  <asic:SigReference URI=\"%s\" MimeType=\"%s\"/>\n", m.sigURI, m.sigType)
	for _, r := range m.refs {
		fmt.Fprintf(&b, "  <asic:DataObjectReference URI=\"%s\" MimeType=\"%s\">\n", r.uri, r.mime)
		fmt.Fprintf(&b, "    <ds:DigestMethod Algorithm=\"%s\"/>\n", sha256URI)
		fmt.Fprintf(&b, "    <ds:DigestValue>%s</ds:DigestValue>\n", base64.StdEncoding.EncodeToString(r.digest[:]))
		b.WriteString("  </asic:DataObjectReference>\n")
	}
	b.WriteString("</asic:ASiCManifest>\n")
	return b.Bytes()
}

// xmlManifest is what encoding/xml needs to read one.
type xmlManifest struct {
	XMLName xml.Name `xml:"http://uri.etsi.org/02918/v1.2.1# ASiCManifest"`
	Sig     struct {
		URI  string `xml:"URI,attr"`
		Type string `xml:"MimeType,attr"`
	} `xml:"SigReference"`
	Refs []struct {
		URI   string `xml:"URI,attr"`
		Type  string `xml:"MimeType,attr"`
		Value string `xml:"http://www.w3.org/2000/09/xmldsig# DigestValue"`
	} `xml:"DataObjectReference"`
}

func parseManifest(data []byte) (asicManifest, error) {
	var x xmlManifest
	if err := xml.Unmarshal(data, &x); err != nil {
		return asicManifest{}, fmt.Errorf("manifest: %w", evidence.ErrMalformed)
	}
	m := asicManifest{sigURI: x.Sig.URI, sigType: x.Sig.Type}
	for _, r := range x.Refs {
		raw, err := base64.StdEncoding.Strict().DecodeString(r.Value)
		if err != nil || len(raw) != len(evidence.Digest{}) {
			return m, fmt.Errorf("manifest digest: %w", evidence.ErrMalformed)
		}
		m.refs = append(m.refs, reference{r.URI, r.Type, evidence.Digest(raw)})
	}
	if !bytes.Equal(m.marshal(), data) {
		return m, fmt.Errorf("manifest is not in canonical form: %w", evidence.ErrMalformed)
	}
	return m, nil
}

// typeOf is the media type by the name's end; only what the container holds.
func typeOf(name string) string {
	_, ext, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ".")
	switch ext[strings.LastIndexByte(ext, '.')+1:] {
	case "pdf":
		return "application/pdf"
	case "json":
		return "application/json"
	case "jsonl":
		return "application/x-ndjson"
	case "txt":
		return "text/plain"
	case "xml":
		return "text/xml"
	case "pem":
		return "application/x-pem-file"
	case "webm":
		return "video/webm"
	case "p7s":
		return signatureType
	case "tst":
		return stampType
	}
	return "application/octet-stream"
}
