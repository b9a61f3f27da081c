package op

import (
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// ProbeStep joins rows with those of a JoinBuild.
type ProbeStep struct {
	Build *JoinBuild
	Stats *Stats // may be nil
}

func (s ProbeStep) stage(x *expr.EvalCtx) stage {
	p := s.Build.prober(x)
	return func(b *vec.Batch) (*vec.Batch, error) {
		out, err := p.next(b)
		s.Stats.count(out)
		return out, err
	}
}

// prober joins left batches one after the other, for one goroutine.
type prober struct {
	*JoinBuild
	m    *matcher
	keys []*expr.Program
	f    *joinFinder

	cur   *vec.Batch // left batch being joined
	at    []int32    // where in the table's list the rows begin that have the keys of its rows
	row   int        // the next of them
	out   pairs      // of the answer
	given int        // of them
}

// prober makes one; its matches count for the right rows that are left over.
func (b *JoinBuild) prober(x *expr.EvalCtx) *prober {
	env := b.env.With(x)
	p := &prober{JoinBuild: b, m: newMatcher(env, b.Joining), keys: expr.CompileAll(b.LeftKeys, x), f: newJoinFinder(b.table)}
	if b.keepsRight() {
		p.m.hit = vec.NewBitmap(b.rows.Len)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.hits = append(b.hits, p.m.hit)
	}
	return p
}

// next gives the first rows of the answer for a left batch, or with nil the next ones for the last; nil after the last.
func (p *prober) next(b *vec.Batch) (*vec.Batch, error) {
	if b != nil {
		if err := p.begin(b); err != nil {
			return nil, err
		}
	}
	for p.cur != nil {
		if from := p.given; from < len(p.out.left) {
			p.given = min(from+p.env.Rows, len(p.out.left))
			return p.m.rows(p.cur, p.rows, p.out, from, p.given), nil
		}
		if p.row == p.cur.Len {
			p.cur, p.out, p.given = nil, pairs{}, 0
			break
		}
		if err := p.some(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// begin looks the rows of a left batch up.
func (p *prober) begin(b *vec.Batch) error {
	keys, err := evalAll(p.keys, b)
	if err != nil {
		return err
	}
	p.cur, p.row, p.at = b, 0, resized(p.at, b.Len)
	p.f.find(keys, b.Len, p.at)
	return nil
}

// some finds the answer for some left rows.
func (p *prober) some() (err error) {
	p.given = 0
	if p.leftOnly() && p.m.test == nil {
		p.out = pairs{left: p.m.having(p.at, p.out.left[:0])}
		p.row = p.cur.Len
		return nil
	}
	from, list := p.row, p.table.list
	var c pairs
	for ; p.row < p.cur.Len && len(c.left) < p.env.Rows; p.row++ {
		for k := p.at[p.row]; k >= 0; k++ {
			r := list[k]
			c.left, c.right = append(c.left, int32(p.row)), append(c.right, r^r>>31)
			if r < 0 {
				break
			}
		}
	}
	p.out, err = p.m.match(p.cur, p.rows, c, from, p.row)
	return err
}

// joinFinder looks rows up in a joinTable, for one goroutine.
type joinFinder struct {
	t     *joinTable
	words *keyWords
	of    []uint64
	dict  *vec.Column // of a single key, whose entries were looked up
	at    []int32     // of each
	found slot        // keeps the fetching of slots from being left out
}

func newJoinFinder(t *joinTable) *joinFinder { return &joinFinder{t: t, words: newKeyWords(t.keys)} }

// find stores for n rows of keys where in the table's list the rows with the key begin, -1 where there are none.
func (f *joinFinder) find(cols []*vec.Column, n int, at []int32) {
	switch {
	case len(f.t.list) == 0:
		for i := range at[:n] {
			at[i] = -1
		}
		return
	case len(cols) == 0: // all rows have the same key
		clear(at[:n])
		return
	}
	c := cols[0]
	if len(cols) > 1 || c.Codes == nil || c.Dict.Len == 0 || f.dict != c.Dict && c.Dict.Len > 8*n {
		f.look(cols, n, at)
		return
	}
	if f.dict != c.Dict {
		f.dict, f.at = c.Dict, resized(f.at, c.Dict.Len)
		f.look([]*vec.Column{c.Dict}, c.Dict.Len, f.at)
	}
	for i, code := range c.Codes[:n] {
		if at[i] = f.at[code]; c.Valid != nil && !c.Valid.Get(i) {
			at[i] = -1
		}
	}
}

func (f *joinFinder) look(cols []*vec.Column, n int, at []int32) {
	f.of = resized(f.of, n)
	valid := f.words.of(cols, n, f.of)
	if direct := f.t.direct; direct != nil {
		for i, w := range f.of {
			at[i] = -1
			if w -= f.t.low; w < uint64(len(direct)) {
				at[i] = direct[w] - 1
			}
		}
	} else {
		f.probe(cols, at)
	}
	if valid != nil {
		for i := range at[:n] {
			if !valid.Get(i) {
				at[i] = -1
			}
		}
	}
}

// probe looks hashes up.
func (f *joinFinder) probe(cols []*vec.Column, at []int32) {
	t, exact := f.t, f.t.keys.exact()
	if exact {
		for i, w := range f.of {
			f.of[i] = mixInt(int64(w))
		}
	}
	large := len(t.list) >= touchFrom
	for i, w := range f.of {
		if large && i%touchRows == 0 {
			f.touch(f.of[i:min(i+touchRows, len(f.of))])
		}
		at[i] = -1
		slots, h := t.parts[t.partition(w)], w<<t.bits
		if len(slots) == 0 {
			continue
		}
		for k := slots.first(h); slots[k] != 0; k = slots.after(k) {
			if !slots[k].maybe(h) {
				continue
			}
			place := slots[k].entry()
			if t.words[place] == w && (exact || f.words.matches(&t.held, cols, i, t.row(place))) {
				at[i] = place
				break
			}
		}
	}
}

// touch fetches the slots of hashes.
func (f *joinFinder) touch(words []uint64) {
	t := f.t
	for _, w := range words {
		if slots := t.parts[t.partition(w)]; len(slots) > 0 {
			f.found |= slots[slots.first(w<<t.bits)]
		}
	}
}
