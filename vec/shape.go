package vec

// Dim is one dimension of a list: how many elements it has and what the first of them counts as.
type Dim struct{ Len, Lower int32 }

// Shape returns the dimensions of row i of a List column where they differ from one dimension numbered from 1; nil where
// they do not. The elements of all dimensions lie in the row's range, the last dimension varying fastest. Not to be changed.
func (c *Column) Shape(i int) []Dim {
	d, j := c.at(i)
	if d.Shapes == nil {
		return nil
	}
	return d.Shapes[j]
}

// Dims returns the dimensions of row i of a List column, none for an empty list.
func (c *Column) Dims(i int) []Dim {
	if s := c.Shape(i); s != nil {
		return s
	}
	if _, from, to := c.List(i); to > from {
		return []Dim{{Len: int32(to - from), Lower: 1}}
	}
	return nil
}

// AppendShaped ends, as AppendList does, a list of the dimensions, whose product is how many elements were appended to Elem.
// The builder keeps dims.
func (b *Builder) AppendShaped(dims []Dim) {
	b.AppendList()
	b.shape(dims)
}

// shape gives the list appended last its dimensions.
func (b *Builder) shape(dims []Dim) {
	if len(dims) == 0 || len(dims) == 1 && dims[0].Lower == 1 {
		return
	}
	b.c.Shapes = append(padShapes(b.c.Shapes, b.c.Len-1), dims)
}

func padShapes(s [][]Dim, n int) [][]Dim {
	for len(s) < n {
		s = append(s, nil)
	}
	return s
}
