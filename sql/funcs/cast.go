package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// castTables are the conversions of pg_cast by topic. What stands in none of them goes through text (IOCast).
func castTables() [][]Cast {
	return [][]Cast{numberCasts(), textCasts(), timeCasts(), jsonCasts(), oidCasts(), bitCasts(), inetCasts()}
}

// castBody is Cast.Body.
type castBody = func(c *Ctx, arg *vec.Column, n int, mod int32, explicit bool) (*vec.Column, error)

// each makes a body that converts row by row; constants and dictionaries are converted once.
func each(to vec.Kind, f func(c *Ctx, b *vec.Builder, arg *vec.Column, i int) error) castBody {
	body := perEntry(func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(to, n)
		for i := range n {
			if args[0].Null(i) {
				b.AppendNull()
				continue
			}
			if err := f(c, b, args[0], i); err != nil {
				return nil, err
			}
			if err := c.Made(b, i); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	})
	return func(c *Ctx, arg *vec.Column, n int, _ int32, _ bool) (*vec.Column, error) {
		return body(c, []*vec.Column{arg}, n)
	}
}

// IOCast converts through text: the output of the source type read as the target type; every pair of types has it.
// Explicit says that the user wrote the cast (varchar(n) then cuts off instead of failing).
func IOCast(c *Ctx, from, to datum.Type, arg *vec.Column, n int, explicit bool) (*vec.Column, error) {
	target := to
	if (explicit || isText(to.OID)) && to.OID != datum.Interval {
		target.Mod = -1 // applied below, where what is too long is cut off
	}
	out, err := perEntry(func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		return throughText(c, from, target, args[0], n)
	})(c, []*vec.Column{arg}, n)
	if err == nil && to.Mod >= 0 && target.Mod < 0 {
		out, err = datum.ApplyTypmod(to, out, explicit)
	}
	return out, err
}

func throughText(c *Ctx, from, to datum.Type, arg *vec.Column, n int) (*vec.Column, error) {
	b := datum.NewBuilder(to, n)
	var text []byte
	for i := range n {
		if arg.Null(i) {
			b.AppendNull()
			continue
		}
		text = datum.AppendText(text[:0], from, arg, i, c.Env)
		if err := datum.ParseText(to, text, b, c.Env); err != nil {
			return nil, err
		}
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func isText(t datum.OID) bool { return t == datum.Text || t == datum.Varchar || t == datum.BPChar }

// Convert is the whole conversion: FindCast's where there is one, else IOCast, then the target's modifier.
func Convert(c *Ctx, from, to datum.Type, arg *vec.Column, n int, explicit bool) (*vec.Column, error) {
	if from.OID == to.OID || from.OID == datum.Unknown && isText(to.OID) || datum.SameLabels(from.OID, to.OID) {
		return modified(to, arg, explicit)
	}
	if fields := datum.RecordFields(from); fields != nil && (datum.IsComposite(to.OID) || to.OID == datum.Record) && datum.ElemOf(from.OID) == 0 {
		return convertRow(c, from, to, arg, n, explicit)
	}
	cast, ok := FindCast(from.OID, to.OID)
	if e := datum.ElemOf(from.OID); to.OID == datum.RecordArray && datum.IsComposite(e) {
		cast, ok = arrayCast(from.OID, to.OID, e, datum.Record)
	}
	if !ok {
		return IOCast(c, from, to, arg, n, explicit)
	}
	if cast.Body == nil {
		return modified(to, arg, explicit)
	}
	out, err := cast.Body(c, arg, n, to.Mod, explicit)
	if err != nil {
		return nil, err
	}
	return modified(to, out, explicit)
}

// convertRow converts rows field by field; what is no composite type is a record, of the fields that there are.
func convertRow(c *Ctx, from, to datum.Type, arg *vec.Column, n int, explicit bool) (*vec.Column, error) {
	if datum.IsComposite(from.OID) {
		arg = datum.Unpack(from, arg)
	}
	arg = arg.Flat()
	have, want := datum.RecordFields(from), datum.RecordFields(to)
	if want == nil {
		return arg, nil
	}
	if len(have) != len(want) {
		return nil, pgerr.New(pgerr.CannotCoerce, "cannot cast type %s to %s", datum.FormatType(datum.T(from.OID)), datum.FormatType(datum.T(to.OID)))
	}
	out := &vec.Column{Kind: vec.Struct, Len: n, Valid: arg.Valid}
	for i, w := range want {
		f, err := Convert(c, have[i].Type, w.Type, arg.Fields[i], n, explicit)
		if err != nil {
			return nil, err
		}
		out.Fields = append(out.Fields, f.Flat())
	}
	if datum.IsComposite(to.OID) {
		return datum.Pack(to, out), nil
	}
	return out, nil
}

func modified(to datum.Type, arg *vec.Column, explicit bool) (*vec.Column, error) {
	if to.Mod < 0 {
		return arg, nil
	}
	return datum.ApplyTypmod(to, arg, explicit)
}

// arrayCast converts arrays element by element.
func arrayCast(from, to, ef, et datum.OID) (*Cast, bool) {
	context := Explicit
	cast, ok := FindCast(ef, et)
	switch {
	case ef == et:
		context = Implicit
	case ok:
		context = cast.Context
	case isText(et):
		context = Assignment
	}
	return &Cast{From: from, To: to, Context: context, Body: func(c *Ctx, arg *vec.Column, n int, mod int32, explicit bool) (*vec.Column, error) {
		flat := arg.Flat()
		child, err := Convert(c, datum.T(ef), datum.Type{OID: et, Mod: mod}, flat.Child, flat.Child.Len, explicit)
		if err != nil {
			return nil, err
		}
		return &vec.Column{Kind: vec.List, Len: flat.Len, Valid: flat.Valid, Offsets: flat.Offsets, Shapes: flat.Shapes, Child: child.Flat()}, nil
	}}, true
}

func textCasts() []Cast {
	var out []Cast
	asIs := func(from, to datum.OID, ctx CastContext) { out = append(out, Cast{From: from, To: to, Context: ctx}) }
	for _, t := range []datum.OID{datum.Text, datum.Varchar} {
		asIs(datum.Text, t, Implicit)
		asIs(datum.Varchar, t, Implicit)
		asIs(t, datum.BPChar, Implicit)
		asIs(datum.Name, t, assignmentUnless(t == datum.Text))
		out = append(out,
			Cast{From: datum.BPChar, To: t, Context: Implicit, Body: each(vec.Bytes, trimBlanks)},
			Cast{From: t, To: datum.Name, Context: Implicit, Body: each(vec.Bytes, toName)},
			Cast{From: datum.Char, To: t, Context: assignmentUnless(t == datum.Text), Body: viaText(datum.Char, t)},
			Cast{From: t, To: datum.Char, Context: Assignment, Body: viaText(t, datum.Char)},
			Cast{From: datum.Bool, To: t, Context: Assignment, Body: each(vec.Bytes, boolText)},
			Cast{From: t, To: datum.Regclass, Context: Implicit, Body: viaText(datum.Text, datum.Regclass)})
	}
	asIs(datum.BPChar, datum.BPChar, Implicit)
	asIs(datum.Name, datum.BPChar, Assignment)
	// As text an address always shows its mask, which the output of cidr does.
	for _, t := range []datum.OID{datum.Text, datum.Varchar, datum.BPChar} {
		for _, from := range []datum.OID{datum.Inet, datum.Cidr} {
			out = append(out, Cast{From: from, To: t, Context: Assignment, Body: viaText(datum.Cidr, t)})
		}
	}
	asIs(datum.Cidr, datum.Inet, Implicit)
	return append(out,
		Cast{From: datum.Inet, To: datum.Cidr, Context: Assignment, Body: each(vec.Bytes, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			b.AppendBytes(inetNetwork(nil, arg.Bytes(i)))
			return nil
		})},
		Cast{From: datum.BPChar, To: datum.Name, Context: Implicit, Body: each(vec.Bytes, toName)},
		Cast{From: datum.Char, To: datum.BPChar, Context: Assignment, Body: viaText(datum.Char, datum.BPChar)},
		Cast{From: datum.BPChar, To: datum.Char, Context: Assignment, Body: viaText(datum.BPChar, datum.Char)},
		Cast{From: datum.Bool, To: datum.BPChar, Context: Assignment, Body: each(vec.Bytes, boolText)})
}

func assignmentUnless(implicit bool) CastContext {
	if implicit {
		return Implicit
	}
	return Assignment
}

func viaText(from, to datum.OID) castBody {
	return func(c *Ctx, arg *vec.Column, n int, mod int32, explicit bool) (*vec.Column, error) {
		return IOCast(c, datum.T(from), datum.Type{OID: to, Mod: mod}, arg, n, explicit)
	}
}

func trimBlanks(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
	s := arg.Bytes(i)
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	b.AppendBytes(s)
	return nil
}

func toName(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
	s := arg.Bytes(i)
	for len(s) > 63 {
		s = s[:len(s)-1]
	}
	for len(s) > 0 && len(s) < len(arg.Bytes(i)) && arg.Bytes(i)[len(s)]&0xc0 == 0x80 {
		s = s[:len(s)-1]
	}
	b.AppendBytes(s)
	return nil
}

func boolText(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
	if arg.Bool(i) {
		b.AppendString("true")
	} else {
		b.AppendString("false")
	}
	return nil
}

// jsonCasts read JSON scalars; the message names the kind that does not fit.
func jsonCasts() []Cast {
	row := func(to datum.OID, kind jsonb.Kind, f func(c *Ctx, b *vec.Builder, v jsonb.Value) error) Cast {
		name := datum.Lookup(to).SQLName
		return Cast{From: datum.JSONB, To: to, Context: Explicit, Body: each(datum.KindOf(to), func(c *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
			v := jsonb.Value(arg.Bytes(i))
			k := v.Kind()
			if k == kind || kind == jsonb.True && k == jsonb.False {
				return f(c, b, v)
			}
			return pgerr.New(pgerr.InvalidParameterValue, "cannot cast jsonb %s to type %s", jsonKindName(k), name)
		})}
	}
	num := func(to datum.OID) Cast {
		return row(to, jsonb.Numeric, func(c *Ctx, b *vec.Builder, v jsonb.Value) error { return appendNumber(b, to, jsonb.Number(v)) })
	}
	return []Cast{
		row(datum.Bool, jsonb.True, func(_ *Ctx, b *vec.Builder, v jsonb.Value) error {
			b.AppendBool(v.Kind() == jsonb.True)
			return nil
		}),
		num(datum.Int2), num(datum.Int4), num(datum.Int8), num(datum.Float4), num(datum.Float8), num(datum.Numeric),
		{From: datum.JSON, To: datum.JSONB, Context: Assignment, Body: viaText(datum.JSON, datum.JSONB)},
		{From: datum.JSONB, To: datum.JSON, Context: Assignment, Body: viaText(datum.JSONB, datum.JSON)},
	}
}

// jsonKindName is how PostgreSQL's messages call a kind.
func jsonKindName(k jsonb.Kind) string {
	switch k {
	case jsonb.Null:
		return "null"
	case jsonb.True, jsonb.False:
		return "boolean"
	case jsonb.Numeric:
		return "numeric"
	case jsonb.String:
		return "string"
	case jsonb.Array:
		return "array"
	}
	return "object"
}

// oidCasts are the reg types: numbers that print as names.
func oidCasts() []Cast {
	var out []Cast
	regs := []datum.OID{datum.Oid, datum.Regclass, datum.Regtype, datum.Regproc, datum.Regproced, datum.Regoper, datum.Regoperator, datum.Regnsp, datum.Regrole}
	for _, r := range regs {
		out = append(out,
			Cast{From: datum.Int8, To: r, Context: Implicit, Body: each(vec.Int64, toOID)},
			Cast{From: datum.Int4, To: r, Context: Implicit, Body: each(vec.Int64, wrapOID)},
			Cast{From: datum.Int2, To: r, Context: Implicit, Body: each(vec.Int64, wrapOID)},
			Cast{From: r, To: datum.Int8, Context: Assignment},
			Cast{From: r, To: datum.Int4, Context: Assignment, Body: each(vec.Int64, fromOID)})
		if r != datum.Oid {
			out = append(out, Cast{From: r, To: datum.Oid, Context: Implicit}, Cast{From: datum.Oid, To: r, Context: Implicit})
		}
	}
	return append(out, Cast{From: datum.Regproc, To: datum.Regproced, Context: Implicit}, Cast{From: datum.Regproced, To: datum.Regproc, Context: Implicit},
		Cast{From: datum.Regoper, To: datum.Regoperator, Context: Implicit}, Cast{From: datum.Regoperator, To: datum.Regoper, Context: Implicit})
}

func toOID(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
	v := arg.Int(i)
	if v < 0 || v > 1<<32-1 {
		return pgerr.New(pgerr.NumericValueOutOfRange, "OID out of range")
	}
	b.AppendInt(v)
	return nil
}

func wrapOID(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
	b.AppendInt(int64(uint32(arg.Int(i))))
	return nil
}

func fromOID(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
	b.AppendInt(int64(int32(arg.Int(i))))
	return nil
}
