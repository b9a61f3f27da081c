package bind

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// canCoerce reports whether a value of one type may become one of another in the context.
func canCoerce(from, to datum.OID, ctx funcs.CastContext) bool {
	switch {
	case from == to || to == datum.Any || from == datum.Unknown:
		return true
	case isPolymorphic(to):
		return fitsPolymorphic(from, to)
	case datum.SameLabels(from, to): // the same enum at two moments
		return true
	case to == datum.RecordArray && datum.IsComposite(elemOf(from)):
		return true
	case to == datum.Record:
		return from == datum.Record || datum.IsComposite(from)
	case datum.IsComposite(to) && (from == datum.Record || datum.IsComposite(from) && datum.Public(from) == datum.Public(to)):
		return true
	}
	if c := castBetween(from, to); c != nil {
		return c.Context == funcs.Implicit || ctx == funcs.Explicit || c.Context == ctx
	}
	if fe, te := elemOf(from), elemOf(to); fe != 0 && te != 0 && isTrueArray(to) {
		return canCoerce(fe, te, ctx)
	}
	switch ctx {
	case funcs.Explicit: // through text, from a string or into one
		return categoryOf(from) == 'S' || categoryOf(to) == 'S'
	case funcs.Assignment:
		return categoryOf(to) == 'S'
	}
	return false
}

// isTrueArray leaves out the vectors of the catalog, which are arrays only to read.
func isTrueArray(t datum.OID) bool { i := datum.Lookup(t); return i != nil && i.IsArray() }

// coerce converts e to a type, as the context allows. The literal or parameter of unsettled type takes the type itself.
func (b *binder) coerce(e expr.Expr, to datum.Type, ctx funcs.CastContext, at syntax.Node) (expr.Expr, error) {
	out, err := b.converted(e, to, ctx, at)
	if err == nil {
		b.defining.became(at, e, out)
	}
	return out, err
}

func (b *binder) converted(e expr.Expr, to datum.Type, ctx funcs.CastContext, at syntax.Node) (expr.Expr, error) {
	from := e.Type()
	if from == to || to.OID == datum.Any && from.OID != datum.Unknown {
		return e, nil
	}
	if from.OID == datum.Unknown && to.OID != datum.Unknown {
		return b.settle(e, to, ctx, at)
	}
	if from.OID == to.OID && to.Mod == -1 {
		return e, nil
	}
	if row, ok := e.(*expr.Row); ok && datum.IsComposite(to.OID) {
		return b.rowTo(row, to, ctx, at)
	}
	if datum.IsComposite(from.OID) && to.OID == datum.Record {
		to = datum.RecordType(datum.RecordFields(from))
	}
	if to.OID == datum.RecordArray && datum.IsComposite(elemOf(from.OID)) {
		to.Mod = datum.RecordType(datum.RecordFields(from)).Mod
	}
	if !canCoerce(from.OID, to.OID, ctx) {
		code, verb := pgerr.CannotCoerce, "cannot cast type %s to %s"
		return nil, b.errorIn(at, code, verb, formatType(datum.T(from.OID)), formatType(datum.T(to.OID)))
	}
	return &expr.Cast{Arg: e, Typ: to, Implicit: ctx != funcs.Explicit, Explicit: ctx == funcs.Explicit, Pos: at.Offset()}, nil
}

// rowTo makes a row value one of a composite type, field by field.
func (b *binder) rowTo(row *expr.Row, to datum.Type, ctx funcs.CastContext, at syntax.Node) (expr.Expr, error) {
	want := datum.RecordFields(to)
	fail := func(detail string, args ...any) error {
		return b.errorIn(at, pgerr.CannotCoerce, "cannot cast type record to %s", formatType(to)).WithDetail(detail, args...)
	}
	switch {
	case len(row.Elems) < len(want):
		return nil, fail("Input has too few columns.")
	case len(row.Elems) > len(want):
		return nil, fail("Input has too many columns.")
	}
	out := &expr.Row{}
	for i, w := range want {
		from := row.Elems[i].Type()
		if !canCoerce(from.OID, w.Type.OID, ctx) {
			return nil, fail("Cannot cast type %s to %s in column %d.", formatType(datum.T(from.OID)), formatType(datum.T(w.Type.OID)), i+1)
		}
		x, err := b.coerce(row.Elems[i], w.Type, ctx, at)
		if err != nil {
			return nil, err
		}
		out.Elems, out.Names = append(out.Elems, x), append(out.Names, w.Name)
	}
	return &expr.Cast{Arg: out, Typ: to, Implicit: ctx != funcs.Explicit, Explicit: ctx == funcs.Explicit, Pos: at.Offset()}, nil
}

// settle gives an expression of unknown type its type.
func (b *binder) settle(e expr.Expr, to datum.Type, ctx funcs.CastContext, at syntax.Node) (expr.Expr, error) {
	switch x := e.(type) {
	case *expr.Const:
		return b.literal(x, to, ctx, at)
	case *expr.Param:
		if err := b.setParam(x.N, to.OID, at); err != nil {
			return nil, err
		}
		p := &expr.Param{N: x.N, Typ: datum.T(to.OID)}
		if to.Mod == -1 {
			return p, nil
		}
		return &expr.Cast{Arg: p, Typ: to, Implicit: ctx != funcs.Explicit, Explicit: ctx == funcs.Explicit, Pos: at.Offset()}, nil
	}
	return &expr.Cast{Arg: e, Typ: to, Implicit: true, Explicit: ctx == funcs.Explicit, Pos: at.Offset()}, nil
}

// setParam settles the type of $n, or checks that it is settled the same way.
func (b *binder) setParam(n int, t datum.OID, at syntax.Node) error {
	old := b.params[n-1]
	if old == datum.Unknown {
		b.params[n-1] = t
		return nil
	}
	if old != t {
		return b.errorIn(at, pgerr.AmbiguousParameter, "inconsistent types deduced for parameter $%d", n).
			WithDetail("%s versus %s", formatType(datum.T(old)), formatType(datum.T(t)))
	}
	return nil
}

// literal reads the text of an unsettled literal as a value of a type.
func (b *binder) literal(c *expr.Const, to datum.Type, ctx funcs.CastContext, at syntax.Node) (expr.Expr, error) {
	if c.Val.Null(0) {
		return expr.NullConst(to), nil
	}
	b.defining.label(at, to.OID)
	text := string(c.Val.Bytes(0))
	if readsSession(to.OID, text) {
		s := &expr.Const{Val: c.Val, Typ: datum.T(datum.Unknown)}
		return &expr.Cast{Arg: s, Typ: to, Implicit: ctx != funcs.Explicit, Explicit: ctx == funcs.Explicit, Pos: at.Offset()}, nil
	}
	bare := datum.T(to.OID)
	if to.OID == datum.Interval {
		bare = to
	}
	val, err := parseValue(bare, text, b.ctx.Env)
	if err != nil {
		return nil, b.place(err, at)
	}
	out := &expr.Const{Val: val, Typ: bare}
	if bare == to {
		return out, nil
	}
	return &expr.Cast{Arg: out, Typ: to, Implicit: ctx != funcs.Explicit, Explicit: ctx == funcs.Explicit, Pos: at.Offset()}, nil
}

// readsSession reports whether a literal means something else at another time or in another catalog.
func readsSession(t datum.OID, text string) bool {
	switch t {
	case datum.Regproc, datum.Regclass, datum.Regtype, datum.Regrole, datum.Regnsp, datum.Regproced, datum.Regoper,
		datum.Regoperator, datum.Regconfig:
		return true
	case datum.Date, datum.Timestamp, datum.TimestampTZ, datum.Time, datum.TimeTZ:
		low := strings.ToLower(text)
		for _, w := range [...]string{"now", "today", "tomorrow", "yesterday"} {
			if strings.Contains(low, w) {
				return true
			}
		}
	}
	if e := elemOf(t); e != 0 && categoryOf(t) == 'A' {
		return readsSession(e, text)
	}
	return false
}

// typed is an expression with its place in the source.
type typed struct {
	expr expr.Expr
	at   syntax.Node
}

// commonType finds the type that all operands can take, as PostgreSQL's select_common_type does. what names the
// construct for the error; "" asks for ok = false instead of an error.
func (b *binder) commonType(list []typed, what string) (t datum.Type, ok bool, err error) {
	best := datum.OID(datum.Unknown)
	for _, e := range list {
		n := e.expr.Type().OID
		switch {
		case n == datum.Unknown || n == best:
			continue
		case best == datum.Unknown:
			best = n
		case categoryOf(n) != categoryOf(best):
			if what == "" {
				return t, false, nil
			}
			return t, false, b.errorOf(e.at, pgerr.DatatypeMismatch, "%s types %s and %s cannot be matched", what,
				formatType(datum.T(best)), formatType(datum.T(n)))
		case !isPreferred(best) && canCoerce(best, n, funcs.Implicit) && !canCoerce(n, best, funcs.Implicit):
			best = n
		}
	}
	if best == datum.Unknown {
		return datum.T(datum.Text), true, nil
	}
	return datum.Type{OID: best, Mod: commonMod(list, best)}, true, nil
}

// commonMod is the modifier that all operands of the type share, else -1.
func commonMod(list []typed, oid datum.OID) int32 {
	mod, first := int32(-1), true
	for _, e := range list {
		t := e.expr.Type()
		if t.OID != oid || !first && t.Mod != mod {
			return -1
		}
		mod, first = t.Mod, false
	}
	return mod
}

// toCommon converts all operands to a common type.
func (b *binder) toCommon(list []typed, t datum.Type, what string) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		if from := e.expr.Type().OID; !canCoerce(from, t.OID, funcs.Implicit) {
			return nil, b.errorOf(e.at, pgerr.CannotCoerce, "%s could not convert type %s to %s", what, formatType(datum.T(from)), formatType(t))
		}
		x, err := b.coerce(e.expr, datum.Type{OID: t.OID, Mod: modFor(e.expr, t)}, funcs.Implicit, e.at)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// modFor keeps a modifier that the operand has already.
func modFor(e expr.Expr, t datum.Type) int32 {
	if e.Type() == t {
		return t.Mod
	}
	return -1
}

// boolean converts a condition, with PostgreSQL's words when it is none.
func (b *binder) boolean(e expr.Expr, what string, at syntax.Node) (expr.Expr, error) {
	t := e.Type().OID
	if t != datum.Bool && !canCoerce(t, datum.Bool, funcs.Assignment) {
		return nil, b.errorOf(at, pgerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s", what, formatType(e.Type()))
	}
	return b.coerce(e, datum.T(datum.Bool), funcs.Assignment, at)
}

// textIfUnknown settles what nothing else settled: literals are text in the end, and so are parameters.
func (b *binder) textIfUnknown(e expr.Expr, at syntax.Node) (expr.Expr, error) {
	if e.Type().OID != datum.Unknown {
		return e, nil
	}
	return b.coerce(e, datum.T(datum.Text), funcs.Implicit, at)
}

// textConst is a literal of unsettled type.
func textConst(s string) *expr.Const {
	v := vec.NewBuilder(vec.Bytes, 1)
	v.AppendString(s)
	return &expr.Const{Val: v.Finish(), Typ: datum.T(datum.Unknown)}
}

func nullConst() *expr.Const {
	return expr.NullConst(datum.T(datum.Unknown))
}

func intConst(n int64, t datum.OID) *expr.Const {
	v := vec.NewBuilder(vec.Int64, 1)
	v.AppendInt(n)
	return &expr.Const{Val: v.Finish(), Typ: datum.T(t)}
}
