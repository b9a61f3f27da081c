package segment

import (
	"encoding/binary"
	"math/bits"
	"sort"

	"github.com/allsource-db/allsource/vec"
)

// Presence says which rows have a value:
//
//	00 all
//	01 by type   bitmap over the event types, (types+7)/8 bytes: the rows of those types
//	02 few       uvarint count, integers: the rows
//	03 most      uvarint count, integers: the rows that have none
//	04 bitmap    (rows+7)/8 bytes
//	05 packed    uvarint size, zstd of a bitmap
const (
	presentAll = iota
	presentByType
	presentFew
	presentMost
	presentBitmap
	presentPacked
)

// fewShare is the share of rows (one of so many) up to which rows are listed.
const fewShare = 24

// presence is immutable.
type presence struct {
	rows  int
	count int
	few   []int32    // the rows, if listed; else
	set   vec.Bitmap // nil: all
	rank  []int32    // per word of set, the bits before it
}

func allPresent(rows int) *presence { return &presence{rows: rows, count: rows} }

func newPresence(rows int, set vec.Bitmap) *presence {
	p := &presence{rows: rows, set: set, rank: make([]int32, len(set))}
	for i, w := range set {
		p.rank[i] = int32(p.count)
		p.count += bits.OnesCount64(w)
	}
	return p
}

func (p *presence) all() bool { return p.few == nil && p.set == nil }

// find returns the place of a row among the present ones.
func (p *presence) find(row int) (int, bool) {
	switch {
	case p.set != nil:
		w, bit := p.set[row>>6], uint(row)&63
		return int(p.rank[row>>6]) + bits.OnesCount64(w&(1<<bit-1)), w>>bit&1 != 0
	case p.few != nil:
		i := sort.Search(len(p.few), func(i int) bool { return p.few[i] >= int32(row) })
		return i, i < len(p.few) && p.few[i] == int32(row)
	}
	return row, true
}

// before returns how many rows before row are present; row may be the number of rows.
func (p *presence) before(row int) int {
	if row >= p.rows {
		return p.count
	}
	i, _ := p.find(row)
	return i
}

// bitmap returns the bits of rows [from, to) as an own copy, nil for all.
func (p *presence) bitmap(from, to int) vec.Bitmap {
	if p.all() {
		return nil
	}
	out := vec.NewBitmap(to - from)
	if p.few != nil {
		for _, r := range p.few[p.before(from):p.before(to)] {
			out.Set(int(r) - from)
		}
		return out
	}
	copyBits(out, p.set, from, to)
	return out
}

// copyBits copies bits [from, to) of src to the beginning of dst.
func copyBits(dst, src vec.Bitmap, from, to int) {
	shift := uint(from) & 63
	for i := range dst {
		w := src[from>>6+i] >> shift
		if shift > 0 && from>>6+i+1 < len(src) {
			w |= src[from>>6+i+1] << (64 - shift)
		}
		dst[i] = w
	}
	if r := uint(to-from) & 63; r > 0 && len(dst) > 0 {
		dst[len(dst)-1] &= 1<<r - 1
	}
}

func (p *presence) memSize() int { return 96 + 4*len(p.few) + 12*len(p.set) }

// presenceEncoder holds the scratch memory of encoding presence.
type presenceEncoder struct {
	ints *intsEncoder
	zip  *compressor
	nums []int64
	seen []int
	set  []byte
	pack []byte
}

// append encodes that the given rows of n have values. types are the codes of the rows' types, counts how many rows each
// type has. It also returns the set of types of the rows.
func (e *presenceEncoder) append(dst []byte, rows []uint16, n int, types []uint16, counts []int) (out []byte, typeSet vec.Bitmap) {
	if len(rows) == n {
		typeSet = vec.NewBitmap(len(counts))
		for t, c := range counts {
			if c > 0 {
				typeSet.Set(t)
			}
		}
		return append(dst, presentAll), typeSet
	}
	e.seen = append(e.seen[:0], make([]int, len(counts))...)
	for _, r := range rows {
		e.seen[types[r]]++
	}
	typeSet = vec.NewBitmap(len(counts))
	whole := true
	for t, c := range e.seen {
		if c > 0 {
			typeSet.Set(t)
			whole = whole && c == counts[t]
		}
	}
	switch {
	case whole && len(counts) <= 8*max(len(rows), 64):
		dst = append(dst, presentByType)
		return appendBits(dst, typeSet, len(counts)), typeSet
	case len(rows) <= n/fewShare || n < 64:
		e.nums = e.nums[:0]
		for _, r := range rows {
			e.nums = append(e.nums, int64(r))
		}
		dst = binary.AppendUvarint(append(dst, presentFew), uint64(len(rows)))
		return e.ints.append(dst, e.nums, true), typeSet
	case n-len(rows) <= n/fewShare:
		return e.appendMost(dst, rows, n), typeSet
	}
	e.set = append(e.set[:0], make([]byte, (n+7)/8)...)
	for _, r := range rows {
		e.set[r>>3] |= 1 << (r & 7)
	}
	var ok bool
	if e.pack, ok = e.zip.pack(e.pack[:0], e.set); ok {
		return appendText(append(dst, presentPacked), string(e.pack)), typeSet
	}
	return append(append(dst, presentBitmap), e.set...), typeSet
}

func (e *presenceEncoder) appendMost(dst []byte, rows []uint16, n int) []byte {
	e.nums = e.nums[:0]
	next := 0
	for _, r := range rows {
		for ; next < int(r); next++ {
			e.nums = append(e.nums, int64(next))
		}
		next++
	}
	for ; next < n; next++ {
		e.nums = append(e.nums, int64(next))
	}
	dst = binary.AppendUvarint(append(dst, presentMost), uint64(len(e.nums)))
	return e.ints.append(dst, e.nums, true)
}

func appendBits(dst []byte, set vec.Bitmap, n int) []byte {
	for i := range (n + 7) / 8 {
		dst = append(dst, byte(set[i/8]>>(uint(i)%8*8)))
	}
	return dst
}

// parseBits reads a bitmap of n bits; bits beyond n are cleared.
func parseBits(p *parser, n int) vec.Bitmap { return bitmapOf(p.bytes((n+7)/8), n) }

func bitmapOf(b []byte, n int) vec.Bitmap {
	set := vec.NewBitmap(n)
	for i, c := range b {
		set[i/8] |= uint64(c) << (uint(i) % 8 * 8)
	}
	if r := uint(n) & 63; r > 0 {
		set[len(set)-1] &= 1<<r - 1
	}
	return set
}

// parsePresence reads the presence over n rows; byType gives the rows of the event types of a set, of which there are
// so many.
func parsePresence(p *parser, n, types int, byType func(set vec.Bitmap) (*presence, error)) *presence {
	switch mode := p.byte(); mode {
	case presentAll:
	case presentByType:
		out, err := byType(parseBits(p, types))
		if err == nil {
			return out
		}
		if p.err == nil {
			p.err = err
		}
	case presentFew:
		if rows := parseRows(p, n); p.err == nil {
			return &presence{rows: n, count: len(rows), few: rows}
		}
	case presentMost:
		rows := parseRows(p, n)
		set := vec.NewBitmap(n)
		for i := range n {
			set.Set(i)
		}
		for _, r := range rows {
			set.Clear(int(r))
		}
		return newPresence(n, set)
	case presentBitmap:
		return newPresence(n, parseBits(p, n))
	case presentPacked:
		b, err := unzstd(p.text(), (n+7)/8)
		if err != nil && p.err == nil {
			p.err = err
		}
		return newPresence(n, bitmapOf(b, n))
	default:
		p.fail("presence in mode %d", mode)
	}
	return allPresent(n)
}

// parseRows reads an ascending list of rows.
func parseRows(p *parser, n int) []int32 {
	rows := make([]int32, p.count(n))
	readInts(parseInts(p, len(rows)), rows, 0)
	last := int32(-1)
	for _, r := range rows {
		if r <= last || int(r) >= n {
			p.fail("row %d after %d of %d", r, last, n)
			return []int32{}
		}
		last = r
	}
	return rows
}
