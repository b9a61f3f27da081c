package storage

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sort"
)

// A hash run is a set of (hash, value) pairs that never changes, sorted by hash and cut by hash prefix into pages: the
// page of a hash is known without an index. In front of the pages stand filters, a few per run, so that a hash that is
// not there costs no page. Runs are merged as they grow in number. Hashes count with their first 40 bits: who asks
// verifies what was found.
//
// # Format
//
//	page    count (4), smallest value (8), width of a hash's rest in bytes (1), width of a value (1),
//	        rests ascending, values less the smallest; little-endian
//	filter  blocks of 64 bytes, in each of which five bits are set per hash
const (
	hashBits      = 40
	pageEntries   = 2048
	pagesOfFilter = 4 // as a shift: one filter covers 16 pages
	filterPart    = 1 << 31
	filterBlock   = 64
	keysPerBlock  = 64 // 8 bits a key
)

// pair is one entry of a run.
type pair struct{ hash, value uint64 }

func short(hash uint64) uint64 { return hash >> (64 - hashBits) }

// hashRun is a run on disk.
type hashRun struct {
	object   uint64
	count    int64
	pageBits int
}

func pageBitsFor(count int64) int {
	pages := (count + pageEntries - 1) / pageEntries
	if pages <= 1 {
		return 0
	}
	return min(bits.Len64(uint64(pages-1)), 24)
}

func (r *hashRun) filterBits() int { return max(0, r.pageBits-pagesOfFilter) }

func (r *hashRun) page(hash uint64) uint32 { return prefix(hash, r.pageBits) }

func (r *hashRun) filter(hash uint64) uint32 { return filterPart | prefix(hash, r.filterBits()) }

func prefix(hash uint64, n int) uint32 { return uint32(hash >> 1 >> (63 - n)) }

// fetchPart reads a blob of an object; it returns nil for one that is not there.
type fetchPart func(object uint64, part uint32) ([]byte, error)

// lookup appends the values stored under the hash to dst.
func (r *hashRun) lookup(hash uint64, fetch fetchPart, dst []uint64) ([]uint64, error) {
	f, err := fetch(r.object, r.filter(hash))
	if err != nil {
		return dst, err
	}
	if !filterHas(f, hash) {
		return dst, nil
	}
	p, err := fetch(r.object, r.page(hash))
	if err != nil {
		return dst, err
	}
	pg, err := openPage(p)
	if err != nil {
		return dst, fmt.Errorf("hash run %d: %w", r.object, err)
	}
	rest := short(hash) & (1<<(hashBits-r.pageBits) - 1)
	i := sort.Search(pg.count, func(i int) bool { return pg.rest(i) >= rest })
	for ; i < pg.count && pg.rest(i) == rest; i++ {
		dst = append(dst, pg.value(i))
	}
	return dst, nil
}

func cmpUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

type page struct {
	count            int
	low              uint64
	restW, valueW    int
	restsAt, valueAt []byte
}

const pageHead = 14

func openPage(b []byte) (page, error) {
	if len(b) == 0 {
		return page{}, nil
	}
	if len(b) < pageHead {
		return page{}, fmt.Errorf("%w: short page", ErrCorrupt)
	}
	p := page{count: int(binary.LittleEndian.Uint32(b)), low: binary.LittleEndian.Uint64(b[4:]), restW: int(b[12]), valueW: int(b[13])}
	if p.restW > 8 || p.valueW > 8 || len(b)-pageHead != p.count*(p.restW+p.valueW) {
		return page{}, fmt.Errorf("%w: page of %d bytes", ErrCorrupt, len(b))
	}
	p.restsAt = b[pageHead : pageHead+p.count*p.restW]
	p.valueAt = b[pageHead+p.count*p.restW:]
	return p, nil
}

func (p *page) rest(i int) uint64 { return readUint(p.restsAt[i*p.restW:], p.restW) }

func (p *page) value(i int) uint64 { return p.low + readUint(p.valueAt[i*p.valueW:], p.valueW) }

func readUint(b []byte, width int) uint64 {
	var v uint64
	for i := width - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func appendUint(dst []byte, v uint64, width int) []byte {
	for range width {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}

func byteWidth(v uint64) int { return (bits.Len64(v) + 7) / 8 }

// appendPage encodes pairs that share their first pageBits bits, sorted.
func appendPage(dst []byte, pairs []pair, pageBits int) []byte {
	low, high := pairs[0].value, pairs[0].value
	for _, p := range pairs {
		low, high = min(low, p.value), max(high, p.value)
	}
	restW, valueW := (hashBits-pageBits+7)/8, byteWidth(high-low)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(pairs)))
	dst = binary.LittleEndian.AppendUint64(dst, low)
	dst = append(dst, byte(restW), byte(valueW))
	for _, p := range pairs {
		dst = appendUint(dst, short(p.hash)&(1<<(hashBits-pageBits)-1), restW)
	}
	for _, p := range pairs {
		dst = appendUint(dst, p.value-low, valueW)
	}
	return dst
}

// filterPlace is the block of a hash in a filter, and the five bits in it.
func filterPlace(hash uint64, blocks int) (block int, bitsOf uint64) {
	m := mix(short(hash))
	return int((m >> 32) * uint64(blocks) >> 32), mix(m)
}

func filterHas(f []byte, hash uint64) bool {
	if len(f) < filterBlock {
		return false
	}
	block, places := filterPlace(hash, len(f)/filterBlock)
	b := f[block*filterBlock : (block+1)*filterBlock]
	for range 5 {
		if b[places>>3&63]>>(places&7)&1 == 0 {
			return false
		}
		places >>= 9
	}
	return true
}

func newFilter(hashes []uint64) []byte {
	f := make([]byte, (len(hashes)+keysPerBlock-1)/keysPerBlock*filterBlock)
	for _, h := range hashes {
		block, places := filterPlace(h, len(f)/filterBlock)
		b := f[block*filterBlock : (block+1)*filterBlock]
		for range 5 {
			b[places>>3&63] |= 1 << (places & 7)
			places >>= 9
		}
	}
	return f
}

// runWriter encodes a run from pairs that come sorted, part by part.
type runWriter struct {
	run    *hashRun
	put    func(part uint32, data []byte) error
	page   []pair
	filter []uint64
	err    error
}

func newRunWriter(object uint64, count int64, put func(part uint32, data []byte) error) *runWriter {
	return &runWriter{run: &hashRun{object: object, count: count, pageBits: pageBitsFor(count)}, put: put}
}

func (w *runWriter) add(p pair) {
	if n := len(w.page); n > 0 && w.run.page(w.page[n-1].hash) != w.run.page(p.hash) {
		w.endPage()
	}
	if n := len(w.filter); n > 0 && w.run.filter(w.filter[n-1]) != w.run.filter(p.hash) {
		w.endFilter()
	}
	w.page = append(w.page, p)
	w.filter = append(w.filter, p.hash)
}

func (w *runWriter) endPage() {
	if len(w.page) > 0 && w.err == nil {
		w.err = w.put(w.run.page(w.page[0].hash), appendPage(nil, w.page, w.run.pageBits))
	}
	w.page = w.page[:0]
}

func (w *runWriter) endFilter() {
	if len(w.filter) > 0 && w.err == nil {
		w.err = w.put(w.run.filter(w.filter[0]), newFilter(w.filter))
	}
	w.filter = w.filter[:0]
}

func (w *runWriter) finish() (*hashRun, error) {
	w.endPage()
	w.endFilter()
	return w.run, w.err
}

func sortPairs(pairs []pair) {
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := cmpUint(short(a.hash), short(b.hash)); c != 0 {
			return c
		}
		return cmpUint(a.value, b.value)
	})
}

// runReader walks a run in order.
type runReader struct {
	run   *hashRun
	fetch fetchPart
	next  uint64 // page
	page  page
	at    int
	cur   pair
}

// advance moves to the next pair; false at the end.
func (r *runReader) advance() (bool, error) {
	for r.at >= r.page.count {
		if r.next >= 1<<r.run.pageBits {
			runtime.KeepAlive(r.run)
			return false, nil
		}
		b, err := r.fetch(r.run.object, uint32(r.next))
		if err != nil {
			return false, err
		}
		if r.page, err = openPage(b); err != nil {
			return false, err
		}
		r.next, r.at = r.next+1, 0
	}
	high := (r.next - 1) << (hashBits - r.run.pageBits)
	r.cur = pair{hash: (high | r.page.rest(r.at)) << (64 - hashBits), value: r.page.value(r.at)}
	r.at++
	return true, nil
}

// mergeRuns writes the pairs of several runs as one.
func mergeRuns(runs []*hashRun, fetch fetchPart, object uint64, put func(part uint32, data []byte) error) (*hashRun, error) {
	var readers []*runReader
	count := int64(0)
	for _, r := range runs {
		rd := &runReader{run: r, fetch: fetch}
		ok, err := rd.advance()
		if err != nil {
			return nil, err
		}
		if ok {
			readers = append(readers, rd)
		}
		count += r.count
	}
	w := newRunWriter(object, count, put)
	for len(readers) > 0 {
		least := 0
		for i, rd := range readers {
			if rd.cur.hash < readers[least].cur.hash {
				least = i
			}
		}
		w.add(readers[least].cur)
		ok, err := readers[least].advance()
		if err != nil {
			return nil, err
		}
		if !ok {
			readers = slices.Delete(readers, least, least+1)
		}
	}
	return w.finish()
}
