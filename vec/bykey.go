package vec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

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
	type headed struct {
		head uint64
		x    T
	}
	heads := make([]headed, len(list))
	for i, x := range list {
		var head [8]byte
		copy(head[:], key(x)[same:])
		heads[i] = headed{binary.BigEndian.Uint64(head[:]), x}
	}
	slices.SortFunc(heads, func(a, b headed) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return order(a.x, b.x)
	})
	for i := range heads {
		list[i] = heads[i].x
	}
}
