package bind

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// typeName resolves the name of a type.
func (b *binder) typeName(t *syntax.TypeName) (datum.Type, error) {
	typ, domain, err := b.typeOrDomain(t)
	if err == nil && domain != nil && constrains(b.ctx.Catalog, domain) {
		err = b.errorIn(t, pgerr.FeatureNotSupported, "values of domain %q are not supported here", dotted(t.Name)).
			WithHint("Name the type under it, and cast to the domain.")
	}
	return typ, err
}

// constrains reports whether not all values of the type under a domain are values of the domain.
func constrains(c *catalog.Catalog, d *catalog.DomainObject) bool {
	for ; d != nil; d = domainUnder(c, d) {
		if d.NotNull || len(d.Checks) > 0 {
			return true
		}
	}
	return false
}

// typeOrDomain resolves the name of a type: of a domain it is the type under it, and the domain.
func (b *binder) typeOrDomain(t *syntax.TypeName) (typ datum.Type, d *catalog.DomainObject, err error) {
	if t.PctOf {
		return typ, nil, b.errorIn(t, pgerr.FeatureNotSupported, "%%TYPE is not supported yet")
	}
	if t.SetOf {
		return typ, nil, b.errorIn(t, pgerr.DatatypeMismatch, "a type that is a set is not allowed here")
	}
	ref, err := b.typeRef(t)
	if err != nil {
		return typ, nil, err
	}
	typ, d = b.ctx.Catalog.Resolve(ref)
	if datum.Lookup(typ.OID) == nil || typ.OID == datum.Unknown && d == nil && ref.OID != datum.Unknown {
		err = b.errorIn(t, pgerr.FeatureNotSupported, "arrays of domain %q are not supported", dotted(t.Name))
	}
	return typ, d, err
}

// typeRef resolves the name of a type, which may be a user's.
func (b *binder) typeRef(t *syntax.TypeName) (catalog.TypeRef, error) {
	oid, ok := b.typeOID(t.Name)
	var own catalog.Object
	array := len(t.Bounds) > 0
	if !ok {
		own = b.ctx.Catalog.TypeByName(b.ctx.SearchPath, t.Name.Qualifier(), t.Name.Last())
		if elem, of := strings.CutPrefix(t.Name.Last(), "_"); own == nil && of {
			own, array = b.ctx.Catalog.TypeByName(b.ctx.SearchPath, t.Name.Qualifier(), elem), true
		}
	}
	if !ok && own == nil {
		if q := t.Name.Qualifier(); q != "" && !b.ctx.Catalog.HasSchema(q) {
			return catalog.TypeRef{}, b.errorIn(t, pgerr.InvalidSchemaName, "schema %q does not exist", q)
		}
		return catalog.TypeRef{}, b.errorIn(t, pgerr.UndefinedObject, "type %q does not exist", dotted(t.Name)+strings.Repeat("[]", len(t.Bounds)))
	}
	if own != nil {
		ref := catalog.TypeRef{OID: catalog.TypeOID(own), Mod: -1}
		if len(t.Mods) > 0 {
			return ref, b.errorIn(t, pgerr.SyntaxError, "type modifier is not allowed for type %q", dotted(t.Name))
		}
		if array {
			ref.OID = catalog.ArrayOID(own)
		}
		return ref, nil
	}
	mod, err := b.typeMod(oid, t)
	if err != nil {
		return catalog.TypeRef{}, err
	}
	if len(t.Bounds) > 0 && categoryOf(oid) != 'A' {
		arr := arrayOf(oid)
		if arr == 0 {
			return catalog.TypeRef{}, b.errorIn(t, pgerr.UndefinedObject, "type %q does not exist", dotted(t.Name)+"[]")
		}
		oid = arr
	}
	return catalog.TypeRef{OID: oid, Mod: mod}, nil
}

func (b *binder) typeOID(n syntax.Name) (datum.OID, bool) {
	name := n.Last()
	switch n.Qualifier() {
	case "", "pg_catalog":
		return typeByName(name)
	case "information_schema":
		switch name {
		case "sql_identifier":
			return datum.Name, true
		case "character_data", "yes_or_no":
			return datum.Varchar, true
		case "cardinal_number":
			return datum.Int4, true
		case "time_stamp":
			return datum.TimestampTZ, true
		}
	case "public":
		return 0, false
	}
	return 0, false
}

// typeMod encodes a type's modifiers.
func (b *binder) typeMod(oid datum.OID, t *syntax.TypeName) (int32, error) {
	mods, err := b.modNumbers(t)
	if err != nil {
		return 0, err
	}
	if oid == datum.Interval {
		precision := int32(-1)
		if len(mods) > 0 {
			precision = int32(mods[0])
		}
		if mod, ok := datum.IntervalTypmod(t.Fields, precision); ok {
			return mod, nil
		}
		return 0, b.errorIn(t, pgerr.InvalidParameterValue, "invalid INTERVAL type modifier")
	}
	mod, err := datum.MakeTypmod(oid, mods)
	return mod, b.place(err, t)
}

func (b *binder) modNumbers(t *syntax.TypeName) ([]int64, error) {
	out := make([]int64, 0, len(t.Mods))
	for _, m := range t.Mods {
		sign := ""
		if u, ok := m.(*syntax.Unary); ok && u.Op.Name == "-" {
			sign, m = "-", u.X
		}
		c, ok := m.(*syntax.Const)
		if !ok {
			return nil, b.errorIn(t, pgerr.SyntaxError, "type modifiers must be simple constants or identifiers")
		}
		n, err := strconv.ParseInt(sign+c.Text, 10, 32)
		if err != nil {
			return nil, b.errorIn(t, pgerr.InvalidTextRepresentation, "invalid input syntax for type integer: %q", c.Text)
		}
		out = append(out, n)
	}
	return out, nil
}
