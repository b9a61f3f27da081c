package syntax

import "strings"

func (p *printer) funcCall(f *FuncCall) {
	if f.SQLSyntax && p.worded(f) {
		return
	}
	name := quoteName(f.Name)
	if len(f.Name) == 1 && keywords[f.Name[0]].class == typeFunc {
		name = f.Name[0]
	}
	p.call(name)
	switch {
	case f.Star:
		p.w("*")
	default:
		p.flag(f.Distinct, "DISTINCT")
		for i, a := range f.Args {
			if i > 0 {
				p.put(",")
			}
			p.flag(f.Variadic && i == len(f.Args)-1, "VARIADIC")
			p.arg(a)
		}
		p.orderBy(f.OrderBy)
	}
	p.put(")")
	if f.WithinGroup != nil {
		p.w("WITHIN GROUP")
		p.open("(")
		p.orderBy(f.WithinGroup)
		p.put(")")
	}
	if f.Filter != nil {
		p.w("FILTER")
		p.open("(")
		p.w("WHERE")
		p.expr(f.Filter)
		p.put(")")
	}
	if f.Over != nil {
		p.w("OVER")
		if f.Over.Bare {
			p.id(f.Over.Ref)
		} else {
			p.window(f.Over)
		}
	}
}

func (p *printer) arg(a Arg) {
	if a.Name != "" {
		p.id(a.Name)
		p.w("=>")
	}
	p.expr(a.Expr)
}

// separators are the words between the arguments of the functions that are written in words.
var separators = map[string][]string{
	"extract": {"FROM"}, "substring": {"FROM", "FOR"}, "overlay": {"PLACING", "FROM", "FOR"},
}

// worded writes a call in words, and says whether it could.
func (p *printer) worded(f *FuncCall) bool {
	name := f.Name.Last()
	switch name {
	case "extract", "substring", "overlay":
		p.call(upper(name))
		for i, a := range f.Args {
			if i > 0 {
				p.w(separators[name][i-1])
			}
			p.expr(a.Expr)
		}
	case "position":
		p.call("POSITION")
		p.restricted(f.Args[1].Expr)
		p.w("IN")
		p.restricted(f.Args[0].Expr)
	case "btrim", "ltrim", "rtrim":
		p.call("TRIM")
		p.w(map[string]string{"btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[name], "FROM")
		commas(p, f.Args, p.arg)
	case "normalize":
		p.call("NORMALIZE")
		p.expr(f.Args[0].Expr)
		if len(f.Args) > 1 {
			p.put(",")
			p.w(f.Args[1].Expr.(*Const).Text)
		}
	case "overlaps":
		paren(p, f.Args[:2], p.arg)
		p.w("OVERLAPS")
		paren(p, f.Args[2:], p.arg)
		return true
	case "pg_collation_for":
		p.w("COLLATION FOR")
		p.enclosed(f.Args[0].Expr)
		return true
	case "system_user":
		p.w("SYSTEM_USER")
		return true
	default:
		return false
	}
	p.put(")")
	return true
}

// typeWords are the names that the grammar has for types in pg_catalog.
var typeWords = map[string]string{
	"int4": "integer", "int8": "bigint", "int2": "smallint", "float4": "real", "float8": "double precision",
	"bool": "boolean", "numeric": "numeric", "varchar": "varchar", "interval": "interval",
}

func (p *printer) typeName(t *TypeName) {
	var b strings.Builder
	if t.SetOf {
		b.WriteString("SETOF ")
	}
	word, zone := quoteName(t.Name), ""
	if len(t.Name) == 2 && t.Name[0] == "pg_catalog" {
		word, zone = typeWord(t, word)
	}
	b.WriteString(word)
	if t.PctOf {
		b.WriteString("%TYPE")
	}
	if t.Fields != "" {
		b.WriteString(" " + t.Fields)
	}
	if len(t.Mods) > 0 {
		b.WriteString("(")
		for i, m := range t.Mods {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(Format(m))
		}
		b.WriteString(")")
	}
	b.WriteString(zone)
	for _, n := range t.Bounds {
		b.WriteString("[")
		if n >= 0 {
			b.WriteString(itoa(n))
		}
		b.WriteString("]")
	}
	p.w(b.String())
}

// typeWord returns the word for a type of pg_catalog, and what follows its modifiers.
func typeWord(t *TypeName, name string) (word, zone string) {
	last := t.Name[1]
	plain := len(t.Mods) == 0
	if len(t.Mods) == 1 {
		c, ok := t.Mods[0].(*Const)
		plain = ok && c.Kind == IntConst && !strings.HasPrefix(c.Text, "-")
	}
	switch {
	case last == "numeric":
		return last, ""
	case !plain:
		return name, ""
	case last == "bpchar" && len(t.Mods) == 1:
		return "char", ""
	case last == "bit" && len(t.Mods) == 1:
		return "bit", ""
	case last == "varbit":
		return "bit varying", ""
	case last == "time" || last == "timestamp":
		return last, ""
	case last == "timetz" || last == "timestamptz":
		return last[:len(last)-2], " with time zone"
	}
	if w, ok := typeWords[last]; ok && (len(t.Mods) == 0 || last == "varchar" || last == "interval") {
		return w, ""
	}
	return name, ""
}
