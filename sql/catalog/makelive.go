package catalog

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
)

// Rows that the server knows: databases, roles, settings, sessions.

const superuserName = "allsource"

func databaseRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Databases(ctx)
	for _, d := range list {
		t.add(row{"oid": d.OID, "datname": d.Name, "datdba": d.Owner, "encoding": 6, "datlocprovider": "c", "datallowconn": true,
			"datconnlimit": -1, "dattablespace": defaultSpace, "datcollate": "C.UTF-8", "datctype": "C.UTF-8"})
	}
	return err
}

func roleRow(r Role) row {
	return row{"oid": r.OID, "rolname": r.Name, "rolsuper": r.Super, "rolinherit": true, "rolcreaterole": r.CreateRole,
		"rolcreatedb": r.CreateDB, "rolcanlogin": r.Login, "rolreplication": r.Super, "rolconnlimit": -1, "rolbypassrls": r.Super}
}

func authidRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Roles(ctx)
	for _, r := range list {
		t.add(roleRow(r))
	}
	return err
}

func rolesRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Roles(ctx)
	for _, r := range list {
		x := roleRow(r)
		x["rolpassword"] = "********"
		t.add(x)
	}
	return err
}

func userRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Roles(ctx)
	for _, r := range list {
		if r.Login {
			t.add(row{"usename": r.Name, "usesysid": r.OID, "usecreatedb": r.CreateDB, "usesuper": r.Super, "userepl": r.Super,
				"usebypassrls": r.Super, "passwd": "********"})
		}
	}
	return err
}

func memberRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Roles(ctx)
	for _, r := range list {
		for _, in := range r.MemberOf {
			t.add(row{"roleid": in, "member": r.OID, "grantor": superuser})
		}
	}
	return err
}

func settingRows(ctx context.Context, c *Context, t *rows) error {
	list, err := c.Server.Settings(ctx)
	for _, s := range list {
		r := row{"name": s.Name, "setting": s.Value, "category": s.Category, "short_desc": s.Doc, "context": s.Context,
			"vartype": s.Type, "source": s.Source, "boot_val": s.Default, "reset_val": s.Default, "pending_restart": false}
		if s.Unit != "" {
			r["unit"] = s.Unit
		}
		t.add(r)
	}
	return err
}

// moment is a time, null for none.
func moment(micros int64) any {
	if micros == 0 {
		return nil
	}
	return micros
}

func activityRows(ctx context.Context, c *Context, t *rows) error {
	dbs, err := c.Server.Databases(ctx)
	if err != nil {
		return err
	}
	roles, err := c.Server.Roles(ctx)
	if err != nil {
		return err
	}
	oidOf := func(name string, user bool) datum.OID {
		for _, d := range dbs {
			if !user && d.Name == name {
				return d.OID
			}
		}
		for _, r := range roles {
			if user && r.Name == name {
				return r.OID
			}
		}
		return 0
	}
	list, err := c.Server.Sessions(ctx)
	for _, s := range list {
		r := row{
			"datid": oidOf(s.Database, false), "datname": s.Database, "pid": s.PID, "usesysid": oidOf(s.User, true), "usename": s.User,
			"application_name": s.Application, "client_port": s.Port, "backend_start": moment(s.Started), "xact_start": moment(s.TxStarted),
			"query_start": moment(s.QueryStarted), "state_change": moment(s.StateChanged), "state": s.State, "query": s.Query,
			"backend_type": "client backend",
		}
		if s.Client != "" {
			r["client_addr"] = s.Client
		}
		switch {
		case s.WaitsFor != "":
			r["wait_event_type"], r["wait_event"] = "Lock", s.WaitsFor
		case s.State != "active":
			r["wait_event_type"], r["wait_event"] = "Client", "ClientRead"
		}
		t.add(r)
	}
	return err
}

func preparedRows(_ context.Context, c *Context, t *rows) error {
	for _, p := range c.Server.Prepared() {
		t.add(row{"name": p.Name, "statement": p.Text, "prepare_time": p.At, "parameter_types": p.Types, "from_sql": p.SQL})
	}
	return nil
}

func cursorRows(_ context.Context, c *Context, t *rows) error {
	for _, k := range c.Server.Cursors() {
		t.add(row{"name": k.Name, "statement": k.Text, "is_holdable": k.Holdable, "is_binary": false, "is_scrollable": k.Scrollable, "creation_time": k.At})
	}
	return nil
}

func lockRows(ctx context.Context, c *Context, t *rows) error {
	dbs, err := c.Server.Databases(ctx)
	if err != nil {
		return err
	}
	var here any
	for _, d := range dbs {
		if d.Name == c.Catalog.database {
			here = d.OID
		}
	}
	for _, l := range c.Server.Locks() {
		r := row{"database": here, "locktype": l.Type, "pid": l.PID, "mode": l.Mode, "granted": l.Granted, "fastpath": false}
		switch {
		case l.Relation != 0:
			r["relation"] = l.Relation
		case l.Type == "advisory" && l.Two:
			r["classid"], r["objid"], r["objsubid"] = l.Class, l.Object, 2
		case l.Type == "advisory":
			r["classid"], r["objid"], r["objsubid"] = l.Class, l.Object, 1
		default:
			r["objid"] = l.Object
		}
		t.add(r)
	}
	return nil
}

// userTableRows are pg_stat_user_tables and pg_statio_user_tables: nothing is counted.
func userTableRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if (r.Kind == Table || r.Kind == Materialized) && r.Schema != pgCatalog && r.Schema != infoSchema {
			t.add(row{"relid": r.OID, "schemaname": r.Schema, "relname": r.Name})
		}
	}
}

// userIndexRows are pg_stat_user_indexes and pg_statio_user_indexes.
func userIndexRows(c *Catalog, t *rows) {
	for _, r := range c.relations {
		if r.Schema == pgCatalog || r.Schema == infoSchema {
			continue
		}
		for i := range r.Indexes {
			t.add(row{"relid": r.OID, "indexrelid": r.Indexes[i].OID, "schemaname": r.Schema, "relname": r.Name, "indexrelname": r.Indexes[i].Name})
		}
	}
}
