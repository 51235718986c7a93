package main

import (
	"os"
	"path/filepath"

	"inkwitness/biometrics/evaluate"
)

// writeReport writes report.html and the plots beside it.
func writeReport(dir string, r evaluate.Result, trials []evaluate.Trial, scores []float64) error {
	plots := evaluate.Plots(trials, scores)
	for name, svg := range plots {
		if err := writeFile(filepath.Join(dir, name), func(f *os.File) error { _, err := f.WriteString(svg); return err }); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, "report.html"), func(f *os.File) error { return evaluate.Report(f, r, plots) })
}
