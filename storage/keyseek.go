package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// keyCursor goes through the entries of runs in order. What it goes through does not change, whatever is added meanwhile.
type keyCursor struct {
	parts  []*keyPart
	lo, hi []byte // nil: no bound
	desc   bool
}

// keyPart is a sorted part of runs: some of what is in memory, or a block of a file and what lies on its far side.
type keyPart struct {
	data  []byte
	keys  []keyPlace
	at    int // of the next entry; outside of keys: the part is over
	run   *keyFile
	fs    vfs.FS
	block int
}

// similarParts is how many parts of about one size are sorted into one, so that who looks has few to look into.
const similarParts = 8

// share sorts what is in memory for those who look there, and keeps it as it is.
func (k *keyRuns) share() {
	if len(k.keys) > 0 {
		sortKeys(k.data, k.keys)
		k.parts, k.keys = append(k.parts, k.keys), nil
	}
	for n := len(k.parts); n >= similarParts && len(k.parts[n-similarParts]) <= 2*len(k.parts[n-1]); n = len(k.parts) {
		all := slices.Concat(k.parts[n-similarParts:]...)
		sortKeys(k.data, all)
		k.parts = append(k.parts[:n-similarParts], all)
	}
	k.shared = k.shared || k.held > 0
}

// fewUnsorted is up to how many entries are gone through for one key rather than sorted.
const fewUnsorted = 1 << 15

// seek goes through the entries with lo <= key < hi.
func (k *keyRuns) seek(lo, hi []byte, desc bool) (*keyCursor, error) {
	k.share()
	return k.sorted(lo, hi, desc)
}

// sorted is seek for the entries that are sorted.
func (k *keyRuns) sorted(lo, hi []byte, desc bool) (*keyCursor, error) {
	c := &keyCursor{lo: lo, hi: hi, desc: desc}
	for _, keys := range k.parts {
		p := &keyPart{data: k.data, keys: keys}
		p.find(lo, hi, desc)
		c.parts = append(c.parts, p)
	}
	for _, f := range k.files {
		p := &keyPart{run: f, fs: k.d.s.o.FS}
		if err := p.findBlock(lo, hi, desc); err != nil {
			return nil, err
		}
		c.parts = append(c.parts, p)
	}
	c.parts = slices.DeleteFunc(c.parts, func(p *keyPart) bool { return p.over(c) })
	return c, nil
}

// find goes to the first entry of a range, or the last.
func (p *keyPart) find(lo, hi []byte, desc bool) {
	if desc {
		p.at = len(p.keys) - 1
		if hi != nil {
			p.at = sort.Search(len(p.keys), func(i int) bool { return bytes.Compare(p.key(i), hi) >= 0 }) - 1
		}
		return
	}
	p.at = 0
	if lo != nil {
		p.at = sort.Search(len(p.keys), func(i int) bool { return bytes.Compare(p.key(i), lo) >= 0 })
	}
}

// findBlock is find in a file.
func (p *keyPart) findBlock(lo, hi []byte, desc bool) error {
	marks, bound := p.run.marks, lo
	if desc {
		bound = hi
	}
	p.block = 0
	switch {
	case bound != nil:
		p.block = max(0, sort.Search(len(marks), func(i int) bool { return bytes.Compare(marks[i].key, bound) >= 0 })-1)
	case desc:
		p.block = len(marks) - 1
	}
	if err := p.load(); err != nil {
		return err
	}
	if p.find(lo, hi, desc); p.at == len(p.keys) {
		return p.next(desc)
	}
	return nil
}

func (p *keyPart) key(i int) []byte { return p.data[p.keys[i].from:p.keys[i].to] }

// step goes to the next entry.
func (p *keyPart) step(desc bool) error {
	if desc {
		p.at--
	} else {
		p.at++
	}
	if p.run != nil && (p.at < 0 || p.at == len(p.keys)) {
		return p.next(desc)
	}
	return nil
}

// next goes to the next block of a file, if there is one.
func (p *keyPart) next(desc bool) error {
	if desc {
		if p.block == 0 {
			return nil
		}
		p.block--
	} else if p.block++; p.block == len(p.run.marks) {
		return nil
	}
	err := p.load()
	if p.at = 0; desc {
		p.at = len(p.keys) - 1
	}
	return err
}

// load reads the block.
func (p *keyPart) load() error {
	end := p.run.size
	if p.block+1 < len(p.run.marks) {
		end = p.run.marks[p.block+1].at
	}
	at := p.run.marks[p.block].at
	file, err := p.run.open(p.fs)
	if err != nil {
		return err
	}
	data := make([]byte, end-at)
	if _, err := file.ReadAt(data, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	p.data, p.keys = data, p.keys[:0:0]
	for i := 0; i < len(data); {
		n, k := binary.Uvarint(data[i:])
		if k <= 0 || n > uint64(len(data)-i-k) {
			return fmt.Errorf("%w: a run of keys", ErrCorrupt)
		}
		from := i + k
		to := from + int(n)
		row, k := binary.Uvarint(data[to:])
		if k <= 0 {
			return fmt.Errorf("%w: a run of keys", ErrCorrupt)
		}
		p.keys = append(p.keys, keyPlace{uint32(from), uint32(to), int64(row)})
		i = to + k
	}
	return nil
}

func (f *keyFile) open(fs vfs.FS) (vfs.File, error) {
	f.opens.Do(func() { f.file, f.err = fs.Open(f.path, vfs.RandomReadsOption) })
	return f.file, f.err
}

func (f *keyFile) close() {
	f.opens.Do(func() { f.err = errLoadEnded })
	if f.file != nil {
		_ = f.file.Close() // it was only read
	}
}

// over reports whether a part has no more entries of the range.
func (p *keyPart) over(c *keyCursor) bool {
	switch {
	case p.at < 0 || p.at >= len(p.keys):
		return true
	case c.desc:
		return c.lo != nil && bytes.Compare(p.key(p.at), c.lo) < 0
	}
	return c.hi != nil && bytes.Compare(p.key(p.at), c.hi) >= 0
}

// next returns the next entry. The key stays valid.
func (c *keyCursor) next() (key []byte, row int64, ok bool, err error) {
	if len(c.parts) == 0 {
		return nil, 0, false, nil
	}
	best := 0
	for i := 1; i < len(c.parts); i++ {
		a, b := c.parts[i], c.parts[best]
		order := bytes.Compare(a.key(a.at), b.key(b.at))
		if order == 0 {
			order = 1
			if a.keys[a.at].row > b.keys[b.at].row {
				order = -1
			}
		}
		if order < 0 != c.desc {
			best = i
		}
	}
	p := c.parts[best]
	key, row = p.key(p.at), p.keys[p.at].row
	if err := p.step(c.desc); err != nil {
		return nil, 0, false, err
	}
	if p.over(c) {
		c.parts = slices.Delete(c.parts, best, best+1)
	}
	return key, row, true, nil
}

// with lists the rows with a key.
func (k *keyRuns) with(key []byte) ([]int64, error) {
	if bytes.Compare(key, k.last) > 0 || k.bytes == 0 {
		return nil, nil
	}
	if k.filter == nil {
		k.filter = newKeyFilter()
		if err := k.each(func(key []byte, _ int64) error { k.filter.add(key); return nil }); err != nil {
			return nil, err
		}
	}
	if !k.filter.may(key) {
		return nil, nil
	}
	if len(k.keys) > fewUnsorted {
		k.share()
	}
	var out []int64
	for i := range k.keys {
		if p := &k.keys[i]; bytes.Equal(k.data[p.from:p.to], key) {
			out = append(out, p.row)
		}
	}
	c, err := k.sorted(key, append(bytes.Clone(key), 0), false)
	if err != nil {
		return nil, err
	}
	for {
		_, row, ok, err := c.next()
		if !ok || err != nil {
			return out, err
		}
		out = append(out, row)
	}
}
