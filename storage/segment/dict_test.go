package segment

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestDictIsMap numbers texts as a map does, both ways, while some are taken back.
func TestDictIsMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d dict
		d.reset(0)
		codes, texts := map[string]uint32{}, []string{}
		// Few bytes, of all lengths around those that two words of eight bytes hold: many differ in one place only.
		some := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
			s := bytes.Repeat([]byte{'a'}, rapid.IntRange(0, 18).Draw(t, "size"))
			if len(s) > 0 {
				s[rapid.IntRange(0, len(s)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("ab\x00")).Draw(t, "byte")
			}
			return s
		}), 1, 200).Draw(t, "texts")
		for _, s := range some {
			if rapid.IntRange(0, 7).Draw(t, "cut") == 0 {
				n := rapid.IntRange(0, d.len()).Draw(t, "keep")
				d.truncate(n)
				for _, gone := range texts[n:] {
					delete(codes, gone)
				}
				texts = texts[:n]
			}
			want, ok := codes[string(s)]
			if !ok {
				want = uint32(len(texts))
				codes[string(s)], texts = want, append(texts, string(s))
			}
			got := d.add
			if rapid.Bool().Draw(t, "recent") {
				got = d.addRecent
			}
			if c := got(s); c != want || string(d.at(int(c))) != string(s) {
				t.Fatalf("%q has code %d, not %d", s, c, want)
			}
		}
	})
}
