package funcs

import (
	"sort"
	"sync"

	"github.com/allsource-db/allsource/sql/datum"
)

// castKey names a conversion.
type castKey struct{ from, to datum.OID }

// registry indexes the tables; it is made when it is first asked for, because rows parse their signatures then.
type registry struct {
	once      sync.Once
	scalars   []Func
	operators []Func
	aggs      []Aggregate
	casts     []Cast
	byName    map[string][]*Func
	bySymbol  map[string][]*Func
	aggByName map[string][]*Aggregate
	winByName map[string][]*Window
	byCast    map[castKey]*Cast
	byOID     map[datum.OID]*Func
	spread    map[datum.OID]*Func // of functions that take any number of "any": the form for an array of them
}

var theRegistry registry

func tables() *registry {
	theRegistry.once.Do(theRegistry.build)
	return &theRegistry
}

func (r *registry) build() {
	for _, t := range scalarTables() {
		r.scalars = append(r.scalars, t...)
	}
	for _, t := range operatorTables() {
		r.operators = append(r.operators, t...)
	}
	for _, t := range aggregateTables() {
		r.aggs = append(r.aggs, t...)
	}
	for _, t := range castTables() {
		r.casts = append(r.casts, t...)
	}
	r.byName, r.byOID, r.spread = map[string][]*Func{}, map[datum.OID]*Func{}, map[datum.OID]*Func{}
	for i := range r.scalars {
		f := &r.scalars[i]
		r.byName[f.Name] = append(r.byName[f.Name], f)
		r.byOID[f.OID] = f
		if f.Variadic && f.Args[len(f.Args)-1] == datum.Any {
			r.spread[f.OID] = spreadForm(f)
		}
	}
	r.bySymbol = map[string][]*Func{}
	for i := range r.operators {
		f := &r.operators[i]
		r.bySymbol[f.Name] = append(r.bySymbol[f.Name], f)
	}
	r.aggByName = map[string][]*Aggregate{}
	for i := range r.aggs {
		a := &r.aggs[i]
		r.aggByName[a.Name] = append(r.aggByName[a.Name], a)
	}
	r.winByName = map[string][]*Window{}
	for i := range windowFunctions {
		w := &windowFunctions[i]
		r.winByName[w.Name] = append(r.winByName[w.Name], w)
	}
	r.byCast = map[castKey]*Cast{}
	for i := range r.casts {
		c := &r.casts[i]
		r.byCast[castKey{c.From, c.To}] = c
	}
}

// Scalars returns all functions, plain and set-returning. The tables that the functions here return are not to be changed.
func Scalars() []Func { return tables().scalars }

// Operators returns all operators; prefix operators have one argument. Their OIDs are those of pg_operator.
func Operators() []Func { return tables().operators }

// Aggregates returns all aggregates; their OIDs are those of pg_proc.
func Aggregates() []Aggregate { return tables().aggs }

// Windows returns all window functions.
func Windows() []Window { return windowFunctions }

// Casts returns the conversions beside those through text.
func Casts() []Cast { return tables().casts }

// LookupFunc returns the overloads of a function; name in lower case.
func LookupFunc(name string) []*Func { return tables().byName[name] }

// LookupFuncOID returns the function of an OID, or nil.
func LookupFuncOID(oid datum.OID) *Func { return tables().byOID[oid] }

// LookupOperator returns the overloads of an operator with that many arguments (1: prefix).
func LookupOperator(symbol string, nargs int) []*Func {
	var out []*Func
	for _, f := range tables().bySymbol[symbol] {
		if len(f.Args) == nargs {
			out = append(out, f)
		}
	}
	return out
}

// LookupAggregate returns the overloads of an aggregate.
func LookupAggregate(name string) []*Aggregate { return tables().aggByName[name] }

// LookupWindow returns the overloads of a window function.
func LookupWindow(name string) []*Window { return tables().winByName[name] }

// FindCast returns the conversion between two types as pg_cast has it; arrays convert as their elements do. When there is
// none, IOCast may still do.
func FindCast(from, to datum.OID) (*Cast, bool) {
	c, ok := tables().byCast[castKey{from, to}]
	if ok {
		return c, true
	}
	ef, et := datum.ElemOf(from), datum.ElemOf(to)
	if ef == 0 || et == 0 || !datum.Lookup(to).IsArray() {
		return nil, false
	}
	return arrayCast(from, to, ef, et)
}

// Names returns the distinct names of functions, aggregates and window functions in order, for completion.
func Names() []string {
	r := tables()
	out := make([]string, 0, len(r.byName)+len(r.aggByName)+len(r.winByName))
	for n := range r.byName {
		out = append(out, n)
	}
	for n := range r.aggByName {
		if r.byName[n] == nil {
			out = append(out, n)
		}
	}
	for n := range r.winByName {
		if r.byName[n] == nil && r.aggByName[n] == nil {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}
