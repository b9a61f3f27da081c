package op

import (
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// tally counts the rows of groups by the codes of their key, for calls that only count rows.
type tally struct {
	calls  []funcs.Counter // nil: a call does more than that, or there are several keys
	counts []int64         // of each code
	groups []int32         // of the codes that there are
	rows   []int64
}

// mostTallied is how many values a key may have for its codes to be counted.
const mostTallied = 1024

// newTally looks whether all calls of a table count rows.
func newTally(t *aggTable) (out tally) {
	if len(t.in.Keys) != 1 || t.in.Sets != nil {
		return tally{}
	}
	for _, c := range t.calls {
		counter, ok := c.acc.(funcs.Counter)
		if !ok || c.in.call.Distinct || len(c.in.args) > 0 || c.in.filter != nil {
			return tally{}
		}
		out.calls = append(out.calls, counter)
	}
	return out
}

// add counts the codes of n keys and adds the counts to the groups that the codes are known to stand for: no row is told its
// group. It reports false, and does nothing, where one is not known, or where there are other keys.
func (t *tally) add(c *vec.Column, known *valueTable, n int) bool {
	if t.calls == nil || c.Codes == nil || c.Valid != nil || c.Dict != known.dict || c.Dict.Len > mostTallied {
		return false
	}
	t.counts = resized(t.counts, c.Dict.Len)
	clear(t.counts)
	vec.Tally(t.counts, c.Codes[:n])
	t.groups, t.rows = t.groups[:0], t.rows[:0]
	for code, k := range t.counts {
		if k == 0 {
			continue
		}
		if known.codes[code] < 0 {
			return false
		}
		t.groups, t.rows = append(t.groups, known.codes[code]), append(t.rows, k)
	}
	for _, call := range t.calls {
		call.AddCounts(t.groups, t.rows)
	}
	return true
}
