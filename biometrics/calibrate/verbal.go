package calibrate

// verbalSteps are the lower ends of the ranges of likelihood ratios and their
// words in the ENFSI guideline for evaluative reporting in forensic science
// (version 3.0, 2015), table 2 of its section 4 (2-10 weak, 10-100 moderate,
// 100-1,000 moderately strong, 1,000-10,000 strong, 10,000-1,000,000 very
// strong, above extremely strong). Below 2 the evidence supports neither side.
var verbalSteps = []struct {
	from       float64
	code, text string
}{
	{1e6, "extremely-strong", "extremely strong"},
	{1e4, "very-strong", "very strong"},
	{1e3, "strong", "strong"},
	{1e2, "moderately-strong", "moderately strong"},
	{10, "moderate", "moderate"},
	{2, "weak", "weak"},
}

// Verbal is the step of the verbal scale for a likelihood ratio of one or more:
// a code and the words, empty where neither side is supported.
func Verbal(ratio float64) (code, text string) {
	for _, s := range verbalSteps {
		if ratio >= s.from {
			return s.code, s.text
		}
	}
	return "", ""
}
