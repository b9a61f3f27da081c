package plan

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Window computes functions of each row and the rows around it: those of its partition in the window's order. Its columns
// are those of the input that Keep lists, then the calls. Partitions come out one after the other, in the order of their keys
// unless AnyOrder is set, and each in its order. Sorted says that the input comes in that order already. With Run only the rows at
// the beginning of each partition come for which that holds.
type Window struct {
	Input     Node
	Partition []expr.Expr
	Order     []SortKey
	Calls     []WindowCall
	Keep      []int
	Sorted    bool
	AnyOrder  bool
	Run       *RunCondition
	Fields    []Field
}

// RunCondition says that a call of row_number, rank or dense_rank is at most Limit (whole numbers; without columns, evaluated once).
type RunCondition struct {
	Call  int
	Limit expr.Expr
}

// WindowCall is a call of a window function (Fn) or of an aggregate (Agg) over a window.
type WindowCall struct {
	Fn     *funcs.Window
	Agg    *funcs.Aggregate
	Args   []expr.Expr
	Filter expr.Expr // of an aggregate; may be nil
	Frame  Frame
	Typ    datum.Type
}

// Frame says which rows of the partition a call looks at, seen from a row.
type Frame struct {
	Mode       syntax.FrameMode
	Start, End FrameBound
	Exclude    syntax.FrameExclude
}

// FrameBound is one end of a frame. Offset is set for FramePreceding and FrameFollowing; it has no columns of the input and
// is evaluated once: a bigint, or for RANGE a type that funcs.RangeOffsets gives for the column of the window's order.
type FrameBound struct {
	Kind   syntax.FrameBoundKind
	Offset expr.Expr
}

// DefaultFrame is the frame of a window that does not say: from the first row to the row's last peer.
var DefaultFrame = Frame{Start: FrameBound{Kind: syntax.FrameUnboundedPreceding}, End: FrameBound{Kind: syntax.FrameCurrentRow}}

// Framed reports whether the call depends on its frame.
func (c *WindowCall) Framed() bool { return c.Fn == nil || c.Fn.Framed }

// Name is the function's name.
func (c *WindowCall) Name() string {
	if c.Fn != nil {
		return c.Fn.Name
	}
	return c.Agg.Name
}

// Schema implements Node.
func (w *Window) Schema() []Field { return w.Fields }

// Children implements Node.
func (w *Window) Children() []Node { return []Node{w.Input} }

// WithChildren implements Node.
func (w *Window) WithChildren(in []Node) Node { n := *w; n.Input = in[0]; return &n }

// Describe implements Node.
func (w *Window) Describe() string { return "WindowAgg" }

// Details implements Node.
func (w *Window) Details() []string {
	var out []string
	if len(w.Partition) > 0 {
		out = append(out, "Partition By: "+list(w.Partition))
	}
	if len(w.Order) > 0 {
		out = append(out, "Order By: "+sortKeys(w.Order))
	}
	if w.Sorted && len(w.Partition)+len(w.Order) > 0 {
		out = append(out, "Presorted: true")
	}
	if r := w.Run; r != nil {
		out = append(out, "Run Condition: ("+w.Calls[r.Call].Name()+"() OVER (?) <= "+r.Limit.String()+")")
	}
	calls := make([]string, len(w.Calls))
	for i := range w.Calls {
		calls[i] = w.Calls[i].String()
	}
	return append(out, "Functions: "+strings.Join(calls, ", "))
}

// String prints the call as SQL, without the window that it is over but for the frame.
func (c *WindowCall) String() string {
	var b strings.Builder
	b.WriteString(c.Name() + "(")
	if c.Agg != nil && len(c.Args) == 0 {
		b.WriteByte('*')
	}
	b.WriteString(list(c.Args) + ")")
	if c.Filter != nil {
		b.WriteString(" FILTER (WHERE " + c.Filter.String() + ")")
	}
	if c.Framed() {
		b.WriteString(" " + c.Frame.String())
	}
	return b.String()
}

var (
	frameModes  = [...]string{syntax.FrameRange: "RANGE", syntax.FrameRows: "ROWS", syntax.FrameGroups: "GROUPS"}
	frameBounds = [...]string{syntax.FrameUnboundedPreceding: "UNBOUNDED PRECEDING", syntax.FramePreceding: "PRECEDING",
		syntax.FrameCurrentRow: "CURRENT ROW", syntax.FrameFollowing: "FOLLOWING", syntax.FrameUnboundedFollowing: "UNBOUNDED FOLLOWING"}
	frameExcludes = [...]string{syntax.ExcludeNoOthers: "", syntax.ExcludeCurrentRow: " EXCLUDE CURRENT ROW",
		syntax.ExcludeGroup: " EXCLUDE GROUP", syntax.ExcludeTies: " EXCLUDE TIES"}
)

// String prints the frame as SQL.
func (f Frame) String() string {
	return frameModes[f.Mode] + " BETWEEN " + f.Start.String() + " AND " + f.End.String() + frameExcludes[f.Exclude]
}

// String prints the bound as SQL.
func (b FrameBound) String() string {
	if b.Offset != nil {
		return b.Offset.String() + " " + frameBounds[b.Kind]
	}
	return frameBounds[b.Kind]
}

// EqualFrames reports whether two frames are the same.
func EqualFrames(a, b Frame) bool {
	return a.Mode == b.Mode && a.Exclude == b.Exclude && a.Start.Kind == b.Start.Kind && a.End.Kind == b.End.Kind &&
		expr.Equal(a.Start.Offset, b.Start.Offset) && expr.Equal(a.End.Offset, b.End.Offset)
}

// EqualKeys reports whether two lists of keys order alike.
func EqualKeys(a, b []SortKey) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Desc != b[i].Desc || a[i].NullsFirst != b[i].NullsFirst || !expr.Equal(a[i].Expr, b[i].Expr) {
			return false
		}
	}
	return true
}

// SortKeys are the keys that the rows come out ordered by: the partition, ascending, then the order.
func (w *Window) SortKeys() []SortKey {
	var out []SortKey
	for _, p := range w.Partition {
		out = append(out, SortKey{Expr: p})
	}
	return append(out, w.Order...)
}

func (m *mapper) window(n *Window) *Window {
	c := *n
	c.Partition, c.Order = m.list(n.Partition), m.keys(n.Order)
	c.Calls = make([]WindowCall, len(n.Calls))
	for i, call := range n.Calls {
		call.Args, call.Filter = m.list(call.Args), m.one(call.Filter)
		call.Frame.Start.Offset, call.Frame.End.Offset = m.one(call.Frame.Start.Offset), m.one(call.Frame.End.Offset)
		c.Calls[i] = call
	}
	if n.Run != nil {
		c.Run = &RunCondition{Call: n.Run.Call, Limit: m.one(n.Run.Limit)}
	}
	return &c
}
