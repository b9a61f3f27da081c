package segment

import (
	"context"

	"github.com/allsource-db/allsource/vec/jsonb"
)

// PathUse says how the rows of one event type use one path of their payload.
type PathUse struct {
	Type  int // index into Reader.Types
	Path  []string
	Rows  int   // rows that have a value there, JSON null included
	Kinds Kinds // KindInt comes with KindDecimal, whether there are integers or not
}

// Uses lists the paths of the payload by event type, exactly. Mostly the meta blob knows it; columns are read of paths that only
// part of a type's rows have, or that hold different kinds in several types.
func (r *Reader) Uses(ctx context.Context) ([]PathUse, error) {
	var out []PathUse
	for i := range r.nodes[:r.second] {
		n := &r.nodes[i]
		if !n.column {
			continue
		}
		uses, err := r.usesOf(ctx, i)
		if err != nil {
			return nil, err
		}
		out = append(out, uses...)
	}
	for i := range r.nodes[:r.second] {
		if r.nodes[i].extra {
			return r.extraUses(ctx, out)
		}
	}
	return out, nil
}

func (r *Reader) usesOf(ctx context.Context, node int) ([]PathUse, error) {
	z := &r.nodes[node].zone
	_, path := r.path(node)
	types := z.types.Indices(nil, len(r.types))
	all := 0
	for _, t := range types {
		all += r.types[t].Rows
	}
	kinds := z.kinds()
	var out []PathUse
	switch alike := kinds&(kinds-1) == 0; {
	case len(types) == 1:
		return []PathUse{{Type: int(types[0]), Path: path, Rows: z.rows, Kinds: kinds}}, nil
	case all == z.rows && alike:
		for _, t := range types {
			out = append(out, PathUse{Type: int(t), Path: path, Rows: r.types[t].Rows, Kinds: kinds})
		}
		return out, nil
	}
	byType := make([]PathUse, len(r.types))
	c, err := r.column(ctx, node)
	if err != nil {
		return nil, err
	}
	codes, err := r.typeCodes(ctx)
	if err != nil {
		return nil, err
	}
	cursor, code := newColumnCursor(c), intCursor{c: codes}
	for row := range r.rows {
		at, ok := c.pres.find(row)
		if !ok {
			continue
		}
		t := int(code.at(row))
		if uint(t) >= uint(len(byType)) {
			return nil, corrupt("event type %d of %d", t, len(byType))
		}
		byType[t].Rows++
		byType[t].Kinds |= cursor.kindAt(at)
	}
	for t, u := range byType {
		if u.Rows > 0 {
			out = append(out, PathUse{Type: t, Path: path, Rows: u.Rows, Kinds: u.Kinds})
		}
	}
	return out, nil
}

// kindAt is the kind of value i.
func (k *columnCursor) kindAt(i int) Kinds {
	kind, at := k.c.place(i)
	if kind != valNumber {
		return publicKinds[kind]
	}
	if _, scale := k.number(at); scale > 0 {
		return KindInt | KindDecimal
	}
	return KindInt
}

// extraUses adds what the overflow holds.
func (r *Reader) extraUses(ctx context.Context, out []PathUse) ([]PathUse, error) {
	extras, err := r.extrasColumn(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := r.typeCodes(ctx)
	if err != nil {
		return nil, err
	}
	a := &assembler{r: r, p: &pathPlan{col: ColPayload}, text: textCursor{t: extras.vals}, code: intCursor{c: codes}}
	uses := NewUses(out)
	for row := range r.rows {
		at, ok := extras.pres.find(row)
		if !ok {
			continue
		}
		entry, err := a.text.appendTo(nil, at)
		if err != nil {
			return nil, err
		}
		t := 0
		if codes != nil {
			if t = int(a.code.at(row)); uint(t) >= uint(len(r.types)) {
				return nil, corrupt("event type %d of %d", t, len(r.types))
			}
		}
		whole, err := a.entries(entry, func(keys []string, v jsonb.Value) { uses.Add(t, keys, v) })
		if err != nil {
			return nil, err
		}
		if whole != nil {
			uses.Add(t, nil, whole)
		}
	}
	return uses.List, nil
}

// Uses gathers how documents use paths.
type Uses struct {
	List []PathUse
	News []PathUse // the paths of a type that were new, and kinds that were new at one, as they came
	at   map[string]int
}

// NewUses begins with what is known already; the list becomes its own.
func NewUses(known []PathUse) *Uses {
	u := &Uses{List: known, at: make(map[string]int, len(known))}
	for i := range known {
		u.at[useKey(known[i].Type, known[i].Path)] = i
	}
	return u
}

func useKey(t int, path []string) string {
	key := []byte{byte(t), byte(t >> 8), byte(t >> 16)}
	for _, k := range path {
		key = append(append(key, k...), 0)
	}
	return string(key)
}

// Add takes a value at a path of a document of type t: of an object its members, if it has any.
func (u *Uses) Add(t int, path []string, v jsonb.Value) {
	if v.Kind() == jsonb.Object && jsonb.Len(v) > 0 {
		jsonb.EachField(v, func(key []byte, val jsonb.Value) bool {
			u.Add(t, append(path[:len(path):len(path)], string(key)), val)
			return true
		})
		return
	}
	u.count(t, path, 1, kindOfValue(v))
}

// Take adds what another list has, of type t.
func (u *Uses) Take(t int, use PathUse) { u.count(t, use.Path, use.Rows, use.Kinds) }

func (u *Uses) count(t int, path []string, rows int, kinds Kinds) {
	key := useKey(t, path)
	i, ok := u.at[key]
	if !ok {
		i = len(u.List)
		u.at[key] = i
		u.List = append(u.List, PathUse{Type: t, Path: path})
	}
	use := &u.List[i]
	use.Rows += rows
	if more := kinds &^ use.Kinds; more != 0 {
		u.News = append(u.News, PathUse{Type: t, Path: path, Rows: rows, Kinds: more})
	}
	use.Kinds |= kinds
}

func kindOfValue(v jsonb.Value) Kinds {
	switch v.Kind() {
	case jsonb.Null:
		return KindNull
	case jsonb.True, jsonb.False:
		return KindBool
	case jsonb.String:
		return KindString
	case jsonb.Array:
		return KindArray
	case jsonb.Object:
		return KindObject
	}
	switch n := jsonb.Number(v); {
	case n.Big != nil:
		return KindNumeric
	case n.Scale > 0:
		return KindInt | KindDecimal
	}
	return KindInt
}
