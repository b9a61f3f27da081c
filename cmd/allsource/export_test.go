package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// exportSample are columns whose values every format can be compared in: times as microseconds since 1970.
const exportSample = `SELECT position, id, entity_id, version, recorded_at, payload, CASE WHEN version = 1 THEN metadata->>'m' END AS nullable,
  (payload->>'n')::float8 / 7 AS f, version = 2 AS b, date '2026-01-31' + version::int AS d, 1.50 AS n,
  (-7.25 * version)::numeric(9, 2) AS declared, position * 1.001 - 5 AS measured, 1e40 + position AS wide, CASE WHEN version = 1 THEN 'NaN'::numeric END AS nan,
  (position * 1000)::numeric(9, -3)::text AS round, NULL::numeric AS none FROM events ORDER BY position`

// exportStore is a log with more than one batch of an export, and texts that need care.
func exportStore(t *testing.T, dir string) string {
	t.Helper()
	data, lines := filepath.Join(dir, "data"), filepath.Join(dir, "in.ndjson")
	writeLines(t, lines, exportRows+1000)
	mustCLI(t, "", "import", "--data", data, lines)
	mustCLI(t, "", "sql", "--data", data, "-c",
		`INSERT INTO events (entity_id, event_type, payload, metadata) VALUES ('ü "x", y', 'odd', '{"text": "line\nend \\ \"quoted\" ü", "n": 1.50}', '{"m": "ü"}'), ('ü "x", y', 'odd', '[]', '{}')`)
	mustCLI(t, "", "sql", "--data", data, "-c", `INSERT INTO events (entity_id, event_type, id, timestamp) VALUES ('z', 'odd', '01234567-89ab-cdef-0123-456789abcdef', '1969-12-31 23:59:59.999999+00')`)
	return data
}

// exported is what an export writes to standard output.
func exported(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := cli(t, "", append([]string{"export"}, args...)...)
	if status != 0 || !strings.Contains(errs, " rows in ") {
		t.Fatalf("export %s: status %d\n%s", strings.Join(args, " "), status, errs)
	}
	return out
}

// asCSV writes rows as askCSV prints them.
func asCSV(rows [][]string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.WriteAll(rows)
	return b.String()
}

func TestExportColumns(t *testing.T) {
	dir := t.TempDir()
	data := exportStore(t, dir)
	want, err := csv.NewReader(strings.NewReader(askCSV(t, data, strings.Replace(exportSample, "recorded_at", "(extract(epoch FROM recorded_at) * 1000000)::bigint", 1)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want = want[1:]
	arrowFile, parquetFile := filepath.Join(dir, "a.arrow"), filepath.Join(dir, "a.parquet")
	for _, name := range []string{arrowFile, parquetFile} {
		if out := exported(t, "--data", data, "--query", exportSample, name); out != "" {
			t.Errorf("on standard output: %s", out)
		}
	}
	for name, got := range map[string][][]string{"arrow": readArrow(t, arrowFile), "parquet": readParquet(t, parquetFile)} {
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows, want %d", name, len(got), len(want))
		}
		for i := range got {
			if g, w := asCSV(got[i:i+1]), asCSV(want[i:i+1]); g != w {
				t.Fatalf("%s: row %d is\n%swant\n%s", name, i, g, w)
			}
		}
	}
}

// cell prints a value as askCSV does.
func cell(col arrow.Array, i int) string {
	if col.IsNull(i) {
		return ""
	}
	switch c := col.(type) {
	case *array.Boolean:
		return map[bool]string{true: "t", false: "f"}[c.Value(i)]
	case *array.Timestamp:
		return strconv.FormatInt(int64(c.Value(i)), 10)
	case *array.Decimal128:
		return c.Value(i).ToString(c.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		return c.Value(i).ToString(c.DataType().(*arrow.Decimal256Type).Scale)
	case *array.Float64:
		return strconv.FormatFloat(c.Value(i), 'g', -1, 64)
	}
	return col.ValueStr(i)
}

func readArrow(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for column, want := range map[string]string{"n": "decimal(38, 2)", "declared": "decimal(9, 2)", "measured": "decimal(38, 3)", "wide": "decimal256(76, 0)", "nan": "utf8", "none": "decimal(38, 0)"} {
		if f, _ := r.Schema().FieldsByName(column); len(f) != 1 || f[0].Type.String() != want {
			t.Errorf("column %s: %v, want %s", column, f, want)
		}
	}
	if r.NumRecords() < 2 {
		t.Errorf("%d batches", r.NumRecords())
	}
	for k := range r.NumRecords() {
		rec, err := r.RecordBatch(k)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(rec.NumRows()) {
			var row []string
			for _, col := range rec.Columns() {
				row = append(row, cell(col, i))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func readParquet(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	r, err := file.OpenParquetFile(name, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for g := range r.NumRowGroups() {
		group := r.RowGroup(g)
		n := int(group.NumRows())
		base := len(rows)
		for range n {
			rows = append(rows, make([]string, r.MetaData().Schema.NumColumns()))
		}
		for c := range r.MetaData().Schema.NumColumns() {
			col, err := group.Column(c)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range parquetCells(t, col, n) {
				rows[base+i][c] = v
			}
		}
	}
	return rows
}

// parquetCells reads a column chunk.
func parquetCells(t *testing.T, col file.ColumnChunkReader, n int) []string {
	t.Helper()
	levels := make([]int16, n)
	var values []string
	var err error
	switch c := col.(type) {
	case *file.Int64ColumnChunkReader:
		values, err = readChunk(n, levels, c.ReadBatch, func(v int64) string { return strconv.FormatInt(v, 10) })
	case *file.Int32ColumnChunkReader:
		values, err = readChunk(n, levels, c.ReadBatch, func(v int32) string { return arrow.Date32(v).FormattedString() })
	case *file.Float64ColumnChunkReader:
		values, err = readChunk(n, levels, c.ReadBatch, func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) })
	case *file.BooleanColumnChunkReader:
		values, err = readChunk(n, levels, c.ReadBatch, func(v bool) string { return map[bool]string{true: "t", false: "f"}[v] })
	case *file.ByteArrayColumnChunkReader:
		values, err = readChunk(n, levels, c.ReadBatch, func(v parquet.ByteArray) string { return string(v) })
	case *file.FixedLenByteArrayColumnChunkReader:
		values, err = readChunk(n, levels, c.ReadBatch, func(v parquet.FixedLenByteArray) string {
			if d, ok := col.Descriptor().LogicalType().(schema.DecimalLogicalType); ok {
				return decimalText(v, int(d.Scale()))
			}
			return fmt.Sprintf("%x-%x-%x-%x-%x", []byte(v[:4]), []byte(v[4:6]), []byte(v[6:8]), []byte(v[8:10]), []byte(v[10:]))
		})
	default:
		t.Fatalf("%T", col)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// decimalText prints a number in two's complement, big-endian, with its scale.
func decimalText(v []byte, scale int) string {
	n := new(big.Int).SetBytes(v)
	if v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}

// readChunk reads values in as many steps as it takes, "" for nulls.
func readChunk[T any](n int, levels []int16, read func(int64, []T, []int16, []int16) (int64, int, error), text func(T) string) ([]string, error) {
	out := make([]string, 0, n)
	buf := make([]T, n)
	for len(out) < n {
		total, got, err := read(int64(n-len(out)), buf, levels, nil)
		if err != nil || total == 0 {
			return out, fmt.Errorf("after %d of %d values: %w", len(out), n, err)
		}
		k := 0
		for _, l := range levels[:total] {
			if l == 0 {
				out = append(out, "")
				continue
			}
			out = append(out, text(buf[k]))
			k++
		}
		if k != got {
			return out, fmt.Errorf("%d values, %d levels", got, k)
		}
	}
	return out, nil
}

func TestExportText(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	mustCLI(t, "", "sql", "--data", data, "-c", `INSERT INTO events (entity_id, event_type, payload) VALUES ('a', 'made', '{"n": 1, "s": "x,y"}'), ('b', 'paid', '{"n": 2.50}')`)
	if got, want := exported(t, "--data", data, "--query", "SELECT entity_id, payload FROM events ORDER BY position;", "--format", "csv"), "entity_id,payload\na,\"{\"\"n\"\": 1, \"\"s\"\": \"\"x,y\"\"}\"\nb,\"{\"\"n\"\": 2.50}\"\n"; got != want {
		t.Errorf("csv %q, want %q", got, want)
	}
	if got, want := exported(t, "--data", data, "--query", "SELECT entity_id, payload, NULL AS x, 1.50 AS n FROM events ORDER BY position"),
		"{\"entity_id\":\"a\",\"payload\":{\"n\": 1, \"s\": \"x,y\"},\"x\":null,\"n\":1.50}\n{\"entity_id\":\"b\",\"payload\":{\"n\": 2.50},\"x\":null,\"n\":1.50}\n"; got != want {
		t.Errorf("ndjson %q, want %q", got, want)
	}
	if got := exported(t, "--data", data, "--type", "paid", "--format", "csv"); !strings.Contains(got, ",n,") || strings.Count(got, "\n") != 2 || !strings.Contains(got, ",2.5") {
		t.Errorf("by type %q", got)
	}
	if got := exported(t, "--data", data, "--as-of", "-1h"); got != "" {
		t.Errorf("an hour ago: %q", got)
	}
	out := filepath.Join(dir, "broken.ndjson")
	if status, _, errs := cli(t, "", "export", "--data", data, "--query", "SELECT 1 / (2 - position) FROM events", out); status != 1 || !strings.Contains(errs, "division by zero") {
		t.Errorf("status %d: %s", status, errs)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*broken*")); err != nil || len(left) > 0 {
		t.Errorf("an export that failed left %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".broken*")); len(left) > 0 {
		t.Errorf("an export that failed left %v", left)
	}
}

// TestExportImport takes a log over exactly: appends of several events, loads, ids given and made, and times given and not.
func TestExportImport(t *testing.T) {
	dir := t.TempDir()
	data := exportStore(t, dir)
	for range 3 {
		mustCLI(t, "", "sql", "--data", data, "-c", "INSERT INTO events (entity_id, event_type) VALUES ('a', 't'), ('b', 't'), ('a', 't')")
	}
	more := filepath.Join(dir, "more.ndjson")
	writeLines(t, more, 500)
	mustCLI(t, "", "import", "--data", data, more, "--map", "payload=nothing")
	all := "SELECT * FROM events ORDER BY position"
	want := askCSV(t, data, all)
	for _, name := range []string{"log.ndjson.zst", "log.gz"} {
		file, again := filepath.Join(dir, name), filepath.Join(dir, "again-"+name)
		exported(t, "--data", data, file)
		mustCLI(t, "", "import", "--data", again, "--exact", file)
		if got := askCSV(t, again, all); got != want {
			t.Errorf("%s: the log is another one", name)
		}
		if out := mustCLI(t, "", "import", "--data", again, "--exact", file); !strings.Contains(out, " 0 events added") {
			t.Errorf("%s again: %s", name, out)
		}
		// The log goes on with the next versions.
		mustCLI(t, "", "sql", "--data", again, "-c", "SELECT append('a', 't', '{}', expected_version => 6)")
	}
	if status, _, errs := cli(t, "", "import", "--data", filepath.Join(dir, "csv"), "--exact", "--format", "csv", more); status != 1 || !strings.Contains(errs, "NDJSON only") {
		t.Errorf("csv: status %d: %s", status, errs)
	}
	lines := strings.SplitAfter(exported(t, "--data", data), "\n")
	line := func(i int) string { return lines[i] }
	for name, broken := range map[string]string{
		"a line is missing":    line(0) + line(2),
		"the beginning":        line(1) + line(2),
		"another version":      line(0) + strings.Replace(line(1), `"version":1,`, `"version":2,`, 1),
		"a version twice":      line(0) + strings.Replace(line(1), `"e-1"`, `"e-0"`, 1),
		"no version":           strings.Replace(line(0), `"version":1,`, ``, 1),
		"the version is text":  strings.Replace(line(0), `"version":1,`, `"version":"1",`, 1),
		"the version is 0":     strings.Replace(line(0), `"version":1,`, `"version":0,`, 1),
		"an order not of time": line(0) + strings.Replace(line(1), `"recorded_at":"20`, `"recorded_at":"19`, 1),
	} {
		status, _, errs := cli(t, broken, "import", "--data", filepath.Join(dir, "broken"), "--exact", "-")
		if status != 1 || !strings.Contains(errs, "0 lines are stored") {
			t.Errorf("%s: status %d: %s", name, status, errs)
		}
	}
	if got := askCSV(t, filepath.Join(dir, "broken"), "SELECT count(*) FROM events"); got != "count\n0\n" {
		t.Errorf("broken loads left %s", got)
	}
}
