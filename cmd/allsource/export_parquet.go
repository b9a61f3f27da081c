package main

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// parquetFile writes each batch as a row group. The library's own way from Arrow to Parquet does the same, but brings an RPC
// framework into the program.
type parquetFile struct{ w *file.Writer }

func (e *exporter) parquet(ctx context.Context, w io.Writer) error {
	return e.records(ctx, func(s *arrow.Schema) (recordSink, error) {
		var fields schema.FieldList
		for _, f := range s.Fields() {
			n, err := parquetNode(f)
			if err != nil {
				return nil, err
			}
			fields = append(fields, n)
		}
		root, err := schema.NewGroupNode("events", parquet.Repetitions.Required, fields, -1)
		if err != nil {
			return nil, err
		}
		props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("allsource "+versionText()))
		return &parquetFile{file.NewParquetWriter(w, root, file.WithWriterProps(props))}, nil
	})
}

// parquetNode is a column of the schema.
func parquetNode(f arrow.Field) (schema.Node, error) {
	logical, physical, length := schema.LogicalType(schema.NoLogicalType{}), parquet.Types.Int64, -1
	switch t := f.Type.(type) {
	case *arrow.BooleanType:
		physical = parquet.Types.Boolean
	case *arrow.Float64Type:
		physical = parquet.Types.Double
	case *arrow.TimestampType:
		logical = schema.NewTimestampLogicalType(t.TimeZone != "", schema.TimeUnitMicros)
	case *arrow.Date32Type:
		logical, physical = schema.DateLogicalType{}, parquet.Types.Int32
	case arrow.DecimalType:
		logical, physical, length = schema.NewDecimalLogicalType(t.GetPrecision(), t.GetScale()), parquet.Types.FixedLenByteArray, f.Type.(arrow.FixedWidthDataType).Bytes()
	case *arrow.StringType:
		logical, physical = schema.StringLogicalType{}, parquet.Types.ByteArray
		if f.Metadata.FindKey(jsonKey) >= 0 {
			logical = schema.JSONLogicalType{}
		}
	case arrow.ExtensionType:
		logical, physical, length = schema.UUIDLogicalType{}, parquet.Types.FixedLenByteArray, 16
	}
	return schema.NewPrimitiveNodeLogical(f.Name, parquet.Repetitions.Optional, logical, physical, length, -1)
}

// Write implements recordSink.
func (p *parquetFile) Write(rec arrow.RecordBatch) error {
	group := p.w.AppendRowGroup()
	for _, col := range rec.Columns() {
		w, err := group.NextColumn()
		if err != nil {
			return err
		}
		levels := make([]int16, col.Len())
		for i := range levels {
			if col.IsValid(i) {
				levels[i] = 1
			}
		}
		if err := writeParquet(w, col, levels); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return group.Close()
}

// Close implements recordSink.
func (p *parquetFile) Close() error { return p.w.Close() }

// writeParquet writes the values that are there; levels says which are.
func writeParquet(w file.ColumnChunkWriter, col arrow.Array, levels []int16) (err error) {
	switch w := w.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(present(col, col.(*array.Boolean).Value), levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(present(col, col.(*array.Float64).Value), levels, nil)
	case *file.Int32ColumnChunkWriter:
		_, err = w.WriteBatch(present(col, func(i int) int32 { return int32(col.(*array.Date32).Value(i)) }), levels, nil)
	case *file.Int64ColumnChunkWriter:
		value := func(i int) int64 { return col.(*array.Int64).Value(i) }
		if t, ok := col.(*array.Timestamp); ok {
			value = func(i int) int64 { return int64(t.Value(i)) }
		}
		_, err = w.WriteBatch(present(col, value), levels, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(present(col, func(i int) parquet.ByteArray { return parquet.ByteArray(col.(*array.String).Value(i)) }), levels, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		var value func(i int) parquet.FixedLenByteArray
		switch c := col.(type) {
		case *array.Decimal128:
			value = func(i int) parquet.FixedLenByteArray { return bigEndian(c.Value(i).BigInt(), 16) }
		case *array.Decimal256:
			value = func(i int) parquet.FixedLenByteArray { return bigEndian(c.Value(i).BigInt(), 32) }
		case array.ExtensionArray:
			ids := c.Storage().(*array.FixedSizeBinary)
			value = func(i int) parquet.FixedLenByteArray { return ids.Value(i) }
		}
		_, err = w.WriteBatch(present(col, value), levels, nil)
	default:
		err = fmt.Errorf("no way to write %s", col.DataType())
	}
	return err
}

// present lists the values that are not null.
func present[T any](col arrow.Array, value func(int) T) []T {
	out := make([]T, 0, col.Len()-col.NullN())
	for i := range col.Len() {
		if col.IsValid(i) {
			out = append(out, value(i))
		}
	}
	return out
}
