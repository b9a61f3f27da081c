package ddl

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// Maintain checks what VACUUM, ANALYZE, REINDEX and CLUSTER name: there is nothing else for them to do, since the store orders, compacts and counts rows by
// itself and writes an index with its rows.
func Maintain(ctx *Context, s syntax.Stmt) error {
	p := &planner{Context: ctx, cat: ctx.Bind.Catalog, out: &Change{}}
	switch s := s.(type) {
	case *syntax.Vacuum:
		return p.vacuum(s)
	case *syntax.Reindex:
		return p.reindex(s)
	case *syntax.Cluster:
		return p.cluster(s)
	}
	return nil
}

// The options of each statement.
var maintenanceOptions = map[string][]string{
	"VACUUM": {"verbose", "skip_locked", "buffer_usage_limit", "analyze", "freeze", "full", "disable_page_skipping", "index_cleanup", "process_main",
		"process_toast", "truncate", "parallel", "skip_database_stats", "only_database_stats"},
	"ANALYZE": {"verbose", "skip_locked", "buffer_usage_limit"},
	"REINDEX": {"verbose", "concurrently", "tablespace"},
	"CLUSTER": {"verbose"},
}

func (p *planner) knownOptions(what string, list []*syntax.Option) error {
	for _, o := range list {
		if !slices.Contains(maintenanceOptions[what], o.Name) {
			return p.errorIn(o, pgerr.SyntaxError, "unrecognized %s option %q", what, o.Name)
		}
	}
	return nil
}

func (p *planner) vacuum(s *syntax.Vacuum) error {
	if err := p.knownOptions(s.Tag(), s.Options); err != nil {
		return err
	}
	analyzes := s.Analyze || slices.ContainsFunc(s.Options, func(o *syntax.Option) bool { return o.Name == "analyze" })
	for _, t := range s.Tables {
		if len(t.Columns) > 0 && !analyzes {
			return pgerr.New(pgerr.FeatureNotSupported, "ANALYZE option must be specified when a column list is provided")
		}
		r, err := p.relation(t.Table.Name, nil)
		if err != nil {
			return err
		}
		for _, c := range t.Columns {
			if r.Column(c.Name) < 0 {
				return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", c.Name, r.Name)
			}
		}
	}
	return nil
}

func (p *planner) reindex(s *syntax.Reindex) error {
	if err := p.knownOptions("REINDEX", s.Options); err != nil {
		return err
	}
	switch s.Kind {
	case "INDEX":
		if p.isIndex(s.Name) {
			return nil
		}
		r, err := p.relation(s.Name, nil)
		if err == nil {
			err = pgerr.New(pgerr.WrongObjectType, "%q is not an index", r.Name)
		}
		return err
	case "TABLE":
		if p.isIndex(s.Name) {
			return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", s.Name.Last())
		}
		r, err := p.relation(s.Name, nil)
		if err == nil && r.Kind != catalog.Table && r.Kind != catalog.Materialized {
			err = pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", r.Name)
		}
		return err
	case "SCHEMA":
		if !p.cat.HasSchema(s.Name.Last()) {
			return pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", s.Name.Last())
		}
	default:
		if len(s.Name) > 0 && s.Name.Last() != p.cat.Database() {
			return pgerr.New(pgerr.FeatureNotSupported, "can only reindex the currently open database")
		}
	}
	return nil
}

// isIndex reports whether a name is that of an index.
func (p *planner) isIndex(n syntax.Name) bool {
	path := p.path()
	if q := n.Qualifier(); q != "" {
		path = []string{q}
	}
	return slices.ContainsFunc(path, func(schema string) bool { return p.indexNamed(schema, n.Last()) != nil })
}

func (p *planner) cluster(s *syntax.Cluster) error {
	if err := p.knownOptions("CLUSTER", s.Options); err != nil || s.Table == nil {
		return err
	}
	r, err := p.relation(s.Table, nil)
	if err != nil {
		return err
	}
	if s.Index == "" {
		return nil
	}
	if !slices.ContainsFunc(r.Indexes, func(ix catalog.Index) bool { return ix.Name == s.Index }) {
		return pgerr.New(pgerr.UndefinedObject, "index %q for table %q does not exist", s.Index, r.Name)
	}
	return nil
}
