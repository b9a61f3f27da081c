package funcs

import (
	"bytes"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

func concatOperators() []Func {
	both := textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		return append(append(dst, a[0].Bytes(i)...), a[1].Bytes(i)...), nil
	})
	mixed := func(oid datum.OID, args string) Func {
		f := textRow(oid, "||", args, "t", "both, one after the other, as text", nil)
		f.Volatile = Stable
		f.BodyTyped = func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
			text := make([]*vec.Column, len(args))
			for k := range args {
				var err error
				if text[k], err = Convert(c, types[k], datum.T(datum.Text), args[k], n, true); err != nil {
					return nil, err
				}
			}
			return both(c, text, n)
		}
		return f
	}
	return []Func{
		textRow(654, "||", "tt", "t", "both, one after the other", both), textRow(2018, "||", "yy", "y", "both, one after the other", both),
		mixed(2779, "to"), mixed(2780, "ot"),
	}
}

// lenient makes a row for a function that is called for null arguments too.
func lenient(f Func, v Volatility) Func {
	f.Strict, f.Volatile = false, v
	return f
}

// typed sets the body of a row that is told the types of its arguments.
func typed(f Func, v Volatility, row typedRow) Func {
	f.Volatile = v
	f.Body = nil
	strict := f.Strict
	f.BodyTyped = func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Bytes, n)
		for i := range n {
			if strict && args[0].Null(i) {
				b.AppendNull()
				continue
			}
			if err := row(c, types, args, i, b); err != nil {
				return nil, err
			}
			if err := c.Made(b, i); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	}
	return f
}

type typedRow func(c *Ctx, types []datum.Type, a []*vec.Column, i int, b *vec.Builder) error

func textBuilds() []Func {
	var out []Func
	add := func(f Func, variadic bool) {
		f.Variadic = variadic
		out = append(out, f)
	}
	null := lenient(textRow(1289, "quote_nullable", "t", "t", "as a literal of SQL, NULL for null", nil, "quote_nullable('it''s')", "'it''s'"), Immutable)
	null.Body = nil
	add(typed(lenient(textRow(3058, "concat", "v", "t", "the arguments as text, one after the other; nulls are left out", nil, "concat('a', 2, NULL, 'b')", "a2b"), Stable), Stable, concat), true)
	add(typed(lenient(textRow(3059, "concat_ws", "tv", "t", "the arguments as text with the separator between them; nulls are left out", nil, "concat_ws(',', 'a', 2, NULL, 'b')", "a,2,b"), Stable), Stable, concatWS), true)
	add(typed(lenient(textRow(3539, "format", "tv", "t", "text with the arguments put in: %s as text, %I as an identifier, %L as a literal", nil, "format('Hello %s, %1$s', 'World')", "Hello World, World"), Stable), Stable, formatText), true)
	add(typed(lenient(textRow(3540, "format", "t", "t", "text with %% made %", nil), Stable), Stable, formatText), false)
	add(textRow(1282, "quote_ident", "t", "t", "as an identifier of SQL", textMap(appendIdent), "quote_ident('Foo bar')", `"Foo bar"`), false)
	add(textRow(1283, "quote_literal", "t", "t", "as a literal of SQL", textMap(appendLiteral), "quote_literal('O''Reilly')", "'O''Reilly'"), false)
	add(typed(textRow(1285, "quote_literal", "e", "t", "as text, as a literal of SQL", nil), Stable, quoteAny), false)
	add(typed(null, Immutable, quoteAny), false)
	add(typed(lenient(textRow(1290, "quote_nullable", "e", "t", "as text, as a literal of SQL, NULL for null", nil), Stable), Stable, quoteAny), false)
	add(textRow(6198, "unistr", "t", "t", `with Unicode escapes \XXXX, \+XXXXXX, \uXXXX and \UXXXXXXXX replaced`, textBody(unistr), `unistr('d\0061t\+000061')`, "data"), false)
	add(textRow(1258, "textcat", "tt", "t", "both, one after the other", concatOperators()[0].Body), false)
	return out
}

func concat(c *Ctx, types []datum.Type, a []*vec.Column, i int, b *vec.Builder) error {
	return b.AppendWith(func(dst []byte) ([]byte, error) {
		for k := range a {
			if !a[k].Null(i) {
				dst = datum.AppendText(dst, types[k], a[k], i, c.Env)
			}
		}
		return dst, nil
	})
}

func concatWS(c *Ctx, types []datum.Type, a []*vec.Column, i int, b *vec.Builder) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	return b.AppendWith(func(dst []byte) ([]byte, error) {
		first := true
		for k := 1; k < len(a); k++ {
			if a[k].Null(i) {
				continue
			}
			if !first {
				dst = append(dst, a[0].Bytes(i)...)
			}
			first = false
			dst = datum.AppendText(dst, types[k], a[k], i, c.Env)
		}
		return dst, nil
	})
}

// quoteAny is quote_literal and quote_nullable: only the latter gets here with null.
func quoteAny(c *Ctx, types []datum.Type, a []*vec.Column, i int, b *vec.Builder) error {
	if a[0].Null(i) {
		b.AppendString("NULL")
		return nil
	}
	one, err := Convert(c, types[0], datum.T(datum.Text), a[0].Slice(i, i+1), 1, true)
	if err != nil {
		return err
	}
	return b.AppendWith(func(dst []byte) ([]byte, error) { return appendLiteral(dst, one.Bytes(0)), nil })
}

func textSplits() []Func {
	array := func(oid datum.OID, args, doc string, shown ...string) Func {
		return lenient(textRow(oid, "string_to_array", args, "a", doc, splitArray, shown...), Immutable)
	}
	table := func(oid datum.OID, args, doc string) Func {
		f := lenient(textRow(oid, "string_to_table", args, "t", doc, nil), Immutable)
		f.RetSet, f.SetBody = true, splitTable
		return f
	}
	return []Func{
		array(394, "tt", "parts between the delimiters; characters if that is null", "string_to_array('a,b,c', ',')", "{a,b,c}"),
		array(376, "ttt", "parts between the delimiters; a part equal to the third argument is null", "string_to_array('a,b,c', ',', 'b')", "{a,NULL,c}"),
		table(6160, "tt", "parts between the delimiters, a row each"), table(6161, "ttt", "parts between the delimiters, a row each; a part equal to the third argument is null"),
	}
}

func splitArray(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewListBuilder(vec.Bytes, n)
	for i := range n {
		if a[0].Null(i) {
			b.AppendNull()
			continue
		}
		splitInto(b.Elem(), a, i)
		b.AppendList()
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func splitTable(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, 4)
	if !a[0].Null(i) {
		splitInto(b, a, i)
	}
	return b.Finish(), nil
}

func splitInto(b *vec.Builder, a []*vec.Column, i int) {
	part := func(s []byte) {
		if len(a) > 2 && !a[2].Null(i) && bytes.Equal(s, a[2].Bytes(i)) {
			b.AppendNull()
		} else {
			b.AppendBytes(s)
		}
	}
	s := a[0].Bytes(i)
	switch {
	case len(s) == 0:
	case a[1].Null(i):
		for len(s) > 0 {
			_, w := utf8.DecodeRune(s)
			part(s[:w])
			s = s[w:]
		}
	case len(a[1].Bytes(i)) == 0:
		part(s)
	default:
		for p := range bytes.SplitSeq(s, a[1].Bytes(i)) {
			part(p)
		}
	}
}
