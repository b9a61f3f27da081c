package difftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/sql/datum"
)

// outcome is what a system said to a query.
type outcome struct {
	state   string // the SQLSTATE of an error; "lost" where the connection ended
	message string
	columns []pgconn.FieldDescription
	rows    [][][]byte
	tag     string
}

func ask(c *pgconn.PgConn, sql string) outcome {
	results, err := c.Exec(context.Background(), sql).ReadAll()
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return outcome{state: refused.Code, message: refused.Message}
	case err != nil:
		return outcome{state: "lost", message: err.Error()}
	}
	last := results[len(results)-1]
	return outcome{columns: last.FieldDescriptions, rows: last.Rows, tag: last.CommandTag.String()}
}

// exhausted are answers about the machine, not about the query.
func (o outcome) exhausted() bool {
	return o.state == "57014" || strings.HasPrefix(o.state, "53") || strings.HasPrefix(o.state, "54")
}

func (o outcome) String() string {
	if o.state != "" {
		return o.state + " " + o.message
	}
	var b strings.Builder
	for _, c := range o.columns {
		fmt.Fprintf(&b, "%s:%d ", c.Name, c.DataTypeOID)
	}
	fmt.Fprintf(&b, "(%d rows)", len(o.rows))
	for i, row := range o.rows {
		if i == 3 {
			break
		}
		b.WriteString(" ")
		b.WriteString(shown(row))
	}
	return b.String()
}

func shown(row [][]byte) string {
	cells := make([]string, len(row))
	for i, cell := range row {
		cells[i] = "NULL"
		if cell != nil {
			cells[i] = fmt.Sprintf("%.120q", cell)
		}
	}
	return "[" + strings.Join(cells, " ") + "]"
}

// rules say what may differ without being a difference.
type rules struct {
	ordered, inexact, byValue bool
}

// difference is the kind of difference between two outcomes, "" for none. Its first word is what it is about.
func (r rules) difference(us, them outcome) string {
	switch {
	case us.exhausted() || them.exhausted():
		return ""
	case us.state != "" || them.state != "":
		// An internal error is one in both only where it says the same.
		if us.state == them.state && us.state != "lost" && (!strings.HasPrefix(us.state, "XX") || us.message == them.message) {
			return ""
		}
		return "state " + orAnswer(us.state) + " for " + orAnswer(them.state)
	case len(us.columns) != len(them.columns):
		return "columns"
	}
	for i, c := range us.columns {
		if d := them.columns[i]; c.DataTypeOID != d.DataTypeOID {
			return fmt.Sprintf("type %d for %d", c.DataTypeOID, d.DataTypeOID)
		} else if c.Name != d.Name {
			return "name"
		} else if c.TypeModifier != d.TypeModifier {
			return fmt.Sprintf("modifier %d for %d", c.TypeModifier, d.TypeModifier)
		}
	}
	if len(us.rows) != len(them.rows) {
		return "rows"
	}
	a, b := us.rows, them.rows
	if !r.ordered {
		a, b = sorted(a), sorted(b)
	}
	for i := range a {
		for j := range a[i] {
			if !r.equal(a[i][j], b[i][j], datum.OID(us.columns[j].DataTypeOID)) {
				return "values"
			}
		}
	}
	return ""
}

func orAnswer(state string) string {
	if state == "" {
		return "an answer"
	}
	return state
}

func sorted(rows [][][]byte) [][][]byte {
	return slices.SortedFunc(slices.Values(rows), func(a, b [][]byte) int {
		for i := range a {
			if c := bytes.Compare(a[i], b[i]); c != 0 {
				return c
			}
			if (a[i] == nil) != (b[i] == nil) {
				if a[i] == nil {
					return -1
				}
				return 1
			}
		}
		return 0
	})
}

// tolerance of sums of floats, whose last digits depend on the order.
const tolerance = 1e-9

func (r rules) equal(a, b []byte, typ datum.OID) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if bytes.Equal(a, b) {
		return true
	}
	if r.byValue {
		x, okX := new(big.Rat).SetString(string(a))
		y, okY := new(big.Rat).SetString(string(b))
		if okX && okY && x.Cmp(y) == 0 {
			return true
		}
	}
	if !r.inexact {
		return false
	}
	x, errX := strconv.ParseFloat(string(a), 64)
	y, errY := strconv.ParseFloat(string(b), 64)
	near := tolerance
	if typ == datum.Float4 {
		near = 1e-5
	}
	return errX == nil && errY == nil && (math.Abs(x-y) <= near*math.Max(math.Abs(x), math.Abs(y)) || math.Abs(x-y) < 1e-12)
}
