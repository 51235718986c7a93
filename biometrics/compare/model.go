// Package compare puts the comparator together: signals and features of both
// sides, their alignment, one score, and what that score is worth as evidence.
//
// It is not a judge: it answers with a likelihood ratio, an interval and its own
// limits. The face in the selfie video is another score in another package, and
// never mixed into this one.
package compare

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"inkwitness/biometrics"
	"inkwitness/biometrics/calibrate"
	"inkwitness/biometrics/dtw"
	"inkwitness/biometrics/feature"
)

// modelJSON is written by `inkeval train` and by nothing else.
//
//go:embed model.json
var modelJSON []byte

// Model holds every number of the comparator that was chosen or trained. It is
// read-only once parsed.
type Model struct {
	Format  int                `json:"format"` // 1
	Version biometrics.Version `json:"version"`
	Recipe  Recipe             `json:"recipe"`
	Trained Trained            `json:"trained"`

	channels [][]feature.Local
	weights  [][]float32
}

// Recipe is what was decided: which signals are aligned how, and how the parts
// of the evidence are joined. README.md says how each number was chosen.
type Recipe struct {
	Smooth   float64 `json:"smooth"`   // Gaussian over positions and pressure, in samples
	Sets     []Set   `json:"sets"`     // aligned apart, their log distances averaged by share
	Spread   float64 `json:"spread"`   // share of the references' own log spread that is taken off
	Single   float64 `json:"single"`   // the same of the expected spread, where one reference has none of its own
	OwnPrior float64 `json:"ownPrior"` // weight of the expected spread, in pairs of references
	OwnClose float64 `json:"ownClose"` // the same where the references lie closer than expected
	Global   float64 `json:"global"`   // weight of the log deviation of the global features
	Floor    float64 `json:"floor"`    // added to the deviation before its logarithm
	Prior    float64 `json:"prior"`    // weight of the population's spread of a feature, in signatures
	Clip     float64 `json:"clip"`     // largest |z| of a feature
}

// Set is one group of local functions, aligned on its own. The difference of
// one function at two samples counts up to Cap standard deviations: a stretch
// that is quite unlike is not made worse by being more unlike, which is what
// keeps one slip of the pen from hiding that all the rest fits.
type Set struct {
	Name     string    `json:"name"`
	Share    float64   `json:"share"` // of the log distance; the shares of all sets add up to 1
	Channels []string  `json:"channels"`
	Weights  []float32 `json:"weights"`
	Penalty  float32   `json:"penalty"`
	Band     float64   `json:"band"`
	Cap      float32   `json:"cap"`
}

// Trained is what was fitted on people's signatures.
type Trained struct {
	Populations  []Population  `json:"populations"`
	Calibrations []Calibration `json:"calibrations"`
}

// Population is what signatures of one class vary by within a person.
type Population struct {
	Pressure bool      `json:"pressure"`
	Own      float64   `json:"own"`    // mean of Evidence.Own
	Writer   []Slope   `json:"writer"` // how Own follows from each of WriterFeatures
	Reach    float64   `json:"reach"`  // the furthest that Writer led away from Own in training
	Spread   []float64 `json:"spread"` // of each global feature
}

// Slope is the part of one feature in a ridge regression.
type Slope struct {
	Mean  float64 `json:"mean"`
	Slope float64 `json:"slope"`
}

// Calibration is the line from scores to likelihood ratios for one class of
// signatures, with its neighbours from resampled people for the interval.
type Calibration struct {
	Pressure   bool `json:"pressure"`
	References int  `json:"references"`

	SeveralDays bool `json:"severalDays,omitempty"` // of the references

	Line      calibrate.Line   `json:"line"`
	Bootstrap []calibrate.Line `json:"bootstrap"`
	Lowest    float64          `json:"lowest"`  // scores outside Lowest..Highest were not seen
	Highest   float64          `json:"highest"` // enough to say more than their borders
	People    int              `json:"people"`
}

// Default is the model that the program is built with.
func Default() (*Model, error) { return ParseModel(modelJSON) }

// ParseModel reads a model and checks that every part of it can be used.
func ParseModel(data []byte) (*Model, error) {
	m := &Model{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("parse model: %w: %w", biometrics.ErrModel, err)
	}
	if err := m.prepare(); err != nil {
		return nil, fmt.Errorf("model: %w: %w", biometrics.ErrModel, err)
	}
	number, err := m.number()
	if err != nil || number != m.Version.Number {
		return nil, fmt.Errorf("model number %q is not that of its parameters: %w", m.Version.Number, biometrics.ErrModel)
	}
	return m, nil
}

// number is the version number that follows from the parameters.
func (m *Model) number() (string, error) {
	data, err := json.Marshal(struct {
		R Recipe
		T Trained
	}{m.Recipe, m.Trained})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6]), nil
}

// Marshal numbers the model and writes it as it is embedded.
func (m *Model) Marshal() ([]byte, error) {
	var err error
	if m.Version.Number, err = m.number(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(m, "", "\t")
	return append(data, '\n'), err
}

func (m *Model) prepare() error {
	if m.Format != 1 || len(m.Recipe.Sets) == 0 || len(m.Recipe.Sets) > 8 {
		return fmt.Errorf("format %d with %d sets", m.Format, len(m.Recipe.Sets))
	}
	m.channels, m.weights = nil, nil
	shares := 0.0
	for _, s := range m.Recipe.Sets {
		shares += s.Share
	}
	if math.Abs(shares-1) > 1e-9 {
		return fmt.Errorf("shares of the sets add up to %g", shares)
	}
	for _, s := range m.Recipe.Sets {
		if len(s.Channels) == 0 || len(s.Channels) != len(s.Weights) || len(s.Channels) > feature.NumLocal {
			return fmt.Errorf("set %q has %d channels and %d weights", s.Name, len(s.Channels), len(s.Weights))
		}
		var ls []feature.Local
		for _, c := range s.Channels {
			l, ok := feature.ParseLocal(c)
			if !ok {
				return fmt.Errorf("set %q: unknown channel %q", s.Name, c)
			}
			ls = append(ls, l)
		}
		m.channels, m.weights = append(m.channels, ls), append(m.weights, s.Weights)
	}
	for _, p := range m.Trained.Populations {
		if len(p.Spread) != feature.NumGlobal || len(p.Writer) != len(WriterFeatures) || !(p.Reach >= 0) {
			return fmt.Errorf("population with %d of %d features and %d of %d slopes", len(p.Spread), feature.NumGlobal, len(p.Writer), len(WriterFeatures))
		}
		for _, v := range p.Spread {
			if !(v > 0) {
				return fmt.Errorf("population with a spread of %g", v)
			}
		}
	}
	for _, c := range m.Trained.Calibrations {
		if !(c.Line.Scale > 0) || math.IsInf(c.Line.Offset, 0) || !(c.Lowest < c.Highest) {
			return fmt.Errorf("calibration for %d references is not a rising line", c.References)
		}
	}
	return nil
}

// WithRecipe is an untrained model.
func WithRecipe(r Recipe, v biometrics.Version) (*Model, error) {
	m := &Model{Format: 1, Version: v, Recipe: r}
	return m, m.prepare()
}

// WithTrained is the model with other trained parameters.
func (m *Model) WithTrained(t Trained) *Model {
	c := *m
	c.Trained = t
	return &c
}

func (m *Model) population(pressure bool) *Population {
	for i := range m.Trained.Populations {
		if m.Trained.Populations[i].Pressure == pressure {
			return &m.Trained.Populations[i]
		}
	}
	return nil
}

func (m *Model) options(k int) dtw.Options {
	s := m.Recipe.Sets[k]
	return dtw.Options{Step: dtw.Symmetric2, Penalty: s.Penalty, Band: s.Band, Cap: s.Cap}
}
