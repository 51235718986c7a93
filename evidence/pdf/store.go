package pdf

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// store is the document security store of the newest revision.
type store struct {
	certs []*x509.Certificate
	crls  []*x509.RevocationList
	ocsps [][]byte
	end   int64 // of the revision that last changed it
}

// maxStore bounds each kind of object in the store.
const maxStore = 1000

// readStore reads what can be read; entries that cannot prove nothing.
func (v *verifier) readStore() {
	dss, err := v.f.Dict(v.doc.root["DSS"])
	if err != nil || dss == nil {
		return
	}
	for _, b := range v.storeItems(dss["Certs"]) {
		if c, err := x509.ParseCertificate(b); err == nil {
			v.store.certs = append(v.store.certs, c)
		}
	}
	for _, b := range v.storeItems(dss["CRLs"]) {
		if l, err := x509.ParseRevocationList(b); err == nil {
			v.store.crls = append(v.store.crls, l)
		}
	}
	v.store.ocsps = v.storeItems(dss["OCSPs"])
}

func (v *verifier) storeItems(list any) [][]byte {
	a, err := v.f.Array(list)
	if err != nil {
		return nil
	}
	var out [][]byte
	for _, o := range a[:min(len(a), maxStore)] {
		if b, err := storeItem(v.f, o); err == nil {
			out = append(out, b)
		}
	}
	return out
}

// oidShortTerm marks certificates too short-lived to be revoked (EN 319 412-1,
// 5.2); oidNoCheck marks OCSP responders that are not looked up (RFC 6960).
var (
	oidShortTerm = asn1.ObjectIdentifier{0, 4, 0, 194121, 2, 1}
	oidNoCheck   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

// status says whether every certificate below the root is shown not to be
// revoked at a time, and names one that is.
func (s *store) status(chain []*x509.Certificate, at time.Time) (good bool, revoked string) {
	good = len(chain) > 0
	for i := 0; i+1 < len(chain); i++ {
		known, bad := s.one(chain[i], chain[i+1], at)
		if bad {
			return false, fmt.Sprintf("certificate %x of %s", chain[i].SerialNumber, chain[i].Subject.CommonName)
		}
		good = good && known
	}
	return good, ""
}

func (s *store) one(cert, issuer *x509.Certificate, at time.Time) (known, revoked bool) {
	for _, e := range cert.Extensions {
		known = known || e.Id.Equal(oidShortTerm) || e.Id.Equal(oidNoCheck)
	}
	for _, l := range s.crls {
		if !bytes.Equal(l.RawIssuer, cert.RawIssuer) || l.CheckSignatureFrom(issuer) != nil {
			continue
		}
		if !l.NextUpdate.IsZero() && l.NextUpdate.Before(at) {
			continue // says nothing about the time in question
		}
		known = true
		for _, r := range l.RevokedCertificateEntries {
			if r.SerialNumber.Cmp(cert.SerialNumber) == 0 && !r.RevocationTime.After(at) {
				return true, true
			}
		}
	}
	good, bad := s.ocsp(cert, issuer, at)
	return known || good, bad
}

// ocsp looks a certificate up in the stored OCSP answers.
func (s *store) ocsp(cert, issuer *x509.Certificate, at time.Time) (good, revoked bool) {
	for _, b := range s.ocsps {
		r, err := ocsp.ParseResponseForCert(b, cert, issuer) // checks the answer's signature
		if err != nil || !mayAnswer(r.Certificate, issuer) || !r.NextUpdate.IsZero() && r.NextUpdate.Before(at) {
			continue
		}
		switch r.Status {
		case ocsp.Good:
			good = true
		case ocsp.Revoked:
			if !r.RevokedAt.After(at) {
				return false, true
			}
			good = true
		}
	}
	return good, false
}

// mayAnswer says whether who signed an OCSP answer may: the authority itself,
// which brings no certificate along or its own, or one that it certified for this
// (RFC 6960, 4.2.2.2). Package ocsp takes whomever the authority certified.
func mayAnswer(by, issuer *x509.Certificate) bool {
	return by == nil || by.Equal(issuer) || slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning)
}
