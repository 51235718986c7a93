package corpus

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// pack writes a tar.gz of files, in the order of their names.
func pack(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		must(t, tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		_, err := tw.Write([]byte(files[name]))
		must(t, err)
	}
	must(t, tw.Close())
	must(t, gz.Close())
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
}

func sum16(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:16] }

const indexHead = "file,user,label,sample,forger_or_session,points,sha256_16\n"

// A copy that was packed again: its own names, told by an index beside it, read
// from the archive, from the directory of both and from the unpacked tree.
func TestIndexNamesFiles(t *testing.T) {
	sample := string(fpg(48, [][5]float32{{0, 0, 100, 180, 60}, {10, 20, 500, 180, 60}, {11, 21, 0, 180, 60}, {13, 23, 5, 180, 60}}))
	other := sample + "x" // another content: bytes after the last vector do not matter
	files := map[string]string{"mcyt/a.fpg": sample, "mcyt/b.fpg": other, "mcyt/c.fpg": sample, "mcyt/d.fpg": sample, "mcyt/e.fpg": sample}
	table := indexHead +
		"mcyt/a.fpg,person7,G,2,1,4," + sum16(sample) + "\n" +
		"mcyt/b.fpg,person7,G,1,2,4,\n" +
		"mcyt/c.fpg,person7,F,1,person9,4," + sum16(sample) + "\n" +
		"mcyt/d.fpg,person12,genuine,1,,4,\n" +
		"mcyt/gone.fpg,person12,genuine,2,,4,\n"
	dir := t.TempDir()
	packed := filepath.Join(dir, "packed", "mcyt100.tar.gz")
	tree := filepath.Join(dir, "tree")
	must(t, os.MkdirAll(filepath.Dir(packed), 0o755))
	pack(t, packed, files)
	must(t, os.WriteFile(filepath.Join(dir, "packed", "mcyt100.index.csv"), []byte(table), 0o600))
	for name, data := range files { // unpacked without the folder that the index names
		must(t, os.MkdirAll(tree, 0o755))
		must(t, os.WriteFile(filepath.Join(tree, filepath.Base(name)), []byte(data), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(tree, "index.csv"), []byte(table), 0o600))
	for _, path := range []string{packed, filepath.Dir(packed), tree, dir} {
		c, err := Load(MCYT100, path, Filter{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(c.Users) != 2 || c.Users[0].ID != "person7" || c.Users[0].Number != 7 || len(c.Users[0].Genuine) != 2 || len(c.Users[0].Forgeries) != 1 {
			t.Errorf("%s: %+v", path, c.Users)
			continue
		}
		g, f := c.Users[0].Genuine, c.Users[0].Forgeries[0]
		if g[0].Session != 1 || g[0].Sample != 2 || g[1].Session != 2 || f.Forger != "person9" || f.Session != 0 {
			t.Errorf("%s: %+v %+v", path, g, f)
		}
		if !slices.Equal(c.Missing, []string{"mcyt/gone.fpg"}) && path != dir {
			t.Errorf("%s: missing %v", path, c.Missing)
		}
	}
	if c, err := Load(MCYT100, packed, Filter{From: 8, To: 20, Set: true}); err != nil || len(c.Users) != 1 || c.Users[0].ID != "person12" {
		t.Errorf("filter by the index's users: %+v, %v", c, err)
	}
}

func TestIndexHashIsChecked(t *testing.T) {
	dir := t.TempDir()
	files, table := map[string]string{}, indexHead
	for s := 1; s <= 40; s++ {
		name := fmt.Sprintf("Task1/U1S%d.TXT", s)
		files[name] = svc1
		label := "G"
		if s > 20 {
			label = "F"
		}
		table += fmt.Sprintf("%s,U1,%s,%d,,4,%s\n", name, label, s, sum16(svc1))
	}
	files["Task1/U1S3.TXT"] = strings.Replace(svc1, "1010", "1011", 1)
	pack(t, filepath.Join(dir, "task1.tar.gz"), files)
	must(t, os.WriteFile(filepath.Join(dir, "task1.index.csv"), []byte(table), 0o600))
	c, err := Load(SVC2004Task1, dir, Filter{})
	if err != nil || len(c.Damaged) != 1 || !strings.Contains(c.Damaged[0], "U1S3.TXT: the file is not the one of the index") || len(c.Users[0].Genuine) != 19 {
		t.Errorf("%+v, %v", c, err)
	}
}

// One index over several corpora must not mix them.
func TestIndexOfSeveralCorpora(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"svc/USER1_1.txt": svc2, "svc/U1S1.TXT": svc2, "s/VisualSubCorpus/GENUINE/SESSION1/001_1_1.sig": sig, "s/BlindSubCorpus/GENUINE/001_g_1.sig": sig}
	table := indexHead
	for name := range files {
		table += name + ",1,G,1,,4,\n"
	}
	pack(t, filepath.Join(dir, "all.tgz"), files)
	must(t, os.WriteFile(filepath.Join(dir, "all.index.csv"), []byte(table), 0o600))
	for corpus, want := range map[Name]string{SVC2004Task2: "all/svc/U1S1.TXT", SVC2004Sample: "all/svc/USER1_1.txt", SUSIGVisual: "all/s/VisualSubCorpus/GENUINE/SESSION1/001_1_1.sig", SUSIGBlind: "all/s/BlindSubCorpus/GENUINE/001_g_1.sig"} {
		c, err := Load(corpus, dir, Filter{})
		if err != nil || len(c.Users) != 1 || len(c.Users[0].Genuine) != 1 || c.Users[0].Genuine[0].File != want {
			t.Errorf("%s: %+v, %v", corpus, c, err)
		}
	}
}

func TestMCYTText(t *testing.T) {
	want, _, err := readMCYT(fpg(48, [][5]float32{{0, 0, 100, 180, 60}, {10, -20, 500, 180, 60}, {11, 21, 0, 180, 60}, {13, 23, 5, 180, 60}}))
	must(t, err)
	if want.Points[0].TiltX >= 0 || want.Points[0].TiltX < -3100 { // 30 degrees off the upright, to the left
		t.Errorf("tilt %d", want.Points[0].TiltX)
	}
	for name, text := range map[string]string{
		"plain":         "0 0 100 180 60\n10 -20 500 180 60\n11 21 0 180 60\n13 23 5 180 60\n",
		"count":         "4\r\n0 0 100 180 60\r\n10 -20 500 180 60\r\n11 21 0 180 60\r\n13 23 5 180 60\r\n",
		"tenths":        "0,0,100,1800,600\n10,-20,500,1800,600\n11,21,0,1800,600\n13,23,5,1800,600\n",
		"named columns": "Azimuth,Altitude,t,Pressure,Y,X\n180,60,0,100,0,0\n180,60,10,500,-20,10\n180,60,20,0,21,11\n180,60,30,5,23,13\n",
	} {
		got, ok, err := readMCYT([]byte(text))
		if err != nil || !ok || !slices.Equal(got.Points, want.Points) || got.Device != want.Device {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if s, _, err := readMCYT([]byte("1 2 3\n4 5 6\n")); err != nil || s.Device.HasTilt || !s.Device.HasPressure {
		t.Errorf("three columns: %+v, %v", s, err)
	}
	for name, text := range map[string]string{"seven columns, no heading": "1 2 3 4 5 6 7\n", "empty": "", "ragged": "1 2 3\n1 2 3 4 5\n"} {
		if _, _, err := readMCYT([]byte(text)); !errors.Is(err, biometrics.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// SUSIG devices have more levels of pressure than was documented in some files:
// one scale for the whole corpus.
func TestOnePressureScale(t *testing.T) {
	dir := t.TempDir()
	low := "h\nh\n1 1 0 64 0\n2 1 10 64 0\n3 1 20 64 0\n4 1 30 127 1\n"
	high := strings.ReplaceAll(low, "127", "250")
	pack(t, filepath.Join(dir, "v.tgz"), map[string]string{"001_1_1.sig": low, "001_1_2.sig": high})
	c, err := Load(SUSIGVisual, dir, Filter{})
	must(t, err)
	a, b := c.Users[0].Genuine[0].Signature, c.Users[0].Genuine[1].Signature
	if a.Device.PressureLevels != 256 || b.Device.PressureLevels != 256 || a.Points[0].Pressure != b.Points[0].Pressure {
		t.Errorf("%+v %+v", a, b)
	}
	if want := uint16(64 * capture.MaxPressure / 255); a.Points[0].Pressure-want > 1 && want-a.Points[0].Pressure > 1 {
		t.Errorf("64 of 255 is %d, want %d", a.Points[0].Pressure, want)
	}
}

// An error says what was expected and what was found.
func TestNothingFits(t *testing.T) {
	dir := t.TempDir()
	strange := filepath.Join(dir, "strange.tgz")
	pack(t, strange, map[string]string{"x/signature-1.fpg": "FPG ", "x/notes.md": ""})
	task2 := filepath.Join(dir, "task2.tgz")
	pack(t, task2, map[string]string{"U1S1.TXT": svc2})
	indexed := filepath.Join(dir, "indexed.tgz")
	pack(t, indexed, map[string]string{"x/U1S1.TXT": svc2, "index.csv": indexHead + "x/U1S1.TXT,1,G,1,,4,\n"})
	text := filepath.Join(dir, "words.txt")
	must(t, os.WriteFile(text, []byte("words"), 0o600))
	empty := filepath.Join(dir, "empty")
	must(t, os.Mkdir(empty, 0o755))
	for _, tt := range []struct {
		corpus Name
		path   string
		filter Filter
		want   []string
	}{
		{MCYT100, strange, Filter{}, []string{"0000v00.fpg", "found x/signature-1.fpg"}},
		{SUSIGBlind, strange, Filter{}, []string{"none of the 2 files", ".sig", "001_g_1.sig"}},
		{SVC2004Task1, task2, Filter{}, []string{"1 files of that name but none with the right columns", "X Y T BUTTON"}},
		{SVC2004Task2, task2, Filter{From: 21, To: 40, Set: true}, []string{"none of the users 21 to 40"}},
		{SUSIGBlind, indexed, Filter{}, []string{"001_g_1.sig", "found x/U1S1.TXT"}},
		{SigComp2009, empty, Filter{}, []string{"none of the 0 files", ".hwr"}},
		{SigComp2009, text, Filter{}, []string{"neither a directory nor a .tar.gz"}},
		{"mcyt", empty, Filter{}, []string{"want one of", "mcyt100"}},
	} {
		_, err := Load(tt.corpus, tt.path, tt.filter)
		if err == nil {
			t.Errorf("%s %s: no error", tt.corpus, tt.path)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, without %q", tt.corpus, filepath.Base(tt.path), err, want)
			}
		}
	}
}

// Archives are told apart by their first bytes; files that macOS leaves behind
// and a tree beside its own archive do not count.
func TestArchivesAsFound(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"a/b/c/0003/0003v00.fpg": "", "a/b/c/0003/._0003v00.fpg": "junk"}
	files["a/b/c/0003/0003v00.fpg"] = string(fpg(60, [][5]float32{{1, 2, 3, 1800, 600}, {2, 2, 3, 1800, 600}, {3, 2, 3, 1800, 600}, {4, 2, 3, 1800, 600}}))
	pack(t, filepath.Join(dir, "corpus"), files) // no ending at all
	must(t, os.MkdirAll(filepath.Join(dir, "all", "x"), 0o755))
	pack(t, filepath.Join(dir, "all", "corpus.tgz"), files)
	must(t, os.WriteFile(filepath.Join(dir, "all", "x", "0003v00.fpg"), []byte(files["a/b/c/0003/0003v00.fpg"]), 0o600))
	for _, path := range []string{"corpus", "all"} {
		c, err := Load(MCYT100, filepath.Join(dir, path), Filter{})
		if err != nil || len(c.Users) != 1 || len(c.Users[0].Genuine) != 1 || c.Users[0].Number != 3 {
			t.Errorf("%s: %+v, %v", path, c, err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(indexHead+"a/b.fpg,1,G,1,,4,\n"), "x/a/b.fpg")
	f.Add([]byte("label,file,user\n\"F\",\"..\\..\\a\",\"u\"\n"), "a")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		x := newIndex()
		if err := x.add(bytes.NewReader(data)); err != nil && !errors.Is(err, biometrics.ErrMalformed) && !errors.Is(err, biometrics.ErrLimit) {
			t.Fatal(err)
		}
		for _, r := range x.rows {
			if got := x.find(r.file); got == nil || got.file != r.file {
				t.Fatalf("%q is not found", r.file)
			}
			var it Item
			r.fill(&it)
			if it.User == "" {
				t.Fatal("no user")
			}
		}
		x.find(name)
	})
}
