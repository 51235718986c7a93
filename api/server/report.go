package server

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"inkwitness/api"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
)

// reports is investigate.Reports on the service's own certificate authority.
type reports struct {
	by         evidence.Provider
	timestamps pdf.Timestamper
	clock      capture.Clock
}

const reportField = "Report"

// SignReport signs with a certificate of this report's own, whose key is
// destroyed after it, and with a timestamp.
func (s *reports) SignReport(ctx context.Context, report []byte, title string) (signed []byte, err error) {
	id := "report/" + api.NewID()
	credential, err := s.by.Credential(ctx, evidence.CredentialRequest{ID: id, Subject: id, Deposit: id, Name: "Inkwitness"})
	if err != nil {
		return nil, fmt.Errorf("certificate of the report: %w", err)
	}
	defer func() { err = errors.Join(err, s.by.Release(ctx, credential.ID)) }()
	var prepared, out bytes.Buffer
	if err := pdf.Prepare(&prepared, bytes.NewReader(report), int64(len(report)), pdf.Preparation{Fields: []pdf.Field{{Name: reportField}}}); err != nil {
		return nil, err
	}
	err = pdf.Sign(ctx, &out, bytes.NewReader(prepared.Bytes()), int64(prepared.Len()), pdf.Request{Field: reportField, Level: pdf.LevelT, Certify: true,
		Signer: reportSigner{s.by, credential}, Timestamper: s.timestamps, Time: s.clock.Now().UTC(), Name: "Inkwitness", Reason: "Report on case " + title})
	return out.Bytes(), err
}

// reportSigner is pdf.Signer on a provider.
type reportSigner struct {
	by         evidence.Provider
	credential evidence.Credential
}

func (s reportSigner) Chain() []*x509.Certificate { return s.credential.Chain }

func (s reportSigner) Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	digests := []evidence.SignDigest{{Hash: opts.HashFunc(), Value: digest}}
	auth, err := s.by.Authorize(ctx, s.credential.ID, digests)
	if err != nil {
		return nil, err
	}
	signatures, err := s.by.Sign(ctx, auth, digests)
	if err != nil {
		return nil, err
	}
	return signatures[0], nil
}
