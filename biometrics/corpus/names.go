package corpus

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"inkwitness/capture"
)

// format is how one corpus names and writes its files. name tells from a path
// whose signature it is; read returns false for a file of another corpus that
// looks alike. expect is for the error where nothing fits.
type format struct {
	ext    []string
	name   func(path string) (Item, bool)
	read   func(data []byte) (capture.Signature, bool, error)
	expect string
}

const (
	expectSVC   = "U1S1.TXT (user, sample; 1 to 20 genuine, 21 to 40 forgeries), a count, then X Y T BUTTON"
	expectSUSIG = "001_1_1.sig or 001_g_1.sig (genuine) and 001_f_1.sig (forgery), two lines of heading, then X Y TSTAMP PRESSURE ENDPTS"
)

var formats = map[Name]format{
	SVC2004Task1: {ext: []string{".txt"}, name: svcName, expect: expectSVC,
		read: func(d []byte) (capture.Signature, bool, error) { return readSVC(d, 4) }},
	SVC2004Task2: {ext: []string{".txt"}, name: svcName, expect: expectSVC + " AZIMUTH ALTITUDE PRESSURE",
		read: func(d []byte) (capture.Signature, bool, error) { return readSVC(d, 7) }},
	SVC2004Sample: {ext: []string{".txt"}, name: svcSampleName, expect: "USER1_1.txt, a count, then X Y T BUTTON AZIMUTH ALTITUDE PRESSURE",
		read: func(d []byte) (capture.Signature, bool, error) { return readSVC(d, 7) }},
	SigComp2009: {ext: []string{".hwr"}, name: sigCompName, read: readHWR,
		expect: "NFI-AAABBCCC.hwr (writer, sample, claimed writer), one line of heading, then X Y PRESSURE AZIMUTH ALTITUDE"},
	MCYT100: {ext: []string{".fpg", ".txt", ".csv", ".dat"}, name: mcytName, read: readMCYT,
		expect: "0000v00.fpg (genuine) and 0000f00.fpg (forgery), binary with FPG at the start, or the same as text: x y pressure azimuth altitude"},
	SUSIGVisual: {ext: []string{".sig", ".txt"}, name: susigVisualName, expect: expectSUSIG,
		read: func(d []byte) (capture.Signature, bool, error) { return readSUSIG(d, susigVisual) }},
	SUSIGBlind: {ext: []string{".sig", ".txt"}, name: susigBlindName, expect: expectSUSIG,
		read: func(d []byte) (capture.Signature, bool, error) { return readSUSIG(d, susigBlind) }},
	AndroidFinger: {ext: []string{".sig"}, name: susigAny, expect: expectSUSIG,
		read: func(d []byte) (capture.Signature, bool, error) { return readSUSIG(d, susigFinger) }},
}

var (
	svcPattern       = regexp.MustCompile(`^u0*(\d{1,5})_?s0*(\d{1,5})\.txt$`)
	svcSamplePattern = regexp.MustCompile(`^user0*(\d{1,5})_0*(\d{1,5})\.txt$`)
	hwrPattern       = regexp.MustCompile(`^(nfi[-_ ]?)?(\d{3})[-_]?(\d{2})[-_]?(\d{3})\.hwr$`)
	mcytPattern      = regexp.MustCompile(`^(?:u\d+_[gs]_)?(\d{1,6})([vf])(\d{1,3})\.(?:fpg|txt|csv|dat)$`)
	sigPattern       = regexp.MustCompile(`^u?(\d{1,4})[-_ ]([a-z]{1,2}|\d)[-_ ](\d{1,3})\.(?:sig|txt)$`)
	sigPlain         = regexp.MustCompile(`^u?(\d{1,4})[-_ ](\d{1,3})\.(?:sig|txt)$`)
)

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func base(file string) string { return strings.ToLower(path.Base(file)) }

// svcName reads U{user}S{sample}.TXT: 1 to 20 are genuine, in two sessions of
// ten; 21 to 40 are skilled forgeries.
func svcName(file string) (Item, bool) {
	return svcParts(svcPattern.FindStringSubmatch(base(file)), "U")
}

// svcSampleName reads USER{user}_{sample}.txt, numbered as above.
func svcSampleName(file string) (Item, bool) {
	return svcParts(svcSamplePattern.FindStringSubmatch(base(file)), "USER")
}

func svcParts(m []string, prefix string) (Item, bool) {
	if m == nil {
		return Item{}, false
	}
	user, sample := number(m[1]), number(m[2])
	if sample < 1 || sample > 40 {
		return Item{}, false
	}
	it := Item{User: prefix + strconv.Itoa(user), Number: user, Genuine: sample <= 20, Sample: sample}
	if it.Genuine {
		it.Session = 1 + (sample-1)/10
	}
	return it, true
}

// sigCompName reads NFI-AAABBCCC.hwr: writer AAA, attempt BB, claimed writer
// CCC; genuine where AAA is CCC.
func sigCompName(file string) (Item, bool) {
	m := hwrPattern.FindStringSubmatch(base(file))
	if m == nil {
		return Item{}, false
	}
	return Item{User: m[4], Number: number(m[4]), Genuine: m[2] == m[4], Sample: number(m[3]), Forger: m[2]}, true
}

// mcytName reads {user}v{sample}.fpg (genuine) and {user}f{sample}.fpg, also
// with the endings of text and with the prefix that DeepSignDB gives them.
func mcytName(file string) (Item, bool) {
	m := mcytPattern.FindStringSubmatch(base(file))
	if m == nil {
		return Item{}, false
	}
	return Item{User: m[1], Number: number(m[1]), Genuine: m[2] == "v", Sample: number(m[3])}, true
}

// susigVisualName and susigBlindName take the files of one part: those below a
// folder that names it, and those whose folders name neither part.
func susigVisualName(file string) (Item, bool) {
	if susigPart(file) == "blind" {
		return Item{}, false
	}
	return susigAny(file)
}

func susigBlindName(file string) (Item, bool) {
	if susigPart(file) == "visual" {
		return Item{}, false
	}
	return susigAny(file)
}

// susigPart is the part that the folders speak of, the innermost first:
// SUSIG_visual_and_blind/BlindSubCorpus is blind. A folder that names both says
// nothing.
func susigPart(file string) string {
	folders := strings.Split(strings.ToLower(path.Dir(file)), "/")
	for i := len(folders) - 1; i >= 0; i-- {
		visual, blind := strings.Contains(folders[i], "visual"), strings.Contains(folders[i], "blind")
		switch {
		case visual && !blind:
			return "visual"
		case blind && !visual:
			return "blind"
		}
	}
	return ""
}

// susigForged is true below FORGERY, VALIDATION_FORGERY and the like, the
// innermost folder first.
func susigForged(file string) bool {
	folders := strings.Split(strings.ToLower(path.Dir(file)), "/")
	for i := len(folders) - 1; i >= 0; i-- {
		forged, genuine := strings.Contains(folders[i], "forge"), strings.Contains(folders[i], "genuine")
		if forged != genuine {
			return forged
		}
	}
	return false
}

// susigAny reads {user}_{session}_{sample}.sig and {user}_g_{sample}.sig
// (genuine) and {user}_f_{sample}.sig (forgery; in the visual part 1 to 5 are
// skilled and 6 to 10 highly skilled, both count). Where a name does not tell,
// the folder does. People of VALIDATION are others than those of the main set.
func susigAny(file string) (Item, bool) {
	if m := sigPattern.FindStringSubmatch(base(file)); m != nil {
		it := Item{User: m[1], Number: number(m[1]), Genuine: !strings.Contains(m[2], "f"), Sample: number(m[3])}
		if n := number(m[2]); n > 0 {
			it.Session, it.Genuine = n, !susigForged(file)
		}
		return it, true
	}
	if m := sigPlain.FindStringSubmatch(base(file)); m != nil {
		return Item{User: m[1], Number: number(m[1]), Genuine: !susigForged(file), Sample: number(m[2])}, true
	}
	return Item{}, false
}
