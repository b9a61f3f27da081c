package catalog

import (
	"context"
	"fmt"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// rowsMaker adds the rows of a built-in relation to t.
type rowsMaker struct {
	fill func(ctx context.Context, c *Context, t *rows) error
	// live rows are made for each scan; the others once per catalog.
	live bool
	// following rows are those of the moment that is asked about.
	following bool
}

// made is a maker whose rows follow from the catalog alone.
func made(fill func(c *Catalog, t *rows)) rowsMaker {
	return rowsMaker{fill: func(_ context.Context, c *Context, t *rows) error {
		fill(c.Catalog, t)
		return nil
	}}
}

// asked is a maker whose rows the server knows.
func asked(fill func(ctx context.Context, c *Context, t *rows) error) rowsMaker {
	return rowsMaker{fill: fill, live: true}
}

// followed is a maker whose rows follow the log.
func followed(fill func(ctx context.Context, c *Context, t *rows) error) rowsMaker {
	return rowsMaker{fill: fill, live: true, following: true}
}

// bind makes the Rows function of a relation.
func (m rowsMaker) bind(r *Relation) RowsFunc {
	return func(ctx context.Context, c *Context) (*vec.Batch, error) {
		asked := c.Catalog
		c = &Context{Catalog: asked.whole(), Server: c.Server}
		if asked.types != nil {
			c.Counted = func() []EventShape { return asked.types.Counted(asked.end) }
		}
		if !m.live {
			if b, ok := c.Catalog.made.Load(r.OID); ok {
				return b.(*vec.Batch), nil
			}
		}
		t := newRows(r)
		if m.fill != nil {
			if err := m.fill(ctx, c, t); err != nil {
				return nil, err
			}
		}
		b, err := t.finish()
		if err == nil && !m.live {
			c.Catalog.made.Store(r.OID, b)
		}
		return b, err
	}
}

// row gives the columns that are not at their default by name: null where null is allowed, else the zero of the type.
type row map[string]any

// rows collects rows of a relation.
type rows struct {
	rel  *Relation
	cols []*vec.Builder
	n    int
	err  error
}

func newRows(r *Relation) *rows {
	t := &rows{rel: r, cols: make([]*vec.Builder, len(r.Columns))}
	for i, c := range r.Columns {
		t.cols[i] = datum.NewBuilder(c.Type, 0)
	}
	return t
}

func (t *rows) finish() (*vec.Batch, error) {
	if t.err != nil {
		return nil, t.err
	}
	b := &vec.Batch{Len: t.n}
	for _, c := range t.cols {
		b.Cols = append(b.Cols, c.Finish())
	}
	return b, nil
}

// add appends one row.
func (t *rows) add(r row) {
	used := 0
	for i, c := range t.rel.Columns {
		v, ok := r[c.Name]
		if ok {
			used++
		}
		if v == nil && c.NotNull {
			v = zeroOf(c.Type)
		}
		t.put(i, v)
	}
	if used != len(r) && t.err == nil {
		t.err = fmt.Errorf("a row of %s names a column that is not there", t.rel.Name)
	}
	t.n++
}

func zeroOf(t datum.Type) any {
	switch datum.KindOf(t.OID) {
	case vec.Bool:
		return false
	case vec.Int64:
		return 0
	case vec.Float64:
		return 0.0
	case vec.List:
		return []int{}
	}
	if t.OID == datum.Char {
		return byte(0)
	}
	return ""
}

func (t *rows) put(i int, v any) {
	b := t.cols[i]
	switch x := v.(type) {
	case nil:
		b.AppendNull()
	case bool:
		b.AppendBool(x)
	case int:
		t.number(b, int64(x))
	case int16:
		t.number(b, int64(x))
	case int32:
		t.number(b, int64(x))
	case int64:
		t.number(b, x)
	case datum.OID:
		t.number(b, int64(x))
	case float64:
		b.AppendFloat(x)
	case string:
		if x == "" && t.rel.Columns[i].Type.OID == datum.Char {
			x = "\x00"
		}
		if t.rel.Columns[i].Type.OID == datum.Inet {
			if t.err == nil {
				t.err = datum.ParseText(datum.T(datum.Inet), []byte(x), b, nil)
			}
			return
		}
		b.AppendString(x)
	case byte:
		b.AppendBytes([]byte{x})
	case Kind:
		b.AppendBytes([]byte{byte(x)})
	case []int:
		for _, e := range x {
			b.Elem().AppendInt(int64(e))
		}
		t.list(b, i, len(x))
	case []datum.OID:
		for _, e := range x {
			b.Elem().AppendInt(int64(e))
		}
		t.list(b, i, len(x))
	case []string:
		for _, e := range x {
			b.Elem().AppendString(e)
		}
		b.AppendList()
	default:
		t.err = fmt.Errorf("column %s.%s cannot hold a %T", t.rel.Name, t.rel.Columns[i].Name, v)
		b.AppendNull()
	}
}

// list ends an array of n numbers; the vectors of the catalog count from 0.
func (t *rows) list(b *vec.Builder, i, n int) {
	if oid := t.rel.Columns[i].Type.OID; n > 0 && (oid == datum.Int2Vector || oid == datum.OidVector) {
		b.AppendShaped([]vec.Dim{{Len: int32(n), Lower: 0}})
		return
	}
	b.AppendList()
}

// number appends an integer, to a float column too.
func (t *rows) number(b *vec.Builder, v int64) { b.AppendInt(v) }

// list appends an array of one-byte texts.
func letters(s string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = s[i : i+1]
	}
	return out
}
