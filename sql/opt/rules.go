package opt

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

// Rules lists the rules in the order in which they are applied, each once to the whole plan.
func Rules() []Rule {
	return []Rule{
		{"fold-constants", "what is known now is not computed per row", foldConstants},
		{"inline-ctes", "a WITH query that is read once is put where it is read; one that is not read goes", inlineCTEs},
		{"push-filters", "rows that are not wanted are dropped where they are read", pushFilters},
		{"merge-projections", "a derived table costs nothing, and its expressions meet those around it", mergeProjects},
		{"semi-joins", "EXISTS and IN over a query that refers to the row become joins", semiJoins},
		{"scalar-subqueries", "a value computed by a query that refers to the row comes from a join with groups", scalarSubqueries},
		{"lateral-joins", "what is looked up for each row by equality is joined at once", lateralJoins},
		{"subqueries", "the queries that stay inside expressions are optimized on their own", subqueries},
		{"push-join-filters", "what semi-joins set free moves down too", pushFilters},
		{"merge-join-projections", "a projection over what a subquery was is merged with that above", mergeProjects},
		{"outer-joins", "an outer join whose missing rows are dropped above is an inner join", outerJoins},
		{"implied-filters", "a condition on one of two equal columns is one on the other", impliedFilters},
		{"push-again", "what became an inner join lets conditions through", pushFilters},
		{"empty-inputs", "what can have no rows is not read", emptyInputs},
		{"join-order", "inner joins are made in the order that gives the fewest rows in between", joinOrder},
		{"merge-ordered", "the order of columns that joins changed costs nothing", mergeProjects},
		{"join-keys", "equalities between the two sides of a join become hash keys", joinKeys},
		{"swap-joins", "the smaller input of a join is the one that is held", swapJoins},
		{"first-of-partition", "the first row of each partition is found without numbering all rows", firstOfPartition},
		{"distinct-first", "DISTINCT ON finds the first rows before it sorts them", distinctFirst},
		{"distinct-groups", "DISTINCT is a grouping by all columns", distinctGroups},
		{"group-inputs", "a grouping computes what the projection under it would", groupInputs},
		{"scan-filters", "a condition right above a scan is the scan's own", scanFilters},
		{"fold-order", "an aggregate in the order of the log takes its rows as they come", foldOrder},
		{"prune-columns", "only the columns and JSON paths that somebody reads are read", pruneColumns},
		{"scan-bounds", "row groups that cannot match are left out", scanBounds},
		{"index-scans", "rows of tables whose keys are named are found by an index", indexScans},
		{"index-joins", "for a few rows the rows of a table that match are looked up by an index", indexJoins},
		{"unread-columns", "an UPDATE of a table does not read columns that the new rows have as the old ones do", unreadColumns},
		{"push-limits", "a sort keeps only what is asked for, a scan stops early", pushLimits},
		{"extremes", "the least and the greatest value are found by an index", extremes},
		{"index-order", "the first rows in the order of an index are read in that order", indexOrder},
		{"sort-by-position", "the log is in order of position already", sortByPosition},
		{"limit-scans", "a scan in the order that is asked for stops early", pushLimits},
		{"newest-first", "a search for the latest begins at the end of the log", newestFirst},
		{"run-conditions", "a window stops in each partition where its rank is more than is asked for", runConditions},
		{"merge-joins", "a join of inputs that are in the order of their keys goes through them side by side", mergeJoins},
		{"window-order", "rows that come in the order of a window, or leave one in the order asked for, are not sorted again", windowOrder},
	}
}

// limitRows is how many rows of its input a limit needs, -1 when that is not known.
func limitRows(l *plan.Limit) int64 { return limitRowsBy(l, intValue) }

// limitRowsBy is limitRows by the values that expressions have.
func limitRowsBy(l *plan.Limit, value func(expr.Expr) (int64, bool)) int64 {
	if l.Count == nil || len(l.Ties) > 0 {
		return -1
	}
	n, ok := value(l.Count)
	if !ok || n < 0 {
		return -1
	}
	if l.Offset == nil {
		return n
	}
	skip, ok := value(l.Offset)
	if !ok || skip < 0 || n+skip < n {
		return -1
	}
	return n + skip
}
