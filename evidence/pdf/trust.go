package pdf

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"inkwitness/evidence/cms"
)

// digest checks the signature value against the signed bytes.
func (v *verifier) digest(s *signature) {
	if s.End == 0 {
		return
	}
	if s.Timestamp {
		v.documentTimestamp(s)
		return
	}
	sub := s.dict.Name("SubFilter")
	if sub != "ETSI.CAdES.detached" && sub != "adbe.pkcs7.detached" {
		s.add(SubFilter, string(sub))
		return
	}
	m, rest, err := cms.ParsePrefix(s.value)
	if err != nil {
		s.add(cmsCode(err), err.Error())
		return
	}
	s.message = m
	if !allZero(rest) {
		s.add(Padding, "")
	}
	sum, err := v.hashRange(s, m.Hash)
	if err == nil {
		err = m.VerifyUnbound(sum)
	}
	if err != nil {
		s.add(cmsCode(err), err.Error())
		return
	}
	if sub == "ETSI.CAdES.detached" && (!m.Bound() || !m.SigningTime.IsZero() || m.Unknown) {
		s.add(NotPAdES, fmt.Sprintf("signing certificate %v, signing time %v, unknown attributes %v", m.Bound(), !m.SigningTime.IsZero(), m.Unknown))
	}
	v.identify(s, m.Signer)
	if m.Timestamp != nil {
		v.stampOver(s, m.Timestamp, m.Signature)
	}
}

func (v *verifier) identify(s *signature, c *x509.Certificate) {
	s.Certificate = c
	s.Signer, s.Serial = c.Subject.CommonName, fmt.Sprintf("%x", c.SerialNumber)
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// hashRange hashes the file up to the end of the signed revision without the
// signature value.
func (v *verifier) hashRange(s *signature, h crypto.Hash) ([]byte, error) {
	w := h.New()
	for _, part := range [][2]int64{{0, s.hole[0]}, {s.hole[1], s.End - s.hole[1]}} {
		if _, err := io.Copy(w, io.NewSectionReader(v.r, part[0], part[1])); err != nil {
			return nil, fmt.Errorf("read signed bytes: %w", err)
		}
	}
	return w.Sum(nil), nil
}

// cmsCode maps the errors of package cms to codes.
func cmsCode(err error) Code {
	switch {
	case errors.Is(err, cms.ErrDigest):
		return DigestDiffers
	case errors.Is(err, cms.ErrSignature):
		return ValueWrong
	case errors.Is(err, cms.ErrCertificate):
		return SignerMissing
	case errors.Is(err, cms.ErrBound):
		return CertIDWrong
	case errors.Is(err, cms.ErrUnsupported):
		return WeakAlgorithm
	}
	return CMSMalformed
}

// documentTimestamp checks a signature that is an RFC 3161 token.
func (v *verifier) documentTimestamp(s *signature) {
	t, rest, err := cms.ParseTokenPrefix(s.value)
	if err != nil {
		s.add(StampMalformed, err.Error())
		return
	}
	if !allZero(rest) {
		s.add(Padding, "")
	}
	sum, err := v.hashRange(s, t.Info.Hash)
	if err != nil {
		s.add(StampMalformed, err.Error())
		return
	}
	if !bytes.Equal(sum, t.Info.Digest) {
		s.add(DigestDiffers, "")
		return
	}
	v.checkStamp(s, t, sum)
}

// stampOver checks the token over a signature value.
func (v *verifier) stampOver(s *signature, token, value []byte) {
	t, err := cms.ParseToken(token)
	if err != nil {
		s.add(StampMalformed, err.Error())
		return
	}
	h := t.Info.Hash.New()
	h.Write(value)
	v.checkStamp(s, t, h.Sum(nil))
}

func (v *verifier) checkStamp(s *signature, t *cms.Token, sum []byte) {
	t.Supply(v.store.certs)
	err := t.Verify(t.Info.Hash, sum)
	if errors.Is(err, cms.ErrPurpose) {
		v.identifyStamp(s, t)
		s.add(StampUntrusted, err.Error())
		return
	}
	if err != nil {
		code := StampWrong
		if errors.Is(err, cms.ErrImprint) {
			code = StampDiffers
		}
		s.add(code, err.Error())
		return
	}
	v.identifyStamp(s, t)
	if !t.Bound() {
		s.add(StampWrong, "no signing-certificate attribute")
		return
	}
	if _, err := v.chain(t.Signer, t.Certificates, t.Info.Time, x509.ExtKeyUsageTimeStamping); err != nil {
		s.add(StampUntrusted, err.Error())
		return
	}
	s.stamps = append(s.stamps, t)
	s.Stamped = t.Info.Time.UTC()
}

// identifyStamp names the authority where the timestamp is the signature.
func (v *verifier) identifyStamp(s *signature, t *cms.Token) {
	if s.Timestamp {
		v.identify(s, t.Signer)
	}
}

// chain builds a path to a trusted root at a time.
func (v *verifier) chain(leaf *x509.Certificate, others []*x509.Certificate, at time.Time, use x509.ExtKeyUsage) ([]*x509.Certificate, error) {
	roots := v.opts.Roots
	if roots == nil {
		roots = x509.NewCertPool()
	}
	pool := x509.NewCertPool()
	for _, c := range append(others, v.store.certs...) {
		pool.AddCert(c)
	}
	if at.IsZero() { // Go would read the clock, which this package does not
		return nil, errors.New("no time to check the certificate at")
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return nil, err
	}
	return chains[0], nil
}

// trust checks the signers' certificates at the best time known for each, and
// then their levels.
func (v *verifier) trust() {
	v.unrenewed()
	for i, s := range v.sigs {
		if s.message == nil || s.Certificate == nil {
			continue
		}
		at := v.bestTime(i)
		chain, err := v.chain(s.Certificate, s.message.Certificates, at, x509.ExtKeyUsageAny)
		var invalid x509.CertificateInvalidError
		switch {
		case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
			s.add(CertExpired, err.Error())
		case err != nil:
			s.add(Untrusted, err.Error())
		}
		if !forSigning(s.Certificate) {
			s.add(KeyUsage, "")
		}
		s.Level = v.level(i, chain, at)
	}
	for _, s := range v.sigs {
		if s.Timestamp && len(s.stamps) > 0 {
			s.Level = LevelT
		}
	}
}

// forSigning says whether a certificate may sign documents: by its key usage,
// and by an extended key usage that does not only name other trades.
func forSigning(c *x509.Certificate) bool {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return false
	}
	if len(c.ExtKeyUsage) == 0 || len(c.UnknownExtKeyUsage) > 0 { // Go knows no name for document signing
		return true
	}
	for _, u := range c.ExtKeyUsage {
		switch u {
		case x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageOCSPSigning, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageCodeSigning:
		default:
			return true
		}
	}
	return false
}

// unrenewed finds timestamps whose certificates have ended without a later
// timestamp that was made in time: from the end of a certificate on, a token
// by it could have been made by anyone who came by the key. The newest one is
// judged at the time of the check, every other at the time of the next trusted
// document timestamp (as in EN 319 102-1, 5.6.3).
func (v *verifier) unrenewed() {
	control := v.opts.At
	for i := len(v.sigs) - 1; i >= 0; i-- {
		s := v.sigs[i]
		good := len(s.stamps) > 0
		for _, t := range s.stamps {
			at := control
			if at.Before(t.Info.Time) {
				at = t.Info.Time
			}
			if _, err := v.chain(t.Signer, t.Certificates, at, x509.ExtKeyUsageTimeStamping); err != nil {
				s.add(StampExpired, err.Error())
				good = false
			}
		}
		if good && s.Timestamp {
			control = s.stamps[0].Info.Time
		}
	}
}

// bestTime is the earliest trusted time at which a signature certainly
// existed: its own timestamp or a document timestamp after it. Without any it
// is the time of the check.
func (v *verifier) bestTime(i int) time.Time {
	best := v.opts.At
	found := false
	for j, s := range v.sigs {
		if j != i && !(j > i && s.Timestamp) {
			continue
		}
		for _, t := range s.stamps {
			if !found || t.Info.Time.Before(best) {
				best, found = t.Info.Time, true
			}
		}
	}
	return best
}

// level is the highest level that a signature reaches.
func (v *verifier) level(i int, chain []*x509.Certificate, at time.Time) Level {
	s := v.sigs[i]
	good, revoked := v.store.status(chain, at)
	if revoked != "" {
		s.add(CertRevoked, revoked)
	}
	if len(s.stamps) == 0 {
		return LevelB
	}
	if !good || len(chain) == 0 || !v.stampsGood(s) {
		return LevelT
	}
	for _, later := range v.sigs[i+1:] {
		if later.Timestamp && len(later.stamps) > 0 && later.End >= v.store.end {
			return LevelLTA
		}
	}
	return LevelLT
}

// stampsGood says whether revocation of the timestamp authority is settled.
func (v *verifier) stampsGood(s *signature) bool {
	for _, t := range s.stamps {
		chain, err := v.chain(t.Signer, t.Certificates, t.Info.Time, x509.ExtKeyUsageTimeStamping)
		if err != nil {
			return false
		}
		good, revoked := v.store.status(chain, t.Info.Time)
		if revoked != "" {
			s.add(StampUntrusted, revoked)
		}
		if !good {
			return false
		}
	}
	return true
}
