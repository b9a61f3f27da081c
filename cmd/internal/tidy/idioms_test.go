package tidy

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exempt are the places that a banned idiom may stand, each with its reason.
var exempt = []exception{
	{"panic", "sql/syntax/*", "a recursive descent gives up from any depth with one value of one type, and every entry point catches it"},
	{"init", "sql/syntax/parse_stmt.go", "the table of statements names rules that look into the table: Go allows that circle only here"},
	{"context in a struct", "engine/running.go", "running is itself a context, derived from the connection's"},
	{"context in a struct", "sql/funcs/func.go", "Ctx is itself the first parameter: it lives as long as the call of one batch"},
}

// idiom is something that is not written here: how to recognise it in a node of the syntax tree, and what to write.
type idiom struct {
	name    string
	instead string
	rooms   []string // where it is fine
	found   func(n ast.Node) bool
}

var idioms = []idiom{
	{"panic", "return an error; a broken invariant is asserted in a build with the invariants tag", nil,
		func(n ast.Node) bool { return callsBuiltin(n, "panic") }},
	{"fmt.Print", "log/slog, or a writer that was handed in", []string{"cmd", "bench"},
		func(n ast.Node) bool { return calls(n, "fmt", "Print", "Printf", "Println") }},
	{"println", "log/slog", nil,
		func(n ast.Node) bool { return callsBuiltin(n, "println") || callsBuiltin(n, "print") }},
	{"os.Exit", "return an error to the program", []string{"cmd", "bench"},
		func(n ast.Node) bool { return calls(n, "os", "Exit") }},
	{"time.Sleep", "a timer in a select with ctx.Done()", nil,
		func(n ast.Node) bool { return calls(n, "time", "Sleep") }},
	{"init", "a table, or a constructor that the caller sees", nil, isInit},
	{"context in a struct", "a first parameter", nil, storesContext},
	{"interface{}", "any", nil,
		func(n ast.Node) bool {
			i, ok := n.(*ast.InterfaceType)
			return ok && i.Methods.NumFields() == 0
		}},
	{"import log", "log/slog", nil, func(n ast.Node) bool { return imports(n, "log") }},
	{"import math/rand", "math/rand/v2 with a seed that is printed", nil, func(n ast.Node) bool { return imports(n, "math/rand") }},
	{"import io/ioutil", "io and os", nil, func(n ast.Node) bool { return imports(n, "io/ioutil") }},
	{"import github.com/pkg/errors", "errors and fmt.Errorf with %w", nil,
		func(n ast.Node) bool { return imports(n, "github.com/pkg/errors") }},
}

func calls(n ast.Node, pkg string, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok || x.Name != pkg {
		return false
	}
	for _, name := range names {
		if sel.Sel.Name == name {
			return true
		}
	}
	return false
}

func callsBuiltin(n ast.Node, name string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.Ident)
	return ok && f.Name == name && f.Obj == nil
}

func isInit(n ast.Node) bool {
	f, ok := n.(*ast.FuncDecl)
	return ok && f.Recv == nil && f.Name.Name == "init"
}

func storesContext(n ast.Node) bool {
	s, ok := n.(*ast.StructType)
	if !ok {
		return false
	}
	for _, f := range s.Fields.List {
		if sel, ok := f.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Context" {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "context" {
				return true
			}
		}
	}
	return false
}

func imports(n ast.Node, path string) bool {
	spec, ok := n.(*ast.ImportSpec)
	return ok && spec.Path.Value == `"`+path+`"`
}

func TestIdioms(t *testing.T) {
	tr := repository(t)
	ok := allow(exempt)
	tr.product(func(g *goFile) {
		ast.Inspect(g.ast, func(n ast.Node) bool {
			if n == nil {
				return false
			}
			for _, i := range idioms {
				if !i.found(n) || anyUnder(g.dir, i.rooms) || under(filepath.Base(g.dir), "invariants") {
					continue
				}
				if !ok.has(i.name, g.path) {
					t.Errorf("%s: %s; here one writes %s", tr.fset.Position(n.Pos()), i.name, i.instead)
				}
			}
			return true
		})
	})
	ok.finish(t)
}

// A package is named for what it holds.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared"}

func TestPackageNames(t *testing.T) {
	tr := repository(t)
	tr.product(func(g *goFile) {
		for _, bad := range emptyNames {
			if g.ast.Name.Name == bad {
				t.Errorf("%s: a package called %q holds anything; name it for the noun it holds", g.path, bad)
			}
		}
	})
}

// words are texts that stand in no file. The patterns are put together so that this file does not hold them.
var words = []struct{ pattern, instead string }{
	{`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`, "do it, or say what holds and why in the folder's DESIGN.md"},
	{`(?i)\bissue\s+#|\bissue\s+\d`, "say the reason itself; numbers of a tracker tell a reader nothing"},
	{`(?i)npm` + `js\.org|proxy\.go` + `lang|sum\.go` + `lang|deb` + `ian\.org|docker\.` + `io|py` + `pi\.org|quay\.` + `io`,
		"the package's name: which registry serves it is the machine's business"},
	{`(^|[\s"'(=` + "`" + `])/(home|Users|root|work)/[a-z]`, "a flag, an environment variable or a temporary folder: paths of one machine are on no other"},
}

func TestWords(t *testing.T) {
	tr := repository(t)
	var bans []*regexp.Regexp
	for _, w := range words {
		bans = append(bans, regexp.MustCompile(w.pattern))
	}
	for _, path := range tr.texts {
		src, err := os.ReadFile(filepath.Join(tr.root, path))
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(src), "\n") {
			for i, ban := range bans {
				if found := ban.FindString(line); found != "" {
					t.Errorf("%s:%d: %q; instead: %s", path, n+1, found, words[i].instead)
				}
			}
		}
	}
}
