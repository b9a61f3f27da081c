package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5/pgtype"
)

// A record batch of an export, and so a row group of Parquet, has at most so many rows, fewer where they are large.
const (
	exportRows  = 65536
	exportBytes = 32 << 20
)

// exportColumn is a column of the answer: its Arrow type, and how a value of PostgreSQL's binary format becomes one.
type exportColumn struct {
	arrow arrow.DataType
	add   func(b array.Builder, v []byte) error
	text  bool // the query makes it text
}

// jsonKey marks fields whose texts are JSON.
const jsonKey = "json"

// pgEpoch is 2000-01-01 in seconds since 1970.
const pgEpoch = 946684800

var utf8Column = exportColumn{arrow: arrow.BinaryTypes.String, add: func(b array.Builder, v []byte) error {
	b.(*array.StringBuilder).BinaryBuilder.Append(v)
	return nil
}}

// columnOf maps a type. What Arrow has no type for is exported as text, and so are numbers of any precision (see decimalColumn).
func columnOf(oid uint32) exportColumn {
	switch oid {
	case pgtype.BoolOID:
		return exportColumn{arrow: arrow.FixedWidthTypes.Boolean, add: func(b array.Builder, v []byte) error {
			b.(*array.BooleanBuilder).Append(v[0] != 0)
			return nil
		}}
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		return exportColumn{arrow: arrow.PrimitiveTypes.Int64, add: func(b array.Builder, v []byte) error {
			b.(*array.Int64Builder).Append(signed(v))
			return nil
		}}
	case pgtype.Float4OID, pgtype.Float8OID:
		return exportColumn{arrow: arrow.PrimitiveTypes.Float64, add: func(b array.Builder, v []byte) error {
			f := float64(math.Float32frombits(uint32(signed(v))))
			if len(v) == 8 {
				f = math.Float64frombits(uint64(signed(v)))
			}
			b.(*array.Float64Builder).Append(f)
			return nil
		}}
	case pgtype.TimestamptzOID, pgtype.TimestampOID:
		typ := &arrow.TimestampType{Unit: arrow.Microsecond}
		if oid == pgtype.TimestamptzOID {
			typ.TimeZone = "UTC"
		}
		return exportColumn{arrow: typ, add: func(b array.Builder, v []byte) error {
			at := signed(v)
			if at != math.MinInt64 && at < math.MaxInt64-pgEpoch*1e6 { // infinities stay the extremes
				at += pgEpoch * 1e6
			}
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(at))
			return nil
		}}
	case pgtype.DateOID:
		return exportColumn{arrow: arrow.FixedWidthTypes.Date32, add: func(b array.Builder, v []byte) error {
			b.(*array.Date32Builder).Append(arrow.Date32(signed(v) + pgEpoch/86400))
			return nil
		}}
	case pgtype.UUIDOID:
		return exportColumn{arrow: extensions.NewUUIDType(), add: func(b array.Builder, v []byte) error {
			if len(v) != 16 {
				return fmt.Errorf("a uuid of %d bytes", len(v))
			}
			b.(*extensions.UUIDBuilder).AppendBytes([16]byte(v))
			return nil
		}}
	case pgtype.JSONBOID:
		return exportColumn{arrow: arrow.BinaryTypes.String, add: func(b array.Builder, v []byte) error {
			return utf8Column.add(b, v[1:]) // after the version
		}}
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.JSONOID, pgtype.NameOID:
		return utf8Column
	}
	return exportColumn{arrow: arrow.BinaryTypes.String, add: utf8Column.add, text: true}
}

// signed reads a big-endian integer of 1 to 8 bytes.
func signed(v []byte) int64 {
	var n int64
	for i, c := range v {
		if i == 0 {
			n = int64(int8(c))
			continue
		}
		n = n<<8 | int64(c)
	}
	return n
}

// recordSink takes the batches of an export.
type recordSink interface {
	Write(arrow.RecordBatch) error
	Close() error
}

func (e *exporter) arrow(ctx context.Context, w io.Writer) error {
	return e.records(ctx, func(s *arrow.Schema) (recordSink, error) { return ipc.NewFileWriter(w, ipc.WithSchema(s)) })
}

// records streams the answer into a sink, batch by batch.
func (e *exporter) records(ctx context.Context, open func(*arrow.Schema) (recordSink, error)) (err error) {
	desc, err := e.client.Prepare(ctx, "", e.sql, nil)
	if err != nil {
		return err
	}
	precisions, err := e.measured(ctx, desc.Fields)
	if err != nil {
		return err
	}
	defer func() {
		if precisions != nil {
			_, ended := e.client.Exec(ctx, "COMMIT").ReadAll()
			err = errors.Join(err, ended)
		}
	}()
	columns := make([]exportColumn, len(desc.Fields))
	fields := make([]arrow.Field, len(columns))
	names, values, cast := make([]string, len(columns)), make([]string, len(columns)), false
	for i, f := range desc.Fields {
		columns[i] = columnOf(f.DataTypeOID)
		if f.DataTypeOID == pgtype.NumericOID {
			p, ok := declared(f.TypeModifier)
			if !ok {
				p, ok = precisions[i]
			}
			if ok {
				columns[i] = decimalColumn(p)
			}
		}
		fields[i] = arrow.Field{Name: f.Name, Type: columns[i].arrow, Nullable: true}
		if f.DataTypeOID == pgtype.JSONOID || f.DataTypeOID == pgtype.JSONBOID {
			fields[i].Metadata = arrow.NewMetadata([]string{jsonKey}, []string{"true"})
		}
		names[i] = fmt.Sprintf("c%d", i)
		values[i] = names[i]
		if columns[i].text {
			values[i], cast = names[i]+"::text", true
		}
	}
	if len(columns) == 0 {
		return errors.New("the query gives no columns")
	}
	sql := e.sql
	if cast {
		sql = "SELECT " + strings.Join(values, ", ") + " FROM (" + sql + "\n) AS q(" + strings.Join(names, ", ") + ")"
	}
	schema := arrow.NewSchema(fields, nil)
	sink, err := open(schema)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() {
		buf := bufio.NewWriterSize(w, 1<<18)
		_, err := e.client.CopyTo(ctx, buf, "COPY ("+sql+") TO STDOUT (FORMAT binary)")
		w.CloseWithError(errors.Join(err, buf.Flush()))
	}()
	err = e.batches(bufio.NewReaderSize(r, 1<<18), schema, columns, sink)
	r.CloseWithError(err) // the sender ends, if it has not
	return errors.Join(err, sink.Close())
}

// batches reads PostgreSQL's binary format (its documentation, COPY) to the end.
func (e *exporter) batches(r *bufio.Reader, schema *arrow.Schema, columns []exportColumn, sink recordSink) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	flush := func() error {
		rec := b.NewRecordBatch()
		defer rec.Release()
		e.progress.update(e.rows)
		return sink.Write(rec)
	}
	if _, err := r.Discard(19); err != nil { // signature, flags, no extension
		return err
	}
	rows, bytes := 0, 0
	buf := make([]byte, 0, 4096)
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		if signed(head[:]) < 0 {
			break
		}
		for i := range columns {
			value, err := readValue(r, &buf)
			if err != nil {
				return err
			}
			if value == nil {
				b.Field(i).AppendNull()
				continue
			}
			if err := columns[i].add(b.Field(i), value); err != nil {
				return err
			}
			bytes += len(value)
		}
		e.rows++
		if rows++; rows >= exportRows || bytes >= exportBytes {
			if err := flush(); err != nil {
				return err
			}
			rows, bytes = 0, 0
		}
	}
	var err error
	if rows > 0 {
		err = flush()
	}
	_, end := io.Copy(io.Discard, r) // and the sender's error
	return errors.Join(err, end)
}

// readValue reads a field into buf, which it may replace by a larger one; nil for a null.
func readValue(r *bufio.Reader, buf *[]byte) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(signed(size[:]))
	if n < 0 {
		return nil, nil
	}
	if cap(*buf) < n {
		*buf = make([]byte, 0, 2*n)
	}
	value := (*buf)[:n]
	_, err := io.ReadFull(r, value)
	return value, err
}
