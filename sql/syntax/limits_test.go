package syntax

import (
	"runtime"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// hostileBytes is long enough that what is not linear never ends.
const hostileBytes = 4 << 20

// hostile is input that repeats something; make gives about as many bytes of it as it is told, or one length only.
type hostile struct {
	make func(bytes int) string
	ok   bool
}

// rep is begin, then as much of s as fits, then end.
func rep(begin, s, end string) func(int) string {
	return func(n int) string { return begin + strings.Repeat(s, n/len(s)) + end }
}

// times is begin, n times s, end, n times last.
func times(begin, s string, n int, end, last string) func(int) string {
	return func(int) string { return begin + strings.Repeat(s, n) + end + strings.Repeat(last, n) }
}

// TestHostile reads long and deep input: there is a tree or an error, trees can be printed, and twice the input does not
// take more than about twice the memory.
func TestHostile(t *testing.T) {
	for name, c := range map[string]hostile{
		"sum of 100k":        {times("SELECT 1", "+1", 100_000, "", ""), true},
		"sum":                {rep("SELECT 1", "+1", ""), false},
		"and":                {rep("SELECT a", " AND a", ""), true},
		"casts":              {rep("SELECT 1", "::int", ""), false},
		"is null":            {rep("SELECT 1", " IS NULL", ""), false},
		"parentheses":        {rep("SELECT ", "(", ""), false},
		"pairs":              {rep("SELECT ", "()", ""), false},
		"closed":             {times("SELECT ", "(", 900, "1", ")"), true},
		"too deep":           {times("SELECT ", "(", 2000, "1", ")"), false},
		"queries":            {rep("", "(SELECT ", ""), false},
		"from":               {rep("SELECT * FROM ", "(", ""), false},
		"from queries":       {rep("SELECT * FROM ", "(SELECT * FROM ", ""), false},
		"case":               {rep("SELECT ", "CASE ", ""), false},
		"case when":          {rep("SELECT ", "CASE WHEN ", ""), false},
		"arrays":             {rep("SELECT ARRAY", "[", ""), false},
		"subscripts":         {rep("SELECT a", "[1]", ""), true},
		"not":                {rep("SELECT ", "NOT ", ""), false},
		"minus":              {rep("SELECT ", "- ", ""), false},
		"union":              {times("SELECT 1", " UNION SELECT 1", 700_000, "", ""), false},
		"union of 100k":      {times("SELECT 1", " UNION SELECT 1", 100_000, "", ""), true},
		"joins":              {rep("SELECT * FROM a", " CROSS JOIN a", ""), false},
		"joins to the right": {rep("SELECT * FROM a", " JOIN a", ""), false},
		"values":             {rep("VALUES (1)", ", (1)", ""), true},
		"list":               {rep("SELECT 1 IN (1", ",1", ")"), true},
		"comments":           {rep("", "/*", ""), false},
		"nested comments":    {func(n int) string { return strings.Repeat("/*", n/4) + strings.Repeat("*/", n/4) + "SELECT 1" }, true},
		"strings":            {rep("SELECT 'a", "\\'", ""), false},
		"doubled":            {rep("SELECT '", "''", "'"), true},
		"lines":              {rep("SELECT 'a'", "\n'a'", ""), true},
		"unicode strings":    {rep("SELECT U&'a'", " U&'a'", ""), false},
		"dollars":            {rep("SELECT ", "$a$ ", ""), false},
		"statements":         {rep("", ";", ""), true},
		"explain":            {rep("", "EXPLAIN ", ""), false},
		"with":               {rep("", "WITH a AS (", ""), false},
		"dots":               {rep("SELECT a", ".a", ""), true},
		"operators":          {rep("SELECT 1 ", "~", ""), false},
		"between":            {rep("SELECT ", "1 BETWEEN ", ""), false},
		"zeroes":             {rep("", "\x00", ""), false},
		"grouping sets":      {rep("SELECT 1 GROUP BY ", "GROUPING SETS (", ""), false},
		"schemas":            {rep("", "CREATE SCHEMA a ", ""), false},
		"in query":           {rep("SELECT 1", " IN (SELECT 1", ""), false},
		"digits":             {rep("SELECT ", "1", ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			half, whole := c.make(hostileBytes/2), c.make(hostileBytes)
			few, many := allocated(func() { c.read(t, half) }), allocated(func() { c.read(t, whole) })
			if many > 3*few+1<<20 {
				t.Errorf("%d bytes took %d bytes of memory, %d bytes %d", len(half), few, len(whole), many)
			}
		})
	}
	if _, err := Parse(strings.Repeat(" ", MaxLength+1)); !pgerr.Is(err, pgerr.ProgramLimitExceeded) {
		t.Errorf("too long: %v", err)
	}
}

// read reads the text, and walks and prints what it became.
func (h hostile) read(t *testing.T, text string) {
	stmts, err := Parse(text)
	if (err == nil) != h.ok {
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
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
