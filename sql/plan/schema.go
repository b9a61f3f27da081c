package plan

// Schema of each node: the output columns, not to be changed by the caller.

// Schema implements Node.
func (s *Scan) Schema() []Field {
	out := make([]Field, len(s.Cols))
	for i := range s.Cols {
		out[i] = s.Cols[i].Field
	}
	return out
}

// Schema implements Node.
func (v *Values) Schema() []Field { return v.Fields }

// Schema implements Node.
func (f *FuncScan) Schema() []Field { return f.Fields }

// Schema implements Node.
func (f *Filter) Schema() []Field { return f.Input.Schema() }

// Schema implements Node.
func (p *Project) Schema() []Field { return p.Fields }

// Schema implements Node.
func (a *Aggregate) Schema() []Field { return a.Fields }

// Schema implements Node.
func (s *Sort) Schema() []Field { return s.Input.Schema() }

// Schema implements Node.
func (l *Limit) Schema() []Field { return l.Input.Schema() }

// Schema implements Node.
func (d *Distinct) Schema() []Field { return d.Input.Schema() }

// Schema implements Node.
func (j *Join) Schema() []Field {
	left := j.Left.Schema()
	if j.Kind == Semi || j.Kind == Anti {
		return left
	}
	return append(left[:len(left):len(left)], j.Right.Schema()...)
}

// Schema implements Node.
func (s *SetOp) Schema() []Field { return s.Fields }

// Schema implements Node.
func (w *With) Schema() []Field { return w.Body.Schema() }

// Schema implements Node.
func (c *CTERef) Schema() []Field { return c.Fields }

// Schema implements Node.
func (a *Append) Schema() []Field { return a.Fields }

// Width is how many columns a node has.
func Width(n Node) int {
	switch n := n.(type) {
	case *Scan:
		return len(n.Cols)
	case *Join:
		if n.Kind == Semi || n.Kind == Anti {
			return Width(n.Left)
		}
		return Width(n.Left) + Width(n.Right)
	case *Filter:
		return Width(n.Input)
	case *Sort:
		return Width(n.Input)
	case *Limit:
		return Width(n.Input)
	case *Distinct:
		return Width(n.Input)
	case *With:
		return Width(n.Body)
	}
	return len(n.Schema())
}
