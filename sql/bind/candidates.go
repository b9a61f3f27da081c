package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// candidate is an overload that could be meant, its parameters laid out for the arguments of the call.
type candidate struct {
	args []datum.OID
	fn   *funcs.Func
	agg  *funcs.Aggregate
	win  *funcs.Window
	// order says which argument of the call each parameter takes, -1 for one left out; nil: as written.
	order    []int
	expanded bool // a variadic parameter was repeated
}

// choose picks the overload as PostgreSQL does: an exact match, else the candidates that implicit conversions reach,
// narrowed by exact matches, preferred types and, for literals, categories. It returns nil when none fits; many says that
// more than one was left.
func choose(list []candidate, actual []datum.OID) (best *candidate, many bool) {
	for i := range list {
		if slices.Equal(list[i].args, actual) {
			return &list[i], false
		}
	}
	var fit []*candidate
	for i := range list {
		if reachable(list[i].args, actual) {
			fit = append(fit, &list[i])
		}
	}
	// A variadic overload yields to one that takes the same types without repeating.
	if len(fit) > 1 {
		fit = narrow(fit, func(c *candidate) int {
			for _, o := range fit {
				if o != c && c.expanded && !o.expanded && slices.Equal(o.args, c.args) {
					return 0
				}
			}
			return 1
		})
	}
	if len(fit) > 1 {
		fit = selectCandidate(fit, actual)
	}
	switch len(fit) {
	case 0:
		return nil, false
	case 1:
		return fit[0], false
	}
	return nil, true
}

// reachable reports whether implicit conversions lead from the arguments to the parameters.
func reachable(params, actual []datum.OID) bool {
	generic := false
	for i, p := range params {
		if !canCoerce(actual[i], p, funcs.Implicit) {
			return false
		}
		generic = generic || isPolymorphic(p)
	}
	if generic {
		_, ok := solve(actual, params)
		return ok
	}
	return true
}

// narrow keeps the candidates with the highest score; zero for all keeps all.
func narrow(list []*candidate, score func(*candidate) int) []*candidate {
	best := 0
	var out []*candidate
	for _, c := range list {
		switch s := score(c); {
		case s > best:
			best, out = s, append(out[:0:0], c)
		case s == best:
			out = append(out, c)
		}
	}
	if best == 0 {
		return list
	}
	return out
}

// selectCandidate narrows by the rules of PostgreSQL's "Function Type Resolution", step 4.
func selectCandidate(list []*candidate, actual []datum.OID) []*candidate {
	unknowns := 0
	for _, a := range actual {
		if a == datum.Unknown {
			unknowns++
		}
	}
	list = narrow(list, func(c *candidate) int { return count(c.args, actual, func(p, a datum.OID) bool { return p == a }) })
	if len(list) == 1 {
		return list
	}
	list = narrow(list, func(c *candidate) int {
		return count(c.args, actual, func(p, a datum.OID) bool {
			return p == a || categoryOf(p) == categoryOf(a) && isPreferred(p)
		})
	})
	if len(list) == 1 || unknowns == 0 {
		return list
	}
	list = byCategory(list, actual)
	if len(list) == 1 || unknowns == len(actual) {
		return list
	}
	return byKnown(list, actual)
}

// count counts the arguments of known type for which f holds.
func count(params, actual []datum.OID, f func(p, a datum.OID) bool) int {
	n := 0
	for i, p := range params {
		if actual[i] != datum.Unknown && f(p, actual[i]) {
			n++
		}
	}
	return n
}

// byCategory decides the category of each unknown argument: string if any candidate takes one, else the one that all
// take; and keeps the candidates of that category, those with its preferred type if there are any.
func byCategory(list []*candidate, actual []datum.OID) []*candidate {
	type slot struct {
		category  byte
		preferred bool
	}
	slots := make([]slot, len(actual))
	for i, a := range actual {
		if a != datum.Unknown {
			continue
		}
		s, conflict := slot{category: categoryOf(list[0].args[i])}, false
		for _, c := range list {
			p := c.args[i]
			switch cat := categoryOf(p); {
			case cat == s.category:
				s.preferred = s.preferred || isPreferred(p)
			case cat == 'S':
				s, conflict = slot{category: 'S', preferred: isPreferred(p)}, false
			case s.category != 'S':
				conflict = true
			}
		}
		if conflict {
			return list
		}
		slots[i] = s
	}
	var out []*candidate
	for _, c := range list {
		keep := true
		for i, a := range actual {
			if a == datum.Unknown {
				p := c.args[i]
				keep = keep && categoryOf(p) == slots[i].category && (!slots[i].preferred || isPreferred(p))
			}
		}
		if keep {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return list
	}
	return out
}

// byKnown takes unknown arguments for the type that all known ones have.
func byKnown(list []*candidate, actual []datum.OID) []*candidate {
	known := datum.OID(0)
	for _, a := range actual {
		if a == datum.Unknown {
			continue
		}
		if known != 0 && known != a {
			return list
		}
		known = a
	}
	var found *candidate
	all := slices.Repeat([]datum.OID{known}, len(actual))
	for _, c := range list {
		if reachable(c.args, all) {
			if found != nil {
				return list
			}
			found = c
		}
	}
	if found == nil {
		return list
	}
	return []*candidate{found}
}
