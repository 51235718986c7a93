package server

import (
	"testing"

	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
)

// The letter of deposit says what forbids a decision before the words of the ratio, once.
func TestFindingTellsWhatForbidsADecision(t *testing.T) {
	k := &biometrics.Comparison{LikelihoodRatio: biometrics.LikelihoodRatio{Verbal: biometrics.Verbal{Text: "The findings give strong support."}}}
	if got := finding(&ceremony.Signer{Comparison: k}); got != "The findings give strong support." {
		t.Errorf("without a problem: %q", got)
	}
	simple := biometrics.Problem{Code: biometrics.CodeTooSimple, Severity: biometrics.Refusal, Text: "Please use your full signature."}
	k.Problems = []biometrics.Problem{{Code: biometrics.CodeFewReferences, Severity: biometrics.Warning, Text: "Few."}, simple, simple}
	want := "The signature or a reference is so simple that it is easy to imitate. The findings give strong support."
	if got := finding(&ceremony.Signer{Comparison: k}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
