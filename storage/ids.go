package storage

import (
	"encoding/binary"
	"math/bits"
)

// Ids that we make are UUIDs of version 7: milliseconds since 1970 (48 bits), microseconds of the millisecond (10 of the
// 12 bits that follow the version), and the position, permuted with the store's secret (62 bits). Nothing is stored: the
// id follows from position and recorded time, and the position from the id.

// unixEpoch is 2000-01-01 in microseconds since 1970.
const unixEpoch = 946684800 * 1_000_000

const (
	halfBits = 31
	halfMask = 1<<halfBits - 1
	rounds   = 4
)

type idMaker struct{ keys [rounds]uint64 }

func newIDMaker(secret []byte, db uint32) *idMaker {
	m := &idMaker{}
	for i := range m.keys {
		m.keys[i] = mix(binary.LittleEndian.Uint64(secret[i%2*8:]) + uint64(i)*0x9E3779B97F4A7C15 + uint64(db)<<32)
	}
	return m
}

// mix spreads every bit of x over all (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xBF58476D1CE4E5B9
	x ^= x >> 27
	x *= 0x94D049BB133111EB
	return x ^ x>>31
}

// permute is a Feistel network over 62 bits.
func (m *idMaker) permute(x uint64) uint64 {
	l, r := x>>halfBits&halfMask, x&halfMask
	for _, k := range m.keys {
		l, r = r, l^mix(r^k)&halfMask
	}
	return l<<halfBits | r
}

func (m *idMaker) invert(x uint64) uint64 {
	l, r := x>>halfBits&halfMask, x&halfMask
	for i := rounds - 1; i >= 0; i-- {
		l, r = r^mix(l^m.keys[i])&halfMask, l
	}
	return l<<halfBits | r
}

// derive makes the id of an event whose producer gave none.
func (m *idMaker) derive(position, recordedAt int64) (id [16]byte) {
	micros := recordedAt + unixEpoch
	millis, rest := micros/1000, micros%1000
	if rest < 0 {
		millis, rest = millis-1, rest+1000
	}
	binary.BigEndian.PutUint64(id[:8], uint64(millis)<<16|7<<12|uint64(rest)<<2)
	binary.BigEndian.PutUint64(id[8:], m.permute(uint64(position))|1<<63)
	return id
}

// position is the place that an id was derived for, if it was.
func (m *idMaker) position(id [16]byte) (int64, bool) {
	head, tail := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	if head>>12&15 != 7 || tail>>62 != 2 {
		return 0, false
	}
	return int64(m.invert(tail & (1<<62 - 1))), true
}

// hashID is the hash of a producer's id under its entity.
func hashID(entity uint64, id [16]byte) uint64 {
	lo, hi := binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])
	return mix(mix(entity^lo) ^ bits.RotateLeft64(hi, 29))
}
