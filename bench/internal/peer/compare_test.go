package peer

import "testing"

func TestValuesAreEqualAcrossDialects(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1.5", "1.50", true},
		{"0.1", "0.10000000000000001", true},
		{"1", "1.000001", false},
		{"2026-01-01 00:00:00+00", "2026-01-01 00:00:00.000000", true},
		{"2026-01-01 00:00:00+00", "2026-01-01 01:00:00", false},
		{`{"a": 1.50, "b": null}`, `{"a":1.5}`, true},
		{`{"a": 1}`, `{"a":1,"b":2}`, false},
		{`{"a": [1]}`, `{"a":[1,2]}`, false},
		{"true", "t", false},
	} {
		if got := equal([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s and %s: equal is %t", c.a, c.b, got)
		}
	}
	if equal(nil, []byte("")) || !equal(nil, nil) {
		t.Error("NULL equals NULL alone")
	}
}

func TestAnswersDifferWhereTheyDo(t *testing.T) {
	row := func(cells ...string) (out [][]byte) {
		for _, c := range cells {
			out = append(out, []byte(c))
		}
		return out
	}
	a := Answer{Rows: [][][]byte{row("x", "1"), row("y", "2")}}
	b := Answer{Rows: [][][]byte{row("x", "1"), row("y", "3")}}
	if got := Differ(a, b); got != "row 2, column 2: 2 and 3" {
		t.Error(got)
	}
	if got := Differ(a, a); got != "" {
		t.Error(got)
	}
}
