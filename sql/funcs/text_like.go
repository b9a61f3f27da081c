package funcs

import (
	"bytes"
	"math/bits"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

func likeOperators() []Func {
	var out []Func
	for _, op := range []struct {
		name      string
		not, fold bool
		text      datum.OID
		nam       datum.OID
		bpchar    datum.OID
		bytea     datum.OID
		doc       string
	}{
		{"~~", false, false, 1209, 1207, 1211, 2016, "LIKE"}, {"!~~", true, false, 1210, 1208, 1212, 2017, "NOT LIKE"},
		{"~~*", false, true, 1627, 1625, 1629, 0, "ILIKE"}, {"!~~*", true, true, 1628, 1626, 1630, 0, "NOT ILIKE"},
	} {
		body := likeBody(op.not, op.fold, false)
		out = append(out, textRow(op.text, op.name, "tt", "b", op.doc, body), textRow(op.nam, op.name, "nt", "b", op.doc, body), textRow(op.bpchar, op.name, "pt", "b", op.doc, body))
		if op.bytea != 0 {
			out = append(out, textRow(op.bytea, op.name, "yy", "b", op.doc, likeBody(op.not, false, true)))
		}
	}
	return append(out, textRow(3877, "^@", "tt", "b", "whether the first starts with the second", textBool(hasPrefix)))
}

func likeFuncs() []Func {
	like, not := likeBody(false, false, false), likeBody(true, false, false)
	return []Func{
		textRow(1569, "like", "tt", "b", "LIKE", like), textRow(1571, "like", "nt", "b", "LIKE", like), textRow(2007, "like", "yy", "b", "LIKE", likeBody(false, false, true)),
		textRow(1570, "notlike", "tt", "b", "NOT LIKE", not), textRow(1572, "notlike", "nt", "b", "NOT LIKE", not), textRow(2008, "notlike", "yy", "b", "NOT LIKE", likeBody(true, false, true)),
		textRow(850, "textlike", "tt", "b", "LIKE", like), textRow(851, "textnlike", "tt", "b", "NOT LIKE", not),
		textRow(1633, "texticlike", "tt", "b", "ILIKE", likeBody(false, true, false)), textRow(1634, "texticnlike", "tt", "b", "NOT ILIKE", likeBody(true, true, false)),
		textRow(1637, "like_escape", "tt", "t", "LIKE pattern with a backslash for the given escape character", textBody(likeEscape)),
		textRow(2009, "like_escape", "yy", "y", "LIKE pattern with a backslash for the given escape character", textBody(likeEscape)),
	}
}

// likeEscape puts the backslash in place of another escape character; no escape character makes backslashes ordinary.
func likeEscape(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	p, esc := a[0].Bytes(i), a[1].Bytes(i)
	if charCount(esc) > 1 {
		return nil, errEscape
	}
	if string(esc) == `\` {
		return append(dst, p...), nil
	}
	for after := false; len(p) > 0; {
		_, w := utf8.DecodeRune(p)
		ch := p[:w]
		p = p[w:]
		switch {
		case bytes.Equal(ch, esc) && !after:
			dst, after = append(dst, '\\'), true
			continue
		case ch[0] == '\\' && !after:
			dst = append(dst, '\\', '\\')
		default:
			dst = append(dst, ch...)
		}
		after = false
	}
	return dst, nil
}

var (
	errEscape     = pgerr.New(pgerr.InvalidEscapeSequence, "invalid escape string").WithHint("Escape string must be empty or one character.")
	errLikeEscape = pgerr.New(pgerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")
)

// likeToken is one piece of a pattern: literal bytes, _ or %, or an escape character with nothing after it.
type likeToken struct {
	op  byte // 0 literal, '_', '%', '\\'
	lit []byte
}

// likePattern is a LIKE pattern made ready. Patterns of literals and % at the ends are searched for directly.
type likePattern struct {
	shape  byte // '=', '<' (prefix%), '>' (%suffix), '*' (%part%), 0 any other
	lit    []byte
	tokens []likeToken
	bytea  bool
}

func compileLike(p []byte, bytea bool) *likePattern {
	out := &likePattern{bytea: bytea}
	for k := 0; k < len(p); k++ {
		c := p[k]
		switch {
		case c == '%' || c == '_' || c == '\\' && k+1 == len(p):
			out.tokens = append(out.tokens, likeToken{op: c})
			continue
		case c == '\\':
			k++
			c = p[k]
		}
		if n := len(out.tokens); n > 0 && out.tokens[n-1].op == 0 {
			out.tokens[n-1].lit = append(out.tokens[n-1].lit, c)
		} else {
			out.tokens = append(out.tokens, likeToken{lit: []byte{c}})
		}
	}
	is := func(ops ...byte) bool {
		if len(ops) != len(out.tokens) {
			return false
		}
		for k, op := range ops {
			if out.tokens[k].op != op {
				return false
			}
			if op == 0 {
				out.lit = out.tokens[k].lit
			}
		}
		return true
	}
	switch {
	case is(), is(0):
		out.shape = '='
	case is(0, '%'):
		out.shape = '<'
	case is('%', 0):
		out.shape = '>'
	case is('%'), is('%', 0, '%'):
		out.shape = '*'
	}
	return out
}

func (p *likePattern) match(s []byte) (bool, error) {
	switch p.shape {
	case '=':
		return bytes.Equal(s, p.lit), nil
	case '<':
		return bytes.HasPrefix(s, p.lit), nil
	case '>':
		return bytes.HasSuffix(s, p.lit), nil
	case '*':
		return bytes.Contains(s, p.lit), nil
	}
	return p.general(s)
}

func (p *likePattern) charLen(s []byte) int {
	if p.bytea || s[0] < utf8.RuneSelf {
		return 1
	}
	_, w := utf8.DecodeRune(s)
	return w
}

// general matches token by token; after a mismatch the last % takes one character more.
func (p *likePattern) general(s []byte) (bool, error) {
	k, star, from := 0, -1, 0
	for at := 0; ; {
		if k == len(p.tokens) && at == len(s) {
			return true, nil
		}
		if k < len(p.tokens) {
			switch t := p.tokens[k]; {
			case t.op == '%':
				k++
				star, from = k, at
				continue
			case at == len(s):
				return false, nil
			case t.op == '\\':
				return false, errLikeEscape
			case t.op == '_':
				at += p.charLen(s[at:])
				k++
				continue
			case bytes.HasPrefix(s[at:], t.lit):
				at += len(t.lit)
				k++
				continue
			}
		}
		if star < 0 || from >= len(s) {
			return false, nil
		}
		from += p.charLen(s[from:])
		if star < len(p.tokens) && p.tokens[star].op == 0 {
			next := bytes.Index(s[from:], p.tokens[star].lit)
			if next < 0 {
				return false, nil
			}
			from += next
		}
		k, at = star, from
	}
}

// search matches all texts of a column at once; false if the pattern is not one that can be searched for.
func (p *likePattern) search(c *vec.Column) (vec.Bitmap, bool) {
	out, offsets := vec.NewBitmap(c.Len), c.Offsets[:c.Len+1]
	switch p.shape {
	case '=':
		vec.EqualText(out, offsets, c.Data, p.lit)
	case '<':
		vec.PrefixText(out, offsets, c.Data, p.lit)
	case '>':
		vec.SuffixText(out, offsets, c.Data, p.lit)
	case '*':
		vec.ContainsText(out, offsets, c.Data, p.lit)
	default:
		return out, p.searchPart(out, c)
	}
	return out, true
}

// searchPart searches for the longest literal of any other pattern, and matches the texts that have it.
func (p *likePattern) searchPart(out vec.Bitmap, c *vec.Column) bool {
	var longest []byte
	for _, t := range p.tokens {
		if t.op == '\\' {
			return false // an error, where matching comes so far
		}
		if len(t.lit) > len(longest) {
			longest = t.lit
		}
	}
	if len(longest) < 2 {
		return false
	}
	vec.ContainsText(out, c.Offsets[:c.Len+1], c.Data, longest)
	for w, word := range out {
		for ; word != 0; word &= word - 1 {
			i := w*64 + bits.TrailingZeros64(word)
			if i >= c.Len {
				break
			}
			ok, _ := p.general(c.Bytes(i))
			out.SetTo(i, ok)
		}
	}
	return true
}

// likeBody matches text with patterns; the pattern is made ready when it changes. One pattern for all texts is searched
// for in all of them at once.
func likeBody(not, fold, bytea bool) Body {
	rows := likeRows(not, fold, bytea)
	if fold {
		return rows
	}
	return perEntry(func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		s, pattern := args[0], args[1]
		if s.Codes != nil || !pattern.IsConst() || pattern.HasNulls() {
			return rows(c, args, n)
		}
		found, ok := compileLike(pattern.Bytes(0), bytea).search(s)
		if !ok {
			return rows(c, args, n)
		}
		if not {
			vec.Not(found, found)
		}
		return &vec.Column{Kind: vec.Bool, Len: n, Bits: found, Valid: s.Valid}, nil
	})
}

func likeRows(not, fold, bytea bool) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		var last, lower []byte
		var p *likePattern
		return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			s, pattern := a[0].Bytes(i), a[1].Bytes(i)
			if p == nil || !bytes.Equal(pattern, last) {
				last = pattern
				if fold {
					pattern = appendLower(nil, pattern)
				}
				p = compileLike(pattern, bytea)
			}
			if fold {
				lower = appendLower(lower[:0], s)
				s = lower
			}
			ok, err := p.match(s)
			b.AppendBool(ok != not)
			return err
		})(c, args, n)
	}
}
