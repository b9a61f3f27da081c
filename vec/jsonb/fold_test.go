package jsonb

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// document is mostly an object, as payloads are.
func document(t *rapid.T, label string) Value {
	if rapid.IntRange(0, 9).Draw(t, label+"?") == 0 {
		return parse(t, anyText(t, 2, label))
	}
	var fields []string
	for i := range rapid.IntRange(0, 5).Draw(t, label+" fields") {
		key := rapid.SampledFrom([]string{"a", "b", "c", "long key", "nested"}).Draw(t, "key")
		fields = append(fields, fmt.Sprintf("%q: %s", key, anyText(t, 2, fmt.Sprint(label, i))))
	}
	return parse(t, "{"+strings.Join(fields, ",")+"}")
}

// deeper is the deep merge by its definition.
func deeper(a, b Value) Value {
	if a.Kind() != Object || b.Kind() != Object {
		return b
	}
	out := a
	EachField(b, func(key []byte, val Value) bool {
		if old, ok := GetBytes(a, key); ok {
			val = deeper(old, val)
		}
		var w Builder
		w.BeginObject()
		w.field(key, val)
		w.End()
		out = Concat(nil, out, w.Bytes())
		return true
	})
	return out
}

func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deep := rapid.Bool().Draw(t, "deep")
		f, first, second := Fold{Deep: deep}, Fold{Deep: deep}, Fold{Deep: deep}
		var want Value
		n := rapid.IntRange(1, 60).Draw(t, "n")
		cut := rapid.IntRange(0, n).Draw(t, "cut")
		for i := range n {
			v := document(t, fmt.Sprint("v", i))
			switch {
			case want == nil:
				want = v
			case deep:
				want = deeper(want, v)
			default:
				want = Concat(nil, want, v)
			}
			f.Add(v)
			if i < cut {
				first.Add(v)
			} else {
				second.Keep(v)
			}
			if rapid.IntRange(0, 9).Draw(t, "look") == 0 && !bytes.Equal(f.Value(), want) {
				t.Fatalf("after %d values %s, want %s", i+1, AppendText(nil, f.Value()), AppendText(nil, want))
			}
		}
		second.Each(first.Add)
		for _, got := range []Value{f.Value(), first.Value()} {
			if !bytes.Equal(got, want) {
				t.Fatalf("got %s, want %s", AppendText(nil, got), AppendText(nil, want))
			}
		}
	})
}

// TestFoldKeepsWhatItGave: a value that was given does not change when more is added.
func TestFoldKeepsWhatItGave(t *testing.T) {
	var f Fold
	f.Add(parse(t, `{"a": 1}`))
	before := f.Value()
	for i := range 200 {
		f.Add(parse(t, fmt.Sprintf(`{"a": %d, "b": %q}`, i, strings.Repeat("x", i))))
	}
	if got := string(AppendText(nil, before)); got != `{"a": 1}` {
		t.Fatalf("became %s", got)
	}
}

func TestChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := document(t, "a"), document(t, "b")
		got := a
		for _, c := range Changes(a, b) {
			old, ok := GetPath(a, c.Path)
			if ok != (c.Old != nil) || ok && !bytes.Equal(old, c.Old) {
				t.Fatalf("at %q was %s, not %s", c.Path, old, c.Old)
			}
			var err error
			switch {
			case len(c.Path) == 0:
				got = c.New
			case c.New == nil:
				got, err = DeletePath(nil, got, c.Path)
			default:
				got, err = SetPath(nil, got, c.Path, c.New, true)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !Equal(got, b) {
			t.Fatalf("from %s to %s the changes give %s", AppendText(nil, a), AppendText(nil, b), AppendText(nil, got))
		}
	})
}
