package difftest

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// node is a piece of SQL: texts around pieces below it. What the minimiser may do with it, it says itself.
type node struct {
	texts []string // one more than kids
	kids  []*node
	sep   string // where set, the kids are a list with this between them, and all but one of them may go

	typ   datum.OID // of an expression; the piece may be replaced by another of its type
	loose bool      // the piece may go
	fixed bool      // the piece stays as it is
	from  *node     // the FROM under which an expression stands
}

// place stands for a piece in the text around it. SQL has no use for it.
const place = "¤"

// piece makes a node of a text in which each place stands for the next piece below.
func piece(format string, kids ...*node) *node {
	texts := strings.Split(format, place)
	if len(texts) != len(kids)+1 {
		panic("difftest: " + format + " has another number of places than pieces")
	}
	return &node{texts: texts, kids: kids}
}

// word is a piece without places.
func word(text string) *node { return &node{texts: []string{text}} }

func list(sep string, kids []*node) *node { return &node{sep: sep, kids: kids} }

// clause is a piece that may be left out.
func clause(format string, kids ...*node) *node {
	n := piece(format, kids...)
	n.loose = true
	return n
}

func (n *node) of(typ datum.OID) *node {
	n.typ = typ
	return n
}

func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	if n.sep != "" {
		for i, kid := range n.kids {
			if i > 0 {
				b.WriteString(n.sep)
			}
			kid.write(b)
		}
		return
	}
	for i, kid := range n.kids {
		b.WriteString(n.texts[i])
		kid.write(b)
	}
	b.WriteString(n.texts[len(n.kids)])
}

// each visits the node and all below it, upper ones first.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, kid := range n.kids {
		kid.each(visit)
	}
}

func (n *node) size() (total int) {
	n.each(func(*node) { total++ })
	return total
}
