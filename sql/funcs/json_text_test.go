package funcs

import (
	"strings"
	"testing"
)

func TestElements(t *testing.T) {
	for _, r := range []struct{ doc, want string }{
		{`[]`, ``}, {` [ ] `, ``}, {`[1]`, `1`}, {`[1, "a,]" , [2,{"b":3}], null,true , {"x" : [ 1 ]},-1.5e3]`, `1|"a,]"|[2,{"b":3}]|null|true|{"x" : [ 1 ]}|-1.5e3`},
		{`[[[1], [2]], "q"]`, `[[1], [2]]|"q"`},
	} {
		got, err := elements([]byte(r.doc))
		var out []string
		for _, e := range got {
			out = append(out, string(e))
		}
		if s := strings.Join(out, "|"); err != nil || s != r.want {
			t.Errorf("%s: got %s (%v), want %s", r.doc, s, err, r.want)
		}
	}
}
