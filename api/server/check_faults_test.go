package server

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// checkFaults: whatever call of a check with repairs fails or is the last
// before a crash, no good copy is touched and nothing whole is called damaged;
// the next check, of a process started again, ends with every copy whole.
func checkFaults(t *testing.T, p preserved) {
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (string, int) {
		s := p.scene(t)
		ctx := t.Context()
		d := s.document()
		good := s.copies()
		// one copy rotten, one lost, in both stores
		first, second := filepath.Join(s.c.Data, "blobs"), s.c.BlobCopies[0]
		rot(t, filepath.Join(second, d.Deposit.Object.Key))
		s.must(os.Remove(filepath.Join(second, d.Current.Key)))
		references, err := s.Ceremonies().Subject(ctx, d.Organisation, "ada@example.org")
		s.must(err)
		rot(t, filepath.Join(first, references.References[0].Object.Key))

		check := func(ctx context.Context) (r CheckReport, err error) {
			c := s.checker()
			if r, err = c.structure(ctx); err == nil {
				err = c.heal(ctx, &r)
			}
			if err == nil {
				err = c.bytes(ctx, 1<<40, &r.Bytes)
			}
			return r, err
		}
		s.f.arm(at, mode)
		r, err := check(ctx)
		hit, calls := s.f.hit, s.f.n
		if err != nil && !errors.Is(err, errFault) || hit == "" && (err != nil || !r.Sound() || r.Bytes.Repaired != 3) {
			t.Errorf("the check: %+v, %v", r, err)
		}
		if len(r.Bytes.Damaged) > 0 || len(r.Broken) > 0 || r.Log.Problem != "" {
			t.Errorf("called damaged though a good copy is there: %+v", r)
		}
		s.restart()
		for name, b := range s.copies() {
			if !bytes.Equal(b, good[name]) && !s.wasDamaged(name, d.Deposit.Object.Key, d.Current.Key, references.References[0].Object.Key) {
				t.Errorf("the good copy %s was touched", name)
			}
		}
		s.c.seams.clock.(*testClock).advance(time.Hour)
		s.repair(func(ctx context.Context) (err error) {
			r, err = check(ctx)
			return err
		})
		if !r.Sound() || r.Bytes.Objects != 3 {
			t.Errorf("the next check: %+v", r)
		}
		for name, b := range good {
			if now := s.copies()[name]; !bytes.Equal(now, b) {
				t.Errorf("%s is not whole again", name)
			}
		}
		kept, err := s.ObjectsOf(ctx, p.id)
		s.must(err)
		for _, k := range kept {
			if k.Damage != "" {
				t.Errorf("%s is still noted as damaged: %s", k.Key, k.Damage)
			}
		}
		s.must(s.Close())
		return hit, calls
	})
}

// copies are the files of both stores by name; unfinished writes left out.
func (s *scene) copies() map[string][]byte {
	s.t.Helper()
	all := map[string][]byte{}
	for _, o := range s.objectKeys() {
		for i, root := range append([]string{filepath.Join(s.c.Data, "blobs")}, s.c.BlobCopies...) {
			if b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(o))); err == nil {
				all[string(rune('1'+i))+"/"+o] = b
			}
		}
	}
	return all
}

func (s *scene) objectKeys() (keys []string) {
	s.t.Helper()
	all, err := s.Objects(s.t.Context(), "", 100)
	s.must(err)
	for _, o := range all {
		keys = append(keys, o.Key)
	}
	return keys
}

// wasDamaged tells whether a copy is one of those that the test damaged.
func (s *scene) wasDamaged(name, rotten, lost, reference string) bool {
	return name == "2/"+rotten || name == "2/"+lost || name == "1/"+reference
}

// rot changes one byte of a file.
func rot(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
