package engine

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
)

// named is a prepared statement under a name.
type named struct {
	*Prepared
	text string
	at   time.Time
}

// Name says that the client has prepared a statement under a name of the protocol, or with nil that it has given it up. EXECUTE does not know these.
func (s *Session) Name(name string, p *Prepared) {
	if name == "" {
		return
	}
	if delete(s.protocol, name); p != nil {
		put(&s.protocol, name, named{p, p.text, s.engine.cfg.Now()})
	}
}

// Prepared lists the session's prepared statements.
func (v serverView) Prepared() (out []catalog.PreparedStatement) {
	for sql, list := range map[bool]map[string]named{true: v.s.prepared, false: v.s.protocol} {
		for name, p := range list {
			row := catalog.PreparedStatement{Name: name, Text: p.text, At: micros(p.at), SQL: sql, Types: []datum.OID{}}
			for _, t := range p.ParamTypes {
				row.Types = append(row.Types, datum.Public(t))
			}
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b catalog.PreparedStatement) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Cursors lists the session's cursors.
func (v serverView) Cursors() (out []catalog.OpenCursor) {
	for _, name := range slices.Sorted(maps.Keys(v.s.cursors)) {
		c := v.s.cursors[name]
		out = append(out, catalog.OpenCursor{Name: name, Text: c.text, Holdable: c.hold, Scrollable: c.seen != nil, At: micros(c.at)})
	}
	return out
}
