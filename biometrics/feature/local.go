package feature

import "math"

// Local names a local function: one value a sample.
type Local int

// The local functions. Unless said they follow Kholmatov and Yanikoglu (2005),
// "Identity authentication using improved online signature verification method",
// and Fierrez et al. (2007), "HMM-based on-line signature verification: feature
// extraction and signature modeling", section 2.2. Derivatives are regressions
// over five samples, in units a sample.
const (
	X       Local = iota // position to the right
	Y                    // position downwards
	DX                   // velocity to the right
	DY                   // velocity downwards
	DDX                  // acceleration to the right
	DDY                  // acceleration downwards
	V                    // path velocity magnitude
	Cos                  // cosine of the path tangent angle
	Sin                  // sine of the path tangent angle
	LogCurv              // log curvature radius: log(v / |dtheta|)
	TotAcc               // total acceleration magnitude: sqrt(dv^2 + (v dtheta)^2)
	DV                   // derivative of the path velocity
	P                    // pressure, 0 in the air
	DP                   // derivative of the pressure
	DTheta               // magnitude of the derivative of the path angle
	DDY3                 // second difference of Y over a spacing of three samples
	DDX3                 // the same of X
	DX3                  // velocity over a spacing of three samples
	DY3                  // the same of Y
	DDP                  // second derivative of the pressure
	Pen                  // 1 on the surface, 0 in the air
	numLocal
)

// NumLocal is the number of local functions.
const NumLocal = int(numLocal)

var localNames = [...]string{
	"x", "y", "dx", "dy", "ddx", "ddy", "v", "cos", "sin", "logcurv", "totacc", "dv",
	"p", "dp", "dtheta", "ddy3", "ddx3", "dx3", "dy3", "ddp", "pen",
}

// String is the name used in parameter files and explanations.
func (l Local) String() string {
	if l < 0 || int(l) >= len(localNames) {
		return "unknown"
	}
	return localNames[l]
}

// ParseLocal finds a local function by its name.
func ParseLocal(name string) (Local, bool) {
	for i, n := range localNames {
		if n == name {
			return Local(i), true
		}
	}
	return 0, false
}

// Locals computes all local functions, each brought to mean 0 and standard
// deviation 1 over the signature. A constant function is 0 throughout.
func Locals(s *Signal, w *Scratch) [NumLocal][]float32 {
	n := s.Len()
	var f [NumLocal][]float64
	f[X], f[Y], f[P] = s.X, s.Y, s.P
	f[DX], f[DY], f[DP] = slope(s.X, w), slope(s.Y, w), slope(s.P, w)
	f[DDX], f[DDY], f[DDP] = slope(f[DX], w), slope(f[DY], w), slope(f[DP], w)
	f[DDX3], f[DDY3] = second3(s.X, w), second3(s.Y, w)
	f[DX3], f[DY3] = first3(s.X, w), first3(s.Y, w)
	f[Pen] = w.take(n)
	for i, d := range s.Down {
		if d {
			f[Pen][i] = 1
		}
	}
	kinematics(&f, n, w)
	var out [NumLocal][]float32
	for l, v := range f {
		out[l] = standardise(v, w)
	}
	return out
}

// kinematics fills the functions that follow from the velocities.
func kinematics(f *[NumLocal][]float64, n int, w *Scratch) {
	for _, l := range []Local{V, Cos, Sin, LogCurv, TotAcc, DTheta} {
		f[l] = w.take(n)
	}
	theta := w.take(n)
	mean := 0.0
	for i := range n {
		f[V][i] = math.Hypot(f[DX][i], f[DY][i])
		mean += f[V][i] / float64(n)
	}
	for i := range n {
		theta[i] = math.Atan2(f[DY][i], f[DX][i])
		v := f[V][i] + 1e-9
		f[Cos][i], f[Sin][i] = f[DX][i]/v, f[DY][i]/v
	}
	unwrap(theta)
	dtheta := slope(theta, w)
	f[DV] = slope(f[V], w)
	for i := range n {
		d := math.Abs(dtheta[i])
		f[DTheta][i] = d
		f[LogCurv][i] = math.Log((f[V][i] + 0.01*mean + 1e-9) / (d + 0.01))
		f[TotAcc][i] = math.Hypot(f[DV][i], f[V][i]*d)
	}
}

// unwrap removes the leaps of an angle at +-pi.
func unwrap(a []float64) {
	off := 0.0
	for i := 1; i < len(a); i++ {
		d := a[i] + off - a[i-1]
		off -= 2 * math.Pi * math.Round(d/(2*math.Pi))
		a[i] += off
	}
}

// slope is the regression over five samples, sum(k (f[i+k]-f[i-k])) / 10, k=1,2.
func slope(v []float64, w *Scratch) []float64 {
	n := len(v)
	out := w.take(n)
	at := func(i int) float64 { return v[min(max(i, 0), n-1)] }
	for i := range v {
		out[i] = (at(i+1) - at(i-1) + 2*(at(i+2)-at(i-2))) / 10
	}
	return out
}

func first3(v []float64, w *Scratch) []float64 {
	n := len(v)
	out := w.take(n)
	for i := range v {
		out[i] = (v[min(i+3, n-1)] - v[max(i-3, 0)]) / 6
	}
	return out
}

func second3(v []float64, w *Scratch) []float64 {
	n := len(v)
	out := w.take(n)
	for i := range v {
		out[i] = (v[min(i+3, n-1)] - 2*v[i] + v[max(i-3, 0)]) / 9
	}
	return out
}

// standardise brings a function to mean 0 and standard deviation 1.
func standardise(v []float64, w *Scratch) []float32 {
	out := w.take32(len(v))
	clear(out)
	if len(v) == 0 {
		return out
	}
	sum, sq := 0.0, 0.0
	for _, x := range v {
		sum += x
	}
	mean := sum / float64(len(v))
	for _, x := range v {
		sq += (x - mean) * (x - mean)
	}
	sd := math.Sqrt(sq / float64(len(v)))
	if sd < 1e-12*(1+math.Abs(mean)) {
		return out
	}
	for i, x := range v {
		out[i] = float32((x - mean) / sd)
	}
	return out
}
