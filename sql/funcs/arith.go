package funcs

import (
	"math"
	"math/bits"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// arithOperators are the operators on numbers; results that do not fit their type are errors, never wrapped.
func arithOperators() []Func {
	out := make([]Func, 0, len(arithmetic))
	for _, r := range arithmetic {
		f := Func{OID: r.oid, Name: r.symbol, Args: []datum.OID{r.left, r.right}, Ret: r.ret, Strict: true, Volatile: Immutable, Doc: arithDocs[r.symbol]}
		if r.left == 0 {
			f.Args = f.Args[1:]
			f.Body = prefixBody(r.symbol, r.ret)
		} else {
			f.Body = infixBody(r.symbol, r.ret)
		}
		out = append(out, f)
	}
	return out
}

var arithDocs = map[string]string{"+": "sum", "-": "difference, negative", "*": "product", "/": "quotient; of integers, cut towards zero", "%": "remainder",
	"^": "power", "|/": "square root", "||/": "cube root", "&": "bitwise and", "|": "bitwise or", "#": "bitwise exclusive or", "<<": "bits moved left",
	">>": "bits moved right", "~": "bitwise not", "@": "absolute value"}

var errDivision = pgerr.New(pgerr.DivisionByZero, "division by zero")

func infixBody(symbol string, t datum.OID) Body {
	switch datum.KindOf(t) {
	case vec.Int64:
		return intInfix(symbol, t)
	case vec.Float64:
		f := floatInfix[symbol]
		single := t == datum.Float4
		return float2(func(a, b float64) (float64, error) { return checkedFloat(f, a, b, symbol, single) })
	}
	return dec2(decInfix[symbol])
}

func prefixBody(symbol string, t datum.OID) Body {
	r := integerRanges[t]
	switch datum.KindOf(t) {
	case vec.Int64:
		return int1(func(a int64) (int64, error) {
			switch {
			case symbol == "~":
				return ^a, nil
			case symbol == "-" || symbol == "@" && a < 0:
				if a == r.lo {
					return 0, outOfRange(t)
				}
				return -a, nil
			}
			return a, nil
		})
	case vec.Float64:
		return float1(func(a float64) (float64, error) {
			switch symbol {
			case "-":
				return -a, nil
			case "@":
				return math.Abs(a), nil
			case "|/":
				return floatSqrt(a)
			case "||/":
				return math.Cbrt(a), nil
			}
			return a, nil
		})
	}
	return dec1(func(a decimal.Dec) (decimal.Dec, error) {
		switch symbol {
		case "-":
			return a.Neg(), nil
		case "@":
			return a.Abs(), nil
		}
		return a, nil
	})
}

// intInfix computes in 64 bits and checks the range of the result's type.
func intInfix(symbol string, t datum.OID) Body {
	r, width := integerRanges[t], map[datum.OID]int64{datum.Int2: 32, datum.Int4: 32, datum.Int8: 64}[t]
	op := intOps[symbol]
	return int2(func(a, b int64) (int64, error) {
		switch symbol {
		case "<<":
			v := a << uint64(b&(width-1))
			switch t {
			case datum.Int2:
				return int64(int16(v)), nil
			case datum.Int4:
				return int64(int32(v)), nil
			}
			return v, nil
		case ">>":
			return a >> uint64(b&(width-1)), nil
		}
		v, ok, err := op(a, b)
		if err != nil {
			return 0, err
		}
		if !ok || v < r.lo || v > r.hi {
			return 0, outOfRange(t)
		}
		return v, nil
	})
}

// intOps say whether the 64-bit result is right.
var intOps = map[string]func(a, b int64) (int64, bool, error){
	"+": func(a, b int64) (int64, bool, error) { s := a + b; return s, (a^s)&(b^s) >= 0, nil },
	"-": func(a, b int64) (int64, bool, error) { s := a - b; return s, (a^b)&(a^s) >= 0, nil },
	"*": func(a, b int64) (int64, bool, error) {
		hi, lo := bits.Mul64(uint64(a), uint64(b))
		hi -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a)
		return int64(lo), int64(hi) == int64(lo)>>63, nil
	},
	"/": func(a, b int64) (int64, bool, error) {
		switch {
		case b == 0:
			return 0, false, errDivision
		case b == -1:
			return -a, a != math.MinInt64, nil
		}
		return a / b, true, nil
	},
	"%": func(a, b int64) (int64, bool, error) {
		switch b {
		case 0:
			return 0, false, errDivision
		case -1:
			return 0, true, nil
		}
		return a % b, true, nil
	},
	"&": func(a, b int64) (int64, bool, error) { return a & b, true, nil },
	"|": func(a, b int64) (int64, bool, error) { return a | b, true, nil },
	"#": func(a, b int64) (int64, bool, error) { return a ^ b, true, nil },
}

var floatInfix = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b },
	"-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b },
	"/": func(a, b float64) float64 { return a / b },
	"^": math.Pow,
}

var (
	errOverflow  = pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
	errUnderflow = pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
)

// checkedFloat makes overflow, underflow and division by zero the errors that PostgreSQL reports.
func checkedFloat(f func(a, b float64) float64, a, b float64, symbol string, single bool) (float64, error) {
	switch {
	case symbol == "/" && b == 0 && !math.IsNaN(a):
		return 0, errDivision
	case symbol == "^":
		return floatPower(a, b)
	}
	v := f(a, b)
	if single {
		v = float64(float32(v))
	}
	if math.IsInf(v, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return 0, errOverflow
	}
	if v == 0 && (symbol == "*" && a != 0 && b != 0 || symbol == "/" && a != 0 && !math.IsInf(b, 0)) {
		return 0, errUnderflow
	}
	return v, nil
}

func floatSqrt(a float64) (float64, error) {
	if a < 0 {
		return 0, pgerr.New(pgerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	}
	return math.Sqrt(a), nil
}

// floatPower is dpow: some combinations have no value.
func floatPower(a, b float64) (float64, error) {
	switch {
	case a == 0 && b < 0:
		return 0, pgerr.New(pgerr.InvalidArgumentForPower, "zero raised to a negative power is undefined")
	case a < 0 && b != math.Trunc(b) && !math.IsInf(b, 0) && !math.IsNaN(b):
		return 0, pgerr.New(pgerr.InvalidArgumentForPower, "a negative number raised to a non-integer power yields a complex result")
	}
	v := math.Pow(a, b)
	if math.IsInf(v, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return 0, errOverflow
	}
	if v == 0 && a != 0 && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return 0, errUnderflow
	}
	return v, nil
}

var decInfix = map[string]func(a, b decimal.Dec) (decimal.Dec, error){
	"+": decimal.Dec.Add, "-": decimal.Dec.Sub, "*": decimal.Dec.Mul, "/": decimal.Dec.Quo, "%": decimal.Dec.Rem, "^": decimal.Dec.Power,
}
