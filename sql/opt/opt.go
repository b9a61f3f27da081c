// Package opt rewrites plans into cheaper ones that give the same rows. It is a list of rules (rules.go), each with a name
// under which it can be switched off. A rule never changes a node, only makes new ones; the columns of the whole are the
// same before and after each rule, and a rule that fails fails the query: it is a bug, not a choice.
package opt

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
)

// Options configure the optimizer. The zero value runs every rule without statistics.
type Options struct {
	Off map[string]bool // rules not to run, by name; "all" is every one
	// Context evaluates constants; nil leaves them as they are.
	Context *expr.EvalCtx
	Stats   Stats // may be nil
	// Indexed says whether an index has all the rows that a table has for the query; nil: each has. One that is younger than a snapshot lacks what ended before it
	// was made.
	Indexed func(rel *catalog.Relation, ix *catalog.TableIndex) bool
	// Whole says whether an index has all the rows that a table ever had; nil: each has. Queries about a period need that.
	Whole func(rel *catalog.Relation, ix *catalog.TableIndex) bool
	// IndexRule binds the keys and the predicate of an index over the columns of its relation; nil: those that compute something are not used.
	IndexRule func(rel *catalog.Relation, ix *catalog.TableIndex) (plan.IndexRule, error)
	// Traced is called after each rule that changed the plan; may be nil.
	Traced func(rule string, n plan.Node)
}

// Stats tells how much there is to read.
type Stats interface {
	// Rows is how many rows a stored relation has, about; negative when unknown.
	Rows(relation string) float64
	// Log describes events; nil when unknown. It must not be changed.
	Log() *LogStats
}

// LogStats is what is in events, about.
type LogStats struct {
	Entities   float64            // how many distinct ones
	Types      map[string]float64 // share of the events that have the type
	Timestamp  [2]int64           // least and greatest
	RecordedAt [2]int64
}

// Rule is one rewrite of a whole plan. Plans of subqueries come to it on their own.
type Rule struct {
	Name  string
	Doc   string
	apply func(r *run, n plan.Node) (plan.Node, error)
}

// run is one optimization.
type run struct {
	o     Options
	guess *estimator
}

// Optimize returns the plan to execute.
func Optimize(n plan.Node, o Options) (plan.Node, error) {
	if o.Off["all"] {
		return n, nil
	}
	r := &run{o: o, guess: newEstimator(o.Stats)}
	return r.optimize(n)
}

func (r *run) optimize(n plan.Node) (plan.Node, error) {
	for _, rule := range Rules() {
		if r.o.Off[rule.Name] {
			continue
		}
		out, err := rule.apply(r, n)
		if err != nil {
			return nil, err
		}
		if err := sameSchema(rule.Name, n, out); err != nil {
			return nil, err
		}
		if out != n && r.o.Traced != nil {
			r.o.Traced(rule.Name, out)
		}
		n = out
	}
	return n, nil
}

// subqueries optimizes the plans of the subqueries in a plan's expressions.
func subqueries(r *run, n plan.Node) (plan.Node, error) {
	return plan.Transform(n, func(n plan.Node) (plan.Node, error) {
		var failed error
		out := plan.MapExprs(n, func(e expr.Expr) expr.Expr {
			return expr.Transform(e, func(x expr.Expr) expr.Expr {
				s, ok := x.(*expr.Subquery)
				if !ok || failed != nil {
					return x
				}
				p, ok := s.Plan.(plan.Node)
				if !ok {
					return x
				}
				p, err := r.optimize(p)
				if err != nil {
					failed = err
					return x
				}
				c := *s
				c.Plan, c.Correlated = p, plan.Correlated(p)
				return &c
			})
		})
		return out, failed
	})
}

// sameSchema checks what every rule promises. The table that a column comes from may be forgotten, not invented.
func sameSchema(rule string, before, after plan.Node) error {
	a, b := before.Schema(), after.Schema()
	same := len(a) == len(b)
	for i := 0; same && i < len(a); i++ {
		same = a[i].Type == b[i].Type && a[i].Name == b[i].Name
	}
	if !same {
		return pgerr.New(pgerr.InternalError, "optimizer rule %s changed the columns of a plan: %s became %s", rule, columnList(a), columnList(b)).
			WithHint("SET optimizer_off = '%s' answers the query without the rule.", rule)
	}
	return nil
}

func columnList(fields []plan.Field) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name + " " + datum.FormatType(f.Type)
	}
	return "(" + strings.Join(out, ", ") + ")"
}
