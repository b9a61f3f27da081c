package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// maxPathItems bounds what one evaluation may find.
const maxPathItems = 5_000_000

// pathItem is what a path works on: a JSON value, or a date or time that datetime() made.
type pathItem struct {
	v    jsonb.Value
	typ  datum.OID // of a date or time, 0 for a JSON value
	at   int64
	east int64 // the zone that a timestamp was written in
}

// kind of a date or time is that of nothing else.
func (it pathItem) is(k jsonb.Kind) bool { return it.typ == 0 && it.v.Kind() == k }

func (it pathItem) number() (decimal.Dec, bool) {
	if it.is(jsonb.Numeric) {
		return jsonb.Number(it.v), true
	}
	return decimal.Dec{}, false
}

func numberItem(d decimal.Dec) pathItem {
	var b jsonb.Builder
	b.Number(d)
	return pathItem{v: b.AppendTo(nil)}
}

func stringItem(s string) pathItem {
	var b jsonb.Builder
	b.String(s)
	return pathItem{v: b.AppendTo(nil)}
}

// pathRun evaluates the nodes of a path. Lists that are found are appended to; where only existence is asked for, the list
// is nil and the first find ends the work.
type pathRun struct {
	ctx     *Ctx
	path    *datum.Path
	vars    jsonb.Value
	root    pathItem
	current pathItem
	size    int  // of the innermost array that is subscripted, -1 outside
	lax     bool // arrays are unwrapped and made where they are wanted
	lenient bool // what is missing is no fault
	tz      bool
	steps   int
}

// item applies a node, and what follows it, to it; unwrap says that an array may stand for its elements.
func (r *pathRun) item(n *datum.PathNode, it pathItem, found *[]pathItem, unwrap bool) (bool, error) {
	if r.steps++; r.steps&0xfff == 0 && r.ctx.Context != nil {
		if err := r.ctx.Context.Err(); err != nil {
			return false, err
		}
	}
	switch {
	case n.Op >= datum.PathOr && n.Op <= datum.PathLikeRegex:
		if n.Next == nil && found == nil {
			return true, nil
		}
		t, err := r.test(n, it)
		if err != nil {
			return false, err
		}
		return r.next(n, t.item(), found)
	case n.Op >= datum.PathAdd && n.Op <= datum.PathMinus:
		return r.arithmetic(n, it, found)
	case n.Op >= datum.PathKey:
		return r.step(n, it, found, unwrap)
	}
	return r.value(n, found)
}

// next goes on with the step after n, or notes what was found.
func (r *pathRun) next(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	if n != nil && n.Next != nil {
		return r.item(n.Next, it, found, r.lax)
	}
	if found != nil {
		if *found = append(*found, it); len(*found) > maxPathItems {
			return false, pgerr.New(pgerr.ProgramLimitExceeded, "a path finds more than %d items", maxPathItems)
		}
	}
	return true, nil
}

func (r *pathRun) value(n *datum.PathNode, found *[]pathItem) (bool, error) {
	var b jsonb.Builder
	switch n.Op {
	case datum.PathRoot:
		return r.next(n, r.root, found)
	case datum.PathCurrent:
		return r.next(n, r.current, found)
	case datum.PathNull:
		b.Null()
	case datum.PathTrue, datum.PathFalse:
		b.Bool(n.Op == datum.PathTrue)
	case datum.PathString:
		b.String(n.Text)
	case datum.PathNumber:
		b.Number(n.Num)
	case datum.PathLast:
		b.Int64(int64(r.size - 1))
	case datum.PathVariable:
		v, ok := jsonb.Value(nil), false
		if r.vars != nil {
			v, ok = jsonb.Get(r.vars, n.Text)
		}
		if !ok {
			return false, pgerr.New(pgerr.UndefinedObject, "could not find jsonpath variable \"%s\"", n.Text)
		}
		b.Value(v)
	}
	return r.next(n, pathItem{v: b.AppendTo(nil)}, found)
}

// elements applies node n, nil for none, to what is in a container, first to last levels down.
func (r *pathRun) elements(n *datum.PathNode, v jsonb.Value, found *[]pathItem, level, first, last uint32, lenient, unwrap bool) (bool, error) {
	if level > last {
		return false, nil
	}
	ok := false
	var err error
	visit := func(e jsonb.Value) bool {
		container := e.Kind() == jsonb.Array || e.Kind() == jsonb.Object
		if level >= first || first == datum.PathDeepest && last == datum.PathDeepest && !container {
			var hit bool
			switch {
			case n != nil:
				saved := r.lenient
				r.lenient = r.lenient || lenient
				hit, err = r.item(n, pathItem{v: e}, found, unwrap)
				r.lenient = saved
			default:
				hit, err = r.next(nil, pathItem{v: e}, found)
			}
			if ok = ok || hit; err != nil || hit && found == nil {
				return false
			}
		}
		if level < last && container {
			hit, bad := r.elements(n, e, found, level+1, first, last, lenient, unwrap)
			ok, err = ok || hit, bad
			return err == nil && !(hit && found == nil)
		}
		return true
	}
	if v.Kind() == jsonb.Array {
		jsonb.EachElem(v, func(_ int, e jsonb.Value) bool { return visit(e) })
	} else {
		jsonb.EachField(v, func(_ []byte, e jsonb.Value) bool { return visit(e) })
	}
	return ok, err
}

// unwrapped applies n to the elements of an array.
func (r *pathRun) unwrapped(n *datum.PathNode, it pathItem, found *[]pathItem, deeper bool) (bool, error) {
	return r.elements(n, it.v, found, 1, 1, 1, false, deeper)
}

// operand gives all that a node finds, in lax mode with the elements in place of arrays.
func (r *pathRun) operand(n *datum.PathNode, it pathItem, unwrap bool) ([]pathItem, error) {
	var list []pathItem
	if _, err := r.item(n, it, &list, r.lax); err != nil || !unwrap || !r.lax {
		return list, err
	}
	var out []pathItem
	for _, e := range list {
		if !e.is(jsonb.Array) {
			out = append(out, e)
		} else if _, err := r.unwrapped(nil, e, &out, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *pathRun) arithmetic(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	if n.Op == datum.PathPlus || n.Op == datum.PathMinus {
		return r.signed(n, it, found)
	}
	left, err := r.operand(n.Left, it, true)
	if err != nil {
		return false, err
	}
	right, err := r.operand(n.Right, it, true)
	if err != nil {
		return false, err
	}
	x, ok := single(left)
	if !ok {
		return false, fault(singletonNeeded, "left operand of jsonpath operator %s is not a single numeric value", n.Op.Symbol())
	}
	y, ok := single(right)
	if !ok {
		return false, fault(singletonNeeded, "right operand of jsonpath operator %s is not a single numeric value", n.Op.Symbol())
	}
	ops := map[datum.PathOp]func(x, y decimal.Dec) (decimal.Dec, error){datum.PathAdd: decimal.Dec.Add, datum.PathSub: decimal.Dec.Sub,
		datum.PathMul: decimal.Dec.Mul, datum.PathDiv: decimal.Dec.Quo, datum.PathMod: decimal.Dec.Rem}
	v, err := ops[n.Op](x, y)
	if err != nil {
		return false, asFault(numericError(err))
	}
	if n.Next == nil && found == nil {
		return true, nil
	}
	return r.next(n, numberItem(v), found)
}

// asFault makes an error of a function a fault of the path.
func asFault(err error) error {
	if e, ok := err.(*pgerr.Error); ok {
		return &pathFault{e}
	}
	return err
}

func single(list []pathItem) (decimal.Dec, bool) {
	if len(list) != 1 {
		return decimal.Dec{}, false
	}
	return list[0].number()
}

func (r *pathRun) signed(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	list, err := r.operand(n.Left, it, true)
	if err != nil {
		return false, err
	}
	ok := false
	for _, e := range list {
		d, isNumber := e.number()
		if !isNumber {
			if found == nil && n.Next == nil {
				continue
			}
			return false, fault(numberNotFound, "operand of unary jsonpath operator %s is not a numeric value", n.Op.Symbol())
		}
		if found == nil && n.Next == nil {
			return true, nil
		}
		if n.Op == datum.PathMinus {
			d = d.Neg()
		}
		hit, err := r.next(n, numberItem(d), found)
		if ok = ok || hit; err != nil || hit && found == nil {
			return ok, err
		}
	}
	return ok, nil
}
