package op

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// listed gives batches.
type listed []*vec.Batch

func (l *listed) Open(context.Context) error { return nil }
func (l *listed) Close() error               { return nil }
func (l *listed) Next(context.Context) (*vec.Batch, error) {
	if len(*l) == 0 {
		return nil, nil
	}
	b := (*l)[0]
	*l = (*l)[1:]
	return b, nil
}

// TestJoinOfNumberedKeys joins names that come with and without numbers, of one space and another: equal texts match.
func TestJoinOfNumberedKeys(t *testing.T) {
	one, other := &vec.Space{Name: "one"}, &vec.Space{Name: "other"}
	types := []datum.Type{datum.T(datum.Text)}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		spread := []uint32{1, directNumbers / 3}[seed%2]
		// Most right inputs have numbers throughout, so that these are what is compared.
		of := func(spaces ...*vec.Space) (*listed, []int) {
			var batches listed
			var all []int
			for range 1 + r.IntN(4) {
				c, ks := names(r, 20, spaces[r.IntN(len(spaces))], spread, r.IntN(2) == 0)
				batches, all = append(batches, &vec.Batch{Len: c.Len, Cols: []*vec.Column{c}}), append(all, ks...)
			}
			return &batches, all
		}
		right, rk := of([][]*vec.Space{{one}, {one}, {one, other}, {one, nil}}[seed%4]...)
		left, lk := of(one, one, other, nil)
		env := &Env{X: &expr.EvalCtx{Fn: &funcs.Ctx{Context: context.Background(), Env: datum.DefaultEnv}}, Budget: NewBudget(1<<30, t.TempDir()), Rows: 30, Workers: 2}
		key := []expr.Expr{&expr.Col{Typ: types[0]}}
		o := NewHashJoin(env, left, right, &Joining{Kind: plan.Left, LeftTypes: types, RightTypes: types, LeftKeys: key, RightKeys: key})
		if err := o.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		err := drain(t.Context(), o, func(b *vec.Batch) error {
			for i := range b.Len {
				text := string(b.Cols[0].Bytes(i)) + " "
				if !b.Cols[1].Null(i) {
					text += string(b.Cols[1].Bytes(i))
				}
				got = append(got, text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, k := range lk {
			text, n := nameOf(k), len(want)
			for _, x := range rk {
				if x == k {
					want = append(want, text+" "+text)
				}
			}
			if len(want) == n {
				want = append(want, text+" ")
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows, want %d:\n%v\n%v", seed, len(got), len(want), got, want)
		}
	}
}
