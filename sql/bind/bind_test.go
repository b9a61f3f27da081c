package bind

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// TestBind binds statements of testdata and prints the plan ("bind"), the columns with their types ("fields"), or the error.
func TestBind(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			b, err := bindText(d.Input)
			if err != nil {
				return printError(err)
			}
			if d.Cmd == "fields" {
				return printFields(b)
			}
			return strings.Join(plan.Explain(b.Node, plan.ExplainOptions{Verbose: true}), "\n") + "\n"
		})
	})
}

func bindText(sql string) (*Bound, error) {
	st, err := syntax.ParseOne(sql)
	if err != nil {
		return nil, err
	}
	return Bind(&Context{Catalog: catalog.New("allsource"), SearchPath: []string{"public"}, Env: datum.DefaultEnv, Text: sql}, st.Stmt, nil)
}

func printFields(b *Bound) string {
	var out strings.Builder
	for _, f := range b.Fields {
		fmt.Fprintf(&out, "%s %s", f.Name, datum.FormatType(f.Type))
		if f.Table != 0 {
			fmt.Fprintf(&out, " from %d.%d", f.Table, f.Attr)
		}
		out.WriteByte('\n')
	}
	for i, p := range b.ParamTypes {
		fmt.Fprintf(&out, "$%d %s\n", i+1, datum.FormatType(datum.T(p)))
	}
	return out.String()
}

func printError(err error) string {
	e := pgerr.From(err)
	out := fmt.Sprintf("%s at %d: %s\n", e.Code, e.Position, e.Message)
	if e.Detail != "" {
		out += "DETAIL: " + e.Detail + "\n"
	}
	if e.Hint != "" {
		out += "HINT: " + e.Hint + "\n"
	}
	return out
}
