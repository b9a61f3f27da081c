package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// like copies the columns of another relation.
func (b *building) like(x *syntax.TableLike) error {
	r, err := b.relationLike(x)
	if err != nil {
		return err
	}
	with := map[string]bool{}
	for _, o := range x.Options {
		for _, w := range []string{"comments", "constraints", "defaults", "generated", "identity", "indexes", "storage", "statistics", "compression"} {
			if o.What == w || o.What == "all" {
				with[w] = !o.Excluding
			}
		}
	}
	place := map[int16]int16{}
	for i := range r.Columns {
		from := &r.Columns[i]
		if b.table.Column(from.Name) != 0 {
			return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", from.Name)
		}
		c := catalog.TableColumn{Physical: b.table.NextColumn, Name: from.Name, Type: catalog.RefOf(from.Type), NotNull: from.NotNull}
		b.table.NextColumn++
		if from.Domain != nil {
			c.Type = catalog.TypeRef{OID: from.Domain.ID, Mod: -1}
		}
		if from.Stored != nil && from.Stored.Type.OID != 0 {
			c.Type = from.Stored.Type
		}
		if with["comments"] {
			c.Comment = from.Doc
		}
		b.table.Columns = append(b.table.Columns, c)
		place[r.AttrNum(i)] = int16(len(b.table.Columns))
		if from.Stored != nil {
			if err := b.likeColumn(from.Stored, b.table.Attr(place[r.AttrNum(i)]), with); err != nil {
				return err
			}
		}
	}
	if r.Table == nil {
		return nil
	}
	return b.likeRest(r.Table, place, with)
}

func (b *building) relationLike(x *syntax.TableLike) (*catalog.Relation, error) {
	r, err := b.planner.relation(x.Name, x)
	if err == nil && (r.Kind == catalog.Sequence || r.Kind == catalog.IndexKind) {
		return nil, pgerr.New(pgerr.WrongObjectType, "relation %q is invalid in LIKE clause", r.Name).
			WithDetail("This operation is not supported for %ss.", kindWord(r.Kind))
	}
	return r, err
}

// likeColumn copies what belongs to one column.
func (b *building) likeColumn(from, to *catalog.TableColumn, with map[string]bool) error {
	switch {
	case from.Identity != "" && with["identity"]:
		var options []*syntax.SequenceOption
		return b.identity(to, from.Identity == "a", options)
	case from.Generated.Text != "" && with["generated"]:
		to.Generated, to.Virtual = from.Generated, from.Virtual
		return b.ids(&to.DefaultID)
	case from.Default.Text != "" && with["defaults"]:
		to.Default = from.Default
		return b.ids(&to.DefaultID)
	}
	return nil
}

// likeRest copies periods, checks and indexes.
func (b *building) likeRest(from *catalog.TableObject, place map[int16]int16, with map[string]bool) error {
	for _, p := range from.Periods {
		if with["constraints"] || with["indexes"] {
			if err := b.addPeriod(catalog.Period{Name: p.Name, Start: place[p.Start], End: place[p.End]}); err != nil {
				return err
			}
		}
	}
	for _, c := range from.Constraints {
		if c.Kind == catalog.NotNull {
			c.Columns, c.Comment, c.NotValid = moved(c.Columns, place), "", false
			if err := b.addNotNull(b.table, c); err != nil {
				return err
			}
		}
		if c.Kind != catalog.Check || c.Period || !with["constraints"] {
			continue
		}
		c.Columns = moved(c.Columns, place)
		if err := b.ids(&c.ID); err != nil {
			return err
		}
		b.table.Constraints = append(b.table.Constraints, c)
	}
	if !with["indexes"] {
		return nil
	}
	for i := range from.Indexes {
		if err := b.likeIndex(from, &from.Indexes[i], place); err != nil {
			return err
		}
	}
	return nil
}

func (b *building) likeIndex(from *catalog.TableObject, old *catalog.TableIndex, place map[int16]int16) error {
	ix := *old
	ix.Keys, ix.Include = slices.Clone(old.Keys), moved(old.Include, place)
	ix.Comment, ix.Constraint = "", 0
	names, label := "", "idx"
	for i := range ix.Keys {
		k := &ix.Keys[i]
		name := k.Name
		if k.Column > 0 {
			k.Column = place[k.Column]
			name = b.table.Attr(k.Column).Name
		}
		if i > 0 {
			names += "_"
		}
		names += name
	}
	if err := b.ids(&ix.ID); err != nil {
		return err
	}
	if k := slices.IndexFunc(from.Constraints, func(c catalog.Constraint) bool { return c.Index == old.ID && c.Kind != catalog.ForeignKey }); k >= 0 {
		c := from.Constraints[k]
		c.Columns, c.Index, c.Comment = moved(c.Columns, place), ix.ID, ""
		if label = "key"; c.Kind == catalog.PrimaryKey {
			names, label = "", "pkey"
		}
		if err := b.ids(&c.ID); err != nil {
			return err
		}
		c.Name = b.relationName(b.schema, b.table.Name, names, label)
		ix.Constraint = c.ID
		b.table.Constraints = append(b.table.Constraints, c)
		for _, a := range c.Columns {
			if c.Kind == catalog.PrimaryKey {
				b.table.Attr(a).NotNull = true
			}
		}
	}
	ix.Name = b.relationName(b.schema, b.table.Name, names, label)
	b.table.Indexes = append(b.table.Indexes, ix)
	return nil
}

func moved(list []int16, place map[int16]int16) []int16 {
	out := make([]int16, len(list))
	for i, a := range list {
		out[i] = place[a]
	}
	return out
}
