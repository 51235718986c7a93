package feature

import "math"

// Global names a global feature: one value a signature. All are free of the
// device's unit and of place, so that two tablets can be compared.
type Global int

// The global features, after Fierrez et al. (2005), "An on-line signature
// verification system based on fusion of local and global information", table 1,
// and Nelson and Kishon (1991), "Use of dynamic features for signature
// verification". "size" is the standard deviation of the positions around their
// mean, "down" the samples on the surface.
const (
	LogDuration   Global = iota // ln s, first to last sample
	LogDown                     // ln s on the surface
	UpShare                     // share of the time in the air
	LogStrokes                  // ln(1 + runs on the surface)
	LogPath                     // ln of the way on the surface over size
	LogAspect                   // ln of the spread in x over that in y
	LogTremor                   // ln of rms acceleration over rms velocity, both a sample
	LogJerk                     // ln of rms jerk over rms acceleration
	SpeedSpread                 // standard deviation of the velocity over its mean, down
	LogSpeedPeak                // ln of the largest over the mean velocity, down
	LogTurnsX                   // ln(1 + changes of sign of the velocity in x)
	LogTurnsY                   // the same in y
	RightShare                  // share of down moving to the right
	DownwardShare               // share of down moving downwards
	MeanP                       // mean pressure, down
	SpreadP                     // its standard deviation
	MaxP                        // its maximum
	TimeMaxP                    // when, as a share of the samples
	LogChangeP                  // ln of rms derivative of the pressure over MeanP
	CorrXY                      // correlation of x and y
	StartX                      // first position in x, in sizes from the mean
	StartY                      // the same in y
	EndX                        // last position in x
	EndY                        // the same in y
	TimeMaxV                    // when the velocity is largest, as a share
	SkewX                       // third moment of x over size cubed
	SkewY                       // the same of y
	LogTurning                  // ln of the sum of |dtheta| weighed by velocity
	SpeedHalves                 // ln of the mean velocity of the first half over that of the second
	Dir0                        // share of the way in direction 0..45 degrees
	Dir1
	Dir2
	Dir3
	Dir4
	Dir5
	Dir6
	Dir7
	CorrVP  // correlation of velocity and pressure, down
	MeanVUp // ln of the mean velocity in the air over that on the surface
	numGlobal
)

// NumGlobal is the number of global features.
const NumGlobal = int(numGlobal)

var globalNames = [NumGlobal]string{
	"log-duration", "log-down", "up-share", "log-strokes", "log-path", "log-aspect", "log-tremor", "log-jerk",
	"speed-spread", "log-speed-peak", "log-turns-x", "log-turns-y", "right-share", "downward-share",
	"mean-p", "spread-p", "max-p", "time-max-p", "log-change-p", "corr-xy", "start-x", "start-y", "end-x", "end-y",
	"time-max-v", "skew-x", "skew-y", "log-turning", "speed-halves",
	"dir-0", "dir-1", "dir-2", "dir-3", "dir-4", "dir-5", "dir-6", "dir-7", "corr-vp", "log-speed-up",
}

// String is the name used in parameter files and explanations.
func (g Global) String() string {
	if g < 0 || g >= numGlobal {
		return "unknown"
	}
	return globalNames[g]
}

// OfPressure says whether the feature needs a pressure sensor.
func (g Global) OfPressure() bool { return g >= MeanP && g <= LogChangeP || g == CorrVP }

// Globals computes all global features of a signal.
func Globals(s *Signal, w *Scratch) [NumGlobal]float64 {
	var f [NumGlobal]float64
	n := s.Len()
	if n < 2 {
		return f
	}
	g := gather(s, w)
	f[LogDuration] = math.Log(float64(n) / Rate)
	f[LogDown] = math.Log(math.Max(1, g.down) / Rate)
	f[UpShare] = 1 - g.down/float64(n)
	f[LogStrokes] = math.Log(1 + g.strokes)
	f[LogPath] = math.Log(g.path/g.size + 1e-3)
	f[LogAspect] = math.Log((g.sdX + 0.01*g.size) / (g.sdY + 0.01*g.size))
	f[LogTremor] = math.Log((g.acc + 1e-6*g.size) / (g.speed + 1e-6*g.size))
	f[LogJerk] = math.Log((g.jerk + 1e-6*g.size) / (g.acc + 1e-6*g.size))
	f[LogTurnsX], f[LogTurnsY] = math.Log(1+g.turnsX), math.Log(1+g.turnsY)
	f[CorrXY], f[SkewX], f[SkewY] = g.cov/(g.sdX*g.sdY+1e-9*g.size*g.size), g.skewX, g.skewY
	f[StartX], f[StartY] = (s.X[0]-g.meanX)/g.size, (s.Y[0]-g.meanY)/g.size
	f[EndX], f[EndY] = (s.X[n-1]-g.meanX)/g.size, (s.Y[n-1]-g.meanY)/g.size
	f[LogTurning] = math.Log(0.1 + g.turning)
	g.shares(f[:])
	g.velocities(s, f[:])
	if s.HasPressure {
		g.pressures(s, f[:], w)
	}
	return f
}

// gathered is what several global features share.
type gathered struct {
	n                      float64
	meanX, meanY, sdX, sdY float64
	size, cov              float64
	skewX, skewY           float64
	path, down, strokes    float64
	speed, acc, jerk       float64 // rms, units a sample
	turnsX, turnsY         float64
	turning                float64
	right, downward, moves float64
	dirs                   [8]float64
	dx, dy, v              []float64
}

func gather(s *Signal, w *Scratch) *gathered {
	n := s.Len()
	g := &gathered{n: float64(n), dx: slope(s.X, w), dy: slope(s.Y, w), v: w.take(n)}
	g.moments(s)
	ddx, ddy := slope(g.dx, w), slope(g.dy, w)
	jx, jy := slope(ddx, w), slope(ddy, w)
	for i := range n {
		g.v[i] = math.Hypot(g.dx[i], g.dy[i])
		g.speed += g.v[i] * g.v[i] / g.n
		g.acc += (ddx[i]*ddx[i] + ddy[i]*ddy[i]) / g.n
		g.jerk += (jx[i]*jx[i] + jy[i]*jy[i]) / g.n
		if s.Down[i] {
			g.down++
			if i == 0 || !s.Down[i-1] {
				g.strokes++
			}
		}
		if i == 0 {
			continue
		}
		if g.dx[i]*g.dx[i-1] < 0 {
			g.turnsX++
		}
		if g.dy[i]*g.dy[i-1] < 0 {
			g.turnsY++
		}
		if s.Down[i] && s.Down[i-1] {
			g.step(s, i)
		}
	}
	g.speed, g.acc, g.jerk = math.Sqrt(g.speed), math.Sqrt(g.acc), math.Sqrt(g.jerk)
	return g
}

// moments fills means, spreads, covariance and skews of the positions.
func (g *gathered) moments(s *Signal) {
	for i := range s.X {
		g.meanX += s.X[i] / g.n
		g.meanY += s.Y[i] / g.n
	}
	var m3x, m3y float64
	for i := range s.X {
		x, y := s.X[i]-g.meanX, s.Y[i]-g.meanY
		g.sdX += x * x / g.n
		g.sdY += y * y / g.n
		g.cov += x * y / g.n
		m3x += x * x * x / g.n
		m3y += y * y * y / g.n
	}
	g.size = math.Sqrt(g.sdX+g.sdY) + 1e-9
	g.sdX, g.sdY = math.Sqrt(g.sdX), math.Sqrt(g.sdY)
	cube := g.size * g.size * g.size
	g.skewX, g.skewY = m3x/cube, m3y/cube
}

// step adds one step on the surface.
func (g *gathered) step(s *Signal, i int) {
	x, y := s.X[i]-s.X[i-1], s.Y[i]-s.Y[i-1]
	l := math.Hypot(x, y)
	if l == 0 {
		return
	}
	g.path += l
	g.moves++
	if x > 0 {
		g.right++
	}
	if y > 0 {
		g.downward++
	}
	a := math.Atan2(y, x)
	g.dirs[int(math.Floor(a/(math.Pi/4))+8)%8] += l
	if v := g.v[i] * g.v[i-1]; v > 0 {
		cross := g.dx[i-1]*g.dy[i] - g.dy[i-1]*g.dx[i]
		g.turning += math.Abs(cross) / v
	}
}

func (g *gathered) shares(f []float64) {
	if g.moves == 0 || g.path == 0 {
		return
	}
	f[RightShare], f[DownwardShare] = g.right/g.moves, g.downward/g.moves
	for i, d := range g.dirs {
		f[int(Dir0)+i] = d / g.path
	}
}

// velocities fills what follows from the velocity on the surface and in the air.
func (g *gathered) velocities(s *Signal, f []float64) {
	var sum, sq, top, up, nUp float64
	var half [2]float64
	at := 0
	for i, v := range g.v {
		if !s.Down[i] {
			up += v
			nUp++
			continue
		}
		sum += v
		sq += v * v
		if v > top {
			top, at = v, i
		}
		half[2*i/len(g.v)] += v
	}
	mean := sum/math.Max(1, g.down) + 1e-9*g.size
	f[SpeedSpread] = math.Sqrt(math.Max(0, sq/math.Max(1, g.down)-mean*mean)) / mean
	f[LogSpeedPeak] = math.Log(top/mean + 1e-3)
	f[TimeMaxV] = float64(at) / g.n
	f[SpeedHalves] = math.Log((half[0] + 1e-3*sum + 1e-9) / (half[1] + 1e-3*sum + 1e-9))
	if nUp > 0 {
		f[MeanVUp] = math.Log((up/nUp + 0.01*mean) / mean)
	}
}

// pressures fills what follows from the pressure on the surface.
func (g *gathered) pressures(s *Signal, f []float64, w *Scratch) {
	dp := slope(s.P, w)
	var sum, sq, change, vp, v, vv float64
	at := 0
	for i, p := range s.P {
		if !s.Down[i] {
			continue
		}
		sum, sq, change = sum+p, sq+p*p, change+dp[i]*dp[i]
		vp, v, vv = vp+p*g.v[i], v+g.v[i], vv+g.v[i]*g.v[i]
		if p > f[MaxP] {
			f[MaxP], at = p, i
		}
	}
	n := math.Max(1, g.down)
	mean := sum / n
	f[MeanP], f[SpreadP] = mean, math.Sqrt(math.Max(0, sq/n-mean*mean))
	f[TimeMaxP] = float64(at) / g.n
	f[LogChangeP] = math.Log((math.Sqrt(change/n) + 1e-4) / (mean + 1e-2))
	sv := math.Sqrt(math.Max(0, vv/n-v/n*v/n))
	f[CorrVP] = (vp/n - mean*v/n) / (sv*f[SpreadP] + 1e-9*g.size)
}

// Unit is the unit of the feature: "ln" stands for a natural logarithm.
func (g Global) Unit() string {
	switch g {
	case LogDuration, LogDown:
		return "ln s"
	case LogTremor, LogJerk:
		return "ln per sample"
	case LogStrokes, LogPath, LogAspect, LogSpeedPeak, LogTurnsX, LogTurnsY, LogChangeP, LogTurning, SpeedHalves, MeanVUp:
		return "ln"
	case StartX, StartY, EndX, EndY:
		return "sizes"
	case MeanP, SpreadP, MaxP:
		return "full scale"
	}
	return "share"
}
