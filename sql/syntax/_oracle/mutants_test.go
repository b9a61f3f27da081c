package oracle

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// TestMutants breaks the statements of the corpus at random: a token left out, put in, exchanged or replaced. The two
// parsers must agree on nearly all of them; those on which they do not are rare corners, and the log names some.
func TestMutants(t *testing.T) {
	b, err := os.ReadFile("../testdata/corpus.sql")
	if err != nil {
		t.Fatal(err)
	}
	var statements [][]string
	var words []string
	for _, s := range strings.Split(string(b), "\n----\n") {
		if scan, err := pg.Scan(s); err == nil {
			var ws []string
			for _, k := range scan.Tokens {
				ws = append(ws, s[k.Start:k.End])
			}
			statements, words = append(statements, ws), append(words, ws...)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	var m mutants
	for _, ws := range statements {
		for k := range 100 {
			m.one(t, strings.Join(mutate(r, ws, words, k%4), " "))
		}
	}
	t.Logf("%d mutants: %d accepted by both, %d refused by both (%d with another message), %d disagreements",
		m.total, m.accepted, m.refused, m.message, m.disagree)
	if m.disagree*200 > m.total || m.message*20 > m.refused {
		t.Error("too many disagreements")
	}
}

type mutants struct{ total, accepted, refused, message, disagree int }

// mutate changes a copy of ws in one place.
func mutate(r *rand.Rand, ws, words []string, how int) []string {
	i := r.IntN(len(ws))
	c := append([]string{}, ws...)
	other := words[r.IntN(len(words))]
	switch how {
	case 0:
		return append(c[:i], c[i+1:]...)
	case 1:
		j := r.IntN(len(ws))
		c[i], c[j] = c[j], c[i]
	case 2:
		c[i] = other
	case 3:
		return append(c[:i], append([]string{other}, ws[i:]...)...)
	}
	return c
}

func (m *mutants) one(t *testing.T, sql string) {
	if ours.MatchString(sql) || newer.MatchString(sql) {
		return
	}
	_, theirs := pg.Parse(sql)
	stmts, err := syntax.Parse(sql)
	if pgerr.Is(err, pgerr.FeatureNotSupported) {
		return
	}
	for _, s := range stmts {
		if _, ok := s.Stmt.(*syntax.Unsupported); ok {
			return
		}
	}
	m.total++
	switch {
	case (err == nil) != (theirs == nil):
		m.disagree++
		if m.disagree%10 == 0 {
			t.Logf("here %v, PostgreSQL %v: %s", err, theirs, sql)
		}
	case err == nil:
		m.accepted++
	default:
		m.refused++
		if err.Error() != theirs.Error() {
			m.message++
		}
	}
}
