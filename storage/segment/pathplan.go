package segment

import (
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// pathPlan says where the values of a path can be: in the column of its node, in the columns below it (then the value is
// an object), in arrays at nodes before its end, in the overflow.
type pathPlan struct {
	col    Column
	path   []string
	nodes  []int // from the root as far as there are nodes
	node   int   // the path's own node, -1 if there is none
	below  bool  // the node has members
	arrays []int // places in nodes whose arrays may hold the rest of the path
	extra  bool  // the overflow may hold it, or a part of it
}

// resolve makes the plan of a path.
func (r *Reader) resolve(col Column, path []string) *pathPlan {
	p := &pathPlan{col: col, path: path, node: r.root(col)}
	for i := 0; ; i++ {
		n := &r.nodes[p.node]
		p.nodes = append(p.nodes, p.node)
		if i == len(path) {
			p.below = len(n.children) > 0
			p.extra = p.extra || r.extraBelow(p.node)
			return p
		}
		p.extra = p.extra || n.extra
		if n.column && n.zone.has>>valArray&1 != 0 && isIndex(path[i]) {
			p.arrays = append(p.arrays, i)
		}
		if p.node = r.child(p.node, path[i]); p.node < 0 {
			return p
		}
	}
}

// isIndex reports whether a path step may select from an array.
func isIndex(s string) bool {
	return s != "" && (s[len(s)-1]-'0' <= 9 || s[len(s)-1] == ' ')
}

func (r *Reader) extraBelow(n int) bool {
	if r.nodes[n].extra {
		return true
	}
	for _, c := range r.nodes[n].children {
		if r.extraBelow(int(c)) {
			return true
		}
	}
	return false
}

// leaf reports whether all values of the path are in its own column.
func (p *pathPlan) leaf(m *meta) bool {
	return p.node >= 0 && m.nodes[p.node].column && !p.below && len(p.arrays) == 0 && !p.extra
}

// nothing reports whether no row has a value.
func (p *pathPlan) nothing(m *meta) bool {
	return len(p.arrays) == 0 && !p.extra && (p.node < 0 || !p.below && !m.nodes[p.node].column)
}

// leafColumn is a column below a node, on the way of putting documents together.
type leafColumn struct {
	node   int
	chain  []int32 // nodes from below the document's own down to node
	keys   []string
	cursor *columnCursor
}

// leaves lists the columns at a node and below in the order of jsonb's keys.
func (r *Reader) leaves(top int) []leafColumn {
	var out []leafColumn
	var chain []int32
	var keys []string
	var walk func(n int)
	walk = func(n int) {
		if r.nodes[n].column {
			out = append(out, leafColumn{node: n, chain: append([]int32(nil), chain...), keys: append([]string(nil), keys...)})
		}
		for _, c := range r.nodes[n].children {
			chain, keys = append(chain, c), append(keys, r.nodes[c].key)
			walk(int(c))
			chain, keys = chain[:len(chain)-1], keys[:len(keys)-1]
		}
	}
	walk(top)
	return out
}

// isNumber reports whether a value is a number.
func isNumber(v jsonb.Value) bool { return v[0] >= tagInteger && v[0] <= tagBig }

// convert turns a column of jsonb values into the form asked for.
func convert(c *vec.Column, as vec.ReadAs) *vec.Column {
	if as == vec.AsJSON {
		return c
	}
	if as != vec.AsText && fits(c, as) {
		return convertScalars(c, as)
	}
	b := vec.NewBuilder(vec.Bytes, c.Len)
	var buf []byte
	for i := range c.Len {
		ok := !c.Null(i)
		if ok {
			buf, ok = jsonb.AppendAsText(buf[:0], c.Bytes(i))
		}
		if ok {
			b.AppendBytes(buf)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish()
}

// fits reports whether all values can be read in the kind asked for.
func fits(c *vec.Column, as vec.ReadAs) bool {
	for i := range c.Len {
		if c.Null(i) {
			continue
		}
		v := jsonb.Value(c.Bytes(i))
		ok := v[0] == tagNull
		switch as {
		case vec.AsFloat:
			if f, num := jsonb.Float64(v); num {
				ok = f-f == 0 // out of range is an error of the cast
			}
		case vec.AsDecimal:
			ok = ok || isNumber(v)
		case vec.AsInt:
			ok = ok || v[0] == tagInteger
		case vec.AsBool:
			ok = ok || v[0] == tagFalse || v[0] == tagTrue
		}
		if !ok {
			return false
		}
	}
	return true
}

var kindOf = [...]vec.Kind{
	vec.AsJSON: vec.Bytes, vec.AsText: vec.Bytes, vec.AsFloat: vec.Float64, vec.AsInt: vec.Int64, vec.AsDecimal: vec.Decimal, vec.AsBool: vec.Bool,
}

func convertScalars(c *vec.Column, as vec.ReadAs) *vec.Column {
	b := vec.NewBuilder(kindOf[as], c.Len)
	for i := range c.Len {
		if c.Null(i) || c.Bytes(i)[0] == tagNull {
			b.AppendNull()
			continue
		}
		v := jsonb.Value(c.Bytes(i))
		switch as {
		case vec.AsFloat:
			f, _ := jsonb.Float64(v)
			b.AppendFloat(f)
		case vec.AsDecimal:
			b.AppendDecimal(jsonb.Number(v))
		case vec.AsInt:
			n, _ := jsonb.Int64(v)
			b.AppendInt(n)
		case vec.AsBool:
			b.AppendBool(v[0] == tagTrue)
		}
	}
	return b.Finish()
}
