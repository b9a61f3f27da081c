package funcs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
)

// described is a row of testdata/postgres15.tsv: pg_proc and pg_operator of PostgreSQL 15.
type described struct{ kind, name, args, ret, volatile, strict, set string }

func postgres(t *testing.T) map[string]described {
	t.Helper()
	src, err := os.ReadFile("testdata/postgres15.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]described{}
	for _, line := range strings.Split(strings.TrimRight(string(src), "\n"), "\n") {
		f := strings.Split(line, "\t")
		kind := "f"
		if f[1] == "o" {
			kind = "o"
		}
		out[kind+f[0]] = described{f[1], f[2], f[3], f[4], f[5], f[6], f[7]}
	}
	return out
}

func oids(args []datum.OID) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(args), ",", ""), "[]")
}

// TestAgainstPostgres compares every row that has an OID of PostgreSQL's with what PostgreSQL 15 has under it.
func TestAgainstPostgres(t *testing.T) {
	pg := postgres(t)
	for i := range Scalars() {
		f := &Scalars()[i]
		if f.OID >= ownOIDs {
			continue
		}
		d, ok := pg[fmt.Sprint("f", f.OID)]
		got := described{"f", f.Name, oids(f.Args), fmt.Sprint(f.Ret), string(rune(f.Volatile)), letter(f.Strict), letter(f.RetSet)}
		if !ok {
			t.Errorf("%s(%s): PostgreSQL has no function %d", f.Name, oids(f.Args), f.OID)
		} else if f.Variadic && f.Args[len(f.Args)-1] != datum.Any {
			got.args = d.args
		}
		if len(f.Args) == 0 {
			got.strict = d.strict // means nothing without arguments
		}
		switch f.Name {
		case "set_config":
			got.strict = d.strict // a null there asks for the default, which the body does not do
		case "pg_is_in_recovery", "length":
			got.volatile = d.volatile // here it never changes, and there is one encoding
		}
		if ok && got != d {
			t.Errorf("%d: got %v, want %v", f.OID, got, d)
		}
	}
	for i := range Operators() {
		f := &Operators()[i]
		if f.OID >= ownOIDs {
			continue
		}
		d := pg[fmt.Sprint("o", f.OID)]
		if got := (described{kind: "o", name: f.Name, args: oids(f.Args), ret: fmt.Sprint(f.Ret)}); got != d {
			t.Errorf("operator %d: got %v, want %v", f.OID, got, d)
		}
	}
	for _, w := range Windows() {
		if got := (described{"w", w.Name, oids(w.Args), fmt.Sprint(w.Ret), "i", letter(len(w.Args) > 0), "f"}); got != pg[fmt.Sprint("f", w.OID)] {
			t.Errorf("window function %d: got %v, want %v", w.OID, got, pg[fmt.Sprint("f", w.OID)])
		}
	}
	for i := range Aggregates() {
		a := &Aggregates()[i]
		d := pg[fmt.Sprint("f", a.OID)]
		if a.OID < ownOIDs && (d.kind != "a" || d.name != a.Name || d.args != oids(a.Args) || d.ret != fmt.Sprint(a.Ret)) {
			t.Errorf("aggregate %d: got %s(%s) %d, want %v", a.OID, a.Name, oids(a.Args), a.Ret, d)
		}
	}
}

func letter(b bool) string {
	if b {
		return "t"
	}
	return "f"
}

// TestRows holds the tables to what their readers rely on.
func TestRows(t *testing.T) {
	seen := map[datum.OID]string{}
	names := map[string]bool{}
	check := func(f *Func, operator bool) {
		bodies := 0
		for _, has := range []bool{f.Body != nil, f.BodyTyped != nil, f.SetBody != nil, f.SetTyped != nil, f.Query != ""} {
			if has {
				bodies++
			}
		}
		sig := fmt.Sprintf("%s(%s)", f.Name, oids(f.Args))
		if bodies != 1 {
			t.Errorf("%s has %d bodies", sig, bodies)
		}
		if f.RetSet != (f.SetBody != nil || f.SetTyped != nil || f.Query != "") {
			t.Errorf("%s: RetSet and its body disagree", sig)
		}
		if datum.Lookup(f.Ret) == nil || f.Doc == "" {
			t.Errorf("%s: no result type or no doc", sig)
		}
		for _, a := range f.Args {
			if datum.Lookup(a) == nil {
				t.Errorf("%s: unknown argument type %d", sig, a)
			}
		}
		if operator {
			sig = "operator " + sig
		} else if other, dup := seen[f.OID]; dup {
			t.Errorf("%s and %s both have OID %d", sig, other, f.OID)
		} else {
			seen[f.OID] = sig
		}
		if names[sig] {
			t.Errorf("%s is there twice", sig)
		}
		names[sig] = true
	}
	for i := range Scalars() {
		check(&Scalars()[i], false)
	}
	for i := range Operators() {
		check(&Operators()[i], true)
	}
}

// TestCastContexts compares the conversions with pg_cast.
func TestCastContexts(t *testing.T) {
	src, err := os.ReadFile("testdata/postgres15_casts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, line := range strings.Split(strings.TrimRight(string(src), "\n"), "\n") {
		k, ctx, _ := strings.Cut(line, "\t")
		want[k] = ctx
	}
	for i := range Casts() {
		c := &Casts()[i]
		if w := want[fmt.Sprint(c.From, " ", c.To)]; c.From != c.To && w != string(rune(c.Context)) {
			t.Errorf("cast %s to %s: context %c, want %s", datum.FormatType(datum.T(c.From)), datum.FormatType(datum.T(c.To)), c.Context, w)
		}
	}
}
