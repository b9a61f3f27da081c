package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// TestErrors reads testdata/errors.txt: parse answers with the printed statements or with the error and a caret under
// its place; expr does the same for an expression.
func TestErrors(t *testing.T) {
	datadriven.RunTest(t, "testdata/errors.txt", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "expr":
			e, err := ParseExpr(d.Input)
			if err != nil {
				return caret(d.Input, err)
			}
			return Format(e)
		case "parse":
			stmts, err := Parse(d.Input)
			if err != nil {
				return caret(d.Input, err)
			}
			var b strings.Builder
			for _, s := range stmts {
				fmt.Fprintf(&b, "%s: %s\n", s.Stmt.Tag(), s)
			}
			return b.String()
		}
		d.Fatalf(t, "unknown command %s", d.Cmd)
		return ""
	})
}

func caret(sql string, err error) string {
	e := pgerr.From(err)
	out := fmt.Sprintf("%s: %s\n", e.Code, e.Message)
	if e.Position > 0 && !strings.Contains(sql, "\n") {
		out += sql + "\n" + strings.Repeat(" ", e.Position-1) + "^\n"
	}
	if e.Hint != "" {
		out += "hint: " + e.Hint + "\n"
	}
	return out
}
