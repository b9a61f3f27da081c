// Package optest runs an operator under everything that can happen to it: batches of one row, of two, of all and of random
// numbers of rows, little memory, cancellation before each batch, closing early and twice. The answer is the same each
// time, the inputs are never changed, and nothing is left running.
package optest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// Table is an input: the types of its columns and its rows in text, with NULL for null.
type Table struct {
	Types []datum.OID
	Rows  [][]string
}

// Case is one operator over inputs with its answer.
type Case struct {
	Inputs  []Table
	Make    func(env *op.Env, in []op.Op) op.Op
	Types   []datum.OID // of the answer
	Want    [][]string
	Ordered bool // the order is part of the answer
	// Aside says that rows come in another order where some were put aside.
	Aside bool
	// Memory is so little, in bytes, that the operator must put rows aside, and enough to give the same answer; with 0 it
	// may fail with 53200.
	Memory int64
	Error  pgerr.Code // the answer is an error
}

// NewEnv returns an environment with the given memory.
func NewEnv(t testing.TB, memory int64) *op.Env {
	x := &expr.EvalCtx{Fn: &funcs.Ctx{Context: context.Background(), Env: datum.DefaultEnv}}
	return &op.Env{X: x, Budget: op.NewBudget(memory, t.TempDir()), Rows: vec.BatchRows, Workers: 3}
}

// TypesOf turns OIDs into types.
func TypesOf(oids []datum.OID) []datum.Type {
	out := make([]datum.Type, len(oids))
	for i, o := range oids {
		out[i] = datum.T(o)
	}
	return out
}

// Run runs the case in all ways.
func Run(t *testing.T, c Case) {
	t.Helper()
	before := runtime.NumGoroutine()
	const plenty = 64 << 20
	for _, rows := range []int{1, 2, 3, vec.BatchRows, 0} {
		for _, coded := range []bool{false, true} {
			t.Run(fmt.Sprintf("batches of %d, coded %v", rows, coded), func(t *testing.T) {
				c.check(t, c.setup(t, plenty, rows, coded), false)
			})
		}
	}
	t.Run("little memory", func(t *testing.T) {
		for _, rows := range []int{1, 7} {
			r := c.setup(t, max(c.Memory, 1), rows, false)
			c.check(t, r, c.Memory == 0)
			if c.Memory > 0 && r.env.Budget.Spilled() == 0 {
				t.Errorf("nothing was put aside with %d bytes: %d were held", c.Memory, r.env.Budget.Peak())
			}
		}
	})
	t.Run("cancel", c.cancel)
	t.Run("close early", func(t *testing.T) {
		r := c.setup(t, plenty, 2, false)
		r.close(t)
		r = c.setup(t, plenty, 2, false)
		ctx := context.Background()
		if err := r.op.Open(ctx); err == nil {
			_, _ = r.op.Next(ctx)
		}
		r.close(t)
	})
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Errorf("%d goroutines are left", runtime.NumGoroutine()-before)
}

// run is one operator over fresh inputs.
type run struct {
	env    *op.Env
	op     op.Op
	inputs []*source
}

func (c *Case) setup(t *testing.T, memory int64, rows int, coded bool) *run {
	t.Helper()
	r := &run{env: NewEnv(t, memory)}
	if rows > 0 {
		r.env.Rows = rows
	}
	var in []op.Op
	for i, table := range c.Inputs {
		s := newSource(t, table, rows, uint64(i), coded)
		r.inputs = append(r.inputs, s)
		in = append(in, s)
	}
	r.op = c.Make(r.env, in)
	return r
}

// check runs to the end and compares.
func (c *Case) check(t *testing.T, r *run, mayFail bool) {
	t.Helper()
	got, err := r.all(context.Background(), c.Types)
	r.close(t)
	for _, s := range r.inputs {
		s.unchanged(t)
	}
	switch {
	case c.Error != "":
		if !pgerr.Is(err, c.Error) {
			t.Errorf("error %v, want %s", err, c.Error)
		}
		return
	case mayFail && pgerr.Is(err, pgerr.OutOfMemory):
		return
	case err != nil:
		t.Fatal(err)
	}
	want := lines(c.Want)
	if !c.Ordered || c.Aside && r.env.Budget.Spilled() > 0 {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func lines(rows [][]string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = strings.Join(r, " | ")
	}
	return out
}

// all pulls every batch; after the end the operator must stay at it.
func (r *run) all(ctx context.Context, types []datum.OID) ([]string, error) {
	if err := r.op.Open(ctx); err != nil {
		return nil, err
	}
	var out []string
	for {
		b, err := r.op.Next(ctx)
		if err != nil {
			return out, err
		}
		if b == nil {
			break
		}
		if b.Len == 0 {
			return out, errors.New("an empty batch")
		}
		for _, col := range b.Cols {
			if col.Len != b.Len {
				return out, fmt.Errorf("a column of %d rows in a batch of %d", col.Len, b.Len)
			}
		}
		out = append(out, Text(types, b)...)
	}
	if b, err := r.op.Next(ctx); b != nil || err != nil {
		return out, fmt.Errorf("after the end: %v, %w", b, err)
	}
	return out, nil
}

func (r *run) close(t *testing.T) {
	t.Helper()
	for range 2 {
		if err := r.op.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for i, s := range r.inputs {
		if s.opened && !s.closed {
			t.Errorf("input %d is left open", i)
		}
	}
}

// cancel takes the context away before each batch of each input.
func (c *Case) cancel(t *testing.T) {
	for at := range 12 {
		r := c.setup(t, 64<<20, 2, false)
		ctx, stop := context.WithCancel(context.Background())
		left := at
		for _, s := range r.inputs {
			s.before = func() {
				if left == 0 {
					stop()
				}
				left--
			}
		}
		_, err := r.all(ctx, c.Types)
		if err != nil && !errors.Is(err, context.Canceled) && (c.Error == "" || !pgerr.Is(err, c.Error)) {
			t.Errorf("canceled before batch %d: %v", at, err)
		}
		r.close(t)
		stop()
	}
}

// Text prints the rows of a batch.
func Text(types []datum.OID, b *vec.Batch) []string {
	out := make([]string, b.Len)
	for i := range out {
		cells := make([]string, len(b.Cols))
		for k, col := range b.Cols {
			cells[k] = "NULL"
			if !col.Null(i) {
				cells[k] = string(datum.AppendText(nil, datum.T(types[k]), col, i, datum.DefaultEnv))
			}
		}
		out[i] = strings.Join(cells, " | ")
	}
	return out
}

// Batch makes a batch of a table's rows.
func Batch(t testing.TB, table Table) *vec.Batch {
	t.Helper()
	out := &vec.Batch{Len: len(table.Rows)}
	for k, oid := range table.Types {
		b := datum.NewBuilder(datum.T(oid), len(table.Rows))
		for _, r := range table.Rows {
			if r[k] == "NULL" {
				b.AppendNull()
			} else if err := datum.ParseText(datum.T(oid), []byte(r[k]), b, datum.DefaultEnv); err != nil {
				t.Fatal(err)
			}
		}
		out.Cols = append(out.Cols, b.Finish())
	}
	return out
}

// source gives a table in batches of a size, 0 for random sizes.
type source struct {
	table          Table
	list           []*vec.Batch
	before         func()
	at             int
	opened, closed bool
}

func newSource(t *testing.T, table Table, rows int, seed uint64, coded bool) *source {
	t.Helper()
	s := &source{table: table}
	all := Batch(t, table)
	if coded {
		all = code(all)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	for from := 0; from < all.Len; {
		n := rows
		if n == 0 {
			n = 1 + rng.IntN(all.Len)
		}
		to := min(from+n, all.Len)
		s.list = append(s.list, all.Slice(from, to))
		from = to
	}
	return s
}

// code makes every column a dictionary whose entries are in another order, with one that no row uses.
func code(b *vec.Batch) *vec.Batch {
	out := &vec.Batch{Len: b.Len}
	for _, c := range b.Cols {
		if c.Kind == vec.List || c.Kind == vec.Struct || c.Len == 0 {
			out.Cols = append(out.Cols, c)
			continue
		}
		idx, codes := make([]int32, c.Len+1), make([]int32, c.Len)
		for i := range c.Len {
			idx[i+1] = int32(c.Len - 1 - i)
			codes[c.Len-1-i] = int32(i + 1)
		}
		out.Cols = append(out.Cols, &vec.Column{Kind: c.Kind, Len: c.Len, Dict: c.Take(idx), Codes: codes})
	}
	return out
}

// Open implements op.Op.
func (s *source) Open(context.Context) error {
	s.opened = true
	return nil
}

// Next implements op.Op.
func (s *source) Next(ctx context.Context) (*vec.Batch, error) {
	if s.before != nil {
		s.before()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.at >= len(s.list) {
		return nil, nil
	}
	s.at++
	return s.list[s.at-1], nil
}

// Close implements op.Op.
func (s *source) Close() error {
	s.closed = true
	return nil
}

// unchanged fails if the operator wrote into its input.
func (s *source) unchanged(t *testing.T) {
	t.Helper()
	var got []string
	for _, b := range s.list {
		if len(b.Cols) != len(s.table.Types) {
			t.Errorf("the input has %d columns now", len(b.Cols))
			return
		}
		got = append(got, Text(s.table.Types, b)...)
	}
	want := lines(s.table.Rows)
	for i := range want {
		if canonical := Text(s.table.Types, Batch(t, Table{s.table.Types, s.table.Rows[i : i+1]}))[0]; got[i] != canonical {
			t.Errorf("row %d of the input is %s now, was %s", i, got[i], canonical)
		}
	}
}
