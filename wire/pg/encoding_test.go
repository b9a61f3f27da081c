package pg_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestClientEncoding speaks to clients in their encodings; what a byte means there is from the tables of Windows-1252 and Shift JIS.
func TestClientEncoding(t *testing.T) {
	s := serve(t)
	connect := func(encoding string) *pgconn.PgConn {
		c, err := pgconn.Connect(context.Background(), "postgres://allsource@"+s.addr+"/allsource?sslmode=disable&client_encoding="+encoding)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(context.Background()) })
		return c
	}
	read := func(c *pgconn.PgConn, sql string, params ...string) string {
		values := make([][]byte, len(params))
		for i, p := range params {
			values[i] = []byte(p)
		}
		r := c.ExecParams(context.Background(), sql, values, nil, nil, nil).Read()
		if r.Err != nil {
			if e, ok := errors.AsType[*pgconn.PgError](r.Err); ok {
				return e.Code + " " + e.Message
			}
			t.Fatal(r.Err)
		}
		var out []string
		for _, f := range r.FieldDescriptions {
			out = append(out, f.Name)
		}
		for _, row := range r.Rows {
			for _, v := range row {
				out = append(out, string(v))
			}
		}
		return strings.Join(out, "|")
	}
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}

	utf, win, sjis := connect("UTF8"), connect("windows-1252"), connect("SJIS")
	check(win.ParameterStatus("client_encoding"), "WIN1252")
	check(read(win, "SELECT pg_client_encoding()"), "pg_client_encoding|WIN1252")
	check(read(win, "CREATE TABLE t (id int, \"na\xefve\" text)"), "")
	check(read(win, "INSERT INTO t VALUES (1, 'caf\xe9 \x80'), (2, $1)", "\xe9t\xe9"), "")
	check(read(win, "SELECT \"na\xefve\", length(\"na\xefve\") FROM t"), "na\xefve|length|caf\xe9 \x80|6|\xe9t\xe9|3")
	check(read(utf, "SELECT naïve FROM t"), "naïve|café €|été")
	check(read(utf, "INSERT INTO t VALUES (3, '日本')"), "")
	check(read(win, "SELECT * FROM t WHERE id = 3"), `22P05 character with byte sequence 0xe6 0x97 0xa5 in encoding "UTF8" has no equivalent in encoding "WIN1252"`)
	check(read(win, "SELECT '\x81'"), `22021 invalid byte sequence for encoding "WIN1252"`)
	check(read(win, "SELECT \"n\xe9\" FROM t"), "42703 column \"n\xe9\" does not exist")
	check(read(sjis, "SELECT \"na\xc3\xafve\" AS j FROM t"), "42703 column \"na\xc3\xafve\" does not exist") // half-width katakana, there and back
	check(read(sjis, "SELECT max(t) AS j FROM (SELECT substr(t::text, 4) FROM t WHERE id = 3) x (t)"), "j|\x93\xfa\x96{)")

	// A character may come in two parts.
	if _, err := sjis.CopyFrom(context.Background(), iotest.OneByteReader(strings.NewReader("4\t\x93\xfa\x96{\n")), "COPY t FROM STDIN"); err != nil {
		t.Fatal(err)
	}
	check(read(utf, "SELECT naïve FROM t WHERE id = 4"), "naïve|日本")
	_, err := sjis.CopyFrom(context.Background(), strings.NewReader("5\t\x93\n"), "COPY t FROM STDIN")
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "22021" {
		t.Errorf("half a character: %v", err)
	}
	check(read(utf, "SELECT count(*) FROM t"), "count|4")
	check(read(utf, "SET NAMES 'latin-1'"), "")
	check(read(utf, "SELECT na\xefve FROM t WHERE id = 2"), "na\xefve|\xe9t\xe9")
	s.panics.check(t)
}
