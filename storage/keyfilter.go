package storage

import "hash/maphash"

// keyFilter tells of keys whether they may have been added. It takes three bytes a key, and is wrong about few of ten thousand that were
// not, since to look for one costs as much as some thousand times to ask. It grows by parts, each four times as large as the one before.
type keyFilter struct {
	seed  maphash.Seed
	parts []bloomPart
}

// bloomPart is a Bloom filter whose bits for a key lie in one cache line.
type bloomPart struct {
	lines []filterLine
	room  int // keys that it may still take
}

type filterLine [8]uint64

const (
	filterLineKeys = 21 // keys a line
	filterProbes   = 7
	filterFirst    = 1 << 12
)

func newKeyFilter() *keyFilter { return &keyFilter{seed: maphash.MakeSeed()} }

func (f *keyFilter) add(key []byte) {
	n := len(f.parts)
	if n == 0 || f.parts[n-1].room == 0 {
		lines := filterFirst / filterLineKeys
		if n > 0 {
			lines = 4 * len(f.parts[n-1].lines)
		}
		f.parts = append(f.parts, bloomPart{lines: make([]filterLine, lines), room: lines * filterLineKeys})
		n++
	}
	p := &f.parts[n-1]
	p.room--
	h := maphash.Bytes(f.seed, key)
	line := p.line(h)
	for h, i := filterBits(h), 0; i < filterProbes; i++ {
		line[h>>6&7] |= 1 << (h & 63)
		h >>= 9
	}
}

// may reports whether a key may have been added.
func (f *keyFilter) may(key []byte) bool {
	h := maphash.Bytes(f.seed, key)
	for i := range f.parts {
		if f.parts[i].has(h) {
			return true
		}
	}
	return false
}

func (p *bloomPart) line(h uint64) *filterLine {
	return &p.lines[(h>>32)*uint64(len(p.lines))>>32]
}

func (p *bloomPart) has(h uint64) bool {
	line := p.line(h)
	for h, i := filterBits(h), 0; i < filterProbes; i++ {
		if line[h>>6&7]&(1<<(h&63)) == 0 {
			return false
		}
		h >>= 9
	}
	return true
}

// filterBits are places in a line, of nine bits each.
func filterBits(h uint64) uint64 { return h * 0x9e3779b97f4a7c15 }
