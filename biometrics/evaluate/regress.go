package evaluate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/feature"
)

// writer is one person: how far their references lie from each other, and their
// genuine signatures.
type writer struct {
	own float64
	of  []*[feature.NumGlobal]float64
}

// shrinkage of the regression of a writer's spread, against features of unit
// variance. It was chosen once: halving or doubling it changes no error rate by
// more than its noise.
const shrinkage = 0.1

// regress fits how a writer's spread follows from single signatures, by ridge
// regression (Hoerl and Kennard 1970) in which every person counts alike.
func regress(p *compare.Population, writers []writer) error {
	d := len(compare.WriterFeatures)
	mean, sd := make([]float64, d), make([]float64, d)
	total := float64(len(writers))
	each := func(visit func(own, weight float64, x *[feature.NumGlobal]float64)) {
		for _, w := range writers {
			for _, x := range w.of {
				visit(w.own, 1/total/float64(len(w.of)), x)
			}
		}
	}
	own := 0.0
	each(func(y, weight float64, x *[feature.NumGlobal]float64) {
		own += weight * y
		for i, g := range compare.WriterFeatures {
			mean[i] += weight * x[g]
		}
	})
	each(func(_, weight float64, x *[feature.NumGlobal]float64) {
		for i, g := range compare.WriterFeatures {
			sd[i] += weight * (x[g] - mean[i]) * (x[g] - mean[i])
		}
	})
	for i := range sd {
		sd[i] = math.Sqrt(sd[i]) + 1e-9
	}
	a, b, z := mat.NewSymDense(d, nil), mat.NewVecDense(d, nil), make([]float64, d)
	each(func(y, weight float64, x *[feature.NumGlobal]float64) {
		for i, g := range compare.WriterFeatures {
			z[i] = (x[g] - mean[i]) / sd[i]
			b.SetVec(i, b.AtVec(i)+weight*z[i]*(y-own))
			for j := range i + 1 {
				a.SetSym(i, j, a.At(i, j)+weight*z[i]*z[j])
			}
		}
	})
	for i := range d {
		a.SetSym(i, i, a.At(i, i)+shrinkage)
	}
	var chol mat.Cholesky
	slope := mat.NewVecDense(d, nil)
	if !chol.Factorize(a) {
		return fmt.Errorf("regression of the writers' spread is singular")
	}
	if err := chol.SolveVecTo(slope, b); err != nil {
		return fmt.Errorf("regression of the writers' spread: %w", err)
	}
	p.Own, p.Writer, p.Reach = round(own), nil, 0
	for i := range d {
		p.Writer = append(p.Writer, compare.Slope{Mean: round(mean[i]), Slope: round(slope.AtVec(i) / sd[i])})
	}
	for _, w := range writers {
		shift := 0.0
		for _, x := range w.of {
			for i, g := range compare.WriterFeatures {
				shift += p.Writer[i].Slope * (x[g] - p.Writer[i].Mean) / float64(len(w.of))
			}
		}
		p.Reach = round(math.Max(p.Reach, math.Abs(shift)))
	}
	return nil
}
