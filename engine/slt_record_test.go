package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/engine/slt"
)

var record = flag.Bool("record", false, "write what the server of ALLSOURCE_ORACLE answers into the corpus")

// oracleSetup makes a table there that is like the log here: positions count from 1, versions per entity.
const oracleSetup = `
SET TimeZone = 'UTC'; SET jit = off; SET client_min_messages = error; SET search_path = "$user", public; SET statement_timeout = '30s';
CREATE TEMP TABLE events (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid DEFAULT gen_random_uuid() NOT NULL,
	entity_id text NOT NULL, event_type text NOT NULL, version bigint, "timestamp" timestamptz DEFAULT now() NOT NULL,
	recorded_at timestamptz DEFAULT now() NOT NULL, payload jsonb DEFAULT '{}' NOT NULL, metadata jsonb DEFAULT '{}' NOT NULL);
CREATE FUNCTION pg_temp.number_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	NEW.version := (SELECT count(*) + 1 FROM events WHERE entity_id = NEW.entity_id); RETURN NEW; END $$;
CREATE TRIGGER number_event BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION pg_temp.number_event()`

// oracle is a session of PostgreSQL.
type oracle struct {
	conn  *pgconn.PgConn
	later bool // 18, whose files are those of testdata/slt/later
}

// newOracle connects to the server that ALLSOURCE_ORACLE names, as host:port: a PostgreSQL 15, or 18 for what is later, with a role and a database allsource.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	addr := os.Getenv("ALLSOURCE_ORACLE")
	if addr == "" {
		t.Skip("ALLSOURCE_ORACLE names no server to compare with")
	}
	conn, err := pgconn.Connect(context.Background(), fmt.Sprintf("postgres://allsource@%s/allsource?sslmode=disable", addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	v := conn.ParameterStatus("server_version")
	if !strings.HasPrefix(v, "15.") && !strings.HasPrefix(v, "18.") {
		t.Fatalf("the server is PostgreSQL %s, neither 15 nor 18", v)
	}
	return &oracle{conn: conn, later: strings.HasPrefix(v, "18.")}
}

// Run runs a script in the simple protocol.
func (o *oracle) Run(sql string) (slt.Answer, error) {
	results := o.conn.Exec(context.Background(), sql)
	var a slt.Answer
	for results.NextResult() {
		a = answerOf(results.ResultReader(), func(_ pgconn.FieldDescription, v []byte) string { return string(v) })
	}
	return a, results.Close()
}

// TestSLTElsewhere compares the corpus with PostgreSQL 15, its later part with 18, and with -record takes its answers: there is no other way to
// write them. Records that PostgreSQL does not run (skipif postgresql) stay as they are.
func TestSLTElsewhere(t *testing.T) {
	for _, path := range corpus(t, "*.slt", "later/*.slt") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".slt"), func(t *testing.T) {
			o := newOracle(t)
			if o.later != strings.Contains(path, "/later/") {
				t.Skip("another version of PostgreSQL answers this file")
			}
			lines := dataLines(t)
			setup := oracleSetup
			if o.later {
				setup = "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public; " + setup
			}
			for n := 0; n < len(lines); n += 50 {
				setup += "; " + insertOf(t, lines[n:min(n+50, len(lines))])
			}
			if _, err := o.Run(setup); err != nil {
				t.Fatal(err)
			}
			f := readFile(t, path)
			p := &slt.Player{Name: "postgresql", Conn: o, Plain: true}
			if !*record {
				p.After = func(_ *slt.Record, wrong error) error {
					if wrong != nil {
						t.Error(wrong)
					}
					return nil
				}
				if _, _, err := p.Play(f); err != nil {
					t.Error(err)
				}
				return
			}
			for _, r := range f.Records {
				if r.Kind == slt.Halt || !r.RunsOn(p.Name) {
					continue
				}
				if err := p.Record(r); err != nil {
					t.Fatal(errors.Join(fmt.Errorf("%s:%d", path, r.Line), err))
				}
			}
			if err := os.WriteFile(path, []byte(f.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
