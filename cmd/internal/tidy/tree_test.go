package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/allsource-db/allsource"

// goFile is one parsed source file; its path is relative to the repository's root, with slashes.
type goFile struct {
	path      string
	dir       string
	test      bool
	generated bool
	outside   bool // it belongs to a module of its own
	lines     int
	src       []byte
	ast       *ast.File
}

// tree is the repository as the rules see it, read once.
type tree struct {
	root  string
	fset  *token.FileSet
	files []*goFile // every Go file, test data apart
	texts []string  // every file that people write
}

var generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

var load = sync.OnceValues(func() (*tree, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // someone else's temporary file
			}
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator)))
		if d.IsDir() {
			if skippedFolder(rel, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		return t.add(rel)
	})
	return t, err
})

func skippedFolder(rel, name string) bool {
	switch name {
	case ".git", "node_modules", "testdata":
		return true
	}
	return rel == "bench/data" || rel == "allsource-data"
}

func (t *tree) add(rel string) error {
	if isText(rel) {
		t.texts = append(t.texts, rel)
	}
	if !strings.HasSuffix(rel, ".go") {
		return nil
	}
	src, err := os.ReadFile(filepath.Join(t.root, rel))
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, rel, src, parser.ParseComments)
	if err != nil {
		return err
	}
	dir := dirOf(rel)
	t.files = append(t.files, &goFile{
		path:      rel,
		dir:       dir,
		test:      strings.HasSuffix(rel, "_test.go"),
		generated: generatedLine.Match(src),
		outside:   strings.HasPrefix(rel, "_") || strings.Contains(rel, "/_"),
		lines:     strings.Count(string(src), "\n"),
		src:       src,
		ast:       parsed,
	})
	return nil
}

func dirOf(rel string) string {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i]
	}
	return "."
}

// isText tells the files that people write and read from data and binaries.
func isText(rel string) bool {
	switch filepath.Ext(rel) {
	case ".go", ".s", ".md", ".mjs", ".js", ".json", ".sh", ".sql", ".yml", ".yaml", ".service", ".html", ".css", ".mod", ".npmrc":
		return true
	}
	base := filepath.Base(rel)
	return base == "Makefile" || base == "Dockerfile" || rel == ".ci/run"
}

func repository(t *testing.T) *tree {
	t.Helper()
	tr, err := load()
	if err != nil {
		t.Fatalf("reading the repository: %v", err)
	}
	return tr
}

// product calls f for every file of the product: no tests, no generated code, no module of its own.
func (t *tree) product(f func(*goFile)) {
	for _, g := range t.files {
		if !g.test && !g.generated && !g.outside {
			f(g)
		}
	}
}

// packages lists the folders of the main module that hold a package with more than tests.
func (t *tree) packages() []string {
	seen := map[string]bool{}
	for _, g := range t.files {
		if !g.test && !g.outside {
			seen[g.dir] = true
		}
	}
	dirs := make([]string, 0, len(seen))
	for d := range seen {
		dirs = append(dirs, d)
	}
	sort.Strings(dirs)
	return dirs
}

// under says whether a package lies in a room: at it or below it.
func under(pkg, room string) bool {
	return pkg == room || strings.HasPrefix(pkg, room+"/")
}

// matches says whether a table's row names a package: itself, or everything below where the row ends in /*.
func matches(row, pkg string) bool {
	if room, ok := strings.CutSuffix(row, "/*"); ok {
		return strings.HasPrefix(pkg, room+"/")
	}
	return row == pkg
}

// exception is a place (a file, or a folder and what is below it, written folder/*) where a rule does not hold, and why. One that is no longer needed fails, so the list only tells
// what is true.
type exception struct {
	rule, where, why string
}

// allowed keeps account of the exceptions that were used.
type allowed struct {
	rows []exception
	used map[int]bool
}

func allow(rows []exception) *allowed {
	return &allowed{rows: rows, used: map[int]bool{}}
}

func (a *allowed) has(rule, where string) bool {
	for i, r := range a.rows {
		if r.rule == rule && (r.where == where || matches(r.where, where)) {
			a.used[i] = true
			return true
		}
	}
	return false
}

func (a *allowed) finish(t *testing.T) {
	t.Helper()
	for i, r := range a.rows {
		if r.why == "" {
			t.Errorf("the exception %s %s has no reason", r.rule, r.where)
		}
		if !a.used[i] {
			t.Errorf("the exception %s %s is no longer needed: take it out of the table", r.rule, r.where)
		}
	}
}
