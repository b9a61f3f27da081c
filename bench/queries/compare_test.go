package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

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
	a := peer.Answer{Rows: [][][]byte{row("x", "1"), row("y", "2")}}
	b := peer.Answer{Rows: [][][]byte{row("x", "1"), row("y", "3")}}
	if got := differ(a, b); got != "row 2, column 2: 2 and 3" {
		t.Error(got)
	}
	if got := differ(a, a); got != "" {
		t.Error(got)
	}
}

// TestEveryQuestionIsWritten fills in every question for every log and system; what a log lacks is left out, nothing else.
func TestEveryQuestionIsWritten(t *testing.T) {
	for _, p := range profiles {
		for _, q := range questions {
			for _, system := range systems {
				sql, err := q.write(system, p)
				switch {
				case errors.Is(err, errLacks) && p.logs[0] != "shoplog":
				case err != nil:
					t.Errorf("%s of %s for %s: %v", q.name, p.logs[0], system, err)
				case strings.Contains(sql, "''"):
					t.Errorf("%s of %s for %s has an empty place: %s", q.name, p.logs[0], system, sql)
				}
			}
		}
	}
}
