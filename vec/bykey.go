package vec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// byDigits is from how many members on a list is sorted by the digits of its keys.
const byDigits = 512

// headed is a member of a list with the first bytes of its key that not all keys have in common.
type headed[T any] struct {
	head uint64
	x    T
}

// SortByKey orders a list by keys, and what has equal keys by tie.
func SortByKey[T any](list []T, key func(T) []byte, tie func(a, b T) int) {
	order := func(a, b T) int { return cmp.Or(bytes.Compare(key(a), key(b)), tie(a, b)) }
	if len(list) < 2 || slices.IsSortedFunc(list, order) {
		return
	}
	// What the keys do not have in common is compared as numbers first.
	first := key(list[0])
	same := len(first)
	for _, x := range list[1:] {
		k := key(x)
		same = min(same, len(k))
		for !bytes.Equal(k[:same], first[:same]) {
			same--
		}
	}
	heads := make([]headed[T], len(list))
	for i, x := range list {
		var head [8]byte
		copy(head[:], key(x)[same:])
		heads[i] = headed[T]{binary.BigEndian.Uint64(head[:]), x}
	}
	if len(list) < byDigits {
		slices.SortFunc(heads, func(a, b headed[T]) int { return cmp.Or(cmp.Compare(a.head, b.head), order(a.x, b.x)) })
		for i := range heads {
			list[i] = heads[i].x
		}
		return
	}
	if tie(list[0], list[len(list)-1]) > 0 {
		slices.Reverse(heads) // mostly what has equal keys is in order then
	}
	heads = sortHeads(heads)
	for i := range heads {
		list[i] = heads[i].x
	}
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && heads[to].head == heads[from].head {
			to++
		}
		switch run := list[from:to]; {
		case len(run) == 1 || slices.IsSortedFunc(run, order):
		case len(run) == len(list) || len(run) < byDigits:
			slices.SortFunc(run, order)
		default:
			SortByKey(run, key, tie)
		}
		from = to
	}
}

// sortHeads sorts by heads, a byte at a time from the last to the first; the list that it returns may be another one.
func sortHeads[T any](list []headed[T]) []headed[T] {
	var counts [8][256]int
	for i := range list {
		for k, h := 0, list[i].head; k < 8; k++ {
			counts[k][byte(h)]++
			h >>= 8
		}
	}
	var other []headed[T]
	for k := range counts {
		at := &counts[k]
		if slices.Max(at[:]) == len(list) {
			continue // all have the same byte
		}
		if other == nil {
			other = make([]headed[T], len(list))
		}
		place := 0
		for b, n := range at {
			at[b] = place
			place += n
		}
		for i := range list {
			b := byte(list[i].head >> (8 * k))
			other[at[b]] = list[i]
			at[b]++
		}
		list, other = other, list
	}
	return list
}
