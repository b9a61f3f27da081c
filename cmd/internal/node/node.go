// Package node wires one server together: store, engine, front doors. Reading Start is reading what a server is.
package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/wire/pg"
	"github.com/allsource-db/allsource/wire/rest"
)

// Config is what a server is started with.
type Config struct {
	Data    string // the folder
	PG      string // address of the Postgres wire, "" for none
	Socket  string // folder of a Unix socket of the Postgres wire, "" for none
	HTTP    string // address of HTTP, "" for none
	Memory  int64  // bytes that the process may use at its peak
	Workers int    // goroutines that one scan or load may use, 0 for as many as run at once
	Version string
	Logger  *slog.Logger
	// Fatal is called when the store can no longer promise durability; it should end the process.
	Fatal func(error)
	// Tune changes the engine's configuration; nil leaves it.
	Tune func(*engine.Config)
}

// Shares of the memory limit. The rest is the Go runtime's slack, connections and what queries send.
const (
	storeShare  = 0.40
	engineShare = 0.30
)

// gcPercent lets the heap grow to some times of what lives before it is collected: queries make columns that live for a moment.
// The memory limit collects earlier where that would not fit.
const gcPercent = 400

// goLimit is what Go's runtime is told to stay within. The pages of the program itself are not in what it counts, and it
// goes beyond its limit for moments when much is allocated at once.
func goLimit(memory int64) int64 {
	const program, exact = 24 << 20, 0.85
	return int64(float64(memory-program) * exact)
}

// DefaultDatabase is the database of a new store, and its owner's name.
const DefaultDatabase = "allsource"

// drainTime is how long running statements may go on after a shutdown was asked for.
const drainTime = 10 * time.Second

// Node is a running server, or just an open engine.
type Node struct {
	Engine *engine.Engine
	cfg    Config
	store  *storage.Store
	pg     *pg.Server
	pgL    net.Listener
	sock   net.Listener
	http   *http.Server
	httpL  net.Listener
	spill  string     // folder of what does not fit into memory
	done   chan error // of as many listeners as there are

	inside   *pipeListener // of Connect
	insidePG *pg.Server
}

// Open opens the store and the engine without any listener, as the shell does with a data folder.
func Open(cfg Config) (*Node, error) {
	debug.SetMemoryLimit(goLimit(cfg.Memory))
	debug.SetGCPercent(gcPercent)
	workers := cmp.Or(cfg.Workers, runtime.GOMAXPROCS(0))
	store, err := storage.Open(cfg.Data, storage.Options{Memory: int64(float64(cfg.Memory) * storeShare), Workers: workers, Logger: cfg.Logger, Fatal: cfg.Fatal})
	if err != nil {
		return nil, openError(cfg.Data, err)
	}
	spill, err := spillFolder(cfg.Data)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	config := engine.Config{Logs: logs{store}, Memory: int64(float64(cfg.Memory) * engineShare), TempDir: spill,
		Now: time.Now, Logger: cfg.Logger, Workers: workers}
	if cfg.Tune != nil {
		cfg.Tune(&config)
	}
	return &Node{Engine: engine.New(config), cfg: cfg, store: store, spill: spill, done: make(chan error, 3)}, nil
}

// spillFolder makes the folder of what does not fit into memory, without what a process that was killed has left there. It is beside the store,
// where there is room: the system's folder for temporary files is often kept in memory itself. The store must be open, so that it is nobody else's.
func spillFolder(data string) (string, error) {
	dir := filepath.Join(data, "spill")
	return dir, errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700))
}

// openError says what to do about a store that does not open.
func openError(dir string, err error) error {
	switch {
	case errors.Is(err, storage.ErrLocked):
		return fmt.Errorf("the data folder %s is in use by another process: stop that server, or choose another folder with --data", dir)
	case errors.Is(err, storage.ErrNewerFormat):
		return fmt.Errorf("the data folder %s was written by a newer version of allsource: run that version, or a newer one", dir)
	}
	return fmt.Errorf("cannot open the data folder %s: %w", dir, err)
}

// Start opens the node and its listeners. Without authentication only loopback addresses are accepted.
func Start(cfg Config) (*Node, error) {
	for _, addr := range []string{cfg.PG, cfg.HTTP} {
		if err := loopbackOnly(addr); err != nil {
			return nil, err
		}
	}
	n, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	if err := n.listen(); err != nil {
		return nil, errors.Join(err, n.Close(context.Background()))
	}
	return n, nil
}

// loopbackOnly refuses addresses that others could reach, because nobody is asked who they are yet.
func loopbackOnly(addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is no address: write host:port, such as 127.0.0.1:5433", addr)
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("refusing to listen on %q: no authentication is configured, so only loopback addresses (127.0.0.1, ::1, localhost) are allowed", addr)
	}
	return nil
}

func (n *Node) listen() (err error) {
	if n.cfg.PG != "" || n.cfg.Socket != "" {
		n.pg = pg.NewServer(pg.Config{Engine: n.Engine, Logger: n.cfg.Logger, MaxConnections: maxConnections})
	}
	port := defaultPort
	if n.cfg.PG != "" {
		if n.pgL, err = net.Listen("tcp", n.cfg.PG); err != nil {
			return fmt.Errorf("cannot listen for Postgres clients: %w", err)
		}
		port = n.pgL.Addr().(*net.TCPAddr).Port
		go func() { n.done <- n.pg.Serve(context.Background(), n.pgL) }()
	}
	if n.cfg.Socket != "" {
		if n.sock, err = listenSocket(n.cfg.Socket, port); err != nil {
			return fmt.Errorf("cannot listen for Postgres clients: %w", err)
		}
		go func() { n.done <- n.pg.Serve(context.Background(), n.sock) }()
	}
	if n.cfg.HTTP != "" {
		if n.httpL, err = net.Listen("tcp", n.cfg.HTTP); err != nil {
			return fmt.Errorf("cannot listen for HTTP: %w", err)
		}
		n.http = &http.Server{Handler: rest.New(n.restConfig()), ReadHeaderTimeout: 10 * time.Second}
		go func() {
			if err := n.http.Serve(n.httpL); !errors.Is(err, http.ErrServerClosed) {
				n.done <- err
			}
		}()
	}
	return nil
}

const maxConnections = 500

// PGAddr and HTTPAddr are the addresses in use, "" where there is no listener.
func (n *Node) PGAddr() string {
	if n.pgL == nil {
		return ""
	}
	return n.pgL.Addr().String()
}

// Socket is the file of the Unix socket, "" where there is none.
func (n *Node) Socket() string {
	if n.sock == nil {
		return ""
	}
	return n.sock.Addr().String()
}

// HTTPAddr see PGAddr.
func (n *Node) HTTPAddr() string {
	if n.httpL == nil {
		return ""
	}
	return n.httpL.Addr().String()
}

// Failed gives the error of a listener that stopped by itself.
func (n *Node) Failed() <-chan error { return n.done }

// Close drains connections, closes listeners and then the store.
func (n *Node) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	for _, l := range []net.Listener{n.pgL, n.sock} {
		if l != nil {
			l.Close()
		}
	}
	if n.pg != nil {
		n.pg.Shutdown(ctx)
	}
	if n.inside != nil {
		n.inside.Close()
		n.insidePG.Shutdown(ctx)
	}
	if n.http != nil {
		if err := n.http.Shutdown(ctx); err != nil {
			n.cfg.Logger.Warn("http shutdown", "error", err)
		}
	}
	return errors.Join(os.RemoveAll(n.spill), n.store.Close()) // once the store is closed the folder may be another process's
}

// logs makes the store's databases the engine's.
type logs struct{ store *storage.Store }

// Open returns a database's log.
func (l logs) Open(name string) (engine.Log, error) {
	db, err := l.store.Database(name)
	if err != nil {
		return nil, err
	}
	return db, nil
}

// Names lists the databases.
func (l logs) Names() []string { return l.store.Databases() }

// healthy asks the first database for a view: that needs the store open and its clock working.
func (n *Node) healthy(ctx context.Context) error {
	db, err := n.store.Database(DefaultDatabase)
	if err != nil {
		return err
	}
	_, err = db.View(ctx, storage.Latest)
	return err
}

// restConfig is what HTTP tells about this server.
func (n *Node) restConfig() rest.Config {
	m, store := n.Engine.Metrics(), n.store.Metrics
	return rest.Config{
		Version: n.cfg.Version,
		Started: time.Now(),
		Healthy: n.healthy,
		Gauges: []rest.Gauge{
			{Name: "allsource_statements_total", Help: "Statements executed.", Counter: true, Value: func() float64 { return float64(m.Statements.Load()) }},
			{Name: "allsource_errors_total", Help: "Statements that failed.", Counter: true, Value: func() float64 { return float64(m.Errors.Load()) }},
			{Name: "allsource_rows_sent_total", Help: "Rows given to clients.", Counter: true, Value: func() float64 { return float64(m.Rows.Load()) }},
			{Name: "allsource_events_appended_total", Help: "Events added to the logs.", Counter: true, Value: func() float64 { return float64(m.Appended.Load()) }},
			{Name: "allsource_events_repeated_total", Help: "Events that were there already.", Counter: true, Value: func() float64 { return float64(m.Repeats.Load()) }},
			{Name: "allsource_sessions", Help: "Open sessions.", Value: func() float64 { return float64(n.Engine.Sessions()) }},
			{Name: "allsource_events", Help: "Events in the logs.", Value: func() float64 { return float64(store().Events) }},
			{Name: "allsource_disk_bytes", Help: "Size of the data folder.", Value: func() float64 { return float64(store().DiskBytes) }},
			{Name: "allsource_row_groups", Help: "Row groups.", Value: func() float64 { return float64(store().Groups) }},
			{Name: "allsource_tail_events", Help: "Events not yet sealed into row groups.", Value: func() float64 { return float64(store().TailRows) }},
			{Name: "allsource_block_cache_bytes", Help: "Size of the block cache.", Value: func() float64 { return float64(store().CacheBytes) }},
			{Name: "allsource_commits_total", Help: "Synced batches of appends.", Counter: true, Value: func() float64 { return float64(store().AppendBatches) }},
			{Name: "allsource_seals_total", Help: "Tails sealed.", Counter: true, Value: func() float64 { return float64(store().Seals) }},
			{Name: "allsource_compactions_total", Help: "Compactions of small row groups.", Counter: true, Value: func() float64 { return float64(store().Compactions) }},
		},
	}
}
