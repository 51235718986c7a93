package report

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
)

// signature reads a synthetic signature of testdata.
func signature(t *testing.T, name string) capture.Signature {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "testdata", "signatures", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(v string) float64 {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sig := capture.Signature{Device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 378, NominalScale: true, HasPressure: true, HasTime: true}}
	down := false
	for _, r := range rows[1:] {
		p := capture.Point{Time: int64(number(r[0]) * 1000), X: int32(number(r[1]) * 100), Y: int32(number(r[2]) * 100), Pressure: uint16(number(r[3])), Down: r[6] == "1"}
		p.Start = p.Down && !down
		down = p.Down
		sig.Points = append(sig.Points, p)
	}
	return sig
}

// input is a case of two questioned signatures and five references, compared.
func input(t *testing.T, language string) Input {
	t.Helper()
	at := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	c := &dispute.Case{ID: strings.Repeat("c", 32), Created: at, Changed: at.Add(time.Hour), KeepUntil: at.AddDate(1, 0, 0),
		Words: dispute.Words{Reference: "2026-17", Question: "Did Chloé Martin (王小明) write the signature on the lease of 12 March?", Parties: "She says that she was abroad.\nThe landlord says that she signed in his office."}}
	in := Input{Case: c, Language: language}
	var refs []capture.Signature
	add := func(name, label string, part dispute.Part) dispute.Sampled {
		sig := signature(t, name)
		item := dispute.Item{ID: label, Label: label, Part: part, Origin: dispute.FromFile, Filename: name + ".csv", Note: "handed over by the claimant", Added: at, SHA256: strings.Repeat("ab", 32), Device: sig.Device, Quality: compare.Measure(sig)}
		c.Items = append(c.Items, item)
		s := dispute.Sampled{Item: item, Signature: sig}
		in.Samples = append(in.Samples, s)
		return s
	}
	questioned := []dispute.Sampled{add("w1-genuine-06", "Q1", dispute.Questioned), add("w1-forgery-01", "Q2", dispute.Questioned)}
	run := dispute.Run{ID: "r", At: at.Add(time.Hour), By: "ada"}
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		s := add("w1-genuine-0"+n, "K"+n, dispute.Reference)
		refs = append(refs, s.Signature)
		run.References = append(run.References, dispute.Used{Item: s.ID, SHA256: s.SHA256})
	}
	c.Items = append(c.Items, dispute.Item{ID: "K9", Label: "K9", Part: dispute.Reference, Origin: dispute.FromContainer, Filename: "old.asice", Added: at, SHA256: strings.Repeat("cd", 32),
		Checks: &evidence.Report{Checks: []evidence.Check{{Status: evidence.Holds, Text: "fine"}, {Code: "deposit.file.changed", Status: evidence.Fails, Part: "data/contract-signed.pdf", Text: "It was changed."}}}})
	comparator, err := compare.New(compare.Config{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range questioned {
		k, err := comparator.Compare(t.Context(), refs, q.Signature)
		if err != nil {
			t.Fatal(err)
		}
		run.Results = append(run.Results, dispute.Result{Used: dispute.Used{Item: q.ID, SHA256: q.SHA256}, Comparison: &k})
	}
	c.Runs = []dispute.Run{run}
	threshold := 0.3
	c.Items[0].Face = &biometrics.FaceFinding{Outcome: biometrics.FaceCompared, EnrolledAt: &at,
		Score: &biometrics.FaceScore{Likeness: 0.71, Lowest: 0.64, Steady: 0.88, Frames: 12, Threshold: &threshold, Model: strings.Repeat("ef", 32)}}
	c.Items[1].Face = &biometrics.FaceFinding{Outcome: biometrics.FaceUnavailable, Code: biometrics.FaceNoModel, Reason: "no model"}
	c.Items[2].Face = &biometrics.FaceFinding{Outcome: biometrics.FaceEnrolled, EnrolledAt: &at}
	c.Notes = []dispute.Note{{ID: "n", Item: "Q1", X: 12, Y: 3, Text: "The pen stops here."}}
	for i, kind := range []string{"case.created", "case.item-added", "case.read", "case.compared"} {
		in.Custody = append(in.Custody, Line{Event: api.Event{Seq: int64(i + 1), At: at.Add(time.Duration(i) * time.Minute), Kind: kind}, By: "Ada Durand"})
	}
	return in
}

func write(t *testing.T, in Input) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, in); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReportIsReproducible(t *testing.T) {
	for language := range texts {
		t.Run(language, func(t *testing.T) {
			in := input(t, language)
			first := write(t, in)
			// Reading, exporting and reporting go on: the report stays as it is.
			for i, kind := range []string{"case.read", "case.watched", "case.reported", "case.exported"} {
				in.Custody = append(in.Custody, Line{Event: api.Event{Seq: int64(5 + i), Kind: kind}, By: "Ada Durand"})
			}
			if !bytes.Equal(first, write(t, in)) {
				t.Error("the same case gives another report")
			}
			in.Case.Items[0].Face.Score.Likeness = 0.72
			if bytes.Equal(first, write(t, in)) {
				t.Error("the face in the video is not in the report")
			}
			in.Case.Items[0].Face.Score.Likeness = 0.71
			in.Case.Notes[0].Text = "The pen stops there."
			if bytes.Equal(first, write(t, in)) {
				t.Error("a changed case gives the same report")
			}
			if _, err := pdf.Inspect(bytes.NewReader(first), int64(len(first)), pdf.Limits{}); err != nil {
				t.Errorf("the report is no sound PDF: %v", err)
			}
			if folder := os.Getenv("REPORTS"); folder != "" { // to look at them
				if err := os.WriteFile(filepath.Join(folder, "report-"+language+".pdf"), first, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Every report can be read by a program as it is by people, in its own language, with
// all its letters in it: no font of the reader's machine is needed.
func TestReportIsInItsLanguage(t *testing.T) {
	words := map[string][]string{
		"en": {"Case begun", "Share of the time in the air", "Compared", "This file was changed or damaged after the seal."}, "fr": {"Dossier commencé", "Part du temps en l’air", "Comparaison", "Ce fichier a été modifié ou abîmé après le scellement."},
		"zh-Hant": {"建立案件", "空中時間所占比例", "讀取簽名", "此檔案在封存後被變更或損壞。"}, "zh-Hans": {"创建案件", "空中时间所占比例", "读取签名", "此文件在封存后被更改或损坏。"},
	}
	for language := range texts {
		t.Run(language, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report.pdf")
			in := input(t, language)
			in.Custody = append(in.Custody, Line{Event: api.Event{Seq: 5, Kind: "case.annotated"}, By: "王小明"})
			if err := os.WriteFile(path, write(t, in), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("pdftotext", "-layout", path, "-").Output()
			if err != nil {
				t.Fatalf("%v: run make deps", err)
			}
			text := strings.Join(strings.Fields(string(out)), " ")
			for _, want := range append(words[language], "It was changed.", "Ada Durand", "王小明") {
				if !strings.Contains(text, want) {
					t.Errorf("the report lacks %q", want)
				}
			}
			for other, theirs := range words {
				if other != language && strings.Contains(text, theirs[0]) {
					t.Errorf("%q is %s", theirs[0], other)
				}
			}
			if strings.ContainsRune(text, '\uFFFD') || regexp.MustCompile(`\b(case|evidence)\.[a-z]`).MatchString(text) {
				t.Error("letters that no font has, or codes instead of words")
			}
			fonts, err := exec.Command("pdffonts", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(fonts)), "\n")
			if len(lines) < 3 {
				t.Fatalf("fonts:\n%s", fonts)
			}
			for _, line := range lines[2:] {
				if !strings.Contains(line, "yes yes yes") {
					t.Errorf("not embedded as a subset with its text: %s", line)
				}
			}
		})
	}
}

// pdfText is what a reader of the report reads.
func pdfText(t *testing.T, in Input) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(path, write(t, in), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// A signature without a scale is in units, at a scale of its own: it neither makes the
// others small nor stands in mm.
func TestReportOfUnknownScale(t *testing.T) {
	in := input(t, "en")
	wide, high := extent(in.Samples)
	last := &in.Samples[len(in.Samples)-1]
	last.Signature.Device.UnitsPerMM, last.Device.UnitsPerMM = 0, 0
	if w, h := extent(in.Samples); w > wide || h > high {
		t.Errorf("the others are drawn in %g x %g instead of %g x %g", w, h, wide, high)
	}
	text := pdfText(t, in)
	x0, y0, x1, y1 := bounds(last.Signature)
	size := number(x1-x0, 0) + " × " + number(y1-y0, 0)
	if !strings.Contains(text, size+" units") || strings.Contains(text, size+" mm") || !strings.Contains(text, "K5: no scale is known, so lengths cannot be compared.") {
		t.Errorf("K5 is not said to have no scale: %.2000s", text)
	}
	// A questioned one: its curves are in units, without those of a reference in mm.
	first := &in.Samples[0]
	first.Signature.Device.UnitsPerMM, in.Case.Items[0].Device.UnitsPerMM = 0, 0
	text = pdfText(t, in)
	for _, want := range []string{"x units", "y units", "units/s", "its lengths have no unit in common with Q1", "Q1 (12.0 | 3.0 units)", "Q1, K5: no scale"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// Why there is no answer is told in the report's language, then exactly.
func TestReportTellsTrouble(t *testing.T) {
	in := input(t, "fr")
	in.Case.Runs[0].Results[1] = dispute.Result{Used: dispute.Used{Item: "Q2"}, Trouble: "It has 3 points (too-short).", Code: biometrics.CodeTooShort}
	if text := pdfText(t, in); !strings.Contains(text, "Q2: Très court. It has 3 points (too-short).") {
		t.Errorf("%.2000s", text)
	}
}

// What forbids a decision is read before the words of the ratio, in the summary too.
func TestReportTellsWhatForbidsADecision(t *testing.T) {
	in := input(t, "fr")
	k := in.Case.Runs[0].Results[0].Comparison
	k.Problems = append(k.Problems, biometrics.Problem{Code: biometrics.CodeReplay, Severity: biometrics.Refusal})
	text := strings.Join(strings.Fields(pdfText(t, in)), " ")
	if n := strings.Count(text, "La signature contestée est la copie d’une référence. Les"); n != 2 {
		t.Errorf("said %d times before the words of the ratio, want in the summary and in the results:\n%.3000s", n, text)
	}
}

func TestReportOfLittle(t *testing.T) {
	c := &dispute.Case{Words: dispute.Words{Reference: "1", Question: "who?"}}
	c.Runs = []dispute.Run{{Results: []dispute.Result{{Used: dispute.Used{Item: "gone"}, Trouble: "The signature is too short."}}}}
	write(t, Input{Case: c, Language: "en"})
	c.Items = []dispute.Item{{ID: "a", Label: "Q1", Part: dispute.Questioned}}
	write(t, Input{Case: c, Language: "fr", Samples: []dispute.Sampled{{Item: c.Items[0]}, {Item: c.Items[0], Signature: capture.Signature{Points: []capture.Point{{Down: true}}}}}})
	var b bytes.Buffer
	if err := Write(&b, Input{Case: c, Language: "de"}); err == nil {
		t.Error("a report in a language that there is not")
	}
}

// TestEveryPhraseInEveryLanguage finds what a language lacks, and a format that
// takes other values.
func TestEveryPhraseInEveryLanguage(t *testing.T) {
	english := reflect.ValueOf(texts["en"])
	for _, language := range api.Languages() {
		w, ok := texts[language]
		if !ok {
			t.Errorf("no words in %s", language)
			continue
		}
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			name, field, want := v.Type().Field(i).Name, v.Field(i), english.Field(i)
			switch field.Kind() {
			case reflect.String:
				if field.String() == "" || strings.Count(field.String(), "%") != strings.Count(want.String(), "%") {
					t.Errorf("%s.%s is %q", language, name, field.String())
				}
			default:
				if field.Len() != want.Len() {
					t.Errorf("%s.%s has %d entries, want %d", language, name, field.Len(), want.Len())
				}
			}
		}
		face, en := reflect.ValueOf(faceTexts[language]), faceTexts["en"]
		for i := range face.NumField() - 1 {
			if face.Field(i).String() == "" {
				t.Errorf("%s lacks %s of the face", language, face.Type().Field(i).Name)
			}
		}
		for code := range en.reasons {
			if faceTexts[language].reasons[code] == "" {
				t.Errorf("%s lacks the reason %s", language, code)
			}
		}
		for _, outcome := range []biometrics.Outcome{biometrics.Accept, biometrics.Reject, biometrics.Inconclusive} {
			if w.outcomes[outcome] == "" {
				t.Errorf("%s lacks the outcome %s", language, outcome)
			}
		}
	}
}
