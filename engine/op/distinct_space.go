package op

import "github.com/allsource-db/allsource/vec"

// spaceSets is sets of numbers of a vec.Space, a bitmap for each group.
type spaceSets struct {
	space   *vec.Space
	columns []*vec.Column // in which the values are
	held    int64
	bits    []vec.Bitmap // all of the same length
	words   int          // of each
	used    int          // of those, up to the highest number
	rows    int64
	nums    []int32
}

// add takes the values of c into groups, those of group -1 not; it reports false, and does nothing, where one has no number or the
// bitmaps would be mostly empty.
func (s *spaceSets) add(c *vec.Column, groups []int32, total int) bool {
	d, ok := valuesIn(c)
	if !ok || s.space != nil && s.space != d.Space {
		return false
	}
	nums, highest := spaceNumbers(c, d, len(groups), s.nums)
	if s.nums = nums; !s.reach(highest, total, int64(len(groups))) {
		return false
	}
	s.space = d.Space
	s.hold(d)
	bits := s.bits
	for i, g := range groups {
		if num := uint32(nums[i]); g >= 0 {
			bits[g][num>>6] |= 1 << (num & 63)
		}
	}
	return true
}

// valuesIn is the flat column that has the values of c; it reports whether all of them have numbers.
func valuesIn(c *vec.Column) (*vec.Column, bool) {
	d := c
	if c.Codes != nil {
		d = c.Dict
	}
	return d, d.Nums != nil && c.Valid == nil && d.Valid == nil
}

// spaceNumbers gives the numbers of n values of c, which are in d, and the highest; they are stored in into, if they have room there.
// Only if the highest is one are they all int32.
func spaceNumbers(c, d *vec.Column, n int, into []int32) (nums []int32, highest uint32) {
	nums = resized(into, n)
	if c.Codes == nil {
		for i, num := range d.Nums[:n] {
			nums[i], highest = int32(num), max(highest, num)
		}
		return nums, highest
	}
	for i, code := range c.Codes[:n] {
		num := d.Nums[code]
		nums[i], highest = int32(num), max(highest, num)
	}
	return nums, highest
}

// reach makes the bitmaps of so many groups long enough, unless that would be too much for the rows. They grow by half, so that what is copied
// does not grow with the square of the numbers.
func (s *spaceSets) reach(highest uint32, groups int, rows int64) bool {
	words := max(int(highest>>6)+1, s.used)
	if int64(words)*int64(groups) > max(denseWords, s.rows+rows) {
		return false
	}
	s.rows += rows
	s.used = words
	for len(s.bits) < groups {
		s.bits = append(s.bits, make(vec.Bitmap, s.words))
	}
	if words <= s.words {
		return true
	}
	s.words = max(words, s.words+s.words/2)
	for g, b := range s.bits {
		s.bits[g] = make(vec.Bitmap, s.words)
		copy(s.bits[g], b)
	}
	return true
}

// hold keeps a column, so that its values can be found by their numbers.
func (s *spaceSets) hold(d *vec.Column) {
	if n := len(s.columns); n == 0 || s.columns[n-1] != d {
		s.columns = append(s.columns, d)
		s.held += int64(d.MemSize())
	}
}

// merge takes group g of o into group groups[g]; it reports false, and does nothing, where that cannot be done by number.
func (s *spaceSets) merge(o *spaceSets, groups []int32, total int) bool {
	if o.used == 0 {
		return true
	}
	if s.space != nil && s.space != o.space || !s.reach(uint32(64*o.used-1), total, o.rows) {
		return false
	}
	s.space = o.space
	s.columns, s.held = append(s.columns, o.columns...), s.held+o.held
	for g, b := range o.bits {
		to := s.bits[groups[g]]
		for w, word := range b[:o.used] {
			to[w] |= word
		}
	}
	return true
}

func (s *spaceSets) memSize() int64 { return int64(s.words*len(s.bits)*8) + s.held }

// leaveSpace numbers the values by what they are from now on.
func (d *distinctCount) leaveSpace() {
	s := d.space
	if d.space = nil; s == nil || s.used == 0 {
		return
	}
	wanted, numbers := make(vec.Bitmap, s.words), make([]int32, 64*s.words)
	for _, b := range s.bits {
		for w, word := range b {
			wanted[w] |= word
		}
	}
	for _, c := range s.columns {
		var rows []int32
		for i, num := range c.Nums {
			if int(num) < len(numbers) && wanted.Get(int(num)) {
				wanted.Clear(int(num))
				rows = append(rows, int32(i))
			}
		}
		d.number(&vec.Column{Kind: vec.Bytes, Len: len(rows), Codes: rows, Dict: c})
		for i, row := range rows {
			numbers[c.Nums[row]] = d.ids[i]
		}
	}
	d.sets.counts = make([]int64, len(s.bits))
	var list []int32
	for g, b := range s.bits {
		list = b.Indices(list[:0], 64*len(b))
		for _, num := range list {
			d.sets.add(int32(g), numbers[num])
		}
	}
}
