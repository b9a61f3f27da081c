package segment

import (
	"bytes"
	"encoding/binary"
	"sort"

	"github.com/allsource-db/allsource/vec"
)

// Finish encodes the rows, without those set in drop (nil: none), and empties the builder.
func (b *Builder) Finish(drop vec.Bitmap) (*Encoded, error) {
	if b.encoders == nil {
		e, err := newEncoders()
		if err != nil {
			return nil, err
		}
		b.encoders = e
	}
	if drop != nil && drop.Count(b.rows) > 0 {
		b.drop(drop)
	}
	out := b.encode()
	b.Reset()
	return out, nil
}

// drop takes rows out, and the entities and types that only they had.
func (b *Builder) drop(set vec.Bitmap) {
	renumber := make([]int32, b.rows)
	var ents, types dict
	ents.reset(b.ents.len())
	types.reset(b.types.len())
	to := 0
	for row := range b.rows {
		if set.Get(row) {
			renumber[row] = -1
			continue
		}
		renumber[row] = int32(to)
		b.entCodes[to] = ents.add(b.ents.at(int(b.entCodes[row])))
		b.typeCodes[to] = uint16(types.add(b.types.at(int(b.typeCodes[row]))))
		to++
	}
	b.rows, b.ents, b.types = to, ents, types
	b.entCodes, b.typeCodes = b.entCodes[:to], b.typeCodes[:to]
	for _, n := range b.tree.nodes {
		n.drop(renumber)
	}
	b.times.drop(renumber)
	b.recorded.drop(renumber)
	b.positions.drop(renumber)
	b.versions.drop(renumber)
	b.ids.drop(renumber)
	n := 0
	for _, x := range b.extras {
		if r := renumber[x.row]; r >= 0 {
			x.row = uint16(r)
			b.extras[n] = x
			n++
		}
	}
	b.extras = b.extras[:n]
}

func (b *Builder) encode() *Encoded {
	e := b.encoders
	e.rows, e.codes = b.rows, b.typeCodes
	e.counts = append(e.counts[:0], make([]int, b.types.len())...)
	for _, c := range b.typeCodes {
		e.counts[c]++
	}
	out := &Encoded{rows: b.rows, entities: names(&b.ents), entityRows: make([]int, b.ents.len())}
	for _, c := range b.entCodes {
		out.entityRows[c]++
	}
	meta := binary.AppendUvarint([]byte{formatVersion, 0}, uint64(b.rows))
	meta = binary.AppendUvarint(meta, uint64(b.types.len()))
	for t, c := range e.counts {
		meta = binary.AppendUvarint(appendText(meta, string(b.types.at(t))), uint64(c))
	}
	if b.rows > 0 {
		b.encodeFixed(out)
	}
	meta = b.appendFixed(meta)
	out.meta = b.encodePaths(meta, out)
	return out
}

// encodeFixed encodes everything but documents.
func (b *Builder) encodeFixed(out *Encoded) {
	e := b.encoders
	nums := make([]int64, 0, b.rows)
	if b.types.len() > 1 {
		for _, c := range b.typeCodes {
			nums = append(nums, int64(c))
		}
		out.add(blobTypes, e.intsBlob(nums))
	}
	nums = nums[:0]
	for _, c := range b.entCodes {
		nums = append(nums, int64(c))
	}
	out.add(blobEntities, e.intsBlob(nums))
	out.add(blobNames, sealBlob(e.texts.append([]byte{formatVersion}, &byteList{b.ents.data, b.ents.ends})))
	if b.ents.len() > maxValueSet {
		out.add(blobFilter, filterBlob(b.ents.hashes))
	}
	if len(b.times.rows) > 0 {
		out.add(blobTimes, e.sparseTimes(&b.times))
	}
	if len(b.ids.rows) > 0 {
		out.add(blobIDs, e.idBlob(&b.ids))
	}
}

// appendFixed appends to the meta blob what it tells of everything but documents: uvarint entities, the bounds of their
// names, their hashes if few; uvarint times given, their bounds; uvarint ids given.
func (b *Builder) appendFixed(meta []byte) []byte {
	var z zone
	n := b.ents.len()
	meta = binary.AppendUvarint(meta, uint64(n))
	if n > 0 {
		lo, hi := b.ents.at(0), b.ents.at(0)
		for i := 1; i < n; i++ {
			if s := b.ents.at(i); bytes.Compare(s, lo) < 0 {
				lo = s
			} else if bytes.Compare(s, hi) > 0 {
				hi = s
			}
		}
		z.lowText, z.highText, z.highCut = cutBounds(lo, hi)
		meta = appendText(appendText(meta, z.lowText), z.highText)
		cut := byte(0)
		if z.highCut {
			cut = 1
		}
		meta = append(meta, cut)
		if n <= maxValueSet {
			for _, h := range b.ents.hashes {
				meta = binary.LittleEndian.AppendUint32(meta, uint32(h))
			}
		}
	}
	lo, hi := bounds(b.times.vals)
	meta = binary.AppendUvarint(meta, uint64(len(b.times.vals)))
	meta = binary.AppendVarint(binary.AppendVarint(meta, lo), hi)
	return binary.AppendUvarint(meta, uint64(len(b.ids.rows)))
}

// branch is a node on its way into the meta blob.
type branch struct {
	keep  bool // its values get a column
	inner bool // it or something below it does, or the overflow hangs here
	extra bool // the overflow hangs here
	place int  // in the meta blob, from 0
}

// encodePaths encodes the columns of paths and the overflow, and appends the tree to the meta blob: uvarint nodes, per
// node (parents first, siblings in the order of jsonb's keys): uvarint parent (a root: itself), text key (not of a root), byte flags (1 a
// column, 2 the overflow has members of it), the zone of the column.
func (b *Builder) encodePaths(meta []byte, out *Encoded) []byte {
	e := b.encoders
	nodes := b.tree.nodes
	br := make([]branch, len(nodes))
	b.choosePaths(br)
	order := make([]*node, 0, len(nodes))
	for _, root := range nodes[:numRoots] {
		order = appendTree(order, root, br)
	}
	b.encodeExtras(out, br)
	meta = binary.AppendUvarint(meta, uint64(len(order)))
	for place, n := range order {
		if n.up == nil {
			meta = binary.AppendUvarint(meta, uint64(place))
		} else {
			meta = binary.AppendUvarint(meta, uint64(br[n.up.id].place))
			meta = appendText(meta, n.key)
		}
		f := br[n.id]
		flags := byte(0)
		if f.keep {
			flags |= 1
		}
		if f.extra {
			flags |= 2
		}
		meta = append(meta, flags)
		if !f.keep {
			continue
		}
		id := firstPath + ColumnID(2*place)
		blob, z, hashes := e.column(n)
		out.add(id, blob)
		if z.filter {
			out.add(id+1, filterBlob(hashes))
		}
		meta = z.append(meta, len(e.counts))
	}
	return meta
}

// choosePaths decides which paths get columns; the values of the others go to the overflow.
func (b *Builder) choosePaths(br []branch) {
	nodes := b.tree.nodes
	var with []*node
	for _, n := range nodes {
		if len(n.rows) > 0 {
			with = append(with, n)
			br[n.id].keep = true
		}
	}
	for _, root := range nodes[:numRoots] {
		br[root.id].inner = true
	}
	if len(with) > maxPaths {
		sort.SliceStable(with, func(i, k int) bool {
			if (with[i].up == nil) != (with[k].up == nil) {
				return with[i].up == nil
			}
			return len(with[i].rows) > len(with[k].rows)
		})
		for _, n := range with[maxPaths:] {
			br[n.id].keep = false
		}
		for _, n := range with[:maxPaths] {
			markInner(n, br)
		}
		for _, n := range with[maxPaths:] {
			b.demote(n, br)
		}
	} else {
		for _, n := range with {
			markInner(n, br)
		}
	}
	for i := range b.extras {
		n := nodes[b.extras[i].parent]
		for !br[n.id].inner {
			n = n.up
		}
		br[n.id].extra = true
	}
}

func markInner(n *node, br []branch) {
	for ; n != nil && !br[n.id].inner; n = n.up {
		br[n.id].inner = true
	}
}

// appendTree appends the inner nodes at n and below, and says where each is.
func appendTree(order []*node, n *node, br []branch) []*node {
	if !br[n.id].inner {
		return order
	}
	br[n.id].place = len(order)
	order = append(order, n)
	children := make([]*node, 0, len(n.children))
	for _, c := range n.children {
		if br[c.id].inner {
			children = append(children, c)
		}
	}
	sort.Slice(children, func(i, k int) bool { return keyLess(children[i].key, children[k].key) })
	for _, c := range children {
		order = appendTree(order, c, br)
	}
	return order
}

// keyLess is the order of keys in jsonb: shorter first, then by bytes.
func keyLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// demote moves the values of a path to the overflow, as a member of its parent.
func (b *Builder) demote(n *node, br []branch) {
	c := valueCursor{n: n}
	for i, row := range n.rows {
		b.jb.Reset()
		c.emit(i, &b.jb)
		at := uint32(len(b.extraData))
		b.extraData = append(append(b.extraData, n.key...), b.jb.Bytes()...)
		b.extras = append(b.extras, extra{row, n.up.id, at, at + uint32(len(n.key)), uint32(len(b.extraData))})
	}
}

// encodeExtras encodes the overflow: presence; texts, one per present row: per entry uvarint place of a node, uvarint
// keys from there on, the keys as texts, the jsonb value as a text.
func (b *Builder) encodeExtras(out *Encoded, br []branch) {
	if len(b.extras) == 0 {
		return
	}
	sort.SliceStable(b.extras, func(i, k int) bool { return b.extras[i].row < b.extras[k].row })
	var rows []uint16
	var l byteList
	var keys []string
	for i := range b.extras {
		x := &b.extras[i]
		keys = append(keys[:0], string(b.extraData[x.key:x.val]))
		n := b.tree.nodes[x.parent]
		for ; !br[n.id].inner; n = n.up {
			keys = append(keys, n.key)
		}
		l.data = binary.AppendUvarint(l.data, uint64(br[n.id].place))
		l.data = binary.AppendUvarint(l.data, uint64(len(keys)))
		for k := len(keys) - 1; k >= 0; k-- {
			l.data = appendText(l.data, keys[k])
		}
		l.data = appendText(l.data, string(b.extraData[x.val:x.to]))
		if i+1 == len(b.extras) || b.extras[i+1].row != x.row {
			rows = append(rows, x.row)
			l.ends = append(l.ends, uint32(len(l.data)))
		}
	}
	e := b.encoders
	dst, _ := e.presence.append([]byte{formatVersion}, rows, e.rows, e.codes, e.counts)
	out.add(blobExtras, sealBlob(e.texts.append(dst, &l)))
}
