package deposit_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"inkwitness/capture/inspect"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/seal/sealtest"
)

// rest are vectors of the codes that neither damage nor a wrong key leads to.
func (m *maker) rest(w *sealtest.World) {
	m.add("another description, checksums mended", m.swap(deposit.InfoName, []byte("{}\n")), deposit.CodeInfo, deposit.InfoName)
	m.add("another list for sha256sum, checksums mended", m.swap("manifest-sha256.txt", []byte("nothing\n")), deposit.CodeBag, "manifest-sha256.txt")
	m.add("no document, checksums mended", m.swap(deposit.DocumentName, []byte("a contract")), deposit.CodeDocument, deposit.DocumentName)
	const facts = "data/capture/signer-1/" + inspect.FactsName
	m.add("facts of a recording exchanged", m.swap(facts, m.contents("data/capture/signer-2/"+inspect.FactsName)), deposit.CodeRecording, "data/capture/signer-1/strokes.ink")
	m.add("sealed before it says that it was", resealed(w, m.base, sealOf(w, "dep1"), func(info *deposit.Info, _ string, data []byte) []byte {
		info.Sealed = w.Clock.Now().Add(time.Hour)
		return data
	}), deposit.CodeTime, "META-INF/signature001.p7s")
	stamped := sealOf(w, "dep1")
	stamped.add = func(signed []byte) []byte {
		token, err := w.Config.Timestamper.Timestamp(context.Background(), crypto.SHA256, make([]byte, 32))
		w.Check(err)
		signed, err = cms.AddTimestamp(signed, token)
		w.Check(err)
		return signed
	}
	m.add("signature with the timestamp of something else", resealed(w, m.base, stamped, same), deposit.CodeSigStamp, "META-INF/signature001.p7s")
	m.add("with an evidence record", recorded(w, m.base, m.base), "", "")
	m.add("with the evidence record of something else", recorded(w, m.base, m.swap(deposit.AuditName, []byte("{}\n"))), deposit.CodeRecord, "META-INF/evidencerecord001.ers")
	m.list[len(m.list)-1].Whole = true
}

// recorded is the deposit with the evidence record of another.
func recorded(w *sealtest.World, file, of []byte) []byte {
	open := func(b []byte) *deposit.Container {
		c, err := deposit.Open(bytes.NewReader(b), int64(len(b)))
		w.Check(err)
		return c
	}
	group, err := open(of).Hashes(crypto.SHA256)
	w.Check(err)
	made, err := cms.NewRecords(context.Background(), crypto.SHA256, [][][]byte{group}, w.Config.Timestamper.Timestamp)
	w.Check(err)
	r, err := open(file).WithRecord(made[0])
	w.Check(err)
	raw, err := io.ReadAll(r)
	w.Check(err)
	return raw
}

// Every code that can fail has a vector, which other verifiers are held to as well.
func TestEveryCode(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(vectorDir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f vectorFile
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, v := range f.Vectors {
		met[v.Code] = true
	}
	for code, why := range map[string]string{
		deposit.CodeFiles: "it only says that no other check of files failed", deposit.CodeAge: "it is left open and depends on the time of the check, see TestAlgorithmsEnd",
		deposit.CodeAlgorithm: "it depends on the time of the check, see TestAlgorithmsEnd",
	} {
		if met[code] {
			t.Errorf("%s has a vector, though %s", code, why)
		}
		met[code] = true
	}
	for _, code := range deposit.Codes() {
		if !met[code] {
			t.Errorf("no vector fails with %s", code)
		}
	}
}

// FuzzParts puts anything in the place of one file of a complete deposit, so that
// what reads it is reached: the container around it is in order.
func FuzzParts(f *testing.F) {
	w := sealtest.NewComplete(f)
	file := w.Bytes(w.Sealed(1, 200).Container)
	file = recorded(w, erased(w, file, "dep1", w.Clock.Now(), byErasure(w)), file)
	m := &maker{base: file, at: w.Clock.Now()}
	m.locate()
	for i, one := range m.files {
		f.Add(uint8(i), m.base[one.data:one.end])
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		var parts []deposit.Part
		at := int(which) % len(m.files)
		for i, one := range m.files {
			contents := m.base[one.data:one.end]
			if i == at {
				contents = data
			}
			parts = append(parts, deposit.Bytes(one.name, contents))
		}
		one := m.files[at]
		same := bytes.Equal(data, m.base[one.data:one.end])
		var b bytes.Buffer
		if err := deposit.Rezip(t.Context(), &b, m.at, parts); err != nil && !same {
			t.Skip(err) // what no container holds
		} else if err != nil {
			t.Fatal(err)
		}
		report := sealtest.Verify(b.Bytes(), deposit.Options{Roots: w.Roots(), Others: w.Config.Others, Now: w.Clock.Now()})
		if report.Holds() != same {
			t.Errorf("%s, the same %v: %+v", one.name, same, report.Failed())
		}
	})
}
