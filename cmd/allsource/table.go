package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-runewidth"
)

// printer writes the answers of statements in one of the formats table, csv and json.
type printer struct {
	w      io.Writer
	format string
	quiet  bool // leave out completion tags
}

// numericOIDs are the types whose values stand to the right.
var numericOIDs = map[uint32]bool{20: true, 21: true, 23: true, 26: true, 700: true, 701: true, 1700: true}

// pageRows is how many rows of a table are measured and printed at a time, so that an answer of any size can pass.
const pageRows = 10_000

// result prints one answer, reading it to the end.
func (p *printer) result(r *pgconn.ResultReader) error {
	fields := r.FieldDescriptions()
	var err error
	switch {
	case len(fields) == 0:
		for r.NextRow() {
		}
	case p.format == "csv":
		err = p.csv(r, fields)
	case p.format == "json":
		err = p.json(r, fields)
	default:
		err = p.table(r, fields)
	}
	tag, closeErr := r.Close()
	if closeErr != nil {
		return closeErr
	}
	if err == nil && len(fields) == 0 && !p.quiet && p.format == "table" && tag.String() != "" {
		_, err = fmt.Fprintln(p.w, tag)
	}
	return err
}

func (p *printer) csv(r *pgconn.ResultReader, fields []pgconn.FieldDescription) error {
	w := csv.NewWriter(p.w)
	rec := make([]string, len(fields))
	for i, f := range fields {
		rec[i] = f.Name
	}
	for ok := true; ok; ok = r.NextRow() {
		for i, v := range r.Values() {
			rec[i] = string(v)
		}
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// json writes one object a line: numbers, booleans and documents as themselves.
func (p *printer) json(r *pgconn.ResultReader, fields []pgconn.FieldDescription) error {
	for r.NextRow() {
		var b strings.Builder
		b.WriteByte('{')
		for i, v := range r.Values() {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(jsonText(fields[i].Name))
			b.WriteByte(':')
			b.Write(jsonValue(fields[i].DataTypeOID, v))
		}
		b.WriteString("}\n")
		if _, err := io.WriteString(p.w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func jsonValue(oid uint32, v []byte) []byte {
	const boolOID, jsonOID, jsonbOID = 16, 114, 3802
	switch {
	case v == nil:
		return []byte("null")
	case oid == boolOID:
		if string(v) == "t" {
			return []byte("true")
		}
		return []byte("false")
	case (numericOIDs[oid] || oid == jsonOID || oid == jsonbOID) && json.Valid(v):
		return v
	}
	return jsonText(string(v))
}

func (p *printer) table(r *pgconn.ResultReader, fields []pgconn.FieldDescription) error {
	total := 0
	for more := true; more; {
		var rows [][]string
		for len(rows) < pageRows {
			if more = r.NextRow(); !more {
				break
			}
			row := make([]string, len(fields))
			for i, v := range r.Values() {
				row[i] = string(v)
			}
			rows = append(rows, row)
		}
		if len(rows) == 0 && total > 0 {
			break
		}
		if err := p.page(fields, rows); err != nil {
			return err
		}
		total += len(rows)
	}
	unit := "rows"
	if total == 1 {
		unit = "row"
	}
	_, err := fmt.Fprintf(p.w, "(%d %s)\n\n", total, unit)
	return err
}

func (p *printer) page(fields []pgconn.FieldDescription, rows [][]string) error {
	width := make([]int, len(fields))
	for i, f := range fields {
		width[i] = runewidth.StringWidth(f.Name)
		for _, row := range rows {
			for line := range strings.SplitSeq(row[i], "\n") {
				width[i] = max(width[i], runewidth.StringWidth(line))
			}
		}
	}
	var b strings.Builder
	for i, f := range fields {
		left := (width[i] - runewidth.StringWidth(f.Name)) / 2
		b.WriteString(separator(i, "|") + strings.Repeat(" ", left) + f.Name + pad(strings.Repeat(" ", left)+f.Name, width[i]))
	}
	b.WriteString("\n")
	for i := range fields {
		b.WriteString(separator(i, "+")[:min(i, 1)] + strings.Repeat("-", width[i]+2))
	}
	b.WriteString("\n")
	for _, row := range rows {
		tableRow(&b, fields, row, width)
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

func separator(i int, mark string) string {
	if i == 0 {
		return " "
	}
	if mark == "+" {
		return "+"
	}
	return " " + mark + " "
}

// tableRow writes a row, in several lines when values have several; a + at the end of a cell says that it goes on.
func tableRow(b *strings.Builder, fields []pgconn.FieldDescription, row []string, width []int) {
	cells, height := make([][]string, len(row)), 1
	for i, v := range row {
		cells[i] = strings.Split(v, "\n")
		height = max(height, len(cells[i]))
	}
	for line := range height {
		for i := range cells {
			text := ""
			if line < len(cells[i]) {
				text = cells[i][line]
			}
			sep := separator(i, "|")
			if i > 0 && line+1 < len(cells[i-1]) {
				sep = "+| "
			}
			b.WriteString(sep)
			switch space := pad(text, width[i]); {
			case numericOIDs[fields[i].DataTypeOID]:
				b.WriteString(space + text)
			case i == len(cells)-1:
				b.WriteString(text)
			default:
				b.WriteString(text + space)
			}
		}
		b.WriteString("\n")
	}
}

func pad(s string, width int) string {
	n := width - runewidth.StringWidth(s)
	if n <= 0 || !utf8.ValidString(s) {
		return ""
	}
	return strings.Repeat(" ", n)
}
