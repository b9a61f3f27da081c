package engine

import (
	"container/list"
	"context"
	"encoding/binary"
	"hash/maphash"
	"sync"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/syntax"
)

// planCache keeps what repeated statements were analysed to, for all sessions, so that a statement that comes again as text
// is neither parsed nor bound nor optimized again. A plan is right for one text under one catalog and the parameters that
// reading it depends on; moments, times and subqueries are evaluated by each execution. A statement is kept when it comes
// for the second time: texts that carry their values come once.
type planCache struct {
	mu    sync.Mutex
	plans map[planKey]*list.Element // of *cachedPlan
	used  list.List                 // the one used last in front
	bytes int
	seen  [1 << 12]uint64 // hashes of texts that came, by their last bits
	seed  maphash.Seed
}

// What the cache holds at most. A plan is taken to be so many times as large as its text, and no smaller than the least.
const (
	maxPlans      = 1000
	maxPlanBytes  = 16 << 20
	maxPlanText   = 16 << 10
	planOfText    = 20
	leastPlanSize = 4 << 10
)

// planKey is what a plan depends on.
type planKey struct {
	text     string
	types    string // of the parameters that the client gave types
	catalog  *catalog.Catalog
	settings string
}

// cachedPlan is never changed.
type cachedPlan struct {
	key      planKey
	stmts    []syntax.Statement
	prepared *Prepared
	rows     float64 // of the log when it was planned
	size     int
}

func newPlanCache() *planCache {
	return &planCache{plans: map[planKey]*list.Element{}, seed: maphash.MakeSeed()}
}

// get returns a plan, nil if there is none. A plan for a log that has become another size is not given.
func (c *planCache) get(k planKey, rows func() float64) *cachedPlan {
	c.mu.Lock()
	e := c.plans[k]
	if e != nil {
		c.used.MoveToFront(e)
	}
	c.mu.Unlock()
	if e == nil {
		return nil
	}
	p := e.Value.(*cachedPlan)
	if rows() > 2*p.rows+1000 {
		return nil
	}
	return p
}

// has reports whether there is an entry, of whatever age.
func (c *planCache) has(k planKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plans[k] != nil
}

// wants reports whether a text came before with parameters of the same types, and remembers that it came.
func (c *planCache) wants(k planKey) bool {
	if len(k.text) > maxPlanText {
		return false
	}
	h := maphash.String(c.seed, k.types+k.text)
	c.mu.Lock()
	defer c.mu.Unlock()
	slot := &c.seen[h%uint64(len(c.seen))]
	again := *slot == h
	*slot = h
	return again
}

// put keeps a plan in the place of what has not been used for long.
func (c *planCache) put(p *cachedPlan) {
	p.size = max(leastPlanSize, planOfText*len(p.key.text))
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.plans[p.key]; old != nil {
		c.drop(old)
	}
	c.plans[p.key] = c.used.PushFront(p)
	c.bytes += p.size
	for c.used.Len() > maxPlans || c.bytes > maxPlanBytes {
		c.drop(c.used.Back())
	}
}

func (c *planCache) drop(e *list.Element) {
	p := c.used.Remove(e).(*cachedPlan)
	delete(c.plans, p.key)
	c.bytes -= p.size
}

// planKey is the key of a text and the types of its parameters in this session.
func (s *Session) planKey(text string, types []datum.OID) planKey {
	given := make([]byte, 0, 4*len(types))
	for _, t := range types {
		given = binary.BigEndian.AppendUint32(given, uint32(t))
	}
	of := s.tx.present
	if of != nil && of.stated {
		return planKey{text, string(given), s.engine.catalogOfView(s.opts.Database, of.then), s.derive().planning}
	}
	return planKey{text, string(given), s.catalogAt(nil), s.derive().planning}
}

// planning lists the values of the parameters on which reading and planning a statement depends.
func (v *vars) planning() string {
	var out []byte
	for _, name := range []string{"search_path", "TimeZone", "DateStyle", "IntervalStyle", "bytea_output", "extra_float_digits", "optimizer_off"} {
		val, _ := v.get(name)
		out = append(append(out, val...), 0)
	}
	return string(out)
}

// cached returns the statements of a script whose plan is known, and remembers them for Prepare.
func (s *Session) cached(script string) []syntax.Statement {
	if len(script) > maxPlanText {
		return nil
	}
	s.planned = s.engine.plans.get(s.planKey(script, nil), s.logRows)
	if s.planned == nil {
		return nil
	}
	return s.planned.stmts
}

// planOf returns what a statement was analysed to before. Types of parameters are known only after the text was read.
func (s *Session) planOf(st syntax.Statement, script string, types []datum.OID) *Prepared {
	p := s.planned
	if len(types) > 0 && st.Stmt == s.whole && len(script) <= maxPlanText {
		p = s.engine.plans.get(s.planKey(script, types), s.logRows)
	} else if len(types) > 0 || p != nil && p.stmts[0].Stmt != st.Stmt {
		p = nil
	}
	if p == nil {
		return nil
	}
	return p.prepared
}

// keepPlan puts a query that came before into the cache. It must be the whole script: positions count in that.
func (s *Session) keepPlan(st syntax.Statement, script string, types []datum.OID, p *Prepared) {
	if _, ok := st.Stmt.(*syntax.Query); !ok && !p.locks || p.changing || st.Stmt != s.whole {
		return
	}
	if key := s.planKey(script, types); s.engine.plans.wants(key) {
		s.engine.plans.put(&cachedPlan{key: key, stmts: []syntax.Statement{st}, prepared: p, rows: s.logRows()})
	}
}

func (s *Session) logRows() float64 {
	return logStats{log: s.log.Log, ctx: context.Background}.Rows("")
}
