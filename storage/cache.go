package storage

import (
	"container/list"
	"sync"
)

// partCache keeps small blobs that are read again and again: pages and filters of hash runs, chunks of names and versions.
type partCache struct {
	budget int64

	mu      sync.Mutex
	used    int64
	order   *list.List // of *partEntry, newest first
	entries map[partID]*list.Element
}

// partID is the key of a blob; object and part mean what the kind says.
type partID struct {
	db     uint32
	kind   byte
	object uint64
	part   uint32
}

type partEntry struct {
	id    partID
	value any
	size  int64
}

const entryOverhead = 160

func newPartCache(budget int64) *partCache {
	return &partCache{budget: budget, order: list.New(), entries: map[partID]*list.Element{}}
}

func (c *partCache) get(id partID) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*partEntry).value, true
}

// put keeps a value, unless it was read before the chunks of its database changed: fresh tells that.
func (c *partCache) put(id partID, value any, size int64, fresh func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fresh != nil && !fresh() {
		return
	}
	if e, ok := c.entries[id]; ok {
		c.remove(e)
	}
	c.add(id, value, size)
}

func (c *partCache) add(id partID, value any, size int64) {
	size += entryOverhead
	c.entries[id] = c.order.PushFront(&partEntry{id, value, size})
	c.used += size
	c.shrink()
}

func (c *partCache) shrink() {
	for c.used > c.budget && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

// claim returns the value that is kept, or keeps the one given; mine tells.
func (c *partCache) claim(id partID, value any, size int64) (kept any, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[id]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*partEntry).value, false
	}
	c.add(id, value, size)
	return value, true
}

// grew tells that a value has another size now, if it is still kept.
func (c *partCache) grew(id partID, value any, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok || e.Value.(*partEntry).value != value {
		return
	}
	entry := e.Value.(*partEntry)
	c.used += size + entryOverhead - entry.size
	entry.size = size + entryOverhead
	c.shrink()
}

func (c *partCache) drop(id partID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[id]; ok {
		c.remove(e)
	}
}

func (c *partCache) remove(e *list.Element) {
	entry := e.Value.(*partEntry)
	c.order.Remove(e)
	delete(c.entries, entry.id)
	c.used -= entry.size
}

// readerCache bounds what the open row groups hold. A group that is pushed out forgets its columns, and then its reader.
type readerCache struct {
	budget int64

	mu    sync.Mutex
	used  int64
	order *list.List // of *openGroup, newest first
}

// evictable is a row group of events or of a table.
type evictable interface {
	place() *openGroup
	forget()        // what it has open
	replaced() bool // it is not part of the log any more
}

// openGroup is a row group's place in the cache.
type openGroup struct {
	g    evictable
	size int64
	elem *list.Element
}

func newReaderCache(budget int64) *readerCache {
	return &readerCache{budget: budget, order: list.New()}
}

func (c *readerCache) size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

// touch tells the cache that the group was used and now holds size bytes; it pushes out others where that is too much.
func (c *readerCache) touch(g evictable, size int64) {
	if g.replaced() {
		return
	}
	var out []evictable
	c.mu.Lock()
	o := g.place()
	if o.elem == nil {
		o.g = g
		o.elem = c.order.PushFront(o)
	} else {
		c.order.MoveToFront(o.elem)
	}
	c.used += size - o.size
	o.size = size
	for c.used > c.budget && c.order.Len() > 1 {
		last := c.order.Back().Value.(*openGroup)
		if last == o {
			break
		}
		c.forget(last)
		out = append(out, last.g)
	}
	c.mu.Unlock()
	for _, g := range out {
		g.forget()
	}
}

// drop takes a group out that is not part of the log any more, so that only views hold it.
func (c *readerCache) drop(g evictable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := g.place(); o.elem != nil {
		c.forget(o)
	}
}

func (c *readerCache) forget(o *openGroup) {
	c.order.Remove(o.elem)
	o.elem = nil
	c.used -= o.size
	o.size = 0
}
