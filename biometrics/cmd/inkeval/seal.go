package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/protect"
	"inkwitness/capture"
)

type sealCmd struct {
	Reference []string `short:"r" type:"existingfile" sep:"none" help:"A signature of the known writer; once for each, 1 to 32."`
	Renew     string   `type:"existingfile" help:"Seal the references of this file anew, for the next epoch, instead of --reference."`
	KeyFile   string   `required:"" type:"path" help:"File with the subject's key, 32 bytes or 64 hex digits; made where there is none."`
	Tenant    string   `required:"" help:"Whose template it is; another tenant's cannot be opened or linked."`
	Out       string   `required:"" type:"path" help:"File to write; an older epoch there is replaced, never a newer one."`
}

// Help is what --help adds to the flags.
func (sealCmd) Help() string {
	return `References rest encrypted: without the key nobody reads a stroke out of the file, and nobody can tell whose it is. inkeval score
--sealed opens them in memory for one comparison. The key is worth what the references are worth: keep it elsewhere.

Examples:
  inkeval seal -r r1.inkml -r r2.inkml -r r3.inkml --key-file subject.key --tenant lab-7 --out writer.sealed
  inkeval score --sealed writer.sealed --key-file subject.key --tenant lab-7 questioned.inkml
  inkeval seal --renew writer.sealed --key-file subject.key --tenant lab-7 --out writer.sealed`
}

func (s *sealCmd) Run() error {
	if (s.Renew == "") == (len(s.Reference) == 0) {
		return errors.New("seal: want either --reference or --renew; inkeval seal --help has examples")
	}
	sealer, err := sealer(s.KeyFile, s.Tenant, s.Renew == "")
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	var sealed biometrics.Sealed
	if s.Renew != "" {
		if sealed, err = readSealed(s.Renew); err == nil {
			sealed, err = sealer.Renew(sealed, now)
		}
	} else {
		sealed, err = s.references(sealer, now)
	}
	if err != nil {
		return err
	}
	if old, err := readSealed(s.Out); err == nil && (old.ID != sealed.ID || old.Epoch >= sealed.Epoch) {
		return fmt.Errorf("%s holds another template or a newer epoch: %w", s.Out, biometrics.ErrStale)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	data, err := json.MarshalIndent(sealed, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(s.Out, append(data, '\n')); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: template %s, epoch %d\n", s.Out, sealed.ID, sealed.Epoch)
	return nil
}

// references seals what a comparison would take, and says what is wrong with it.
func (s *sealCmd) references(sealer *protect.Sealer, now time.Time) (biometrics.Sealed, error) {
	references, err := readSignatures(s.Reference)
	if err != nil {
		return biometrics.Sealed{}, err
	}
	c, err := compare.New(compare.Config{})
	if err != nil {
		return biometrics.Sealed{}, err
	}
	for _, p := range c.CheckReferences(references) {
		of := "set"
		if p.Index >= 0 {
			of = filepath.Base(s.Reference[p.Index])
		}
		fmt.Fprintf(stderr, "%s: %s: %s\n", p.Severity, of, p.Text)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return biometrics.Sealed{}, err
	}
	return sealer.Seal(biometrics.TemplateID(hex.EncodeToString(id)), 1, now, references)
}

// sealer opens the key file, or makes one.
func sealer(keyFile, tenant string, create bool) (*protect.Sealer, error) {
	key, err := os.ReadFile(keyFile)
	if errors.Is(err, os.ErrNotExist) && create {
		key = make([]byte, protect.KeyBytes)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(keyFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if _, err := f.WriteString(hex.EncodeToString(key) + "\n"); err != nil {
			f.Close()
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		fmt.Fprintln(stderr, "made the key", keyFile)
	} else if err != nil {
		return nil, err
	}
	if text := bytes.TrimSpace(key); len(text) == 2*protect.KeyBytes {
		if raw, err := hex.DecodeString(string(text)); err == nil {
			key = raw
		}
	}
	defer clear(key)
	p, err := protect.New(protect.Config{Key: key, Tenant: tenant})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	return p, nil
}

func readSealed(file string) (biometrics.Sealed, error) {
	var out biometrics.Sealed
	f, err := os.Open(file)
	if err != nil {
		return out, err
	}
	defer f.Close()
	const limit = 96 << 20 // base64 of what protect opens
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(data, &out); err != nil || len(out.Data) == 0 {
		return out, fmt.Errorf("%s is no sealed template: %w", file, biometrics.ErrMalformed)
	}
	return out, nil
}

// replace writes a file whole or not at all.
func replace(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func readSignatures(files []string) ([]capture.Signature, error) {
	var out []capture.Signature
	for _, file := range files {
		sig, err := readSignature(file)
		if err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		out = append(out, sig)
	}
	return out, nil
}
