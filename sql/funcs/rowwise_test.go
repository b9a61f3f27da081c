package funcs

import (
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

func words(s ...string) *vec.Column {
	b := vec.NewBuilder(vec.Bytes, len(s))
	for _, w := range s {
		if w == "" {
			b.AppendNull()
		} else {
			b.AppendString(w)
		}
	}
	return b.Finish()
}

// TestPerEntry runs a body that counts its calls and fails on "bad" over flat, constant and dictionary-coded arguments.
func TestPerEntry(t *testing.T) {
	calls := 0
	body := rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		calls++
		if string(a[0].Bytes(i)) == "bad" {
			return pgerr.New(pgerr.InvalidParameterValue, "bad")
		}
		b.AppendString(strings.ToUpper(string(a[0].Bytes(i))))
		return nil
	})
	masked := vec.NewBitmap(5)
	masked.SetAll(5)
	masked.Clear(3)
	for _, r := range []struct {
		name  string
		col   *vec.Column
		want  string
		calls int
	}{
		{"flat", words("a", "", "b"), "A - B", 2},
		{"constant", vec.Repeat(words("a"), 0, 4), "A A A A", 1},
		{"null constant", vec.Repeat(words(""), 0, 3), "- - -", 0},
		{"dictionary", &vec.Column{Kind: vec.Bytes, Len: 5, Codes: []int32{0, 1, 0, 1, 1}, Dict: words("a", "b")}, "A B A B B", 2},
		{"dictionary with nulls", &vec.Column{Kind: vec.Bytes, Len: 5, Valid: masked, Codes: []int32{0, 1, 2, 1, 1}, Dict: words("a", "b", "")}, "A B - - B", 2},
		{"one entry with nulls", &vec.Column{Kind: vec.Bytes, Len: 5, Valid: masked, Codes: make([]int32, 5), Dict: words("a")}, "A A A - A", 1},
		{"entry without rows fails", &vec.Column{Kind: vec.Bytes, Len: 3, Codes: []int32{0, 0, 0}, Dict: words("a", "bad")}, "A A A", 5},
	} {
		calls = 0
		got, err := body(nil, []*vec.Column{r.col}, r.col.Len)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		var out []string
		for i := range got.Len {
			if got.Null(i) {
				out = append(out, "-")
			} else {
				out = append(out, string(got.Bytes(i)))
			}
		}
		if s := strings.Join(out, " "); s != r.want || calls != r.calls {
			t.Errorf("%s: got %s with %d calls, want %s with %d", r.name, s, calls, r.want, r.calls)
		}
	}
	bad := &vec.Column{Kind: vec.Bytes, Len: 3, Codes: []int32{0, 1, 0}, Dict: words("a", "bad")}
	if _, err := body(nil, []*vec.Column{bad}, 3); !pgerr.Is(err, pgerr.InvalidParameterValue) {
		t.Errorf("a failing row gave %v", err)
	}
}
