package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

var genKey = rapid.SampledFrom([]string{"a", "b", "cc", "a.b", "0", "1", "", "ключ", "long key"})

// genJSON makes JSON text; keys repeat on purpose.
func genJSON(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kind := rapid.IntRange(0, 8).Draw(t, "kind")
		if depth == 0 {
			kind = kind % 6
		}
		switch kind {
		case 0:
			return rapid.SampledFrom([]string{"null", "true", "false", "{}", "[]"}).Draw(t, "word")
		case 1, 2:
			return rapid.SampledFrom([]string{"0", "1", "-1", "1.0", "1.50", "1e2", "-0", "0.1", "9223372036854775807", "-9223372036854775808",
				"9223372036854775808", "1e40", "1e-130", "12345678901234567.25", "0.000", "1E5", "1e-3"}).Draw(t, "number")
		case 3:
			return strconv.Itoa(rapid.IntRange(-1000, 100000).Draw(t, "int"))
		case 4:
			return strconv.Quote(rapid.SampledFrom([]string{"", "1", "x", "deadbeef", "0123456789abcdef", "SKU-00012", "SKU-12", "äöü", "true"}).Draw(t, "text"))
		case 5:
			return `"` + rapid.StringMatching(`[a-z ]{0,12}`).Draw(t, "words") + `"`
		case 6:
			return "[" + strings.Join(rapid.SliceOfN(genJSON(depth-1), 0, 3).Draw(t, "array"), ",") + "]"
		}
		var fields []string
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			fields = append(fields, strconv.Quote(genKey.Draw(t, "key"))+": "+genJSON(depth-1).Draw(t, "member"))
		}
		return "{" + strings.Join(fields, ",") + "}"
	})
}

// plainRead is what a read of a path must give, from the document alone.
func plainRead(doc jsonb.Value, path []string, as vec.ReadAs) (text string, null bool) {
	v, ok := jsonb.GetPath(doc, path)
	if !ok {
		return "", true
	}
	if as == vec.AsJSON {
		return string(v), false
	}
	b, ok := jsonb.AppendAsText(nil, v)
	return string(b), !ok
}

// sameRead compares row i of a column read in some form with the plain answer.
func sameRead(c *vec.Column, i int, doc jsonb.Value, path []string, as vec.ReadAs) error {
	want, null := plainRead(doc, path, as)
	if c.Null(i) != null {
		return fmt.Errorf("null is %v, not %v", c.Null(i), null)
	}
	if null {
		return nil
	}
	got := ""
	switch c.Kind {
	case vec.Bytes:
		got = string(c.Bytes(i))
	case vec.Int64:
		got = strconv.FormatInt(c.Int(i), 10)
	case vec.Decimal:
		got = c.Decimal(i).String()
	case vec.Bool:
		got = strconv.FormatBool(c.Bool(i))
	case vec.Float64:
		f, err := strconv.ParseFloat(want, 64)
		if err != nil || math.Float64bits(f+0) != math.Float64bits(c.Float(i)+0) {
			return fmt.Errorf("%v, not %s", c.Float(i), want)
		}
		return nil
	}
	if got != want {
		return fmt.Errorf("%q, not %q", got, want)
	}
	return nil
}

// TestShreddedIsPlain reads random documents and paths back as if they had never been taken apart.
func TestShreddedIsPlain(t *testing.T) {
	ctx := context.Background()
	b := NewBuilder()
	rapid.Check(t, func(t *rapid.T) {
		b.Reset()
		texts := rapid.SliceOfN(genJSON(3), 1, 30).Draw(t, "documents")
		var docs []jsonb.Value
		for i, text := range texts {
			doc, err := jsonb.Parse(nil, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, doc)
			typ := "t" + strconv.Itoa(i%3)
			switch i % 3 {
			case 0:
				err = b.Add(&Event{Entity: "e", Type: typ, Payload: []byte(text)})
			case 1:
				err = b.Add(&Event{Entity: "e", Type: typ, PayloadValue: doc})
			default:
				err = b.AddLine([]byte(`{"entity_id":"e","event_type":"`+typ+`","payload":`+text+`}`), nil)
			}
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if got := b.Event(i).PayloadValue; !bytes.Equal(got, doc) {
				t.Fatalf("%s: before Finish %s", text, jsonb.AppendText(nil, got))
			}
		}
		e, err := b.Finish(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(e.SetEntities([]uint64{5}, []int64{0}), e.SetRecorded([]Run{{0, 1}})); err != nil {
			t.Fatal(err)
		}
		r, err := reopen(e)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			path := rapid.SliceOfN(genKey, 0, 3).Draw(t, "path")
			as := vec.ReadAs(rapid.IntRange(0, int(vec.AsBool)).Draw(t, "as"))
			c, err := r.Read(ctx, Ref{ColPayload, path, as}, 0, len(docs))
			if err != nil {
				t.Fatal(err)
			}
			var rows []int32
			for i, doc := range docs {
				if err := sameRead(c, i, doc, path, as); err != nil {
					t.Fatalf("%q as %d of %s: %v", path, as, texts[i], err)
				}
				if i%2 == 0 {
					rows = append(rows, int32(i))
				}
			}
			if c, err = r.ReadRows(ctx, Ref{ColPayload, path, as}, rows); err != nil {
				t.Fatal(err)
			}
			for i, row := range rows {
				if err := sameRead(c, i, docs[row], path, as); err != nil {
					t.Fatalf("row %d, %q as %d of %s: %v", row, path, as, texts[row], err)
				}
			}
			one := vec.NewBuilder(vec.Bytes, 1)
			for _, doc := range docs {
				if text, null := plainRead(doc, path, vec.AsText); !null {
					one.AppendString(text)
					if ok, err := r.MayMatch(ctx, Pred{Ref{ColPayload, path, vec.AsText}, Eq, one.Finish()}); !ok || err != nil {
						t.Fatalf("%q = %q is there: %v, %v", path, text, ok, err)
					}
				}
			}
		}
	})
}

// TestExplosion has more paths than columns.
func TestExplosion(t *testing.T) {
	var lines [][]byte
	for i := range 9000 {
		lines = append(lines, fmt.Appendf(nil, `{"entity_id":"e","event_type":"t","payload":{"always":%d,"by":{"key%d":{"v":%d,"w":[1]},"same":1}},"metadata":{"m%d":"x"}}`, i, i%5000, i, i%700))
	}
	r := openGroup(t, buildLines(t, NewBuilder(), lines))
	checkGroup(t, r, lines)
	if n := len(r.Paths()); n > maxPaths {
		t.Errorf("%d paths have columns", n)
	}
	ctx := context.Background()
	for _, path := range [][]string{{"by", "key4999", "v"}, {"by", "key1", "v"}, {"by", "key4999"}, {"by"}, {"by", "same"}, {"by", "key4999", "w", "0"}} {
		c, err := r.Read(ctx, Ref{ColPayload, path, vec.AsText}, 0, r.Len())
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(lines); i += 97 {
			doc, _ := jsonb.GetPath(mustParse(t, lines[i]), []string{"payload"})
			if err := sameRead(c, i, doc, path, vec.AsText); err != nil {
				t.Fatalf("%q of %s: %v", path, lines[i], err)
			}
		}
	}
}

// TestRefusedLines leaves the builder as it was after each bad line.
func TestRefusedLines(t *testing.T) {
	bad := []string{
		``, `[]`, `1`, `{`, `{"entity_id":"x"}`, `{"event_type":"x","payload":{}}`, `{"entity_id":"new","event_type":"new","payload":{"zz":{"y":1},"n":01}}`,
		`{"entity_id":"new","event_type":"new","id":"no"}`, `{"entity_id":"new","event_type":"new","timestamp":"2026-02-30T00:00:00Z"}`,
		`{"entity_id":"new","event_type":"new","timestamp":5}`, `{"entity_id":"new","event_type":"new"} x`, `{"entity_id":{},"event_type":"new"}`,
		`{"entity_id":"new","event_type":"new","payload":[1],"other":1}`, `{"entity_id":"new","event_type":"new","payload":{"t":"\u0000"}}`,
	}
	lines := mixedLines(50)
	b := NewBuilder()
	for i, l := range lines {
		var le *LineError
		if err := b.AddLine([]byte(bad[i%len(bad)]), nil); !errors.As(err, &le) {
			t.Fatalf("%s: %v", bad[i%len(bad)], err)
		}
		if err := b.AddLine(l, nil); err != nil {
			t.Fatal(err)
		}
	}
	clean := buildLines(t, NewBuilder(), lines)
	if got := mustFinish(t, b); fmt.Sprint(got.Columns, got.meta) != fmt.Sprint(clean.Columns, clean.meta) {
		t.Error("refused lines left something behind")
	}
}

// TestDrop leaves rows out at Finish, and TestTruncate takes the last ones back.
func TestDrop(t *testing.T) {
	lines := mixedLines(400)
	b := NewBuilder()
	drop := vec.NewBitmap(len(lines))
	var kept [][]byte
	for i, l := range lines {
		if err := b.AddLine(l, nil); err != nil {
			t.Fatal(err)
		}
		if i%3 == 1 || i > 300 {
			drop.Set(i)
		} else {
			kept = append(kept, l)
		}
	}
	e, err := b.Finish(drop)
	if err != nil {
		t.Fatal(err)
	}
	checkGroup(t, openGroup(t, e), kept)
	for _, l := range lines {
		if err := b.AddLine(l, nil); err != nil {
			t.Fatal(err)
		}
	}
	b.Truncate(100)
	for _, l := range lines[200:] {
		if err := b.AddLine(l, nil); err != nil {
			t.Fatal(err)
		}
	}
	checkGroup(t, openGroup(t, mustFinish(t, b)), append(lines[:100:100], lines[200:]...))
}

// TestMergedFields gives the payload the fields that are no columns.
func TestMergedFields(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"entity_id":"e","event_type":"t","a":1}`, `{"a": 1}`},
		{`{"entity_id":"e","event_type":"t","a":1,"payload":{"b":2}}`, `{"a": 1, "b": 2}`},
		{`{"entity_id":"e","event_type":"t","payload":{"b":2},"a":1}`, `{"a": 1, "b": 2}`},
		{`{"entity_id":"e","event_type":"t","payload":{},"a":1}`, `{"a": 1}`},
		{`{"entity_id":"e","event_type":"t","a":1,"payload":{}}`, `{"a": 1}`},
		{`{"entity_id":"e","event_type":"t","a":1,"payload":{"a":2}}`, `{"a": 2}`},
		{`{"entity_id":"e","event_type":"t","payload":{"a":2},"a":1}`, `{"a": 2}`},
		{`{"entity_id":"e","event_type":"t","payload":null,"a":1}`, `{"a": 1}`},
		{`{"entity_id":"e","event_type":"t","payload":{"x":1},"payload":{"y":1}}`, `{"y": 1}`},
		{`{"entity_id":"z","event_type":"t","entity_id":"e","payload":{"x":{"a":1},"x":{"b":1}}}`, `{"x": {"b": 1}}`},
		{`{"entity_id":7,"event_type":"t","payload":[1]}`, `[1]`},
		{`{"entity_id":"e","event_type":"t","payload":"s"}`, `"s"`},
		{`{"entity_id":"e","event_type":"t"}`, `{}`},
	} {
		b := NewBuilder()
		if err := b.AddLine([]byte(c.line), nil); err != nil {
			t.Fatalf("%s: %v", c.line, err)
		}
		r := openGroup(t, mustFinish(t, b))
		col, err := r.Read(context.Background(), Ref{Col: ColPayload}, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(jsonb.AppendText(nil, col.Bytes(0))); got != c.want {
			t.Errorf("%s: %s, not %s", c.line, got, c.want)
		}
	}
}
