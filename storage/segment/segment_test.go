package segment

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// derive is a stand-in for the store's ids.
func derive(position, recordedAt int64) (id [16]byte) {
	for i := range 8 {
		id[i] = byte(recordedAt >> (8 * i))
		id[8+i] = byte(position >> (8 * i))
	}
	return id
}

const testBase = 1000

// openGroup commits an encoded group to memory and opens it.
func openGroup(t testing.TB, e *Encoded) *Reader {
	t.Helper()
	n := len(e.Entities())
	ordinals, versions := make([]uint64, n), make([]int64, n)
	for i := range ordinals {
		ordinals[i] = uint64((i*7919)%(n+7919)) + uint64(i)*100_000
		versions[i] = int64(i % 3)
	}
	if err := e.SetEntities(ordinals, versions); err != nil {
		t.Fatal(err)
	}
	if e.runs == nil {
		runs := []Run{{0, 777_000_000}}
		if e.Len() > 10 {
			runs = append(runs, Run{7, 777_000_500})
		}
		if err := e.SetRecorded(runs); err != nil {
			t.Fatal(err)
		}
	}
	r, err := reopen(e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reopen(e *Encoded) (*Reader, error) {
	meta, err := e.Meta()
	if err != nil {
		return nil, err
	}
	blobs := map[ColumnID][]byte{}
	for _, c := range e.Columns {
		blobs[c.ID] = c.Data
	}
	return Open(meta, func(_ context.Context, id ColumnID) ([]byte, error) {
		b, ok := blobs[id]
		if !ok {
			return nil, fmt.Errorf("no blob %d", id)
		}
		return b, nil
	}, Env{Base: testBase, DerivedID: derive})
}

func mustFinish(t testing.TB, b *Builder) *Encoded {
	t.Helper()
	e, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// parsed is a line as package json and package jsonb see it.
type parsed struct {
	Entity    string          `json:"entity_id"`
	Type      string          `json:"event_type"`
	ID        *string         `json:"id"`
	Timestamp *string         `json:"timestamp"`
	Payload   json.RawMessage `json:"payload"`
	Metadata  json.RawMessage `json:"metadata"`
}

func mustParse(t testing.TB, text []byte) jsonb.Value {
	t.Helper()
	if text == nil {
		text = []byte("{}")
	}
	v, err := jsonb.Parse(nil, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// checkGroup compares all columns of a group with the lines it was made of.
// checkEntityRows looks the rows of every entity up in both ways.
func checkEntityRows(t testing.TB, r *Reader, entities []Entity, names *vec.Column) {
	t.Helper()
	want := map[string][]int32{}
	for i := range names.Len {
		want[string(names.Bytes(i))] = append(want[string(names.Bytes(i))], int32(i))
	}
	inverted, err := r.Invert(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(entities, Entity{Ordinal: 1 << 50}) {
		rows, base, err := r.EntityRows(context.Background(), e.Ordinal)
		if err != nil || base != e.Base || !slices.Equal(rows, want[e.Name]) {
			t.Fatalf("%v has rows %v after version %d (%v), expected %v", e, rows, base, err, want[e.Name])
		}
		if rows, base := inverted.Find(e.Ordinal); base != e.Base || !slices.Equal(rows, want[e.Name]) {
			t.Fatalf("%v has rows %v after version %d in the list, expected %v", e, rows, base, want[e.Name])
		}
	}
}

func checkGroup(t testing.TB, r *Reader, lines [][]byte) {
	t.Helper()
	ctx := context.Background()
	if r.Len() != len(lines) {
		t.Fatalf("%d rows of %d lines", r.Len(), len(lines))
	}
	cols := map[Column]*vec.Column{}
	for c := ColPosition; c <= ColMetadata; c++ {
		col, err := r.Read(ctx, Ref{Col: c}, 0, r.Len())
		if err != nil {
			t.Fatalf("column %d: %v", c, err)
		}
		cols[c] = col
	}
	entities, err := r.Entities(ctx)
	if err != nil {
		t.Fatal(err)
	}
	version := map[string]int64{}
	for _, e := range entities {
		version[e.Name] = e.Base
	}
	checkEntityRows(t, r, entities, cols[ColEntity])
	for i, line := range lines {
		var p parsed
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		recorded := cols[ColRecordedAt].Int(i)
		at := recorded
		if p.Timestamp != nil {
			tm, err := time.Parse(time.RFC3339Nano, *p.Timestamp)
			if err != nil {
				t.Fatal(err)
			}
			at = tm.UnixMicro() - epochSeconds*1e6
		}
		version[p.Entity]++
		id := derive(testBase+int64(i), recorded)
		if p.ID != nil {
			id, _ = parseUUID([]byte(*p.ID))
		}
		switch {
		case string(cols[ColEntity].Bytes(i)) != p.Entity:
			t.Fatalf("row %d: entity %q, not %q", i, cols[ColEntity].Bytes(i), p.Entity)
		case string(cols[ColType].Bytes(i)) != p.Type:
			t.Fatalf("row %d: type %q, not %q", i, cols[ColType].Bytes(i), p.Type)
		case cols[ColTimestamp].Int(i) != at:
			t.Fatalf("row %d: timestamp %d, not %d", i, cols[ColTimestamp].Int(i), at)
		case cols[ColVersion].Int(i) != version[p.Entity]:
			t.Fatalf("row %d: version %d, not %d", i, cols[ColVersion].Int(i), version[p.Entity])
		case cols[ColPosition].Int(i) != testBase+int64(i):
			t.Fatalf("row %d: position %d", i, cols[ColPosition].Int(i))
		case string(cols[ColID].Bytes(i)) != string(id[:]):
			t.Fatalf("row %d: id %x, not %x", i, cols[ColID].Bytes(i), id)
		}
		for col, text := range map[Column][]byte{ColPayload: p.Payload, ColMetadata: p.Metadata} {
			if want, got := mustParse(t, text), cols[col].Bytes(i); !bytes.Equal(want, got) {
				t.Fatalf("row %d, column %d:\n got %s\nwant %s", i, col, jsonb.AppendText(nil, got), jsonb.AppendText(nil, want))
			}
		}
	}
}

// realLog returns up to n lines of a real log, or skips.
func realLog(t testing.TB, name string, n int) [][]byte {
	t.Helper()
	dir := os.Getenv("SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "data", name+".ndjson.gz"))
	if err != nil {
		t.Skipf("no real logs: set SHARED to the folder whose data/ has them (%v)", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<24)
	var lines [][]byte
	for len(lines) < n && s.Scan() {
		lines = append(lines, bytes.Clone(s.Bytes()))
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

func buildLines(t testing.TB, b *Builder, lines [][]byte) *Encoded {
	t.Helper()
	for i, l := range lines {
		if err := b.AddLine(l, nil); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
	}
	return mustFinish(t, b)
}

func TestRealLogs(t *testing.T) {
	for _, name := range []string{"rails_2013_2015_in_order", "bpic2012_loan", "github_webhooks"} {
		t.Run(name, func(t *testing.T) {
			lines := realLog(t, name, 2*MaxRows)
			b := NewBuilder()
			for len(lines) > 0 {
				part := lines[:min(len(lines), MaxRows)]
				lines = lines[len(part):]
				e := buildLines(t, b, part)
				r := openGroup(t, e)
				checkGroup(t, r, part)
				input := 0
				for _, l := range part {
					input += len(l)
				}
				t.Logf("%d events, %.1f bytes of text each, stored in %.1f", len(part), float64(input)/float64(len(part)), float64(e.Bytes())/float64(len(part)))
				for _, c := range e.Columns {
					name := fmt.Sprint(c.ID)
					if c.ID >= firstPath {
						_, keys := r.path(int(c.ID-firstPath) / 2)
						name = fmt.Sprint(keys, c.ID%2)
					}
					if len(part) > 1000 {
						t.Logf("  %-30s %8.2f bytes a row", name, float64(len(c.Data))/float64(len(part)))
					}
				}
			}
		})
	}
}

// shop makes lines like those of a web shop: 12 payload fields, a nested object, a random session.
type shop struct{ r *rand.Rand }

func newShop() *shop { return &shop{rand.New(rand.NewPCG(1, 2))} }

var (
	shopTypes = []string{"page.view", "cart.add", "order.created", "order.paid", "user.login"}
	shopWords = []string{"garden", "kitchen", "books", "toys", "shoes", "office", "sports", "music"}
)

func (s *shop) line(i int) []byte {
	r := s.r
	typ := shopTypes[min(r.IntN(8), r.IntN(len(shopTypes)))]
	at := time.UnixMilli(1_767_225_600_000 + int64(i)*7800 + r.Int64N(7800)).UTC()
	return fmt.Appendf(nil, `{"entity_id":"%s-%d","event_type":"%s","timestamp":"%s","payload":{"session":"%016x","country":"%s","cur":"EUR",`+
		`"amount":%d.%02d,"qty":%d,"sku":"SKU-%05d","path":"/%s/%03x","status":%d,"latency_ms":%d,"device":"%s","via":"%s","user":{"vip":%t,"tier":"%s"}}}`,
		typ[:4], int(40000*r.Float64()*r.Float64()), typ, at.Format("2006-01-02T15:04:05.000Z"), r.Uint64(), []string{"DE", "US", "FR"}[r.IntN(3)],
		r.IntN(1000), r.IntN(100), 1+r.IntN(5), int(5000*r.Float64()*r.Float64()), shopWords[r.IntN(8)], r.IntN(4096),
		[]int{200, 200, 200, 404}[r.IntN(4)], int(5+60*r.ExpFloat64()), []string{"mobile", "desktop", "tv"}[r.IntN(3)],
		shopWords[r.IntN(5)], r.IntN(20) == 0, []string{"basic", "plus", "gold"}[r.IntN(3)])
}

func shopLines(n int) [][]byte {
	s := newShop()
	lines := make([][]byte, n)
	for i := range lines {
		lines[i] = s.line(i)
	}
	return lines
}

func TestShop(t *testing.T) {
	lines := shopLines(MaxRows)
	e := buildLines(t, NewBuilder(), lines)
	r := openGroup(t, e)
	checkGroup(t, r, lines)
	perRow := float64(e.Bytes()) / float64(len(lines))
	t.Logf("%.1f bytes an event", perRow)
	if perRow > 65 {
		t.Errorf("%.1f bytes an event, more than 65", perRow)
	}
	for _, c := range e.Columns {
		t.Logf("  %-30s %8.2f bytes a row", strconv.Itoa(int(c.ID)), float64(len(c.Data))/float64(len(lines)))
	}
}

// TestByOrdinal sorts small ordinals, and such that leave no room for their places.
func TestByOrdinal(t *testing.T) {
	for _, top := range []uint64{5, 1<<47 - 1, 1 << 47, 1<<64 - 1} {
		ordinals := []uint64{top, 3, top - 1, 0, 1}
		if got, want := fmt.Sprint(byOrdinal(ordinals)), "[3 4 1 2 0]"; got != want {
			t.Errorf("up to %d: %s, not %s", top, got, want)
		}
	}
}
