package difftest

import (
	"math/rand/v2"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// typeRow is a type that queries are about, with values that break things. Null is always one of them.
type typeRow struct {
	oid      datum.OID
	name     string
	literals []string
	// groups: equal values look equal, so it does not matter which of them a group shows.
	groups bool
}

var types = []typeRow{
	{datum.Bool, "bool", []string{"true", "false"}, true},
	{datum.Int2, "int2", []string{"0", "1", "-1", "2", "7", "32767", "-32768"}, true},
	{datum.Int4, "int4", []string{"0", "1", "-1", "2", "3", "10", "2147483647", "-2147483648"}, true},
	{datum.Int8, "int8", []string{"0", "1", "-1", "5", "9007199254740993", "9223372036854775807", "-9223372036854775808"}, true},
	{datum.Float4, "float4", []string{"0", "1.5", "-0", "0.1", "2", "NaN", "Infinity", "-Infinity", "3.4e38", "1e-45"}, false},
	{datum.Float8, "float8", []string{"0", "1.5", "-0", "0.1", "-2.5", "NaN", "Infinity", "-Infinity", "1e308", "5e-324", "1e15", "123456789.125"}, false},
	{datum.Numeric, "numeric", []string{"0", "1", "1.50", "-1.5", "0.000", "0.5", "2.5", "-7", "99999.995", "1e30", "1e-20", "NaN", "Infinity", "-Infinity",
		"123456789012345678901234567890.123456789"}, false},
	{datum.Text, "text", []string{"", "a", "A", "ab", "abc", " x ", "ä", "日本", "e\u0301", "1", "1.5", "-7", "true", "2024-02-29", "null",
		`{"a": 1}`, "%", "_", "a%b", `\`, "it''s", "😀", "a,b,,c", "Hello World", "order.paid"}, true},
	{datum.Varchar, "varchar", []string{"", "a", "abc", "日本", " b ", "1"}, true},
	{datum.BPChar, "bpchar", []string{"", "a", "abc", " b "}, false},
	{datum.Bytea, "bytea", []string{`\x`, `\x00ff`, `\x616263`, "abc"}, true},
	{datum.Date, "date", []string{"2024-02-29", "1970-01-01", "2000-01-01", "1999-12-31", "infinity", "-infinity", "0001-01-01 BC", "5874897-12-31"}, true},
	{datum.Time, "time", []string{"00:00", "12:34:56.789", "24:00", "23:59:59.999999"}, true},
	{datum.TimeTZ, "timetz", []string{"00:00+00", "12:34:56-05", "23:59:59+14"}, false},
	{datum.Timestamp, "timestamp", []string{"2024-02-29 12:34:56.789", "1970-01-01", "2023-12-31 23:59:59.999999", "2000-01-01", "infinity", "-infinity", "0044-03-15 BC"}, true},
	{datum.TimestampTZ, "timestamptz", []string{"2024-02-29 12:34:56.789+02", "1970-01-01 00:00+00", "2024-03-31 02:30 Europe/Berlin", "2000-01-01", "infinity", "-infinity"}, true},
	{datum.Interval, "interval", []string{"0", "1 day", "24:00", "1 mon", "-1 year 2 days 03:04:05.678", "30 days", "1 hour", "-00:00:00.000001", "178000000 years"}, false},
	{datum.UUID, "uuid", []string{"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, true},
	{datum.JSONB, "jsonb", []string{`{}`, `[]`, `null`, `1`, `1.50`, `"a"`, `true`, `{"a": 1, "b": [1, 2, {"c": null}]}`, `[1, "2", null, true]`,
		`{"n": 7, "s": "x", "a": null}`, `[[1], [2]]`, `""`, `1e400`, `{"": 0}`}, false},
	{datum.JSON, "json", []string{`{}`, `[1, 2]`, `{"a":1, "a":2}`, ` null `, `"x"`, `{"b": {"c": [true]}}`}, false},
	{datum.Varbit, "varbit", []string{"", "1", "0101", "11111111"}, true},
	{datum.Inet, "inet", []string{"127.0.0.1", "10.0.0.0/8", "::1", "192.168.1.5/24"}, true},
	{datum.Int4Array, "int4[]", []string{"{}", "{1}", "{1,2,3}", "{NULL,1}", "{3,1,2,1}"}, true},
	{datum.Int8Array, "int8[]", []string{"{}", "{1,2}", "{NULL}"}, true},
	{datum.TextArray, "text[]", []string{"{}", "{a}", `{a,b,"c d"}`, `{NULL,""}`, `{"NULL","\\"}`}, true},
	{datum.NumericArray, "numeric[]", []string{"{}", "{1.50,2}", "{NULL,NaN}"}, false},
	{datum.Float8Array, "float8[]", []string{"{}", "{1.5,-0}", "{NULL,NaN}"}, false},
}

// typeOf finds the row of a type.
func typeOf(oid datum.OID) *typeRow {
	for i := range types {
		if types[i].oid == oid {
			return &types[i]
		}
	}
	return nil
}

// literal is a constant of a type, sometimes null.
func literal(r *rand.Rand, oid datum.OID) *node {
	t := typeOf(oid)
	if r.IntN(12) == 0 {
		return word("null::" + t.name).of(oid)
	}
	return word(constant(t, mostly(r, t.literals))).of(oid)
}

// mostly draws from the first half of a list, where the values are that seldom make an error, and now and then from all.
func mostly(r *rand.Rand, from []string) string {
	if r.IntN(4) > 0 {
		return pick(r, from[:(len(from)+1)/2])
	}
	return pick(r, from)
}

func constant(t *typeRow, text string) string {
	if t.oid != datum.Text && t.oid != datum.Varchar && t.oid != datum.BPChar {
		text = strings.ReplaceAll(text, "'", "''")
	}
	switch t.oid {
	case datum.Bool:
		return text
	case datum.Text:
		return "'" + text + "'::text"
	}
	return "'" + text + "'::" + t.name
}

func grouping(r *rand.Rand) datum.OID {
	for {
		if t := pick(r, types); t.groups {
			return t.oid
		}
	}
}
