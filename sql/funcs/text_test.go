package funcs

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// textCase is a line of testdata/text.txt.
type textCase struct {
	oid    datum.OID
	name   string
	want   any
	args   []any
	source string
}

func readTextCases(t *testing.T) []textCase {
	t.Helper()
	f, err := os.Open("testdata/text.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []textCase
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		var row []any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			t.Fatal(line, err)
		}
		oid, err := row[0].(json.Number).Int64()
		if err != nil {
			t.Fatal(line, err)
		}
		out = append(out, textCase{datum.OID(oid), row[1].(string), row[2], row[3:], line})
	}
	return out
}

// textArg makes the column of one argument and says its type where the row of the function leaves it open.
func textArg(t *testing.T, declared datum.OID, v any) (*vec.Column, datum.Type) {
	t.Helper()
	typ, kind := declared, vec.Bytes
	switch v.(type) {
	case json.Number:
		kind = vec.Int64
		if declared == datum.Any {
			typ = datum.Int4
		}
	case bool:
		typ, kind = datum.Bool, vec.Bool
	}
	if typ == datum.Any {
		typ = datum.Text
	}
	b := vec.NewBuilder(kind, 1)
	switch v := v.(type) {
	case nil:
		b.AppendNull()
	case bool:
		b.AppendBool(v)
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		b.AppendInt(n)
	case string:
		if declared == datum.Bytea {
			raw, err := hex.DecodeString(strings.TrimPrefix(v, `\x`))
			if err != nil {
				t.Fatal(err)
			}
			v = string(raw)
		}
		b.AppendString(v)
	}
	return b.Finish(), datum.T(typ)
}

// textResult writes row i as the golden file has it.
func textResult(c *vec.Column, ret datum.OID, i int) any {
	if c.Null(i) {
		return nil
	}
	switch c.Kind {
	case vec.Bool:
		return strconv.FormatBool(c.Bool(i))[:1]
	case vec.Int64:
		return strconv.FormatInt(c.Int(i), 10)
	case vec.List:
		child, from, to := c.List(i)
		var parts []string
		for k := from; k < to; k++ {
			if child.Null(k) {
				parts = append(parts, "NULL")
			} else {
				parts = append(parts, string(child.Bytes(k)))
			}
		}
		return strings.Join(parts, "|")
	}
	if ret == datum.Bytea {
		return `\x` + hex.EncodeToString(c.Bytes(i))
	}
	return string(c.Bytes(i))
}

func textError(err error) any {
	e := pgerr.From(err)
	return "ERROR " + string(e.Code) + ": " + e.Message
}

func answerOf(f *Func, types []datum.Type, args []*vec.Column) any {
	c := &Ctx{Context: context.Background(), Env: datum.DefaultEnv}
	if f.RetSet {
		if f.Strict && slices.ContainsFunc(args, func(a *vec.Column) bool { return a.Null(0) }) {
			return nil
		}
		out, err := f.CallSet(c, types, args, 0)
		if err != nil {
			return textError(err)
		}
		if out.Len == 0 {
			return nil
		}
		parts := make([]string, out.Len)
		for i := range parts {
			if v := textResult(out, f.Ret, i); v != nil {
				parts[i] = v.(string)
			} else {
				parts[i] = "NULL"
			}
		}
		return strings.Join(parts, ";")
	}
	out, err := f.Call(c, types, args, 1)
	if err != nil {
		return textError(err)
	}
	return textResult(out, f.Ret, 0)
}

// TestTextGolden compares every text function with what PostgreSQL answered.
func TestTextGolden(t *testing.T) {
	rows := map[datum.OID]*Func{}
	for _, list := range [][]Func{textFuncs(), textOperators()} {
		for i := range list {
			rows[list[i].OID] = &list[i]
		}
	}
	cases := readTextCases(t)
	if len(cases) < 700 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, tc := range cases {
		f := rows[tc.oid]
		if f == nil || f.Name != tc.name {
			t.Errorf("no row for %s", tc.source)
			continue
		}
		var types []datum.Type
		var args []*vec.Column
		for k, v := range tc.args {
			col, typ := textArg(t, f.Args[min(k, len(f.Args)-1)], v)
			args, types = append(args, col), append(types, typ)
		}
		if got := answerOf(f, types, args); got != tc.want {
			t.Errorf("%s\n got %#v", tc.source, got)
		}
	}
}

// TestRegexpCanceled searches what takes long for each kind of search; a statement that is over ends it.
func TestRegexpCanceled(t *testing.T) {
	text := []byte(strings.Repeat("ab", 100_000))
	for _, pattern := range []string{`(a*b*)*\1\1c`, `^(.+)+(?=c)x`, `(?<=x.*)(a|b)*?c`, `(?:(a)|b)*?\Mx`} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		re, err := compileARE(pattern, areFlags{})
		if err != nil {
			t.Fatal(err)
		}
		re.relaxed = true
		m, err := re.matcher(&Ctx{Context: ctx}, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.next(0); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// TestRegexpBounded: states with back references take memory, which ends.
func TestRegexpBounded(t *testing.T) {
	re, err := compileARE(`^(a*)(a*)(a*)\1\2\3b`, areFlags{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := re.find(&Ctx{Room: 1 << 20}, []byte(strings.Repeat("a", 3000)+"cb"), 0, 1); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

// TestRegexpNested: patterns that are nested deeply are translated in little time.
func TestRegexpNested(t *testing.T) {
	for _, quantity := range []string{"+", "*", "{1,1}?", "{2}", "?"} {
		_, err := compileARE(strings.Repeat("(", 200)+"a"+strings.Repeat(")"+quantity, 200), areFlags{})
		if err != nil && !pgerr.Is(err, pgerr.InvalidRegexp) {
			t.Errorf("%s: %v", quantity, err)
		}
	}
}
