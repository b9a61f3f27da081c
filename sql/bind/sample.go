package bind

import (
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// sampled is the rows of a table, or the events, of which TABLESAMPLE takes some: a condition on the number of the row.
func (b *binder) sampled(node plan.Node, rel *catalog.Relation, at *syntax.TableName, e *env) (plan.Node, error) {
	s, number := at.Sample, len(rel.Columns)
	if isEvents(rel) {
		number = catalog.EventPosition
	} else if rel.Table == nil {
		return nil, b.notSampled(at)
	}
	system := strings.EqualFold(s.Method.Last(), "system")
	if name := s.Method.Last(); !system && name != "bernoulli" || len(s.Method) > 1 && s.Method[0] != "pg_catalog" {
		return nil, b.errorIn(s, pgerr.UndefinedObject, "tablesample method %s does not exist", dotted(s.Method))
	}
	if len(s.Args) != 1 {
		return nil, b.errorIn(s, "2202H", "tablesample method %s requires %d argument, not %d", s.Method.Last(), 1, len(s.Args))
	}
	f := &frame{binder: b, env: e, scope: &scope{}, what: "TABLESAMPLE"}
	args := []expr.Expr{nil, nil, &expr.Col{Index: number, Typ: datum.T(datum.Int8), Name: "row"}}
	seed := s.Seed
	if seed == nil {
		seed = &syntax.Const{At: s.At, Kind: syntax.IntConst, Text: itoa(s.Offset())} // samples of one statement are not the same rows
	}
	keeps := funcs.Sample(system, s.Seed != nil)
	for i, x := range []syntax.Expr{s.Args[0], seed} {
		v, err := f.bind(x)
		if err == nil {
			args[i], err = f.coerce(v, datum.T(keeps.Args[i]), funcs.Assignment, x)
		}
		if err != nil {
			return nil, err
		}
	}
	keep := &expr.Call{Fn: keeps, Args: args, Typ: datum.T(datum.Bool), Pos: -1}
	return &plan.Filter{Input: node, Cond: keep}, nil
}

// notSampled is the error of TABLESAMPLE of something else.
func (b *binder) notSampled(at *syntax.TableName) error {
	return b.errorIn(at, pgerr.FeatureNotSupported, "TABLESAMPLE clause can only be applied to tables and materialized views")
}
