// Package segment is the format of a row group: up to 65,536 consecutive events as one blob per column and a meta blob.
// It knows nothing of files or keys: package storage gives the blobs a place, and calls it to seal the tail, to load in
// bulk, to merge groups and to read.
//
// A Builder takes events or NDJSON lines and shreds payload and metadata into one typed column per path. Finish encodes
// them. What only a commit knows (entity ordinals, versions, recorded times) is set on the Encoded afterwards, without
// touching other blobs. A Reader opens the meta blob and fetches the columns that are asked for.
//
// # Not stored
//
// position is the group's base and the row. version is the entity's version before the group and the number of its rows
// before in the group, plus 1. An id that no producer gave comes from Env.DerivedID. A timestamp that none gave is
// recorded_at, which is kept as runs.
//
// # Blobs
//
// A blob is a version byte, its content, and the xxhash64 of both. Numbers are varints as in encoding/binary, bits and
// fixed numbers little-endian. By ColumnID:
//
//	1   types      integers: the code of each row's type (absent when there is one type)
//	2   entities   integers: the code of each row's entity
//	3   names      texts: the entity names by code
//	4   ordinals   see Encoded.SetEntities
//	5   timestamps presence, integers: the timestamps that producers gave
//	6   ids        presence, 16 bytes each: the ids that producers gave
//	7   overflow   see Builder.encodeExtras
//	8   filter of the entity names (absent when the meta blob lists their hashes)
//	9   reserved for a permutation of rows clustered by type
//	64+2n          the column of path n of the meta blob (encode.go)
//	65+2n          the filter of its strings, if there are many (filter.go)
//
// The parts are described where they are written: integers in ints.go, packed bits in bits.go, texts in texts.go,
// presence in presence.go, the column of a path and zones in encode.go, the meta blob in meta.go.
package segment
