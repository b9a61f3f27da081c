package decimal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPostgres holds every operation to PostgreSQL's recorded answers.
func TestPostgres(t *testing.T) {
	data, err := os.ReadFile("testdata/postgres.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, bad := 0, 0
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		a, errA := strconv.Unquote(strings.ReplaceAll(f[1], `\u000b`, `\v`))
		b, errB := strconv.Unquote(f[2])
		if len(f) != 4 || errA != nil || errB != nil {
			t.Fatalf("bad row %q", line)
		}
		rows++
		got := answer(f[0], a, b)
		if len(got) > 3000 {
			h := fnv.New64a()
			h.Write([]byte(got))
			got = fmt.Sprintf("#%d:%016x", len(got), h.Sum64())
		}
		if f[0] == "float8" {
			// The value counts, not how it is written.
			v, _ := strconv.ParseFloat(f[3], 64)
			f[3] = strconv.FormatFloat(v, 'g', -1, 64)
		}
		if got == "NULL" {
			got = ""
		}
		if got != f[3] {
			if bad++; bad < 40 {
				t.Errorf("%s(%q, %q) = %.200s, PostgreSQL says %.200s", f[0], a, b, got, f[3])
			}
		}
	}
	if rows < 5000 {
		t.Errorf("only %d rows", rows)
	}
	if bad > 0 {
		t.Errorf("%d of %d rows differ", bad, rows)
	}
}

func answer(op, a, b string) string {
	x, errX := Parse(a)
	var y Dec
	var errY error
	if b != "" {
		y, errY = Parse(b)
	}
	for _, err := range []error{errX, errY} {
		if err == ErrSyntax {
			return fmt.Sprintf("ERROR %v: %q", err, a)
		} else if err != nil {
			return "ERROR " + err.Error()
		}
	}
	d, s, err := apply(op, x, y)
	if err != nil {
		return "ERROR " + err.Error()
	}
	if s != "" {
		return s
	}
	return d.String()
}

func apply(op string, x, y Dec) (d Dec, s string, err error) {
	scale, _ := y.Int64()
	switch op {
	case "add":
		d, err = x.Add(y)
	case "sub":
		d, err = x.Sub(y)
	case "mul":
		d, err = x.Mul(y)
	case "div":
		d, err = x.Quo(y)
	case "mod":
		d, err = x.Rem(y)
	case "divtrunc":
		d, err = x.DivTrunc(y)
	case "gcd":
		d, err = Gcd(x, y)
	case "lcm":
		d, err = Lcm(x, y)
	case "power":
		d, err = x.Power(y)
	case "log":
		d, err = Log(x, y)
	case "sqrt":
		d, err = x.Sqrt()
	case "exp":
		d, err = x.Exp()
	case "ln":
		d, err = x.Ln()
	case "log10":
		d, err = x.Log10()
	case "cmp":
		s = strconv.Itoa(x.Cmp(y))
	case "round":
		d = x.Round(int32(scale))
	case "trunc":
		d = x.Trunc(int32(scale))
	case "ceil":
		d = x.Ceil()
	case "floor":
		d = x.Floor()
	case "neg":
		d = x.Neg()
	case "abs":
		d = x.Abs()
	case "trimscale":
		d = x.TrimScale()
	case "in":
		d = x
	case "sign":
		if d = x; x.Form != NaN {
			d = FromInt64(int64(x.Sign()))
		}
	case "minscale":
		if s = strconv.Itoa(int(x.MinScale())); x.Form != Finite {
			return Dec{}, "NULL", nil
		}
	case "int8":
		v, ok := x.Int64()
		switch {
		case ok:
			s = strconv.FormatInt(v, 10)
		case x.Form == NaN:
			err = fmt.Errorf("cannot convert NaN to bigint")
		case x.Form != Finite:
			err = fmt.Errorf("cannot convert infinity to bigint")
		default:
			err = fmt.Errorf("bigint out of range")
		}
	case "float8":
		s = strconv.FormatFloat(x.Float64(), 'g', -1, 64)
	case "fromfloat8":
		d = FromFloat64(x.Float64())
	case "fromfloat4":
		d = FromFloat32(float32(x.Float64()))
	case "send":
		s = hex.EncodeToString(x.AppendWire(nil))
	default:
		panic(op)
	}
	return d, s, err
}

func anyDec(t *rapid.T, name string) Dec {
	digits := rapid.StringMatching(`[+-]?[0-9]{1,30}(\.[0-9]{1,25})?(e-?[0-9]{1,2})?`)
	d, err := Parse(rapid.OneOf(digits, rapid.SampledFrom([]string{
		"NaN", "Infinity", "-Infinity", "0", "0.0", "-1", "9223372036854775807", "-9223372036854775808",
	})).Draw(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func same(a, b Dec) bool {
	return a.String() == b.String() && (a.Big == nil) == (b.Big == nil)
}

// TestForms: every encoding comes back as it was, and keys sort as numbers do.
func TestForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDec(t, "a"), anyDec(t, "b")
		if d, err := Parse(a.String()); err != nil || !same(d, a) {
			t.Fatalf("text %v: %v, %v", a, d, err)
		}
		enc := a.AppendBinary(nil)
		if d, n, err := Decode(append(enc[:len(enc):len(enc)], 0xee)); err != nil || n != len(enc) || !same(d, a) {
			t.Fatalf("binary %v: %v, %v", a, d, err)
		}
		for i := range enc {
			if _, n, err := Decode(enc[:i]); err == nil {
				t.Fatalf("%v cut to %d bytes of %d decodes as %d", a, i, len(enc), n)
			}
		}
		if d, err := DecodeWire(a.AppendWire(nil)); err != nil || !same(d, a) {
			t.Fatalf("wire %v: %v, %v", a, d, err)
		}
		if c := bytes.Compare(a.AppendKey(nil), b.AppendKey(nil)); c != a.Cmp(b) {
			t.Fatalf("keys of %v and %v compare as %d", a, b, c)
		}
		if a.Form == Finite && !bytes.Equal(a.AppendKey(nil), a.Round(a.Scale+3).AppendKey(nil)) {
			t.Fatalf("key of %v depends on its scale", a)
		}
	})
}

// TestShared: results never change operands that live in a big.Int.
func TestShared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDec(t, "a"), anyDec(t, "b")
		was := a.String() + b.String()
		for _, f := range []func() (Dec, error){
			func() (Dec, error) { return a.Add(b) },
			func() (Dec, error) { return a.Mul(b) },
			func() (Dec, error) { return a.Quo(b) },
			func() (Dec, error) { return a.Rem(b) },
			func() (Dec, error) { return Gcd(a, b) },
			func() (Dec, error) { return a.Sqrt() },
			func() (Dec, error) { return a.Round(1).Abs().Neg().TrimScale().Ceil().Floor(), nil },
		} {
			_, _ = f()
			if a.String()+b.String() != was {
				t.Fatalf("operands changed: %v %v, were %s", a, b, was)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{3, 2, 1, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, n, err := Decode(b)
		if err == nil && n > len(b) {
			t.Fatalf("%v took %d of %d bytes", d, n, len(b))
		}
		if d, err := DecodeWire(b); err == nil {
			if e, err := DecodeWire(d.AppendWire(nil)); err != nil || d.Cmp(e) != 0 {
				t.Fatalf("%v: %v %v", d, e, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		_, _ = Parse("12345.67")
	}
}

func BenchmarkQuo(b *testing.B) {
	x, y := New(1234567, 2), New(7, 0)
	for b.Loop() {
		_, _ = x.Quo(y)
	}
}

func BenchmarkAdd(b *testing.B) {
	x, y := New(1234567, 2), New(7, 0)
	for b.Loop() {
		x, _ = x.Add(y)
	}
}
