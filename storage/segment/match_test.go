package segment

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

func textsOf(s ...string) *vec.Column {
	b := vec.NewBuilder(vec.Bytes, len(s))
	for _, v := range s {
		b.AppendString(v)
	}
	return b.Finish()
}

func intsOf(v ...int64) *vec.Column { return intColumn(v) }

func floatsOf(v ...float64) *vec.Column { return &vec.Column{Kind: vec.Float64, Len: len(v), F64: v} }

func TestMayMatch(t *testing.T) {
	var lines [][]byte
	for i := range 2000 {
		lines = append(lines, fmt.Appendf(nil, `{"entity_id":"e%d","event_type":"t%d","timestamp":"2026-01-01T00:%02d:00Z","payload":`+
			`{"n":%d,"price":%d.25,"color":"%s","session":"s-%x","mixed":%s,"nothing":null,"o":{"x":1},"list":[1,2]}}`,
			i, i%2, i%60, 10+i, i, []string{"red", "green"}[i%2], i*7919, []string{"1", `"one"`}[i%2]))
	}
	r := openGroup(t, buildLines(t, NewBuilder(), lines))
	path := func(as vec.ReadAs, keys ...string) Ref { return Ref{ColPayload, keys, as} }
	dec := &vec.Column{Kind: vec.Decimal, Len: 1, Dec: []decimal.Dec{decimal.New(200025, 2)}}
	for _, c := range []struct {
		p    Pred
		want bool
	}{
		{Pred{path(vec.AsInt, "n"), Eq, intsOf(9)}, false},
		{Pred{path(vec.AsInt, "n"), Eq, intsOf(10)}, true},
		{Pred{path(vec.AsInt, "n"), Lt, intsOf(10)}, false},
		{Pred{path(vec.AsInt, "n"), Le, intsOf(10)}, true},
		{Pred{path(vec.AsInt, "n"), Gt, intsOf(2009)}, false},
		{Pred{path(vec.AsInt, "n"), Ge, intsOf(2009)}, true},
		{Pred{path(vec.AsInt, "n"), In, intsOf(1, 2, 3)}, false},
		{Pred{path(vec.AsInt, "n"), In, intsOf(1, 2, 30)}, true},
		{Pred{path(vec.AsFloat, "n"), Gt, floatsOf(2500)}, false},
		{Pred{path(vec.AsFloat, "price"), Gt, floatsOf(1999.25)}, true}, // bounds of floats are not exact
		{Pred{path(vec.AsFloat, "price"), Gt, floatsOf(2000)}, false},
		{Pred{path(vec.AsFloat, "price"), Lt, floatsOf(math.NaN())}, true},
		{Pred{path(vec.AsDecimal, "price"), Eq, dec}, false},
		{Pred{path(vec.AsText, "color"), Eq, textsOf("red")}, true},
		{Pred{path(vec.AsText, "color"), Eq, textsOf("pink")}, false},
		{Pred{path(vec.AsText, "color"), In, textsOf("pink", "green")}, true},
		{Pred{path(vec.AsText, "color"), Lt, textsOf("a")}, false},
		{Pred{path(vec.AsText, "session"), Eq, textsOf("s-zz")}, false},
		{Pred{path(vec.AsText, "session"), Eq, textsOf(fmt.Sprintf("s-%x", 7919*5))}, true},
		{Pred{path(vec.AsText, "mixed"), Eq, textsOf("two")}, true},
		{Pred{path(vec.AsText, "nothing"), NotNull, nil}, false},
		{Pred{path(vec.AsJSON, "nothing"), NotNull, nil}, true},
		{Pred{path(vec.AsText, "absent"), NotNull, nil}, false},
		{Pred{path(vec.AsText, "absent"), Eq, textsOf("x")}, false},
		{Pred{path(vec.AsText, "o"), NotNull, nil}, true},
		{Pred{path(vec.AsText, "list", "0"), Eq, textsOf("9")}, true},
		{Pred{Ref{Col: ColType}, Eq, textsOf("t1")}, true},
		{Pred{Ref{Col: ColType}, Eq, textsOf("t2")}, false},
		{Pred{Ref{Col: ColType}, Gt, textsOf("t1")}, false},
		{Pred{Ref{Col: ColEntity}, Eq, textsOf("e1999")}, true},
		{Pred{Ref{Col: ColEntity}, Eq, textsOf("f")}, false},
		{Pred{Ref{Col: ColPosition}, Ge, intsOf(testBase + 2000)}, false},
		{Pred{Ref{Col: ColRecordedAt}, Le, intsOf(5)}, false},
		{Pred{Ref{Col: ColTimestamp}, Gt, intsOf(0)}, true},
		{Pred{Ref{Col: ColVersion}, Gt, intsOf(0)}, true},
	} {
		got, err := r.MayMatch(context.Background(), c.p)
		if err != nil || got != c.want {
			t.Errorf("%v %d %v: %v, %v", c.p.Ref, c.p.Op, c.p.Values, got, err)
		}
	}
}

func TestSharedDictionary(t *testing.T) {
	r := openGroup(t, buildLines(t, NewBuilder(), shopLines(9000)))
	ctx := context.Background()
	for _, ref := range []Ref{{Col: ColEntity}, {Col: ColType}, {Col: ColPayload, Path: []string{"country"}, As: vec.AsText}, {Col: ColPayload, Path: []string{"cur"}, As: vec.AsText}, {Col: ColPayload, Path: []string{"cur"}, As: vec.AsFloat}, {Col: ColPayload, Path: []string{"via"}}} {
		a, err := r.Read(ctx, ref, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.ReadRows(ctx, ref, []int32{5, 5000, 7000})
		if err != nil {
			t.Fatal(err)
		}
		if a.Dict == nil || a.Dict != b.Dict && ref.Col != ColEntity {
			t.Errorf("%v: dictionaries %p and %p", ref, a.Dict, b.Dict)
		}
	}
	before := r.MemSize()
	r.Release()
	if after := r.MemSize(); after >= before {
		t.Errorf("%d bytes after Release, %d before", after, before)
	}
}

func TestKindsOfReads(t *testing.T) {
	line := `{"entity_id":"e","event_type":"t","payload":{"i":1,"d":1.5,"b":true,"n":null,"s":"1"}}`
	r := openGroup(t, buildLines(t, NewBuilder(), [][]byte{[]byte(line), []byte(`{"entity_id":"e","event_type":"t","payload":{"i":null}}`)}))
	for _, c := range []struct {
		key  string
		as   vec.ReadAs
		want vec.Kind
	}{
		{"i", vec.AsInt, vec.Int64}, {"i", vec.AsFloat, vec.Float64}, {"i", vec.AsDecimal, vec.Decimal}, {"i", vec.AsText, vec.Bytes},
		{"d", vec.AsInt, vec.Bytes}, {"d", vec.AsFloat, vec.Float64}, {"d", vec.AsDecimal, vec.Decimal},
		{"b", vec.AsBool, vec.Bool}, {"b", vec.AsInt, vec.Bytes}, {"s", vec.AsInt, vec.Bytes}, {"s", vec.AsFloat, vec.Bytes},
		{"n", vec.AsInt, vec.Int64}, {"n", vec.AsBool, vec.Bool}, {"none", vec.AsFloat, vec.Float64},
	} {
		col, err := r.Read(context.Background(), Ref{ColPayload, []string{c.key}, c.as}, 0, 2)
		if err != nil || col.Kind != c.want || !col.Null(1) {
			t.Errorf("%s as %d: %+v, %v", c.key, c.as, col, err)
		}
	}
}

func TestTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(-60_000_000_000_000_000, 250_000_000_000_000_000).Draw(t, "at"))
		at = at.In(time.FixedZone("", 60*rapid.IntRange(-800, 800).Draw(t, "zone")))
		s := at.Format("2006-01-02T15:04:05.999999Z07:00")
		if got, ok := parseTime([]byte(s)); !ok || got != at.UnixMicro()-epochSeconds*1e6 {
			t.Fatalf("%s: %d, %v", s, got, ok)
		}
	})
	for s, want := range map[string]int64{
		"2000-01-01": 0, "2000-01-01 00:00": 0, "2000-01-01T00:00:60Z": 60e6, "2000-01-01T24:00:00Z": 86400e6,
		"2000-01-01T00:00:00.0000005Z": 1, "2000-01-01T01:00:00+01": 0, "2000-01-01T01:00:00+0100": 0, "2000-02-29T00:00:00Z": 59 * 86400e6,
	} {
		if got, ok := parseTime([]byte(s)); !ok || got != want {
			t.Errorf("%s: %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "2000", "2000-13-01", "2001-02-29", "2000-01-01T25:00:00Z", "2000-01-01T00:00:00.Z", "2000-01-01T00:00:00+", "2000-01-01x", "2000-01-01T00:61:00Z"} {
		if got, ok := parseTime([]byte(s)); ok {
			t.Errorf("%q is %d", s, got)
		}
	}
	if got, ok := scaledTime(1767225600123, 0, 1000); !ok || got != (1767225600123-epochSeconds*1000)*1000 {
		t.Errorf("milliseconds: %d", got)
	}
	if got, ok := scaledTime(17672256001234567, 7, 1e6); !ok || got != 1767225600123457-epochSeconds*1e6 {
		t.Errorf("seconds: %d", got)
	}
}

func TestFloats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, s := rapid.Int64().Draw(t, "mantissa"), uint8(rapid.IntRange(0, maxNodeScale-1).Draw(t, "scale"))
		if rapid.Bool().Draw(t, "small") {
			m >>= 20
		}
		want, _ := strconv.ParseFloat(fmt.Sprintf("%de-%d", m, s), 64)
		if got := toFloat(m, s); got != want {
			t.Fatalf("%d / 10^%d: %v, not %v", m, s, got, want)
		}
		if lo, hi := around(m, s); lo > want || hi < want {
			t.Fatalf("%d / 10^%d is not between %v and %v", m, s, lo, hi)
		}
	})
}

func TestInts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shift := rapid.IntRange(0, 63).Draw(t, "shift")
		step := rapid.Int64Range(-1000, 1000).Draw(t, "step")
		vals := rapid.SliceOfN(rapid.Int64(), 1, 40).Draw(t, "values")
		for len(vals) < rapid.IntRange(0, 3000).Draw(t, "length") {
			vals = append(vals, vals[len(vals)-1]+step)
		}
		for i := range vals {
			vals[i] >>= shift
		}
		var e intsEncoder
		enc := e.append(nil, vals, rapid.Bool().Draw(t, "differences"))
		p := &parser{buf: append(enc, make([]byte, trailerLen)...), end: len(enc)}
		c := parseInts(p, len(vals))
		if err := p.finish(); err != nil {
			t.Fatal(err)
		}
		from := rapid.IntRange(0, len(vals)-1).Draw(t, "from")
		out := make([]int64, len(vals)-from)
		readInts(c, out, from)
		var places []int32
		for at := 0; at < len(vals); at += rapid.IntRange(1, 200).Draw(t, "distance") {
			for k := at; k < min(len(vals), at+rapid.IntRange(1, 30).Draw(t, "run")); k++ {
				places = append(places, int32(k))
				at = k
			}
		}
		gathered := make([]int64, len(places))
		gatherInts(c, gathered, places)
		for i, at := range places {
			if gathered[i] != vals[at] {
				t.Fatalf("value %d: %d, not %d", at, gathered[i], vals[at])
			}
		}
		k := intCursor{c: c}
		for i, v := range out {
			if want := vals[from+i]; v != want || c.at(from+i) != want || k.at(from+i) != want {
				t.Fatalf("value %d: %d, %d, %d, not %d", from+i, v, c.at(from+i), k.at(from+i), want)
			}
		}
	})
}
