package engine

import (
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
)

// sessionInfo answers what functions ask of the session that they run in (funcs.SessionInfo).
type sessionInfo struct {
	s       *Session
	catalog *catalog.Catalog
}

// info is about what the session sees now.
func (s *Session) info() sessionInfo { return sessionInfo{s, s.catalog()} }

// Database is current_database().
func (i sessionInfo) Database() string { return i.s.opts.Database }

// User is current_user.
func (i sessionInfo) User() string { return i.s.opts.User }

// SearchPath lists the schemas that are searched, or only those that search_path names.
func (i sessionInfo) SearchPath(implicit bool) []string {
	path := i.s.listedSchemas(i.s.path())
	if implicit && !slices.Contains(path, "pg_catalog") {
		path = slices.Insert(path, 0, "pg_catalog")
	}
	if t := i.s.temporary.schema; implicit && t != nil && !slices.Contains(path, t.Name) {
		path = slices.Insert(path, 0, t.Name)
	}
	return slices.DeleteFunc(path, func(name string) bool { return !i.catalog.HasSchema(name) })
}

// BackendPID is pg_backend_pid().
func (i sessionInfo) BackendPID() int32 { return i.s.pid }

// Changed reports whether the transaction has something to commit.
func (i sessionInfo) Changed() bool {
	return i.s.tx.work.changed() || len(i.s.tx.held.events) > 0
}

// BlockedBy is pg_blocking_pids().
func (i sessionInfo) BlockedBy(pid int32) []int32 {
	for _, w := range i.s.engine.lockManager(i.s.opts.Database).Waits() {
		if w.PID == pid {
			return w.Blockers
		}
	}
	return nil
}

// Setting is current_setting().
func (i sessionInfo) Setting(name string) (string, bool) { return i.s.vars.get(name) }

// SetSetting is set_config(). A statement outside of a block is a transaction by itself.
func (i sessionInfo) SetSetting(name, value string, local bool) error {
	i.s.vars.remember()
	return i.s.vars.set(name, value, local)
}

// CatalogName finds the name of a catalog object.
func (i sessionInfo) CatalogName(kind string, oid datum.OID) (schema, name string, ok bool) {
	c := i.catalog
	switch kind {
	case "pg_class":
		return className(c, oid)
	case "pg_namespace":
		for _, s := range c.Schemas() {
			if s.OID == oid {
				return "", s.Name, true
			}
		}
	case "pg_authid", "pg_roles":
		switch oid {
		case ownerOID:
			return "", "allsource", true
		case sessionRoleOID:
			return "", i.s.opts.User, true
		}
	case "pg_database":
		for k, n := range i.s.engine.Databases() {
			if firstDatabase+datum.OID(k) == oid {
				return "", n, true
			}
		}
	}
	return "", "", false
}

func className(c *catalog.Catalog, oid datum.OID) (schema, name string, ok bool) {
	if r := c.ByOID(oid); r != nil {
		return r.Schema, r.Name, true
	}
	for _, r := range c.Relations() {
		for _, ix := range r.Indexes {
			if ix.OID == oid {
				return r.Schema, ix.Name, true
			}
		}
	}
	return "", "", false
}

// CatalogOID finds the OID of a catalog object by name.
func (i sessionInfo) CatalogOID(kind, schema, name string) (datum.OID, bool) {
	c := i.catalog
	switch kind {
	case "pg_class":
		if r := c.Lookup(i.s.searchPath(), schema, name); r != nil {
			return r.OID, true
		}
		for _, r := range c.Relations() {
			for _, ix := range r.Indexes {
				if ix.Name == name && (schema == "" || schema == r.Schema) {
					return ix.OID, true
				}
			}
		}
	case "pg_namespace":
		for _, s := range c.Schemas() {
			if s.Name == name {
				return s.OID, true
			}
		}
	case "pg_authid", "pg_roles":
		switch {
		case name == "allsource":
			return ownerOID, true
		case name == i.s.opts.User:
			return sessionRoleOID, true
		}
	case "pg_database":
		for k, n := range i.s.engine.Databases() {
			if strings.EqualFold(n, name) {
				return firstDatabase + datum.OID(k), true
			}
		}
	}
	return 0, false
}
