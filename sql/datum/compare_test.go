package datum

import (
	"bytes"
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

// TestKeys compares the values of each type in testdata/values.tsv with each other: the keys for sorting are in the order of
// Compare, those for hashing are equal where it finds no difference, and no key begins another.
func TestKeys(t *testing.T) {
	src, err := os.ReadFile("testdata/values.tsv")
	if err != nil {
		t.Fatal(err)
	}
	values := map[Type][]*vec.Column{}
	for line := range strings.Lines(string(src)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		typ := T(typeOf(t, f[0]).OID)
		b := NewBuilder(typ, 1)
		if f[2] == "ok" && typ.OID != JSON && ParseText(typ, []byte(f[1]), b, nil) == nil {
			values[typ] = append(values[typ], b.Finish())
		}
	}
	for typ, list := range values {
		for _, a := range list {
			for _, b := range list {
				want := Compare(typ, a, 0, b, 0)
				ka, kb := AppendSortKey(nil, typ, a, 0), AppendSortKey(nil, typ, b, 0)
				if got := bytes.Compare(ka, kb); got != cmp.Compare(want, 0) || got != 0 && bytes.HasPrefix(kb, ka) {
					t.Errorf("%s: the keys of %s and %s compare as %d, the values as %d", FormatType(typ),
						AppendText(nil, typ, a, 0, nil), AppendText(nil, typ, b, 0, nil), got, want)
				}
				if same := bytes.Equal(AppendHashKey(nil, typ, a, 0), AppendHashKey(nil, typ, b, 0)); same != (want == 0) {
					t.Errorf("%s: the hash keys of %s and %s are equal: %v", FormatType(typ),
						AppendText(nil, typ, a, 0, nil), AppendText(nil, typ, b, 0, nil), same)
				}
			}
		}
	}
}
