package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// event is one line of the log; the payload is JSON as it is written, with all that PostgreSQL has to make of it.
type event struct {
	entity, kind, at, payload, metadata string
}

var (
	entities = []string{"a-1", "a-2", "a-3", "b/1", "ü", " ", "order 7", "a-10"}
	kinds    = []string{"order.created", "order.paid", "user.login", "x", "日本", "Order.Paid"}
	// members are the keys of payloads, each with the values that it mostly has.
	members = []struct{ key, of string }{
		{"n", "integer"}, {"d", "decimal"}, {"s", "text"}, {"f", "flag"}, {"t", "time"}, {"arr", "array"}, {"obj", "object"},
		{"mix", "any"}, {"a.b", "integer"}, {"ключ", "text"}, {"", "any"}, {"big", "big"}, {"items", "items"}, {"0", "integer"},
	}
	scalars = map[string][]string{
		"integer": {"0", "1", "-1", "2", "7", "42", "1000000", "-5", "3", "-0"},
		"decimal": {"1.50", "0.10", "-2.5", "100.00", "1e2", "1.5e-3", "0.0", "-0.0", "12.345", "1E+2"},
		"big": {"9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e400", "1e-400",
			"123456789012345678901234567890.123456789", "0.1000000000000000055511151231257827"},
		"text": {`""`, `"a"`, `"A"`, `"ab c"`, `"ä"`, `"日本語"`, `"😀"`, `"1"`, `"1.5"`, `"true"`, `"null"`, `"a\"b\\c"`, `"\u00e9"`, `"\t\n"`,
			`"%_"`, `" x "`, `"abcdefghijklmnopqrstuvwxyz"`},
		"flag": {"true", "false", "true", "false", "null"},
		"time": {`"2024-02-29"`, `"2024-02-29T12:34:56.789Z"`, `"2023-12-31 23:59:59+02"`, `"1970-01-01"`, `"not a date"`, `"infinity"`},
	}
)

// events are the log of a seed. Half of the entities have few events, some times are shared, some are out of order.
func events(seed uint64, n int) []event {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]event, n)
	for i := range out {
		second := i
		if r.IntN(5) == 0 {
			second = r.IntN(n)
		}
		out[i] = event{
			entity: entities[min(r.IntN(len(entities)), r.IntN(len(entities)))],
			kind:   kinds[min(r.IntN(len(kinds)), r.IntN(len(kinds)))],
			at:     fmt.Sprintf("2024-%02d-%02dT%02d:%02d:%02d.%dZ", 1+second/28%12, 1+second%28, second%24, second*7%60, second*11%60, second%3*125),

			payload:  payload(r),
			metadata: []string{`{}`, `{"source": "x"}`, `{"source": null, "n": 1.0}`, `{"source": "y", "tags": ["a", "b"]}`}[r.IntN(4)],
		}
	}
	return out
}

func payload(r *rand.Rand) string {
	if r.IntN(25) == 0 {
		return []string{`{}`, `[]`, `[1, {"n": 2}, null]`, `"text"`, `1.0`, `null`, `true`}[r.IntN(7)]
	}
	return object(r, 2)
}

func object(r *rand.Rand, depth int) string {
	var fields []string
	for _, m := range members {
		if r.IntN(3) == 0 {
			continue
		}
		fields = append(fields, quoteJSON(m.key)+": "+value(r, m.of, depth))
		if r.IntN(40) == 0 {
			fields = append(fields, quoteJSON(m.key)+": "+value(r, m.of, depth))
		}
	}
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return "{" + strings.Join(fields, ", ") + "}"
}

func quoteJSON(s string) string { return `"` + s + `"` }

func value(r *rand.Rand, of string, depth int) string {
	switch r.IntN(30) {
	case 0:
		return "null"
	case 1:
		of = "any"
	}
	if of == "any" {
		of = []string{"integer", "decimal", "text", "flag", "time", "big", "array", "object"}[r.IntN(8)]
	}
	switch of {
	case "array", "items":
		return array(r, of, depth)
	case "object":
		if depth == 0 {
			return "{}"
		}
		return object(r, depth-1)
	}
	return pick(r, scalars[of])
}

func array(r *rand.Rand, of string, depth int) string {
	items := make([]string, r.IntN(4))
	for i := range items {
		switch {
		case of == "items":
			items[i] = fmt.Sprintf(`{"sku": "S%d", "qty": %d, "price": %s}`, r.IntN(3), r.IntN(5), pick(r, scalars["decimal"]))
		case depth > 0 && r.IntN(4) == 0:
			items[i] = value(r, "any", depth-1)
		default:
			items[i] = pick(r, scalars[[]string{"integer", "text", "decimal"}[r.IntN(3)]])
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
