package syntax

import (
	"strings"
	"testing"
	"time"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// TestHostile reads long and deep input: it ends in time, with a tree or with an error, and trees can be printed.
func TestHostile(t *testing.T) {
	const mb = 10 << 20
	rep := func(s string) string { return strings.Repeat(s, mb/len(s)) }
	for name, c := range map[string]struct {
		sql string
		ok  bool
	}{
		"sum of 100k":        {"SELECT 1" + strings.Repeat("+1", 100_000), true},
		"sum":                {"SELECT 1" + rep("+1"), false},
		"and":                {"SELECT a" + rep(" AND a"), true},
		"casts":              {"SELECT 1" + rep("::int"), false},
		"is null":            {"SELECT 1" + rep(" IS NULL"), false},
		"parentheses":        {"SELECT " + rep("("), false},
		"pairs":              {"SELECT " + rep("()"), false},
		"closed":             {"SELECT " + strings.Repeat("(", 900) + "1" + strings.Repeat(")", 900), true},
		"too deep":           {"SELECT " + strings.Repeat("(", 2000) + "1" + strings.Repeat(")", 2000), false},
		"queries":            {rep("(SELECT "), false},
		"from":               {"SELECT * FROM " + rep("("), false},
		"from queries":       {"SELECT * FROM " + rep("(SELECT * FROM "), false},
		"case":               {"SELECT " + rep("CASE "), false},
		"case when":          {"SELECT " + rep("CASE WHEN "), false},
		"arrays":             {"SELECT ARRAY" + rep("["), false},
		"subscripts":         {"SELECT a" + rep("[1]"), true},
		"not":                {"SELECT " + rep("NOT "), false},
		"minus":              {"SELECT " + rep("- "), false},
		"union":              {"SELECT 1" + rep(" UNION SELECT 1"), false},
		"union of 100k":      {"SELECT 1" + strings.Repeat(" UNION SELECT 1", 100_000), true},
		"joins":              {"SELECT * FROM a" + rep(" CROSS JOIN a"), false},
		"joins to the right": {"SELECT * FROM a" + rep(" JOIN a"), false},
		"values":             {"VALUES (1)" + rep(", (1)"), true},
		"list":               {"SELECT 1 IN (1" + rep(",1") + ")", true},
		"comments":           {rep("/*"), false},
		"nested comments":    {strings.Repeat("/*", mb/4) + strings.Repeat("*/", mb/4) + "SELECT 1", true},
		"strings":            {"SELECT 'a" + rep("\\'"), false},
		"doubled":            {"SELECT '" + rep("''") + "'", true},
		"lines":              {"SELECT 'a'" + rep("\n'a'"), true},
		"unicode strings":    {"SELECT U&'a'" + rep(" U&'a'"), false},
		"dollars":            {"SELECT " + rep("$a$ "), false},
		"statements":         {rep(";"), true},
		"explain":            {rep("EXPLAIN "), false},
		"with":               {rep("WITH a AS ("), false},
		"dots":               {"SELECT a" + rep(".a"), true},
		"operators":          {"SELECT 1 " + rep("~"), false},
		"between":            {"SELECT " + rep("1 BETWEEN "), false},
		"zeroes":             {rep("\x00"), false},
		"grouping sets":      {"SELECT 1 GROUP BY " + rep("GROUPING SETS ("), false},
		"schemas":            {rep("CREATE SCHEMA a "), false},
		"in query":           {"SELECT 1" + rep(" IN (SELECT 1"), false},
		"digits":             {"SELECT " + rep("1"), true},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			stmts, err := Parse(c.sql)
			if (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
			if err != nil && pgerr.From(err).Code == pgerr.InternalError {
				t.Errorf("not an error of ours: %v", err)
			}
			for _, s := range stmts {
				n := 0
				Walk(s.Stmt, func(Node) bool { n++; return true })
				if len(Format(s.Stmt)) == 0 || n == 0 {
					t.Error("nothing printed or walked")
				}
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v for %d bytes", d, len(c.sql))
			} else if d > time.Second {
				t.Logf("took %v", d)
			}
		})
	}
	if _, err := Parse(strings.Repeat(" ", MaxLength+1)); !pgerr.Is(err, pgerr.ProgramLimitExceeded) {
		t.Errorf("too long: %v", err)
	}
}
