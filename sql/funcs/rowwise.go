package funcs

import "github.com/allsource-db/allsource/vec"

// rowwise makes the body of a strict function that is computed row by row; rows with a null argument are null. Constants
// and dictionaries are computed once.
func rowwise(kind vec.Kind, f func(c *Ctx, b *vec.Builder, args []*vec.Column, i int) error) Body {
	return perEntry(eachRow(kind, f))
}

// eachRow is rowwise for functions that do something, or give another value each time: they are called for every row.
func eachRow(kind vec.Kind, f func(c *Ctx, b *vec.Builder, args []*vec.Column, i int) error) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(kind, n)
	row:
		for i := range n {
			for _, a := range args {
				if a.Null(i) {
					b.AppendNull()
					continue row
				}
			}
			if err := f(c, b, args, i); err != nil {
				return nil, jsonError(err)
			}
			if err := c.Made(b, i); err != nil {
				return nil, err
			}
		}
		return b.Last(), nil
	}
}

// perEntry runs a body that depends on nothing but its arguments on fewer rows where they allow it: on one row when all are
// constant, on the entries of the dictionary when one is dictionary coded and the others are constant. An error there may
// come from an entry that no row has, so the rows are then computed one by one.
func perEntry(body Body) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		varying, ok := oneVarying(args, n)
		if !ok {
			return body(c, args, n)
		}
		rows := 1
		if varying >= 0 {
			rows = args[varying].Dict.Len
		}
		few := make([]*vec.Column, len(args))
		for i, a := range args {
			switch {
			case i == varying:
				few[i] = a.Dict
			case a.Null(0):
				few[i] = vec.NullColumn(a.Kind, rows)
			default:
				few[i] = &vec.Column{Kind: a.Kind, Len: rows, Codes: make([]int32, rows), Dict: a.Dict}
			}
		}
		out, err := body(c, few, rows)
		if err != nil {
			if varying < 0 {
				return nil, err
			}
			return body(c, args, n)
		}
		if varying < 0 {
			return vec.Repeat(out, 0, n), nil
		}
		return recode(out.Flat(), args[varying]), nil
	}
}

// oneVarying finds the one argument that is not constant, -1 when all are; false when perEntry would not help.
func oneVarying(args []*vec.Column, n int) (int, bool) {
	varying := -1
	for i, a := range args {
		if a.IsConst() && a.Valid == nil {
			continue
		}
		if varying >= 0 || a.Codes == nil || a.Dict.Len >= n {
			return 0, false
		}
		varying = i
	}
	return varying, len(args) > 0 && n > 1
}

// recode spreads the results for a dictionary's entries over the rows of the column that has the dictionary. Booleans become
// flat, because whoever gets them wants a bitmap.
func recode(entries, by *vec.Column) *vec.Column {
	if entries.Kind != vec.Bool || entries.Valid != nil {
		return &vec.Column{Kind: entries.Kind, Len: by.Len, Valid: by.Valid, Codes: by.Codes, Dict: entries}
	}
	bits := vec.NewBitmap(by.Len)
	vec.AnyOf(bits, by.Codes[:by.Len], entries.Bits)
	return &vec.Column{Kind: vec.Bool, Len: by.Len, Valid: by.Valid, Bits: bits}
}
