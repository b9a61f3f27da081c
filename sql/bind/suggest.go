package bind

import (
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// SQLSTATEs that only the binder gives.
const (
	ambiguousAlias  pgerr.Code = "42P09"
	generatedAlways pgerr.Code = "428C9"
)

// maxDistance is how far a name may be from the one that is suggested for it.
const maxDistance = 3

// suggestion is a column that may have been meant.
type suggestion struct {
	table, column string
	distance      int
}

// noColumn is the error for an unknown column, with the hint PostgreSQL would give.
func (b *binder) noColumn(x syntax.Node, s *scope, table, name string) error {
	var err *pgerr.Error
	if table != "" {
		err = b.errorIn(x, pgerr.UndefinedColumn, "column %s.%s does not exist", table, name)
	} else {
		err = b.errorIn(x, pgerr.UndefinedColumn, "column %q does not exist", name)
	}
	best := []suggestion{{distance: maxDistance + 1}}
	for sc := s; sc != nil; sc = sc.up {
		for _, it := range sc.hidden {
			for _, c := range it.cols {
				if c.name == name && (table == "" || table == it.name) {
					return err.WithHint("There is a column named %q in table %q, but it cannot be referenced from this part of the query.", name, it.name)
				}
			}
		}
		for _, it := range sc.items {
			best = it.suggest(best, table, name)
		}
	}
	switch {
	case best[0].distance > maxDistance:
	case len(best) == 1:
		err = err.WithHint("Perhaps you meant to reference the column %q.", best[0].table+"."+best[0].column)
	default:
		err = err.WithHint("Perhaps you meant to reference the column %q or the column %q.",
			best[0].table+"."+best[0].column, best[1].table+"."+best[1].column)
	}
	return err
}

// suggest adds the item's columns that are nearest to the name, at most two of equal distance.
func (it *item) suggest(best []suggestion, table, name string) []suggestion {
	if !it.table || it.name == "" {
		return best
	}
	penalty := 0
	if table != "" {
		penalty = levenshtein(table, it.name)
		if penalty > maxDistance {
			return best
		}
	}
	for _, c := range it.cols {
		d := levenshtein(c.name, name)
		if d > len(c.name)/2 {
			continue
		}
		d += penalty
		switch {
		case d > maxDistance || d > best[0].distance:
		case d < best[0].distance:
			best = []suggestion{{it.name, c.name, d}}
		case len(best) == 1:
			best = append(best, suggestion{it.name, c.name, d})
		}
	}
	return best
}

// noTable is the error for a table that is not in FROM.
func (b *binder) noTable(x syntax.Node, s *scope, schema, table string) error {
	for sc := s; sc != nil; sc = sc.up {
		for _, it := range sc.items {
			if it.rel != nil && it.aliased && it.rel.Name == table && (schema == "" || schema == it.rel.Schema) {
				return b.errorIn(x, pgerr.UndefinedTable, "invalid reference to FROM-clause entry for table %q", table).
					WithHint("Perhaps you meant to reference the table alias %q.", it.name)
			}
		}
		for _, it := range sc.hidden {
			if it.name == table {
				return b.errorIn(x, pgerr.UndefinedTable, "invalid reference to FROM-clause entry for table %q", table).
					WithHint("There is an entry for table %q, but it cannot be referenced from this part of the query.", table)
			}
		}
	}
	return b.errorIn(x, pgerr.UndefinedTable, "missing FROM-clause entry for table %q", table)
}

// levenshtein counts the single-character changes between two names.
func levenshtein(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	row := make([]int, len(rb)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range ra {
		last := row[0]
		row[0] = i + 1
		for j, y := range rb {
			keep := last
			if x != y {
				keep++
			}
			last = row[j+1]
			row[j+1] = min(keep, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(rb)]
}
