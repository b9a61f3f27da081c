package segment

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/vec"
)

// wholeTexts is up to how many bytes the texts of a column are kept unpacked.
const wholeTexts = 4 << 20

// bulkRows is how many rows are a read in bulk.
const bulkRows = 256

// unpackedTexts is all texts of a column unpacked, once so much of them was asked for that this would have been cheaper.
type unpackedTexts struct {
	asked atomic.Int64 // pieces unpacked for single texts
	once  sync.Once
	all   atomic.Pointer[vec.Column]
	err   error
	held  func(bytes int) // told what is kept; nil: nothing may be
}

// unpacked returns all texts if they are unpacked, or if it is time that they were; nil otherwise. The caller goes on to
// unpack so many pieces, and single ones pay for the whole when they are as many as there are.
func (t *texts) unpacked(pieces int) (*vec.Column, error) {
	w := &t.whole
	if all := w.all.Load(); all != nil {
		return all, nil
	}
	if w.held == nil || w.asked.Add(int64(pieces)) <= int64(max(len(t.pieces), 1)) || t.size() > wholeTexts {
		return nil, nil
	}
	w.once.Do(func() {
		all, err := t.all()
		if w.err = err; err == nil {
			w.held(all.MemSize())
			w.all.Store(all)
		}
	})
	return w.all.Load(), w.err
}

// size estimates the bytes of all texts.
func (t *texts) size() int {
	switch {
	case t.mode == textsConst:
		return t.n * len(t.value)
	case t.mode == textsNumbered:
		return t.n * (len(t.value) + maxDigits)
	case t.mode == textsDict:
		return t.n * 16
	}
	n := len(t.data)
	for i := range t.pieces {
		n += t.pieces[i].raw
	}
	switch t.form {
	case formHex:
		return 2 * n
	case formUUID:
		return 36 * t.n
	}
	return n
}

// all returns all texts as a column.
func (t *texts) all() (*vec.Column, error) {
	c := &vec.Column{Kind: vec.Bytes, Len: t.n, Offsets: make([]int32, t.n+1)}
	size := t.size()
	if size > math.MaxInt32 {
		return nil, corrupt("%d bytes of texts", size)
	}
	if t.mode == textsPlain && t.form != formUUID {
		return c, t.allStored(c)
	}
	c.Data = make([]byte, 0, size)
	k := textCursor{t: t, every: true}
	for i := range t.n {
		var err error
		if c.Data, err = k.appendTo(c.Data, i); err != nil {
			return nil, err
		}
		c.Offsets[i+1] = int32(len(c.Data))
	}
	return c, nil
}

// allStored fills c with texts whose bytes are as they are, or hexadecimal.
func (t *texts) allStored(c *vec.Column) error {
	ends := c.Offsets[1:]
	readInts(t.ints, ends, 0)
	sum := int64(0)
	for i, l := range ends {
		if l < 0 {
			return corrupt("text of %d bytes", l)
		}
		sum = min(sum+int64(l), math.MaxInt32)
		ends[i] = int32(sum)
	}
	c.Data = t.data
	if len(t.pieces) > 0 {
		// The buffer grows with what is really there, not with what a damaged length says.
		real := 1024
		for i := range t.pieces {
			real += 64 * len(t.pieces[i].data)
		}
		c.Data = make([]byte, 0, min(t.size(), real))
		for i := range t.pieces {
			pc := &t.pieces[i]
			var err error
			if c.Data, err = pc.appendTo(c.Data); err != nil {
				return err
			}
			if pc.end > 0 && int(ends[pc.end-1]) != len(c.Data) {
				return corrupt("texts do not fill their piece")
			}
		}
	}
	if sum != int64(len(c.Data)) {
		return corrupt("%d bytes of texts in %d bytes", sum, len(c.Data))
	}
	if t.form == formHex {
		c.Data = appendHex(nil, c.Data)
		for i := range ends {
			ends[i] *= 2
		}
	}
	return nil
}

// appendTo appends the piece unpacked.
func (pc *textPiece) appendTo(dst []byte) ([]byte, error) {
	if len(pc.data) == pc.raw {
		return append(dst, pc.data...), nil
	}
	return appendUnzstd(dst, pc.data, pc.raw)
}

// readTexts reads strings that have no dictionary. The second read in bulk unpacks the whole column for those that follow
// (the first may be all that is wanted).
func (c *pathColumn) readTexts(s chosen) (*vec.Column, error) {
	s = c.class(s, classStrings)
	pieces := 0
	if s.inBulk() {
		pieces = len(c.strs.pieces)/2 + 1
	}
	all, err := c.strs.unpacked(pieces)
	switch {
	case err != nil:
		return nil, err
	case all != nil:
		return s.texts(all), nil
	}
	return c.readSomeTexts(s, pieces > 0)
}

// inBulk reports whether the values are so many, and lie so close together, that all of them are read.
func (s *chosen) inBulk() bool { return s.count >= bulkRows && s.at(s.count-1)-s.at(0) < 2*s.count }

// texts returns the chosen ones of all texts, as one column that shares their bytes where they are consecutive.
func (s *chosen) texts(all *vec.Column) *vec.Column {
	out := &vec.Column{Kind: vec.Bytes, Len: s.n, Valid: s.valid, Data: all.Data}
	if s.places != nil {
		out.Offsets, out.Data = make([]int32, s.n+1), nil
		if s.inBulk() {
			out.Data = make([]byte, 0, all.Offsets[s.at(s.count-1)+1]-all.Offsets[s.at(0)])
		}
		done := 0
		s.each(func(row, at int) {
			for ; done < row; done++ {
				out.Offsets[done+1] = int32(len(out.Data))
			}
			out.Data = append(out.Data, all.Bytes(at)...)
			done++
			out.Offsets[done] = int32(len(out.Data))
		})
		for ; done < s.n; done++ {
			out.Offsets[done+1] = int32(len(out.Data))
		}
		return out
	}
	ends := all.Offsets[s.first : s.first+s.count+1]
	if s.valid == nil {
		out.Offsets = ends
		return out
	}
	// A row without a text is empty, and stands where the next text begins.
	out.Offsets = make([]int32, s.n+1)
	k := 0
	for row := range s.n {
		out.Offsets[row] = ends[k]
		k += int(s.valid[row>>6] >> (uint(row) & 63) & 1)
	}
	out.Offsets[s.n] = ends[k]
	return out
}

// readSomeTexts reads strings one by one.
func (c *pathColumn) readSomeTexts(s chosen, many bool) (*vec.Column, error) {
	out := &vec.Column{Kind: vec.Bytes, Len: s.n, Valid: s.valid, Offsets: make([]int32, s.n+1)}
	k := textCursor{t: c.strs, every: many}
	var err error
	done := 0
	s.each(func(row, at int) {
		for ; done < row; done++ {
			out.Offsets[done+1] = int32(len(out.Data))
		}
		if err == nil {
			out.Data, err = k.appendTo(out.Data, at)
		}
		if row == 0 && s.count > 1 {
			out.Data = slices.Grow(out.Data, len(out.Data)*s.count*9/8)
		}
		done++
		out.Offsets[done] = int32(len(out.Data))
	})
	for ; done < s.n; done++ {
		out.Offsets[done+1] = int32(len(out.Data))
	}
	return out, err
}
