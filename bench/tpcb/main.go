// Command tpcb runs pgbench's built-in scripts, TPC-B above all, and updates of single rows by key on AllSource and PostgreSQL 18, one after
// the other, and checks that the books balance: the sums over accounts, tellers, branches and history agree afterwards, and so does what
// the updates have added with how many there were; on AllSource also as of moments in the middle of the run.
//
//	go run ./bench/tpcb -for 10s -scale 2 allsource postgres
//	go run ./bench/tpcb -socket allsource postgres
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/allsource-db/allsource/bench/internal/figure"
	"github.com/allsource-db/allsource/bench/internal/peer"
)

type settings struct {
	binary, script, pgbench, folder, out string
	scale                                int
	length                               time.Duration
	socket                               bool
}

// load is one way to run pgbench.
type load struct {
	name string
	args []string
	adds bool // each transaction adds one to an account, and writes no history
}

// addOne is the script of the loads that add.
const addOne = `\set aid random(1, 100000 * :scale)
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
`

// loads are updates of single rows and look-ups by key before and after many updates, and TPC-B over all three protocols.
var loads = []load{
	{name: "look-up by key, prepared, 1 client", args: []string{"-b", "select-only", "-M", "prepared", "-c", "1"}},
	{"update by key, prepared, 1 client", []string{"-M", "prepared", "-c", "1"}, true},
	{"update by key, prepared, 64 clients", []string{"-M", "prepared", "-c", "64"}, true},
	{"the same again", []string{"-M", "prepared", "-c", "64"}, true},
	{"the same a third time", []string{"-M", "prepared", "-c", "64"}, true},
	{name: "TPC-B, simple protocol, 16 clients", args: []string{"-b", "tpcb-like", "-M", "simple", "-c", "16"}},
	{name: "TPC-B, extended, 16 clients", args: []string{"-b", "tpcb-like", "-M", "extended", "-c", "16"}},
	{name: "TPC-B, prepared, 16 clients", args: []string{"-b", "tpcb-like", "-M", "prepared", "-c", "16"}},
	{name: "TPC-B without branches and tellers, prepared, 64 clients", args: []string{"-b", "simple-update", "-M", "prepared", "-c", "64"}},
	{name: "look-up by key, prepared, 1 client", args: []string{"-b", "select-only", "-M", "prepared", "-c", "1"}},
}

// result is what one system did.
type result struct {
	system, version string
	machine         float64
	initialize      time.Duration
	tps             []float64
	added           int64 // to accounts, by loads that add
	moments         int   // at which the books were found balanced
}

func main() {
	var s settings
	flag.StringVar(&s.binary, "binary", "./allsource", "the allsource binary")
	flag.StringVar(&s.script, "postgres", "bench/peers/postgres.sh", "what starts PostgreSQL 18")
	flag.StringVar(&s.pgbench, "pgbench", "", "the pgbench program (default: found in the path or where Debian keeps it)")
	flag.StringVar(&s.folder, "folder", "", "where to put the stores (default: the system's temporary folder)")
	flag.StringVar(&s.out, "out", "bench/results/tpcb.txt", "file that the table is written to as well")
	flag.IntVar(&s.scale, "scale", 2, "branches; each has 100,000 accounts")
	flag.DurationVar(&s.length, "for", 10*time.Second, "how long each load lasts")
	flag.BoolVar(&s.socket, "socket", false, "connect by Unix sockets, as pgbench does where it is not told otherwise, instead of TCP")
	flag.Parse()
	peer.Main("tpcb", func(ctx context.Context) error { return run(ctx, s, flag.Args()) })
}

func run(ctx context.Context, s settings, systems []string) (err error) {
	if len(systems) == 0 {
		return errors.New("name the systems: allsource, postgres")
	}
	if s.pgbench, err = findPgbench(s.pgbench); err != nil {
		return err
	}
	began := time.Now()
	var results []*result
	lowest, highest := 1e9, 0.0
	for _, system := range systems {
		r, err := s.measure(ctx, system)
		if err != nil {
			return fmt.Errorf("%s: %w", system, err)
		}
		lowest, highest = min(lowest, r.machine), max(highest, r.machine)
		results = append(results, r)
	}
	return figure.Tell(s.out, func(w io.Writer) error { return table(w, s, results, figure.Run(began, lowest, highest)) })
}

func findPgbench(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) == 0 {
		return "", errors.New("pgbench is not installed; it comes with PostgreSQL")
	}
	return found[len(found)-1], nil
}

// measure starts a system, fills it and runs all loads.
func (s settings) measure(ctx context.Context, system string) (r *result, err error) {
	r = &result{system: system, machine: peer.Quiet()}
	parent, err := os.MkdirTemp(s.folder, "tpcb-"+system+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(parent)
	if err := os.Chmod(parent, 0o755); err != nil { // PostgreSQL runs as another user
		return nil, err
	}
	server, err := s.start(ctx, system, parent)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	began := time.Now()
	if _, err := s.pgbenchRun(ctx, server.URL, "-i", "-q", "-s", strconv.Itoa(s.scale)); err != nil {
		return nil, err
	}
	r.initialize = time.Since(began)
	conn, err := pgx.Connect(ctx, server.URL)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	r.version = conn.PgConn().ParameterStatus("server_version")
	for _, l := range loads {
		tps, err := s.load(ctx, r, conn, server.URL, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		r.tps = append(r.tps, tps)
	}
	return r, nil
}

func (s settings) start(ctx context.Context, system, parent string) (*peer.Server, error) {
	switch system {
	case "allsource":
		binary, err := filepath.Abs(s.binary)
		if err != nil {
			return nil, err
		}
		folder, flags := filepath.Join(parent, "socket"), []string(nil)
		if s.socket {
			flags = []string{"--socket", folder}
		}
		server, err := peer.StartAllSource(ctx, binary, filepath.Join(parent, "data"), "", flags...)
		return s.through(server, folder, err)
	case "postgres":
		folder := filepath.Join(parent, "cluster")
		server, err := peer.StartPostgres(ctx, s.script, folder)
		return s.through(server, folder, err)
	}
	return nil, errors.New("no such system; there are allsource and postgres")
}

// through makes the server's URL one of its socket in a folder, if sockets are asked for.
func (s settings) through(server *peer.Server, folder string, err error) (*peer.Server, error) {
	if err != nil || !s.socket {
		return server, err
	}
	u, err := url.Parse(server.URL)
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	server.URL = fmt.Sprintf("postgres://%s@%s?host=%s&port=%s", u.User.Username(), u.Path, url.QueryEscape(folder), u.Port())
	return server, nil
}

var (
	tpsLine  = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	doneLine = regexp.MustCompile(`(?m)^number of transactions actually processed: ([0-9]+)`)
)

// load runs one load from an empty history, and looks at the books afterwards.
func (s settings) load(ctx context.Context, r *result, conn *pgx.Conn, at string, l load) (float64, error) {
	seconds := strconv.Itoa(max(1, int(s.length.Seconds())))
	args := append([]string{"-n", "-T", seconds, "-j", "2"}, l.args...)
	if l.adds {
		script, err := writeScript(s.folder, addOne)
		if err != nil {
			return 0, err
		}
		defer os.Remove(script)
		args = append(args, "-s", strconv.Itoa(s.scale), "-f", script)
	}
	before, added := time.Now(), r.added
	said, err := s.pgbenchRun(ctx, at, args...)
	if err != nil {
		return 0, err
	}
	found, did := tpsLine.FindSubmatch(said), doneLine.FindSubmatch(said)
	if found == nil || did == nil {
		return 0, fmt.Errorf("pgbench said no rate:\n%s", said)
	}
	if l.adds {
		n, err := strconv.ParseInt(string(did[1]), 10, 64)
		if err != nil {
			return 0, err
		}
		r.added += n
	}
	if _, err := balanced(ctx, conn, "", r.added, r.added); err != nil {
		return 0, err
	}
	if r.system == "allsource" {
		for i := range 5 {
			at := before.Add(time.Since(before) * time.Duration(i+1) / 6).UTC().Format("2006-01-02 15:04:05.000000-07")
			if added, err = balanced(ctx, conn, " AS OF SYSTEM TIME '"+at+"'", added, r.added); err != nil {
				return 0, err
			}
			r.moments++
		}
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// writeScript keeps a script of pgbench in a file.
func writeScript(folder, text string) (name string, err error) {
	f, err := os.CreateTemp(folder, "tpcb-*.sql")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return f.Name(), errors.Join(err, f.Close())
}

// balanced compares the sum of what was moved with the sums of what it was moved to. Some loads leave branches and tellers out, so these
// agree with each other, and accounts with history but for what was added to them, which is returned and lies between least and most.
func balanced(ctx context.Context, conn *pgx.Conn, asOf string, least, most int64) (added int64, err error) {
	sum := func(column, table string) (n int64, err error) {
		err = conn.QueryRow(ctx, "SELECT coalesce(sum("+column+"), 0)::bigint FROM "+table+asOf).Scan(&n)
		return n, err
	}
	var sums [4]int64
	for i, q := range [4][2]string{{"abalance", "pgbench_accounts"}, {"delta", "pgbench_history"}, {"bbalance", "pgbench_branches"}, {"tbalance", "pgbench_tellers"}} {
		if sums[i], err = sum(q[0], q[1]); err != nil {
			return 0, err
		}
	}
	if added = sums[0] - sums[1]; added < least || added > most || sums[2] != sums[3] {
		return 0, fmt.Errorf("the books do not balance%s: accounts %d, history %d, branches %d, tellers %d, added %d to %d",
			asOf, sums[0], sums[1], sums[2], sums[3], least, most)
	}
	return added, nil
}

func (s settings) pgbenchRun(ctx context.Context, at string, args ...string) ([]byte, error) {
	said, err := exec.CommandContext(ctx, s.pgbench, append(args, at)...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("pgbench %v: %w\n%s", args, err, said)
	}
	return said, nil
}

func table(w io.Writer, s settings, results []*result, about string) error {
	way := "TCP"
	if s.socket {
		way = "Unix sockets"
	}
	fmt.Fprintf(w, "pgbench at scale %d, %s each load, by %s. %s\n\n", s.scale, s.length, way, about)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "transactions a second\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s %s\t", r.system, r.version)
	}
	fmt.Fprintln(t, "ratio\t")
	for i, l := range loads {
		fmt.Fprintf(t, "%s\t", l.name)
		for _, r := range results {
			fmt.Fprintf(t, "%.0f\t", r.tps[i])
		}
		ratio := "-"
		if len(results) > 1 {
			ratio = fmt.Sprintf("%.2f", results[0].tps[i]/results[1].tps[i])
		}
		fmt.Fprintf(t, "%s\t\n", ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		fmt.Fprintf(w, "%s: filled in %.1f s; the books balanced after each load", r.system, r.initialize.Seconds())
		if r.moments > 0 {
			fmt.Fprintf(w, " and as of %d moments of the runs", r.moments)
		}
		fmt.Fprintln(w, ".")
	}
	return nil
}
