package funcs

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// The answers in testdata are PostgreSQL 15's, taken with psql and TimeZone UTC.
func TestDatetimeGolden(t *testing.T) { golden(t, "testdata/datetime.txt") }

func golden(t *testing.T, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		call, want, ok := strings.Cut(sc.Text(), " => ")
		if !ok || strings.HasPrefix(call, "#") {
			continue
		}
		lines++
		if got := answer(call); got != want {
			t.Errorf("%s\n got %s\nwant %s", call, got, want)
		}
	}
	if lines < 20 {
		t.Fatalf("%s: %d calls", path, lines)
	}
}

func testCtx() *Ctx {
	return &Ctx{Context: context.Background(), Env: datum.DefaultEnv}
}

// answer makes the call of one line as psql printed it.
func answer(call string) string {
	parts := strings.Split(call, " | ")
	var types []datum.Type
	var args []*vec.Column
	for _, p := range parts[1:] {
		name, text, _ := strings.Cut(p, " ")
		info, ok := datum.ByName(name)
		if !ok {
			return "no type " + name
		}
		typ := datum.T(info.OID)
		b := datum.NewBuilder(typ, 1)
		if err := datum.ParseText(typ, []byte(text), b, datum.DefaultEnv); err != nil {
			return "argument " + p + ": " + err.Error()
		}
		types, args = append(types, typ), append(args, b.Finish())
	}
	fn := overload(parts[0], types)
	if fn == nil {
		return "no such function"
	}
	return callText(fn, types, args)
}

func callText(fn *Func, types []datum.Type, args []*vec.Column) string {
	run := func() (*vec.Column, error) { return fn.Call(testCtx(), types, args, 1) }
	if fn.RetSet {
		run = func() (*vec.Column, error) { return fn.CallSet(testCtx(), types, args, 0) }
	}
	col, err := run()
	var pe *pgerr.Error
	switch {
	case errors.As(err, &pe):
		return "!" + string(pe.Code) + ": " + pe.Message
	case err != nil:
		return "!????? " + err.Error()
	}
	ret := datum.T(fn.Ret)
	switch fn.Ret {
	case datum.AnyArray, datum.AnyCompatArray:
		ret = datum.T(datum.ArrayOf(elemType(types, fn.Args).OID))
	case datum.AnyElement:
		ret = elemType(types, fn.Args)
	}
	var rows []string
	for i := range col.Len {
		if !col.Null(i) {
			rows = append(rows, string(datum.AppendText(nil, ret, col, i, datum.DefaultEnv)))
		}
	}
	if len(rows) == 0 {
		return "NULL"
	}
	out := strings.Join(rows, ";")
	if ret.OID == datum.Bool {
		out = map[string]string{"t": "true", "f": "false"}[out]
	}
	return "=" + out
}

// overload finds the function of exactly these types.
func overload(name string, types []datum.Type) *Func {
	tables := [][]Func{datetimeFuncs(), datetimeOperators(), arrayFuncs(), arrayOperators(), seriesFuncs()}
	for _, table := range tables {
		for k := range table {
			if f := &table[k]; f.Name == name && fits(f.Args, types) {
				return f
			}
		}
	}
	return nil
}

func fits(declared []datum.OID, types []datum.Type) bool {
	if len(declared) != len(types) {
		return false
	}
	for i, d := range declared {
		isArray := datum.ElemOf(types[i].OID) != 0
		switch d {
		case types[i].OID:
		case datum.AnyArray, datum.AnyCompatArray:
			if !isArray {
				return false
			}
		case datum.AnyElement, datum.AnyCompat:
			if isArray {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Days and months of a moment go by the clock of the session's zone, hours do not.
func TestMomentArithmeticInZone(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	env := &datum.Env{Location: loc}
	v, err := datum.ParseTimestamp("2020-03-28 12:00", true, env)
	if err != nil {
		t.Fatal(err)
	}
	for by, want := range map[vec.IntervalValue]string{{Days: 1}: "2020-03-29 12:00:00+02", {Micros: dayMicros}: "2020-03-29 13:00:00+02"} {
		got, err := addToMoment(env, v, by)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(datum.AppendTimestamp(nil, got, true, env)); s != want {
			t.Errorf("%v later: %s, want %s", by, s, want)
		}
	}
}

// The loop over a flat column gives what the rows one by one give, nulls included.
func TestDateTruncFlat(t *testing.T) {
	b := vec.NewBuilder(vec.Int64, 100)
	for i := range int64(100) {
		if i%7 == 3 {
			b.AppendNull()
		} else {
			b.AppendInt((i - 50) * 123_456_789_012_345)
		}
	}
	b.AppendInt(datum.PosInfinity)
	b.AppendInt(datum.NegInfinity)
	col := b.Finish()
	for _, unit := range []string{"second", "minute", "hour", "day", "week", "month", "quarter", "year", "century"} {
		ub := vec.NewBuilder(vec.Bytes, 1)
		ub.AppendString(unit)
		got, err := dateTrunc(datum.TimestampTZ)(testCtx(), []*vec.Column{vec.Repeat(ub.Finish(), 0, col.Len), col}, col.Len)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := unitNamed(unit)
		for i := range col.Len {
			if got.Null(i) != col.Null(i) {
				t.Fatalf("%s row %d: null %v", unit, i, got.Null(i))
			}
			if col.Null(i) {
				continue
			}
			if want, _ := truncLocal(u, col.Int(i)); got.Int(i) != want {
				t.Fatalf("%s row %d: %d, want %d", unit, i, got.Int(i), want)
			}
		}
	}
}
