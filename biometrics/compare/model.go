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

// Recipe is what was decided: which signals are aligned how.
type Recipe struct {
	Smooth float64 `json:"smooth"` // Gaussian over positions and pressure, in samples
	Sets   []Set   `json:"sets"`
	Spread float64 `json:"spread"` // share of the references' own spread that is taken off
}

// Set is one group of local functions, aligned on its own.
type Set struct {
	Name     string    `json:"name"`
	Channels []string  `json:"channels"`
	Weights  []float32 `json:"weights"`
	Penalty  float32   `json:"penalty"`
	Band     float64   `json:"band"`
}

// Trained is what was fitted on people's signatures.
type Trained struct {
	Calibrations []Calibration `json:"calibrations"`
}

// Calibration is the line from scores to likelihood ratios for one class of
// signatures, with its neighbours from resampled people for the interval.
type Calibration struct {
	Pressure   bool             `json:"pressure"`
	References int              `json:"references"`
	Line       calibrate.Line   `json:"line"`
	Bootstrap  []calibrate.Line `json:"bootstrap"`
	Lowest     float64          `json:"lowest"`  // scores outside Lowest..Highest were not seen
	Highest    float64          `json:"highest"` // enough to say more than their borders
	People     int              `json:"people"`
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
	for _, c := range m.Trained.Calibrations {
		if !(c.Line.Scale > 0) || math.IsInf(c.Line.Offset, 0) || !(c.Lowest < c.Highest) {
			return fmt.Errorf("calibration for %d references is not a rising line", c.References)
		}
	}
	return nil
}

func (s Set) options() dtw.Options {
	return dtw.Options{Step: dtw.Symmetric2, Penalty: s.Penalty, Band: s.Band}
}
