package datum

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestStyles prints values under the settings of testdata/styles.tsv: zone, setting, its value, type, input, PostgreSQL's answer.
func TestStyles(t *testing.T) {
	src, err := os.ReadFile("testdata/styles.tsv")
	if err != nil {
		t.Fatal(err)
	}
	formats := map[string]DateFormat{"ISO": ISODates, "SQL": SQLDates, "Postgres": PostgresDates, "German": GermanDates}
	intervals := map[string]IntervalFormat{"postgres": PostgresIntervals, "postgres_verbose": VerboseIntervals, "sql_standard": StandardIntervals, "iso_8601": ISOIntervals}
	for _, line := range strings.Split(strings.TrimRight(string(src), "\n"), "\n") {
		f := strings.Split(line, "\t")
		env := &Env{ExtraFloatDigits: 1}
		var ok bool
		if env.Location, ok = LoadZone(f[0]); !ok {
			t.Fatalf("no zone %s", f[0])
		}
		typ := typeOf(t, f[3])
		b := NewBuilder(typ, 1)
		if err := ParseText(typ, []byte(f[4]), b, env); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		switch f[1] {
		case "datestyle":
			name, order, _ := strings.Cut(f[2], ", ")
			env.DateFormat = formats[name]
			if order == "DMY" {
				env.DateOrder = DMY
			}
		case "intervalstyle":
			env.IntervalFormat = intervals[f[2]]
		case "bytea_output":
			env.ByteaEscape = true
		default:
			env.ExtraFloatDigits, _ = strconv.Atoi(f[2])
		}
		if got := string(AppendText(nil, typ, b.Finish(), 0, env)); got != f[5] {
			t.Errorf("%s %s %s '%s': got %s, want %s", f[0], f[2], f[3], f[4], got, f[5])
		}
	}
}

func TestFormatType(t *testing.T) {
	for _, r := range []struct {
		typ  Type
		want string
	}{
		{Type{Numeric, 524294}, "numeric(8,2)"}, {Type{Varchar, 14}, "character varying(10)"}, {Type{BPChar, 5}, "character(1)"},
		{Type{TimestampTZ, 3}, "timestamp(3) with time zone"}, {T(Int4Array), "integer[]"}, {T(BPChar), "character"},
		{Type{1231, 524294}, "numeric(8,2)[]"}, {T(Char), "\"char\""}, {T(4294), "???"}, {Type{Interval, 0x0008<<16 | 0xffff}, "interval day"},
	} {
		if got := FormatType(r.typ); got != r.want {
			t.Errorf("got %s, want %s", got, r.want)
		}
	}
}

func TestLocalTimes(t *testing.T) {
	ny, _ := LoadZone("America/New_York")
	for _, r := range []struct{ local, utc string }{
		{"2024-03-10 02:30:00", "2024-03-10 07:30:00"}, {"2024-03-10 01:59:59", "2024-03-10 06:59:59"},
		{"2024-03-10 03:00:00", "2024-03-10 07:00:00"}, {"2024-11-03 01:30:00", "2024-11-03 06:30:00"},
		{"2024-11-03 00:59:59", "2024-11-03 04:59:59"}, {"2024-11-03 02:00:00", "2024-11-03 07:00:00"},
	} {
		v, err := ParseTimestamp(r.local, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendTimestamp(nil, FromLocal(ny, v), false, nil)); got != r.utc {
			t.Errorf("%s: got %s, want %s", r.local, got, r.utc)
		}
	}
}
