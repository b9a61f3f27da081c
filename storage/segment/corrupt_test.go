package segment

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/allsource-db/allsource/vec"
)

// mixedLines have a bit of every encoding.
func mixedLines(n int) [][]byte {
	r := rand.New(rand.NewPCG(3, 4))
	lines := make([][]byte, n)
	for i := range lines {
		id := ""
		if i%3 == 0 {
			id = fmt.Sprintf(`"id":"%08x-0000-4000-8000-%012x",`, i, r.Uint64N(1<<48))
		}
		ts := ""
		if i%5 != 0 {
			ts = fmt.Sprintf(`"timestamp":"2026-02-%02dT10:00:%02d.5Z",`, 1+i%28, i%60)
		}
		mix := []string{`1`, `1.50`, `"1"`, `null`, `true`, `{}`, `[]`, `[1,{"a":2}]`, `{"deep":{"er":1}}`, `123456789012345678901234567890`, `1e-200`}[r.IntN(11)]
		lines[i] = fmt.Appendf(nil, `{%s%s"entity_id":"e%d","event_type":"t%d","payload":{"mix":%s,"text":"some words %d and more","hash":"%016x",`+
			`"u":"%08x-0000-4000-8000-000000000000","n":%d,"price":%d.%d,"tags":["a",%d],"k%d":1},"metadata":{"source":"x"}}`,
			id, ts, r.IntN(n/4+1), i%7, mix, r.IntN(1000), r.Uint64(), i, r.Int64()>>20, r.IntN(1000), r.IntN(100), r.IntN(3), r.IntN(4))
	}
	return lines
}

// readAll reads everything that a reader gives.
func readAll(r *Reader) error {
	ctx := context.Background()
	var errs []error
	for c := ColPosition; c <= ColMetadata; c++ {
		_, err := r.Read(ctx, Ref{Col: c}, 0, r.Len())
		errs = append(errs, err)
	}
	rows := []int32{}
	for i := 0; i < r.Len(); i += 3 {
		rows = append(rows, int32(i))
	}
	for _, p := range r.Paths() {
		for as := vec.AsJSON; as <= vec.AsBool; as++ {
			_, err := r.Read(ctx, Ref{p.Col, p.Path, as}, r.Len()/3, r.Len())
			_, err1 := r.Read(ctx, Ref{p.Col, p.Path, as}, 0, r.Len())
			_, err2 := r.ReadRows(ctx, Ref{p.Col, p.Path, as}, rows)
			errs = append(errs, err, err1, err2)
		}
	}
	for i := range r.nodes {
		if r.nodes[i].zone.filter {
			_, err := r.filter(ctx, "filter "+r.nodeName(i), firstPath+ColumnID(2*i)+1)
			errs = append(errs, err)
		}
	}
	if r.names.filter {
		_, err := r.filter(ctx, "entity filter", blobFilter)
		errs = append(errs, err)
	}
	_, err := r.Entities(ctx)
	_, _, err2 := r.EntityRows(ctx, 100_000)
	_, err3 := r.Ordinals(ctx, 0, r.Len())
	return errors.Join(append(errs, err, err2, err3)...)
}

// damage copies a group with one blob replaced; index len(Columns) is meta.
func damage(e *Encoded, meta []byte, i int, blob []byte) (*Reader, error) {
	blobs := map[ColumnID][]byte{}
	for k, c := range e.Columns {
		if k == i {
			blobs[c.ID] = blob
		} else {
			blobs[c.ID] = c.Data
		}
	}
	if i == len(e.Columns) {
		meta = blob
	}
	return Open(meta, func(_ context.Context, id ColumnID) ([]byte, error) {
		if b, ok := blobs[id]; ok {
			return b, nil
		}
		return nil, corrupt("no blob %d", id)
	}, Env{Base: testBase, DerivedID: derive})
}

// TestDamage cuts and flips every blob. With a right checksum over wrong bytes an error may be missed, a panic not.
func TestDamage(t *testing.T) {
	e := buildLines(t, NewBuilder(), mixedLines(300))
	openGroup(t, e)
	meta, err := e.Meta()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for i := range len(e.Columns) + 1 {
		whole := meta
		if i < len(e.Columns) {
			whole = e.Columns[i].Data
		}
		for try := range 40 {
			blob := slices.Clone(whole)
			resealed := false
			switch try % 4 {
			case 0:
				blob = blob[:r.IntN(len(blob))]
			case 1:
				blob[r.IntN(len(blob))] ^= 1 << r.IntN(8)
			default:
				resealed = true
				end := len(blob) - trailerLen
				for range 1 + try%3 {
					blob[1+r.IntN(end-1)] = byte(r.Uint32())
				}
				if try%4 == 3 {
					end = 1 + r.IntN(end)
				}
				blob = binary.LittleEndian.AppendUint64(blob[:end], xxhash.Sum64(blob[:end]))
			}
			rd, err := damage(e, meta, i, blob)
			if err == nil {
				err = readAll(rd)
			}
			if err == nil && !resealed {
				t.Errorf("blob %d, try %d: damage was not noticed", i, try)
			}
			if err != nil && !errors.Is(err, ErrCorrupt) {
				t.Errorf("blob %d, try %d: %v is no ErrCorrupt", i, try, err)
			}
		}
	}
}

func TestMixed(t *testing.T) {
	lines := mixedLines(3000)
	r := openGroup(t, buildLines(t, NewBuilder(), lines))
	checkGroup(t, r, lines)
	if err := readAll(r); err != nil {
		t.Fatal(err)
	}
}
