package bind

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// windows are the windows of one SELECT. In its expressions stand the calls over them (windowCall), until the grouping is
// known and they become columns of Window nodes.
type windows struct {
	frame *frame // of the definitions
	named []*window
	all   []*window
	calls []*windowCall
}

// window is a definition.
type window struct {
	name      string
	partition []expr.Expr
	order     []plan.SortKey
	frame     plan.Frame
	framed    bool // it says its frame
}

// windowCall is a call over a window, as an expression.
type windowCall struct {
	call   plan.WindowCall // Args and Filter are in args
	window *window
	args   []expr.Expr // the filter, if there is one, is the last
}

func (c *windowCall) Type() datum.Type      { return c.call.Typ }
func (c *windowCall) Children() []expr.Expr { return c.args }

func (c *windowCall) WithChildren(args []expr.Expr) expr.Expr {
	n := *c
	n.args = args
	return &n
}

func (c *windowCall) String() string {
	x := c.finished()
	return x.String() + " OVER"
}

// finished is the call with its operands.
func (c *windowCall) finished() plan.WindowCall {
	out := c.call
	out.Args = c.args
	if out.Filter != nil {
		last := len(c.args) - 1
		out.Args, out.Filter = c.args[:last:last], c.args[last]
	}
	return out
}

// add gives the call, or one that was made before and is the same.
func (w *windows) add(c *windowCall) *windowCall {
	for _, o := range w.calls {
		if o.window == c.window && sameWindowCall(o.finished(), c.finished()) {
			return o
		}
	}
	w.calls = append(w.calls, c)
	return c
}

func sameWindowCall(a, b plan.WindowCall) bool {
	return a.Fn == b.Fn && a.Agg == b.Agg && a.Typ == b.Typ && expr.Equal(a.Filter, b.Filter) && plan.EqualFrames(a.Frame, b.Frame) &&
		slices.EqualFunc(a.Args, b.Args, func(x, y expr.Expr) bool { return expr.Equal(x, y) && !expr.IsVolatile(x) })
}

// define binds the WINDOW clause.
func (w *windows) define(list []*syntax.Window) error {
	for _, x := range list {
		if slices.ContainsFunc(w.named, func(o *window) bool { return o.name == x.Name }) {
			return w.frame.errorIn(x, pgerr.WindowingError, "window %q is already defined", x.Name)
		}
		d, err := w.bind(x)
		if err != nil {
			return err
		}
		d.name = x.Name
		w.named = append(w.named, d)
	}
	return nil
}

func (w *windows) find(x *syntax.Window) (*window, error) {
	for _, d := range w.named {
		if d.name == x.Ref {
			return d, nil
		}
	}
	return nil, w.frame.errorIn(x, pgerr.UndefinedObject, "window %q does not exist", x.Ref)
}

// over gives the window of an OVER clause.
func (w *windows) over(x *syntax.Window) (*window, error) {
	if x.Bare {
		return w.find(x)
	}
	d, err := w.bind(x)
	if err != nil {
		return nil, err
	}
	for _, o := range w.all[:len(w.all)-1] {
		if sameWindow(o, d) && plan.EqualFrames(o.frame, d.frame) {
			w.all = w.all[:len(w.all)-1]
			return o, nil
		}
	}
	return d, nil
}

func sameWindow(a, b *window) bool {
	return slices.EqualFunc(a.partition, b.partition, expr.Equal) && plan.EqualKeys(a.order, b.order)
}

// bind binds a definition, which may begin with another.
func (w *windows) bind(x *syntax.Window) (*window, error) {
	f := w.frame
	d := &window{frame: plan.DefaultFrame, framed: x.Frame != nil}
	if x.Ref != "" {
		base, err := w.find(x)
		if err != nil {
			return nil, err
		}
		switch {
		case len(x.PartitionBy) > 0:
			return nil, f.errorIn(x, pgerr.WindowingError, "cannot override PARTITION BY clause of window %q", x.Ref)
		case len(x.OrderBy) > 0 && len(base.order) > 0:
			return nil, f.errorIn(x, pgerr.WindowingError, "cannot override ORDER BY clause of window %q", x.Ref)
		case base.framed:
			e := f.errorIn(x, pgerr.WindowingError, "cannot copy window %q because it has a frame clause", x.Ref)
			if x.Name == "" && len(x.OrderBy) == 0 && x.Frame == nil {
				e = e.WithHint("Omit the parentheses in this OVER clause.")
			}
			return nil, e
		}
		d.partition, d.order = base.partition, base.order
	}
	for _, p := range x.PartitionBy {
		e, err := f.windowKey(p)
		if err == nil {
			err = f.hasEquality(e.Type(), p)
		}
		if err != nil {
			return nil, err
		}
		d.partition = append(d.partition, e)
	}
	for _, it := range x.OrderBy {
		e, err := f.windowKey(it.Expr)
		if err != nil {
			return nil, err
		}
		k, err := f.sortKey(it, e)
		if err != nil {
			return nil, err
		}
		d.order = append(d.order, k)
	}
	if x.Frame != nil {
		var err error
		if d.frame, err = f.windowFrame(x, d.order); err != nil {
			return nil, err
		}
	}
	w.all = append(w.all, d)
	return d, nil
}

func (f *frame) windowKey(x syntax.Expr) (expr.Expr, error) {
	e, err := f.bind(x)
	if err != nil {
		return nil, err
	}
	return f.settled(e, x)
}

// windowFrame binds the frame clause of a window.
func (f *frame) windowFrame(w *syntax.Window, order []plan.SortKey) (out plan.Frame, err error) {
	x := w.Frame
	offsets := x.Start.Expr != nil || x.End.Expr != nil
	switch {
	case x.Mode == syntax.FrameRange && offsets && len(order) != 1:
		return out, f.errorIn(w, pgerr.WindowingError, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
	case x.Mode == syntax.FrameGroups && len(order) == 0:
		return out, f.errorIn(w, pgerr.WindowingError, "GROUPS mode requires an ORDER BY clause")
	}
	out = plan.Frame{Mode: x.Mode, Start: plan.FrameBound{Kind: x.Start.Kind}, End: plan.FrameBound{Kind: x.End.Kind}, Exclude: x.Exclude}
	if out.Start.Offset, err = f.frameOffset(x.Mode, x.Start.Expr, order); err != nil {
		return out, err
	}
	out.End.Offset, err = f.frameOffset(x.Mode, x.End.Expr, order)
	return out, err
}

var frameModeNames = [...]string{syntax.FrameRange: "RANGE", syntax.FrameRows: "ROWS", syntax.FrameGroups: "GROUPS"}

// frameOffset binds the offset of a bound: without columns of the row, and of a type that the mode can count with.
func (f *frame) frameOffset(mode syntax.FrameMode, x syntax.Expr, order []plan.SortKey) (expr.Expr, error) {
	if x == nil {
		return nil, nil
	}
	in := *f
	in.what, in.aggs, in.windows, in.novar = "window "+frameModeNames[mode], nil, nil, true
	e, err := in.bind(x)
	if err != nil {
		return nil, err
	}
	if mode != syntax.FrameRange {
		if !canCoerce(e.Type().OID, datum.Int8, funcs.Assignment) {
			return nil, f.errorOf(x, pgerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", frameModeNames[mode], formatType(e.Type()))
		}
		return f.coerce(e, datum.T(datum.Int8), funcs.Assignment, x)
	}
	return f.rangeOffset(e, order[0].Expr.Type(), x)
}

// rangeOffset converts the offset of RANGE to the type that goes with the ordering column's.
func (f *frame) rangeOffset(e expr.Expr, column datum.Type, x syntax.Expr) (expr.Expr, error) {
	at := x
	if c, ok := x.(*syntax.Cast); ok {
		if lit, ok := c.X.(*syntax.Const); ok {
			at = lit
		}
	}
	types := funcs.RangeOffsets(column.OID)
	if len(types) == 0 {
		return nil, f.errorOf(at, pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s", formatType(column))
	}
	own := e.Type().OID
	preferred := own
	if own == datum.Unknown {
		preferred = column.OID
	}
	var fit []datum.OID
	for _, t := range types {
		if canCoerce(own, t, funcs.Implicit) {
			fit = append(fit, t)
		}
		if t == preferred {
			fit = []datum.OID{t}
			break
		}
	}
	switch len(fit) {
	case 0:
		return nil, f.errorOf(at, pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s",
			formatType(column), formatType(e.Type())).WithHint("Cast the offset value to an appropriate type.")
	case 1:
		return f.coerce(e, datum.T(fit[0]), funcs.Implicit, x)
	}
	return nil, f.errorOf(at, pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING has multiple interpretations for column type %s and offset type %s",
		formatType(column), formatType(e.Type())).WithHint("Cast the offset value to the exact intended type.")
}
