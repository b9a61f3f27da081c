package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// killed is a server that is killed again and again while sessions do transactions.
type killed struct {
	data string
	srv  *server
	url  atomic.Pointer[string]
	over atomic.Bool
	wg   sync.WaitGroup // of sessions

	mu    sync.Mutex     // of codes and of what sessions write down
	codes map[string]int // errors that sessions were told
	kills int
}

// start starts the server and executes statements.
func (k *killed) start(t *testing.T, data string, setup ...string) {
	k.data, k.codes = data, map[string]int{}
	k.again(t)
	c := k.srv.connect(t)
	for _, sql := range setup {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close(t.Context())
}

func (k *killed) again(t *testing.T) {
	k.srv = startServer(t, k.data)
	url := k.srv.url()
	k.url.Store(&url)
}

// session begins to call do again and again, with a new connection after each failure of one.
func (k *killed) session(t *testing.T, do func(c *pgx.Conn, turn int) error) {
	k.wg.Go(func() {
		var c *pgx.Conn
		for turn := 0; !k.over.Load(); turn++ {
			if c == nil || c.IsClosed() {
				var err error
				if c, err = pgx.Connect(context.Background(), *k.url.Load()); err != nil {
					time.Sleep(20 * time.Millisecond)
					continue
				}
			}
			err := do(c, turn)
			if e, ok := errors.AsType[*pgconn.PgError](err); ok {
				k.mu.Lock()
				k.codes[e.Code]++
				k.mu.Unlock()
				if !slices.Contains([]string{"40001", "40P01", "57P01"}, e.Code) {
					t.Errorf("%v", err)
				}
			} else if err != nil {
				_ = c.Close(context.Background()) // the server was killed
			}
		}
		if c != nil {
			_ = c.Close(context.Background())
		}
	})
}

// run kills the server from time to time, and ends the sessions.
func (k *killed) run(t *testing.T, length, every time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(min(every, time.Until(end)))
		if time.Now().Before(end) {
			k.kills++
			k.srv.kill(t)
			k.again(t)
		}
	}
	k.over.Store(true)
	ended := make(chan struct{})
	go func() {
		k.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(stuck):
		k.srv.stuck(t, "a session does not end")
	}
}
