package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"inkwitness/evidence/vault"
)

// ErrDamage says that a check found something wrong; the report says what.
var ErrDamage = errors.New("the check found damage")

// CheckReport is what a check found.
type CheckReport struct {
	Structure vault.Structure `json:"structure"`
}

// Sound tells whether nothing is wrong. Orphans are no damage: they are swept.
func (r CheckReport) Sound() bool { return len(r.Structure.Missing) == 0 }

// write prints the report for people, or as JSON.
func (r CheckReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	s := r.Structure
	fmt.Fprintf(w, "objects: %d rows, blobs in each store %v\n", s.Objects, s.Blobs)
	for _, m := range s.Missing {
		fmt.Fprintf(w, "MISSING  %s is not in store %d\n", m.Key, m.Store)
	}
	fmt.Fprintf(w, "orphans: %d, to be swept; %d younger ones that may yet get their row\n", len(s.Orphans), s.Young)
	return nil
}

// Check looks over everything that is stored, beside a running service or
// without one, and prints what it finds. Damage is ErrDamage.
func Check(ctx context.Context, cfg Config, asJSON bool, w io.Writer) error {
	accounts, cfg, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	keys, err := openRoot(ctx, cfg, accounts.Store)
	if err != nil {
		return err
	}
	blobs, err := openBlobs(ctx, cfg)
	if err != nil {
		return fmt.Errorf("open the object store: %w", err)
	}
	clock := wallClock{}
	objects, err := vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: clock, Region: cfg.Region})
	if err != nil {
		return err
	}
	var r CheckReport
	if r.Structure, err = objects.CheckStructure(ctx, accounts, clock.Now().Add(-orphanAge)); err != nil {
		return fmt.Errorf("check the structure: %w", err)
	}
	if err := r.write(w, asJSON); err != nil {
		return err
	}
	if !r.Sound() {
		return ErrDamage
	}
	return nil
}
