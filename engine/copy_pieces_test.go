package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// csvRow is a row as a writer of CSV may put it: bare, or quoted with delimiters, line ends and quotes inside.
func csvRow(rng *rand.Rand, id int) (line, text string) {
	switch rng.IntN(6) {
	case 0:
		text = strings.Repeat("long, with \"quotes\"\nand lines\n", 1+rng.IntN(300))
	case 1:
		text = "a,b"
	case 2:
		text = `"` + strconv.Itoa(id) + `"`
	default:
		text = "bare " + strconv.Itoa(id)
		return fmt.Sprintf("%d,%s\n", id, text), text
	}
	return fmt.Sprintf("%d,\"%s\"\r\n", id, strings.ReplaceAll(text, `"`, `""`)), text
}

// TestCopyInPieces copies some megabytes of CSV that come in parts of any size: the rows are those that were written, in their order; a row that is
// wrong is told by its line, and nothing of the data stays; what follows the end marker does not count.
func TestCopyInPieces(t *testing.T) {
	b := newBedOf(t, 512)
	defer b.close(t)
	rng := rand.New(rand.NewPCG(1, 2))
	const rows = 4000
	var stream strings.Builder
	var want []string
	lines := make([]int, rows+1) // after each row
	for id := 1; id <= rows; id++ {
		line, text := csvRow(rng, id)
		stream.WriteString(line)
		want = append(want, strconv.Itoa(id)+"|"+text)
		lines[id] = lines[id-1] + strings.Count(line, "\n")
	}
	data := stream.String()
	piece := func() int { return 1000 + rng.IntN(100_000) }
	for worker := range b.engines {
		p := b.connect(t, worker)
		ask := func(sql string) (rows []string) {
			t.Helper()
			out, err := p.run(sql)
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			for _, r := range out[len(out)-1].rows {
				rows = append(rows, strings.Join(r, "|"))
			}
			return rows
		}
		same := func(want []string) {
			t.Helper()
			got := ask("SELECT id, t FROM c ORDER BY id")
			if len(got) != len(want) {
				t.Fatalf("%d rows, expected %d", len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("row %d: %.80q, expected %.80q", i+1, got[i], want[i])
				}
			}
		}
		ask("CREATE TABLE c (id int PRIMARY KEY, t text)")
		const copyCSV = "COPY c FROM STDIN (FORMAT csv)"
		if tag, err := p.copyIn(copyCSV, []byte(data), piece()); err != nil || tag != fmt.Sprintf("COPY %d", rows) {
			t.Fatalf("%s: %v", tag, err)
		}
		same(want)
		for _, bad := range []struct{ row, where, message string }{
			{"x1,y\n", fmt.Sprintf("COPY c, line %d, column id: \"x1\"", lines[rows]+1), `invalid input syntax for type integer: "x1"`},
			{"1\n", fmt.Sprintf("COPY c, line %d: \"1\"", lines[rows]+1), `missing data for column "t"`},
			{"7,twice\n", "", `duplicate key value violates unique constraint "c_pkey"`},
		} {
			ask("TRUNCATE c")
			_, err := p.copyIn(copyCSV, []byte(data+bad.row+strings.ReplaceAll(data, "\n", "?\n")), piece())
			e := pgerr.From(err)
			if err == nil || e.Message != bad.message || bad.where != "" && e.Where != bad.where {
				t.Fatalf("%q: %v, %q; expected %q, %q", bad.row, err, e.Where, bad.message, bad.where)
			}
			same(nil)
		}
		if _, err := p.copyIn(copyCSV, []byte(data+"\\.\n1,again\nnothing,\"good"), piece()); err != nil {
			t.Fatal(err)
		}
		same(want)
		ask("DROP TABLE c")
		p.s.Close()
	}
}

// TestCopyTextInPieces has values that end in backslashes, or have line ends behind them, all over some megabytes of text.
func TestCopyTextInPieces(t *testing.T) {
	b := newBedOf(t, 512)
	defer b.close(t)
	const rows = 300
	long := strings.Repeat(`x\\\`+"\n", 5_000)
	var stream strings.Builder
	for id := 1; id <= rows; id++ {
		fmt.Fprintf(&stream, "%d\t%s%s\n", id, strings.Repeat("y", id), long[:len(long)-2])
		fmt.Fprintf(&stream, "%d\t%s\n", -id, `end\\`)
	}
	for worker := range b.engines {
		p := b.connect(t, worker)
		run := func(sql string) []answer {
			t.Helper()
			out, err := p.run(sql)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		run("CREATE TABLE c (id int PRIMARY KEY, t text)")
		if tag, err := p.copyIn("COPY c FROM STDIN", []byte(stream.String()), 70_001); err != nil || tag != fmt.Sprintf("COPY %d", 2*rows) {
			t.Fatalf("%s: %v", tag, err)
		}
		out := run(`SELECT count(*) FROM c WHERE t = CASE WHEN id < 0 THEN 'end\' ELSE repeat('y', id) || repeat('x\' || chr(10), 4999) || 'x\' END`)
		if got := out[0].rows[0][0]; got != strconv.Itoa(2*rows) {
			t.Fatalf("%s of %d rows are right", got, 2*rows)
		}
		run("TRUNCATE c")
		_, err := p.copyIn("COPY c FROM STDIN", []byte(stream.String()+"x\ty\n"), 70_001)
		if e := pgerr.From(err); err == nil || e.Where != fmt.Sprintf("COPY c, line %d, column id: \"x\"", 2*rows+1) {
			t.Fatalf("%v, %q", err, e.Where)
		}
		run("DROP TABLE c")
		p.s.Close()
	}
}
