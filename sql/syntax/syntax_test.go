package syntax

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// corpus reads the statements of testdata/corpus.sql, between lines of dashes.
func corpus(tb testing.TB, file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for s := range strings.SplitSeq(string(b), "\n----\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// strip sets every position in a tree to zero.
func strip(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			strip(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			strip(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == atType {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			strip(v.Field(i))
		}
	}
}

func tree(tb testing.TB, sql string) []Statement {
	stmts, err := Parse(sql)
	if err != nil {
		tb.Fatalf("%v in %s", err, sql)
	}
	for i := range stmts {
		stmts[i].Text, stmts[i].Offset = "", 0
		strip(reflect.ValueOf(&stmts[i]))
	}
	return stmts
}

// roundTrip prints sql's trees, reads them again and compares.
func roundTrip(tb testing.TB, sql string) {
	stmts, err := Parse(sql)
	if err != nil {
		return
	}
	for _, s := range stmts {
		printed := Format(s.Stmt)
		again, err := Parse(printed)
		if err != nil {
			tb.Errorf("%v\n  source:  %s\n  printed: %s", err, s.Text, printed)
			continue
		}
		if len(again) != 1 {
			tb.Errorf("%d statements of one\n  source:  %s\n  printed: %s", len(again), s.Text, printed)
			continue
		}
		if _, ok := s.Stmt.(*Unsupported); ok {
			continue
		}
		if twice := Format(again[0].Stmt); twice != printed {
			tb.Errorf("not stable\n  source:  %s\n  printed: %s\n  again:   %s", s.Text, printed, twice)
			continue
		}
		if a, b := tree(tb, s.Text), tree(tb, printed); !reflect.DeepEqual(a, b) {
			tb.Errorf("another tree\n  source:  %s\n  printed: %s", s.Text, printed)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, file := range []string{"testdata/corpus.sql", "testdata/time.sql"} {
		for _, sql := range corpus(t, file) {
			if _, err := Parse(sql); err != nil && file == "testdata/time.sql" {
				t.Errorf("%v in %s", err, sql) // what PostgreSQL does not have must be understood here
			}
			roundTrip(t, sql)
		}
	}
}

// TestWalk counts: every node that has a position is visited once.
func TestWalk(t *testing.T) {
	for _, sql := range corpus(t, "testdata/corpus.sql") {
		stmts, err := Parse(sql)
		if err != nil {
			continue
		}
		for _, s := range stmts {
			seen := map[Node]bool{}
			Walk(s.Stmt, func(n Node) bool {
				if seen[n] {
					t.Errorf("%T visited twice in %s", n, sql)
				}
				seen[n] = true
				return true
			})
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/corpus.sql", "testdata/time.sql"} {
		for _, sql := range corpus(f, file) {
			f.Add(sql)
		}
	}
	f.Fuzz(func(t *testing.T, sql string) { roundTrip(t, sql) })
}
