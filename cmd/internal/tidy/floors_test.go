package tidy

import (
	"strings"
	"testing"
)

// floors is the house: a package imports only packages of lower floors. The first row that names a package counts.
var floors = []struct {
	pkg   string
	floor int
	why   string
}{
	{"vec", 0, "kernels on plain slices, the ground under storage and SQL alike"},
	{"vec/*", 0, "the codecs that storage and SQL both need"},
	{"sql/pgerr", 0, "an error with its SQLSTATE: everything that speaks SQL reports with it"},
	{"storage/hlc", 0, "a clock knows nothing of what it stamps"},
	{"console", 0, "embedded files"},
	{"cluster/gossip", 0, "who is there, not what they own"},
	{"sql/datum", 1, "the table of types: values over vec"},
	{"sql/syntax", 1, "text to tree and back, without knowing what the names mean"},
	{"storage/segment", 1, "a format of bytes over vec"},
	{"storage/tail", 1, "what is not sealed yet, over vec"},
	{"storage/table", 1, "versions of typed rows as bytes, over vec"},
	{"sql/funcs", 2, "the table of functions: kernels under SQL names and types"},
	{"storage", 2, "the store, from its segments, tail and clock"},
	{"sql/expr", 3, "typed expressions that call functions"},
	{"sql/catalog", 3, "the table of relations, typed"},
	{"sql/plan", 4, "nodes that hold expressions and relations"},
	{"sql/bind", 5, "tree to plan: names resolved, once"},
	{"sql/opt", 5, "plan to plan"},
	{"sql/ddl", 6, "definitions to changes of the catalog; it asks the binder"},
	{"sql/deparse", 6, "stored queries and expressions as text; it asks the binder what they mean"},
	{"engine/op", 6, "plan nodes at work; the only SQL floor that moves data"},
	{"engine/lock", 0, "what transactions wait for each other on; it knows names of things only"},
	{"engine/auth", 6, "who may do what, asked between bind and build"},
	{"cluster/shard", 6, "one replicated log"},
	{"engine", 7, "database, session, rows: store and SQL meet here and nowhere else"},
	{"cluster", 7, "many nodes; satisfies what the engine declares"},
	{"wire/pg", 8, "a front door"},
	{"wire/rest", 8, "a front door"},
	{"mcp", 8, "a front door"},
	{"cmd/*", 9, "programs, and the wiring of a node"},
	{"bench/internal/peer", 7, "starts what the measurements talk to"},
	{"bench/internal/figure", 7, "numbers in tables"},
	{"bench/internal/store", 8, "systems with a log in them, from those that were started"},
	{"bench/*", 9, "programs that measure from outside"},
}

// beside are the imports inside one floor.
var beside = []struct{ from, to, why string }{
	{"vec", "vec/decimal", "a numeric column holds decimals"},
	{"vec/jsonb", "vec/decimal", "jsonb keeps a number as it was written, which is a decimal"},
	{"storage/table", "storage/segment", "columns of tables are encoded as those of events"},
	{"cmd/allsource", "cmd/internal/node", "a program is wired from the node beside it"},
}

// harnesses are packages for tests only: they may import what they test, and no product code may import them.
var harnesses = []struct{ pkg, why string }{
	{"storage/crashfs", "a disk whose power is cut"},
	{"engine/op/optest", "runs an operator under all batch sizes, nulls and cancels"},
	{"engine/slt", "reads and plays files of SQL with answers"},
}

// walls are said once more than the floors say them, because the floors alone would let some of these through.
var walls = []struct{ room, never, why string }{
	{"storage", "sql", "the store can be used, tested and replaced without a line of SQL"},
	{"sql", "storage", "SQL is planned against a catalog, not against bytes: it runs on any log"},
	{"sql", "engine", "the language does not know who runs it"},
	{"vec", "sql", "kernels know widths, not types"},
	{"vec", "storage", "kernels know slices, not files"},
	{"engine", "cluster", "the engine declares the log and the peers it needs"},
	{"cluster", "engine", "the cluster satisfies those, the node wires them"},
}

// doors see the room behind them and the words they pass on, nothing deeper.
var doors = []struct {
	room string
	sees []string
	why  string
}{
	{"wire", []string{"engine", "sql/syntax", "sql/datum", "sql/pgerr", "vec", "vec/*"}, "sessions, trees, values and errors; a result's columns are vec's"},
	{"mcp", []string{"engine", "sql/syntax", "sql/datum", "sql/pgerr", "vec", "vec/*"}, "as the wire"},
}

// outsiders are modules of others that only some rooms may know.
var outsiders = []struct {
	path  string
	rooms []string
	why   string
}{
	{"github.com/cockroachdb/pebble", []string{"storage"}, "the store is the storage room's secret"},
	{"github.com/jackc/pgx", []string{"wire/pg", "cmd", "bench"}, "the codec at the wire, the driver in programs"},
	{"github.com/hashicorp/memberlist", []string{"cluster"}, "gossip"},
	{"go.etcd.io/raft", []string{"cluster"}, "replication"},
	{"github.com/peterh/liner", []string{"cmd"}, "a terminal is the shell's"},
	{"github.com/prometheus/client_golang", []string{"wire", "cmd"}, "numbers are published at the door"},
}

func floorOf(pkg string) (int, bool) {
	for _, f := range floors {
		if matches(f.pkg, pkg) {
			return f.floor, true
		}
	}
	return 0, false
}

func isHarness(pkg string) bool {
	for _, h := range harnesses {
		if h.pkg == pkg {
			return true
		}
	}
	return false
}

// eachImport calls f for every import of product code; to is relative to our module and empty for the modules of others.
func eachImport(tr *tree, f func(g *goFile, to, path string)) {
	for _, g := range tr.files {
		if g.test || g.outside {
			continue
		}
		for _, spec := range g.ast.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			to := ""
			if rest, ok := strings.CutPrefix(path, module+"/"); ok {
				to = rest
			}
			f(g, to, path)
		}
	}
}

func TestEveryPackageHasAFloor(t *testing.T) {
	for _, pkg := range repository(t).packages() {
		if pkg == "sql" || pkg == "wire" || pkg == "." {
			t.Errorf("%s is a room without a package of its own: move its files into a package of the room", pkg)
			continue
		}
		if _, ok := floorOf(pkg); !ok && !isHarness(pkg) {
			t.Errorf("%s has no floor: give it a row in the table, with its reason", pkg)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	used := map[int]bool{}
	eachImport(repository(t), func(g *goFile, to, _ string) {
		if to == "" || isHarness(g.dir) {
			return
		}
		if isHarness(to) {
			t.Errorf("%s imports %s, which is for tests", g.path, to)
			return
		}
		from, known := floorOf(g.dir)
		target, there := floorOf(to)
		if !known || !there || target < from {
			return
		}
		for i, row := range beside {
			if row.from == g.dir && row.to == to && target == from {
				used[i] = true
				return
			}
		}
		t.Errorf("%s (floor %d) imports %s (floor %d): only lower floors", g.path, from, to, target)
	})
	packages := map[string]bool{}
	for _, p := range repository(t).packages() {
		packages[p] = true
	}
	for i, row := range beside {
		if !used[i] && packages[row.from] && packages[row.to] {
			t.Errorf("the row %s → %s is no longer needed", row.from, row.to)
		}
	}
}

func TestWalls(t *testing.T) {
	eachImport(repository(t), func(g *goFile, to, path string) {
		if path == "C" {
			t.Errorf("%s uses cgo: the product is pure Go", g.path)
		}
		for _, w := range walls {
			if to != "" && under(g.dir, w.room) && under(to, w.never) {
				t.Errorf("%s imports %s: %s never sees %s (%s)", g.path, to, w.room, w.never, w.why)
			}
		}
		for _, d := range doors {
			if to != "" && under(g.dir, d.room) && !under(to, d.room) && !anyMatches(d.sees, to) {
				t.Errorf("%s imports %s: %s sees only %s (%s)", g.path, to, d.room, strings.Join(d.sees, ", "), d.why)
			}
		}
		for _, o := range outsiders {
			if under(path, o.path) && !anyUnder(g.dir, o.rooms) && !isHarness(g.dir) {
				t.Errorf("%s imports %s, which is for %s (%s)", g.path, path, strings.Join(o.rooms, ", "), o.why)
			}
		}
	})
}

func anyMatches(rows []string, pkg string) bool {
	for _, r := range rows {
		if matches(r, pkg) {
			return true
		}
	}
	return false
}

func anyUnder(pkg string, rooms []string) bool {
	for _, r := range rooms {
		if under(pkg, r) {
			return true
		}
	}
	return false
}
