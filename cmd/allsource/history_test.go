package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// deed is what a transaction did to a list: it read the list, or appended a value that nobody else appends to it.
type deed struct {
	key    int
	read   bool
	list   []int // read
	value  int   // appended
	undone bool  // by ROLLBACK TO SAVEPOINT
}

type fate uint8

const (
	committed fate = iota
	aborted
	unknown // the server was killed before it answered the COMMIT
)

// story is a transaction as its client saw it. repeatable is that of REPEATABLE READ; serial says that it is SERIALIZABLE besides.
type story struct {
	id         int
	repeatable bool
	serial     bool
	fate       fate
	deeds      []deed
}

// history finds what transactions must not do to each other, from what lists say about the order of appends (Adya's phenomena, found as Elle
// finds them): G0, G1a, G1b and G1c are forbidden to all of them; cycles of dependencies without two anti-dependencies in a row, among them lost
// updates and G-single, to those that read repeatably (snapshot isolation); all cycles (G2) among those that are SERIALIZABLE.
type history struct {
	stories  []story
	final    map[int][]int // the lists when all was over
	writers  map[[2]int]int
	problems []string
}

func (h *history) bad(format string, args ...any) {
	h.problems = append(h.problems, fmt.Sprintf(format, args...))
}

// edge is a dependency of transaction to on another.
type edge struct {
	to   int
	kind byte // w: to appended after it; r: to read what it appended; a: to appended after what it read; e: its event came before that of to
}

func checkHistory(stories []story, final map[int][]int) []string {
	h := &history{stories: stories, final: final, writers: map[[2]int]int{}}
	last := map[[2]int]int{} // transaction and key to its last value
	for i := range stories {
		for _, d := range stories[i].deeds {
			if d.read {
				continue
			}
			h.writers[[2]int{d.key, d.value}] = i
			if !d.undone {
				last[[2]int{i, d.key}] = d.value
			}
		}
	}
	h.finals()
	edges := make([][]edge, len(stories))
	for key, list := range final {
		kind := byte('w')
		if key == beside {
			kind = 'e'
		}
		for n := 1; n < len(list); n++ {
			h.link(edges, key, list[n-1], list[n], kind)
		}
	}
	for i := range stories {
		if stories[i].fate == committed {
			h.reads(i, last, edges)
		}
	}
	h.cycles(edges)
	h.serial()
	return h.problems
}

// finals looks at what became of the appends.
func (h *history) finals() {
	there := map[[2]int]bool{}
	for key, list := range h.final {
		for _, v := range list {
			if there[[2]int{key, v}] {
				h.bad("value %d is twice in list %d", v, key)
			}
			there[[2]int{key, v}] = true
			if _, ok := h.writers[[2]int{key, v}]; !ok {
				h.bad("nobody appended value %d to list %d", v, key)
			}
		}
	}
	for i := range h.stories {
		s := &h.stories[i]
		in, out := 0, 0
		for _, d := range s.deeds {
			at := [2]int{d.key, d.value}
			switch {
			case d.read:
			case (d.undone || s.fate == aborted) && there[at]:
				h.bad("G1a: transaction %d took value %d of list %d back, and it is there", s.id, d.value, d.key)
			case d.undone || s.fate == aborted:
			case there[at]:
				in++
			default:
				if out++; s.fate == committed {
					h.bad("lost update: value %d of list %d, which transaction %d appended, is gone", d.value, d.key, s.id)
				}
			}
		}
		if in > 0 && out > 0 {
			h.bad("transaction %d is there in part", s.id)
		}
	}
}

func (h *history) link(edges [][]edge, key, before, after int, kind byte) {
	a, ok := h.writers[[2]int{key, before}]
	b, also := h.writers[[2]int{key, after}]
	if ok && also && a != b {
		edges[a] = append(edges[a], edge{b, kind})
	}
}

// reads looks at what a transaction read.
func (h *history) reads(i int, last map[[2]int]int, edges [][]edge) {
	s := &h.stories[i]
	seen := map[int][]int{}
	for at, d := range s.deeds {
		if !d.read || d.undone {
			continue
		}
		mine := standing(s.deeds[:at], d.key)
		n := len(d.list) - len(mine)
		if n < 0 || !slices.Equal(d.list[n:], mine) {
			h.bad("transaction %d does not read its own appends %v to list %d: %v", s.id, mine, d.key, d.list)
			continue
		}
		others := d.list[:n]
		final := h.final[d.key]
		if n > len(final) || !slices.Equal(others, final[:n]) {
			h.bad("transaction %d reads %v, which list %d never was: it ended as %v", s.id, others, d.key, final)
			continue
		}
		if before, ok := seen[d.key]; ok && s.repeatable && !slices.Equal(before, others) {
			h.bad("transaction %d reads %v and then %v of list %d", s.id, before, others, d.key)
		}
		seen[d.key] = others
		if n > 0 {
			w := h.writers[[2]int{d.key, others[n-1]}]
			if w != i && last[[2]int{w, d.key}] != others[n-1] {
				h.bad("G1b: transaction %d reads value %d of list %d, after which transaction %d appends more", s.id, others[n-1], d.key, h.stories[w].id)
			}
			if w != i {
				edges[w] = append(edges[w], edge{i, 'r'})
			}
		}
		if n < len(final) && s.repeatable {
			if w, ok := h.writers[[2]int{d.key, final[n]}]; ok && w != i {
				edges[i] = append(edges[i], edge{w, 'a'})
			}
		}
	}
}

// standing are the values that a transaction has appended to a list and not taken back. Reads before it took something back are marked as undone too.
func standing(before []deed, key int) []int {
	var out []int
	for _, d := range before {
		if !d.read && d.key == key && !d.undone {
			out = append(out, d.value)
		}
	}
	return out
}

// beside is the list of the events that transactions append: they are in the order of the commits.
const beside = -1

// cycles looks for circles of dependencies: of appends alone (G0), with reads and the order of commits (G1c), and with anti-dependencies that are not next to each other.
func (h *history) cycles(edges [][]edge) {
	n := len(h.stories)
	plain := func(kinds string) [][]int {
		out := make([][]int, n)
		for i, list := range edges {
			for _, e := range list {
				if strings.IndexByte(kinds, e.kind) >= 0 {
					out[i] = append(out[i], e.to)
				}
			}
		}
		return out
	}
	// A transaction twice: entered by an anti-dependency (the second) it must not be left by another.
	apart := make([][]int, 2*n)
	for i, list := range edges {
		for _, e := range list {
			switch e.kind {
			case 'a':
				apart[i] = append(apart[i], n+e.to)
				continue
			case 'e':
				continue // who appends events is not in the way of others
			}
			apart[i], apart[n+i] = append(apart[i], e.to), append(apart[n+i], e.to)
		}
	}
	for _, g := range []struct {
		name string
		next [][]int
	}{{"G0", plain("w")}, {"G1c", plain("wre")}, {"G-single", apart}} {
		if c := circle(g.next); c != nil {
			text := ""
			for _, i := range c {
				text += fmt.Sprintf("\n%+v", h.stories[i%n])
			}
			h.bad("%s: these transactions depend on each other in a circle:%s", g.name, text)
			return
		}
	}
}

// serial looks for circles of any dependencies among the transactions that are SERIALIZABLE. What others appended in between leaves their order as it is, and
// that of their events is one of them: they are as if they came in the order of their commits.
func (h *history) serial() {
	next := make([][]int, len(h.stories))
	orders := map[int][]int{} // of a list: for each value, who appended it, -1 for somebody else
	for key, list := range h.final {
		before := -1
		for _, v := range list {
			w, ok := h.writers[[2]int{key, v}]
			if !ok || !h.stories[w].serial {
				w = -1
			}
			orders[key] = append(orders[key], w)
			if w >= 0 && before >= 0 && w != before {
				next[before] = append(next[before], w)
			}
			if w >= 0 {
				before = w
			}
		}
	}
	for i := range h.stories {
		s := &h.stories[i]
		if !s.serial || s.fate != committed {
			continue
		}
		for at, d := range s.deeds {
			if !d.read || d.undone {
				continue
			}
			order := orders[d.key]
			n := len(d.list) - len(standing(s.deeds[:at], d.key))
			if n < 0 || n > len(order) {
				continue // that was said already
			}
			for k := n - 1; k >= 0; k-- {
				if w := order[k]; w >= 0 && w != i {
					next[w] = append(next[w], i)
					break
				}
			}
			for _, w := range order[n:] {
				if w >= 0 && w != i {
					next[i] = append(next[i], w)
					break
				}
			}
		}
	}
	if c := circle(next); c != nil {
		text := ""
		for _, i := range c {
			text += fmt.Sprintf("\n%+v", h.stories[i])
		}
		h.bad("G2: there is no order of these SERIALIZABLE transactions:%s", text)
	}
}

// circle finds a circle in a graph, nil if there is none.
func circle(next [][]int) []int {
	const entered, left = 1, 2
	state, at := make([]int, len(next)), make([]int, len(next))
	for root := range next {
		if state[root] != 0 {
			continue
		}
		path := []int{root}
		state[root] = entered
		for len(path) > 0 {
			i := path[len(path)-1]
			if at[i] == len(next[i]) {
				state[i] = left
				path = path[:len(path)-1]
				continue
			}
			to := next[i][at[i]]
			at[i]++
			switch state[to] {
			case entered:
				return path[slices.Index(path, to):]
			case 0:
				state[to] = entered
				path = append(path, to)
			}
		}
	}
	return nil
}

// TestHistories has the checker judge histories that are known to be right and wrong.
func TestHistories(t *testing.T) {
	add := func(key, value int) deed { return deed{key: key, value: value} }
	undo := func(key, value int) deed { return deed{key: key, value: value, undone: true} }
	see := func(key int, list ...int) deed { return deed{key: key, read: true, list: list} }
	txn := func(repeatable bool, f fate, deeds ...deed) story {
		return story{repeatable: repeatable, fate: f, deeds: deeds}
	}
	serial := func(f fate, deeds ...deed) story { return story{repeatable: true, serial: true, fate: f, deeds: deeds} }
	for _, x := range []struct {
		name    string
		stories []story
		final   map[int][]int
		want    string // begins the only problem; "": there is none
	}{
		{"one after the other", []story{txn(true, committed, see(1), add(1, 1), see(1, 1)), txn(true, committed, see(1, 1), add(1, 2))}, map[int][]int{1: {1, 2}}, ""},
		{"write skew is snapshot isolation", []story{txn(true, committed, see(1), add(2, 1)), txn(true, committed, see(2), add(1, 2))}, map[int][]int{1: {2}, 2: {1}}, ""},
		{"write skew", []story{serial(committed, see(1), add(2, 1)), serial(committed, see(2), add(1, 2))}, map[int][]int{1: {2}, 2: {1}}, "G2"},
		{"write skew behind somebody else", []story{serial(committed, see(1), add(2, 1)), serial(committed, see(2), add(1, 2)), txn(false, committed, add(1, 3))}, map[int][]int{1: {3, 2}, 2: {1}}, "G2"},
		{"write skew with who is not SERIALIZABLE", []story{serial(committed, see(1), add(2, 1)), txn(true, committed, see(2), add(1, 2))}, map[int][]int{1: {2}, 2: {1}}, ""},
		{"write skew of who was refused", []story{serial(committed, see(1), add(2, 1)), serial(aborted, see(2), add(1, 2))}, map[int][]int{2: {1}}, ""},
		{"the anomaly of a transaction that only reads", []story{serial(committed, see(1), add(2, 1)), serial(committed, add(1, 2)), serial(committed, see(1, 2), see(2))},
			map[int][]int{1: {2}, 2: {1}}, "G2"},
		{"it comes after the commit", []story{serial(committed, see(1), add(beside, 1)), serial(committed, add(1, 1), add(beside, 2))},
			map[int][]int{1: {1}, beside: {2, 1}}, "G2"},
		{"read skew is READ COMMITTED", []story{txn(false, committed, see(1), see(2, 2)), txn(false, committed, add(1, 1), add(2, 2))}, map[int][]int{1: {1}, 2: {2}}, ""},
		{"read skew", []story{txn(true, committed, see(1), see(2, 2)), txn(false, committed, add(1, 1), add(2, 2))}, map[int][]int{1: {1}, 2: {2}}, "G-single"},
		{"anti-dependencies in a row", []story{txn(true, committed, see(1), add(4, 9)), txn(true, committed, add(1, 1), see(2)), txn(true, committed, add(2, 2), add(3, 3)),
			txn(true, committed, see(3, 3), see(4)), txn(true, committed, see(4, 9))}, map[int][]int{1: {1}, 2: {2}, 3: {3}, 4: {9}}, ""},
		{"two anti-dependencies apart", []story{txn(true, committed, see(1), see(4, 4)), txn(true, committed, add(1, 1), add(2, 2)),
			txn(true, committed, see(2, 2), see(3)), txn(true, committed, add(3, 3), add(4, 4))}, map[int][]int{1: {1}, 2: {2}, 3: {3}, 4: {4}}, "G-single"},
		{"lost update", []story{txn(true, committed, see(1), add(1, 1)), txn(true, committed, see(1), add(1, 2))}, map[int][]int{1: {2}}, "lost update"},
		{"an update over an unread one", []story{txn(true, committed, see(1), add(1, 1)), txn(true, committed, see(1), add(1, 2))}, map[int][]int{1: {1, 2}}, "G-single"},
		{"the same in READ COMMITTED", []story{txn(false, committed, see(1), add(1, 1)), txn(false, committed, see(1), add(1, 2))}, map[int][]int{1: {1, 2}}, ""},
		{"G0", []story{txn(false, committed, add(1, 1), add(2, 1)), txn(false, committed, add(1, 2), add(2, 2))}, map[int][]int{1: {1, 2}, 2: {2, 1}}, "G0"},
		{"G1a", []story{txn(false, aborted, add(1, 1))}, map[int][]int{1: {1}}, "G1a"},
		{"G1a by a savepoint", []story{txn(false, committed, undo(1, 1))}, map[int][]int{1: {1}}, "G1a"},
		{"G1a seen", []story{txn(false, aborted, add(1, 1)), txn(false, committed, see(1, 1))}, map[int][]int{}, "transaction 0 reads"},
		{"G1b", []story{txn(false, committed, add(1, 1), add(1, 2)), txn(false, committed, see(1, 1))}, map[int][]int{1: {1, 2}}, "G1b"},
		{"G1c", []story{txn(false, committed, add(1, 1), see(2, 2)), txn(false, committed, add(2, 2), see(1, 1))}, map[int][]int{1: {1}, 2: {2}}, "G1c"},
		{"events in another order", []story{txn(false, committed, add(1, 1), add(beside, 1)), txn(false, committed, see(1, 1), add(beside, 2))},
			map[int][]int{1: {1}, beside: {2, 1}}, "G1c"},
		{"events in the order of commits", []story{txn(true, committed, see(1), add(beside, 1)), txn(false, committed, add(1, 1), add(beside, 2))},
			map[int][]int{1: {1}, beside: {2, 1}}, ""},
		{"in part", []story{txn(false, unknown, add(1, 1), add(2, 2))}, map[int][]int{1: {1}}, "transaction 0 is there in part"},
		{"unknown", []story{txn(false, unknown, add(1, 1)), txn(false, unknown, add(1, 2))}, map[int][]int{1: {2}}, ""},
		{"not repeatable", []story{txn(true, committed, see(1), see(1, 1)), txn(false, committed, add(1, 1))}, map[int][]int{1: {1}}, "transaction 0 reads"},
		{"blind to itself", []story{txn(false, committed, add(1, 1), see(1))}, map[int][]int{1: {1}}, "transaction 0 does not read"},
		{"twice", []story{txn(false, committed, add(1, 1))}, map[int][]int{1: {1, 1}}, "value 1 is twice"},
		{"from nowhere", nil, map[int][]int{1: {1}}, "nobody appended"},
	} {
		got := checkHistory(x.stories, x.final)
		if x.want == "" && len(got) > 0 || x.want != "" && (len(got) == 0 || !strings.HasPrefix(got[0], x.want)) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}
