package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

const timedWakes = 1000

// wakes appends one event after the other and tells how long after its acknowledgement another connection, which listens to
// the channel events, knew of it: 0 where it knew before the writer did.
func (w *writer) wakes(ctx context.Context, conn *pgx.Conn, url, run string) (times, error) {
	for _, sql := range w.watch {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	listener, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer listener.Close(context.WithoutCancel(ctx))
	if _, err := listener.Exec(ctx, "listen events"); err != nil {
		return nil, err
	}
	type wake struct {
		at  time.Time
		err error
	}
	woken := make(chan wake)
	go func() {
		for range timedWakes {
			_, err := listener.WaitForNotification(ctx)
			woken <- wake{time.Now(), err}
			if err != nil {
				return
			}
		}
	}()
	rnd := rand.New(rand.NewPCG(1, rand.Uint64()))
	took := make(times, 0, timedWakes)
	for n := range int64(timedWakes) {
		args := w.arguments(newEvent(rnd, "wake-"+run, n+1))
		if _, err := conn.Exec(ctx, w.insert, args...); err != nil {
			return nil, err
		}
		acknowledged := time.Now()
		got := <-woken
		if got.err != nil {
			return nil, got.err
		}
		took = append(took, max(0, got.at.Sub(acknowledged)))
	}
	slices.Sort(took)
	return took, nil
}
