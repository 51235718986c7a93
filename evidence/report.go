package evidence

// Status is the outcome of one check.
type Status string

// The outcomes of a check.
const (
	Holds   Status = "holds"   // checked, and it is so
	Fails   Status = "fails"   // checked, and it is not so
	Unknown Status = "unknown" // cannot be decided with what was given, for instance without a trusted root
)

// Check is one point that a verifier looked at.
type Check struct {
	Code   string `json:"code"` // stable reason code, for instance "deposit.file.changed"
	Status Status `json:"status"`
	Part   string `json:"part,omitempty"` // file, signature or byte range it speaks of
	Text   string `json:"text"`           // one plain sentence
}

// Report is the list of checks over one file.
type Report struct {
	Kind   string  `json:"kind"` // "deposit", "pdf", "log"
	Checks []Check `json:"checks"`
}

// Add appends a check.
func (r *Report) Add(status Status, code, part, text string) {
	r.Checks = append(r.Checks, Check{Code: code, Status: status, Part: part, Text: text})
}

// Holds reports whether at least one check was made and none failed.
func (r *Report) Holds() bool {
	return len(r.Checks) > 0 && len(r.Failed()) == 0
}

// Failed returns the checks that failed.
func (r *Report) Failed() []Check {
	var failed []Check
	for _, c := range r.Checks {
		if c.Status == Fails {
			failed = append(failed, c)
		}
	}
	return failed
}
