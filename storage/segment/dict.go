package segment

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// dict numbers distinct byte strings in the order of their first sight.
type dict struct {
	table  []uint32 // code+1 by hash, linear probing; its length is a power of two
	hashes []uint64 // by code
	ends   []uint32 // by code, into data
	data   []byte
	recent []recentText // see addRecent
}

// recentText is a text of at most 16 bytes, which first and last hold between them, and its code.
type recentText struct {
	first, last uint64
	size        uint32 // of the text, and 1
	code        uint32
}

const recentBits = 9 // of the places for recent texts

func (d *dict) len() int { return len(d.ends) }

func (d *dict) at(code int) []byte {
	from := uint32(0)
	if code > 0 {
		from = d.ends[code-1]
	}
	return d.data[from:d.ends[code]]
}

// add returns the code of s.
func (d *dict) add(s []byte) uint32 {
	if 2*len(d.ends) >= len(d.table) {
		d.grow()
	}
	h := xxhash.Sum64(s)
	mask := uint64(len(d.table) - 1)
	i := h & mask
	for d.table[i] != 0 {
		c := d.table[i] - 1
		if d.hashes[c] == h && string(d.at(int(c))) == string(s) {
			return c
		}
		i = (i + 1) & mask
	}
	d.data = append(d.data, s...)
	d.ends = append(d.ends, uint32(len(d.data)))
	d.hashes = append(d.hashes, h)
	d.table[i] = uint32(len(d.ends))
	return uint32(len(d.ends) - 1)
}

// addRecent is add for texts of which few come again and again: those are found without looking at all their bytes twice.
func (d *dict) addRecent(s []byte) uint32 {
	n := len(s)
	var first, last uint64
	switch {
	case n > 16:
		return d.add(s)
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(s)), uint64(binary.LittleEndian.Uint32(s[n-4:]))
	case n > 0:
		first, last = uint64(s[0])|uint64(s[n>>1])<<8, uint64(s[n-1])
	}
	if d.recent == nil {
		d.recent = make([]recentText, 1<<recentBits)
	}
	r := &d.recent[(first*0x9E3779B97F4A7C15^(last+uint64(n))*0xC2B2AE3D27D4EB4F)>>(64-recentBits)]
	if r.first != first || r.last != last || r.size != uint32(n+1) {
		*r = recentText{first, last, uint32(n + 1), d.add(s)}
	}
	return r.code
}

func (d *dict) grow() {
	d.table = make([]uint32, max(64, 2*len(d.table)))
	mask := uint64(len(d.table) - 1)
	for c, h := range d.hashes {
		i := h & mask
		for d.table[i] != 0 {
			i = (i + 1) & mask
		}
		d.table[i] = uint32(c + 1)
	}
}

// truncate forgets the codes from n on. They are taken out last first, which undoes linear probing.
func (d *dict) truncate(n int) {
	if n >= len(d.ends) {
		return
	}
	clear(d.recent)
	mask := uint64(len(d.table) - 1)
	for c := len(d.ends) - 1; c >= n; c-- {
		i := d.hashes[c] & mask
		for d.table[i] != uint32(c+1) {
			i = (i + 1) & mask
		}
		d.table[i] = 0
	}
	d.ends, d.hashes = d.ends[:n], d.hashes[:n]
	if n == 0 {
		d.data = d.data[:0]
	} else {
		d.data = d.data[:d.ends[n-1]]
	}
}

// reset forgets everything; expect is about how many distinct values will come.
func (d *dict) reset(expect int) {
	d.ends, d.hashes, d.data = d.ends[:0], d.hashes[:0], d.data[:0]
	clear(d.recent)
	want := 1 << bits.Len(uint(2*max(expect, 32)))
	if len(d.table) > 4*want || len(d.table) == 0 {
		d.table = make([]uint32, want)
		return
	}
	clear(d.table)
}

func (d *dict) memSize() int64 {
	return int64(4*cap(d.table) + 8*cap(d.hashes) + 4*cap(d.ends) + cap(d.data) + 24*len(d.recent))
}
