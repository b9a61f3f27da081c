package table

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// anyBatch draws rows of all kinds, with nulls.
func anyBatch(t *rapid.T) ([]Column, *vec.Batch) {
	cols := []Column{{ID: 3, Kind: vec.Bool}, {ID: 1, Kind: vec.Int64}, {ID: 9, Kind: vec.Float64}, {ID: 4, Kind: vec.Bytes}, {ID: 5, Kind: vec.Decimal},
		{ID: 6, Kind: vec.Interval}, {ID: 7, Kind: vec.List, Elem: vec.Bytes}, {ID: 8, Kind: vec.List, Elem: vec.Int64}, {ID: 12, Kind: vec.Int64}}
	n := rapid.IntRange(1, 40).Draw(t, "rows")
	b := &vec.Batch{Len: n}
	for _, c := range cols {
		v := c.Builder(n)
		for range n {
			if rapid.IntRange(0, 3).Draw(t, "null") == 0 {
				v.AppendNull()
			} else {
				drawValue(t, c.Kind, c.Elem, v)
			}
		}
		b.Cols = append(b.Cols, v.Finish())
	}
	return cols, b
}

func drawValue(t *rapid.T, kind, elem vec.Kind, b *vec.Builder) {
	switch kind {
	case vec.Bool:
		b.AppendBool(rapid.Bool().Draw(t, "bool"))
	case vec.Int64:
		b.AppendInt(rapid.Int64().Draw(t, "int"))
	case vec.Float64:
		b.AppendFloat(rapid.Float64().Draw(t, "float"))
	case vec.Bytes:
		b.AppendString(rapid.SampledFrom([]string{"", "a", "text", strings.Repeat("long ", 100)}).Draw(t, "text"))
	case vec.Decimal:
		huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
		b.AppendDecimal(rapid.SampledFrom([]decimal.Dec{{}, {Coef: 150, Scale: 2}, {Form: decimal.NaN}, {Big: huge, Scale: 7}}).Draw(t, "decimal"))
	case vec.Interval:
		b.AppendInterval(vec.IntervalValue{Months: rapid.Int32().Draw(t, "months"), Days: -1, Micros: rapid.Int64().Draw(t, "micros")})
	case vec.List:
		n := rapid.IntRange(0, 6).Draw(t, "elements")
		for range n {
			if rapid.Bool().Draw(t, "null") {
				b.Elem().AppendNull()
			} else {
				drawValue(t, elem, 0, b.Elem())
			}
		}
		if n == 6 {
			b.AppendShaped([]vec.Dim{{Len: 2, Lower: -3}, {Len: 3, Lower: 1}})
		} else {
			b.AppendList()
		}
	}
}

// show prints a value.
func show(c *vec.Column, i int) string {
	if c.Null(i) {
		return "null"
	}
	switch c.Kind {
	case vec.Bool:
		return fmt.Sprint(c.Bool(i))
	case vec.Int64:
		return fmt.Sprint(c.Int(i))
	case vec.Float64:
		return fmt.Sprint(c.Float(i))
	case vec.Bytes:
		return string(c.Bytes(i))
	case vec.Decimal:
		return c.Decimal(i).String()
	case vec.Interval:
		return fmt.Sprint(c.Interval(i))
	}
	child, from, to := c.List(i)
	out := fmt.Sprint(c.Dims(i))
	for k := from; k < to; k++ {
		out += "," + show(child, k)
	}
	return out
}

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols, batch := anyBatch(t)
		shape, err := NewShape(cols)
		if err != nil {
			t.Fatal(err)
		}
		var parts []Timed
		for i := range rapid.IntRange(1, 3).Draw(t, "commits") {
			b, err := NewBlock(shape, []*vec.Batch{batch, batch})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, Timed{b, -5 + 3*int64(i)})
		}
		data := AppendBlocks([]byte("x"), 77, parts)[1:]
		got, first, err := DecodeBlock(data)
		if err != nil || first != 77 || len(got) != len(parts) {
			t.Fatalf("decoded %d commits from %d: %v", len(got), first, err)
		}
		rows := NewRows(first)
		for i, p := range got {
			if p.At != parts[i].At || !p.Shape.Equal(shape) || !reflect.DeepEqual(p.Rows, parts[i].Rows) {
				t.Fatalf("decoded %d rows at %d: %v", p.Len(), p.At, err)
			}
			rows = p.Append(rows, p.At)
		}
		for k := range cols {
			c, err := rows.Read(&cols[k], rows.Len(), func(i int) RowID { return first + int64(i) })
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows.Len() {
				if got, want := show(c, i), show(batch.Cols[k], i%batch.Len); got != want {
					t.Fatalf("row %d of column %d is %s, expected %s", i, cols[k].ID, got, want)
				}
			}
		}
		at2 := rapid.IntRange(0, len(data)-1).Draw(t, "place")
		data[at2] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if _, _, err := DecodeBlock(data); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("a block with byte %d changed: %v", at2, err)
		}
	})
}

func TestPageAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, model := NewPage(), map[RowID]Closing{}
		base := RowID(rapid.IntRange(0, 3).Draw(t, "page")) * PageRows
		width := rapid.SampledFrom([]int{40, 3000, PageRows}).Draw(t, "width")
		for range rapid.IntRange(0, 400).Draw(t, "closings") {
			c := Closing{Row: base + int64(rapid.IntRange(0, width-1).Draw(t, "row")), At: int64(rapid.IntRange(-2, 2).Draw(t, "at")), Next: 5}
			if c.At == -2 {
				c.At = Never
			}
			_, there := model[c.Row]
			if p.Add(c) == there {
				t.Fatalf("closing %+v is new: %v", c, !there)
			}
			if !there {
				model[c.Row] = c
			}
		}
		if p.Len() != len(model) {
			t.Fatalf("%d closings, expected %d", p.Len(), len(model))
		}
		n, from, to := 0, base+30, base+2000
		p.Each(from, to, func(c Closing) {
			if model[c.Row] != c || c.Row < from || c.Row >= to {
				t.Fatalf("each gives %+v, expected %+v", c, model[c.Row])
			}
			n++
		})
		for row, c := range model {
			if got, ok := p.Find(row); !ok || got != c {
				t.Fatalf("%+v, expected %+v", got, c)
			}
			if row >= from && row < to {
				n--
			}
		}
		if n != 0 {
			t.Fatalf("each gives %d too many", n)
		}
	})
}

func TestEndedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Closing
		for range rapid.IntRange(1, 50).Draw(t, "closings") {
			c := Closing{Row: rapid.Int64Range(1, 1<<40).Draw(t, "row"), At: 9 - rapid.Int64Range(0, 1<<30).Draw(t, "before")}
			if rapid.Bool().Draw(t, "next") {
				c.Next, c.Kept = c.Row+rapid.Int64Range(1, 1<<40).Draw(t, "distance"), rapid.Bool().Draw(t, "kept")
			}
			list = append(list, c)
		}
		data := AppendEnded(nil, 9, list)
		if got, err := DecodeEnded(data, 9); err != nil || !reflect.DeepEqual(got, list) {
			t.Fatalf("got %v (%v), expected %v", got, err, list)
		}
		if _, err := DecodeEnded(data[:len(data)-1], 9); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut: %v", err)
		}
	})
}

// TestClosingsOfOlderPrograms reads what is on disk since the first release of tables.
func TestClosingsOfOlderPrograms(t *testing.T) {
	var got []Closing
	err := DecodeClosings([]byte{2, 3, 0, 4, 9}, 5, 77, func(c Closing) { got = append(got, c) })
	if want := []Closing{{Row: 5*ChunkRows + 3, At: 77}, {Row: 5*ChunkRows + 7, At: 77, Next: 5*ChunkRows + 16}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v (%v), expected %v", got, err, want)
	}
}

func TestClosingsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const chunk = 5
		var list []Closing
		row := RowID(chunk * ChunkRows)
		for range rapid.IntRange(1, 50).Draw(t, "closings") {
			c := Closing{Row: row, At: 9 - rapid.Int64Range(0, 1<<30).Draw(t, "before")}
			if rapid.Bool().Draw(t, "next") {
				c.Next = row + rapid.Int64Range(1, 1<<40).Draw(t, "distance")
				c.Kept = rapid.Bool().Draw(t, "kept")
			}
			list = append(list, c)
			row += int64(rapid.IntRange(1, 15).Draw(t, "step"))
		}
		data := AppendClosings(nil, 9, list)
		var got []Closing
		if err := DecodeClosings(data, chunk, 9, func(c Closing) { got = append(got, c) }); err != nil || !reflect.DeepEqual(got, list) {
			t.Fatalf("got %v (%v), expected %v", got, err, list)
		}
		if err := DecodeClosings(data[:len(data)-1], chunk, 9, func(Closing) {}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut: %v", err)
		}
	})
}
