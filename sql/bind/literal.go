package bind

import (
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// constant makes a literal: numbers get the first of int4, int8 and numeric that holds them, strings and NULL are unknown.
func (f *frame) constant(x *syntax.Const) (expr.Expr, error) {
	switch x.Kind {
	case syntax.NullConst:
		return nullConst(), nil
	case syntax.BoolConst:
		return expr.BoolConst(x.Text == "true"), nil
	case syntax.IntConst, syntax.DecimalConst:
		return f.number(x.Text, x)
	case syntax.BitConst:
		return f.literal(textConst(x.Text), datum.T(datum.Bit), funcs.Implicit, x)
	case syntax.HexConst:
		return f.literal(textConst("x"+x.Text), datum.T(datum.Bit), funcs.Implicit, x)
	}
	return textConst(x.Text), nil
}

func (f *frame) number(text string, at syntax.Node) (expr.Expr, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n == int64(int32(n)) {
			return intConst(n, datum.Int4), nil
		}
		return intConst(n, datum.Int8), nil
	}
	return f.literal(textConst(text), datum.T(datum.Numeric), funcs.Implicit, at)
}

// unary is a prefix operator; the sign of a number belongs to the number.
func (f *frame) unary(x *syntax.Unary) (expr.Expr, error) {
	if c, ok := x.X.(*syntax.Const); ok && len(x.Op.Schema) == 0 && (c.Kind == syntax.IntConst || c.Kind == syntax.DecimalConst) {
		switch x.Op.Name {
		case "-":
			return f.number("-"+c.Text, x)
		case "+":
			return f.number(c.Text, x)
		}
	}
	arg, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	return f.operator(x.Op, []typed{{arg, x.X}}, x)
}

// cast is CAST, :: and a typed literal.
func (f *frame) cast(x *syntax.Cast) (expr.Expr, error) {
	t, domain, err := f.typeOrDomain(x.Type)
	if err != nil {
		return nil, err
	}
	e, err := f.castTo(x, t)
	if err != nil {
		return nil, err
	}
	return f.inDomain(e, domain)
}

func (f *frame) castTo(x *syntax.Cast, t datum.Type) (expr.Expr, error) {
	if a, ok := x.X.(*syntax.ArrayExpr); ok && isArray(t.OID) {
		e, err := f.array(a, t)
		if err != nil {
			return nil, err
		}
		return f.explicit(e, t, x)
	}
	e, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	return f.explicit(e, t, x)
}

func (f *frame) explicit(e expr.Expr, t datum.Type, x *syntax.Cast) (expr.Expr, error) {
	at := syntax.Node(x)
	if e.Type().OID == datum.Unknown {
		at = x.X // a literal that does not parse is marked itself
	}
	if t.OID == datum.Unknown {
		return e, nil
	}
	if isPseudo(t.OID) && t.OID != e.Type().OID {
		return nil, f.errorIn(x, pgerr.CannotCoerce, "cannot cast type %s to %s", formatType(e.Type()), formatType(t))
	}
	return f.coerce(e, t, funcs.Explicit, at)
}

func isPseudo(t datum.OID) bool { return categoryOf(t) == 'P' && t != datum.Record && t != datum.Void }

// collations that exist: all of them order by code point.
var collations = map[string]bool{"default": true, "C": true, "POSIX": true, "ucs_basic": true, "C.utf8": true, "C.UTF-8": true}

// collate checks the collation and leaves it out: text has only one order here.
func (f *frame) collate(x *syntax.Collate) (expr.Expr, error) {
	e, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	if !collations[x.Name.Last()] {
		return nil, f.errorIn(x, pgerr.UndefinedObject, "collation %q for encoding \"UTF8\" does not exist", dotted(x.Name)).
			WithHint("Text is ordered by code point: the collations \"default\" and \"C\" both mean that.")
	}
	if t := e.Type().OID; t != datum.Unknown && categoryOf(t) != 'S' && categoryOf(elemOf(t)) != 'S' {
		return nil, f.errorIn(x, pgerr.DatatypeMismatch, "collations are not supported by type %s", formatType(e.Type()))
	}
	if e, err = f.textIfUnknown(e, x.X); f.defining != nil && err == nil {
		e = &expr.Cast{Arg: e, Typ: e.Type(), Implicit: true, Pos: x.Pos} // a node of its own, to be known by
		f.defining.Collate[e] = x.Name
	}
	return e, err
}

// sqlValues are the functions that look like columns: what each is made of.
var sqlValues = map[string]struct {
	fn   string
	cast datum.OID // 0: as the function gives it
}{
	"current_date": {"now", datum.Date}, "current_time": {"now", datum.TimeTZ}, "current_timestamp": {"now", 0},
	"localtime": {"now", datum.Time}, "localtimestamp": {"now", datum.Timestamp},
	"current_user": {"current_user", 0}, "current_role": {"current_user", 0}, "user": {"current_user", 0},
	"session_user": {"session_user", 0}, "current_catalog": {"current_database", 0}, "current_schema": {"current_schema", 0},
}

func (f *frame) sqlValue(x *syntax.SQLValue) (e expr.Expr, err error) {
	defer func() { f.defining.word(e, x) }()
	v, ok := sqlValues[x.Name]
	if !ok {
		return nil, f.errorIn(x, pgerr.FeatureNotSupported, "%s is not supported yet", x.Name)
	}
	if e, err = f.function(v.fn, nil, x); err != nil {
		return nil, err
	}
	t := e.Type()
	if v.cast != 0 {
		t = datum.T(v.cast)
	}
	if x.Precision >= 0 && v.fn == "now" && v.cast != datum.Date {
		t.Mod = int32(min(x.Precision, 6))
	}
	if t == e.Type() {
		return e, nil
	}
	return &expr.Cast{Arg: e, Typ: t, Explicit: true, Pos: x.Pos}, nil
}

// atTimeZone is timezone(zone, x).
func (f *frame) atTimeZone(x *syntax.AtTimeZone) (expr.Expr, error) {
	arg, err := f.bind(x.X)
	if err != nil {
		return nil, err
	}
	var zone expr.Expr
	if x.Zone == nil {
		zone, err = f.function("current_setting", []typed{{textConst("TimeZone"), x}}, x)
	} else {
		zone, err = f.bind(x.Zone)
	}
	if err != nil {
		return nil, err
	}
	zoneAt := syntax.Node(x)
	if x.Zone != nil {
		zoneAt = x.Zone
	}
	e, err := f.function("timezone", []typed{{zone, zoneAt}, {arg, x.X}}, x)
	if c, ok := e.(*expr.Call); ok {
		c.Words = x.Zone != nil
	}
	return e, err
}
