package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// largePDF is a document of one page with a picture of so many bytes.
func largePDF(picture int) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(s string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), s)
	}
	b.WriteString("%PDF-1.7\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 4 0 R>>>>>>")
	noise := make([]byte, picture)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	object(fmt.Sprintf("<</Type/XObject/Subtype/Image/Width %d/Height 1000/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>\nstream\n%s\nendstream", picture/1000, picture, noise))
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, at)
	return b.Bytes()
}

// peak is the most memory that the service ever had, in MiB.
func (s *service) peak() int {
	s.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(raw)
	if found == nil {
		s.t.Fatalf("no VmHWM in %s", raw)
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	return kb >> 10
}

// TestLargeDocument: where the operator lets larger files in, one beyond the
// default is uploaded, read in pieces, signed, deposited and verified, and costs the
// service little memory. INKWITNESS_FULL=1 takes the largest that can be let in.
func TestLargeDocument(t *testing.T) {
	const limit = 200
	megabytes := 60
	if os.Getenv("INKWITNESS_FULL") != "" {
		megabytes = limit
	}
	s := newService(t, fmt.Sprintf("MAX_UPLOAD_MB=%d", limit))
	s.start()
	owner := s.owner()
	small := s.peak()
	pdf := largePDF(megabytes<<20 - 2000)
	d := owner.upload(pdf, "Atlas")
	owner.plan(d, person{"Zoë Wang", "zoe@example.com"})
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	signer := s.enter(0)
	signer.refuse()
	if page := signer.must("GET", "/api/signing/pdf", nil, nil).Body; !bytes.Equal(page, pdf) {
		t.Errorf("the signer reads %d bytes that are not the document's %d", len(page), len(pdf))
	}
	signer.must("POST", "/api/signing/confirm", map[string]string{"typed": "Zoë Wang"}, nil)
	owner.completed(d.ID)
	got := owner.deposit(d.ID)
	if report, code := inkverify(t, got.path); code != 0 {
		t.Errorf("inkverify ends with %d:\n%s", code, report)
	}
	if document := got.file("contract-signed.pdf"); !bytes.HasPrefix(document, pdf) {
		t.Error("the signed document does not begin with what was uploaded")
	}
	grown := s.peak() - small
	t.Logf("a document of %d MB: %d MB of memory, %d more than before", megabytes, small+grown, grown)
	if grown > 64 {
		t.Errorf("a document of %d MB took %d MB of memory", megabytes, grown)
	}
	refused(t, "more than the limit", owner.do("POST", "/api/documents?filename=x.pdf", make([]byte, limit<<20+2)), 413, strconv.Itoa(limit)+" MB")
	for _, wrong := range []string{"201", "-1"} {
		broken := newService(t)
		out, err := broken.run("serve", "--max-upload-mb="+wrong)
		if err == nil || !strings.Contains(out, "--max-upload-mb") || !strings.Contains(out, "1 to 200") {
			t.Errorf("--max-upload-mb=%s: %v\n%s", wrong, err, out)
		}
	}
}
