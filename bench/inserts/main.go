// Command inserts measures the small writes of an application: single durable inserts of one event each, from many
// connections at once, then how fast the last events of one entity come back, and how soon a listener hears of an event.
//
// AllSource and PostgreSQL 18 get the same events. PostgreSQL's table has AllSource's columns and unique keys, so that both
// promise the same: a position, a version per entity without gaps, and that an id arrives once. In PostgreSQL the writer
// counts the versions itself (each connection has entities of its own, so nothing collides, which favours PostgreSQL).
//
//	go run ./bench/inserts -for 10s allsource postgres
//	go run ./bench/inserts -for 10s allsource=postgres://… postgres=postgres://…
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

type settings struct {
	binary, script, folder string
	connections, entities  int
	length                 time.Duration
}

// figure is what one system gave.
type figure struct {
	system, version string
	inserted        int64
	length          time.Duration
	insert, history times
	wake            times
	machine         float64
	peak            int64
}

// times are sorted durations.
type times []time.Duration

func (t times) at(share float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	return t[min(len(t)-1, int(share*float64(len(t))))]
}

func main() {
	var s settings
	flag.StringVar(&s.binary, "binary", "./allsource", "the allsource binary")
	flag.StringVar(&s.script, "postgres", "bench/peers/postgres.sh", "what starts PostgreSQL 18")
	flag.StringVar(&s.folder, "folder", "", "where to put the stores (default: the system's temporary folder)")
	flag.IntVar(&s.connections, "connections", 64, "connections that insert at once")
	flag.IntVar(&s.entities, "entities", 10, "entities of each connection")
	flag.DurationVar(&s.length, "for", 10*time.Second, "how long to insert")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: inserts [flags] SYSTEM… with SYSTEM one of allsource, postgres, NAME=URL of a server that runs")
		flag.PrintDefaults()
		os.Exit(2)
	}
	var figures []figure
	for _, system := range flag.Args() {
		f, err := measure(ctx, s, system)
		if err != nil {
			fmt.Fprintf(os.Stderr, "inserts: %s: %v\n", system, err)
			os.Exit(1)
		}
		figures = append(figures, f)
	}
	if err := table(figures); err != nil {
		fmt.Fprintln(os.Stderr, "inserts:", err)
		os.Exit(1)
	}
}

// measure runs one system, started here unless its URL is given.
func measure(ctx context.Context, s settings, system string) (f figure, err error) {
	name, url, given := strings.Cut(system, "=")
	load := dialect(name)
	if load == nil {
		return f, fmt.Errorf("no such system; there are allsource and postgres")
	}
	machine := peer.Quiet()
	var server *peer.Server
	if !given {
		parent, err := os.MkdirTemp(s.folder, "inserts-"+name+"-")
		if err != nil {
			return f, err
		}
		defer os.RemoveAll(parent)
		if server, err = start(ctx, s, name, parent); err != nil {
			return f, err
		}
		defer func() {
			if stopped := server.Stop(); err == nil {
				err = stopped
			}
		}()
		url = server.URL
	}
	f, err = load.measure(ctx, s, url)
	f.system, f.machine = name, machine
	if err == nil && server != nil {
		f.peak, err = server.Peak()
	}
	return f, err
}

func start(ctx context.Context, s settings, name, parent string) (*peer.Server, error) {
	// PostgreSQL runs as another user, who has to get to its folder.
	if err := os.Chmod(parent, 0o755); err != nil {
		return nil, err
	}
	if name == "postgres" {
		return peer.StartPostgres(ctx, s.script, filepath.Join(parent, "cluster"))
	}
	binary, err := filepath.Abs(s.binary)
	if err != nil {
		return nil, err
	}
	return peer.StartAllSource(ctx, binary, filepath.Join(parent, "data"), "")
}

func (w *writer) measure(ctx context.Context, s settings, url string) (f figure, err error) {
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		return f, err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	f.version = admin.PgConn().ParameterStatus("server_version")
	for _, sql := range w.prepare {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return f, fmt.Errorf("%s: %w", sql, err)
		}
	}
	before, err := count(ctx, admin)
	if err != nil {
		return f, err
	}
	run := fmt.Sprintf("r%x", rand.Uint32())
	if f.inserted, f.length, f.insert, err = w.storm(ctx, s, url, run); err != nil {
		return f, err
	}
	after, err := count(ctx, admin)
	if err != nil {
		return f, err
	}
	if after-before != f.inserted {
		return f, fmt.Errorf("%d inserts were acknowledged and %d events are there", f.inserted, after-before)
	}
	if f.history, err = histories(ctx, admin, entityName(run, 0, 0)); err != nil {
		return f, err
	}
	f.wake, err = w.wakes(ctx, admin, url, run)
	return f, err
}

func count(ctx context.Context, conn *pgx.Conn) (n int64, err error) {
	err = conn.QueryRow(ctx, "select count(*) from events").Scan(&n)
	return n, err
}

// storm inserts from all connections at once for the given time.
func (w *writer) storm(ctx context.Context, s settings, url, run string) (total int64, length time.Duration, all times, err error) {
	conns := make([]*pgx.Conn, s.connections)
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, url); err != nil {
			return 0, 0, nil, fmt.Errorf("connection %d: %w", i+1, err)
		}
		defer conns[i].Close(context.WithoutCancel(ctx))
	}
	errs := make([]error, len(conns))
	took := make([]times, len(conns))
	var done sync.WaitGroup
	began := time.Now()
	for i, conn := range conns {
		done.Go(func() {
			took[i], errs[i] = w.insertUntil(ctx, conn, began.Add(s.length), run, i, s.entities)
		})
	}
	done.Wait()
	length = time.Since(began)
	for i := range conns {
		if errs[i] != nil {
			return 0, 0, nil, fmt.Errorf("connection %d: %w", i+1, errs[i])
		}
		all = append(all, took[i]...)
	}
	slices.Sort(all)
	return int64(len(all)), length, all, nil
}

func (w *writer) insertUntil(ctx context.Context, conn *pgx.Conn, end time.Time, run string, worker, entities int) (times, error) {
	rnd := rand.New(rand.NewPCG(uint64(worker), rand.Uint64()))
	versions := make([]int64, entities)
	took := make(times, 0, 1<<14)
	for n := 0; time.Now().Before(end); n++ {
		e := n % entities
		versions[e]++
		args := w.arguments(newEvent(rnd, entityName(run, worker, e), versions[e]))
		began := time.Now()
		if _, err := conn.Exec(ctx, w.insert, args...); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

func entityName(run string, worker, entity int) string {
	return fmt.Sprintf("orde-%s-%d-%d", run, worker, entity)
}

const (
	warmReads  = 200
	timedReads = 2000
)

// histories asks for the last 20 events of one entity, warm, over one connection, the loopback included.
func histories(ctx context.Context, conn *pgx.Conn, entity string) (times, error) {
	const sql = `select version, event_type, timestamp, payload from events where entity_id = $1 order by version desc limit 20`
	took := make(times, 0, timedReads)
	for n := range warmReads + timedReads {
		began := time.Now()
		rows, err := conn.Query(ctx, sql, entity)
		if err != nil {
			return nil, err
		}
		got := 0
		for rows.Next() {
			got++
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		if got == 0 {
			return nil, fmt.Errorf("entity %s has no events", entity)
		}
		if n >= warmReads {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	return took, nil
}

func table(figures []figure) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "system\tversion\tinserts\tinserts/s\tmedian\t99%\tlast 20 median\t99%\twake median\t99%\tworst\tpeak MB\tmachine load\t")
	for _, f := range figures {
		peak := "-"
		if f.peak > 0 {
			peak = fmt.Sprintf("%.0f", float64(f.peak)/1e6)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t\n",
			f.system, f.version, f.inserted, float64(f.inserted)/f.length.Seconds(),
			round(f.insert.at(0.5)), round(f.insert.at(0.99)), round(f.history.at(0.5)), round(f.history.at(0.99)),
			round(f.wake.at(0.5)), round(f.wake.at(0.99)), round(f.wake.at(1)),
			peak, f.machine)
	}
	return t.Flush()
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
