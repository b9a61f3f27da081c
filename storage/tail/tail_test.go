package tail

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec/jsonb"
)

func document(t *rapid.T) jsonb.Value {
	text := rapid.SampledFrom([]string{`{}`, `{"a":1}`, `[]`, `"x"`, `{"a":"` + strings.Repeat("long ", 200) + `"}`}).Draw(t, "document")
	v, err := jsonb.Parse(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func drawRows(t *rapid.T) []Row {
	rows := make([]Row, rapid.IntRange(1, 40).Draw(t, "rows"))
	at := int64(rapid.IntRange(-3, 3).Draw(t, "at"))
	for i := range rows {
		if rapid.Bool().Draw(t, "next") {
			at++
		}
		n := rapid.IntRange(0, 3).Draw(t, "entity")
		rows[i] = Row{Entity: fmt.Sprint("e", n), Ordinal: uint64(n), Type: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "type"),
			Version: int64(i) + 1, Recorded: at, Payload: document(t), Metadata: document(t)}
		if rapid.Bool().Draw(t, "id") {
			rows[i].HasID, rows[i].ID[3] = true, byte(i)
		}
		if rapid.Bool().Draw(t, "time") {
			rows[i].HasTime, rows[i].Time = true, rapid.Int64Range(-1e9, 1e9).Draw(t, "timestamp")
		}
	}
	return rows
}

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &Block{First: rapid.Int64Range(1, 1<<40).Draw(t, "first"), Rows: drawRows(t)}
		data := AppendBlock([]byte("before"), b)[6:]
		got, err := DecodeBlock(data)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, b) {
			t.Fatalf("got %+v\nwant %+v", got, b)
		}
		if again := AppendBlock(nil, got); string(again) != string(data) {
			t.Fatal("the encoding is not deterministic")
		}
	})
}

func TestDamagedBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := AppendBlock(nil, &Block{First: 7, Rows: drawRows(t)})
		at := rapid.IntRange(0, len(data)-1).Draw(t, "byte")
		data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := DecodeBlock(data); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("a flipped bit in byte %d: %v", at, err)
		}
		data[at] ^= 0xff
		if _, err := DecodeBlock(data[:at]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	})
}

func FuzzDecodeBody(f *testing.F) {
	f.Add(appendBody(nil, &Block{First: 1, Rows: []Row{{Entity: "e", Type: "t", Version: 1, Payload: emptyObject, Metadata: emptyObject}}}))
	f.Fuzz(func(_ *testing.T, body []byte) {
		d := decoder{rest: body}
		d.block()
	})
}

func TestRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := int64(1)
		r := NewRows(base)
		var model []int64 // recorded, from position 1 on
		type snapshot struct {
			r    Rows
			base int64
			end  int64
		}
		var held []snapshot
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "step") > 0 {
				more := make([]Row, rapid.IntRange(0, 900).Draw(t, "more"))
				for i := range more {
					more[i].Recorded = int64(len(model)) / 3
					model = append(model, more[i].Recorded)
				}
				r = r.Append(more)
			} else {
				base += rapid.Int64Range(0, r.End()-base).Draw(t, "cut")
				r = r.Cut(base)
			}
			held = append(held, snapshot{r, base, int64(len(model)) + 1})
		}
		for _, s := range held {
			if s.r.Base() != s.base || s.r.End() != s.end || s.r.Len() != int(s.end-s.base) {
				t.Fatalf("rows [%d, %d), expected [%d, %d)", s.r.Base(), s.r.End(), s.base, s.end)
			}
			for pos := s.base; pos < s.end; pos++ {
				if s.r.At(pos).Recorded != model[pos-1] {
					t.Fatalf("position %d has %d", pos, s.r.At(pos).Recorded)
				}
			}
			at := rapid.Int64Range(-1, int64(len(model))/3+1).Draw(t, "at")
			want := s.base
			for want < s.end && model[want-1] <= at {
				want++
			}
			if got := s.r.Until(at); got != want {
				t.Fatalf("until %d: %d, expected %d", at, got, want)
			}
		}
	})
}
