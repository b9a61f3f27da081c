package op

import (
	"context"
	"sync"

	"github.com/allsource-db/allsource/vec"
)

// buffer keeps batches, in memory while the budget lasts and in a file after that, and gives them in order to any number
// of readers. It is not safe for concurrent use.
type buffer struct {
	env    *Env
	acct   account
	list   []*vec.Batch // the first batches
	file   *spillFile   // those after them
	sealed bool         // nothing more is added: the file may be read
	rows   int64
}

func newBuffer(env *Env) *buffer { return &buffer{env: env, acct: env.Budget.account()} }

// add appends a batch.
func (b *buffer) add(x *vec.Batch) error {
	b.rows += int64(x.Len)
	if b.file == nil {
		x = settled(x)
		if size := memSize(x); b.acct.grow(size) {
			b.list = append(b.list, x)
			return nil
		} else {
			b.acct.grow(-size)
		}
		f, err := newSpillFile(b.env.Budget)
		if err != nil {
			return err
		}
		b.file = f
	}
	return b.file.write(x)
}

// reader starts at the first batch. With a file, nothing may be added while it is read.
func (b *buffer) reader() *bufferReader { return &bufferReader{b: b} }

func (b *buffer) close() error {
	b.list = nil
	b.acct.release()
	f := b.file
	b.file = nil
	return f.close()
}

type bufferReader struct {
	b  *buffer
	at int
	r  *spillReader
}

// next returns nil at the end of what was added.
func (r *bufferReader) next() (*vec.Batch, error) {
	if r.at < len(r.b.list) {
		r.at++
		return r.b.list[r.at-1], nil
	}
	if r.b.file == nil {
		return nil, nil
	}
	if r.r == nil {
		var err error
		if r.r, err = r.b.file.reader(); err != nil {
			return nil, err
		}
	}
	return r.r.next()
}

// Shared is the rows of a WITH query, computed once however often they are read, and only as far as they are read while
// they fit in memory. It is safe for concurrent use; the engine closes it after everything that reads it.
type Shared struct {
	mu   sync.Mutex
	env  *Env
	make func() (Op, error)
	def  Op
	rows *buffer
	err  error
	open bool
	done bool
}

// NewShared makes the rows with the operator that def builds when they are first asked for.
func NewShared(env *Env, def func() (Op, error)) *Shared {
	return &Shared{env: env, make: def, rows: newBuffer(env)}
}

// more computes another batch, or with the buffer over its memory all that is left. It reports whether there are new rows.
func (s *Shared) more(ctx context.Context) (bool, error) {
	if s.err != nil || s.done {
		return false, s.err
	}
	if !s.open {
		s.open = true
		if s.def, s.err = s.make(); s.err == nil {
			s.err = s.def.Open(ctx)
		}
	}
	for s.err == nil {
		var b *vec.Batch
		if b, s.err = s.def.Next(ctx); s.err != nil {
			break
		}
		if b == nil {
			s.done = true
			return s.rows.file != nil, nil
		}
		if s.err = s.rows.add(b); s.err == nil && s.rows.file == nil {
			return true, nil
		}
	}
	return false, s.err
}

// Fill computes all rows that were not asked for yet.
func (s *Shared) Fill(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.done && s.err == nil {
		if _, err := s.more(ctx); err != nil {
			return err
		}
	}
	return s.err
}

// Close frees the rows.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	err := s.rows.close()
	if s.def != nil {
		if e := s.def.Close(); err == nil {
			err = e
		}
		s.def = nil
	}
	return err
}

// sharedScan reads a Shared from the start.
type sharedScan struct {
	s *Shared
	r *bufferReader
}

// NewSharedScan reads the rows of a WITH query.
func NewSharedScan(s *Shared) Op { return &sharedScan{s: s} }

func (o *sharedScan) Open(context.Context) error {
	o.r = o.s.rows.reader()
	return nil
}

func (o *sharedScan) Next(ctx context.Context) (*vec.Batch, error) {
	if o.r == nil {
		return nil, nil
	}
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	for {
		if b := o.inMemory(); b != nil {
			return b, nil
		}
		if o.s.done {
			return o.r.next()
		}
		if _, err := o.s.more(ctx); err != nil {
			return nil, err
		}
	}
}

// inMemory gives the next batch if it is one of those in memory.
func (o *sharedScan) inMemory() *vec.Batch {
	if o.r.at >= len(o.s.rows.list) {
		return nil
	}
	o.r.at++
	return o.s.rows.list[o.r.at-1]
}

func (o *sharedScan) Close() error {
	o.r = nil
	return nil
}
