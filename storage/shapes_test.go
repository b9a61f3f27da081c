package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/storage/segment"
)

// shapeModel counts what documents have, by encoding/json.
type shapeModel struct {
	rows  map[string]int64
	paths map[string]*PathShape // by type and path
}

func (m *shapeModel) add(typ string, doc string) {
	m.rows[typ]++
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	m.walk(typ, nil, v)
}

func (m *shapeModel) walk(typ string, path []string, v any) {
	var kind Kinds
	switch v := v.(type) {
	case nil:
		kind = segment.KindNull
	case bool:
		kind = segment.KindBool
	case string:
		kind = segment.KindString
	case []any:
		kind = segment.KindArray
	case json.Number:
		switch {
		case strings.Contains(v.String(), "."):
			kind = segment.KindInt | segment.KindDecimal
		case len(v) > 19:
			kind = segment.KindNumeric
		default:
			kind = segment.KindInt
		}
	case map[string]any:
		for k, member := range v {
			m.walk(typ, append(slices.Clone(path), k), member)
		}
		if len(v) > 0 {
			return
		}
		kind = segment.KindObject
	}
	key := typ + "\x00" + strings.Join(path, "\x00")
	p := m.paths[key]
	if p == nil {
		p = &PathShape{Path: path}
		m.paths[key] = p
	}
	p.Rows++
	p.Kinds |= kind
}

func (m *shapeModel) lines() []string {
	var out []string
	for typ, n := range m.rows {
		out = append(out, fmt.Sprintf("%s %d", typ, n))
	}
	for key, p := range m.paths {
		typ, _, _ := strings.Cut(key, "\x00")
		out = append(out, fmt.Sprintf("%s %q %d %b", typ, p.Path, p.Rows, p.Kinds))
	}
	slices.Sort(out)
	return out
}

func shapeLines(list []Shape) []string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("%s %d", s.Type, s.Rows))
		for _, p := range s.Paths {
			out = append(out, fmt.Sprintf("%s %q %d %b", s.Type, p.Path, p.Rows, p.Kinds))
		}
	}
	slices.Sort(out)
	return out
}

// shapesAre returns a check of what is said about shapes.
func shapesAre(t *rapid.T, want []string) func([]Shape, error) {
	t.Helper()
	return func(got []Shape, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if g := shapeLines(got); !slices.Equal(g, want) {
			t.Fatalf("got\n%s\nwant\n%s", strings.Join(g, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestShapes compares what metadata says with what the documents say, wherever they lie.
func TestShapes(t *testing.T) {
	value := rapid.SampledFrom([]string{`1`, `2.5`, `"x"`, `"y"`, `null`, `true`, `[]`, `[1, {"a": 2}]`, `{}`, `{"x": 1}`, `{"x": "a", "z": {"w": [1]}}`, `123456789012345678901234567890`})
	rapid.Check(t, func(t *rapid.T) {
		s, err := Open("db", testOptions(vfs.NewMem(), newFakeClock()))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		d, err := s.Database(FirstDatabase)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		var log [][2]string // type and payload of each event
		check := func(t *rapid.T) {
			end := rapid.OneOf(rapid.Just(int64(math.MaxInt64)), rapid.Int64Range(0, int64(len(log))+2)).Draw(t, "end")
			m := &shapeModel{rows: map[string]int64{}, paths: map[string]*PathShape{}}
			for _, ev := range log[:max(0, min(int64(len(log)), end-1))] {
				m.add(ev[0], ev[1])
			}
			shapesAre(t, m.lines())(d.CountedShapes(ctx, end))
			for _, p := range m.paths {
				p.Rows = 0
			}
			for typ := range m.rows {
				m.rows[typ] = 0
			}
			shapesAre(t, m.lines())(d.Shapes(ctx, end))
			version, err := d.ShapesVersion(ctx, end)
			if err != nil || version >= max(1, end) {
				t.Fatalf("version %d before %d: %v", version, end, err)
			}
			shapesAre(t, m.lines())(d.Shapes(ctx, version+1))
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				var events []Event
				for i := range rapid.IntRange(1, 20).Draw(t, "events") {
					doc := value.Draw(t, "root")
					if rapid.IntRange(0, 9).Draw(t, "object") > 0 {
						var members []string
						for k := range rapid.IntRange(0, 4).Draw(t, "members") {
							members = append(members, fmt.Sprintf(`"k%d": %s`, k+rapid.IntRange(0, 1).Draw(t, "key")*10, value.Draw(t, "value")))
						}
						doc = "{" + strings.Join(members, ", ") + "}"
					}
					typ := fmt.Sprint("t", rapid.IntRange(0, 3).Draw(t, "type"))
					events = append(events, Event{Entity: fmt.Sprint("e", i%3), Type: typ, Payload: []byte(doc), Expected: AnyVersion})
					log = append(log, [2]string{typ, doc})
				}
				if _, err := d.Append(ctx, events, nil); err != nil {
					t.Fatal(err)
				}
			},
			"seal": func(t *rapid.T) {
				if err := d.Seal(ctx); err != nil {
					t.Fatal(err)
				}
			},
			"compact": func(t *rapid.T) {
				if err := d.Compact(ctx); err != nil {
					t.Fatal(err)
				}
			},
			"forget": func(*rapid.T) { d.shapes = shapes{} }, // as a restart does
			"check":  check,
		})
		check(t)
	})
}
