package syntax

// Const is a literal without a type of its own choosing.
type Const struct {
	At
	Kind ConstKind
	// Text is the value: digits for numbers (10 for 0xA and 1_0: an integer that fits 64 bits is written in decimal),
	// the decoded text for strings, "true" or "false", digits for bit strings.
	Text string
}

// ConstKind tells literals apart.
type ConstKind uint8

// The kinds of literals.
const (
	NullConst    ConstKind = iota
	BoolConst              // TRUE, FALSE
	IntConst               // fits into int32
	DecimalConst           // any other number: 1.5, 1e10, 12345678901
	StringConst
	BitConst // B'101'
	HexConst // X'1F'
)

// Param is $n.
type Param struct {
	At
	N int
}

// ColumnRef is a name that stands for a column (or a row of a table): a, t.a, s.t.a, and t.* or * with Star.
// What the dots mean is for the binder to find out.
type ColumnRef struct {
	At
	Name Name // empty for a lone star
	Star bool
}

// Indirection is x[1], x[1:2].f, (x).f, (x).*: subscripts and fields taken from X, in order.
type Indirection struct {
	At
	X     Expr
	Steps []Step
}

// Step is one step of an Indirection: a field when Field is not "", all fields with Star, else a subscript.
type Step struct {
	At
	Field string
	Star  bool
	Slice bool // [Lower:Upper], both may be nil; otherwise [Lower]
	Lower Expr
	Upper Expr
}

// Operator is an operator's name; Schema is set for OPERATOR(schema.op).
type Operator struct {
	Schema Name
	Name   string
}

// Unary is a prefix operator.
type Unary struct {
	At
	Op Operator
	X  Expr
}

// Binary is an infix operator: arithmetic, comparison, and any symbolic operator; <> is "<>" however it was written.
type Binary struct {
	At
	Op   Operator
	L, R Expr
}

// Logic is a AND b AND c, or the same with OR. It has at least two arguments.
type Logic struct {
	At
	Or   bool
	Args []Expr
}

// Not is NOT x.
type Not struct {
	At
	X Expr
}

// IsTest is x IS [NOT] NULL and its relatives.
type IsTest struct {
	At
	X    Expr
	Not  bool
	Kind IsKind
	Form string // of IS NFC NORMALIZED: "nfc" and so on, "" when not given
}

// IsKind tells the tests apart.
type IsKind uint8

// The tests.
const (
	IsNull IsKind = iota
	IsTrue
	IsFalse
	IsUnknown
	IsDocument
	IsNormalized
)

// IsJSON is x IS [NOT] JSON [VALUE|ARRAY|OBJECT|SCALAR] [WITH UNIQUE KEYS].
type IsJSON struct {
	At
	X      Expr
	Not    bool
	Item   string // "", "array", "object", "scalar"
	Unique bool
}

// IsDistinct is l IS [NOT] DISTINCT FROM r.
type IsDistinct struct {
	At
	L, R Expr
	Not  bool
}

// Between is x [NOT] BETWEEN [SYMMETRIC] lo AND hi.
type Between struct {
	At
	X, Lo, Hi Expr
	Not       bool
	Symmetric bool
}

// In is x [NOT] IN (list) or x [NOT] IN (query): Query is nil for a list.
type In struct {
	At
	X     Expr
	Not   bool
	List  []Expr
	Query *Query
}

// Like is x [NOT] LIKE pattern [ESCAPE e], and ILIKE and SIMILAR TO.
type Like struct {
	At
	Kind    LikeKind
	Not     bool
	X       Expr
	Pattern Expr
	Escape  Expr // nil when not given
}

// LikeKind tells the pattern matches apart.
type LikeKind uint8

// The pattern matches.
const (
	LikeMatch LikeKind = iota
	ILikeMatch
	SimilarMatch
)

// Quantified is x op ANY (…) or x op ALL (…) over an array or a query. SOME is ANY; LIKE ANY has the operator ~~.
type Quantified struct {
	At
	X     Expr
	Op    Operator
	All   bool
	Array Expr   // nil with Query
	Query *Query // nil with Array
}

// Exists is EXISTS (query).
type Exists struct {
	At
	Query *Query
}

// Subquery is a query in parentheses that stands for one value or row, or stands on the right of UPDATE … SET (a, b) =.
type Subquery struct {
	At
	Query *Query
}

// ArrayQuery is ARRAY(query).
type ArrayQuery struct {
	At
	Query *Query
}

// ArrayExpr is ARRAY[…]; the rows of ARRAY[[1,2],[3,4]] are ArrayExprs too.
type ArrayExpr struct {
	At
	Elems []Expr
}

// Row is ROW(…), or (a, b) with Explicit false.
type Row struct {
	At
	Elems    []Expr
	Explicit bool
}

// Cast is CAST(x AS type), x::type, type 'literal' and interval '1' day.
type Cast struct {
	At
	X    Expr
	Type *TypeName
}

// Collate is x COLLATE name.
type Collate struct {
	At
	X    Expr
	Name Name
}

// AtTimeZone is x AT TIME ZONE zone; Zone is nil for AT LOCAL.
type AtTimeZone struct {
	At
	X    Expr
	Zone Expr
}

// Case is CASE [x] WHEN … THEN … ELSE … END; X and Else may be nil.
type Case struct {
	At
	X     Expr
	Whens []*When
	Else  Expr
}

// When is one branch of a Case.
type When struct {
	At
	Cond, Then Expr
}

// Special is one of the functions that are syntax: COALESCE, NULLIF (two arguments), GREATEST, LEAST, GROUPING.
type Special struct {
	At
	Kind SpecialKind
	Args []Expr
}

// SpecialKind tells the kinds of Special apart.
type SpecialKind uint8

// The functions that are syntax.
const (
	Coalesce SpecialKind = iota
	NullIf
	Greatest
	Least
	Grouping
)

// SQLValue is CURRENT_DATE and its relatives, which look like columns but are functions.
type SQLValue struct {
	At
	Name      string // in lower case: "current_date", "localtimestamp", "session_user", "user"…
	Precision int    // of CURRENT_TIMESTAMP(3); -1 when not given
}

// FuncCall is a call of a function, aggregate or window function.
//
// With SQLSyntax the call was written in words; Name is then the function in pg_catalog that it means and Args are in
// that function's order: EXTRACT(f FROM x) is extract('f', x); SUBSTRING(s FROM a FOR b) substring(s, a, b) or
// substring(s SIMILAR p ESCAPE e) likewise; POSITION(a IN b) position(b, a); TRIM btrim, ltrim, rtrim; OVERLAY overlay;
// NORMALIZE normalize(x, 'NFC'); (a, b) OVERLAPS (c, d) overlaps(a, b, c, d); COLLATION FOR (x) pg_collation_for(x);
// SYSTEM_USER system_user(); XMLEXISTS xmlexists.
type FuncCall struct {
	At
	Name        Name
	Args        []Arg
	Star        bool // count(*)
	Variadic    bool // the last argument is VARIADIC
	Distinct    bool
	OrderBy     []*SortItem // inside the parentheses
	WithinGroup []*SortItem
	Filter      Expr
	Over        *Window
	SQLSyntax   bool
}

// Arg is one argument of a call; Name is set for name => value.
type Arg struct {
	Name string
	Expr Expr
}

// Default is DEFAULT in VALUES or SET.
type Default struct{ At }

// CurrentOf is WHERE CURRENT OF cursor.
type CurrentOf struct {
	At
	Cursor string
	Param  int // WHERE CURRENT OF $n; 0 otherwise
}

// TypeName is a type. Types that the grammar knows have their catalog name: int is pg_catalog.int4,
// char is pg_catalog.bpchar with modifier 1, and so on.
type TypeName struct {
	At
	Name   Name
	SetOf  bool
	PctOf  bool // name%TYPE
	Mods   []Expr
	Bounds []int // one per array dimension, -1 when not given
	// Fields are the interval fields, in lower case: "year to month", "second". Mods then hold the precision, if any.
	Fields string
}

func (*Const) expr()       {}
func (*Param) expr()       {}
func (*ColumnRef) expr()   {}
func (*Indirection) expr() {}
func (*Unary) expr()       {}
func (*Binary) expr()      {}
func (*Logic) expr()       {}
func (*Not) expr()         {}
func (*IsTest) expr()      {}
func (*IsJSON) expr()      {}
func (*IsDistinct) expr()  {}
func (*Between) expr()     {}
func (*In) expr()          {}
func (*Like) expr()        {}
func (*Quantified) expr()  {}
func (*Exists) expr()      {}
func (*Subquery) expr()    {}
func (*ArrayQuery) expr()  {}
func (*ArrayExpr) expr()   {}
func (*Row) expr()         {}
func (*Cast) expr()        {}
func (*Collate) expr()     {}
func (*AtTimeZone) expr()  {}
func (*Case) expr()        {}
func (*Special) expr()     {}
func (*SQLValue) expr()    {}
func (*FuncCall) expr()    {}
func (*Default) expr()     {}
func (*CurrentOf) expr()   {}
