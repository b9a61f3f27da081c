package segment

// valueKind is what a path holds in a row. The numbers are stored.
type valueKind = uint8

const (
	valNull valueKind = iota
	valFalse
	valTrue
	valNumber // mantissa and scale
	valString
	valEmptyObject
	valEmptyArray
	valArray // jsonb, not empty
	valBig   // jsonb of a number that is not an int64 and a scale below maxNodeScale
	numValueKinds
)

const (
	maxNodeScale = 128  // scales are kept in bytes
	maxNodeDepth = 32   // deeper values go to the overflow
	maxNodes     = 4096 // paths of both documents while a group is built; further ones go to the overflow
	maxPaths     = 1000 // paths that keep a column; at Finish the rarest beyond go to the overflow
	slots        = 4    // predictions are kept apart by event type
	indexFrom    = 9    // children from which a map finds them
)

// publicKinds says which Kinds a stored kind counts as.
var publicKinds = [numValueKinds]Kinds{KindNull, KindBool, KindBool, KindInt, KindString, KindObject, KindArray, KindArray, KindNumeric}

// node is a path of a document while a group is built: a place in the tree of keys, and the typed column of the values
// found there. A member that is itself a non-empty object has no value: its members have.
type node struct {
	key      string
	up       *node
	id       int32 // place in tree.nodes
	depth    int
	children []*node
	index    map[string]*node

	// Keys come in the same order again and again: first is the child that began the object last time, next the sibling
	// that followed this child, for some event type.
	first, next [slots]*node
	stamp       uint32 // the attempt at a row that was here last

	rows   []uint16
	kind   valueKind // of all values while kinds is empty
	kinds  []valueKind
	nums   []int64
	scale  uint8 // of all numbers while scales is empty
	scales []uint8
	strs   byteList
	docs   byteList // jsonb of arrays and big numbers
}

// tree is the paths of both documents; nodes begin with the two roots.
type tree struct {
	nodes []*node
}

const (
	rootPayload = iota
	rootMetadata
	numRoots
)

func newTree() *tree {
	return &tree{nodes: []*node{{id: rootPayload}, {id: rootMetadata}}}
}

// child finds the child of n with the key, which came after prev (nil: first); nil if there is none and room for none.
func (t *tree) child(n, prev *node, key []byte, slot uint) *node {
	guess := n.first[slot]
	if prev != nil {
		guess = prev.next[slot]
	}
	if guess != nil && guess.key == string(key) {
		return guess
	}
	var c *node
	if guess != nil {
		c = guess.next[slot] // one key left out
	}
	if c == nil || c.key != string(key) {
		if c = t.lookup(n, key); c == nil {
			return nil
		}
	}
	if prev != nil {
		prev.next[slot] = c
	} else {
		n.first[slot] = c
	}
	return c
}

func (t *tree) lookup(n *node, key []byte) *node {
	if n.index != nil {
		if c := n.index[string(key)]; c != nil {
			return c
		}
	} else {
		for _, c := range n.children {
			if c.key == string(key) {
				return c
			}
		}
	}
	if len(t.nodes) >= maxNodes || n.depth >= maxNodeDepth {
		return nil
	}
	c := &node{key: string(key), up: n, id: int32(len(t.nodes)), depth: n.depth + 1}
	t.nodes = append(t.nodes, c)
	n.children = append(n.children, c)
	if n.index != nil {
		n.index[c.key] = c
	} else if len(n.children) >= indexFrom {
		n.index = make(map[string]*node, 2*indexFrom)
		for _, c := range n.children {
			n.index[c.key] = c
		}
	}
	return c
}

// truncate takes out the nodes made since there were n, and reports whether there are any.
func (t *tree) truncate(n int) bool {
	if n == len(t.nodes) {
		return false
	}
	for i := len(t.nodes) - 1; i >= n; i-- {
		c := t.nodes[i]
		c.up.children = c.up.children[:len(c.up.children)-1]
		if c.up.index != nil {
			delete(c.up.index, c.key)
		}
	}
	t.nodes = t.nodes[:n]
	for _, c := range t.nodes {
		for s := range slots {
			if c.first[s] != nil && int(c.first[s].id) >= n {
				c.first[s] = nil
			}
			if c.next[s] != nil && int(c.next[s].id) >= n {
				c.next[s] = nil
			}
		}
	}
	return true
}

// mark records that a row has a value of the kind; the value itself is appended by the caller.
func (n *node) mark(row int, k valueKind) {
	n.rows = append(n.rows, uint16(row))
	if len(n.kinds) > 0 {
		n.kinds = append(n.kinds, k)
		return
	}
	if len(n.rows) == 1 {
		n.kind = k
	} else if n.kind != k {
		n.split(k)
	}
}

// split begins to keep kinds one by one.
func (n *node) split(last valueKind) {
	for range len(n.rows) - 1 {
		n.kinds = append(n.kinds, n.kind)
	}
	n.kinds = append(n.kinds, last)
}

func (n *node) addNumber(row int, mantissa int64, scale int32) {
	n.mark(row, valNumber)
	n.nums = append(n.nums, mantissa)
	s := uint8(scale)
	if len(n.scales) > 0 {
		n.scales = append(n.scales, s)
		return
	}
	if len(n.nums) == 1 {
		n.scale = s
	} else if n.scale != s {
		for range len(n.nums) - 1 {
			n.scales = append(n.scales, n.scale)
		}
		n.scales = append(n.scales, s)
	}
}

func (n *node) addString(row int, s []byte) {
	n.mark(row, valString)
	n.strs.add(s)
}

func (n *node) addDoc(row int, k valueKind, v []byte) {
	n.mark(row, k)
	n.docs.add(v)
}

// kindAt returns the kind of value i.
func (n *node) kindAt(i int) valueKind {
	if len(n.kinds) > 0 {
		return n.kinds[i]
	}
	return n.kind
}

// scaleAt returns the scale of number i.
func (n *node) scaleAt(i int) uint8 {
	if len(n.scales) > 0 {
		return n.scales[i]
	}
	return n.scale
}

// cut takes out the values of the rows from row on.
func (n *node) cut(row int) {
	for len(n.rows) > 0 && int(n.rows[len(n.rows)-1]) >= row {
		i := len(n.rows) - 1
		switch n.kindAt(i) {
		case valNumber:
			n.nums = n.nums[:len(n.nums)-1]
			if len(n.scales) > 0 {
				n.scales = n.scales[:len(n.scales)-1]
			}
		case valString:
			n.strs.truncate(n.strs.len() - 1)
		case valArray, valBig:
			n.docs.truncate(n.docs.len() - 1)
		}
		n.rows = n.rows[:i]
		if len(n.kinds) > 0 {
			n.kinds = n.kinds[:i]
		}
	}
}

func (n *node) reset() {
	n.rows, n.kinds, n.nums, n.scales = n.rows[:0], n.kinds[:0], n.nums[:0], n.scales[:0]
	n.strs.truncate(0)
	n.docs.truncate(0)
}

func (n *node) memSize() int64 {
	return 400 + int64(2*cap(n.rows)+cap(n.kinds)+8*cap(n.nums)+cap(n.scales)) + n.strs.memSize() + n.docs.memSize()
}

// drop takes out the values of rows that renumber maps to a negative row, and renumbers the others.
func (n *node) drop(renumber []int32) {
	var strs, docs byteList
	kinds, scales := n.kinds, n.scales
	num, str, doc, to, toNum := 0, 0, 0, 0, 0
	for i, r := range n.rows {
		k := n.kindAt(i)
		row := renumber[r]
		if row >= 0 {
			n.rows[to] = uint16(row)
			if len(kinds) > 0 {
				kinds[to] = k
			}
			to++
		}
		switch k {
		case valNumber:
			if row >= 0 {
				n.nums[toNum] = n.nums[num]
				if len(scales) > 0 {
					scales[toNum] = scales[num]
				}
				toNum++
			}
			num++
		case valString:
			if row >= 0 {
				strs.add(n.strs.at(str))
			}
			str++
		case valArray, valBig:
			if row >= 0 {
				docs.add(n.docs.at(doc))
			}
			doc++
		}
	}
	n.rows, n.nums, n.strs, n.docs = n.rows[:to], n.nums[:toNum], strs, docs
	n.kinds, n.scales = kinds[:min(to, len(kinds))], scales[:min(toNum, len(scales))]
}
