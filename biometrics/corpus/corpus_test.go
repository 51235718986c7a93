package corpus

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Made-up files in each format; no corpus is in this repository.
const (
	svc1 = "4\r\n1000 2000 50 0\r\n1010 2005 60 1\r\n1020 2010 60 1\r\n1500 2000 200 1\r\n"
	svc2 = "4\n1000 2000 50 2 1000 500 0\n1010 2005 60 3 1000 500 1023\n1020 2010 70 1 1000 500 512\n1030 2015 80 1 1000 500 512\n"
	hwr  = "NFI-00101001 5\n0 0 -1 0 0\n100 200 -2 1800 600\n110 210 512 1800 600\n0 0 -4 0 0\n130 230 1023 1800 600\n"
	sig  = "X, Y, TStamp, Pres., EndPts\nDataSize: 698\n10 20 100 5 0\n11 21 110 6 1\n30 40 300 7 0\n31 41 310 8 1\n"
)

// fpg builds an MCYT file by the layout in readFPG's comment.
func fpg(head int, vectors [][5]float32) []byte {
	b := make([]byte, head)
	copy(b, "FPG ")
	le := binary.LittleEndian
	le.PutUint16(b[4:], uint16(head))
	le.PutUint16(b[6:], 4)
	le.PutUint16(b[10:], 1)
	le.PutUint16(b[16:], 32)
	le.PutUint32(b[26:], 5)
	le.PutUint32(b[30:], uint32(len(vectors)))
	le.PutUint32(b[36:], 100)
	for _, v := range vectors {
		for _, x := range v {
			b = le.AppendUint32(b, math.Float32bits(x))
		}
	}
	return b
}

func TestSVC(t *testing.T) {
	s, ok, err := readSVC([]byte(svc1), 4)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if len(s.Points) != 4 || s.Device.HasPressure || s.Points[1].Time != 10_000 || s.Points[1].Y != -2005 {
		t.Errorf("%+v", s)
	}
	// A stroke starts at an even button and after a gap of more than 25 ms.
	for i, want := range []bool{true, false, false, true} {
		if s.Points[i].Start != want {
			t.Errorf("point %d starts a stroke: %v", i, !want)
		}
	}
	if _, ok, err := readSVC([]byte(svc2), 4); ok || err != nil {
		t.Error("a Task 2 file is read as Task 1")
	}
	s, ok, err = readSVC([]byte(svc2), 7)
	if err != nil || !ok || !s.Device.HasPressure || s.Points[1].Pressure != capture.MaxPressure || s.Points[0].Pressure != 0 {
		t.Errorf("%+v %v %v", s, ok, err)
	}
	if s.Points[1].Start || s.Points[2].Start {
		t.Error("button 3 starts a stroke")
	}
}

func TestHWR(t *testing.T) {
	s, ok, err := readHWR([]byte(hwr))
	if err != nil || !ok || len(s.Points) != 2 {
		t.Fatalf("%+v %v %v", s, ok, err)
	}
	// The row out of range is gone, its 5 ms are not.
	if s.Points[1].Time != 10_000 || s.Points[0].Y != -210 || !s.Points[0].Start {
		t.Errorf("%+v", s.Points)
	}
}

func TestFPG(t *testing.T) {
	for _, head := range []int{48, 60} {
		s, ok, err := readFPG(fpg(head, [][5]float32{{1, 2, 0, 0, 0}, {10, 20, 100, 900, 600}, {11, 21, 1023, 900, 600}, {12, 22, 0, 0, 0}, {13, 23, 5, 900, 600}}))
		if err != nil || !ok || len(s.Points) != 4 {
			t.Fatalf("%+v %v %v", s, ok, err)
		}
		if s.Points[1].Pressure != capture.MaxPressure || s.Points[2].Down || !s.Points[3].Start || s.Points[3].Time != 30_000 {
			t.Errorf("%+v", s.Points)
		}
	}
	if _, _, err := readFPG(fpg(48, [][5]float32{{1, 2, 3, 4, 5}})[:60]); !errors.Is(err, biometrics.ErrMalformed) {
		t.Errorf("cut short: %v", err)
	}
}

func TestSUSIG(t *testing.T) {
	s, ok, err := readSUSIG([]byte(sig), susigBlind)
	if err != nil || !ok || len(s.Points) != 4 || len(s.Strokes()) != 2 || s.Points[1].Time != 10_000 || s.Points[0].Y != 20 {
		t.Fatalf("%+v %v %v", s, ok, err)
	}
	ticks := "x\ny\n1 1 5 0 0\n2 2 7 0 0\n3 3 8 0 1\n"
	s, _, err = readSUSIG([]byte(ticks), susigFinger)
	if err != nil || s.Points[1].Time != 20_000 || s.Device.HasPressure || s.Points[0].Y != -1 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		corpus  Name
		file    string
		user    string
		number  int
		genuine bool
		session int
		sample  int
	}{
		{SVC2004Task1, "Task1/U7S20.TXT", "U7", 7, true, 2, 20},
		{SVC2004Task2, "x/u21s21.txt", "U21", 21, false, 0, 21},
		{SVC2004Sample, "sample/USER3_4.txt", "USER3", 3, true, 1, 4},
		{SigComp2009, "NFI/genuines/NFI-00102001.hwr", "001", 1, true, 0, 2},
		{SigComp2009, "forgeries/NFI-02403001.hwr", "001", 1, false, 0, 3},
		{MCYT100, "MCYT_Signature_100/0012/0012v03.fpg", "0012", 12, true, 0, 3},
		{MCYT100, "0012f24.fpg", "0012", 12, false, 0, 24},
		{MCYT100, "Development/u1012_s_0012f24.txt", "0012", 12, false, 0, 24},
		{SUSIGVisual, "SUSig/VisualSubCorpus/GENUINE/SESSION2/001_2_5.sig", "001", 1, true, 2, 5},
		{SUSIGVisual, "VisualSubCorpus/VALIDATION/VALIDATION_FORGERY/012_f_6.sig", "012", 12, false, 0, 6},
		{SUSIGBlind, "BlindSubCorpus/GENUINE/039_g_9.sig", "039", 39, true, 0, 9},
		{SUSIGBlind, "BlindSubCorpus/FORGERY/039_f_9.sig", "039", 39, false, 0, 9},
	}
	for _, tt := range tests {
		it, ok := formats[tt.corpus].name(tt.file)
		if !ok || it.User != tt.user || it.Number != tt.number || it.Genuine != tt.genuine || it.Session != tt.session || it.Sample != tt.sample {
			t.Errorf("%s: %+v, %v", tt.file, it, ok)
		}
	}
	for corpus, file := range map[Name]string{SUSIGVisual: "BlindSubCorpus/GENUINE/001_g_1.sig", SUSIGBlind: "VisualSubCorpus/GENUINE/SESSION1/001_1_1.sig", SVC2004Task1: "Task1/U1S41.TXT"} {
		if _, ok := formats[corpus].name(file); ok {
			t.Errorf("%s takes %s", corpus, file)
		}
	}
}

// write stores the same files as a directory, a tar.gz and a zip.
func write(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	tree, tgz, zipped := filepath.Join(dir, "tree"), filepath.Join(dir, "c.tar.gz"), filepath.Join(dir, "c.zip")
	var tb, zb bytes.Buffer
	gz := gzip.NewWriter(&tb)
	tw, zw := tar.NewWriter(gz), zip.NewWriter(&zb)
	for name, data := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(tree, name), []byte(data), 0o600))
		must(t, tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), Typeflag: tar.TypeReg}))
		_, err := tw.Write([]byte(data))
		must(t, err)
		w, err := zw.Create(name)
		must(t, err)
		_, err = w.Write([]byte(data))
		must(t, err)
	}
	must(t, tw.Close())
	must(t, gz.Close())
	must(t, zw.Close())
	must(t, os.WriteFile(tgz, tb.Bytes(), 0o600))
	must(t, os.WriteFile(zipped, zb.Bytes(), 0o600))
	return map[string]string{"directory": tree, "tar.gz": tgz, "zip": zipped, "directory of archives": dir}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	files := map[string]string{"index.csv": "file,user\n", "README.txt": "words"}
	for u := 3; u <= 5; u++ {
		for _, s := range []int{1, 2, 10, 11, 21, 22} {
			files[fmt.Sprintf("Task1/U%dS%d.TXT", u, s)] = svc1
			files[fmt.Sprintf("Task2/U%dS%d.TXT", u, s)] = svc2
		}
	}
	for kind, path := range write(t, files) {
		c, err := Load(SVC2004Task2, path, Filter{From: 4, To: 9, Set: true})
		if err != nil || len(c.Users) != 2 || c.Users[0].ID != "U4" {
			t.Fatalf("%s: %+v, %v", kind, c, err)
		}
		u := c.Users[1]
		if len(u.Genuine) != 4 || len(u.Forgeries) != 2 || u.Genuine[2].Sample != 10 || !u.Genuine[0].Signature.Device.HasPressure {
			t.Errorf("%s: %d genuine, %d forgeries", kind, len(u.Genuine), len(u.Forgeries))
		}
	}
	if _, err := Load(MCYT100, t.TempDir(), Filter{}); !errors.Is(err, biometrics.ErrNotFound) {
		t.Errorf("empty directory: %v", err)
	}
	if _, err := Load("unknown", t.TempDir(), Filter{}); !errors.Is(err, biometrics.ErrNotFound) {
		t.Errorf("unknown corpus: %v", err)
	}
	files["Task1/U3S3.TXT"] = "2\n4 5 6 0\n7 8 z 9\n"
	for i := 3; i < 10; i++ {
		files[fmt.Sprintf("Task1/U4S%d.TXT", i)] = svc1
	}
	c, err := Load(SVC2004Task1, write(t, files)["zip"], Filter{})
	if err != nil || len(c.Damaged) != 1 || len(c.Users) != 3 {
		t.Errorf("one damaged file: %+v, %v", c.Damaged, err)
	}
	bad := write(t, map[string]string{"U1S1.TXT": "2\n4 5 6 0\n7 8 z 9\n"})
	if _, err := Load(SVC2004Task1, bad["directory"], Filter{}); !errors.Is(err, biometrics.ErrMalformed) {
		t.Errorf("bad rows: %v", err)
	}
}

// check holds what every reader promises: no panic, a known error, and what it
// accepts starts with a point that starts a stroke.
func check(t *testing.T, read func([]byte) (capture.Signature, bool, error), data []byte) {
	s, ok, err := read(data)
	if err != nil && !errors.Is(err, biometrics.ErrMalformed) && !errors.Is(err, biometrics.ErrLimit) {
		t.Fatal(err)
	}
	if err == nil && ok && (len(s.Points) == 0 || !s.Points[0].Start || !s.Points[0].Down || s.Points[0].Time != 0) {
		t.Fatalf("accepted %+v", s.Points)
	}
}

func fuzz(f *testing.F, corpus Name, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	read := formats[corpus].read
	f.Fuzz(func(t *testing.T, data []byte) { check(t, read, data) })
}

func FuzzSVC2004Task1(f *testing.F) { fuzz(f, SVC2004Task1, svc1, svc2) }
func FuzzSVC2004Task2(f *testing.F) { fuzz(f, SVC2004Task2, svc1, svc2) }
func FuzzSigComp2009(f *testing.F)  { fuzz(f, SigComp2009, hwr) }
func FuzzSUSIG(f *testing.F)        { fuzz(f, SUSIGBlind, sig) }
func FuzzFinger(f *testing.F)       { fuzz(f, AndroidFinger, sig) }
func FuzzMCYT(f *testing.F) {
	one := [][5]float32{{1, 2, 3, 4, 5}}
	fuzz(f, MCYT100, string(fpg(48, one)), string(fpg(60, one)), string(fpg(40, one)), "x y p az in\n1 2 3 4 5\n", "1 2 3\n")
}
