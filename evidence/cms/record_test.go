package cms_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence/cms"
)

// authority stamps at a time that the test moves.
type authority struct {
	t  *testing.T
	id *identity
	at time.Time
}

func newAuthority(t *testing.T) *authority {
	return &authority{t, issue(t, "Clock", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), root(t), true), now}
}

func (a *authority) stamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	return cms.SignToken(ctx, cms.TSTInfo{Policy: asn1.ObjectIdentifier{1, 2, 3}, Hash: h, Digest: digest, Serial: big.NewInt(a.at.UnixNano()), Time: a.at}, a.id.chain, a.id.key)
}

func trustAll(*cms.Token, time.Time) error { return nil }

// group hashes files as Group wants it.
func group(files ...string) cms.Group {
	return func(h crypto.Hash) ([][]byte, error) {
		var out [][]byte
		for _, f := range files {
			d := h.New()
			d.Write([]byte(f))
			out = append(out, d.Sum(nil))
		}
		return out, nil
	}
}

// deposits are groups of one to three files.
func deposits(n int) (data []cms.Group, files [][]string) {
	for i := range n {
		var f []string
		for k := range i%3 + 1 {
			f = append(f, fmt.Sprintf("deposit %d file %d", i, k))
		}
		data, files = append(data, group(f...)), append(files, f)
	}
	return data, files
}

func records(t *testing.T, a *authority, data []cms.Group) []*cms.EvidenceRecord {
	t.Helper()
	var groups [][][]byte
	for _, d := range data {
		groups = append(groups, must(d(crypto.SHA256)))
	}
	r, err := cms.NewRecords(t.Context(), crypto.SHA256, groups, a.stamp)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reread(t *testing.T, r *cms.EvidenceRecord) *cms.EvidenceRecord {
	t.Helper()
	back, err := cms.ParseRecord(must(r.Marshal()))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestRecordsOverManyAndRenewals(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 8, 33} {
		a := newAuthority(t)
		data, _ := deposits(n)
		all := records(t, a, data)
		check := func(stage string) {
			t.Helper()
			for i, r := range all {
				r = reread(t, r)
				at, err := r.Verify(data[i], a.at, nil, trustAll)
				if err != nil || !at.Equal(now) {
					t.Fatalf("%d deposits, %s, record %d: %v, %v", n, stage, i, at, err)
				}
				if _, err := r.Verify(group("something else"), a.at, nil, trustAll); !errors.Is(err, cms.ErrRecord) && !errors.Is(err, cms.ErrImprint) {
					t.Errorf("%s: other data: %v", stage, err)
				}
				if files, _ := data[i](crypto.SHA256); len(files) > 2 { // one file of a group may be proved by itself, RFC 4998 section 4.3
					part := func(h crypto.Hash) ([][]byte, error) { f, err := data[i](h); return f[1:], err }
					if _, err := r.Verify(part, a.at, nil, trustAll); !errors.Is(err, cms.ErrRecord) {
						t.Errorf("%s: a file left out: %v", stage, err)
					}
				}
			}
		}
		check("new")
		a.at = a.at.AddDate(3, 0, 0)
		if err := cms.RenewTimestamps(t.Context(), all, a.stamp); err != nil {
			t.Fatal(err)
		}
		check("timestamp renewed")
		a.at = a.at.AddDate(3, 0, 0)
		if err := cms.RenewHashes(t.Context(), crypto.SHA512, all, data, a.stamp); err != nil {
			t.Fatal(err)
		}
		check("hash renewed")
		a.at = a.at.AddDate(3, 0, 0)
		if err := cms.RenewTimestamps(t.Context(), all, a.stamp); err != nil {
			t.Fatal(err)
		}
		check("timestamp of the new chain renewed")
	}
}

func TestRecordThatWasNotRenewed(t *testing.T) {
	a := newAuthority(t)
	data, _ := deposits(2)
	all := records(t, a, data)
	after := a.id.chain[0].NotAfter.Add(time.Hour)
	if _, err := all[0].Verify(data[0], after, nil, trustAll); !errors.Is(err, cms.ErrRecord) {
		t.Errorf("certificate ended: %v", err)
	}
	a.at = a.at.AddDate(-1, 0, 0)
	a.id = issue(t, "Clock", a.id.key, nil, true)
	distrust := errors.New("no")
	if _, err := all[0].Verify(data[0], now, nil, func(*cms.Token, time.Time) error { return distrust }); !errors.Is(err, distrust) {
		t.Errorf("distrusted: %v", err)
	}
}

func TestEveryChangedByteOfARecord(t *testing.T) {
	a := newAuthority(t)
	a.id.chain = a.id.chain[:1] // the root in the token is covered by nothing
	data, _ := deposits(5)
	all := records(t, a, data)
	a.at = a.at.AddDate(1, 0, 0)
	if err := cms.RenewHashes(t.Context(), crypto.SHA384, all, data, a.stamp); err != nil {
		t.Fatal(err)
	}
	der := must(all[1].Marshal())
	for i := range der {
		b := bytes.Clone(der)
		b[i] ^= 1 << (i % 8)
		r, err := cms.ParseRecord(b)
		if err == nil {
			_, err = r.Verify(data[1], a.at, nil, trustAll)
		}
		if err == nil {
			t.Errorf("byte %d of %d changed unseen", i, len(der))
		}
	}
}

// Bouncy Castle, other people's code, must agree, before and after renewals.
func TestBouncyCastleAgrees(t *testing.T) {
	dir := t.TempDir()
	jars := "/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar"
	run(t, "javac", "-cp", jars, "-d", dir, "testdata/CheckRecord.java")
	a := newAuthority(t)
	data, files := deposits(7)
	all := records(t, a, data)
	check := func(stage string) {
		t.Helper()
		for _, i := range []int{0, 1, 2, 6} {
			record := write(t, "r.ers", must(all[i].Marshal()))
			args := []string{"-cp", jars + ":" + dir, "CheckRecord", fmt.Sprint(a.at.Add(time.Minute).UnixMilli()), record}
			for k, f := range files[i] {
				path := filepath.Join(dir, fmt.Sprintf("data%d-%d", i, k))
				if err := os.WriteFile(path, []byte(f), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, path)
			}
			out, err := exec.Command("java", args...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "present and valid") {
				t.Errorf("%s, record %d: %v\n%s", stage, i, err, out)
			}
		}
	}
	check("new")
	a.at = a.at.AddDate(1, 0, 0)
	if err := cms.RenewTimestamps(t.Context(), all, a.stamp); err != nil {
		t.Fatal(err)
	}
	check("timestamp renewed")
	a.at = a.at.AddDate(1, 0, 0)
	if err := cms.RenewHashes(t.Context(), crypto.SHA512, all, data, a.stamp); err != nil {
		t.Fatal(err)
	}
	check("hash renewed")
}

func FuzzParseRecord(f *testing.F) {
	a := newAuthority(&testing.T{})
	r, err := cms.NewRecords(context.Background(), crypto.SHA256, [][][]byte{{sum([]byte("a"))}, {sum([]byte("b")), sum([]byte("c"))}}, a.stamp)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(must(r[1].Marshal()))
	f.Fuzz(func(t *testing.T, der []byte) {
		if r, err := cms.ParseRecord(der); err == nil {
			_, _ = r.Verify(group("x"), now, nil, trustAll)
		}
	})
}
