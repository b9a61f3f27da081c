package funcs

import (
	"bytes"
	"cmp"
	"errors"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// pathTruth is the answer of a predicate.
type pathTruth uint8

const (
	pathUnknown pathTruth = iota
	pathFalse
	pathTrue
)

func truthOf(b bool) pathTruth {
	if b {
		return pathTrue
	}
	return pathFalse
}

func (t pathTruth) item() pathItem {
	if t == pathUnknown {
		var b jsonb.Builder
		b.Null()
		return pathItem{v: b.AppendTo(nil)}
	}
	return pathItem{v: boolValue(t == pathTrue)}
}

// test evaluates a predicate. Faults below it make it unknown.
func (r *pathRun) test(n *datum.PathNode, it pathItem) (pathTruth, error) {
	switch n.Op {
	case datum.PathAnd, datum.PathOr:
		decided := truthOf(n.Op == datum.PathOr)
		left, err := r.test(n.Left, it)
		if err != nil || left == decided {
			return left, err
		}
		right, err := r.test(n.Right, it)
		if err != nil || right == decided || left != pathUnknown {
			return right, err
		}
		return pathUnknown, nil
	case datum.PathNot:
		t, err := r.test(n.Left, it)
		if err != nil || t == pathUnknown {
			return t, err
		}
		return truthOf(t == pathFalse), nil
	case datum.PathIsUnknown:
		t, err := r.test(n.Left, it)
		return truthOf(t == pathUnknown), err
	case datum.PathExists:
		return r.exists(n, it)
	}
	left, ok, err := r.quiet(n.Left, it, true)
	if !ok || err != nil {
		return pathUnknown, err
	}
	right := []pathItem{{}}
	if n.Right != nil {
		if right, ok, err = r.quiet(n.Right, it, n.Op != datum.PathStartsWith); !ok || err != nil {
			return pathUnknown, err
		}
	}
	return r.pairs(n, left, right)
}

// quiet is operand where a fault is no error; ok is false then.
func (r *pathRun) quiet(n *datum.PathNode, it pathItem, unwrap bool) (list []pathItem, ok bool, err error) {
	list, err = r.operand(n, it, unwrap)
	var f *pathFault
	if errors.As(err, &f) {
		return nil, false, nil
	}
	return list, true, err
}

func (r *pathRun) exists(n *datum.PathNode, it pathItem) (pathTruth, error) {
	var list []pathItem
	found := &list
	if r.lax {
		found = nil
	}
	ok, err := r.item(n.Left, it, found, r.lax)
	var f *pathFault
	if errors.As(err, &f) {
		return pathUnknown, nil
	}
	return truthOf(ok || len(list) > 0), err
}

// pairs compares each item on the left with each on the right: in lax mode the first that fits decides, in strict mode one that
// cannot be compared does.
func (r *pathRun) pairs(n *datum.PathNode, left, right []pathItem) (pathTruth, error) {
	var re *are
	if n.Op == datum.PathLikeRegex {
		var err error
		if re, err = pathRegexp(n); err != nil {
			return pathUnknown, err
		}
	}
	any, unknown := false, false
	for _, x := range left {
		for _, y := range right {
			t, err := r.pair(n, re, x, y)
			switch {
			case err != nil:
				return pathUnknown, err
			case t == pathUnknown && !r.lax:
				return pathUnknown, nil
			case t == pathUnknown:
				unknown = true
			case t == pathTrue && r.lax:
				return pathTrue, nil
			}
			any = any || t == pathTrue
		}
	}
	switch {
	case any:
		return pathTrue, nil
	case unknown:
		return pathUnknown, nil
	}
	return pathFalse, nil
}

func (r *pathRun) pair(n *datum.PathNode, re *are, x, y pathItem) (pathTruth, error) {
	switch n.Op {
	case datum.PathStartsWith:
		if !x.is(jsonb.String) || !y.is(jsonb.String) {
			return pathUnknown, nil
		}
		return truthOf(bytes.HasPrefix(jsonb.StringBytes(x.v), jsonb.StringBytes(y.v))), nil
	case datum.PathLikeRegex:
		if !x.is(jsonb.String) {
			return pathUnknown, nil
		}
		found, err := re.match(r.ctx, jsonb.StringBytes(x.v))
		return truthOf(found), err
	}
	c, ok, err := r.order(x, y)
	if err != nil || !ok {
		if err == nil && x.typ == 0 && y.typ == 0 && x.v.Kind() != y.v.Kind() && (x.is(jsonb.Null) || y.is(jsonb.Null)) {
			return truthOf(n.Op == datum.PathNotEqual), nil
		}
		return pathUnknown, err
	}
	switch n.Op {
	case datum.PathEqual:
		return truthOf(c == 0), nil
	case datum.PathNotEqual:
		return truthOf(c != 0), nil
	case datum.PathLess:
		return truthOf(c < 0), nil
	case datum.PathGreater:
		return truthOf(c > 0), nil
	case datum.PathLessEqual:
		return truthOf(c <= 0), nil
	}
	return truthOf(c >= 0), nil
}

// order compares two scalars of one kind; ok is false where they cannot be compared.
func (r *pathRun) order(x, y pathItem) (c int, ok bool, err error) {
	if x.typ != 0 || y.typ != 0 {
		if x.typ == 0 || y.typ == 0 {
			return 0, false, nil
		}
		return r.orderTimes(x, y)
	}
	kx, ky := x.v.Kind(), y.v.Kind()
	isBool := func(k jsonb.Kind) bool { return k == jsonb.True || k == jsonb.False }
	switch {
	case isBool(kx) && isBool(ky):
		return cmp.Compare(kx, ky), true, nil
	case kx != ky || kx == jsonb.Array || kx == jsonb.Object:
		return 0, false, nil
	}
	return jsonb.Compare(x.v, y.v), true, nil
}

// pathRegexp compiles the pattern of like_regex, whose flags are XQuery's: without s a point is not a line end, with m the
// anchors match at lines.
func pathRegexp(n *datum.PathNode) (*are, error) {
	has := func(flag string) bool { return strings.Contains(n.Flags, flag) }
	flags := areFlags{fold: has("i"), literal: has("q")}
	if !flags.literal {
		flags.dotLine, flags.ancLine = !has("s"), has("m")
	}
	return cachedARE([]byte(n.Text), flags)
}
