package tidy

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rooms explain themselves: each that holds code has a DESIGN.md with its reasons.
var rooms = []struct{ folder, tells string }{
	{"vec", "columns, kernels, and why they know no types"},
	{"sql", "the way from text to plan"},
	{"storage", "what is on disk, and what a crash leaves"},
	{"engine", "sessions, operators, memory"},
	{"wire", "the front doors"},
	{"cmd", "the programs and the house rules"},
	{"cluster", "more than one machine"},
	{"mcp", "the door for agents"},
	{"console", "the door for people"},
}

func TestRoomsExplainThemselves(t *testing.T) {
	tr := repository(t)
	for _, room := range rooms {
		holds := false
		for _, pkg := range tr.packages() {
			holds = holds || under(pkg, room.folder)
		}
		if !holds {
			continue
		}
		if _, err := os.Stat(filepath.Join(tr.root, room.folder, "DESIGN.md")); err != nil {
			t.Errorf("%s has no DESIGN.md (it tells: %s)", room.folder, room.tells)
		}
	}
}

var (
	quoted   = regexp.MustCompile("`([^`\n]+)`")
	linked   = regexp.MustCompile(`\]\(([^)#: ]+)[)#]`)
	pathLike = regexp.MustCompile(`^\.?[A-Za-z0-9_][A-Za-z0-9_.*-]*(/[A-Za-z0-9_.*-]+)*/?$`)
	rootFile = regexp.MustCompile(`^([A-Z][A-Za-z]*\.md|Makefile|LICENSE|go\.mod)$`)
)

// TestDocumentsTellTheTruth finds every path of the repository that a document puts in backticks and looks for it, from
// the root or from the document's own folder. `sql/datum.Type` is looked for as `sql/datum`. A link starts at the document's folder.
func TestDocumentsTellTheTruth(t *testing.T) {
	tr := repository(t)
	for _, doc := range tr.texts {
		if filepath.Ext(doc) != ".md" {
			continue
		}
		src, err := os.ReadFile(filepath.Join(tr.root, doc))
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for n, line := range strings.Split(string(src), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			if fenced {
				continue
			}
			for _, m := range linked.FindAllStringSubmatch(line, -1) {
				if _, err := os.Stat(filepath.Join(tr.root, dirOf(doc), m[1])); err != nil {
					t.Errorf("%s:%d links to %s, which is not there", doc, n+1, m[1])
				}
			}
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				if !tr.tells(doc, m[1]) {
					t.Errorf("%s:%d names %s, which is not there", doc, n+1, m[1])
				}
			}
		}
	}
}

// tells says whether a quoted text is a path that exists, or no path of ours at all.
func (t *tree) tells(doc, text string) bool {
	if !pathLike.MatchString(text) {
		return true
	}
	name := strings.TrimSuffix(text, "/")
	room, rest, deep := strings.Cut(name, "/")
	if !deep && !rootFile.MatchString(name) {
		return true
	}
	here := dirOf(doc)
	if deep && !t.isFolder(room) && !t.isFolder(here+"/"+room) {
		return true
	}
	if deep && strings.Trim(rest, ".") == "" {
		return true
	}
	for _, candidate := range []string{name, here + "/" + name, withoutSymbol(name), here + "/" + withoutSymbol(name)} {
		if found, err := filepath.Glob(filepath.Join(t.root, candidate)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

func (t *tree) isFolder(rel string) bool {
	info, err := os.Stat(filepath.Join(t.root, rel))
	return err == nil && info.IsDir()
}

// withoutSymbol cuts an exported name off a package's path.
func withoutSymbol(path string) string {
	slash := strings.LastIndexByte(path, '/')
	dot := strings.IndexByte(path[slash+1:], '.')
	if dot < 0 {
		return path
	}
	symbol := path[slash+1+dot+1:]
	if symbol == "" || symbol[0] < 'A' || symbol[0] > 'Z' {
		return path
	}
	return path[:slash+1+dot]
}

func TestFormatted(t *testing.T) {
	for _, g := range repository(t).files {
		want, err := format.Source(g.src)
		if err != nil {
			t.Errorf("%s: %v", g.path, err)
			continue
		}
		if !bytes.Equal(want, g.src) {
			t.Errorf("%s is not formatted: gofmt -w %s", g.path, g.path)
		}
	}
}
