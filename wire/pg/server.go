// Package pg is the PostgreSQL front door: version 3.0 of the wire protocol (PostgreSQL documentation, chapter 55)
// in front of engine sessions. pgx's pgproto3 is the codec; this package is the state machine: startup, simple and extended
// queries, COPY both ways, cancellation. One goroutine serves one connection.
package pg

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allsource-db/allsource/engine"
)

// Config is what a server is made with.
type Config struct {
	Engine         *engine.Engine
	Logger         *slog.Logger
	MaxConnections int
}

// Server accepts connections until Shutdown.
type Server struct {
	cfg    Config
	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
	wg     sync.WaitGroup
	total  atomic.Int64
}

// NewServer makes a server.
func NewServer(cfg Config) *Server {
	return &Server{cfg: cfg, conns: map[*conn]struct{}{}}
}

// Connections returns how many connections are open, and how many there were in all.
func (s *Server) Connections() (open, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.conns)), s.total.Load()
}

// Serve accepts connections from l until Shutdown closes it; it then returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		nc, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			closed := s.closed
			s.mu.Unlock()
			if closed || errors.Is(err, net.ErrClosed) {
				s.wg.Wait()
				return nil
			}
			return err
		}
		s.total.Add(1)
		c := newConn(s, nc)
		if !s.add(c) {
			nc.Close()
			continue
		}
		s.wg.Go(func() {
			defer s.remove(c)
			c.serve(ctx)
		})
	}
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	c.tooMany = len(s.conns) >= s.cfg.MaxConnections
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Shutdown stops accepting, lets running statements finish until ctx ends, and closes every connection. The caller
// closes the listener first or after; Serve returns when all is done.
func (s *Server) Shutdown(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()
	finished := make(chan struct{})
	go func() { s.wg.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
		s.mu.Lock()
		for c := range s.conns {
			c.net.Close()
		}
		s.mu.Unlock()
		select {
		case <-finished:
		case <-time.After(5 * time.Second):
		}
	}
}
