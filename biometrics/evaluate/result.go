package evaluate

import (
	"encoding/csv"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"inkwitness/biometrics"
)

// Result is what one run of a plan gives.
type Result struct {
	Corpus     string             `json:"corpus"`
	Protocol   Protocol           `json:"protocol"`
	Draws      int                `json:"draws"`
	References int                `json:"references"`
	Seed       uint64             `json:"seed"`
	Pressure   bool               `json:"pressure"`
	Users      int                `json:"users"` // with comparisons
	Skipped    int                `json:"skipped"`
	Model      biometrics.Version `json:"model"`
	Rates      []Rates            `json:"rates"` // against skilled and random forgeries, where there are any
	Seconds    float64            `json:"seconds"`
}

// Summarise measures a run's scores.
func Summarise(c *Collection, r *Run, scores []float64, v biometrics.Version) Result {
	out := Result{
		Corpus: string(c.Corpus), Protocol: r.Plan.Protocol, Draws: r.Plan.Draws, References: r.Plan.References,
		Seed: r.Plan.Seed, Pressure: c.Pressure, Model: v,
	}
	seen := make(map[int]bool)
	for _, t := range r.Trials {
		seen[t.User] = true
	}
	out.Users, out.Skipped = len(seen), len(c.Users)-len(seen)
	for _, l := range []Label{Skilled, Random} {
		if m := Measure(r.Trials, scores, l); m.Genuine > 0 && m.Forgeries > 0 {
			out.Rates = append(out.Rates, m)
		}
	}
	return out
}

// PrintResult writes a result for people. Error rates are in per cent.
func PrintResult(w io.Writer, r Result) error {
	pressure := "with pressure"
	if !r.Pressure {
		pressure = "without pressure"
	}
	_, err := fmt.Fprintf(w, "%s, %s, %d references, %d draw(s), seed %d, %s, %d users (%d with too few signatures)\nmodel %s %s of %s\n",
		r.Corpus, r.Protocol, r.References, r.Draws, r.Seed, pressure, r.Users, r.Skipped, r.Model.Name, r.Model.Number, r.Model.Made)
	for _, m := range r.Rates {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, `against %s forgeries (%d users, %d genuine and %d forged comparisons)
  EER, common threshold  %6.2f %%  [%.2f, %.2f]
  EER, user threshold    %6.2f %%  [%.2f, %.2f]
  FNMR at FMR 1 %%        %6.2f %%
  FNMR at FMR 0.1 %%      %6.2f %%
  Cllr                   %6.3f    [%.3f, %.3f]
  minimum Cllr           %6.3f    (Cllr over it: %s)
`, m.Against, m.Users, m.Genuine, m.Forgeries,
			100*m.Common.Value, 100*m.Common.Low, 100*m.Common.High, 100*m.User.Value, 100*m.User.Low, 100*m.User.High,
			100*m.FNMRAt1, 100*m.FNMRAt01, m.Cllr.Value, m.Cllr.Low, m.Cllr.High, m.MinCllr, times(m.Excess))
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "%.1f s\n", r.Seconds)
	}
	return err
}

// Header of the score file.
var Header = []string{"user", "trial", "references", "questioned", "label", "score"}

// WriteScores writes the score file: one line a comparison. trial is the draw
// from 1; references and questioned are the files' names without their endings,
// references separated by a blank; score is the natural logarithm of the
// likelihood ratio.
func WriteScores(w io.Writer, c *Collection, r *Run, scores []float64) error {
	out := csv.NewWriter(w)
	if err := out.Write(Header); err != nil {
		return err
	}
	for i, t := range r.Trials {
		var refs []string
		for _, at := range t.References {
			refs = append(refs, short(c.Items[at].File))
		}
		err := out.Write([]string{
			c.Users[t.User], strconv.Itoa(t.Draw + 1), strings.Join(refs, " "), short(c.Items[t.Questioned].File),
			string(t.Label), strconv.FormatFloat(scores[i], 'g', 9, 64),
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func short(file string) string {
	base := path.Base(file)
	return strings.TrimSuffix(base, path.Ext(base))
}

// ScoreFile is a score file read back.
type ScoreFile struct {
	Trials []Trial // References and Questioned are left out
	Keys   []string
	Scores []float64
	Users  []string
}

const maxScores = 20_000_000

// ReadScores reads a score file.
func ReadScores(r io.Reader) (*ScoreFile, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil || strings.Join(head, ",") != strings.Join(Header, ",") {
		return nil, fmt.Errorf("score file: want the columns %s: %w", strings.Join(Header, ","), biometrics.ErrMalformed)
	}
	f := &ScoreFile{}
	users := make(map[string]int)
	for {
		row, err := in.Read()
		if err == io.EOF {
			return f, nil
		}
		if err != nil {
			return nil, fmt.Errorf("score file: %w: %w", biometrics.ErrMalformed, err)
		}
		draw, err1 := strconv.Atoi(row[1])
		score, err2 := strconv.ParseFloat(row[5], 64)
		label := Label(row[4])
		if err1 != nil || err2 != nil || draw < 1 || draw > 1000 || score != score || label != Genuine && label != Skilled && label != Random {
			return nil, fmt.Errorf("score file, line %d: %w", len(f.Scores)+2, biometrics.ErrMalformed)
		}
		if len(f.Scores) >= maxScores {
			return nil, fmt.Errorf("score file of more than %d lines: %w", maxScores, biometrics.ErrLimit)
		}
		u, ok := users[row[0]]
		if !ok {
			u = len(users)
			users[strings.Clone(row[0])] = u
			f.Users = append(f.Users, strings.Clone(row[0]))
		}
		f.Trials = append(f.Trials, Trial{User: u, Draw: draw - 1, Label: label})
		f.Keys = append(f.Keys, strings.Join(row[:5], "\x00"))
		f.Scores = append(f.Scores, score)
	}
}
