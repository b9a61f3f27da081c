package op_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// fakeLog is n made-up events cut into groups of the sizes, the last of which repeats.
type fakeLog struct {
	n      int64
	sizes  []int64
	reads  *int64          // of the price column
	onRead func(pos int64) // before a value is read
}

func entityOf(pos int64) string { return fmt.Sprintf("e%d", pos%97) }
func typeOf(pos int64) string   { return []string{"placed", "paid", "sent"}[pos*pos%3] }
func priceOf(pos int64) float64 { return math.Sin(float64(pos)) * 1e6 / float64(pos%13+1) }

func (l *fakeLog) Rows() int64 { return l.n }
func (l *fakeLog) End() int64  { return l.n + 1 }

func (l *fakeLog) all() []storage.Group {
	var out []storage.Group
	for base, k := int64(1), 0; base <= l.n; k++ {
		size := min(l.sizes[min(k, len(l.sizes)-1)], l.n+1-base)
		out = append(out, &fakeGroup{l, base, int(size)})
		base += size
	}
	return out
}

func (l *fakeLog) Groups(_ context.Context, preds []storage.Pred) ([]storage.Group, int, error) {
	return l.all(), 0, nil
}

func (l *fakeLog) History(entity string, from, to int64) (storage.History, error) {
	byBase := map[int64][]int32{}
	version := int64(0)
	groups := l.all()
	for _, g := range groups {
		for row := range g.Len() {
			if entityOf(g.Base()+int64(row)) != entity {
				continue
			}
			if version++; version >= from && version < to {
				byBase[g.Base()] = append(byBase[g.Base()], int32(row))
			}
		}
	}
	return func(_ context.Context, want func(storage.Group) (bool, error)) (storage.Group, []int32, error) {
		for len(groups) > 0 {
			g := groups[len(groups)-1]
			groups = groups[:len(groups)-1]
			if ok, err := want(g); err != nil {
				return nil, nil, err
			} else if ok && len(byBase[g.Base()]) > 0 {
				return g, byBase[g.Base()], nil
			}
		}
		return nil, nil, nil
	}, nil
}

type fakeGroup struct {
	l    *fakeLog
	base int64
	n    int
}

func (g *fakeGroup) Len() int     { return g.n }
func (g *fakeGroup) Base() int64  { return g.base }
func (g *fakeGroup) Bytes() int64 { return int64(g.n) }

func (g *fakeGroup) Read(ctx context.Context, ref storage.Ref, from, to int) (*vec.Column, error) {
	rows := make([]int32, to-from)
	for i := range rows {
		rows[i] = int32(from + i)
	}
	return g.ReadRows(ctx, ref, rows)
}

func (g *fakeGroup) ReadRows(_ context.Context, ref storage.Ref, rows []int32) (*vec.Column, error) {
	kinds := map[storage.Column]vec.Kind{storage.ColPosition: vec.Int64, storage.ColPayload: vec.Float64}
	kind, ok := kinds[ref.Col]
	if !ok {
		kind = vec.Bytes
	}
	b := vec.NewBuilder(kind, len(rows))
	for _, r := range rows {
		if g.l.onRead != nil {
			g.l.onRead(g.base + int64(r))
		}
		if int(r) >= g.n {
			return nil, fmt.Errorf("row %d of %d", r, g.n)
		}
		switch pos := g.base + int64(r); ref.Col {
		case storage.ColPosition:
			b.AppendInt(pos)
		case storage.ColEntity:
			b.AppendString(entityOf(pos))
		case storage.ColType:
			b.AppendString(typeOf(pos))
		case storage.ColPayload:
			if l := g.l; l.reads != nil {
				*l.reads++
			}
			b.AppendFloat(priceOf(pos))
		}
	}
	return b.Finish(), nil
}

var scanCols = []plan.ScanCol{
	{Column: catalog.EventPosition, Field: plan.Field{Name: "position", Type: datum.T(i8)}},
	{Column: catalog.EventEntity, Field: plan.Field{Name: "entity_id", Type: datum.T(text)}},
	{Column: catalog.EventType, Field: plan.Field{Name: "event_type", Type: datum.T(text)}},
	{Column: catalog.EventPayload, Path: []string{"price"}, As: vec.AsFloat, Field: plan.Field{Name: "price", Type: datum.T(f8)}},
}

// logs are the same events, stored in different ways.
func logs(n int64) map[string]*fakeLog {
	return map[string]*fakeLog{
		"whole blocks": {n: n, sizes: []int64{op.BlockRows - 1, op.BlockRows}},
		"one group":    {n: n, sizes: []int64{n}},
		"tail":         {n: n, sizes: []int64{50_000, 7, 1, 3000}},
	}
}

func collect(t *testing.T, o op.Op) *vec.Batch {
	t.Helper()
	env := optest.NewEnv(t, 1<<30)
	types := []datum.OID{i8, text, text, f8}
	b, err := op.Collect(t.Context(), env, o, optest.TypesOf(types), -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	return b
}

func TestScanOrder(t *testing.T) {
	const n = 150_000
	for name, log := range logs(n) {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				env := optest.NewEnv(t, 1<<30)
				env.Workers = workers
				scan := func(s op.EventScan) []int64 {
					s.View, s.Cols = log, scanCols
					return slices.Clone(collect(t, op.NewEventScan(env, &s)).Cols[0].I64)
				}
				all := scan(op.EventScan{Limit: -1})
				if len(all) != n || all[0] != 1 || !slices.IsSorted(all) {
					t.Fatalf("%d rows, in order: %v", len(all), slices.IsSorted(all))
				}
				paid := call(t, "=", col(2, text), constant(t, text, "placed"))
				some := scan(op.EventScan{Filter: paid, Limit: -1})
				if !slices.IsSorted(some) || len(some) == 0 || typeOf(some[0]) != "placed" {
					t.Errorf("filtered: %d rows", len(some))
				}
				back := scan(op.EventScan{Filter: paid, Reverse: true, Limit: -1})
				slices.Reverse(back)
				if !slices.Equal(back, some) {
					t.Error("newest first is not the reverse")
				}
				if last := scan(op.EventScan{Reverse: true, Limit: 3}); fmt.Sprint(last) != fmt.Sprint([]int64{n, n - 1, n - 2}) {
					t.Errorf("the last three are %v", last)
				}
				if cut := scan(op.EventScan{End: 11, Limit: -1}); len(cut) != 10 {
					t.Errorf("%d rows before position 11", len(cut))
				}
			})
		}
	}
}

func bound(column int, cmp plan.CompareOp, vals ...expr.Expr) plan.Bound {
	return plan.Bound{Col: plan.ScanCol{Column: column}, Op: cmp, Values: vals}
}

func TestScanBounds(t *testing.T) {
	const n = 150_000
	for name, log := range logs(n) {
		t.Run(name, func(t *testing.T) {
			env := optest.NewEnv(t, 1<<30)
			scan := func(bounds ...plan.Bound) []int64 {
				stats := &op.Stats{}
				got := collect(t, op.NewEventScan(env, &op.EventScan{View: log, Cols: scanCols, Bounds: bounds, Limit: -1, Stats: stats}))
				if stats.Scanned.Load() != int64(got.Len) {
					t.Errorf("%d rows looked at for %d", stats.Scanned.Load(), got.Len)
				}
				return got.Cols[0].I64
			}
			pos := func(cmp plan.CompareOp, v string) plan.Bound {
				return bound(catalog.EventPosition, cmp, constant(t, i8, v))
			}
			if got := scan(pos(plan.Eq, "70000")); fmt.Sprint(got) != "[70000]" {
				t.Errorf("%v", got)
			}
			if got := scan(pos(plan.Gt, "65534"), pos(plan.Le, "65537")); fmt.Sprint(got) != "[65535 65536 65537]" {
				t.Errorf("%v", got)
			}
			if got := scan(pos(plan.Lt, "1")); len(got) != 0 {
				t.Errorf("%v", got)
			}
			e5 := bound(catalog.EventEntity, plan.Eq, constant(t, text, "e5"))
			got := scan(e5)
			if len(got) != 1547 || !slices.IsSorted(got) || got[0] != 5 {
				t.Errorf("%d rows of an entity", len(got))
			}
			if v := scan(e5, bound(catalog.EventVersion, plan.Le, constant(t, i8, "2"))); fmt.Sprint(v) != "[5 102]" {
				t.Errorf("%v", v)
			}
			if v := scan(e5, bound(catalog.EventEntity, plan.Eq, constant(t, text, "e6"))); len(v) != 0 {
				t.Errorf("two entities at once: %v", v)
			}
		})
	}
}

// TestNewestOfEntity: the last rows of an entity are looked for from the end of the log, and no further than needed.
func TestNewestOfEntity(t *testing.T) {
	const n = 150_000
	for name, log := range logs(n) {
		t.Run(name, func(t *testing.T) {
			env := optest.NewEnv(t, 1<<30)
			e5 := constant(t, text, "e5")
			stats := &op.Stats{}
			scan := func(limit int64, also ...plan.Bound) *op.EventScan {
				return &op.EventScan{View: log, Cols: scanCols, Bounds: append(also, bound(catalog.EventEntity, plan.Eq, e5)),
					Filter: call(t, "=", col(1, text), e5), Reverse: true, Limit: limit, Stats: stats}
			}
			var all []int64
			for pos := int64(n); pos > 0; pos-- {
				if entityOf(pos) == "e5" {
					all = append(all, pos)
				}
			}
			if got := collect(t, op.NewEventScan(env, scan(-1))); !slices.Equal(got.Cols[0].I64, all) {
				t.Errorf("%d rows, expected %d", got.Len, len(all))
			}
			groups := stats.Groups.Load()
			if got := collect(t, op.NewEventScan(env, scan(3))); !slices.Equal(got.Cols[0].I64, all[:3]) {
				t.Errorf("the last three are %v, expected %v", got.Cols[0].I64, all[:3])
			}
			if more := stats.Groups.Load() - groups; more > 3 {
				t.Errorf("%d groups looked into for three rows", more)
			}
			before := bound(catalog.EventPosition, plan.Lt, constant(t, i8, "65540"))
			if got := collect(t, op.NewEventScan(env, scan(2, before))); got.Len != 2 || got.Cols[0].Int(0) >= 65540 || got.Cols[0].Int(0) < 65540-97 {
				t.Errorf("the last two before a position are %v", got.Cols[0].I64)
			}
		})
	}
}

// TestLateReading: columns that the filter does not read are only read for the rows that it lets through.
func TestLateReading(t *testing.T) {
	reads := int64(0)
	log := &fakeLog{n: 100_000, sizes: []int64{100_000}, reads: &reads}
	env := optest.NewEnv(t, 1<<30)
	env.Workers = 1
	one := call(t, "=", col(0, i8), constant(t, i8, "77777"))
	got := collect(t, op.NewEventScan(env, &op.EventScan{View: log, Cols: scanCols, Filter: one, Limit: -1}))
	if got.Len != 1 || reads != 1 {
		t.Errorf("%d rows, %d prices read", got.Len, reads)
	}
}

// TestSumsDoNotDependOnStorage: float sums are the same to the last bit however the events are stored, whoever reads them
// and in batches of whatever size, and they are those of the blocks added up in order.
func TestSumsDoNotDependOnStorage(t *testing.T) {
	const n = 200_000
	total, block := 0.0, 0.0
	for pos := int64(1); pos <= n; pos++ {
		if pos%op.BlockRows == 0 {
			total, block = total+block, 0
		}
		if typeOf(pos) == "placed" {
			block += priceOf(pos)
		}
	}
	total += block
	a := &op.Aggregation{
		Keys:  []expr.Expr{col(0, text)},
		Calls: []plan.AggCall{aggregate(t, "sum", col(1, f8)), aggregate(t, "avg", col(1, f8)), aggregate(t, "stddev", col(1, f8)), aggregate(t, "count")},
	}
	types := []datum.OID{text, f8, f8, f8, i8}
	var first []string
	for name, log := range logs(n) {
		for _, workers := range []int{1, 3} {
			for _, rows := range []int{1000, vec.BatchRows} {
				for _, memory := range []int64{1 << 30, 1} {
					env := optest.NewEnv(t, memory)
					env.Workers, env.Rows = workers, rows
					scan := func() *op.EventScan {
						return &op.EventScan{View: log, Cols: scanCols, Limit: -1, Steps: []op.Step{op.ProjectStep{Exprs: []expr.Expr{col(2, text), col(3, f8)}}}}
					}
					ways := map[string]op.Op{
						"workers": op.NewScanAggregate(env, scan(), a),
						"one":     op.NewAggregate(env, op.NewEventScan(env, scan()), a),
					}
					if memory > 1 {
						ways["beside another"] = besideAnother(env, types, func(env *op.Env) op.Op { return op.NewScanAggregate(env, scan(), a) })
					}
					for way, o := range ways {
						got := sums(t, o, types)
						if first == nil {
							first = got
						}
						if !slices.Equal(got, first) {
							t.Errorf("%s, %d workers, %d rows, %d bytes, %s:\n%v\nwant\n%v", name, workers, rows, memory, way, got, first)
						}
					}
				}
			}
		}
	}
	want := string(datum.AppendText(nil, datum.T(f8), floats(total), 0, datum.DefaultEnv))
	if !slices.ContainsFunc(first, func(s string) bool { return len(s) > 9+len(want) && s[:9] == "placed | " && s[9:9+len(want)] == want }) {
		t.Errorf("%v, want the sum %s", first, want)
	}
}

// besideAnother groups twice at the same time, with workers that go over from one to the other, and joins both answers, which must be equal.
func besideAnother(env *op.Env, types []datum.OID, group func(*op.Env) op.Op) op.Op {
	var in [2]op.Op
	for i, crew := range op.NewCrews() {
		x := *env.X
		e := env.With(&x)
		e.Crew = crew
		in[i] = group(e)
	}
	var cols []expr.Expr
	for i, typ := range types {
		cols = append(cols, col(i, typ))
	}
	return op.NewHashJoin(env, in[0], in[1], &op.Joining{
		Kind: plan.Semi, LeftTypes: optest.TypesOf(types), RightTypes: optest.TypesOf(types), LeftKeys: cols, RightKeys: cols, Together: true,
	})
}

func floats(v float64) *vec.Column { return &vec.Column{Kind: vec.Float64, Len: 1, F64: []float64{v}} }

func sums(t *testing.T, o op.Op, types []datum.OID) []string {
	t.Helper()
	out := given(t, o, types)
	slices.Sort(out)
	return out
}

func TestScanStopsWhenClosed(t *testing.T) {
	log := &fakeLog{n: 400_000, sizes: []int64{op.BlockRows}}
	env := optest.NewEnv(t, 1<<30)
	o := op.NewEventScan(env, &op.EventScan{View: log, Cols: scanCols, Limit: -1})
	if err := o.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, err := o.Next(t.Context()); b == nil || err != nil {
		t.Fatal(b, err)
	}
	for range 2 {
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	o = op.NewEventScan(env, &op.EventScan{View: log, Cols: scanCols, Limit: -1})
	if err := o.Open(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	for {
		b, err := o.Next(ctx)
		if err != nil {
			break
		}
		if b == nil {
			t.Fatal("a canceled scan came to its end")
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestScanCanceledAtTheEnd cancels a scan while it reads the last event: it fails, or gives the event.
func TestScanCanceledAtTheEnd(t *testing.T) {
	env := optest.NewEnv(t, 1<<30)
	last := int64(2*op.BlockRows - 1)
	cond := call(t, "=", col(0, i8), constant(t, i8, fmt.Sprint(last)))
	for range 40 {
		ctx, cancel := context.WithCancel(t.Context())
		log := &fakeLog{n: last, sizes: []int64{op.BlockRows}, onRead: func(pos int64) {
			if pos == last {
				cancel()
			}
		}}
		o := op.NewEventScan(env, &op.EventScan{View: log, Cols: scanCols[:1], Filter: cond, Limit: -1})
		if err := o.Open(ctx); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		time.Sleep(time.Millisecond) // the worker meets the end of the context before the reader does
		if b, err := o.Next(ctx); b == nil && err == nil {
			t.Fatal("the scan ended without its event")
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
