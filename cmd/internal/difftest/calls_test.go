package difftest

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
)

// call is a function, operator or aggregate with its types settled.
type call struct {
	name     string
	operator bool
	args     []datum.OID
	ret      datum.OID
	agg      *funcs.Aggregate
}

// vocabulary is what both systems can say: the rows of our tables that PostgreSQL has too.
type vocabulary struct {
	calls map[datum.OID][]call // by result
	aggs  map[datum.OID][]call
	sets  []call // set-returning, for FROM
	casts map[datum.OID][]datum.OID
}

// left are functions whose answers are about the system, not about the arguments.
var left = []string{"pg_column_size", "pg_size_bytes", "set_config", "current_setting", "pg_column_compression", "pg_collation_for",
	"age", "pg_relation_size", "to_regtype", "pg_encoding_max_length"}

// clocked: age(timestamptz) is about today, two-argument forms are not; the table says both are stable, so all are left out.
func reliable(f *funcs.Func) bool {
	if f.Volatile == funcs.Volatile || slices.Contains(left, f.Name) || strings.HasPrefix(f.Name, "has_") || strings.HasPrefix(f.Name, "pg_get_") || len(f.Args) == 0 {
		return f.Name == "age" && len(f.Args) == 2
	}
	return true
}

func newVocabulary(functions, operators map[datum.OID]bool) *vocabulary {
	v := &vocabulary{calls: map[datum.OID][]call{}, aggs: map[datum.OID][]call{}, casts: map[datum.OID][]datum.OID{}}
	add := func(rows []funcs.Func, known map[datum.OID]bool, operator bool) {
		for i := range rows {
			f := &rows[i]
			if !known[f.OID] || !reliable(f) {
				continue
			}
			for _, c := range settled(f.Args, f.Ret, f.Variadic) {
				c.name, c.operator = f.Name, operator
				switch {
				case f.RetSet && f.Ret != datum.Record && len(f.Out) == 0:
					v.sets = append(v.sets, c)
				case !f.RetSet:
					v.calls[c.ret] = append(v.calls[c.ret], c)
				}
			}
		}
	}
	add(funcs.Scalars(), functions, false)
	add(funcs.Operators(), operators, true)
	for i, a := range funcs.Aggregates() {
		if !functions[a.OID] || a.Ordered {
			continue
		}
		for _, c := range settled(a.Args, a.Ret, false) {
			c.name, c.agg = a.Name, &funcs.Aggregates()[i]
			v.aggs[c.ret] = append(v.aggs[c.ret], c)
		}
	}
	for _, c := range funcs.Casts() {
		if typeOf(c.From) != nil && typeOf(c.To) != nil {
			v.casts[c.To] = append(v.casts[c.To], c.From)
		}
	}
	for i := range types {
		if oid := types[i].oid; oid != datum.Text {
			v.casts[datum.Text] = append(v.casts[datum.Text], oid)
		}
	}
	return v
}

// settled gives the forms of a signature in which every type is one of ours; a polymorphic one has a form per element type.
func settled(args []datum.OID, ret datum.OID, variadic bool) (out []call) {
	for _, elem := range []datum.OID{datum.Int4, datum.Text, datum.Numeric} {
		array := map[datum.OID]datum.OID{datum.Int4: datum.Int4Array, datum.Text: datum.TextArray, datum.Numeric: datum.NumericArray}[elem]
		poly := false
		settle := func(oid datum.OID) datum.OID {
			switch oid {
			case datum.AnyElement, datum.AnyNonArray, datum.AnyCompat, datum.Any, datum.AnyCompatNonArr:
				poly = true
				return elem
			case datum.AnyArray, datum.AnyCompatArray:
				poly = true
				return array
			}
			return oid
		}
		c := call{ret: settle(ret)}
		for i, arg := range args {
			if variadic && i == len(args)-1 {
				if arg != datum.Any && datum.ElemOf(arg) != 0 {
					arg = datum.ElemOf(arg)
				}
				c.args = append(c.args, settle(arg))
			}
			c.args = append(c.args, settle(arg))
		}
		usable := typeOf(c.ret) != nil
		for _, arg := range c.args {
			usable = usable && (typeOf(arg) != nil || arg == datum.JSONPath)
		}
		if usable {
			out = append(out, c)
		}
		if !poly {
			break
		}
	}
	return out
}

// texts are what arguments of some functions are drawn from, since random text says little to them: by name and place.
var texts = map[string]map[int][]string{
	"date_trunc": {0: fields}, "date_part": {0: fields}, "extract": {0: fields},
	"timezone":         {0: {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "+02", "nowhere"}},
	"encode":           {1: encodings},
	"decode":           {0: {"YWJj", "616263", "abc", ""}, 1: encodings},
	"to_date":          {0: {"2024-02-29", "29 Feb 2024", "20240229"}, 1: dateFormats},
	"to_timestamp":     {0: {"2024-02-29 12:34:56", "29 Feb 2024"}, 1: dateFormats},
	"to_number":        {0: {"12,454.8-", "1.5", "-7"}, 1: numberFormats},
	"to_char":          {1: append(slices.Clone(dateFormats), numberFormats...)},
	"format":           {0: {"%s", "%s-%s", "%I", "%L", "%%", "%2$s", "%10s|", "%-5s|", "%"}},
	"regexp_match":     regexArgs,
	"regexp_matches":   regexArgs,
	"regexp_replace":   {1: patterns, 2: {`\1`, "x", `[\&]`, ""}, 3: flags},
	"regexp_count":     regexArgs,
	"regexp_substr":    regexArgs,
	"regexp_instr":     regexArgs,
	"regexp_like":      regexArgs,
	"~":                {1: patterns},
	"~*":               {1: patterns},
	"!~":               {1: patterns},
	"!~*":              {1: patterns},
	"~~":               {1: likes},
	"~~*":              {1: likes},
	"!~~":              {1: likes},
	"normalize":        {1: {"NFC", "NFD", "NFKC"}},
	"is_normalized":    {1: {"NFC", "NFD"}},
	"translate":        {1: {"abc", "a"}, 2: {"xyz", ""}},
	"convert_from":     {1: charsets},
	"convert_to":       {1: charsets},
	"make_timestamptz": {6: {"UTC", "Europe/Berlin"}},
	"jsonb_set_lax":    {4: {"use_json_null", "delete_key", "return_target", "raise_exception"}},
}

var (
	fields = []string{"year", "month", "day", "hour", "minute", "second", "week", "quarter", "decade", "century", "millennium", "dow", "isodow",
		"doy", "isoyear", "epoch", "microseconds", "milliseconds", "timezone", "julian", "DAY", "nothing"}
	encodings     = []string{"hex", "base64", "escape", "nothing"}
	dateFormats   = []string{"YYYY-MM-DD", "YYYY-MM-DD HH24:MI:SS", "DD Mon YYYY", "FMDay, DD FMMonth", "IYYY-IW-ID", "HH12:MI:SS.US AM", "Q J DDD", "TZ OF", "YYYYMMDD", `"x"YY`}
	numberFormats = []string{"999", "9,999.99", "S999.9", "FM999.00", "0000", "999PR", "9.99EEEE", "RN", "V99", "$99", "MI99"}
	patterns      = []string{"a", "^a", "a$", "[ab]+", "(a)(b)?", `\d+`, `\w`, ".", "", "a|b", "^$", "(?i)A", "[[:alpha:]]", "a{2}", `\mab`, "("}
	flags         = []string{"", "g", "i", "gi", "x", "n", "q"}
	regexArgs     = map[int][]string{1: patterns, 2: flags, 3: flags, 5: flags}
	likes         = []string{"%", "a%", "%a", "_", "%b%", "", `\%`, "a_c", "%.paid", `\`}
	charsets      = []string{"UTF8", "LATIN1", "SQL_ASCII", "nothing"}
	jsonPaths     = []string{"$", "$.n", "$.items[*].qty", "$.items[*] ? (@.qty > 1)", "strict $.obj.n", "$.arr[0]", "$.arr.size()", "$.** ? (@ == 1)",
		"$.n + 1", "$.s like_regex \"^a\"", "exists($.n)", "$.d.double()", "$[last]", "$.t.datetime()"}
)

// approximate are functions of floats whose last digit is the mathematical library's.
var approximate = []string{"sin", "cos", "tan", "cot", "asin", "acos", "atan", "atan2", "sind", "cosd", "tand", "cotd", "asind", "acosd", "atand", "atan2d",
	"sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "ln", "log", "log10", "power", "pow", "^", "cbrt", "dcbrt", "||/"}

// measured are functions that make values as large as a number says: it has to be a small one.
var measured = []string{"repeat", "lpad", "rpad", "generate_series", "array_fill", "factorial", "^", "power", "pow", "exp", "<<", "lcm", "!"}
