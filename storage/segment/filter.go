package segment

import (
	"encoding/binary"
	"math/bits"
)

// A filter is a set of 64-bit hashes that may say yes for others: blocks of 32 bytes; the high half of a hash chooses
// the block, the low half one bit in each of its eight 4-byte lanes. About 10 bits a hash give 1 wrong yes in 100.
//
//	blob: version, the blocks, checksum
const (
	filterBlock = 32
	filterBits  = 10
)

var filterSalt = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

func filterPlace(h uint64, blocks int) int {
	hi, _ := bits.Mul64(h, uint64(blocks))
	return int(hi) * filterBlock
}

// filterBlob makes the filter of the hashes.
func filterBlob(hashes []uint64) []byte {
	blocks := max(1, (len(hashes)*filterBits+filterBlock*8-1)/(filterBlock*8))
	out := make([]byte, 1+blocks*filterBlock, 1+blocks*filterBlock+trailerLen)
	out[0] = formatVersion
	set := out[1:]
	for _, h := range hashes {
		b := set[filterPlace(h, blocks):][:filterBlock]
		for i, salt := range filterSalt {
			w := b[4*i:][:4]
			binary.LittleEndian.PutUint32(w, binary.LittleEndian.Uint32(w)|1<<(uint32(h)*salt>>27))
		}
	}
	return sealBlob(out)
}

// filter is a verified filter blob.
type filter []byte

func parseFilter(blob []byte) (filter, error) {
	p, err := openBlob(blob)
	if err != nil {
		return nil, err
	}
	n := p.end - p.off
	if n == 0 || n%filterBlock != 0 {
		return nil, corrupt("filter of %d bytes", n)
	}
	return filter(p.bytes(n)), nil
}

func (f filter) has(h uint64) bool {
	b := f[filterPlace(h, len(f)/filterBlock):][:filterBlock]
	for i, salt := range filterSalt {
		if binary.LittleEndian.Uint32(b[4*i:])>>(uint32(h)*salt>>27)&1 == 0 {
			return false
		}
	}
	return true
}
