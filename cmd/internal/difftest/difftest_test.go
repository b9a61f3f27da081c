package difftest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/sql/opt"
)

var (
	seed     = flag.Uint64("seed", 1, "the same seed asks the same queries")
	duration = flag.Duration("duration", 0, "how long to ask; the queries of a seed come in the same order however long")
	count    = flag.Int("queries", shortRun, "how many queries to ask, where no duration is given")
	server   = flag.String("postgres", "", "URL of a PostgreSQL to compare with, or 18 for the benchmarks' peer; without one the installed one is started")
	skip     = flag.Int("skip", 0, "queries of the seed to leave out, to come to a later one at once")
	verbose  = flag.Bool("queries-too", false, "print every query before it is asked")
)

// shortRun is how many queries are asked where neither number nor duration is given.
const shortRun = 300

// logSize is small because queries join the log with itself.
const logSize = 120

// tries bounds the queries that one difference may cost to make small.
const tries = 500

// run compares query after query.
type run struct {
	t               *testing.T
	ourDoor, theirs func() *pgconn.PgConn
	us, them        *pgconn.PgConn
	words           *vocabulary
	version         int // of PostgreSQL

	asked, answered, refused, exhausted int
	order                               int // differences that may come from the order of evaluation
	seen                                map[string]*difference
}

// difference is a kind of difference, with the smallest query that shows it.
type difference struct {
	kind, sql string
	us, them  outcome
	number    int // of the first query that showed it
	times     int
	order     bool // may come from the order of evaluation, which PostgreSQL leaves open
}

func TestQueries(t *testing.T) {
	r := &run{ourDoor: ours(t), theirs: postgres(t, *server), seen: map[string]*difference{}}
	r.us, r.them = r.ourDoor(), r.theirs()
	load(t, r.us, r.them, events(*seed, logSize))
	r.version = versionOf(t, r.them)
	r.words = newVocabulary(known(t, r.them, "pg_proc"), known(t, r.them, "pg_operator"))
	t.Run("found", r.found)
	t.Run("random", r.random)
}

// found asks what differed once.
func (r *run) found(t *testing.T) {
	text, err := os.ReadFile("testdata/found.sql")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "--") {
			continue
		}
		us, them, kind := r.compare(word(strings.TrimSpace(line)), rules{})
		if kind != "" {
			t.Errorf("%s%s\nAllSource:  %s\nPostgreSQL: %s", line, kind, us, them)
		}
	}
}

func (r *run) random(t *testing.T) {
	r.t = t
	numbered(shortRun, r.query)
	r.report()
}

// numbered tries the numbers that the flags ask for, one after the other: short of them where they do not say.
func numbered(short int, try func(number int)) {
	end := time.Now().Add(*duration)
	n := short
	if *count != shortRun {
		n = *count
	}
	for i := *skip; *duration == 0 && i < *skip+n || time.Now().Before(end); i++ {
		try(i)
	}
}

// query asks the query of a number; each has a generator of its own, so that it can be asked alone.
func (r *run) query(number int) {
	g := &generator{r: rand.New(rand.NewPCG(*seed, uint64(number))), words: r.words}
	tree := g.statement()
	if *verbose {
		fmt.Fprintf(os.Stderr, "%d: %s\n", number, tree)
	}
	off := ""
	if g.chance(25) {
		off = everyRule()
	}
	set := "SET optimizer_off = '" + off + "'"
	if said := ask(r.us, set); said.state != "" {
		r.t.Fatalf("%s: %s", set, said)
	}
	allowed := rules{inexact: g.inexact, byValue: g.byValue}
	us, them, kind := r.compare(tree, allowed)
	r.asked++
	switch {
	case us.exhausted() || them.exhausted():
		r.exhausted++
	case them.state != "":
		r.refused++
	default:
		r.answered++
	}
	if kind == "" {
		return
	}
	// Most of what the order of evaluation explains it explains at once; making those small would take most of the time.
	if strings.HasPrefix(kind, "state ") && r.explained(tree, us, them) {
		r.order++
		return
	}
	minimise(tree, tries, func() bool {
		_, _, now := r.compare(tree, allowed)
		return now == kind
	})
	if last, other, now := r.compare(tree, allowed); now == kind { // else it comes and goes, and the first answers tell more
		us, them = last, other
	}
	d := &difference{kind: kind, sql: tree.String(), us: us, them: them, number: number, times: 1}
	if strings.HasPrefix(kind, "state ") {
		d.order = r.explained(tree, us, them)
	}
	signature := d.signature()
	if before := r.seen[signature]; before != nil {
		before.times++
		return
	}
	r.seen[signature] = d
}

func everyRule() string {
	var names []string
	for _, rule := range opt.Rules() {
		names = append(names, rule.Name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

// compare asks both; a connection that was lost is opened again.
func (r *run) compare(tree *node, allowed rules) (us, them outcome, kind string) {
	sql := tree.String()
	us, them = ask(r.us, sql), ask(r.them, sql)
	if r.us.IsClosed() {
		r.us = r.ourDoor()
	}
	if r.them.IsClosed() {
		r.them = r.theirs()
	}
	allowed.ordered = strings.Contains(sql, " order by ") && totallyOrdered(tree)
	return us, them, allowed.difference(us, them)
}

// totallyOrdered: the outermost query has an ORDER BY, which the generator makes over all columns.
func totallyOrdered(tree *node) bool {
	last := tree
	for len(last.kids) > 0 && last.typ == 0 && last.sep == "" {
		last = last.kids[len(last.kids)-1]
	}
	if last.typ != aQuery || len(last.kids) == 0 {
		return false
	}
	return strings.HasPrefix(last.kids[len(last.kids)-1].String(), " order by ")
}

// explained looks for an expression that gives the other system the same error when it stands alone: then both know the
// error, and which of a query's expressions is computed for which rows, and first, or already when the query is planned, is
// not fixed. Of two different errors in values either may come first, where there is more than one expression to have them. A query without a row computed nothing.
func (r *run) explained(tree *node, us, them outcome) bool {
	if us.state == "" && len(us.rows) == 0 && aboutValues(them.state) {
		return true
	}
	if aboutValues(us.state) && aboutValues(them.state) && computations(tree) > 1 {
		return true
	}
	ours, theirs := us.state == "", them.state == ""
	tree.each(func(n *node) {
		if n.typ == 0 || n.typ == aQuery || ours && theirs {
			return
		}
		for _, alone := range standing(n, tree.String()) {
			ours = ours || ask(r.them, alone).state == us.state
			theirs = theirs || ask(r.us, alone).state == them.state
		}
	})
	return ours && theirs
}

// aboutValues says whether an error depends on values: those of class 22, templates of to_char, integers of infinity.
func aboutValues(state string) bool {
	return strings.HasPrefix(state, "22") || state == "42601" || state == "0A000"
}

func computations(tree *node) (n int) {
	tree.each(func(below *node) {
		if typeOf(below.typ) != nil && len(below.kids) > 0 || strings.Contains(below.String(), "->") {
			n++
		}
	})
	return n
}

var tableNames = regexp.MustCompile(`\bt\d+\b`)

// standing are ways to ask a piece of a query alone: a function of FROM, an expression without tables, over those around it,
// and over those parts of the log that it reads, whole.
func standing(n *node, whole string) []string {
	text := n.String()
	if n.typ == aTable {
		return []string{"select 1 from " + text}
	}
	out := []string{"select " + text}
	if n.from != nil {
		out = append(out, "select "+text+" from "+n.from.String())
	}
	var read []string
	for _, alias := range tableNames.FindAllString(text, -1) {
		if part := "events " + alias; strings.Contains(whole, part) && !strings.Contains(text, part) && !slices.Contains(read, part) {
			read = append(read, part)
		}
	}
	if len(read) > 0 {
		out = append(out, "select "+text+" from "+strings.Join(read, ", "))
	}
	return out
}

var (
	constants = regexp.MustCompile(`'(?:[^']|'')*'|\b\d+\b`)
	aliases   = regexp.MustCompile(`\b[tw]\d+\b`)
)

// signature is the same for differences that are probably one: the query without its constants and numbers.
func (d *difference) signature() string {
	return d.kind + " " + aliases.ReplaceAllString(constants.ReplaceAllString(d.sql, "?"), "t")
}

// report tells what was asked and found, and fails where something is neither allowed nor known.
func (r *run) report() {
	r.t.Logf("%d queries of PostgreSQL %d: %d with an answer, %d with an error, %d given up; %d may come from the order of evaluation",
		r.asked, r.version, r.answered, r.refused, r.exhausted, r.order)
	var all []*difference
	for _, d := range r.seen {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *difference) int { return a.number - b.number })
	for _, d := range all {
		verdict := "DIFFERS"
		switch why := d.known(r.version); {
		case why != "":
			verdict = "known (" + why + ")"
		case d.order:
			verdict = "order of evaluation"
		default:
			r.t.Fail()
		}
		fmt.Printf("-- %s: %s, %d times\n%s;\n-- AllSource:  %s\n-- PostgreSQL: %s\n-- again: go test ./cmd/internal/difftest -args -seed %d -skip %d -queries 1\n\n",
			verdict, d.kind, d.times, d.sql, d.us, d.them, *seed, d.number)
	}
}
