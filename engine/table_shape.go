package engine

import (
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// tableShape is how the rows of a table are stored.
type tableShape struct {
	rel  *catalog.Relation
	id   storage.TableID
	cols []storage.TableColumn // of rel.Columns
}

// shapeOf finds the physical columns of a table.
func shapeOf(rel *catalog.Relation) (*tableShape, error) {
	s := &tableShape{rel: rel, id: storage.TableID(rel.OID), cols: make([]storage.TableColumn, len(rel.Columns))}
	for i := range rel.Columns {
		c, err := physical(&rel.Columns[i])
		if err != nil {
			return nil, err
		}
		s.cols[i] = c
	}
	return s, nil
}

// physical is a column as storage knows it.
func physical(c *catalog.Column) (storage.TableColumn, error) {
	out := storage.TableColumn{ID: c.Stored.Physical, Kind: datum.KindOf(c.Type.OID)}
	switch out.Kind {
	case vec.List:
		out.Elem = datum.KindOf(datum.ElemOf(c.Type.OID))
	case vec.Struct:
		return out, pgerr.New(pgerr.FeatureNotSupported, "columns of type %s are not supported yet", datum.FormatType(c.Type))
	}
	if c.Stored.Missing != nil {
		b := datum.NewBuilder(c.Type, 1)
		if err := datum.ParseText(datum.T(c.Type.OID), []byte(*c.Stored.Missing), b, &datum.Env{}); err != nil {
			return out, err
		}
		out.Missing = b.Finish()
	}
	return out, nil
}

// scanColumns are the physical columns of a scan's columns; what is none stays empty.
func scanColumns(rel *catalog.Relation, cols []plan.ScanCol) ([]storage.TableColumn, error) {
	out := make([]storage.TableColumn, len(cols))
	for i := range cols {
		c := cols[i].Column
		if c < 0 {
			continue
		}
		var err error
		if out[i], err = physical(&rel.Columns[c]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// indexKeys makes the keys of rows in an index; values are the columns and expressions of its keys. in, where there is one, says which rows
// the index has.
func indexKeys(ix *catalog.TableIndex, values []*vec.Column, n int, in *vec.Column) storage.IndexKeys {
	out := storage.IndexKeys{Index: uint32(ix.ID), Keys: make([][]byte, n)}
	var buf []byte
	for i := range n {
		if in != nil && (in.Null(i) || !in.Bool(i)) {
			continue
		}
		at := len(buf)
		for k := range ix.Keys {
			buf = op.AppendIndexKey(buf, &ix.Keys[k], values[k], i)
		}
		out.Keys[i] = buf[at:len(buf):len(buf)]
	}
	return out
}

// distinctKey reports whether the key of a row in a unique index must not be there twice: nulls are different from each other unless the
// index says otherwise.
func distinctKey(ix *catalog.TableIndex, values []*vec.Column, i int) bool {
	if ix.NullsNotDistinct {
		return true
	}
	for k := range ix.Keys {
		if values[k].Null(i) {
			return false
		}
	}
	return true
}
