package node

import (
	"context"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/wire/pg"
)

// Connect opens a Postgres connection to the node inside this process: no port is opened, nobody else can come in.
func (n *Node) Connect(ctx context.Context, database string, configure func(*pgconn.Config)) (*pgconn.PgConn, error) {
	if n.inside == nil {
		n.inside = newPipeListener()
		n.insidePG = pg.NewServer(pg.Config{Engine: n.Engine, Logger: n.cfg.Logger, MaxConnections: maxConnections})
		go func() { n.done <- n.insidePG.Serve(context.Background(), n.inside) }()
	}
	cfg, err := pgconn.ParseConfig("postgres://" + DefaultDatabase + "@127.0.0.1/" + database + "?sslmode=disable")
	if err != nil {
		return nil, err
	}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return n.inside.dial(ctx) }
	if configure != nil {
		configure(cfg)
	}
	return pgconn.ConnectConfig(ctx, cfg)
}

// pipeListener accepts the other ends of in-memory pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "inside" }
