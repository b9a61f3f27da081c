package plan

// MapChildren returns the node over what f makes of its inputs; n itself if that is the same.
func MapChildren(n Node, f func(i int, child Node) Node) Node {
	in := n.Children()
	out := make([]Node, len(in))
	changed := false
	for i, c := range in {
		out[i] = f(i, c)
		changed = changed || out[i] != c
	}
	if !changed {
		return n
	}
	return n.WithChildren(out)
}

// Children lists the inputs of each node; WithChildren makes the same node over others, as many as Children gave.

// Children implements Node.
func (s *Scan) Children() []Node { return nil }

// WithChildren implements Node.
func (s *Scan) WithChildren([]Node) Node { return s }

// Children implements Node.
func (v *Values) Children() []Node { return nil }

// WithChildren implements Node.
func (v *Values) WithChildren([]Node) Node { return v }

// Children implements Node.
func (f *FuncScan) Children() []Node { return nil }

// WithChildren implements Node.
func (f *FuncScan) WithChildren([]Node) Node { return f }

// Children implements Node.
func (c *CTERef) Children() []Node { return nil }

// WithChildren implements Node.
func (c *CTERef) WithChildren([]Node) Node { return c }

// Children implements Node.
func (f *Filter) Children() []Node { return []Node{f.Input} }

// WithChildren implements Node.
func (f *Filter) WithChildren(in []Node) Node { n := *f; n.Input = in[0]; return &n }

// Children implements Node.
func (p *Project) Children() []Node { return []Node{p.Input} }

// WithChildren implements Node.
func (p *Project) WithChildren(in []Node) Node { n := *p; n.Input = in[0]; return &n }

// Children implements Node.
func (a *Aggregate) Children() []Node { return []Node{a.Input} }

// WithChildren implements Node.
func (a *Aggregate) WithChildren(in []Node) Node { n := *a; n.Input = in[0]; return &n }

// Children implements Node.
func (s *Sort) Children() []Node { return []Node{s.Input} }

// WithChildren implements Node.
func (s *Sort) WithChildren(in []Node) Node { n := *s; n.Input = in[0]; return &n }

// Children implements Node.
func (l *Limit) Children() []Node { return []Node{l.Input} }

// WithChildren implements Node.
func (l *Limit) WithChildren(in []Node) Node { n := *l; n.Input = in[0]; return &n }

// Children implements Node.
func (d *Distinct) Children() []Node { return []Node{d.Input} }

// WithChildren implements Node.
func (d *Distinct) WithChildren(in []Node) Node { n := *d; n.Input = in[0]; return &n }

// Children implements Node.
func (j *Join) Children() []Node { return []Node{j.Left, j.Right} }

// WithChildren implements Node.
func (j *Join) WithChildren(in []Node) Node { n := *j; n.Left, n.Right = in[0], in[1]; return &n }

// Children implements Node.
func (s *SetOp) Children() []Node { return []Node{s.Left, s.Right} }

// WithChildren implements Node.
func (s *SetOp) WithChildren(in []Node) Node { n := *s; n.Left, n.Right = in[0], in[1]; return &n }

// Children implements Node: the definition, the recursive term if there is one, the body.
func (w *With) Children() []Node {
	if w.Rec != nil {
		return []Node{w.Def, w.Rec, w.Body}
	}
	return []Node{w.Def, w.Body}
}

// WithChildren implements Node.
func (w *With) WithChildren(in []Node) Node {
	n := *w
	n.Def, n.Body = in[0], in[len(in)-1]
	if w.Rec != nil {
		n.Rec = in[1]
	}
	return &n
}

// Children implements Node.
func (a *Append) Children() []Node {
	if a.Condition != nil {
		return []Node{a.Input, a.Condition}
	}
	return []Node{a.Input}
}

// WithChildren implements Node.
func (a *Append) WithChildren(in []Node) Node {
	n := *a
	if n.Input = in[0]; len(in) > 1 {
		n.Condition = in[1]
	}
	return &n
}
