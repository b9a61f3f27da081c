package jsonb

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// Compare gives -1, 0 or 1 in the order of PostgreSQL's btree on jsonb: Object >
// Array > Boolean > Number > String > Null, more fields or elements greater; and,
// kept by PostgreSQL for old indexes, an empty array at the top below everything.
func Compare(a, b Value) int {
	ea, eb := isEmptyArray(a), isEmptyArray(b)
	switch {
	case ea && eb:
		return 0
	case ea && b.Kind() != Object:
		return -1
	case eb && a.Kind() != Object:
		return 1
	}
	return compare(a, b)
}

func isEmptyArray(v Value) bool { return v[0]&0xf == tagArray && Len(v) == 0 }

func compare(a, b Value) int {
	ka, kb := a.Kind(), b.Kind()
	if ka != kb {
		return order(int(ka), int(kb)) // False < True too
	}
	switch ka {
	case String:
		return bytes.Compare(StringBytes(a), StringBytes(b))
	case Numeric:
		if a[0] == tagInt && b[0] == tagInt {
			x, _ := Int64(a)
			y, _ := Int64(b)
			return order(x, y)
		}
		return Number(a).Cmp(Number(b))
	case Array, Object:
	default:
		return 0
	}
	ha, hb := a.head(), b.head()
	if ha.n != hb.n {
		return order(ha.n, hb.n)
	}
	for i := range ha.n {
		if ka == Object {
			if c := bytes.Compare(ha.key(i), hb.key(i)); c != 0 {
				return c
			}
		}
		if c := compare(ha.val(i), hb.val(i)); c != 0 {
			return c
		}
	}
	return 0
}

func order[T int | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Equal reports whether Compare is 0: 1 equals 1.0.
func Equal(a, b Value) bool { return bytes.Equal(a, b) || compare(a, b) == 0 }

// Classes of keys, in the order of values; the Kinds follow from 2 on.
const (
	keyEmptyTop = 1
	keyFirst    = 2
)

// AppendKey appends a key: bytes.Compare on keys is Compare on values.
func AppendKey(dst []byte, v Value) []byte {
	if isEmptyArray(v) {
		return append(dst, keyEmptyTop)
	}
	return appendKey(dst, v)
}

func appendKey(dst []byte, v Value) []byte {
	kind := v.Kind()
	dst = append(dst, keyFirst+byte(kind))
	switch kind {
	case String:
		return append(append(dst, StringBytes(v)...), 0)
	case Numeric:
		return Number(v).AppendKey(dst)
	case Array, Object:
		h := v.head()
		dst = binary.BigEndian.AppendUint32(dst, uint32(h.n))
		for i := range h.n {
			if kind == Object {
				dst = append(append(dst, h.key(i)...), 0)
			}
			dst = appendKey(dst, h.val(i))
		}
	}
	return dst
}

var seed = maphash.MakeSeed()

// Hash gives equal numbers for equal values. It differs from process to process:
// it is for hash tables, not for storage.
func Hash(v Value) uint64 {
	var buf [256]byte
	return maphash.Bytes(seed, AppendKey(buf[:0], v))
}

// Contains is a @> b.
func Contains(a, b Value) bool {
	ka, kb := a.Kind(), b.Kind()
	switch {
	case ka == Array && kb < Array: // an array contains a bare scalar
		return hasScalar(a, b)
	case ka != kb:
		return false
	case ka == Array:
		return arrayContains(a, b)
	case ka == Object:
		return objectContains(a, b)
	}
	return Equal(a, b)
}

func objectContains(a, b Value) bool {
	ha, hb := a.head(), b.head()
	if ha.n < hb.n {
		return false
	}
	for i := range hb.n {
		j, ok := ha.find(hb.key(i))
		if !ok || !nestedContains(ha.val(j), hb.val(i)) {
			return false
		}
	}
	return true
}

// nestedContains is Contains without the exception for scalars.
func nestedContains(a, b Value) bool { return a.Kind() == b.Kind() && Contains(a, b) }

func arrayContains(a, b Value) bool {
	hb := b.head()
	for i := range hb.n {
		want := hb.val(i)
		if want.Kind() < Array {
			if !hasScalar(a, want) {
				return false
			}
			continue
		}
		found := false
		EachElem(a, func(_ int, e Value) bool {
			found = nestedContains(e, want)
			return !found
		})
		if !found {
			return false
		}
	}
	return true
}

func hasScalar(a, want Value) bool {
	found := false
	EachElem(a, func(_ int, e Value) bool {
		found = e.Kind() == want.Kind() && Equal(e, want)
		return !found
	})
	return found
}

// Exists is v ? key: a key of an object, a string in an array, or that string.
func Exists(v Value, key string) bool {
	switch v.Kind() {
	case Object:
		_, ok := Get(v, key)
		return ok
	case String:
		return string(StringBytes(v)) == key
	case Array:
		h := v.head()
		for i := range h.n {
			if e := h.val(i); e[0] == tagString && string(StringBytes(e)) == key {
				return true
			}
		}
	}
	return false
}
