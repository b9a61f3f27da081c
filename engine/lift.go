package engine

import (
	"context"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// lifted is a statement whose integers have become parameters, so that texts that differ in their values share a plan.
type lifted struct {
	text   string
	types  []datum.OID
	values []*vec.Column
}

// liftedFrom are the statements that are looked at, and notLifted the words of clauses in which an integer is more than a value.
var (
	liftedFrom = map[string]bool{"select": true, "insert": true, "update": true, "delete": true}
	notLifted  = map[string]bool{"order": true, "group": true, "over": true, "window": true, "partition": true, "cast": true}
	// listWords may stand before a parenthesis with values in it; behind other words these are arguments, or part of a type.
	listWords = map[string]bool{"values": true, "in": true, "where": true, "and": true, "or": true, "set": true}
)

// lift makes parameters of the integers that stand behind an operator, a comma or an opening parenthesis: there an integer is a value, and a parameter of its
// type is the same. It knows few characters and gives up at any other; ok is false then, and where there is no integer.
func lift(script string) (out lifted, ok bool) {
	var text strings.Builder
	var lists []bool         // of open parentheses: values are in it
	word, value := "", false // the last token: a word, or what a value may follow
	first := true
	for i := 0; i < len(script); {
		c, from := script[i], i
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			for i < len(script) && (isWordByte(script[i])) {
				i++
			}
			word, value = strings.ToLower(script[from:i]), false
			if notLifted[word] || first && !liftedFrom[word] || i < len(script) && (script[i] == '\'' || script[i] == '$') {
				return lifted{}, false
			}
			first = false
		case c >= '0' && c <= '9':
			for i < len(script) && script[i] >= '0' && script[i] <= '9' {
				i++
			}
			if i < len(script) && (isWordByte(script[i]) || script[i] == '.') || from > 0 && script[from-1] == '.' {
				return lifted{}, false
			}
			if value && (len(lists) == 0 || lists[len(lists)-1]) {
				n, err := strconv.ParseInt(script[from:i], 10, 64)
				if err != nil || n == 1<<31 { // which is an integer behind a minus, and a bigint elsewhere
					return lifted{}, false
				}
				out.add(n)
				text.WriteByte('$')
				text.WriteString(strconv.Itoa(len(out.values)))
				word, value = "", false
				continue
			}
			word, value = "", false
		case c == '\'' || c == '"':
			n := strings.IndexByte(script[i+1:], c)
			if n < 0 || strings.IndexByte(script[i+1:i+1+n], '\\') >= 0 {
				return lifted{}, false
			}
			i += n + 2
			word, value = "", false
		case c == '(':
			lists = append(lists, listWords[word] || word == "" && (len(lists) == 0 || lists[len(lists)-1]))
			word, value = "", true
			i++
		case c == ')' && len(lists) > 0:
			lists = lists[:len(lists)-1]
			word, value = "", false
			i++
		case c == ';' && strings.TrimSpace(script[i:]) == ";":
			i = len(script)
		case c == ',' || strings.IndexByte("=<>+-*", c) >= 0 && !strings.HasPrefix(script[i:], "--"):
			word, value = "", true
			i++
		case c == '.':
			word, value = "", false
			i++
		default:
			return lifted{}, false
		}
		text.WriteString(script[from:i])
	}
	out.text = text.String()
	return out, len(out.values) > 0
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// add makes a parameter of the type that the integer has as a constant.
func (l *lifted) add(n int64) {
	typ := datum.Int8
	if n == int64(int32(n)) {
		typ = datum.Int4
	}
	b := vec.NewBuilder(datum.KindOf(typ), 1)
	b.AppendInt(n)
	l.types, l.values = append(l.types, typ), append(l.values, b.Finish())
}

// cachedLifted is cached for a statement with other values, which Prepare then finds in s.lifted.
func (s *Session) cachedLifted(script string) []syntax.Statement {
	s.lifted = nil
	if len(script) > maxPlanText {
		return nil
	}
	l, ok := lift(script)
	if !ok {
		return nil
	}
	s.lifted = &l
	p := s.engine.plans.get(s.planKey(l.text, l.types), s.logRows)
	if p == nil || p.prepared == nil {
		return nil
	}
	s.planned = p
	return p.stmts
}

// liftedPlan is the plan of the lifted statement with the values of this one, nil if s.planned is none.
func (s *Session) liftedPlan(st syntax.Statement, script string) *Prepared {
	p := s.planned
	if s.lifted == nil || p == nil || p.prepared == nil || p.key.text != s.lifted.text || p.stmts[0].Stmt != st.Stmt {
		return nil
	}
	out := *p.prepared
	out.text, out.ParamTypes, out.inner, out.given = strings.TrimRight(script, "; \t\r\n"), nil, p.prepared, s.lifted.values
	return &out
}

// keepLifted puts the plan of a lifted statement that came before into the cache. One that cannot be had so is remembered too.
func (s *Session) keepLifted(ctx context.Context, st syntax.Statement, types []datum.OID) {
	l := s.lifted
	if l == nil || len(types) > 0 || st.Stmt != s.whole {
		return
	}
	key := s.planKey(l.text, l.types)
	if s.engine.plans.has(key) || !s.engine.plans.wants(key) {
		return
	}
	kept := &cachedPlan{key: key, rows: s.logRows()}
	if stmts, err := syntax.Parse(l.text); err == nil && len(stmts) == 1 {
		p, err := s.prepare(ctx, stmts[0], l.text, l.types)
		if err == nil && p.tables && !readsComputed(p.node) && !p.changing && !p.moving && len(p.moments) == 0 && len(p.ParamTypes) == len(l.types) {
			kept.stmts, kept.prepared = stmts, p
		}
	}
	s.engine.plans.put(kept)
}
