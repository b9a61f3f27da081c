package op

import (
	"slices"

	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// partners looks the rows of a scan up in the join that is its first step, before other columns are read than those of the keys: of
// rows that have no partner there they are not.
type partners struct {
	keys []*expr.Program
	f    *joinFinder
	cols []int // what the keys read and no filter has
	at   []int32

	seen, kept int // rows
}

const (
	// triedRows is after how many rows it is known whether partners are rare.
	triedRows = 1 << 14
	// rarePartner is the share of the rows (one of so many) that have a partner at most where it pays to look twice.
	rarePartner = 4
)

// newPartners returns nil where rows without a partner are in the answer, keys are others when they are computed again, or nothing more is read
// than the keys.
func newPartners(s *EventScan, env *Env, late []int) *partners {
	if len(s.Steps) == 0 || s.Reverse {
		return nil
	}
	join, ok := s.Steps[0].(ProbeStep)
	if !ok || len(join.Build.LeftKeys) == 0 || join.Build.Kind != plan.Inner && join.Build.Kind != plan.Semi ||
		slices.ContainsFunc(join.Build.LeftKeys, expr.IsVolatile) {
		return nil
	}
	used := map[int]bool{}
	for _, e := range join.Build.LeftKeys {
		plan.Cols(e, used)
	}
	p := &partners{keys: expr.CompileAll(join.Build.LeftKeys, env.X), f: newJoinFinder(join.Build.table)}
	for _, c := range late {
		if used[c] {
			p.cols = append(p.cols, c)
		}
	}
	if len(p.cols) == len(late) {
		return nil
	}
	return p
}

// rare reports whether it pays to go on.
func (p *partners) rare() bool { return p.seen < triedRows || p.kept*rarePartner < p.seen }

// among lists the rows that have a partner, nil for all.
func (p *partners) among(b *vec.Batch) ([]int32, error) {
	keys, err := evalAll(p.keys, b)
	if err != nil {
		return nil, err
	}
	p.at = resized(p.at, b.Len)
	p.f.find(keys, b.Len, p.at)
	out := make([]int32, 0, b.Len/rarePartner)
	for i, k := range p.at {
		if k >= 0 {
			out = append(out, int32(i))
		}
	}
	p.seen, p.kept = p.seen+b.Len, p.kept+len(out)
	if len(out) == b.Len {
		return nil, nil
	}
	return out, nil
}

// without is the list without some of its members.
func without(list, some []int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(x int) bool { return slices.Contains(some, x) })
}
