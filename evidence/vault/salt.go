package vault

import (
	"context"
	"errors"
	"sync"

	"inkwitness/evidence"
)

// The salt of an object says which encryption its copies must be of: the one whose
// plain bytes it describes. Without it a copy from an earlier writing of the same
// name and length would decrypt as well.

// unsalted is the salt of an object whose release did not record it.
var unsalted evidence.Digest

// open opens an object whose copies are known by its salt. Where it has none, or
// none of the copies has it, the salt of a copy with the right bytes is looked for.
func (v *Vault) open(ctx context.Context, key []byte, o evidence.Object) (*reader, error) {
	if o.Salt != unsalted {
		if r, err := v.firstGood(ctx, key, o); err == nil || !errors.Is(err, evidence.ErrCorrupt) {
			return r, err
		}
	}
	found := v.salts.of(o)
	select {
	case found.turn <- struct{}{}:
		defer func() { <-found.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for fresh := false; ; {
		if found.salt == unsalted {
			var err error
			if found.salt, err = v.findSalt(ctx, key, o); err != nil {
				return nil, err
			}
			fresh = true
		}
		o.Salt = found.salt
		r, err := v.firstGood(ctx, key, o)
		if err == nil || fresh || !errors.Is(err, evidence.ErrCorrupt) {
			return r, err
		}
		found.salt = unsalted // no store has that copy any more
	}
}

// findSalt reads copies whole until one has the bytes that the object's hash is of.
func (v *Vault) findSalt(ctx context.Context, key []byte, o evidence.Object) (evidence.Digest, error) {
	quiet := &Vault{cfg: v.cfg} // which of two different copies is damaged is not known yet
	quiet.cfg.Damaged = nil
	o.Salt = unsalted
	var failures []error
	var failed error
	for i, store := range v.stores() {
		salt, err := quiet.checkFrom(ctx, i, store, key, o)
		if err == nil {
			return salt, nil
		}
		failures, failed = append(failures, err), worse(failed, err)
	}
	for i, err := range failures {
		v.damaged(o, i, err)
	}
	return unsalted, failed
}

// checkFrom is checkCopy which goes on in other stores where a copy is damaged.
func (v *Vault) checkFrom(ctx context.Context, i int, store Blobs, key []byte, o evidence.Object) (evidence.Digest, error) {
	r, err := openCopy(ctx, store, key, o)
	if err != nil {
		return unsalted, err
	}
	o.Salt = r.header.salt()
	r.next = v.others(ctx, o, i)
	return o.Salt, errors.Join(r.check(o), r.Close())
}

// salts remembers those that were found, so that each object is read whole once.
type salts struct {
	mu    sync.Mutex
	known map[content]*foundSalt
}

// content names the bytes of an object.
type content struct {
	key    string
	sha256 evidence.Digest
}

type foundSalt struct {
	turn chan struct{} // full while somebody looks, so that the others wait for what is found
	salt evidence.Digest
}

// maxSalts bounds their memory, some 300 bytes each.
const maxSalts = 10_000

func (s *salts) of(o evidence.Object) *foundSalt {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := content{o.Key, o.SHA256}
	found, ok := s.known[is]
	if !ok {
		if len(s.known) >= maxSalts {
			clear(s.known)
		}
		found = &foundSalt{turn: make(chan struct{}, 1)}
		s.known[is] = found
	}
	return found
}
