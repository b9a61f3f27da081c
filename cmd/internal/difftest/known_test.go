package difftest

import "strings"

// knownDifferences are those that stay, each with its reason. A row that nothing needs any more is not noticed by a short
// run: look through them when a long one is done.
var knownDifferences = []struct {
	kind, part string // of the difference, and of its query or our message
	until      int    // the last version of PostgreSQL that differs, 0 for every later one
	since      int    // the first
	why        string
}{
	{"state 0A000 ", "", 0, 0, "not built, and said so"},
	{"modifier -1 for ", "", 0, 0, "PostgreSQL tells the modifier of what its planner has left of an expression"},
	{"state 22008 for an answer", "make_interval", 15, 0, "a field beyond its range, which PostgreSQL refuses from version 16 on"},
	{"state 22008 for ", "nfinity", 0, 17, "intervals without end, which PostgreSQL has from version 17 on"},
	{"state 42883 for ", "timezone", 0, 17, "AT LOCAL, which PostgreSQL has from version 17 on"},
	{"values", "'::numeric ^ ", 0, 18, "powers with whole numbers, of which version 18 shows fewer digits"},
	{"values", "pow", 0, 18, "powers with whole numbers, of which version 18 shows fewer digits"},
	{"state 22023 for ", "cannot cast jsonb null", 0, 18, "null of a document is NULL of any type from version 18 on"},
}

// known is the reason why a difference from a version of PostgreSQL stays, or "".
func (d *difference) known(version int) string {
	for _, k := range knownDifferences {
		if version < k.since || k.until > 0 && version > k.until {
			continue
		}
		if strings.HasPrefix(d.kind, k.kind) && strings.Contains(d.sql+d.us.message, k.part) {
			return k.why
		}
	}
	return ""
}
