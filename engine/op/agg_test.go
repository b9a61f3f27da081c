package op_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

func rowsOf(t testing.TB, table optest.Table) func(context.Context) (*vec.Batch, error) {
	return func(context.Context) (*vec.Batch, error) { return optest.Batch(t, table), nil }
}

func runAggregate(t *testing.T, in optest.Table, a *op.Aggregation, types []datum.OID, want [][]string, memory int64) {
	t.Helper()
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{in},
		Make:   func(env *op.Env, in []op.Op) op.Op { return op.NewAggregate(env, in[0], a) },
		Types:  types, Want: want, Memory: memory,
	})
}

func TestAggregate(t *testing.T) {
	count, sum := aggregate(t, "count"), aggregate(t, "sum", col(1, i4))
	runAggregate(t, people, &op.Aggregation{Keys: []expr.Expr{col(2, text)}, Calls: []plan.AggCall{count, sum}},
		[]datum.OID{text, i8, i8}, [][]string{{"rome", "3", "60"}, {"oslo", "2", "66"}, {"NULL", "1", "25"}}, 0)
	runAggregate(t, people, &op.Aggregation{Keys: []expr.Expr{col(2, text), col(1, i4)}, Calls: []plan.AggCall{count}},
		[]datum.OID{text, i4, i8}, [][]string{{"rome", "30", "2"}, {"oslo", "25", "1"}, {"rome", "NULL", "1"}, {"NULL", "25", "1"}, {"oslo", "41", "1"}}, 0)
	runAggregate(t, people, &op.Aggregation{Calls: []plan.AggCall{count, sum}}, []datum.OID{i8, i8}, [][]string{{"6", "151"}}, 0)
	none := optest.Table{Types: people.Types}
	runAggregate(t, none, &op.Aggregation{Calls: []plan.AggCall{count, sum}}, []datum.OID{i8, i8}, [][]string{{"0", "NULL"}}, 0)
	runAggregate(t, none, &op.Aggregation{Keys: []expr.Expr{col(0, text)}, Calls: []plan.AggCall{count}}, []datum.OID{text, i8}, nil, 0)
}

func TestAggregateCalls(t *testing.T) {
	old := call(t, ">", col(1, i4), constant(t, i4, "28"))
	filtered := aggregate(t, "count")
	filtered.Filter = old
	distinct := aggregate(t, "count", col(1, i4))
	distinct.Distinct = true
	names := aggregate(t, "string_agg", col(0, text), constant(t, text, ","))
	names.Order = []plan.SortKey{sortKey(1, i4, true, true), sortKey(0, text, true, false)}
	ages := aggregate(t, "array_agg", col(1, i4))
	ages.Distinct = true
	runAggregate(t, people, &op.Aggregation{Calls: []plan.AggCall{filtered, distinct, names, ages}},
		[]datum.OID{i8, i8, text, 1007}, [][]string{{"3", "3", "cid,eve,fay,ann,dan,bob", "{25,30,41,NULL}"}}, 0)
}

func TestGroupingSets(t *testing.T) {
	a := &op.Aggregation{Keys: []expr.Expr{col(2, text), col(1, i4)}, Sets: [][]int{{0}, {}, {0, 1}}, Calls: []plan.AggCall{aggregate(t, "count")}}
	types := []datum.OID{text, i4, i8, i4}
	runAggregate(t, people, a, types, [][]string{
		{"rome", "NULL", "3", "0"}, {"oslo", "NULL", "2", "0"}, {"NULL", "NULL", "1", "0"}, {"NULL", "NULL", "6", "1"},
		{"rome", "30", "2", "2"}, {"oslo", "25", "1", "2"}, {"rome", "NULL", "1", "2"}, {"NULL", "25", "1", "2"}, {"oslo", "41", "1", "2"},
	}, 0)
	runAggregate(t, optest.Table{Types: people.Types}, a, types, [][]string{{"NULL", "NULL", "0", "1"}}, 0)
}

func TestAggregatePutsRowsAside(t *testing.T) {
	in := many(400)
	var want [][]string
	for i := range 200 {
		want = append(want, []string{fmt.Sprint(i), strconv.Itoa(2), strconv.Itoa(i%7 + (i+200)%7)})
	}
	key := call(t, "%", col(0, i4), constant(t, i4, "200"))
	runAggregate(t, in, &op.Aggregation{Keys: []expr.Expr{key}, Calls: []plan.AggCall{aggregate(t, "count"), aggregate(t, "sum", col(1, i4))}},
		[]datum.OID{i4, i8, i8}, want, 6000)
	sets := [][]string{{"NULL", "400", "1"}}
	for _, w := range want {
		sets = append(sets, []string{w[0], "2", "0"})
	}
	runAggregate(t, in, &op.Aggregation{Keys: []expr.Expr{key}, Sets: [][]int{{0}, {}}, Calls: []plan.AggCall{aggregate(t, "count")}},
		[]datum.OID{i4, i8, i4}, sets, 8000)
}
