package difftest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/engine"
)

// sequences is how many sequences of statements are run where neither number nor duration is given.
const sequences = 40

// smaller is how often it is tried to make a sequence that shows a difference smaller.
const smaller = 100

// TestStatements runs random sequences of statements that define and change tables, each in a schema of its own, in both. After each
// statement the answers and tags are the same, or the same SQLSTATE; after the last one so are all tables, and AllSource is asked what they
// were after each statement that was committed.
func TestStatements(t *testing.T) {
	(&sequenceRun{t: t, us: ours(t)(), them: postgres(t, *server)(), make: statements}).all()
}

// statements is a sequence of statements.
func statements(r *rand.Rand) (list []string) {
	g := &sequenceMaker{r: r}
	for range 10 + g.r.IntN(30) {
		list = append(list, g.statement())
	}
	return list
}

// TestChanges is TestStatements with statements that change many rows of tables with keys, checks and foreign keys, where batches are small and what a
// transaction writes goes to disk early.
func TestChanges(t *testing.T) {
	small := func(c *engine.Config) { c.BatchRows, c.OwnBytes = 4, 1500 }
	(&sequenceRun{t: t, us: tuned(t, small)(), them: postgres(t, *server)(), make: changes}).all()
}

// all runs as many sequences as the flags ask for.
func (r *sequenceRun) all() {
	numbered(sequences, r.sequence)
	r.t.Logf("%d sequences, %d statements: %d done, %d refused by both; %d tables compared with their past", r.run, r.statements, r.statements-r.refused, r.refused, r.moments)
}

type sequenceRun struct {
	t                                 *testing.T
	us, them                          *pgconn.PgConn
	make                              func(r *rand.Rand) []string
	schemas                           int
	run, statements, refused, moments int
}

// sequence runs the sequence of a number, and makes it small if it shows a difference.
func (r *sequenceRun) sequence(number int) {
	list := r.make(rand.New(rand.NewPCG(*seed, uint64(number))))
	if *verbose {
		fmt.Fprintf(os.Stderr, "%d:\n%s\n", number, strings.Join(list, ";\n"))
	}
	r.run++
	said := r.compare(list, true)
	if said == "" {
		return
	}
	left := smaller
	for again := true; again; {
		again = false
		for i := len(list) - 1; i >= 0 && left > 0; i-- {
			fewer := slices.Delete(slices.Clone(list), i, i+1)
			left--
			if now := r.compare(fewer, false); now != "" && kindOf(now) == kindOf(said) {
				list, said, again = fewer, now, true
			}
		}
	}
	r.t.Errorf("%s;\n%s\n-- again: go test ./cmd/internal/difftest -run %s -args -seed %d -skip %d -queries 1", strings.Join(list, ";\n"), said, r.t.Name(), *seed, number)
}

// kindOf is the first line of what compare says, which names the kind of difference.
func kindOf(said string) string { return strings.SplitN(said, "\n", 2)[0] }

// compare runs a list of statements in both, and says what differs first.
func (r *sequenceRun) compare(list []string, count bool) string {
	r.schemas++
	schema := fmt.Sprintf("s%d", r.schemas)
	for _, c := range []*pgconn.PgConn{r.us, r.them} {
		execute(r.t, c, "CREATE SCHEMA "+schema)
		execute(r.t, c, "SET search_path = "+schema)
		defer execute(r.t, c, "DROP SCHEMA "+schema+" CASCADE")
		defer execute(r.t, c, "ROLLBACK")
	}
	past := &pastAnswers{us: r.us}
	for _, sql := range list {
		if r.them.TxStatus() == 'E' && !endsTransaction(sql) {
			continue // both would refuse it, and there would be little but refusals
		}
		us, them := ask(r.us, sql), ask(r.them, sql)
		if count {
			r.statements++
			if them.state != "" {
				r.refused++
			}
		}
		if aboutRows(them.state) && counts(list) {
			execute(r.t, r.us, "ROLLBACK")
			return past.differ() // how many numbers of a sequence a statement takes before it fails is left open
		}
		if us.state != them.state && aboutRows(us.state) && aboutRows(them.state) {
			continue // of several rows any may be the first to be refused
		}
		if kind := (rules{}).difference(us, them); kind != "" || us.tag != them.tag {
			return fmt.Sprintf("-- %s\n-- %s\n-- AllSource:  %s %s\n-- PostgreSQL: %s %s", orTag(kind), sql, us.tag, us, them.tag, them)
		}
		past.note()
	}
	if us, them := ask(r.us, "COMMIT"), ask(r.them, "COMMIT"); us.state != them.state {
		return fmt.Sprintf("-- at the commit: %s for %s", us, them)
	}
	if said := r.contents(); said != "" {
		return said
	}
	if count {
		r.moments += len(past.answers)
	}
	return past.differ()
}

// counts says whether a column of the sequence's tables has a sequence.
func counts(list []string) bool {
	return slices.ContainsFunc(list, func(sql string) bool {
		return strings.Contains(sql, "serial") || strings.Contains(sql, "IDENTITY")
	})
}

// aboutRows says whether an error is one of values or constraints, or of a row that comes twice.
func aboutRows(state string) bool {
	return len(state) == 5 && slices.Contains([]string{"21", "22", "23", "44"}, state[:2])
}

func endsTransaction(sql string) bool {
	return strings.HasPrefix(sql, "ROLLBACK") || sql == "COMMIT"
}

func orTag(kind string) string {
	if kind == "" {
		return "tag"
	}
	return kind
}

// contents compares all tables, and what the catalog says of them.
func (r *sequenceRun) contents() string {
	questions := []string{
		`select table_name, column_name, ordinal_position, column_default, is_nullable, data_type, numeric_precision, is_identity, is_generated
			from information_schema.columns where table_schema = current_schema() order by 1, 3`,
		`select c.conname, c.contype, case when contype <> 'c' then pg_get_constraintdef(c.oid) end from pg_constraint c join pg_namespace n on n.oid = connamespace
			where nspname = current_schema() and contype <> 'n' order by 1`,
		`select indexname, indexdef from pg_indexes where schemaname = current_schema() order by 1`,
	}
	for _, name := range tablesOf(r.us) {
		questions = append(questions, "select * from "+name)
	}
	for _, sql := range questions {
		us, them := ask(r.us, sql), ask(r.them, sql)
		if kind := (rules{}).difference(us, them); kind != "" {
			return fmt.Sprintf("-- at the end: %s\n-- %s\n-- AllSource:  %s\n-- PostgreSQL: %s", kind, sql, us, them)
		}
	}
	return ""
}

// tablesOf lists the tables and views of the schema.
func tablesOf(c *pgconn.PgConn) (out []string) {
	for _, row := range ask(c, "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = current_schema() and relkind in ('r', 'v') order by 1").rows {
		out = append(out, string(row[0]))
	}
	return out
}

// pastAnswers are what AllSource said its tables were, and when.
type pastAnswers struct {
	us      *pgconn.PgConn
	answers []pastAnswer
}

type pastAnswer struct {
	table, at string
	rows      [][][]byte
}

// note reads all tables, where no transaction is open and so what is read was committed.
func (p *pastAnswers) note() {
	if p.us.TxStatus() != 'I' {
		return
	}
	for _, name := range tablesOf(p.us) {
		rows := ask(p.us, "select * from "+name).rows
		at := ask(p.us, "select cluster_logical_timestamp()").rows
		if len(at) == 1 {
			p.answers = append(p.answers, pastAnswer{name, string(at[0][0]), rows})
		}
	}
}

// differ asks again as of then.
func (p *pastAnswers) differ() string {
	for _, a := range p.answers {
		sql := fmt.Sprintf("select * from %s AS OF SYSTEM TIME %s", a.table, a.at)
		now := ask(p.us, sql)
		then := outcome{columns: now.columns, rows: a.rows}
		if kind := (rules{}).difference(now, then); kind != "" {
			return fmt.Sprintf("-- of the past: %s\n-- %s\n-- now:  %s\n-- then: %s", kind, sql, now, then)
		}
	}
	return ""
}

// TestPastIsKept is what a sequence of statements cannot show: that the answer of a moment is the same on another connection.
func TestPastIsKept(t *testing.T) {
	door := ours(t)
	a, b := door(), door()
	execute(t, a, "CREATE TABLE kept (a int PRIMARY KEY, b text)")
	execute(t, a, "INSERT INTO kept VALUES (1, 'one'), (2, 'two')")
	at := execute(t, a, "SELECT cluster_logical_timestamp()")[0].Rows[0][0]
	execute(t, a, "UPDATE kept SET b = 'uno' WHERE a = 1; DELETE FROM kept WHERE a = 2; ALTER TABLE kept DROP COLUMN b; DROP TABLE kept")
	results, err := b.Exec(context.Background(), fmt.Sprintf("SELECT * FROM kept AS OF SYSTEM TIME %s ORDER BY a", at)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s", results[0].Rows); got != "[[1 one] [2 two]]" {
		t.Errorf("got %s", got)
	}
}
