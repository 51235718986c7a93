package pdf

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/vectors/pdf anew")

const vectorDir = "../../testdata/vectors/pdf"

// vector is a document and the codes that Verify must give for it, no more
// and no fewer; none where it must be accepted.
type vector struct {
	name  string
	codes []Code
	story string
	build func(*kit) []byte
}

// TestVectors verifies the files that README.md in the vectors' folder lists.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	b, err := os.ReadFile(filepath.Join(vectorDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([\w-]+\.pdf) \| ([^|]*) \|`).FindAllStringSubmatch(string(b), -1)
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.pdf"))
	if err != nil || len(rows) != len(files) || len(rows) != len(vectors()) {
		t.Fatalf("%d rows, %d files, %d vectors, error %v", len(rows), len(files), len(vectors()), err)
	}
	roots := x509.NewCertPool()
	root, err := os.ReadFile(filepath.Join(vectorDir, "root.pem"))
	if err != nil || !roots.AppendCertsFromPEM(root) {
		t.Fatalf("root.pem: %v", err)
	}
	for _, row := range rows {
		t.Run(row[1], func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join(vectorDir, row[1]))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(row[2])
			if want[0] == "ok" {
				want = nil
			}
			if got := codesOf(t, doc, roots); !slices.Equal(got, want) {
				t.Errorf("codes %v, want %v", got, want)
			}
		})
	}
}

// codesOf verifies a document and returns its codes, sorted, each once.
func codesOf(t *testing.T, doc []byte, roots *x509.CertPool) []string {
	t.Helper()
	r, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: roots, At: noon.Add(time.Hour)})
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return []string{string(refusal.Code)}
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range r.Findings {
		if f.Sentence == "" {
			t.Errorf("code %s has no sentence", f.Code)
		}
		out = append(out, string(f.Code))
	}
	if r.OK != (len(out) == 0) {
		t.Errorf("ok %v with findings %v", r.OK, out)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func writeVectors(t *testing.T) {
	t.Helper()
	k := newKit(t)
	var rows strings.Builder
	for _, v := range vectors() {
		if err := os.WriteFile(filepath.Join(vectorDir, v.name), v.build(k), 0o644); err != nil {
			t.Fatal(err)
		}
		codes := "ok"
		if len(v.codes) > 0 {
			slices.Sort(v.codes)
			codes = strings.Trim(fmt.Sprint(v.codes), "[]")
		}
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", v.name, codes, v.story)
	}
	readme := strings.ReplaceAll(vectorIntro, "COUNT", fmt.Sprint(len(vectors()))) + rows.String()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.cert.Raw})
	for name, b := range map[string][]byte{"README.md": []byte(readme), "root.pem": root} {
		if err := os.WriteFile(filepath.Join(vectorDir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const vectorIntro = `# Signed PDFs, whole and tampered with

COUNT documents. Each names the codes that a verifier must give, no more and no fewer; "ok" stands for none. Check them
against root.pem at 2026-11-23T13:00:00Z. Keys were thrown away; ` + "`go test ./evidence/pdf -run TestVectors -update`" + ` writes
the files and this table anew. The attacks follow Mladenov, Mainka et al., "1 Trillion Dollar Refund" (CCS 2019: USF, ISA,
SWA), Mainka et al., "Shadow Attacks" (NDSS 2021) and Rohlmann et al., "Breaking the Specification" (S&P 2021: EAA, SSA).

| file | codes | what was done |
|---|---|---|
`

// TestEveryCode shows that every code has a sentence, and that every code of
// Verify has a vector and every code of Inspect a bad file or a limit test.
func TestEveryCode(t *testing.T) {
	shown := map[Code]bool{TooLarge: true, TooManyPages: true} // TestInspectLimits
	for _, v := range vectors() {
		for _, c := range v.codes {
			shown[c] = true
		}
	}
	_, bads := corpus(t)
	for _, c := range bads {
		shown[c] = true
	}
	for _, c := range Codes() {
		if !shown[c] {
			t.Errorf("no vector gives %s", c)
		}
		if s := Explain(c); !strings.HasSuffix(s, ".") {
			t.Errorf("%s is explained as %q", c, s)
		}
	}
	if Explain("pdf.unheard-of") != "" {
		t.Error("an unknown code is explained")
	}
}
