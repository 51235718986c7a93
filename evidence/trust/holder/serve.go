package holder

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"inkwitness/evidence"
)

// The wire: HTTP over the unix socket, one POST with JSON for each method. It is
// internal to one version of the program.

const maxBody = 1 << 20

type enrolCall struct {
	Ceremony, Signer string
	Public           []byte
}

type challengeCall struct {
	Ceremony, Signer, Document string
	Signatures                 int
	Public                     []byte
}

type approveCall struct {
	Ceremony, Signer, Document, Statement string
	Signature                             []byte
}

type digestsCall struct {
	Credential string
	Auth       evidence.Authorization
	Digests    []wireDigest
}

// wireDigest is evidence.SignDigest; crypto.Hash says its own name in JSON alone.
type wireDigest struct {
	Hash  uint
	Value []byte
}

func toWire(digests []evidence.SignDigest) (out []wireDigest) {
	for _, d := range digests {
		out = append(out, wireDigest{uint(d.Hash), d.Value})
	}
	return out
}

func fromWire(digests []wireDigest) (out []evidence.SignDigest, err error) {
	for _, d := range digests {
		hash := crypto.Hash(d.Hash)
		if hash != crypto.SHA256 && hash != crypto.SHA384 && hash != crypto.SHA512 || len(d.Value) != hash.Size() {
			return nil, fmt.Errorf("a digest is none of SHA-2: %w", evidence.ErrNotAllowed)
		}
		out = append(out, evidence.SignDigest{Hash: hash, Value: d.Value})
	}
	return out, nil
}

type answer struct {
	Kind      string `json:",omitempty"` // of the failure, a key of kinds
	Error     string `json:",omitempty"`
	Chain     [][]byte
	Statement string
	Auth      evidence.Authorization
	Values    [][]byte
}

// kinds are the failures that the client tells apart.
var kinds = map[string]error{
	"lapsed": evidence.ErrLapsed, "proof": ErrProof, "busy": ErrBusy, "log": ErrUnlogged, "erased": evidence.ErrErased, "refused": evidence.ErrNotAllowed,
}

// order in which a failure is looked up: the narrower before the wider.
var order = []string{"lapsed", "proof", "busy", "log", "erased", "refused"}

// Handler answers what the client asks.
func (h *Holder) Handler() http.Handler {
	mux := http.NewServeMux()
	handle(mux, "root", func(context.Context, struct{}) (answer, error) {
		return answer{Chain: [][]byte{h.Root().Raw}}, nil
	})
	handle(mux, "enrol", func(ctx context.Context, in enrolCall) (answer, error) {
		return answer{}, h.Enrol(ctx, in.Ceremony, in.Signer, in.Public)
	})
	handle(mux, "challenge", func(ctx context.Context, in challengeCall) (out answer, err error) {
		out.Statement, err = h.Challenge(ctx, in.Ceremony, in.Signer, in.Document, in.Signatures, in.Public)
		return out, err
	})
	handle(mux, "approve", func(ctx context.Context, in approveCall) (answer, error) {
		return answer{}, h.Approve(ctx, in.Ceremony, in.Signer, in.Document, in.Statement, in.Signature)
	})
	handle(mux, "credential", func(ctx context.Context, in evidence.CredentialRequest) (answer, error) {
		c, err := h.Credential(ctx, in)
		return answer{Chain: raw(c.Chain)}, err
	})
	handle(mux, "authorize", func(ctx context.Context, in digestsCall) (out answer, err error) {
		digests, err := fromWire(in.Digests)
		if err != nil {
			return out, err
		}
		auth, err := h.Authorize(ctx, in.Credential, digests)
		auth.Digests = nil // the client has them
		return answer{Auth: auth}, err
	})
	handle(mux, "sign", func(ctx context.Context, in digestsCall) (out answer, err error) {
		digests, err := fromWire(in.Digests)
		if err != nil {
			return out, err
		}
		out.Values, err = h.Sign(ctx, in.Auth, digests)
		return out, err
	})
	handle(mux, "release", func(ctx context.Context, in digestsCall) (answer, error) {
		return answer{}, h.Release(ctx, in.Credential)
	})
	handle(mux, "revocation", func(ctx context.Context, in answer) (answer, error) {
		chain, err := parseChain(in.Chain)
		if err != nil {
			return answer{}, err
		}
		r, err := h.Revocation(ctx, chain)
		return answer{Values: r.CRLs}, err
	})
	return mux
}

func handle[In any](mux *http.ServeMux, name string, do func(context.Context, In) (answer, error)) {
	mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in); err != nil {
			http.Error(w, "the request cannot be read", http.StatusBadRequest)
			return
		}
		// An act that was begun is ended, whoever hangs up.
		out, err := do(context.WithoutCancel(r.Context()), in)
		if err != nil {
			out = answer{Error: err.Error()}
			for _, kind := range order {
				if errors.Is(err, kinds[kind]) {
					out.Kind = kind
					break
				}
			}
		}
		_ = json.NewEncoder(w).Encode(out) // the client is gone when this fails
	})
}

func raw(chain []*x509.Certificate) (out [][]byte) {
	for _, c := range chain {
		out = append(out, c.Raw)
	}
	return out
}

func parseChain(in [][]byte) (out []*x509.Certificate, err error) {
	for _, der := range in {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", evidence.ErrMalformed)
		}
		out = append(out, c)
	}
	return out, nil
}

// Listen opens the socket. Only processes of the named users may talk to it: the
// kernel says who they are where it can (Linux), and the socket's mode where not.
func Listen(path string, users []int) (net.Listener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("listen at %s: another key holder is there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	mode := fs.FileMode(0o600)
	if peersKnown && slices.ContainsFunc(users, func(u int) bool { return u != os.Getuid() }) {
		mode = 0o666 // the kernel's word decides, see guarded
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, fmt.Errorf("close the socket to others: %w", err)
	}
	return guarded{l, append(users, os.Getuid())}, nil
}

// guarded hangs up on processes of other users.
type guarded struct {
	net.Listener
	users []int
}

func (g guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if uid, err := peer(conn.(*net.UnixConn)); err == nil && slices.Contains(g.users, uid) {
			return conn, nil
		}
		conn.Close()
	}
}

// Run serves until ctx ends. First it destroys the keys that its log says are
// destroyed: a crash came between, or they came back with a backup.
func (h *Holder) Run(ctx context.Context, l net.Listener) error {
	if err := h.finish(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	web := &http.Server{Handler: h.Handler(), ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = web.Shutdown(drain)
	})
	defer stop()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("key holder: %w", err)
	}
	return ctx.Err()
}
