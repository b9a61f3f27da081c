package storage

import (
	"encoding/binary"
	"fmt"
)

// fields are numbers written one after the other as varints: the form of all small records. A record may get more
// fields at its end, which readers of the older form do not look at.
func fields(nums ...int64) []byte {
	var out []byte
	for _, n := range nums {
		out = binary.AppendVarint(out, n)
	}
	return out
}

// readFields is the inverse of fields for the first len(into) numbers; it returns what follows.
func readFields(data []byte, into ...*int64) ([]byte, error) {
	for _, p := range into {
		n, size := binary.Varint(data)
		if size <= 0 {
			return nil, fmt.Errorf("%w: short record", ErrCorrupt)
		}
		*p, data = n, data[size:]
	}
	return data, nil
}
