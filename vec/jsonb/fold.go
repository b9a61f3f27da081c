package jsonb

import "slices"

// Fold is a || b || c… of the values that were added, or with Deep their deep merge. Values are kept as they come until they
// weigh as much as the result, and are merged together then: a byte is moved a few times, however long the fold is. The zero
// Fold is empty.
type Fold struct {
	Deep bool

	base   Value  // the fold of what was merged, never changed; nil: of nothing
	recent []byte // what came since, value after value
}

// leastRecent is how many bytes wait at least.
const leastRecent = 512

// FoldFrom begins with a fold that was made before; nil: with nothing. It keeps v.
func FoldFrom(v Value) Fold { return Fold{base: v} }

// Add folds one more value in. It does not keep v.
func (f *Fold) Add(v Value) {
	if f.Keep(v); len(f.recent) > max(len(f.base), leastRecent) {
		f.merge()
	}
}

// Keep is Add that merges nothing before Value does: what was kept can still be added, value by value, to a fold of what comes
// before it. That matters because || is not associative: an array takes two objects as two elements.
func (f *Fold) Keep(v Value) { f.recent = append(f.recent, v...) }

// Each calls do for what was added: the fold of what is merged already, if there is any, and the values that are not.
func (f *Fold) Each(do func(v Value)) {
	if f.base != nil {
		do(f.base)
	}
	for rest := f.recent; len(rest) > 0; {
		n := Size(rest)
		do(rest[:n:n])
		rest = rest[n:]
	}
}

// Value is the fold of all that was added, nil of nothing. It stays valid.
func (f *Fold) Value() Value {
	if len(f.recent) > 0 {
		f.merge()
	}
	return f.base
}

// MemSize is how many bytes the fold holds.
func (f *Fold) MemSize() int { return cap(f.base) + cap(f.recent) }

func (f *Fold) merge() {
	var list []Value
	f.Each(func(v Value) { list = append(list, v) })
	if len(list) == 1 {
		f.base = slices.Clone(list[0])
	} else {
		f.base, _ = build(nil, func(b *Builder) error {
			if f.Deep {
				b.deepMerge(list)
			} else {
				b.concat(list)
			}
			return nil
		})
	}
	f.recent = f.recent[:0]
}

// concat adds v0 || v1 || ….
func (b *Builder) concat(list []Value) {
	objects := 0
	for objects < len(list) && list[objects].Kind() == Object {
		objects++
	}
	whole := objects == len(list)
	if !whole {
		b.BeginArray()
	}
	if objects > 0 {
		b.BeginObject()
		for _, v := range list[:objects] {
			EachField(v, b.field)
		}
		b.End()
	}
	if whole {
		return
	}
	for _, v := range list[objects:] {
		if v.Kind() == Array {
			EachElem(v, b.elem)
		} else {
			b.Value(v)
		}
	}
	b.End()
}

// deepMerge adds the deep merge of the values: an object goes field by field into an object before it, anything else takes
// the place of what was before.
func (b *Builder) deepMerge(list []Value) {
	from := len(list)
	for from > 0 && list[from-1].Kind() == Object {
		from--
	}
	if list = list[min(from, len(list)-1):]; len(list) == 1 {
		b.Value(list[0])
		return
	}
	type field struct {
		key []byte
		val Value
	}
	var fields []field
	for _, v := range list {
		EachField(v, func(key []byte, val Value) bool {
			fields = append(fields, field{key, val})
			return true
		})
	}
	slices.SortStableFunc(fields, func(p, q field) int { return compareKeys(p.key, q.key) })
	b.BeginObject()
	var vals []Value
	for i, fl := range fields {
		vals = append(vals, fl.val)
		if i+1 < len(fields) && compareKeys(fl.key, fields[i+1].key) == 0 {
			continue
		}
		b.KeyBytes(fl.key)
		b.deepMerge(vals)
		vals = vals[:0]
	}
	b.End()
}

// DeepMerge appends the deep merge of a and b.
func DeepMerge(dst []byte, a, b Value) []byte {
	out, _ := build(dst, func(w *Builder) error {
		w.deepMerge([]Value{a, b})
		return nil
	})
	return out
}

// Change is a difference between two values: what is at the path in each, nil where there is nothing.
type Change struct {
	Path     []string
	Old, New Value
}

// Changes lists where b differs from a, which may be nil: objects are compared field by field at every depth, all else as a
// whole. The paths come in the order of the keys.
func Changes(a, b Value) []Change { return changes(nil, nil, a, b) }

func changes(out []Change, path []string, a, b Value) []Change {
	switch {
	case a == nil && b == nil || a != nil && b != nil && Equal(a, b):
		return out
	case a == nil || b == nil || a.Kind() != Object || b.Kind() != Object:
		return append(out, Change{path, a, b})
	}
	below := func(key []byte) []string { return append(path[:len(path):len(path)], string(key)) }
	p, q := a.head(), b.head()
	for i, j := 0, 0; i < p.n || j < q.n; {
		order := 0
		switch {
		case i == p.n:
			order = 1
		case j == q.n:
			order = -1
		default:
			order = compareKeys(p.key(i), q.key(j))
		}
		switch {
		case order < 0:
			out = append(out, Change{below(p.key(i)), p.val(i), nil})
			i++
		case order > 0:
			out = append(out, Change{below(q.key(j)), nil, q.val(j)})
			j++
		default:
			out = changes(out, below(p.key(i)), p.val(i), q.val(j))
			i++
			j++
		}
	}
	return out
}
