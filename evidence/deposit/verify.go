package deposit

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/proof"
)

// Options says whom to trust. The zero value trusts what the deposit brings
// along, and the report then says what that proves.
type Options struct {
	Roots   *x509.CertPool      // of the service: of seals, statements and its own timestamps
	Others  []*x509.Certificate // roots of others, with Roots: of signers' certificates and outside timestamps
	LogKeys []proof.Key         // of the log and of witnesses; every one must have signed
	Now     time.Time           // of the check: whether evidence was renewed in time, see CodeAge; zero means the time of the seal

	Algorithms []cms.Algorithm // until when proofs may rest on each; cms.Algorithms() when nil
}

// Verify checks a deposit point by point. It never fails: what cannot be read
// is a point that does not hold.
func Verify(r io.ReaderAt, size int64, o Options) *evidence.Report {
	if o.Algorithms == nil {
		o.Algorithms = cms.Algorithms()
	}
	v := &verifier{opts: o, report: &evidence.Report{Kind: "deposit"}}
	a, err := openArchive(r, size)
	if err != nil {
		v.fails(CodeUnreadable, "container", "This is not a deposit, or its structure is destroyed: %s.", strings.TrimSuffix(err.Error(), ": "+evidence.ErrMalformed.Error()))
		return v.report
	}
	v.archive = a
	v.structure()
	v.hashFiles()
	v.readInfo()
	v.readRoots()
	v.readErasure()
	v.manifest()
	v.files()
	v.seal()
	v.letter()
	v.log()
	v.record()
	v.age()
	v.audit()
	v.document()
	v.recordings()
	return v.report
}

type verifier struct {
	opts      Options
	archive   *archive
	report    *evidence.Report
	found     map[string]evidence.Digest // of every file
	info      Info
	described bool           // info was read
	roots     *x509.CertPool // of anybody
	service   *x509.CertPool // those of them that are the service's
	own       bool           // the roots are those of the deposit
	sealer    *x509.Certificate
	listed    asicManifest
	erased    map[string]evidence.Digest // files that may be missing
	stamped   time.Time                  // by the container's timestamp
	tokens    []*cms.Token               // that stamped it
	renewed   bool                       // an evidence record holds
}

func (v *verifier) holds(code, part, format string, args ...any) {
	v.report.Add(evidence.Holds, code, part, fmt.Sprintf(format, args...))
}

func (v *verifier) fails(code, part, format string, args ...any) {
	v.report.Add(evidence.Fails, code, part, fmt.Sprintf(format, args...))
}

func (v *verifier) unknown(code, part, format string, args ...any) {
	v.report.Add(evidence.Unknown, code, part, fmt.Sprintf(format, args...))
}

// structure reports on the container itself.
func (v *verifier) structure() {
	a := v.archive
	for _, f := range a.faults {
		v.fails(CodeStructure, f.part, "%s", f.text)
	}
	if len(a.faults) == 0 {
		v.holds(CodeStructure, "container", "The container's structure is intact in every byte: %d files, %d bytes.", len(a.entries), a.size)
	}
	if first, err := a.read(mimetypeName); err != nil || a.entries[0].name != mimetypeName || string(first) != MediaType {
		v.fails(CodeMediaType, mimetypeName, "The first file is not a mimetype that says %s.", MediaType)
	}
}

// hashFiles reads every byte once.
func (v *verifier) hashFiles() {
	v.found = make(map[string]evidence.Digest, len(v.archive.entries))
	buf := make([]byte, 1<<20)
	sum, crc := sha256.New(), crc32.NewIEEE()
	both := io.MultiWriter(sum, crc)
	for _, e := range v.archive.entries {
		sum.Reset()
		crc.Reset()
		n, err := io.CopyBuffer(both, struct{ io.Reader }{v.archive.open(e)}, buf)
		if err != nil || n != e.size {
			v.fails(CodeChanged, e.name, "%q is cut short.", e.name)
		} else if crc.Sum32() != e.crc {
			v.fails(CodeChanged, e.name, "%q does not match its checksum: it is damaged or was changed.", e.name)
		}
		if _, twice := v.found[e.name]; twice {
			v.fails(CodeUnlisted, e.name, "%q is in the container twice.", e.name)
		}
		v.found[e.name] = evidence.Digest(sum.Sum(nil))
	}
}

// readInfo reads data/deposit.json, which must be in the form that NewPlan writes.
func (v *verifier) readInfo() {
	raw, err := v.archive.read(InfoName)
	if err == nil {
		err = json.Unmarshal(raw, &v.info)
	}
	again, _ := json.MarshalIndent(v.info, "", "  ")
	if err != nil || v.info.Format != Format || !bytes.Equal(append(again, '\n'), raw) {
		v.fails(CodeInfo, InfoName, "The description of the deposit is missing or damaged.")
		return
	}
	v.described = true
	v.holds(CodeInfo, InfoName, "Deposit %s, %q, sealed %s by %s, kept until %s.", v.info.ID, v.info.Title,
		v.info.Sealed.Format(time.RFC3339), v.info.Service, v.info.Ends.Format(time.DateOnly))
	if v.archive.at != stampOf(v.info.Sealed) {
		v.fails(CodeOrder, "container", "The times of the files are not the time of the seal.")
	}
}

// readRoots takes the caller's roots, or the deposit's own.
func (v *verifier) readRoots() {
	if v.opts.Roots != nil {
		v.service, v.roots = v.opts.Roots, v.opts.Roots.Clone()
		for _, c := range v.opts.Others {
			v.roots.AddCert(c)
		}
		return
	}
	v.roots, v.own = x509.NewCertPool(), true
	v.service = v.roots
	raw, err := v.archive.read(RootsName)
	if err != nil {
		v.fails(CodeRoots, RootsName, "The deposit brings no root certificates along.")
		return
	}
	var names []string
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			v.fails(CodeRoots, RootsName, "A root certificate cannot be read.")
			return
		}
		v.roots.AddCert(c)
		names = append(names, fmt.Sprintf("%s (SHA-256 %x)", c.Subject.CommonName, cms.Fingerprint(c)))
	}
	v.unknown(CodeRoots, RootsName, "No roots were given, so the ones inside the deposit are used: %s. Then the signature proves that nothing changed since somebody with these roots sealed it, not who that was. Compare the fingerprints, or give --roots.", strings.Join(names, ", "))
}

// manifest reads the signed list and checks what it must name.
func (v *verifier) manifest() {
	raw, err := v.archive.read(asicName)
	if err == nil {
		v.listed, err = parseManifest(raw)
	}
	if err != nil || v.listed.sigURI != signatureName || v.listed.sigType != signatureType {
		v.fails(CodeManifest, asicName, "The signed list of files is missing or damaged.")
	}
}

// files compares the files with the signed list, both ways, and the order.
func (v *verifier) files() {
	before := len(v.report.Failed())
	fixed := []string{mimetypeName, asicName, signatureName, stampListName, stampName, proofName}
	_, renewed := v.found[recordName]
	if renewed {
		fixed = append(fixed, recordName, recordListName)
	}
	if v.stampedOutside() {
		fixed = append(fixed, outListName, outStampName)
	}
	if v.erased != nil {
		fixed = append(fixed, erasureName)
	}
	named := map[string]bool{}
	for _, name := range fixed {
		named[name] = true
		if _, ok := v.found[name]; !ok {
			v.fails(CodeMissing, name, "%q is missing.", name)
		}
	}
	var order, payload []Part
	for _, r := range v.listed.refs {
		named[r.uri] = true
		got, ok := v.found[r.uri]
		switch {
		case !ok && v.isErased(r):
			payload = append(payload, Part{Path: r.uri, SHA256: r.digest})
			continue
		case !ok:
			v.fails(CodeMissing, r.uri, "%q is on the signed list and not in the container.", r.uri)
		case got != r.digest:
			v.fails(CodeChanged, r.uri, "%q is not what was sealed: its contents changed.", r.uri)
		}
		order = append(order, Part{Path: r.uri})
		if strings.HasPrefix(r.uri, "data/") {
			payload = append(payload, Part{Path: r.uri, SHA256: r.digest})
		}
	}
	for _, e := range v.archive.entries {
		if !named[e.name] {
			v.fails(CodeUnlisted, e.name, "%q is in the container and not on the signed list.", e.name)
		}
	}
	if list, err := v.archive.read(manifestName); err == nil && !bytes.Equal(list, bagManifest(payload)) {
		v.fails(CodeBag, manifestName, "The list for sha256sum does not say the same as the signed list.")
	}
	if len(v.report.Failed()) == before && before == 0 {
		v.order(order, renewed)
		v.holds(CodeFiles, "container", "All %d files are what was sealed, and there are no others.", len(v.archive.entries))
	}
}

// order asks for the fixed order: the signed list's, then META-INF by name.
func (v *verifier) order(listed []Part, renewed bool) {
	want := []string{mimetypeName}
	for _, p := range listed {
		want = append(want, p.Path)
	}
	meta := []string{asicName, stampListName, proofName, signatureName, stampName}
	if renewed {
		meta = append(meta, recordListName, recordName)
	}
	if v.stampedOutside() {
		meta = append(meta, outListName, outStampName)
	}
	if v.erased != nil {
		meta = append(meta, erasureName)
	}
	slices.Sort(meta)
	want = append(want, meta...)
	for i, e := range v.archive.entries {
		if i < len(want) && e.name != want[i] {
			v.fails(CodeOrder, e.name, "%q stands where %q must stand.", e.name, want[i])
			return
		}
	}
}

// stampedOutside tells whether an outside authority stamped the seal as well.
// The log's entry binds both tokens: one that was taken away is missed there.
func (v *verifier) stampedOutside() bool {
	_, list := v.found[outListName]
	_, token := v.found[outStampName]
	return list || token
}

// seal checks signature, timestamps and their certificates.
func (v *verifier) seal() {
	list, _ := v.archive.read(asicName)
	sig, _ := v.archive.read(signatureName)
	v.stamped = v.checkStamp(stampListName, stampName, list, sig)
	if v.stampedOutside() {
		v.checkOutside(v.checkStamp(outListName, outStampName, list, sig))
	}
	v.checkSignature(list, sig)
}

// checkStamp checks a token and the list that it is over, and returns its time.
func (v *verifier) checkStamp(listName, tokenName string, list, sig []byte) (at time.Time) {
	stamped, _ := v.archive.read(listName)
	der, _ := v.archive.read(tokenName)
	token, err := cms.ParseToken(der)
	digest := sha256.Sum256(stamped)
	if err != nil {
		v.fails(CodeStamp, tokenName, "The timestamp cannot be read.")
	} else if err := token.Verify(crypto.SHA256, digest[:]); err != nil {
		v.fails(CodeStamp, tokenName, "The timestamp does not hold: %v.", err)
	} else {
		at = token.Info.Time
		v.tokens = append(v.tokens, token)
		v.holds(CodeStamp, tokenName, "The list and its signature existed on %s, by the timestamp of %s.", at.Format(time.RFC3339), token.Signer.Subject.CommonName)
		v.chain(token.Signed, v.roots, at, tokenName)
	}
	if !bytes.Equal(stamped, stampManifest(tokenName, list, sig)) {
		v.fails(CodeManifest, listName, "The list that the timestamp covers is not that of the signature and its list.")
	} else {
		v.holds(CodeManifest, listName, "The timestamp covers the signed list and its signature.")
	}
	return at
}

// maxBehind is how much earlier than the seal an outside authority's time may
// be: its clock is another one.
const maxBehind = 5 * time.Minute

func (v *verifier) checkOutside(at time.Time) {
	if !at.IsZero() && v.described && v.info.Sealed.After(at.Add(maxBehind)) {
		v.fails(CodeTime, outStampName, "The outside authority stamped at %s, before the seal of %s.", at.Format(time.RFC3339), v.info.Sealed.Format(time.RFC3339))
	}
}

func (v *verifier) checkSignature(list, der []byte) {
	s, err := cms.Parse(der)
	if err != nil {
		v.fails(CodeSignature, signatureName, "The signature cannot be read.")
		return
	}
	h := s.Hash.New()
	h.Write(list)
	if err := s.Verify(h.Sum(nil)); err != nil {
		v.fails(CodeSignature, signatureName, "The signature over the list of files does not hold: %v.", err)
		return
	}
	v.sealer = s.Signer
	v.holds(CodeSignature, signatureName, "The list of files is signed by %q.", s.Signer.Subject.CommonName)
	if s.Timestamp != nil {
		v.checkInnerStamp(s)
	}
	if v.stamped.IsZero() {
		return
	}
	v.byService(s, v.stamped, signatureName, evidence.ForSeal)
	if v.stamped.Before(s.Signer.NotBefore) || v.stamped.After(s.Signer.NotAfter) || v.described && v.info.Sealed.After(v.stamped.Add(time.Second)) {
		v.fails(CodeTime, signatureName, "The times do not fit together: sealed %s, stamped %s, certificate from %s to %s.", v.info.Sealed.Format(time.RFC3339),
			v.stamped.Format(time.RFC3339), s.Signer.NotBefore.Format(time.RFC3339), s.Signer.NotAfter.Format(time.RFC3339))
	}
}

func (v *verifier) checkInnerStamp(s *cms.Signed) {
	token, err := signatureStamp(s)
	if err != nil {
		v.fails(CodeSigStamp, signatureName, "The timestamp in the signature does not hold: %v.", err)
		return
	}
	v.holds(CodeSigStamp, signatureName, "The signature existed on %s.", token.Info.Time.Format(time.RFC3339))
	v.chain(token.Signed, v.roots, token.Info.Time, signatureName)
}

// signatureStamp reads and checks the token over a signature's value.
func signatureStamp(s *cms.Signed) (*cms.Token, error) {
	token, err := cms.ParseToken(s.Timestamp)
	if err != nil {
		return nil, err
	}
	h := token.Info.Hash.New()
	h.Write(s.Signature)
	return token, token.Verify(token.Info.Hash, h.Sum(nil))
}

// chain follows a certificate to one of the roots. With the deposit's own roots a
// good chain proves nothing more, so only a bad one is reported.
func (v *verifier) chain(s *cms.Signed, roots *x509.CertPool, at time.Time, part string) bool {
	if _, err := s.Chain(roots, at); err != nil {
		v.fails(CodeRoots, part, "The certificate of %q does not lead to a root that is trusted: %v.", s.Signer.Subject.CommonName, err)
		return false
	}
	if !v.own {
		v.holds(CodeRoots, part, "The certificate of %q leads to a root that you trust.", s.Signer.Subject.CommonName)
	}
	return true
}

// audit checks the chain of custody.
func (v *verifier) audit() {
	e, ok := v.archive.find(AuditName)
	if !ok {
		v.fails(CodeMissing, AuditName, "The chain of custody is missing.")
		return
	}
	n, err := checkChain(v.archive.open(e))
	if err != nil {
		v.fails(CodeAudit, AuditName, "The chain of custody is broken: %v.", err)
		return
	}
	v.holds(CodeAudit, AuditName, "The chain of custody is unbroken over %d events.", n)
}
