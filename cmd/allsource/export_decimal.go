package main

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Digits that Arrow's and Parquet's decimals of 16 and of 32 bytes have room for.
const (
	digits128 = 38
	digits256 = 76
)

// precision is that of a decimal column, with its scale between 0 and it.
type precision struct{ digits, scale int32 }

// declared is the precision of numeric(p, s) from its type modifier; false where none is declared or decimals have no room for it.
func declared(modifier int32) (p precision, ok bool) {
	if modifier < 4 {
		return p, false
	}
	p.digits, p.scale = (modifier-4)>>16&0xffff, ((modifier-4)&0x7ff^0x400)-0x400
	if p.scale < 0 { // the last digits before the point are zeros
		p.digits, p.scale = p.digits-p.scale, 0
	}
	p.digits = max(p.digits, p.scale)
	return p, p.digits <= digits256
}

// measured finds the precisions of the numeric columns of a query that declare none, from their values: the largest scale, and the
// digits of the smaller kind of decimal that has room for all. A column with none has values for which there is no room. The query
// is asked for that once more, before it is exported, in a transaction that the caller ends, so that both times see the same log.
func (e *exporter) measured(ctx context.Context, fields []pgconn.FieldDescription) (map[int]precision, error) {
	var columns []int
	var asked, names []string
	for i, f := range fields {
		names = append(names, fmt.Sprintf("c%d", i))
		if f.DataTypeOID == pgtype.NumericOID && f.TypeModifier < 4 {
			columns = append(columns, i)
			asked = append(asked, fmt.Sprintf("coalesce(max(scale(c%d)), 0), coalesce(max(length(trunc(abs(c%[1]d))::text)), 0), "+
				"coalesce(bool_or(c%[1]d IN ('NaN', 'Infinity', '-Infinity')), false)", i))
		}
	}
	if len(columns) == 0 {
		return nil, nil
	}
	sql := "SELECT " + strings.Join(asked, ", ") + " FROM (" + e.sql + "\n) AS q(" + strings.Join(names, ", ") + ")"
	if _, err := e.client.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").ReadAll(); err != nil {
		return nil, err
	}
	r := e.client.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if r.Err != nil {
		return nil, r.Err
	}
	out := map[int]precision{}
	for k, i := range columns {
		scale, err := strconv.Atoi(string(r.Rows[0][3*k]))
		if err != nil {
			return nil, err
		}
		whole, err := strconv.Atoi(string(r.Rows[0][3*k+1]))
		if err != nil {
			return nil, err
		}
		if string(r.Rows[0][3*k+2]) == "t" || scale+whole > digits256 {
			continue
		}
		p := precision{digits128, int32(scale)}
		if scale+whole > digits128 {
			p.digits = digits256
		}
		out[i] = p
	}
	return out, nil
}

// decimalColumn is a column of numeric values of one precision.
func decimalColumn(p precision) exportColumn {
	limit := power(p.digits)
	value := func(v []byte) (*big.Int, error) {
		var n pgtype.Numeric
		if err := pgtype.NewMap().Scan(pgtype.NumericOID, pgtype.BinaryFormatCode, v, &n); err != nil {
			return nil, err
		}
		if n.NaN || n.InfinityModifier != pgtype.Finite {
			return nil, fmt.Errorf("NaN is no decimal; cast the column to text or float8")
		}
		out, rest := new(big.Int).Set(n.Int), new(big.Int)
		if shift := n.Exp + p.scale; shift >= 0 {
			out.Mul(out, power(shift))
		} else {
			out.QuoRem(out, power(-shift), rest)
		}
		if rest.Sign() != 0 || out.CmpAbs(limit) >= 0 {
			return nil, fmt.Errorf("%se%d does not fit in decimal(%d, %d); cast the column to text or float8", n.Int, n.Exp, p.digits, p.scale)
		}
		return out, nil
	}
	if p.digits <= digits128 {
		return exportColumn{arrow: &arrow.Decimal128Type{Precision: p.digits, Scale: p.scale}, add: func(b array.Builder, v []byte) error {
			n, err := value(v)
			if err == nil {
				b.(*array.Decimal128Builder).Append(decimal128.FromBigInt(n))
			}
			return err
		}}
	}
	return exportColumn{arrow: &arrow.Decimal256Type{Precision: p.digits, Scale: p.scale}, add: func(b array.Builder, v []byte) error {
		n, err := value(v)
		if err == nil {
			b.(*array.Decimal256Builder).Append(decimal256.FromBigInt(n))
		}
		return err
	}}
}

func power(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// bigEndian is a number in two's complement of size bytes, as Parquet has decimals.
func bigEndian(n *big.Int, size int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return n.FillBytes(make([]byte, size))
}
