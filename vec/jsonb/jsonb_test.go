package jsonb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec/decimal"
)

func parse(t interface{ Fatalf(string, ...any) }, text string) Value {
	v, err := Parse(nil, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// anyText draws a JSON text: values repeat often, so that comparisons meet equals.
func anyText(t *rapid.T, depth int, label string) string {
	kinds := 3
	if depth > 0 {
		kinds = 5
	}
	key := rapid.SampledFrom([]string{`"a"`, `"b"`, `"aa"`, `"é"`, `""`, `"z\n"`, `"Z"`})
	switch rapid.IntRange(0, kinds).Draw(t, label) {
	case 0, 1:
		return rapid.SampledFrom([]string{
			"0", "1", "1.0", "1.00", "-1", "1e2", "100", "1e30", "1000000000000000000000000000000", "1.5",
			"12345678901234567890.123", "9223372036854775807", "9223372036854775808", "1e131071", "-0.0", "1e-40",
		}).Draw(t, label)
	case 2:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, label)
	case 3:
		b, _ := json.Marshal(rapid.StringMatching(`[a-c\x01-\x24é日"\\]{0,12}`).Draw(t, label))
		return string(b)
	case 4:
		var parts []string
		for range rapid.IntRange(0, 4).Draw(t, label) {
			parts = append(parts, anyText(t, depth-1, label))
		}
		return "[" + strings.Join(parts, " ,") + "]"
	}
	var parts []string
	for range rapid.IntRange(0, 20).Draw(t, label) {
		parts = append(parts, key.Draw(t, label)+": "+anyText(t, depth-1, label))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestOrder: Compare, Equal, AppendKey and Hash agree with each other.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := parse(t, anyText(t, 2, "a")), parse(t, anyText(t, 2, "b"))
		c := Compare(a, b)
		if Compare(b, a) != -c {
			t.Fatalf("Compare is not antisymmetric: %d %d", c, Compare(b, a))
		}
		if k := bytes.Compare(AppendKey(nil, a), AppendKey(nil, b)); k != c {
			t.Fatalf("keys compare as %d, values as %d", k, c)
		}
		if Equal(a, b) != (c == 0) || c == 0 && Hash(a) != Hash(b) {
			t.Fatalf("Equal or Hash disagree with Compare %d", c)
		}
		if Equal(a, b) && !Contains(a, b) {
			t.Fatalf("a value does not contain its equal")
		}
	})
}

// TestRoundTrip: text and back gives the same bytes, whatever prints it.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := parse(t, anyText(t, 3, "v"))
		if !Valid(v) || Size(v) != len(v) {
			t.Fatalf("valid %v, size %d of %d", Valid(v), Size(v), len(v))
		}
		for name, text := range map[string][]byte{
			"text": AppendText(nil, v), "canonical": AppendCanonical(nil, v), "pretty": Pretty(nil, v),
		} {
			w, err := Parse(nil, text)
			if err != nil || !bytes.Equal(v, w) {
				t.Fatalf("%s %s comes back as %s, %v", name, text, AppendText(nil, w), err)
			}
		}
		var b Builder
		rebuild(&b, v)
		if !bytes.Equal(b.AppendTo(nil), v) {
			t.Fatalf("built backwards: %s", AppendText(nil, b.Bytes()))
		}
		_ = Valid(append([]byte(v), 0))
		for i := range v {
			if i < 300 && Valid(v[:i]) {
				t.Fatalf("cut to %d of %d bytes it is valid", i, len(v))
			}
		}
	})
}

// rebuild makes v again with the keys from last to first, each twice.
func rebuild(b *Builder, v Value) {
	switch v.Kind() {
	case Object:
		b.BeginObject()
		for i := Len(v) - 1; i >= 0; i-- {
			key, val := Field(v, i)
			b.Key(string(key))
			b.String("replaced")
			b.KeyBytes(key)
			rebuild(b, val)
		}
		b.End()
	case Array:
		b.BeginArray()
		EachElem(v, func(_ int, e Value) bool { rebuild(b, e); return true })
		b.End()
	case Numeric:
		b.Number(Number(v))
	case String:
		b.String(string(StringBytes(v)))
	case Null:
		b.Null()
	default:
		b.Bool(v.Kind() == True)
	}
}

// TestWide: containers past each offset width are navigable.
func TestWide(t *testing.T) {
	for _, size := range []int{1, 40, 250, 251, 9000, 70000} {
		var b Builder
		b.BeginObject()
		for i := range 7 {
			b.Key(fmt.Sprintf("key%d", i))
			b.BeginArray()
			b.String(strings.Repeat("x", size))
			b.Int64(int64(i))
			b.End()
		}
		b.End()
		v := b.Bytes()
		if !Valid(v) {
			t.Fatalf("%d: not valid", size)
		}
		for i := range 7 {
			e, ok := GetPath(v, []string{fmt.Sprintf("key%d", i), "-1"})
			if n, isInt := Int64(e); !ok || !isInt || n != int64(i) {
				t.Errorf("%d: element %d is %d", size, i, n)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	var b Builder
	for _, c := range []struct {
		add  func()
		want string
	}{
		{func() { b.Float64(1.5) }, "1.5"},
		{func() { b.Float64(-3) }, "-3"},
		{func() { b.Float64(1e300) }, "1" + strings.Repeat("0", 300)},
		{func() { b.Float64(math.NaN()) }, `"NaN"`},
		{func() { b.Float64(math.Inf(-1)) }, `"-Infinity"`},
		{func() { b.Number(decimal.New(150, 2)) }, "1.50"},
		{func() { b.Int64(math.MinInt64) }, "-9223372036854775808"},
	} {
		b.Reset()
		c.add()
		if got := string(AppendText(nil, b.Bytes())); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if f, ok := Float64(parse(t, "12.25")); !ok || f != 12.25 {
		t.Errorf("Float64 %v %v", f, ok)
	}
	// A short text must not become a large value.
	if v := parse(t, "12345678901234567890123e131000"); len(v) > 40 {
		t.Errorf("%d bytes for a short number", len(v))
	}
}

func TestCanonical(t *testing.T) {
	v := parse(t, `{"aa":1.50, "b":[1e2, "\u00e9/\u0001"], "":{}}`)
	want := `{"":{},"aa":1.50,"b":[100,"é/\u0001"]}`
	if got := string(AppendCanonical(nil, v)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDepth(t *testing.T) {
	for open, end := range map[string]string{"[": "]", `{"a":`: "}"} {
		ok := strings.Repeat(open, MaxDepth-1) + "[]" + strings.Repeat(end, MaxDepth-1)
		parse(t, ok)
		_, err := Parse(nil, []byte("["+ok+"]"))
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeTooDeep {
			t.Errorf("%d levels: %v", MaxDepth+1, err)
		}
	}
	if _, err := Parse(nil, []byte(strings.Repeat("[", 1<<20))); err == nil {
		t.Error("a million levels pass")
	}
}

func TestUTF8(t *testing.T) {
	for _, pad := range []string{"", "abc", "abcdefghijk", `\n`} {
		for _, bad := range []string{"\xff", "\xc3", "\xe2\x28\xa1", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"} {
			for _, shape := range []string{`"%s"`, `{"%s":1}`, `["%s`} {
				_, err := Parse(nil, []byte(fmt.Sprintf(shape, pad+bad)))
				var e *Error
				if !errors.As(err, &e) || e.Code != CodeNotInRepertoire {
					t.Errorf("%q after %q: %v", bad, pad, err)
				}
			}
		}
	}
	_, err := Parse(nil, []byte("[\"\xe2\x28\xa1\"]"))
	if want := `invalid byte sequence for encoding "UTF8": 0xe2 0x28 0xa1`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestScanner(t *testing.T) {
	const text = ` {"a" : [1, {"x":"\u00e9"}], "b":-1.50e1 ,"c":{"d":null},"e":"plain","f":99999999999999999999} `
	var s Scanner
	s.Reset([]byte(text))
	var got []string
	for {
		tok, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if tok == TokEOF {
			break
		}
		switch {
		case tok == TokKey && string(s.Bytes()) == "a":
			raw, err := s.Skip()
			got = append(got, fmt.Sprintf("a=%s %v", raw, err))
		case tok == TokBeginObject && s.Depth() > 1:
			raw, err := s.Skip()
			got = append(got, fmt.Sprintf("%s %v", raw, err))
		case tok == TokNumber:
			n := s.Num()
			got = append(got, fmt.Sprintf("%s %d %d %v", n.Raw, n.Mantissa, n.Scale, n.Exact))
		case tok == TokKey, tok == TokString:
			got = append(got, fmt.Sprintf("%s@%d", s.Bytes(), s.Offset()))
		}
	}
	want := []string{
		`a=[1, {"x":"\u00e9"}] <nil>`, "b@29", "-1.50e1 -150 1 true", "c@42", `{"d":null} <nil>`,
		"e@57", "plain@61", "f@69", "99999999999999999999 0 0 false",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if tok, err := s.Next(); tok != TokEOF || err != nil {
		t.Errorf("after the end: %v %v", tok, err)
	}
	s.Reset([]byte(`[1, x`))
	for range 5 {
		_, err := s.Next()
		if s.err != nil && err != error(s.err) {
			t.Errorf("the error does not stay: %v", err)
		}
	}
	if s.err == nil {
		t.Error("no error")
	}
}

// TestAllocations: taking apart and building allocate nothing once warm.
func TestAllocations(t *testing.T) {
	var p parser
	var out []byte
	n := testing.AllocsPerRun(100, func() {
		p.scan.Reset(event)
		p.build.Reset()
		for {
			tok, err := p.scan.Next()
			if err != nil || tok == TokEOF {
				break
			}
			if err := p.build.Token(&p.scan, tok); err != nil {
				t.Fatal(err)
			}
		}
		out = p.build.AppendTo(out[:0])
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,"\ud83d\ude00"],"b":{"c":null}}`, `"\u0000"`, `[1e131071]`, "\"\xff\"", `{"a":1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(nil, text)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Message == "" || e.Code == CodeInvalidText && e.Detail == "" {
				t.Fatalf("%q: error without words: %#v", text, err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q passes", text)
		}
		out := AppendText(nil, v)
		w, err := Parse(nil, out)
		if err != nil || !bytes.Equal(v, w) || !Valid(v) {
			t.Fatalf("%q prints as %q, which reads as %v", text, out, err)
		}
	})
}

func FuzzValid(f *testing.F) {
	v, _ := Parse(nil, []byte(`{"a":[1,2.50,12345678901234567890],"b":{"c":"x"}}`))
	f.Add([]byte(v))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Valid(b) {
			_ = AppendText(nil, b)
			_ = AppendKey(nil, b)
			_ = Compare(b, Value{tagNull})
			_, _ = Get(b, "a")
		}
	})
}

var event = []byte(`{"order_id":"ord-1029384756","customer":{"id":88123,"email":"someone@example.com","tier":"gold"},` +
	`"items":[{"sku":"SKU-10023","qty":2,"price":19.99},{"sku":"SKU-55012","qty":1,"price":149.50}],"currency":"EUR",` +
	`"total":189.48,"paid":true,"coupon":null,"note":"please leave the parcel with the neighbour at number 12, thanks",` +
	`"placed_at":"2024-03-01T12:34:56.789Z"}`)

func BenchmarkScan(b *testing.B) {
	var s Scanner
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		s.Reset(event)
		for {
			if tok, err := s.Next(); err != nil || tok == TokEOF {
				break
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(event)))
	var dst []byte
	for b.Loop() {
		dst, _ = Parse(dst[:0], event)
	}
}

func BenchmarkAppendText(b *testing.B) {
	v, _ := Parse(nil, event)
	b.SetBytes(int64(len(event)))
	var dst []byte
	for b.Loop() {
		dst = AppendText(dst[:0], v)
	}
}

func BenchmarkGet(b *testing.B) {
	v, _ := Parse(nil, event)
	for b.Loop() {
		_, _ = Get(v, "currency")
	}
}

func BenchmarkLongNumber(b *testing.B) {
	for _, text := range []string{"1e131071", strings.Repeat("7", 131072)} {
		b.Run(fmt.Sprint(len(text)), func(b *testing.B) {
			for b.Loop() {
				_, _ = Parse(nil, []byte(text))
			}
		})
	}
}
