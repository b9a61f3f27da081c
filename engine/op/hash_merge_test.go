package op

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// numberedValues is a table of values as an aggregation fills it.
type numberedValues struct {
	g      *grouper
	values keyValues
}

func newNumberedValues(t datum.Type) *numberedValues {
	v := &numberedValues{g: newGrouper([]datum.Type{t}), values: keyValues{typ: t}}
	v.values.table = &v.g.cols[0]
	return v
}

func (v *numberedValues) add(c *vec.Column) {
	ids := make([]int32, c.Len)
	v.g.assign([]*vec.Column{c}, c.Len, ids)
	for i, id := range ids {
		if int(id) == v.values.n {
			v.values.add(c, i)
		}
	}
}

// someValues is n random values below most, some of them null.
func someValues(r *rand.Rand, t datum.Type, n, most int, nulls bool) *vec.Column {
	b := datum.NewBuilder(t, n)
	for range n {
		switch k := r.IntN(most); {
		case nulls && k%50 == 0:
			b.AppendNull()
		case t.OID == datum.Text:
			b.AppendString(fmt.Sprint("value ", k))
		case t.OID == datum.Int8:
			b.AppendInt(int64(k))
		default:
			b.AppendFloat(float64(k) / 2)
		}
	}
	return b.Finish()
}

func shown(t datum.Type, c *vec.Column, i int) string {
	if c.Null(i) {
		return "null"
	}
	return string(datum.AppendText(nil, t, c, i, datum.DefaultEnv))
}

// TestMergedValues merges tables of all sizes: every value has one number, the one that is told, and is
// still found.
func TestMergedValues(t *testing.T) {
	for seed := range uint64(36) {
		r := rand.New(rand.NewPCG(seed, 5))
		typ := datum.T([]datum.OID{datum.Text, datum.Int8, datum.Float8}[seed%3])
		tables := [2]*numberedValues{}
		for k := range tables {
			tables[k] = newNumberedValues(typ)
			n := []int{0, 1, 40, 3000, 3000, 3000, 40000}[r.IntN(7)]
			if n > 0 {
				tables[k].add(someValues(r, typ, n, 2*n+1, r.IntN(2) == 0))
			}
		}
		into, from := tables[0], tables[1]
		their := make([]string, from.values.n)
		if from.values.n > 0 {
			c := from.values.column(nil)
			from.values.b = nil
			for i := range their {
				their[i] = shown(typ, c, i)
			}
			again := newNumberedValues(typ) // reading the column may empty it
			again.add(c)
			from = again
		}
		ids := into.g.cols[0].numberValues(&from.values, &into.values, nil, 2)
		if len(ids) != len(their) || into.values.n != into.g.len() {
			t.Fatalf("seed %d: %d numbers of %d values, %d values kept of %d", seed, len(ids), len(their), into.values.n, into.g.len())
		}
		if into.values.n == 0 {
			continue
		}
		all := into.values.column(nil)
		seen := map[string]bool{}
		for i := range all.Len {
			if seen[shown(typ, all, i)] {
				t.Fatalf("seed %d: %s is there twice", seed, shown(typ, all, i))
			}
			seen[shown(typ, all, i)] = true
		}
		for i, id := range ids {
			if got := shown(typ, all, int(id)); got != their[i] {
				t.Fatalf("seed %d: %s got the number of %s", seed, their[i], got)
			}
		}
		found := make([]int32, all.Len)
		into.g.find([]*vec.Column{all}, all.Len, found)
		for i, id := range found {
			if int(id) != i {
				t.Fatalf("seed %d: %s has number %d and is found as %d", seed, shown(typ, all, i), i, id)
			}
		}
	}
}
