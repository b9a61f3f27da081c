package syntax

import "strings"

// stmt reads one statement.
func (p *parser) stmt() Stmt {
	if p.tok.kind == '(' || p.atQuery() {
		return p.preparable()
	}
	if p.tok.class == notKeyword {
		p.unexpected()
	}
	if f, ok := statements[p.tok.text]; ok {
		return f(p)
	}
	if f, ok := definitions[p.tok.text]; ok {
		return f(p)
	}
	if tags, ok := unread[p.tok.text]; ok {
		return p.unsupported(tags)
	}
	p.unexpected()
	return nil
}

// statements are the rules by first word; filled in init because the rules refer back to it.
var statements, definitions map[string]func(*parser) Stmt

func init() {
	statements = map[string]func(*parser) Stmt{
		"insert": (*parser).preparable, "update": (*parser).preparable, "delete": (*parser).preparable,
		"merge": (*parser).preparable, "values": (*parser).preparable,
		"copy": (*parser).copy, "prepare": (*parser).prepare, "execute": (*parser).execute,
		"deallocate": (*parser).deallocate, "declare": (*parser).declare, "fetch": (*parser).fetch,
		"move": (*parser).fetch, "close": (*parser).closeCursor, "explain": (*parser).explain,
		"truncate": (*parser).truncate, "lock": (*parser).lock, "call": (*parser).callStmt,
		"begin": (*parser).begin, "start": (*parser).begin, "commit": (*parser).commit, "end": (*parser).commit,
		"rollback": (*parser).commit, "abort": (*parser).commit, "savepoint": (*parser).savepoint,
		"release": (*parser).release, "set": (*parser).set, "show": (*parser).show, "reset": (*parser).reset,
		"discard": (*parser).discard, "listen": (*parser).listen, "unlisten": (*parser).unlisten,
		"notify": (*parser).notify, "checkpoint": (*parser).checkpoint, "vacuum": (*parser).vacuum,
		"analyze": (*parser).vacuum, "analyse": (*parser).vacuum, "do": (*parser).do, "load": (*parser).load,
		"reindex": (*parser).reindex, "cluster": (*parser).cluster,
	}
	definitions = map[string]func(*parser) Stmt{
		"create": (*parser).create, "alter": (*parser).alter, "drop": (*parser).drop, "grant": (*parser).grant,
		"revoke": (*parser).grant, "comment": (*parser).comment, "refresh": (*parser).refresh,
	}
}

// unread are the statements that have no tree, by first word: the words that may follow it, longest first. An empty
// list takes anything.
var unread = map[string][]string{
	"reassign": {"owned"}, "security": {"label"}, "import": {"foreign schema"},
}

// objectKinds are the kinds of objects that CREATE, ALTER and DROP know and that have no tree here.
var objectKinds = []string{
	"access method", "aggregate", "cast", "collation", "conversion", "default conversion", "default privileges",
	"event trigger", "extension", "foreign data wrapper", "foreign table", "group", "language", "large object",
	"operator class", "operator family", "operator", "policy", "procedural language", "trusted procedural language",
	"trusted language", "publication", "routine", "rule", "server", "statistics", "subscription", "system",
	"tablespace", "text search configuration", "text search dictionary", "text search parser", "text search template",
	"transform", "trigger", "constraint trigger", "user mapping", "database", "domain", "function", "procedure",
	"index", "role", "schema", "type", "user", "view", "table", "sequence", "materialized view", "owned", "assertion",
}

// unsupported takes a statement unread if the words after the first are among kinds.
func (p *parser) unsupported(kinds []string) Stmt {
	u := &Unsupported{At: p.at(), Command: upper(p.word())}
	if kinds != nil {
		u.Command += " " + upper(p.objectKind(kinds))
	}
	p.skip(u)
	return u
}

// objectKind reads the longest of kinds that is at hand.
func (p *parser) objectKind(kinds []string) string {
	if u := p.acceptKind(kinds); u != "" {
		return u
	}
	p.unexpected()
	return ""
}

// acceptKind is objectKind, but "" if there is none.
func (p *parser) acceptKind(kinds []string) string {
	best, n := "", 0
	for _, k := range kinds {
		if ws := strings.Fields(k); len(ws) > n && p.follows(ws...) {
			best, n = k, len(ws)
		}
	}
	for range n {
		p.advance()
	}
	return best
}

// skip takes the rest of a statement, which ends at a semicolon outside of parentheses.
func (p *parser) skip(u *Unsupported) {
	for depth := 0; p.tok.kind != tEOF && (p.tok.kind != ';' || depth > 0); p.advance() {
		switch p.tok.kind {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			p.unexpected()
		}
	}
	u.Text = p.src[u.Pos:p.prevEnd]
}

// preparable reads what PREPARE and WITH take: a query or a change of data.
func (p *parser) preparable() Stmt {
	p.enter()
	defer p.leave()
	if !p.is("with") {
		return p.afterWith(nil)
	}
	return p.afterWith(p.with())
}

func (p *parser) afterWith(w *With) Stmt {
	switch {
	case p.is("insert"):
		return p.insert(w)
	case p.is("update"):
		return p.update(w)
	case p.is("delete"):
		return p.delete(w)
	case p.is("merge"):
		return p.merge(w)
	}
	q := p.queryAfter(w)
	return q
}

// queryAfter reads a query whose WITH was read already.
func (p *parser) queryAfter(w *With) *Query {
	if w == nil {
		return p.query()
	}
	q := p.setOps(p.queryOperand(), 0)
	p.addWith(q, w)
	q.At = w.At
	p.queryTail(q)
	return q
}
