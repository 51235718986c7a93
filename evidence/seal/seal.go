// Package seal puts a letter of deposit together: it signs the document for
// each signer, collects what was recorded, signs and stamps the container's
// list, gives the commitment for the log, and writes the container once the
// log has answered.
//
// Every method is resumable. Before each effect that cannot be undone it hands
// its state to Keep, and called again with the last kept state it goes on from
// there: a crash between any two steps leads to the same deposit, with one
// certificate used. Effects that may be repeated (a stored blob, a timestamp)
// simply are.
//
// It is the one package of evidence that knows its siblings. It does not know
// the ceremony: who may sign, and in which order, is decided elsewhere.
package seal

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/tsa"
	"inkwitness/evidence/vault"
)

// Vault stores and opens objects; *vault.Vault does.
type Vault interface {
	// Write stores what fill writes and returns when it is durable.
	Write(ctx context.Context, m evidence.Meta, fill func(io.Writer) error) (evidence.Object, error)
	Open(ctx context.Context, o evidence.Object) (io.ReadSeekCloser, error)
	OpenAt(ctx context.Context, o evidence.Object) (vault.Blob, error)
}

// Log vouches for commitments; *ledger.Log does.
type Log interface {
	// Proof returns the tlog-proof file, evidence.ErrPending until there is one.
	Proof(ctx context.Context, c evidence.Commitment) ([]byte, error)
	Origin() string
	Keys() []proof.Key
}

// Config is what a Sealer needs. Providers, Outside, Others, Service, Witnesses
// and Need are optional.
type Config struct {
	Vault       Vault
	Provider    evidence.Provider            // of the signers' certificates
	Providers   map[string]evidence.Provider // others that a document may choose, by name
	Revoker     evidence.Revoker
	Timestamper evidence.Timestamper // the service's own authority
	Outside     evidence.Timestamper // somebody else's: every container then carries both tokens
	Log         Log
	Clock       capture.Clock
	Roots       []*x509.Certificate // of the service's own certificates and timestamps
	Others      []*x509.Certificate // of other providers' certificates and outside timestamps
	Service     string              // who runs this, "Inkwitness" when empty
	Own         evidence.Provider   // of the certificates of its seals; Revoker speaks for it
	Witnesses   []proof.Key         // who may confirm the log's tree
	Need        int                 // how many of them must; as ledger.Witnesses has it
}

// Sealer makes signatures and deposits. It is safe for concurrent use, but one
// seal is worked on by one caller at a time.
type Sealer struct {
	cfg        Config
	inDocument evidence.Timestamper // PDF signatures carry one token: the outside one, or ours while nobody outside answers
}

// New returns a Sealer.
func New(cfg Config) (*Sealer, error) {
	if cfg.Vault == nil || cfg.Provider == nil || cfg.Own == nil || cfg.Revoker == nil || cfg.Timestamper == nil || cfg.Log == nil || cfg.Clock == nil || len(cfg.Roots) == 0 {
		return nil, errors.New("seal: Vault, Provider, Own, Revoker, Timestamper, Log, Clock and Roots are required")
	}
	if cfg.Service == "" {
		cfg.Service = "Inkwitness"
	}
	s := &Sealer{cfg: cfg, inDocument: cfg.Timestamper}
	if cfg.Outside != nil {
		s.inDocument = tsa.Fallback{List: []evidence.Timestamper{cfg.Outside, cfg.Timestamper}}
	}
	return s, nil
}

// allRoots are what a deposit brings along.
func (s *Sealer) allRoots() []*x509.Certificate { return slices.Concat(s.cfg.Roots, s.cfg.Others) }

// provider is the one that a document chose; the empty name is the default.
// One that is configured no more is evidence.ErrNotFound: a signature is never
// made by another provider than the one that was asked for.
func (s *Sealer) provider(name string) (evidence.Provider, error) {
	if name == "" {
		return s.cfg.Provider, nil
	}
	p, ok := s.cfg.Providers[name]
	if !ok {
		return nil, fmt.Errorf("provider %q is not configured: %w", name, evidence.ErrNotFound)
	}
	return p, nil
}

// Keep stores the state of a seal durably before it returns. The state holds
// the salt of the commitment: store it encrypted, and drop it once the deposit
// is written.
type Keep func(ctx context.Context, state []byte) error

// Person is somebody who signs.
type Person struct {
	ID      string // random, unique in the deposit
	Subject string // whose data key, see evidence.Meta
	Name    string
	Email   string
}

// Field is a signature's place: points from the top left corner of the page as
// displayed. A zero size is an invisible signature.
type Field struct {
	Name                string
	Page                int // from 1
	X, Y, Width, Height float64
	Fills               []string // the names of the forms that are filled in where this is signed
}

// Form is a text field or a checkbox beside the signatures, placed as a Field
// is. Value is the sender's; a form without one is filled in by a signer.
type Form struct {
	Name, Label         string
	Page                int // from 1
	X, Y, Width, Height float64
	Check               bool   // a checkbox; else text
	Value               string // of a checkbox: anything for ticked
}

// Signing asks for the signature of one person.
type Signing struct {
	Deposit     string
	Title       string
	Current     evidence.Object // newest revision of the document
	Prepare     []Field         // the fields of all signers, when Current has no signature yet
	Forms       []Form          // likewise
	Signer      Person
	Provider    string            // of the certificate, a name of Config.Providers; empty for Config.Provider
	Fields      []string          // the fields that this person signs, at least one
	Fill        []pdf.Fill        // what this person filled in, written with the first of Fields
	Handwriting capture.Signature // drawn into the fields; without points the name stands alone
	Notes       []string          // further lines in the fields, below name and time
	Reason      string
}

// certificate is a credential in use, as kept.
type certificate struct {
	ID    string   `json:"id"`
	Chain [][]byte `json:"chain"`
	Try   int      `json:"try"` // certificates asked for; all but the last were never used
}

func (c certificate) parse() ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for _, der := range c.Chain {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("kept certificate: %w", evidence.ErrCorrupt)
		}
		chain = append(chain, parsed)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("kept certificate: %w", evidence.ErrCorrupt)
	}
	return chain, nil
}

// margin is how long a certificate must still be good when signing starts.
const margin = 10 * time.Minute

// certify returns the certificate kept in c while it is good, and otherwise
// asks for one: again for the same, or, when that ended unused, for the next.
// renewed says that whatever was drafted for the last one is void.
func (s *Sealer) certify(ctx context.Context, by evidence.Provider, c certificate, req evidence.CredentialRequest) (out certificate, renewed bool, err error) {
	if len(c.Chain) > 0 {
		chain, err := c.parse()
		if err != nil || s.cfg.Clock.Now().Add(margin).Before(chain[0].NotAfter) {
			return c, false, err
		}
		if err := by.Release(ctx, c.ID); err != nil {
			return c, false, fmt.Errorf("release an unused certificate: %w", err)
		}
	}
	c = certificate{Try: c.Try + 1}
	req.ID = fmt.Sprintf("%s/%d", req.ID, c.Try)
	credential, err := by.Credential(ctx, req)
	if err != nil {
		return c, false, fmt.Errorf("certificate of the signer: %w", err)
	}
	c.ID = credential.ID
	for _, cert := range credential.Chain {
		c.Chain = append(c.Chain, cert.Raw)
	}
	return c, true, nil
}

// value is one raw signature in the making.
type value struct {
	Auth *evidence.Authorization `json:"auth,omitempty"`
	Raw  []byte                  `json:"raw,omitempty"`
}

// sign fills in v.Raw. The authorization is kept before it is used, and the
// value before anything is made of it.
func sign(ctx context.Context, by evidence.Provider, v *value, credential string, digest []byte, opts crypto.SignerOpts, save func(context.Context) error) error {
	if v.Raw != nil {
		return nil
	}
	digests := []evidence.SignDigest{{Hash: opts.HashFunc(), Value: digest}}
	if v.Auth == nil {
		auth, err := by.Authorize(ctx, credential, digests)
		if err != nil {
			return fmt.Errorf("authorize: %w", err)
		}
		v.Auth = &auth
		if err := save(ctx); err != nil {
			return err
		}
	}
	values, err := by.Sign(ctx, *v.Auth, digests)
	if errors.Is(err, evidence.ErrNotAllowed) { // used up by a call whose answer was lost, or too old: ask for another next time
		v.Auth = nil
		return errors.Join(fmt.Errorf("sign: %w", err), save(ctx))
	}
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if len(values) != 1 {
		return fmt.Errorf("provider gave %d signatures for one: %w", len(values), evidence.ErrMalformed)
	}
	v.Raw = values[0]
	return save(ctx)
}

// Waiting returns the authorization for which a kept signature waits for its
// signer, nil when it waits for nobody. Its Redirect says where they consent.
func Waiting(kept []byte) (*evidence.Authorization, error) {
	st := &signState{}
	if err := restore(kept, st); err != nil {
		return nil, err
	}
	if auth := st.Next.Value.Auth; auth != nil && auth.Redirect != "" {
		return auth, nil
	}
	return nil, nil
}

// Certified returns the name in the certificate of a kept signature, empty
// while there is none.
func Certified(kept []byte) (string, error) {
	st := &signState{}
	if err := restore(kept, st); err != nil || len(st.Certificate.Chain) == 0 {
		return "", err
	}
	chain, err := st.Certificate.parse()
	if err != nil {
		return "", err
	}
	return chain[0].Subject.CommonName, nil
}

// Consented returns the kept state with the authorization that the signer's
// consent at the provider has given. Keep it, then call Sign again.
func Consented(kept []byte, auth evidence.Authorization) ([]byte, error) {
	waiting, err := Waiting(kept)
	if err != nil {
		return nil, err
	}
	if waiting == nil || waiting.Credential != auth.Credential || auth.Redirect != "" {
		return nil, fmt.Errorf("nothing waits for this consent: %w", evidence.ErrNotAllowed)
	}
	st := &signState{}
	if err := restore(kept, st); err != nil {
		return nil, err
	}
	st.Next.Value.Auth = &auth
	return json.Marshal(st)
}

// chainOnly shows pdf a certificate whose key is elsewhere.
type chainOnly []*x509.Certificate

func (c chainOnly) Chain() []*x509.Certificate { return c }

func (chainOnly) Sign(context.Context, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("seal: the key is with the provider")
}

// meta describes an object of the deposit itself.
func (s *Sealer) meta(deposit, name, contentType string, ends time.Time) evidence.Meta {
	return evidence.Meta{Key: "deposits/" + deposit + "/" + name, Class: evidence.ClassDeposit, Reason: "letter of deposit",
		DeleteAfter: ends, Subject: deposit, Deposit: deposit, ContentType: contentType}
}

// ends is when a deposit that is sealed now must be gone.
func (s *Sealer) ends(sealed time.Time) time.Time {
	r, _ := evidence.RetentionOf(evidence.ClassDeposit)
	return r.End(sealed)
}

// restore reads a kept state; none is the zero state.
func restore(raw []byte, state any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, state); err != nil {
		return fmt.Errorf("kept state: %w", evidence.ErrCorrupt)
	}
	return nil
}

// saver returns a function that keeps the state as it is then.
func saver(state any, keep Keep) func(context.Context) error {
	return func(ctx context.Context) error {
		raw, err := json.Marshal(state)
		if err != nil {
			return fmt.Errorf("state: %w", err)
		}
		if err := keep(ctx, raw); err != nil {
			return fmt.Errorf("keep state: %w", err)
		}
		return nil
	}
}

// strokes turns recorded points into what pdf draws.
func strokes(sig capture.Signature) [][]pdf.Point {
	var out [][]pdf.Point
	for _, span := range sig.Strokes() {
		var line []pdf.Point
		for _, p := range sig.Points[span[0]:span[1]] {
			line = append(line, pdf.Point{X: float64(p.X), Y: float64(p.Y), Pressure: float64(p.Pressure) / capture.MaxPressure})
		}
		out = append(out, line)
	}
	return out
}
