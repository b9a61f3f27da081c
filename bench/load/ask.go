package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ask counts what arrived, because a fast import that lost something is not a figure.
func ask(ctx context.Context, url string) (events int64, version string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := conn.QueryRow(ctx, "select count(*) from events").Scan(&events); err != nil {
		return 0, "", fmt.Errorf("counting: %w", err)
	}
	return events, conn.PgConn().ParameterStatus("server_version"), nil
}
