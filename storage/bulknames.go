package storage

import (
	"errors"
	"sync"
	"sync/atomic"
)

// loadNames numbers the entities of a load, in the order in which groups are stored, which need not be that of the log.
// Each name is looked up once, where nobody waits for it: a commit goes through arrays.
type loadNames struct {
	mu       sync.Mutex
	table    []numbered // by hash, linear probing; its length is a power of two
	names    []string   // by number
	ordinals []uint64   // of those that were in the index when they came, else unknown
	entities int64      // how many entities the index had then, at the least; -1 before the first
}

// numbered is a name's hash and its number+1; 0 is a free place.
type numbered struct {
	hash   uint64
	number uint32
}

func newLoadNames() *loadNames { return &loadNames{table: make([]numbered, 1024), entities: -1} }

// number returns the numbers of distinct names, for which hashName gives hashes.
func (n *loadNames) number(x *entityIndex, names []string, hashes []uint64) ([]uint32, error) {
	disk := x.disk.Load()
	out, first, fresh := n.enter(names, hashes, disk.entities)
	if len(fresh) == 0 || disk.entities == 0 {
		return out, nil
	}
	found, err := x.find(disk, fresh)
	n.mu.Lock()
	defer n.mu.Unlock()
	copy(n.ordinals[first:], found)
	return out, err
}

// enter numbers names, of which fresh, from first on, are new to the load. The index has so many entities.
func (n *loadNames) enter(names []string, hashes []uint64, entities int64) (numbers []uint32, first int, fresh []string) {
	numbers = make([]uint32, len(names))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.entities < 0 || entities < n.entities {
		n.entities = entities
	}
	first = len(n.names)
	for i, name := range names {
		if 2*len(n.names) >= len(n.table) {
			n.grow()
		}
		p := n.place(hashes[i], name)
		if p.number == 0 {
			n.names, n.ordinals = append(n.names, name), append(n.ordinals, unknown)
			*p = numbered{hashes[i], uint32(len(n.names))}
		}
		numbers[i] = p.number - 1
	}
	return numbers, first, n.names[first:len(n.names):len(n.names)]
}

// place finds the place of a name, or the free one where it goes.
func (n *loadNames) place(hash uint64, name string) *numbered {
	mask := uint64(len(n.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		p := &n.table[i]
		if p.number == 0 || p.hash == hash && n.names[p.number-1] == name {
			return p
		}
	}
}

func (n *loadNames) grow() {
	old := n.table
	n.table = make([]numbered, 4*len(old))
	mask := uint64(len(n.table) - 1)
	for _, p := range old {
		i := p.hash & mask
		for p.number != 0 && n.table[i].number != 0 {
			i = (i + 1) & mask
		}
		if p.number != 0 {
			n.table[i] = p
		}
	}
}

func (d *DB) hashNames(names []string) []uint64 {
	out := make([]uint64, len(names))
	for i, name := range names {
		out[i] = d.hashName(name)
	}
	return out
}

// refresh looks up again what was not in the index, if that has got more entities.
func (n *loadNames) refresh(x *entityIndex, disk *diskIndex) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.entities == disk.entities {
		return nil
	}
	var rest []string
	var numbers []int
	for i, o := range n.ordinals {
		if o == unknown {
			rest, numbers = append(rest, n.names[i]), append(numbers, i)
		}
	}
	found, err := x.find(disk, rest)
	if err != nil {
		return err
	}
	for k, i := range numbers {
		n.ordinals[i] = found[k]
	}
	n.entities = disk.entities
	return nil
}

// assign gives the entities of all groups their ordinals and versions. Nothing else numbers names meanwhile.
func (l *load) assign(w *indexWriter) error {
	n := l.b.names
	if err := n.refresh(l.d.index, w.disk); err != nil {
		return err
	}
	// A commit may fail and be tried again: what it gives is kept apart from what was found.
	ordinals, versions, seen := append([]uint64(nil), n.ordinals...), make([]int64, len(n.names)), make([]bool, len(n.names))
	places := make([]entityPlaces, len(l.placed))
	base := l.st.end
	for i, g := range l.placed {
		p := entityPlaces{make([]uint64, len(g.numbers)), make([]int64, len(g.numbers))}
		counts := g.enc.EntityRows()
		for k, number := range g.numbers {
			if !seen[number] {
				seen[number] = true
				var err error
				if ordinals[number] == unknown {
					ordinals[number] = w.add(n.names[number])
				} else if versions[number], err = w.version(ordinals[number]); err != nil {
					return err
				}
			}
			p.ordinals[k], p.before[k] = ordinals[number], versions[number]
			versions[number] += int64(counts[k])
		}
		if l.b.exact {
			if err := g.placed(base, p.before); err != nil {
				return err
			}
		}
		places[i] = p
		for _, id := range g.ids {
			w.ids = append(w.ids, pair{id.hash, uint64(base + int64(id.row))})
		}
		base += int64(g.enc.Len())
	}
	for number, o := range ordinals {
		if seen[number] {
			if err := w.setVersion(o, versions[number]); err != nil {
				return err
			}
		}
	}
	return eachOf(l.d.s.o.Workers, len(places), func(i int) error { return l.placed[i].enc.SetEntities(places[i].ordinals, places[i].before) })
}

// entityPlaces are the ordinals of a group's entities, and their versions before it.
type entityPlaces struct {
	ordinals []uint64
	before   []int64
}

// eachOf calls f for 0 to n-1, by as many goroutines as workers says.
func eachOf(workers, n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, workers) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
