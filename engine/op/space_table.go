package op

import "github.com/allsource-db/allsource/vec"

// spaceTable finds the number of a value in a valueTable by its number in a vec.Space: an array access instead of hashing
// a text. As long as all values come from one space no text is looked at. When one comes that is not numbered, the texts of
// those known so far are entered where texts are looked up, and the array goes on as a shortcut to that.
type spaceTable struct {
	space   *vec.Space
	direct  []int32  // number in the space → ours plus one
	sparse  intTable // numbers beyond directNumbers
	toOurs  []int32  // sparse's number → ours
	spelled bool     // the texts are entered
	columns []*vec.Column
	rows    []int32     // where each value was first seen
	runs    []sampleRun // of rows
	held    int
}

// sampleRun says of rows from one on that they are in one column and that their values' numbers follow each other.
type sampleRun struct{ from, id, column int32 }

// directNumbers is the length that the array may have.
const directNumbers = 1 << 24

// takes reports whether the numbers of the flat column c are the table's.
func (s *spaceTable) takes(t *valueTable, c *vec.Column) bool {
	if s.space == nil && isPlainText(t.typ.OID) {
		s.space = c.Space
		s.spelled = t.n > 0
	}
	return s.space == c.Space
}

// one numbers row i of a flat column that has numbers.
func (s *spaceTable) one(t *valueTable, c *vec.Column, i int, add bool) int32 {
	num := c.Nums[i]
	if id := s.get(num); id >= 0 {
		return id
	}
	id := int32(-1)
	switch {
	case s.spelled:
		if id = t.text(c, i, add); id < 0 {
			return id
		}
	case !add:
		return -1
	default:
		id = int32(t.n)
		t.n++
		s.keep(c, i, id)
	}
	s.put(num, id)
	return id
}

func (s *spaceTable) get(num uint32) int32 {
	if num < directNumbers {
		if int(num) >= len(s.direct) {
			return -1
		}
		return s.direct[num] - 1
	}
	if k := s.sparse.get(int64(num)); k >= 0 {
		return s.toOurs[k]
	}
	return -1
}

// all stores the numbers of all values of a flat column of the table's space, -1 where they have none yet: look-ups that follow
// each other closely wait for memory together. It reports false where that would not be worth it.
func (s *spaceTable) all(c *vec.Column, ids []int32) bool {
	if c.Valid != nil || len(s.sparse.vals) > 0 {
		return false
	}
	direct := s.direct
	for i, num := range c.Nums {
		id := int32(-1)
		if int(num) < len(direct) {
			id = direct[num] - 1
		}
		ids[i] = id
	}
	return true
}

// find is all for the values with the codes, whose numbers are among nums; it reports whether one has no number of ours yet, as
// far as the array tells.
func (s *spaceTable) find(nums []uint32, codes, ids []int32) (missing bool) {
	direct, least := s.direct, int32(0)
	for i, code := range codes {
		num, id := nums[code], int32(-1)
		if int(num) < len(direct) {
			id = direct[num] - 1
		}
		ids[i] = id
		least = min(least, id)
	}
	return least < 0
}

// learn numbers those of the values with the codes that have no number yet; it reports false where the array does not reach them.
func (s *spaceTable) learn(t *valueTable, c *vec.Column, codes, ids []int32) bool {
	highest := uint32(0)
	for i, code := range codes {
		if ids[i] < 0 {
			highest = max(highest, c.Nums[code])
		}
	}
	if highest >= directNumbers {
		return false
	}
	s.reach(highest)
	for i, code := range codes {
		if ids[i] < 0 {
			ids[i] = s.learnOne(t, c, int(code))
		}
	}
	return true
}

// learnOne numbers row i of a flat column, whose value is in the array or new.
func (s *spaceTable) learnOne(t *valueTable, c *vec.Column, i int) int32 {
	num := c.Nums[i]
	if int(num) >= len(s.direct) {
		if num >= directNumbers {
			return s.one(t, c, i, true)
		}
		s.reach(num)
	}
	id := &s.direct[num]
	if *id == 0 {
		s.keep(c, i, int32(t.n))
		t.n++
		*id = int32(t.n)
	}
	return *id - 1
}

func (s *spaceTable) put(num uint32, id int32) {
	if num >= directNumbers {
		s.sparse.put(int64(num))
		s.toOurs = append(s.toOurs, id)
		return
	}
	s.reach(num)
	s.direct[num] = id + 1
}

// reach makes the array long enough.
func (s *spaceTable) reach(num uint32) {
	if int(num) >= len(s.direct) {
		grown := make([]int32, min(directNumbers, max(int(num)+1, 2*len(s.direct), 1024)))
		copy(grown, s.direct)
		s.direct = grown
	}
}

// keep notes where the value can be read.
func (s *spaceTable) keep(c *vec.Column, i int, id int32) {
	at, n := int32(len(s.rows)), len(s.runs)
	switch {
	case n == 0 || s.columns[len(s.columns)-1] != c:
		s.columns = append(s.columns, c)
		s.held += c.MemSize()
		fallthrough
	case id-s.runs[n-1].id != at-s.runs[n-1].from:
		s.runs = append(s.runs, sampleRun{at, id, int32(len(s.columns) - 1)})
	}
	s.rows = append(doubled(s.rows), int32(i))
}

// spell enters the texts of all values known by number only.
func (s *spaceTable) spell(t *valueTable) {
	if s.space == nil || s.spelled {
		return
	}
	s.spelled = true
	for k, run := range s.runs {
		end := len(s.rows)
		if k+1 < len(s.runs) {
			end = int(s.runs[k+1].from)
		}
		for i, row := range s.rows[run.from:end] {
			key := t.key(s.columns[run.column], int(row))
			t.texts.put(key, hashBytes(key), run.id+int32(i))
		}
	}
	s.columns, s.rows, s.runs, s.held = nil, nil, nil, 0
}

func (s *spaceTable) memSize() int {
	return len(s.direct)*4 + s.sparse.memSize() + cap(s.toOurs)*4 + cap(s.rows)*4 + cap(s.runs)*12 + s.held
}
