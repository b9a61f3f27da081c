package op_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// pagedRows has a small partition, one that is many pages long, and one more; within each the key ascends with ties, nulls last.
func pagedRows(key datum.OID, show func(k int) string, descending bool) optest.Table {
	in := optest.Table{Types: []datum.OID{text, key, i8, f8, text, datum.Numeric, datum.Bool, i4}}
	rng := rand.New(rand.NewPCG(1, 2))
	orNull := func(v any) string {
		if rng.IntN(6) == 0 {
			return "NULL"
		}
		return fmt.Sprint(v)
	}
	for p, rows := range []int{5, 170, 20} {
		at := make([]int, rows)
		for i := range at {
			at[i] = rng.IntN(rows)
		}
		slices.Sort(at)
		if descending {
			slices.Reverse(at)
		}
		for i := range rows {
			k := show(at[i])
			if i > rows*9/10 {
				k = "NULL"
			}
			in.Rows = append(in.Rows, []string{fmt.Sprint("p", p), k, orNull(rng.IntN(50)), orNull(rng.Float64()), orNull(fmt.Sprint("name ", rng.IntN(30))),
				orNull(fmt.Sprintf("%d.%02d", rng.IntN(20), rng.IntN(4))), orNull(rng.IntN(3) > 0), orNull(1 + rng.IntN(4))})
		}
	}
	return in
}

// pagedCalls is every function and one aggregate of each way to compute them, over a frame.
func pagedCalls(t *testing.T, key datum.OID, frame plan.Frame) []plan.WindowCall {
	calls := []plan.WindowCall{
		windowFunction(t, "row_number"), windowFunction(t, "rank"), windowFunction(t, "dense_rank"), windowFunction(t, "percent_rank"),
		windowFunction(t, "cume_dist"), windowFunction(t, "ntile", col(7, i4)), windowFunction(t, "lag", col(4, text)),
		windowFunction(t, "lag", col(2, i8), col(7, i4)), windowFunction(t, "lead", col(2, i8), constant(t, i4, "150"), col(2, i8)),
		windowFunction(t, "lead", col(5, datum.Numeric)), windowFunction(t, "first_value", col(4, text)), windowFunction(t, "last_value", col(1, key)),
		windowFunction(t, "nth_value", col(2, i8), col(7, i4)),
	}
	for i := range calls {
		calls[i].Frame = frame
	}
	filtered := windowAggregate(t, frame, "sum", col(2, i8))
	filtered.Filter = col(6, datum.Bool)
	return append(calls, filtered, windowAggregate(t, frame, "count"), windowAggregate(t, frame, "sum", col(3, f8)), windowAggregate(t, frame, "avg", col(5, datum.Numeric)),
		windowAggregate(t, frame, "min", col(4, text)), windowAggregate(t, frame, "max", col(2, i8)), windowAggregate(t, frame, "bool_and", col(6, datum.Bool)),
		windowAggregate(t, frame, "var_samp", col(3, f8)), windowAggregate(t, frame, "last", col(4, text)), windowAggregate(t, frame, "array_agg", col(7, i4)))
}

// frames is every frame of the mode, as it is and with one of the exclusions.
func frames(mode syntax.FrameMode, offset *expr.Const) (out []plan.Frame) {
	at := func(k syntax.FrameBoundKind) plan.FrameBound {
		b := plan.FrameBound{Kind: k}
		if k == syntax.FramePreceding || k == syntax.FrameFollowing {
			b.Offset = offset
		}
		return b
	}
	kinds := []syntax.FrameBoundKind{syntax.FrameUnboundedPreceding, syntax.FramePreceding, syntax.FrameCurrentRow, syntax.FrameFollowing, syntax.FrameUnboundedFollowing}
	for s, start := range kinds[:4] {
		for e, end := range kinds[1:] {
			if e+1 < s {
				continue
			}
			some := []syntax.FrameExclude{syntax.ExcludeCurrentRow, syntax.ExcludeGroup, syntax.ExcludeTies}[(s+e)%3]
			for _, ex := range []syntax.FrameExclude{syntax.ExcludeNoOthers, some} {
				out = append(out, plan.Frame{Mode: mode, Start: at(start), End: at(end), Exclude: ex})
			}
		}
	}
	return out
}

// windowAnswer computes a window over sorted rows with so much memory.
func windowAnswer(ctx context.Context, t *testing.T, in optest.Table, n *plan.Window, memory int64) (string, error) {
	t.Helper()
	env := optest.NewEnv(t, memory)
	env.X.Fn.Context = ctx
	env.Rows = 23
	w := op.NewWindow(env, &inPieces{b: optest.Batch(t, in), rows: 23}, n)
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	types := []datum.OID{in.Types[0], in.Types[4]}
	for _, c := range n.Calls {
		types = append(types, c.Typ.OID)
	}
	if err := w.Open(ctx); err != nil {
		return "", err
	}
	var out []string
	for {
		b, err := w.Next(ctx)
		if b == nil || err != nil {
			return strings.Join(out, "\n"), err
		}
		out = append(out, optest.Text(types, b)...)
	}
}

// TestWindowPaged computes every function over every frame with so little memory that a partition is read from pages: the answers are
// those of partitions that are held, which are compared with PostgreSQL elsewhere.
func TestWindowPaged(t *testing.T) {
	const little = 12 << 10
	day := func(k int) string { return fmt.Sprintf("2026-%02d-%02d", 1+k/28, 1+k%28) }
	for _, way := range []struct {
		mode   syntax.FrameMode
		key    datum.OID
		show   func(k int) string
		offset *expr.Const
		desc   bool
	}{
		{syntax.FrameRows, i4, func(k int) string { return fmt.Sprint(k) }, constant(t, i8, "19"), false},
		{syntax.FrameGroups, i4, func(k int) string { return fmt.Sprint(k) }, constant(t, i8, "3"), false},
		{syntax.FrameRange, i4, func(k int) string { return fmt.Sprint(k) }, constant(t, i8, "12"), true},
		{syntax.FrameRange, datum.Date, day, constant(t, datum.Interval, "9 days"), false},
	} {
		in := pagedRows(way.key, way.show, way.desc)
		for k, frame := range frames(way.mode, way.offset) {
			if testing.Short() && k%3 > 0 {
				continue
			}
			n := &plan.Window{Input: input(in.Types), Partition: []expr.Expr{col(0, text)}, Keep: []int{0, 4}, Sorted: true,
				Order: []plan.SortKey{{Expr: col(1, way.key), Desc: way.desc}}, Calls: pagedCalls(t, way.key, frame)}
			want, err := windowAnswer(context.Background(), t, in, n, 64<<20)
			if err != nil {
				t.Fatal(frame, err)
			}
			got, err := windowAnswer(context.Background(), t, in, n, little)
			if err != nil {
				t.Fatal(frame, err)
			}
			if got != want {
				t.Fatalf("%v: %s", frame, firstDifference(got, want))
			}
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range w {
		if i >= len(g) || g[i] != w[i] {
			return fmt.Sprintf("row %d is\n%s\nwant\n%s", i, strings.Join(g[i:min(i+1, len(g))], ""), w[i])
		}
	}
	return "there are more rows"
}

// TestWindowPagedStops cancels a statement while frames are read from pages.
func TestWindowPagedStops(t *testing.T) {
	in := pagedRows(i4, func(k int) string { return fmt.Sprint(k) }, false)
	frame := rowsFrame(constant(t, i8, "100"), constant(t, i8, "100"))
	n := &plan.Window{Input: input(in.Types), Partition: []expr.Expr{col(0, text)}, Keep: []int{0, 4}, Sorted: true,
		Order: []plan.SortKey{{Expr: col(1, i4)}}, Calls: pagedCalls(t, i4, frame)}
	ctx := &lateCancel{Context: context.Background(), left: 60}
	if _, err := windowAnswer(ctx, t, in, n, 12<<10); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after %d looks", err, 60-ctx.left)
	}
}

// lateCancel is canceled once it was looked at so often.
type lateCancel struct {
	context.Context
	left int
}

func (c *lateCancel) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// inPieces gives a batch some rows at a time.
type inPieces struct {
	b        *vec.Batch
	at, rows int
}

func (s *inPieces) Open(context.Context) error { return nil }
func (s *inPieces) Close() error               { return nil }

func (s *inPieces) Next(context.Context) (*vec.Batch, error) {
	from, to := s.at, min(s.at+s.rows, s.b.Len)
	if s.at = to; from == to {
		return nil, nil
	}
	return s.b.Slice(from, to), nil
}
