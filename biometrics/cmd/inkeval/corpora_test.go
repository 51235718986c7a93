package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inkwitness/biometrics/evaluate"
	"inkwitness/capture"
)

// layouts write a made-up signature as each corpus does: its name by user, number
// from 1 and genuineness, and its bytes.
var layouts = map[string]struct {
	name func(user, n int, genuine bool) string
	file func(s capture.Signature) []byte
}{
	"svc2004-task1": {svcFile("Task1"), func(s capture.Signature) []byte {
		return lines(fmt.Sprintln(len(s.Points)), s, "%[1]d %[2]d %[3]d %[5]d\r\n")
	}},
	"svc2004-task2": {svcFile("Task2"), func(s capture.Signature) []byte {
		return lines(fmt.Sprintln(len(s.Points)), s, "%[1]d %[2]d %[3]d %[5]d 1500 600 %[4]d\r\n")
	}},
	"sigcomp2009": {func(user, n int, genuine bool) string {
		if genuine {
			return fmt.Sprintf("NFI/genuines/NFI-%03d%02d%03d.hwr", user, n, user)
		}
		return fmt.Sprintf("NFI/forgeries/NFI-090%02d%03d.hwr", n, user)
	}, func(s capture.Signature) []byte {
		return lines(fmt.Sprintf("ABCDE-012_345_678 %d\n", len(s.Points)), s, "%[1]d %[2]d %[4]d 1800 600\n")
	}},
	"mcyt100": {func(user, n int, genuine bool) string {
		kind := map[bool]string{true: "v", false: "f"}[genuine]
		return fmt.Sprintf("MCYT_Signature_100/%04d/%04d%s%02d.fpg", user-1, user-1, kind, n-1)
	}, fpgFile},
	"susig-visual": {func(user, n int, genuine bool) string {
		if genuine {
			return fmt.Sprintf("SUSig/VisualSubCorpus/GENUINE/SESSION%d/%03d_%d_%d.sig", 1+(n-1)/6, user, 1+(n-1)/6, 1+(n-1)%6)
		}
		return fmt.Sprintf("SUSig/VisualSubCorpus/FORGERY/%03d_f_%d.sig", user, n)
	}, susigFile},
	"susig-blind": {func(user, n int, genuine bool) string {
		if genuine {
			return fmt.Sprintf("SUSig/BlindSubCorpus/GENUINE/%03d_g_%d.sig", user, n)
		}
		return fmt.Sprintf("SUSig/BlindSubCorpus/FORGERY/%03d_f_%d.sig", user, n)
	}, susigFile},
}

func svcFile(task string) func(user, n int, genuine bool) string {
	return func(user, n int, genuine bool) string {
		if !genuine {
			n += 20
		}
		return fmt.Sprintf("%s/U%dS%d.TXT", task, user, n)
	}
}

// lines writes x, y upwards, ms, pressure of 1023, and 0 for the first point, 1
// for others.
func lines(head string, s capture.Signature, format string) []byte {
	var b strings.Builder
	b.WriteString(head)
	for i, p := range s.Points {
		fmt.Fprintf(&b, format, p.X, -p.Y, 1000+p.Time/1000, max(1, int(p.Pressure)*1023/capture.MaxPressure), min(i, 1))
	}
	return []byte(b.String())
}

func susigFile(s capture.Signature) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "X, Y, TStamp, Pres., EndPts\nDataSize: %d\n", len(s.Points))
	for i, p := range s.Points {
		fmt.Fprintf(&b, "%d %d %d %d %d\n", p.X, p.Y, p.Time/1000, int(p.Pressure)*127/capture.MaxPressure, i/(len(s.Points)-1))
	}
	return []byte(b.String())
}

func fpgFile(s capture.Signature) []byte {
	b := make([]byte, 48)
	copy(b, "FPG ")
	le := binary.LittleEndian
	le.PutUint16(b[4:], 48)
	le.PutUint16(b[6:], 4)
	le.PutUint16(b[10:], 1)
	le.PutUint16(b[16:], 32)
	le.PutUint32(b[26:], 5)
	le.PutUint32(b[30:], uint32(len(s.Points)))
	le.PutUint32(b[36:], 100)
	for _, p := range s.Points {
		for _, v := range []float64{float64(p.X), float64(-p.Y), float64(p.Pressure) / capture.MaxPressure * 1023, 1800, 600} {
			b = le.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	return b
}

// Every corpus is read, scored with one to ten references, and compared, by the
// commands that are promised.
func TestRunEveryCorpus(t *testing.T) {
	for name, l := range layouts {
		t.Run(name, func(t *testing.T) {
			dir, out := t.TempDir(), t.TempDir()
			r := rand.New(rand.NewPCG(9, 9))
			write := func(user, n int, genuine bool) {
				path := filepath.Join(dir, l.name(user, n, genuine))
				must(t, os.MkdirAll(filepath.Dir(path), 0o755))
				must(t, os.WriteFile(path, l.file(made(user, r, genuine)), 0o600))
			}
			for user := 1; user <= 3; user++ {
				for n := 1; n <= 12; n++ {
					write(user, n, true)
				}
				for n := 1; n <= 3; n++ {
					write(user, n, false)
				}
			}
			score := func(refs int, protocol, file string) (evaluate.Result, string, error) {
				text, notes, err := inkeval(t, "run", "--corpus", name, "--path", dir, "--protocol", protocol, "--refs", fmt.Sprint(refs), "--draws", "2", "--seed", "3",
					"--scores", filepath.Join(out, file), "--report", filepath.Join(out, "report"), "--json")
				var got evaluate.Result
				if err == nil {
					must(t, json.Unmarshal([]byte(text), &got))
				}
				return got, notes, err
			}
			for _, refs := range []int{1, 5, 10} {
				got, notes, err := score(refs, "rand", fmt.Sprintf("%d.csv", refs))
				must(t, err)
				if got.Users != 3 || got.References != refs || got.Seed != 3 || got.Draws != 2 || len(got.Rates) != 2 || got.Pressure != (name != "svc2004-task1") {
					t.Fatalf("%d references: %+v", refs, got)
				}
				if v := got.Rates[0]; v.Genuine != 3*2*(12-refs) || v.Forgeries != 3*2*3 || v.Common.Value > 0.35 {
					t.Errorf("%d references: %+v", refs, v)
				}
				if !strings.Contains(notes, "3 of 3") {
					t.Errorf("progress %q", notes)
				}
			}
			if _, _, err := score(12, "rand", "no.csv"); err == nil || !strings.Contains(err.Error(), "enough genuine signatures for 12 references") {
				t.Errorf("as many references as signatures: %v", err)
			}
			a, b := filepath.Join(out, "1.csv"), filepath.Join(out, "5.csv")
			if text, _, err := inkeval(t, "compare", a, a); err != nil || strings.Count(text, "within the noise") < 3 {
				t.Errorf("compare: %s, %v", text, err)
			}
			if _, _, err := inkeval(t, "compare", a, b); err == nil {
				t.Error("files of other trials are compared")
			}
		})
	}
}

// Wrong numbers are refused before anything is read.
func TestRunRefusesNumbers(t *testing.T) {
	for _, flag := range []string{"--refs=0", "--refs=33", "--refs=-1", "--draws=0", "--draws=1001", "--seed=0"} {
		_, _, err := inkeval(t, "run", "--corpus", "mcyt100", "--path", t.TempDir(), "--protocol", "rand", flag)
		if err == nil || !strings.Contains(err.Error(), "want 1 to 32 references") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
