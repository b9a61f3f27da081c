package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// fanOut is how many files rows are spread over; deepest is how often the rows of a file may be spread again.
const (
	fanOut  = 16
	deepest = 6
)

// partitions spreads rows over files by the hash of their keys, so that equal keys are in one file, in the order in which
// they came.
type partitions struct {
	env   *Env
	types []datum.Type
	level byte
	files [fanOut]*spillFile
	rows  [fanOut][]int32
	at    int
	buf   []byte
}

// newPartitions fails with 53200 where spreading again has not helped so often that it will not.
func newPartitions(env *Env, types []datum.Type, level byte) (*partitions, error) {
	if level > deepest {
		return nil, env.Budget.exhausted()
	}
	return &partitions{env: env, types: types, level: level}, nil
}

// add writes the rows of b by the keys, which are of types.
func (p *partitions) add(b *vec.Batch, keys []*vec.Column) error {
	for k, rows := range p.split(b, keys) {
		if len(rows) == 0 {
			continue
		}
		if err := p.put(k, b.Take(rows)); err != nil {
			return err
		}
	}
	return nil
}

// split lists the rows of b for each file; the lists are good until the next call.
func (p *partitions) split(b *vec.Batch, keys []*vec.Column) *[fanOut][]int32 {
	for k := range p.rows {
		p.rows[k] = p.rows[k][:0]
	}
	for i := range b.Len {
		var h uint64
		h, p.buf = rowHash(p.types, keys, i, p.level, p.buf)
		p.rows[h%fanOut] = append(p.rows[h%fanOut], int32(i))
	}
	return &p.rows
}

// put writes rows to file k.
func (p *partitions) put(k int, b *vec.Batch) error {
	if p.files[k] == nil {
		f, err := newSpillFile(p.env.Budget)
		if err != nil {
			return err
		}
		p.files[k] = f
	}
	return p.files[k].write(b)
}

// next gives the rows of the next file that has any, nil after the last. The files before it are closed.
func (p *partitions) next() (source, error) {
	for p.at < fanOut {
		if p.at > 0 {
			if err := p.files[p.at-1].close(); err != nil {
				return nil, err
			}
		}
		f := p.files[p.at]
		p.at++
		if f != nil && f.rows > 0 {
			return openSpill(f)
		}
	}
	return nil, nil
}

// file gives the rows of file k, nil if there are none; it is closed with the others.
func (p *partitions) file(k int) (source, error) {
	if f := p.files[k]; f != nil && f.rows > 0 {
		return openSpill(f)
	}
	return nil, nil
}

// count is how many rows are in file k.
func (p *partitions) count(k int) int64 {
	if p.files[k] == nil {
		return 0
	}
	return p.files[k].rows
}

func openSpill(f *spillFile) (source, error) {
	r, err := f.reader()
	if err != nil {
		return nil, err
	}
	return spillSource{r}, nil
}

func (p *partitions) close() error {
	var first error
	for _, f := range p.files {
		if err := f.close(); err != nil && first == nil {
			first = err
		}
	}
	p.at = fanOut
	return first
}

type spillSource struct{ r *spillReader }

func (s spillSource) Next(context.Context) (*vec.Batch, error) { return s.r.next() }
