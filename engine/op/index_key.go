package op

import (
	"bytes"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// The first byte of a value in the key of an index.
const (
	keyNullFirst = iota
	keyValue
	keyNullLast
)

// AppendIndexKey appends row i of a column as a part of a key of an index: bytes that are in the order of the index, and of which none are the
// beginning of others.
func AppendIndexKey(dst []byte, k *catalog.IndexKey, c *vec.Column, i int) []byte {
	if c.Null(i) {
		return append(dst, nullKey(k))
	}
	at := len(dst)
	dst = datum.AppendSortKey(dst, datum.Type{OID: k.Type.OID, Mod: k.Type.Mod}, c, i)
	dst[at] = keyValue
	if k.Desc {
		for j := at + 1; j < len(dst); j++ {
			dst[j] = ^dst[j]
		}
	}
	return dst
}

// nullKey is a null in the key of an index.
func nullKey(k *catalog.IndexKey) byte {
	if k.NullsFirst {
		return keyNullFirst
	}
	return keyNullLast
}

// keyRange is the keys from lo on and before hi; nil is no bound.
type keyRange struct{ lo, hi []byte }

// prefixed is the range of all keys that begin so.
func prefixed(key []byte) keyRange { return keyRange{bytes.Clone(key), Successor(key)} }

// Successor is the least key after all that begin with the given one; nil: there is none.
func Successor(key []byte) []byte {
	out := bytes.Clone(key)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}

// empty reports whether no key can be in the range.
func (r keyRange) empty() bool { return r.lo != nil && r.hi != nil && bytes.Compare(r.lo, r.hi) >= 0 }
