package funcs

// DIVISION OF WORK (20:29). Written: aggregate*.go, cast*.go, json*.go, compare*.go, arith*.go, math.go, system.go, lift.go.
// Being written by OTHER engineers now, do not write these again:
//   text*.go       textFuncs(), textOperators(): everything on text, bytea, regular expressions, to_hex, md5, format, quote_*
//   datetime*.go   datetimeFuncs(), datetimeOperators(): everything on date, time, timestamp, interval, to_char, extract
//   array.go, series.go  arrayFuncs(), arrayOperators(), seriesFuncs(): arrays, unnest, generate_series, uuid
// The owner of this folder finishes sql/datum (text, binary, compare, hash, typmod) first of all: everybody waits for it.

func scalarTables() [][]Func {
	return [][]Func{jsonFuncs, mathFuncs, systemFuncs(), jsonMoreFuncs(), systemMoreFuncs(), degreeFuncs(), datetimeFuncs(), arrayFuncs(), seriesFuncs(), textFuncs()}
}
func operatorTables() [][]Func {
	return [][]Func{compareOperators(), arithOperators(), jsonOperators, datetimeOperators(), arrayOperators(), textOperators()}
}
