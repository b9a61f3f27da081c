package funcs

import "math"

// Hyperbolic functions by e^x-1, which lose no digit where math's do.

// largeHyperbolic is where e^-x no longer counts beside e^x.
const largeHyperbolic = 22

func sinh(x float64) float64 {
	a := math.Abs(x)
	if !(a < largeHyperbolic) {
		return math.Sinh(x)
	}
	half, t := math.Copysign(0.5, x), math.Expm1(a)
	if a < 1 {
		return half * (2*t - t*t/(t+1))
	}
	return half * (t + t/(t+1))
}

func cosh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case !(a < largeHyperbolic):
		return math.Cosh(x)
	case a < math.Ln2/2:
		t := math.Expm1(a)
		return 1 + t*t/(2*(1+t))
	}
	t := math.Exp(a)
	return 0.5*t + 0.5/t
}

func tanh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case !(a < largeHyperbolic):
		return math.Tanh(x)
	case a >= 1:
		return math.Copysign(1-2/(math.Expm1(2*a)+2), x)
	}
	t := math.Expm1(-2 * a)
	return math.Copysign(-t/(t+2), x)
}

// sign is 0 for what is no number, as in PostgreSQL.
func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
