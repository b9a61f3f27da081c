package op

import (
	"sort"

	"github.com/allsource-db/allsource/vec"
)

// Kept is rows that are read again in any order: in memory while the budget lasts, in a file after that. It is not safe for concurrent use.
type Kept struct {
	budget *Budget
	acct   account
	list   []keptBatch
	file   *spillFile
	rows   int64
}

// keptBatch is some rows in memory, or in the file.
type keptBatch struct {
	first int64
	batch *vec.Batch // nil: in the file
	at    int64      // there
}

// NewKept keeps nothing yet.
func NewKept(b *Budget) *Kept { return &Kept{budget: b, acct: b.account()} }

// Rows is how many rows were added.
func (k *Kept) Rows() int64 { return k.rows }

// Add appends rows.
func (k *Kept) Add(b *vec.Batch) (err error) {
	b = settled(b)
	next := keptBatch{first: k.rows, batch: b}
	if size := memSize(b); k.file != nil || !k.acct.grow(size) {
		if k.file == nil {
			k.acct.grow(-size)
			if k.file, err = newSpillFile(k.budget); err != nil {
				return err
			}
		}
		next.batch, next.at = nil, k.file.size
		if err := k.file.write(b); err != nil {
			return err
		}
	}
	k.list, k.rows = append(k.list, next), k.rows+int64(b.Len)
	return nil
}

// At gives the rows among which the n-th is, from 0, and its place in them.
func (k *Kept) At(n int64) (*vec.Batch, int, error) {
	i := sort.Search(len(k.list), func(i int) bool { return k.list[i].first > n }) - 1
	b, err := k.list[i].batch, error(nil)
	if b == nil {
		b, err = k.file.at(k.list[i].at)
	}
	return b, int(n - k.list[i].first), err
}

// Close frees the rows.
func (k *Kept) Close() error {
	k.list = nil
	k.acct.release()
	return k.file.close()
}
