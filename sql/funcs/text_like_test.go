package funcs

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

// TestLikeAtOnce compares the search for one pattern in many texts with matching text by text.
func TestLikeAtOnce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	word := func(letters string, n int) string {
		var s strings.Builder
		for range rnd.IntN(n + 1) {
			r := []rune(letters)
			s.WriteRune(r[rnd.IntN(len(r))])
		}
		return s.String()
	}
	for range 3000 {
		pattern := word("aab%_ö", 7)
		switch rnd.IntN(4) {
		case 0:
			pattern = "%" + word("abö", 4)
		case 1:
			pattern = word("ab", 2) + "%" + word("ab", 3) + `\_` + word("a%", 3)
		}
		n := 1 + rnd.IntN(70)
		b, p := vec.NewBuilder(vec.Bytes, n), vec.NewBuilder(vec.Bytes, 1)
		for range n {
			if rnd.IntN(9) == 0 {
				b.AppendNull()
			} else {
				b.AppendString(word("aabö_", 9))
			}
		}
		p.AppendString(pattern)
		texts := b.Finish()
		args := []*vec.Column{texts, vec.Repeat(p.Finish(), 0, n)}
		for _, not := range []bool{false, true} {
			for _, bytea := range []bool{false, true} {
				got, err := likeBody(not, false, bytea)(nil, args, n)
				want, err2 := likeRows(not, false, bytea)(nil, args, n)
				if err != nil || err2 != nil {
					t.Fatal(pattern, err, err2)
				}
				for i := range n {
					if got.Null(i) != want.Null(i) || !want.Null(i) && got.Bool(i) != want.Bool(i) {
						t.Fatalf("%q like %q, not %v: %v", texts.Bytes(i), pattern, not, got.Bool(i))
					}
				}
			}
		}
	}
}
