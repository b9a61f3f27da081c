package jsonb

import (
	"fmt"
	"strings"
	"sync"
)

var builders = sync.Pool{New: func() any { return new(Builder) }}

// build runs f on a pooled Builder and appends what it made.
func build(dst []byte, f func(b *Builder) error) ([]byte, error) {
	b := builders.Get().(*Builder)
	defer builders.Put(b)
	b.Reset()
	if err := f(b); err != nil {
		return dst, err
	}
	return b.AppendTo(dst), nil
}

func invalid(code, format string, args ...any) *Error {
	return &Error{Code: code, Offset: -1, Message: fmt.Sprintf(format, args...)}
}

// Concat appends a || b: objects merge with b's fields winning, anything else
// becomes one array.
func Concat(dst []byte, a, b Value) []byte {
	out, _ := build(dst, func(w *Builder) error {
		if a.Kind() == Object && b.Kind() == Object {
			w.BeginObject()
			for _, v := range []Value{a, b} {
				EachField(v, w.field)
			}
			w.End()
			return nil
		}
		w.BeginArray()
		for _, v := range []Value{a, b} {
			if v.Kind() != Array {
				w.Value(v)
				continue
			}
			EachElem(v, w.elem)
		}
		w.End()
		return nil
	})
	return out
}

func (b *Builder) field(key []byte, val Value) bool {
	b.KeyBytes(key)
	b.Value(val)
	return true
}

func (b *Builder) elem(_ int, val Value) bool {
	b.Value(val)
	return true
}

// DeleteKey appends v - key, or v - keys: fields with one of the keys, or elements
// that are one of the strings, left out. The error is an *Error when v is a scalar.
func DeleteKey(dst []byte, v Value, keys ...string) ([]byte, error) {
	has := func(s []byte) bool {
		for _, k := range keys {
			if k == string(s) {
				return true
			}
		}
		return false
	}
	if v.Kind() < Array {
		return dst, invalid(CodeInvalidArgument, "cannot delete from scalar")
	}
	return build(dst, func(b *Builder) error {
		if v.Kind() == Object {
			b.BeginObject()
			EachField(v, func(key []byte, val Value) bool { return has(key) || b.field(key, val) })
		} else {
			b.BeginArray()
			EachElem(v, func(i int, val Value) bool {
				return val[0] == tagString && has(StringBytes(val)) || b.elem(i, val)
			})
		}
		b.End()
		return nil
	})
}

// DeleteIndex appends v - i: the array without an element, counted from the end if
// i is negative. The error is an *Error when v is no array.
func DeleteIndex(dst []byte, v Value, i int) ([]byte, error) {
	switch v.Kind() {
	case Object:
		return dst, invalid(CodeInvalidArgument, "cannot delete from object using integer index")
	case Array:
	default:
		return dst, invalid(CodeInvalidArgument, "cannot delete from scalar")
	}
	if i < 0 {
		i += Len(v)
	}
	return build(dst, func(b *Builder) error {
		b.BeginArray()
		EachElem(v, func(j int, val Value) bool { return i == j || b.elem(j, val) })
		b.End()
		return nil
	})
}

// What setting a path does at its end.
type pathOp uint8

const (
	opDelete pathOp = iota
	opReplace
	opSet // replace or create
	opBefore
	opAfter
	opAssign // as opSet, with what is missing on the way; what is no container is an error
)

// adds reports whether the operation may make something new.
func (op pathOp) adds() bool { return op >= opSet }

// DeletePath appends v #- path. The error is an *Error.
func DeletePath(dst []byte, v Value, path []string) ([]byte, error) {
	if v.Kind() < Array {
		return dst, invalid(CodeInvalidArgument, "cannot delete path in scalar")
	}
	return changePath(dst, v, path, nil, opDelete)
}

// SetPath appends jsonb_set(v, path, nv, create). The error is an *Error.
func SetPath(dst []byte, v Value, path []string, nv Value, create bool) ([]byte, error) {
	if v.Kind() < Array {
		return dst, invalid(CodeInvalidArgument, "cannot set path in scalar")
	}
	op := opReplace
	if create {
		op = opSet
	}
	return changePath(dst, v, path, nv, op)
}

// Insert appends jsonb_insert(v, path, nv, after). The error is an *Error.
func Insert(dst []byte, v Value, path []string, nv Value, after bool) ([]byte, error) {
	if v.Kind() < Array {
		return dst, invalid(CodeInvalidArgument, "cannot set path in scalar")
	}
	op := opBefore
	if after {
		op = opAfter
	}
	return changePath(dst, v, path, nv, op)
}

func changePath(dst []byte, v Value, path []string, nv Value, op pathOp) ([]byte, error) {
	if len(path) == 0 || Len(v) == 0 && !op.adds() {
		return append(dst, v...), nil
	}
	return build(dst, func(b *Builder) error {
		return (&pathChange{b: b, path: path, nv: nv, op: op}).apply(v, 0)
	})
}

type pathChange struct {
	b    *Builder
	path []string
	nv   Value
	op   pathOp
	most int // elements of an array that is made longer; opAssign
}

func (c *pathChange) apply(v Value, level int) error {
	switch v.Kind() {
	case Object:
		return c.object(v, level)
	case Array:
		return c.array(v, level)
	}
	if c.op == opAssign {
		return scalarInPath()
	}
	c.b.Value(v)
	return nil
}

func (c *pathChange) object(v Value, level int) error {
	last := level == len(c.path)-1
	done := false
	h := v.head()
	c.b.BeginObject()
	for i := range h.n {
		key, val := h.key(i), h.val(i)
		if string(key) != c.path[level] {
			c.b.field(key, val)
			continue
		}
		done = true
		switch {
		case !last:
			c.b.KeyBytes(key)
			if err := c.apply(val, level+1); err != nil {
				return err
			}
		case c.op == opBefore || c.op == opAfter:
			e := invalid(CodeInvalidArgument, "cannot replace existing key")
			e.Hint = "Try using the function jsonb_set to replace key value."
			return e
		case c.op != opDelete:
			c.b.field(key, c.nv)
		}
	}
	if !done && last && c.op.adds() {
		c.b.Key(c.path[level])
		c.b.Value(c.nv)
	} else if !done && c.op == opAssign {
		c.b.Key(c.path[level])
		if err := c.rest(level + 1); err != nil {
			return err
		}
	}
	c.b.End()
	return nil
}

func (c *pathChange) array(v Value, level int) error {
	last := level == len(c.path)-1
	idx, ok := pathIndex(c.path[level])
	if !ok {
		return invalid(CodeInvalidText, "path element at position %d is not an integer: \"%s\"", level+1, c.path[level])
	}
	h := v.head()
	c.b.BeginArray()
	before := false // a negative index beyond the beginning
	if idx < 0 {
		idx += h.n
		before = idx < 0
	}
	if c.op == opAssign && before {
		return invalid(CodeInvalidArgument, "path element at position %d is out of range: %d", level+1, idx-h.n)
	}
	done := false
	if (before || h.n == 0) && last && c.op.adds() && c.op != opAssign {
		c.b.Value(c.nv)
		done = true
	}
	for i := range h.n {
		val := h.val(i)
		if i != idx {
			c.b.Value(val)
			continue
		}
		done = true
		if !last {
			if err := c.apply(val, level+1); err != nil {
				return err
			}
			continue
		}
		if c.op == opAfter {
			c.b.Value(val)
		}
		if c.op != opDelete {
			c.b.Value(c.nv)
		}
		if c.op == opBefore {
			c.b.Value(val)
		}
	}
	switch {
	case done:
	case c.op == opAssign:
		if err := c.gap(idx - h.n); err != nil {
			return err
		}
		if err := c.rest(level + 1); err != nil {
			return err
		}
	case last && c.op.adds():
		c.b.Value(c.nv)
	}
	c.b.End()
	return nil
}

// pathIndex reads a path step as an array index, as C's strtol with base 10 does.
func pathIndex(s string) (int, bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	n := 0
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return 0, false
		}
		if n = n*10 + int(s[i]-'0'); n > 1<<31 {
			return 0, false
		}
	}
	if neg {
		n = -n
	}
	return n, len(s) > 0 && n == int(int32(n))
}

// StripNulls appends jsonb_strip_nulls(v): fields that are null left out at every
// depth, null elements kept.
func StripNulls(dst []byte, v Value) []byte {
	out, _ := build(dst, func(b *Builder) error {
		b.stripNulls(v)
		return nil
	})
	return out
}

func (b *Builder) stripNulls(v Value) {
	switch v.Kind() {
	case Object:
		b.BeginObject()
		EachField(v, func(key []byte, val Value) bool {
			if val[0] != tagNull {
				b.KeyBytes(key)
				b.stripNulls(val)
			}
			return true
		})
		b.End()
	case Array:
		b.BeginArray()
		EachElem(v, func(_ int, val Value) bool {
			b.stripNulls(val)
			return true
		})
		b.End()
	default:
		b.Value(v)
	}
}
