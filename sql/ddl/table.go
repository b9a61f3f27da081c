package ddl

import (
	"strings"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// building is a table while it is made or changed.
type building struct {
	*planner
	schema string
	table  *catalog.TableObject
	keys   []*syntax.Constraint // primary keys and unique constraints, to be made when all columns are there
	refs   []*syntax.Constraint // foreign keys
	checks []*syntax.Constraint
	nulls  []*syntax.Constraint // NOT NULL with more than that to be said
	// laterColumns are the expressions of generated columns: they may name columns that come after them.
	laterColumns []func() error
	old          bool // there may be rows
}

func (b *building) hasIndex(name string) bool {
	for i := range b.table.Indexes {
		if b.table.Indexes[i].Name == name {
			return true
		}
	}
	return false
}

// relation is the table as the binder sees it now.
func (b *building) relation() *catalog.Relation {
	return b.cat.With(append(b.others(), b.table)...).ByOID(b.table.ID)
}

func (b *building) others() (out []catalog.Object) {
	for _, o := range b.cat.Objects() {
		if o.Head().ID != b.table.ID {
			out = append(out, o)
		}
	}
	return out
}

var persistences = map[syntax.Persistence]catalog.Persistence{syntax.Temporary: catalog.Temporary, syntax.Unlogged: catalog.Unlogged}

// newTable begins a table.
func (p *planner) newTable(n syntax.Name, persistence syntax.Persistence, at syntax.Node) (*building, error) {
	schema, id, err := p.creation(n, persistence == syntax.Temporary, at)
	if err != nil {
		return nil, err
	}
	t := &catalog.TableObject{Persistence: persistences[persistence], NextColumn: 1}
	if id == p.Temporary && id != 0 {
		t.Persistence = catalog.Temporary
	}
	t.Name, t.Schema = n.Last(), id
	return &building{planner: p, schema: schema, table: t}, nil
}

func (p *planner) createTable(s *syntax.CreateTable) error {
	switch {
	case len(s.Inherits) > 0:
		return p.errorIn(s, pgerr.FeatureNotSupported, "inherited tables are not supported").WithHint("Use a view over several tables.")
	case s.PartitionBy != nil || len(s.PartitionOf) > 0:
		return p.errorIn(s, pgerr.FeatureNotSupported, "partitioned tables are not supported").WithHint("Tables are kept in column groups with minima and maxima: they need no partitions.")
	case len(s.OfType) > 0:
		return p.errorIn(s, pgerr.FeatureNotSupported, "typed tables are not supported").WithHint("Name the columns.")
	}
	if err := accessMethod(s.Access); err != nil {
		return err
	}
	b, err := p.newTable(s.Name, s.Persistence, s)
	if err != nil {
		return err
	}
	if skip, err := p.exists(b.schema, b.table.Name, s.IfNotExists); skip || err != nil {
		return err
	}
	if o := p.cat.TypeByName(nil, b.schema, b.table.Name); o != nil {
		return pgerr.New(pgerr.DuplicateObject, "type %q already exists", b.table.Name).
			WithHint("A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.")
	}
	if err := b.begin(s.OnCommit, s.With); err != nil {
		return err
	}
	for _, e := range s.Elements {
		if err := b.element(e); err != nil {
			return err
		}
	}
	if err := b.periods(s.Elements); err != nil {
		return err
	}
	return b.finish()
}

// begin gives the table its numbers and options.
func (b *building) begin(c syntax.OnCommit, with []*syntax.Option) error {
	t := b.table
	if c != syntax.OnCommitDefault && t.Persistence != catalog.Temporary {
		return pgerr.New(pgerr.InvalidTableDefinition, "ON COMMIT can only be used on temporary tables")
	}
	t.OnCommit = map[syntax.OnCommit]string{syntax.OnCommitDelete: "delete", syntax.OnCommitDrop: "drop"}[c]
	var err error
	if t.Options, err = relOptions(nil, with); err != nil {
		return err
	}
	b.planner.building = b
	return b.ids(&t.ID, &t.RowType, &t.Array)
}

// relOptions are the options of WITH as pg_class has them, after those that were there.
func relOptions(have []string, with []*syntax.Option) ([]string, error) {
	for _, o := range with {
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "." + name
		}
		if name == "oids" {
			if o.Text == "false" || o.Text == "off" || o.Text == "0" {
				continue
			}
			return nil, pgerr.New(pgerr.FeatureNotSupported, "tables declared WITH OIDS are not supported")
		}
		if !strings.HasPrefix(name, "autovacuum_") && !strings.HasPrefix(name, "toast") && name != "fillfactor" && name != "parallel_workers" {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "unrecognized parameter %q", name)
		}
		val := o.Text
		if o.Kind == syntax.OptionNone {
			val = "true"
		}
		have = append(have, name+"="+val)
	}
	return have, nil
}

func (b *building) element(e syntax.TableElement) error {
	switch e := e.(type) {
	case *syntax.ColumnDef:
		return b.addColumn(e)
	case *syntax.TableLike:
		return b.like(e)
	case *syntax.Constraint:
		return b.collect(e)
	}
	return nil
}

// collect keeps a constraint of the table for when all columns are there.
func (b *building) collect(c *syntax.Constraint) error {
	switch c.Kind {
	case syntax.ConstraintCheck:
		b.checks = append(b.checks, c)
	case syntax.ConstraintNotNull:
		b.nulls = append(b.nulls, c)
	case syntax.ConstraintPrimaryKey, syntax.ConstraintUnique:
		b.keys = append(b.keys, c)
	case syntax.ConstraintForeignKey:
		b.refs = append(b.refs, c)
	default:
		return b.errorIn(c, pgerr.FeatureNotSupported, "exclusion constraints are not supported").
			WithHint("For equality alone a unique constraint does the same.")
	}
	return nil
}

// finish makes the constraints that were collected and puts the table into the catalog.
func (b *building) finish() error {
	t := b.table
	for _, f := range b.laterColumns {
		if err := f(); err != nil {
			return err
		}
	}
	for _, c := range b.checks {
		if err := b.check(c); err != nil {
			return err
		}
	}
	for _, c := range b.nulls {
		if err := b.notNull(c); err != nil {
			return err
		}
	}
	for _, c := range primaryFirst(b.keys) {
		if err := b.key(c); err != nil {
			return err
		}
	}
	for _, c := range b.refs {
		if err := b.foreign(c); err != nil {
			return err
		}
	}
	b.put(t)
	b.planner.building = nil
	return nil
}

// primaryFirst puts the primary key in front.
func primaryFirst(list []*syntax.Constraint) (out []*syntax.Constraint) {
	for _, first := range []bool{true, false} {
		for _, c := range list {
			if (c.Kind == syntax.ConstraintPrimaryKey) == first {
				out = append(out, c)
			}
		}
	}
	return out
}

// serials are the types that are integers with a sequence.
var serials = map[string]datum.OID{
	"smallserial": datum.Int2, "serial2": datum.Int2, "serial": datum.Int4, "serial4": datum.Int4, "bigserial": datum.Int8, "serial8": datum.Int8,
}

// maxColumns is PostgreSQL's limit.
const maxColumns = 1600

// columnType resolves the type of a column; serial says that it wants a sequence.
func (p *planner) columnType(d *syntax.ColumnDef) (t catalog.TypeRef, serial bool, err error) {
	if oid, ok := serials[d.Type.Name.Last()]; ok && len(d.Type.Name) == 1 {
		if len(d.Type.Bounds) > 0 {
			return t, false, p.errorIn(d.Type, pgerr.FeatureNotSupported, "array of serial is not implemented")
		}
		return catalog.TypeRef{OID: oid, Mod: -1}, true, nil
	}
	t, err = bind.TypeNamed(p.bound(), d.Type)
	if err != nil {
		return t, false, err
	}
	typ, _ := p.cat.Resolve(t)
	if i := datum.Lookup(typ.OID); i != nil && i.Typtype == 'p' && typ.OID != datum.Record || t.OID == datum.Record || t.OID == datum.Unknown {
		return t, false, pgerr.New(pgerr.InvalidTableDefinition, "column %q has pseudo-type %s", d.Name, datum.FormatType(typ))
	}
	return t, false, p.collation(d.Collation, typ, d)
}

var collations = map[string]bool{"": true, "default": true, "C": true, "POSIX": true, "ucs_basic": true, "C.utf8": true, "C.UTF-8": true}

func (p *planner) collation(n syntax.Name, t datum.Type, at syntax.Node) error {
	if len(n) == 0 {
		return nil
	}
	if !collations[n.Last()] {
		return p.errorIn(at, pgerr.UndefinedObject, "collation %q for encoding \"UTF8\" does not exist", dotted(n)).
			WithHint("Text is ordered by code point: the collations \"default\" and \"C\" both mean that.")
	}
	if i := datum.Lookup(t.OID); i != nil && i.Category != 'S' {
		return p.errorIn(at, pgerr.DatatypeMismatch, "collations are not supported by type %s", datum.FormatType(t))
	}
	return nil
}

// addColumn adds a column with its constraints.
func (b *building) addColumn(d *syntax.ColumnDef) error {
	t := b.table
	if t.Column(d.Name) != 0 {
		return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", d.Name)
	}
	switch d.Name {
	case "tableoid", "cmax", "cmin", "xmax", "xmin", "ctid":
		return pgerr.New(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", d.Name)
	}
	if len(t.Columns) >= maxColumns {
		return pgerr.New(pgerr.TooManyColumns, "tables can have at most %d columns", maxColumns)
	}
	typ, serial, err := b.columnType(d)
	if err != nil {
		return err
	}
	t.Columns = append(t.Columns, catalog.TableColumn{Physical: t.NextColumn, Name: d.Name, Type: typ, NotNull: serial})
	t.NextColumn++
	c := &columnBuilding{building: b, attr: int16(len(t.Columns)), def: d, serial: serial, nullable: -1}
	return c.constraints()
}

// columnBuilding is a column while its constraints are read.
type columnBuilding struct {
	*building
	attr     int16
	def      *syntax.ColumnDef
	serial   bool
	nullable int // 1 NULL, 0 NOT NULL, -1 not said
	expr     *syntax.Constraint
	sequence *syntax.Constraint
}

func (c *columnBuilding) column() *catalog.TableColumn { return c.table.Attr(c.attr) }

func (c *columnBuilding) constraints() error {
	var last *syntax.Constraint
	for _, x := range c.def.Constraints {
		if x.Kind == syntax.ConstraintAttr {
			if err := c.attribute(last, x); err != nil {
				return err
			}
			continue
		}
		own := *x
		last = &own
		if err := c.constraint(&own); err != nil {
			return err
		}
	}
	return c.value()
}

// attribute says DEFERRABLE, ENFORCED or their like of the constraint before it.
func (c *columnBuilding) attribute(last, x *syntax.Constraint) error {
	if last == nil {
		last = &syntax.Constraint{}
	}
	deferrable := last.Kind == syntax.ConstraintForeignKey || last.Kind == syntax.ConstraintUnique || last.Kind == syntax.ConstraintPrimaryKey
	enforceable := last.Kind == syntax.ConstraintForeignKey || last.Kind == syntax.ConstraintCheck
	for _, a := range []struct {
		to          *syntax.Tristate
		said        syntax.Tristate
		may         bool
		word, words string
	}{
		{&last.Deferrable, x.Deferrable, deferrable, [...]string{"", "DEFERRABLE", "NOT DEFERRABLE"}[x.Deferrable], "DEFERRABLE/NOT DEFERRABLE"},
		{&last.Deferred, x.Deferred, deferrable, [...]string{"", "INITIALLY DEFERRED", "INITIALLY IMMEDIATE"}[x.Deferred], "INITIALLY IMMEDIATE/DEFERRED"},
		{&last.Enforced, x.Enforced, enforceable, [...]string{"", "ENFORCED", "NOT ENFORCED"}[x.Enforced], "ENFORCED/NOT ENFORCED"},
	} {
		switch {
		case a.said == syntax.Unsaid:
			continue
		case !a.may:
			return c.errorIn(x, pgerr.SyntaxError, "misplaced %s clause", a.word)
		case *a.to != syntax.Unsaid:
			return c.errorIn(x, pgerr.SyntaxError, "multiple %s clauses not allowed", a.words)
		}
		*a.to = a.said
	}
	if last.Deferrable == syntax.No && last.Deferred == syntax.Yes {
		return c.errorIn(x, pgerr.SyntaxError, "constraint declared INITIALLY DEFERRED must be DEFERRABLE")
	}
	return nil
}

func (c *columnBuilding) constraint(x *syntax.Constraint) error {
	col := c.column()
	switch x.Kind {
	case syntax.ConstraintNull, syntax.ConstraintNotNull:
		nullable := 0
		if x.Kind == syntax.ConstraintNull {
			nullable = 1
		}
		if c.nullable >= 0 && c.nullable != nullable || nullable == 1 && (c.serial || c.sequence != nil) {
			return c.errorIn(x, pgerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column %q of table %q", col.Name, c.table.Name)
		}
		c.nullable = nullable
		col.NotNull = col.NotNull || nullable == 0
		if x.Name != "" || x.NoInherit {
			x.Columns = []syntax.Ident{{At: x.At, Name: col.Name}}
			c.nulls = append(c.nulls, x)
		}
	case syntax.ConstraintDefault, syntax.ConstraintGenerated:
		if c.serial || c.expr != nil && c.expr.Kind == x.Kind {
			return c.errorIn(x, pgerr.SyntaxError, "multiple %s specified for column %q of table %q",
				map[syntax.ConstraintKind]string{syntax.ConstraintDefault: "default values", syntax.ConstraintGenerated: "generation clauses"}[x.Kind], col.Name, c.table.Name)
		}
		if c.expr != nil {
			return c.errorIn(x, pgerr.SyntaxError, "both default and generation expression specified for column %q of table %q", col.Name, c.table.Name)
		}
		c.expr = x
	case syntax.ConstraintIdentity:
		if c.sequence != nil {
			return c.errorIn(x, pgerr.SyntaxError, "multiple identity specifications for column %q of table %q", col.Name, c.table.Name)
		}
		if c.nullable == 1 {
			return c.errorIn(x, pgerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column %q of table %q", col.Name, c.table.Name)
		}
		c.sequence, col.NotNull = x, true
	case syntax.ConstraintCheck:
		c.checks = append(c.checks, x)
	case syntax.ConstraintPrimaryKey, syntax.ConstraintUnique:
		x.Columns = []syntax.Ident{{At: x.At, Name: col.Name}}
		c.keys = append(c.keys, x)
	case syntax.ConstraintForeignKey:
		x.Columns = []syntax.Ident{{At: x.At, Name: col.Name}}
		c.refs = append(c.refs, x)
	default:
		return c.errorIn(x, pgerr.FeatureNotSupported, "exclusion constraints are not supported")
	}
	return nil
}

// value gives the column its default, its sequence or the expression that it is generated from.
func (c *columnBuilding) value() error {
	col := c.column()
	switch {
	case c.sequence != nil && (c.expr != nil || c.serial):
		word := "default"
		if c.expr != nil && c.expr.Kind == syntax.ConstraintGenerated {
			return c.errorIn(c.sequence, pgerr.SyntaxError, "both identity and generation expression specified for column %q of table %q", col.Name, c.table.Name)
		}
		return c.errorIn(c.sequence, pgerr.SyntaxError, "both %s and identity specified for column %q of table %q", word, col.Name, c.table.Name)
	case c.serial:
		s, err := c.ownSequence(c.table, col.Name, c.attr, col.Type.OID, false, nil)
		if err != nil {
			return err
		}
		col.Default = nextOf(s.ID)
		return c.ids(&col.DefaultID)
	case c.sequence != nil:
		return c.identity(col, c.sequence.Always, c.sequence.Sequence)
	case c.expr == nil:
		return nil
	case c.expr.Kind == syntax.ConstraintDefault:
		return c.setDefault(col, c.expr.Expr)
	}
	col.Virtual = c.expr.Virtual
	return c.generated(col, c.expr.Expr)
}

// identity makes an identity column.
func (b *building) identity(col *catalog.TableColumn, always bool, options []*syntax.SequenceOption) error {
	typ, _ := b.cat.Resolve(col.Type)
	if _, ok := sequenceRange[typ.OID]; !ok {
		return pgerr.New(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
	}
	if col.Identity = "d"; always {
		col.Identity = "a"
	}
	_, err := b.ownSequence(b.table, col.Name, b.table.Column(col.Name), typ.OID, true, options)
	return err
}

// nextOf is the default of a column with a sequence.
func nextOf(seq datum.OID) catalog.Expression {
	return catalog.Expression{Text: "nextval('" + itoa(seq) + "'::regclass)", Uses: []datum.OID{seq}}
}

// setDefault gives a column a default; DEFAULT NULL is none.
func (b *building) setDefault(col *catalog.TableColumn, x syntax.Expr) error {
	if c, ok := x.(*syntax.Const); ok && c.Kind == syntax.NullConst {
		col.Default, col.DefaultID = catalog.Expression{}, 0
		return nil
	}
	typ, _ := b.cat.Resolve(col.Type)
	var err error
	var e expr.Expr
	if col.Default, e, err = b.expression(x, nil, bind.Place{What: "DEFAULT expression", To: &typ, Column: col.Name}); err != nil {
		return err
	}
	if col.Default, err = b.readLiteral(x, e, col.Default); err != nil {
		return err
	}
	return b.ids(&col.DefaultID)
}

// readLiteral is a default as it is stored: a literal is read once, with the settings that it was written under.
func (p *planner) readLiteral(x syntax.Expr, e expr.Expr, stored catalog.Expression) (catalog.Expression, error) {
	lit, ok := x.(*syntax.Const)
	if !ok || lit.Kind != syntax.StringConst {
		return stored, nil
	}
	_, read := e.(*expr.Const)
	if cast, ok := e.(*expr.Cast); ok {
		_, read = cast.Arg.(*expr.Const)
	}
	if !read {
		return stored, nil
	}
	x, err := syntax.ParseExpr(expr.Show(e, false, &datum.Env{ExtraFloatDigits: 1}))
	if err != nil {
		return stored, err
	}
	return p.stored(x)
}

// generated makes a column one that is computed from others.
func (b *building) generated(col *catalog.TableColumn, x syntax.Expr) error {
	typ, _ := b.cat.Resolve(col.Type)
	name := col.Name
	b.laterColumns = append(b.laterColumns, func() error {
		col := b.table.Attr(b.table.Column(name))
		for _, a := range columnsOf(b.table, x) {
			other := b.table.Attr(a)
			if other.Generated.Text != "" || other == col {
				e := pgerr.New(pgerr.InvalidObjectDefinition, "cannot use generated column %q in column generation expression", other.Name)
				return e.WithDetail("A generated column cannot reference another generated column.")
			}
		}
		var err error
		if col.Generated, _, err = b.expression(x, b.relation(), bind.Place{What: "column generation expression", Columns: true, To: &typ, Column: name,
			Immutable: "generation expression is not immutable"}); err != nil {
			return err
		}
		return b.ids(&col.DefaultID)
	})
	return nil
}
