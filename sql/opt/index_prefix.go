package opt

import (
	"strings"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// beginTests are the tests that a condition on how a text begins is among others: the text lies between the beginning and the next one.
func beginTests(c *expr.Call) []indexTest {
	begins, ok := beginnings[c.Fn.Name]
	if !ok || len(c.Args) != 2 || c.Args[0].Type() != datum.T(datum.Text) {
		return nil
	}
	k, ok := c.Args[1].(*expr.Const)
	if !ok || k.Val.Kind != vec.Bytes || k.Val.Null(0) {
		return nil
	}
	begin := begins(string(k.Val.Bytes(0)))
	if begin == "" {
		return nil
	}
	tests := []indexTest{textTest(c.Args[0], ">=", plan.Ge, begin)}
	if next := nextText(begin); next != "" {
		tests = append(tests, textTest(c.Args[0], "<", plan.Lt, next))
	}
	return tests
}

func textTest(on expr.Expr, name string, op plan.CompareOp, v string) indexTest {
	value := textConst(v)
	var fn *funcs.Func
	for _, f := range funcs.LookupOperator(name, 2) {
		if f.Args[0] == datum.Text && f.Args[1] == datum.Text {
			fn = f
		}
	}
	return indexTest{comparison: comparison{on, op, []expr.Expr{value}}, cond: &expr.Call{Fn: fn, Args: []expr.Expr{on, value}, Typ: datum.T(datum.Bool), Pos: -1}}
}

// beginnings tell for functions how every text begins for which they are true; empty: anyhow.
var beginnings = map[string]func(string) string{
	"starts_with": func(s string) string { return s },
	"^@":          func(s string) string { return s },
	"~~":          likeBeginning,
	"~":           regexBeginning,
}

// likeBeginning is what stands before the first wildcard of a pattern.
func likeBeginning(pattern string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '%', '_':
			return out.String()
		case '\\':
			if i++; i == len(pattern) {
				return ""
			}
		}
		out.WriteByte(pattern[i])
	}
	return out.String()
}

// regexBeginning is what stands after ^ as it is.
func regexBeginning(pattern string) string {
	rest, ok := strings.CutPrefix(pattern, "^")
	if !ok || strings.ContainsRune(rest, '|') {
		return ""
	}
	end := strings.IndexAny(rest, `.[]()*+?{}^$\`)
	if end < 0 {
		return rest
	}
	if strings.IndexByte("*?{", rest[end]) >= 0 { // what is before it may be missing
		_, size := utf8.DecodeLastRuneInString(rest[:end])
		end -= size
	}
	return rest[:end]
}

// nextText is the least text after all that begin so; empty: there is none.
func nextText(begin string) string {
	for begin != "" {
		last, size := utf8.DecodeLastRuneInString(begin)
		begin = begin[:len(begin)-size]
		if last++; last == 0xd800 { // up to 0xdfff are no characters
			last = 0xe000
		}
		if last <= utf8.MaxRune {
			return begin + string(last)
		}
	}
	return ""
}
