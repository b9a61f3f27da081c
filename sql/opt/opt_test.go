package opt

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// million is a log of a million events.
type million struct{}

func (million) Rows(string) float64 { return 1e6 }

// Log is two years of twenty thousand entities; half of the events are of the type common.
func (million) Log() *LogStats {
	return &LogStats{Entities: 20_000, Types: map[string]float64{"common": 0.5, "placed": 0.2, "paid": 0.1, "sent": 0.1, "rare": 0.001},
		Timestamp: [2]int64{year(24), year(26)}, RecordedAt: [2]int64{year(24), year(26)}}
}

// year is the beginning of a year after 2000, about.
func year(n int64) int64 { return n * 365 * 86400 * 1e6 }

// TestRules optimizes the statements of testdata and prints the plans. "opt expect=rule" fails when the rule changed
// nothing, "opt expect=-rule" when it did something; "off=rule" leaves it out.
func TestRules(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			o := Options{Off: map[string]bool{}, Stats: million{},
				Context: &expr.EvalCtx{Fn: &funcs.Ctx{Context: context.Background(), Env: datum.DefaultEnv}}}
			for _, a := range d.CmdArgs {
				if a.Key == "off" {
					o.Off[a.Vals[0]] = true
				}
			}
			fired := map[string]bool{}
			o.Traced = func(rule string, _ plan.Node) { fired[rule] = true }
			n, err := bound(d.Input)
			if err == nil {
				n, err = Optimize(n, o)
			}
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			for _, a := range d.CmdArgs {
				if a.Key != "expect" {
					continue
				}
				for _, r := range a.Vals {
					rule, not := strings.CutPrefix(r, "-")
					if fired[rule] == not {
						d.Fatalf(t, "rule %s: fired %v", rule, fired[rule])
					}
				}
			}
			return strings.Join(plan.Explain(n, plan.ExplainOptions{Verbose: true}), "\n") + "\n"
		})
	})
}

func bound(sql string) (plan.Node, error) {
	st, err := syntax.ParseOne(sql)
	if err != nil {
		return nil, err
	}
	b, err := bind.Bind(&bind.Context{Catalog: catalog.New("allsource"), SearchPath: []string{"public"}, Env: datum.DefaultEnv, Text: sql}, st.Stmt, nil)
	if err != nil {
		return nil, err
	}
	return b.Node, nil
}
