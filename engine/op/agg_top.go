package op

import (
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// TopGroups says that a sort with a limit stands above an aggregation and that its first key is the result of a call: groups
// that cannot be among the first Limit by that key alone need not be given.
type TopGroups struct {
	Call  int
	Desc  bool
	Limit int64
}

// rows lists the groups that the sort may want by the results of the call, ascending; nil for all.
func (t *TopGroups) rows(c *vec.Column) []int32 {
	if t == nil || t.Limit <= 0 || c.Kind != vec.Int64 || c.Codes != nil || c.Valid != nil || int64(c.Len) <= 2*t.Limit {
		return nil
	}
	vals := slices.Clone(c.I64[:c.Len])
	k := int(t.Limit) - 1
	if t.Desc {
		k = len(vals) - 1 - k
	}
	vec.SelectNth(vals, k)
	bound := vals[k]
	var out []int32
	for i, v := range c.I64[:c.Len] {
		if v == bound || t.Desc == (v > bound) {
			out = append(out, int32(i))
		}
	}
	return out
}
