package corpus

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkwitness/biometrics"
)

// Copies of the corpora as they are found: each layout with made-up files.

func tgz(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.tgz")
	pack(t, path, files)
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

func zipOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range files {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte(data))
		must(t, err)
	}
	must(t, z.Close())
	return b.String()
}

// susigVisualFiles are two people of the main set, one of the validation set.
func susigVisualFiles(root string) map[string]string {
	out := map[string]string{}
	for _, user := range []string{"001", "115"} {
		for s := 1; s <= 10; s++ {
			out[fmt.Sprintf("%sGENUINE/SESSION1/%s_1_%d.sig", root, user, s)] = sig
			out[fmt.Sprintf("%sGENUINE/SESSION2/%s_2_%d.sig", root, user, s)] = sig
			out[fmt.Sprintf("%sFORGERY/%s_f_%d.sig", root, user, s)] = sig
		}
	}
	for s := 1; s <= 10; s++ {
		out[fmt.Sprintf("%sVALIDATION/VALIDATION_GENUINE/012_1_%d.sig", root, s)] = sig
		out[fmt.Sprintf("%sVALIDATION/VALIDATION_FORGERY/012_f_%d.sig", root, s)] = sig
	}
	return out
}

func susigBlindFiles(root string) map[string]string {
	out := map[string]string{}
	for s := 1; s <= 10; s++ {
		out[fmt.Sprintf("%sGENUINE/039_g_%d.sig", root, s)] = sig
		out[fmt.Sprintf("%sFORGERY/039_f_%d.sig", root, s)] = sig
	}
	return out
}

func mcytFiles(root string, file string) map[string]string {
	out := map[string]string{}
	for _, user := range []string{"0000", "0099"} {
		for s := range 25 {
			out[fmt.Sprintf("%s%s/%sv%02d.fpg", root, user, user, s)] = file
			out[fmt.Sprintf("%s%s/%sf%02d.fpg", root, user, user, s)] = file
		}
	}
	return out
}

func svcFiles(root string, users ...int) map[string]string {
	out := map[string]string{}
	for _, u := range users {
		for s := 1; s <= 40; s++ {
			out[fmt.Sprintf("%sU%dS%d.TXT", root, u, s)] = svc2
		}
	}
	return out
}

func nfiFiles(root string) map[string]string {
	out := map[string]string{}
	for s := 1; s <= 12; s++ {
		rows := strings.Repeat("120 220 600 1800 600\n", s) + "125 225 610 1800 600\n126 226 620 1800 600\n"
		out[fmt.Sprintf("%sgenuines/NFI-085%02d085.hwr", root, s)] = hwr + rows
		out[fmt.Sprintf("%sforgeries/NFI-024%02d085.hwr", root, s)] = hwr + rows
	}
	return out
}

func join(maps ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range maps {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// upper writes names as another file system gave them.
func upper(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[strings.ToUpper(k)] = v
	}
	return out
}

func TestLayouts(t *testing.T) {
	vector := [][5]float32{{1, 2, 3, 1800, 600}, {2, 2, 3, 1800, 600}, {3, 2, 3, 1800, 600}, {4, 2, 3, 1800, 600}}
	fpg48, fpg60, fpg40 := string(fpg(48, vector)), string(fpg(60, vector)), string(fpg(40, vector))
	both := join(susigVisualFiles("SUSig/VisualSubCorpus/"), susigBlindFiles("SUSig/BlindSubCorpus/"))
	type user struct{ number, genuine, forgeries, sessions int }
	visual := []user{{1, 20, 10, 2}, {12, 10, 10, 1}, {115, 20, 10, 2}}
	blind := []user{{39, 10, 10, 0}}
	mcytUsers := []user{{0, 25, 25, 0}, {99, 25, 25, 0}}
	svcUsers := []user{{21, 20, 20, 2}, {22, 20, 20, 2}}
	for name, tt := range map[string]struct {
		corpus Name
		files  map[string]string
		want   []user
	}{
		"SUSIG, visual of both":                {SUSIGVisual, both, visual},
		"SUSIG, blind of both":                 {SUSIGBlind, both, blind},
		"SUSIG, capitals":                      {SUSIGVisual, upper(both), visual},
		"SUSIG, part in a root that says both": {SUSIGBlind, join(susigVisualFiles("visual-and-blind/visual/"), susigBlindFiles("visual-and-blind/blind/")), blind},
		"SUSIG, blind below a folder visual":   {SUSIGBlind, susigBlindFiles("SUSIG_visual/BlindSubCorpus/"), blind},
		"SUSIG, only the part":                 {SUSIGBlind, susigBlindFiles(""), blind},
		"SUSIG, a zip for each part":           {SUSIGVisual, map[string]string{"SUSig/VisualSubCorpus.zip": zipOf(t, susigVisualFiles("")), "SUSig/BlindSubCorpus.zip": zipOf(t, susigBlindFiles(""))}, visual},
		"SUSIG, a tgz in a tgz":                {SUSIGBlind, map[string]string{"a/b/SUSig.tgz": tgz(t, both)}, blind},
		"MCYT":                                 {MCYT100, mcytFiles("MCYT_Signature_100/", fpg48), mcytUsers},
		"MCYT, users alone":                    {MCYT100, mcytFiles("", fpg60), mcytUsers},
		"MCYT, capitals, first version":        {MCYT100, upper(mcytFiles("x/y/MCYT/", fpg40)), mcytUsers},
		"MCYT, a zip a user":                   {MCYT100, map[string]string{"0000.zip": zipOf(t, mcytFiles("", fpg48)), "0099.zip": zipOf(t, mcytFiles("", fpg48))}, mcytUsers},
		"SVC2004, some users":                  {SVC2004Task2, join(svcFiles("t/Task2/", 21, 22), map[string]string{"t/ReadMe.txt": "users 21 and 22"}), svcUsers},
		"SVC2004, small letters":               {SVC2004Task2, map[string]string{"Task2.zip": zipOf(t, map[string]string{}), "u21.zip": zipOf(t, svcFiles("", 21)), "u22.zip": zipOf(t, svcFiles("", 22))}, svcUsers},
		"NFI, another root":                    {SigComp2009, nfiFiles("withheld/part/"), []user{{85, 12, 12, 0}}},
		"NFI, no root":                         {SigComp2009, nfiFiles(""), []user{{85, 12, 12, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, path := range write(t, tt.files) {
				c, err := Load(tt.corpus, path, Filter{})
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				var got []user
				for _, u := range c.Users {
					sessions := map[int]bool{}
					for i, g := range u.Genuine {
						sessions[g.Session] = true
						if o := max(0, i-1); u.Genuine[o].Session > g.Session || u.Genuine[o].Session == g.Session && u.Genuine[o].Sample > g.Sample {
							t.Fatalf("%s: %s after %s", kind, g.File, u.Genuine[o].File)
						}
					}
					delete(sessions, 0)
					got = append(got, user{u.Number, len(u.Genuine), len(u.Forgeries), len(sessions)})
				}
				if !slices.Equal(got, tt.want) || len(c.Damaged) > 0 {
					t.Errorf("%s: %+v, want %+v, damaged %v", kind, got, tt.want, c.Damaged)
				}
			}
		})
	}
}

// A table inside the archive that it describes is found, whatever stands before it.
func TestIndexInArchive(t *testing.T) {
	files := map[string]string{"a/one.sig": sig, "a/two.sig": sig + " ", "z/index.csv": indexHead + "a/one.sig,p3,G,1,,4,\na/two.sig,p3,F,1,,4,\n"}
	for kind, path := range write(t, files) {
		c, err := Load(SUSIGBlind, path, Filter{})
		if err != nil || len(c.Users) != 1 || c.Users[0].ID != "p3" || len(c.Users[0].Genuine) != 1 || len(c.Users[0].Forgeries) != 1 {
			t.Errorf("%s: %+v, %v", kind, c, err)
		}
	}
}

// What editors, old systems and other tools do to text files changes no point.
func TestTextAsFound(t *testing.T) {
	for corpus, text := range map[Name]string{SVC2004Task1: strings.ReplaceAll(svc1, "\r", ""), SVC2004Task2: svc2, SigComp2009: hwr, SUSIGVisual: sig} {
		read := formats[corpus].read
		want, ok, err := read([]byte(text))
		if err != nil || !ok {
			t.Fatal(corpus, err)
		}
		for kind, changed := range map[string]string{
			"CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "CR": strings.ReplaceAll(text, "\n", "\r"), "no end of line at the end": strings.TrimSuffix(text, "\n"),
			"byte order mark": "\ufeff" + text, "control-Z": text + "\x1a", "zeros": text + "\x00\x00\x00", "tabs": strings.ReplaceAll(text, " ", "\t"),
			"empty lines": strings.ReplaceAll(text, "\n", "\n\n"), "blanks at the end": strings.ReplaceAll(text, "\n", "  \n"),
		} {
			got, ok, err := read([]byte(changed))
			if err != nil || !ok || !slices.Equal(got.Points, want.Points) || got.Device != want.Device {
				t.Errorf("%s, %s: %+v, %v, %v", corpus, kind, got, ok, err)
			}
		}
	}
}

func TestBareFPG(t *testing.T) {
	vectors := [][5]float32{{1, 2, 300, 1800, 600}, {2, 2, 0, 1800, 600}, {3, 2, 1023, 1800, 600}, {4, 2, 3, 1800, 600}}
	want, _, err := readMCYT(fpg(48, vectors))
	must(t, err)
	full := fpg(48, vectors)
	for _, head := range []int{8, 12, 48} {
		bare := append([]byte{byte(head), 0, 32, 0, 4, 0, 0, 0, 100, 0, 0, 0}, make([]byte, 40)...)[:head]
		got, ok, err := readMCYT(append(bare, full[48:]...))
		if err != nil || !ok || !slices.Equal(got.Points, want.Points) || got.Device != want.Device {
			t.Errorf("header of %d: %+v, %v", head, got, err)
		}
		if _, _, err := readMCYT(append(bare, full[49:]...)); !errors.Is(err, biometrics.ErrMalformed) {
			t.Errorf("cut short: %v", err)
		}
	}
}

// One file without pressure does not take it from a corpus that has it; a finger
// set stays without.
func TestPressureOfMost(t *testing.T) {
	flat := strings.NewReplacer(" 5 0", " 0 0", " 6 1", " 0 1", " 7 0", " 0 0", " 8 1", " 0 1").Replace(sig)
	files := map[string]string{"001_1_1.sig": sig, "001_1_2.sig": sig + " ", "001_1_3.sig": flat}
	path := write(t, files)["directory"]
	c, err := Load(SUSIGVisual, path, Filter{})
	must(t, err)
	for _, g := range c.Users[0].Genuine {
		if d := g.Signature.Device; !d.HasPressure || d.PressureLevels != 128 {
			t.Errorf("%s: %+v", g.File, d)
		}
	}
	c, err = Load(SUSIGVisual, write(t, map[string]string{"001_1_3.sig": flat})["zip"], Filter{})
	if err != nil || c.Users[0].Genuine[0].Signature.Device.HasPressure {
		t.Errorf("no pressure at all: %+v, %v", c, err)
	}
}

// What cannot be read is refused with what to do.
func TestArchivesRefused(t *testing.T) {
	dir := t.TempDir()
	var locked bytes.Buffer
	z := zip.NewWriter(&locked)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "001_g_1.sig", Flags: 1, CompressedSize64: 1, UncompressedSize64: 1})
	must(t, err)
	_, err = w.Write([]byte{0})
	must(t, err)
	must(t, z.Close())
	deep := zipOf(t, susigBlindFiles(""))
	for range maxDepth + 1 {
		deep = zipOf(t, map[string]string{"x.zip": deep})
	}
	var half bytes.Buffer
	gz := gzip.NewWriter(&half)
	tw := tar.NewWriter(gz)
	must(t, tw.WriteHeader(&tar.Header{Name: "001_g_1.sig", Size: 1000, Typeflag: tar.TypeReg}))
	must(t, gz.Close())
	for name, tt := range map[string]struct {
		data string
		want string
	}{
		"locked.zip": {locked.String(), "is encrypted: unpack"},
		"deep.zip":   {deep, "archives in archives, more than 3 deep"},
		"half.tgz":   {half.String(), "the archive is damaged or cut short"},
		"x.7z":       {"7z\xbc\xaf\x27\x1c", "unpack what is packed otherwise"},
	} {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(tt.data), 0o600))
		if _, err := Load(SUSIGBlind, path, Filter{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
