package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Session asks a server over one connection, with the simple protocol and text, as psql does.
type Session struct {
	server *Server
	conn   *pgconn.PgConn
}

// Connect connects to a server, which the session stops when it is closed or when this fails. The statements of setup are
// executed first.
func Connect(ctx context.Context, server *Server, setup []string) (*Session, error) {
	conn, err := pgconn.Connect(ctx, server.URL)
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	s := &Session{server: server, conn: conn}
	for _, sql := range setup {
		if err := Execute(ctx, conn, sql); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Ask asks one question; the time is the client's.
func (s *Session) Ask(sql string) (Answer, error) {
	began := time.Now()
	results, err := s.conn.Exec(context.Background(), sql).ReadAll()
	took := time.Since(began)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Rows: results[0].Rows, Took: took}, nil
}

// Copy fills a table from a file of CSV without a header line, which goes over the connection as from psql's \copy.
func (s *Session) Copy(table, file string) (Answer, error) {
	f, err := os.Open(file)
	if err != nil {
		return Answer{}, err
	}
	defer f.Close()
	began := time.Now()
	_, err = s.conn.CopyFrom(context.Background(), bufio.NewReaderSize(f, 1<<20), "copy "+table+" from stdin (format csv)")
	return Answer{Took: time.Since(began)}, err
}

// CopyTo writes a table to a file as CSV without a header line, as psql's \copy does.
func (s *Session) CopyTo(table, file string) (answer Answer, err error) {
	f, err := os.Create(file)
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	began := time.Now()
	_, err = s.conn.CopyTo(context.Background(), w, "copy "+table+" to stdout (format csv)")
	if err == nil {
		err = w.Flush()
	}
	return Answer{Took: time.Since(began)}, err
}

// Close ends the connection and the server.
func (s *Session) Close() error {
	return errors.Join(s.conn.Close(context.Background()), s.server.Stop())
}

// Execute executes a statement.
func Execute(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
