package funcs

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// areCache keeps translated patterns between calls; it is emptied when full.
var areCache = struct {
	sync.RWMutex
	m map[areKey]*are
}{m: map[areKey]*are{}}

type areKey struct {
	pattern string
	flags   areFlags
}

func cachedARE(pattern []byte, flags areFlags) (*are, error) {
	flags.global = false
	areCache.RLock()
	re, ok := areCache.m[areKey{string(pattern), flags}]
	areCache.RUnlock()
	if ok {
		return re, nil
	}
	key := areKey{string(pattern), flags}
	re, err := compileARE(key.pattern, flags)
	if err != nil {
		return nil, err
	}
	areCache.Lock()
	defer areCache.Unlock()
	if len(areCache.m) >= 256 {
		clear(areCache.m)
	}
	areCache.m[key] = re
	return re, nil
}

func parseFlags(s []byte) (f areFlags, err error) {
	for _, c := range string(s) {
		if c == 'g' {
			f.global = true
		} else if !f.set(c) {
			return f, pgerr.New(pgerr.InvalidParameterValue, `invalid regular expression option: "%c"`, c)
		}
	}
	return f, nil
}

// regexpArgs compiles args[1] with the flags of args[at], if there is such an argument; name refuses the option g.
func regexpArgs(a []*vec.Column, i, at int, name string) (re *are, flags areFlags, err error) {
	if at < len(a) {
		if flags, err = parseFlags(a[at].Bytes(i)); err != nil {
			return nil, flags, err
		}
	}
	if flags.global && name != "" {
		e := pgerr.New(pgerr.InvalidParameterValue, `%s() does not support the "global" option`, name)
		if name == "regexp_match" {
			e = e.WithHint("Use the regexp_matches function instead.")
		}
		return nil, flags, e
	}
	re, err = cachedARE(a[1].Bytes(i), flags)
	return re, flags, err
}

// matchSize is about how many bytes the places of a match take.
const matchSize = 64

// longText is the length up to which a text is searched without asking for cancel.
const longText = 1 << 16

// may reports whether the translation matches, which it does where the pattern does.
func (r *are) may(c *Ctx, s []byte) (bool, error) {
	if len(s) <= longText {
		return r.re.Match(s), nil
	}
	in := &runes{c: c, s: s}
	found := r.re.MatchReader(in)
	return found, in.err
}

// runes reads a text until the statement is canceled.
type runes struct {
	c   *Ctx
	s   []byte
	at  int
	n   int
	err error
}

func (r *runes) ReadRune() (rune, int, error) {
	if r.n++; r.n%4096 == 0 {
		r.err = r.c.canceled()
	}
	if r.at == len(r.s) || r.err != nil {
		return 0, 0, io.EOF
	}
	c, w := utf8.DecodeRune(r.s[r.at:])
	r.at += w
	return c, w, nil
}

// match reports whether there is a match in s.
func (r *are) match(c *Ctx, s []byte) (bool, error) {
	if found, err := r.may(c, s); err != nil || !found || !r.relaxed {
		return found, err
	}
	m, err := r.matcher(c, s)
	if err != nil {
		return false, err
	}
	defer m.done()
	m.any = true
	found, err := m.next(0)
	return found != nil, err
}

// first is the first match in s, nil if there is none.
func (r *are) first(c *Ctx, s []byte) ([]int, error) {
	if r.exact && len(s) <= longText {
		return r.re.FindSubmatchIndex(s), nil
	}
	found, err := r.find(c, s, 0, 1)
	if len(found) == 0 {
		return nil, err
	}
	return found[0], err
}

// find lists the matches in s that begin at from or later, at most limit unless that is negative. An empty match may follow
// right upon another match.
func (r *are) find(c *Ctx, s []byte, from, limit int) ([][]int, error) {
	most := c.room() / matchSize
	if limit < 0 || limit > most {
		limit = most + 1
	}
	var found [][]int
	if r.exact && from == 0 && (!r.empty || limit == 1) && len(s) <= longText {
		found = r.re.FindAllSubmatchIndex(s, limit)
	} else {
		if may, err := r.may(c, s); err != nil || !may {
			return nil, err
		}
		m, err := r.matcher(c, s)
		if err != nil {
			return nil, err
		}
		defer m.done()
		for from <= len(s) && len(found) < limit {
			next, err := m.next(from)
			if err != nil {
				return nil, err
			}
			if next == nil {
				break
			}
			found = append(found, next)
			if from = next[1]; next[0] == from {
				_, w := utf8.DecodeRune(s[from:])
				from += max(w, 1)
			}
		}
	}
	if len(found) > most {
		return nil, c.full()
	}
	return found, nil
}

// group is subexpression g of a match; false if it took no part.
func group(s []byte, m []int, g int) ([]byte, bool) {
	if 2*g >= len(m) || m[2*g] < 0 {
		return nil, false
	}
	return s[m[2*g]:m[2*g+1]], true
}

func regexpOperators() []Func {
	var out []Func
	for _, op := range []struct {
		name      string
		not, fold bool
		oids      [3]datum.OID
		doc       string
	}{
		{"~", false, false, [3]datum.OID{641, 639, 1055}, "whether the regular expression matches"},
		{"!~", true, false, [3]datum.OID{642, 640, 1056}, "whether the regular expression does not match"},
		{"~*", false, true, [3]datum.OID{1228, 1226, 1234}, "whether the regular expression matches, whatever the case"},
		{"!~*", true, true, [3]datum.OID{1229, 1227, 1235}, "whether the regular expression does not match, whatever the case"},
	} {
		for k, left := range []string{"tt", "nt", "pt"} {
			out = append(out, textRow(op.oids[k], op.name, left, "b", op.doc, regexpTest(op.not, op.fold)))
		}
	}
	return out
}

// regexpTest matches; a pattern is looked up when it changes.
func regexpTest(not, fold bool) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		var last []byte
		var re *are
		return rowwise(vec.Bool, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) (err error) {
			if pattern := a[1].Bytes(i); re == nil || !bytes.Equal(last, pattern) {
				if re, err = cachedARE(pattern, areFlags{fold: fold}); err != nil {
					return err
				}
				last = pattern
			}
			found, err := re.match(c, a[0].Bytes(i))
			b.AppendBool(found != not)
			return err
		})(c, args, n)
	}
}

func regexpFuncs() []Func {
	replace, match, split := growing(regexpReplace), regexpMatch(), regexpSplitArray()
	set := func(f Func, body SetBody) Func {
		f.RetSet, f.SetBody = true, body
		return f
	}
	return []Func{
		textRow(1254, "textregexeq", "tt", "b", "whether the regular expression matches", regexpTest(false, false)), textRow(1256, "textregexne", "tt", "b", "whether the regular expression does not match", regexpTest(true, false)),
		textRow(1238, "texticregexeq", "tt", "b", "whether the regular expression matches, whatever the case", regexpTest(false, true)), textRow(1239, "texticregexne", "tt", "b", "whether the regular expression does not match, whatever the case", regexpTest(true, true)),
		textRow(2284, "regexp_replace", "ttt", "t", "with the first match replaced; \\1 to \\9 and \\& stand for what matched", replace, "regexp_replace('Thomas', '.[mN]a.', 'M')", "ThM"),
		textRow(2285, "regexp_replace", "tttt", "t", "with the first match replaced, all with the flag g", replace, "regexp_replace('aXbX', 'x', '-', 'gi')", "a-b-"),
		textRow(6253, "regexp_replace", "ttti", "t", "with the first match from a position on replaced", replace), textRow(6252, "regexp_replace", "tttii", "t", "with one match replaced, or all for 0", replace), textRow(6251, "regexp_replace", "tttiit", "t", "with one match replaced, or all for 0", replace),
		textRow(3396, "regexp_match", "tt", "a", "subexpressions of the first match, or the match", match, "regexp_match('foobarbequebaz', '(bar)(beque)')", "{bar,beque}"), textRow(3397, "regexp_match", "ttt", "a", "subexpressions of the first match, or the match", match),
		set(textRow(2763, "regexp_matches", "tt", "a", "subexpressions of the first match", nil), regexpMatches), set(textRow(2764, "regexp_matches", "ttt", "a", "subexpressions of the first match, of all with the flag g", nil), regexpMatches),
		textRow(2767, "regexp_split_to_array", "tt", "a", "parts between the matches", split, `regexp_split_to_array('hello world', '\s+')`, "{hello,world}"), textRow(2768, "regexp_split_to_array", "ttt", "a", "parts between the matches", split),
		set(textRow(2765, "regexp_split_to_table", "tt", "t", "parts between the matches, a row each", nil), regexpSplitTable), set(textRow(2766, "regexp_split_to_table", "ttt", "t", "parts between the matches, a row each", nil), regexpSplitTable),
		textRow(2073, "substring", "tt", "t", "the match, or its first subexpression", rowwise(vec.Bytes, regexpSubstring), "substring('Thomas' from '...$')", "mas"),
		textRow(2074, "substring", "ttt", "t", "the part of an SQL regular expression between the separators", rowwise(vec.Bytes, similarSubstring), `substring('foobar' similar '%#"o_b#"%' escape '#')`, "oob"),
		textRow(1986, "similar_to_escape", "tt", "t", "regular expression for a pattern of SIMILAR TO", textBody(similarEscape)), textRow(1987, "similar_to_escape", "t", "t", "regular expression for a pattern of SIMILAR TO", textBody(similarEscape), `similar_to_escape('a%')`, "^(?:a.*)$"),
	}
}

// regexpReplace is (text, pattern, with [, flags | start [, n [, flags]]]).
func regexpReplace(c *Ctx, dst []byte, a []*vec.Column, i int) ([]byte, error) {
	s, with, from, nth, flagsAt := a[0].Bytes(i), a[2].Bytes(i), 0, 1, 5
	var err error
	switch {
	case len(a) == 4 && a[3].Kind == vec.Bytes:
		flagsAt = 3
		if f := a[3].Bytes(i); len(f) > 0 && '0' <= f[0] && f[0] <= '9' {
			return nil, pgerr.New(pgerr.InvalidParameterValue, `invalid regular expression option: "%c"`, f[0]).
				WithHint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.")
		}
	case len(a) >= 4:
		if from, err = startOffset(s, a[3].Int(i)); err != nil {
			return nil, err
		}
	}
	if len(a) > 4 {
		if nth = int(a[4].Int(i)); nth < 0 {
			return nil, badParameter("n", a[4].Int(i))
		}
	}
	re, flags, err := regexpArgs(a, i, flagsAt, "")
	if err != nil {
		return nil, err
	}
	if flags.global && len(a) == 4 {
		nth = 0
	}
	limit := nth
	if nth == 0 {
		limit = -1
	}
	start, at := len(dst), 0
	found, err := re.find(c, s, from, limit)
	if err != nil {
		return nil, err
	}
	for k, m := range found {
		if nth > 0 && k+1 != nth {
			continue
		}
		dst = append(dst, s[at:m[0]]...)
		dst = appendReplacement(dst, with, s, m)
		if err := c.Allow(int64(len(dst) - start)); err != nil {
			return nil, err
		}
		at = m[1]
	}
	return append(dst, s[at:]...), nil
}

func appendReplacement(dst, with, s []byte, m []int) []byte {
	for k := 0; k < len(with); k++ {
		c := with[k]
		if c != '\\' || k+1 == len(with) {
			dst = append(dst, c)
			continue
		}
		switch d := with[k+1]; {
		case '1' <= d && d <= '9':
			g, _ := group(s, m, int(d-'0'))
			dst = append(dst, g...)
			k++
		case d == '&':
			dst = append(dst, s[m[0]:m[1]]...)
			k++
		case d == '\\':
			dst = append(dst, '\\')
			k++
		default:
			dst = append(dst, '\\')
		}
	}
	return dst
}

func badParameter(name string, v int64) error {
	return pgerr.New(pgerr.InvalidParameterValue, `invalid value for parameter "%s": %d`, name, v)
}

// startOffset is where the search begins for a start position. Beyond the position after the end there is no match, not even of
// nothing.
func startOffset(s []byte, start int64) (int, error) {
	if start <= 0 {
		return 0, badParameter("start", start)
	}
	at := charOffset(s, int(start-1))
	if at == len(s) && start-1 > int64(charCount(s)) {
		at++
	}
	return at, nil
}

// appendGroups appends the array of a match's subexpressions, of the match itself if it has none.
func appendGroups(b *vec.Builder, s []byte, m []int) {
	first := 1
	if len(m) == 2 {
		first = 0
	}
	for g := first; g < len(m)/2; g++ {
		if v, ok := group(s, m, g); ok {
			b.Elem().AppendBytes(v)
		} else {
			b.Elem().AppendNull()
		}
	}
	b.AppendList()
}

func regexpMatch() Body {
	return textLists(func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		re, _, err := regexpArgs(a, i, 2, "regexp_match")
		if err != nil {
			return err
		}
		m, err := re.first(c, a[0].Bytes(i))
		if m != nil {
			appendGroups(b, a[0].Bytes(i), m)
		} else {
			b.AppendNull()
		}
		return err
	})
}

func regexpSplitArray() Body {
	return textLists(func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		err := regexpSplit(c, a, i, "regexp_split_to_array", b.Elem().AppendBytes)
		b.AppendList()
		return err
	})
}

// textLists makes the body of a strict function that returns text arrays.
func textLists(f func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewListBuilder(vec.Bytes, n)
	row:
		for i := range n {
			for _, a := range args {
				if a.Null(i) {
					b.AppendNull()
					continue row
				}
			}
			if err := f(c, b, args, i); err != nil {
				return nil, err
			}
			if err := c.Made(b, i); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	}
}

func regexpMatches(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
	re, flags, err := regexpArgs(a, i, 2, "")
	if err != nil {
		return nil, err
	}
	limit := 1
	if flags.global {
		limit = -1
	}
	found, err := re.find(c, a[0].Bytes(i), 0, limit)
	if err != nil {
		return nil, err
	}
	b := vec.NewListBuilder(vec.Bytes, 4)
	for _, m := range found {
		appendGroups(b, a[0].Bytes(i), m)
	}
	return b.Finish(), nil
}

// regexpSplit gives the parts between the matches; empty matches at the ends and right after a match split nothing.
func regexpSplit(c *Ctx, a []*vec.Column, i int, name string, part func(s []byte)) error {
	re, _, err := regexpArgs(a, i, 2, name)
	if err != nil {
		return err
	}
	s, at := a[0].Bytes(i), 0
	found, err := re.find(c, s, 0, -1)
	if err != nil {
		return err
	}
	for _, m := range found {
		if m[0] < len(s) && m[1] > at {
			part(s[at:m[0]])
			at = m[1]
		}
	}
	part(s[at:])
	return nil
}

func regexpSplitTable(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, 4)
	err := regexpSplit(c, a, i, "regexp_split_to_table", b.AppendBytes)
	return b.Finish(), err
}

func regexpSubstring(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	re, _, err := regexpArgs(a, i, 2, "")
	if err != nil {
		return err
	}
	s := a[0].Bytes(i)
	m, err := re.first(c, s)
	if v, ok := group(s, m, min(1, re.groups)); ok {
		b.AppendBytes(v)
	} else {
		b.AppendNull()
	}
	return err
}

// similarParts translates a pattern of SIMILAR TO into regular expressions: one, or what stands before, between and after
// the separators, an escape character with a double quote.
func similarParts(pattern, esc []byte) ([]string, error) {
	if charCount(esc) > 1 {
		return nil, errEscape
	}
	escape, _ := utf8.DecodeRune(esc)
	var parts []string
	var b strings.Builder
	after, class := false, false
	for _, c := range string(pattern) {
		switch {
		case after && c == '"' && !class:
			if len(parts) == 2 {
				return nil, pgerr.New("2200C", "SQL regular expression may not contain more than two escape-double-quote separators")
			}
			parts = append(parts, b.String())
			b.Reset()
			after = false
		case after:
			b.WriteRune('\\')
			b.WriteRune(c)
			after = false
		case len(esc) > 0 && c == escape:
			after = true
		case class:
			if c == '\\' {
				b.WriteRune(c)
			}
			b.WriteRune(c)
			class = c != ']'
		default:
			class = c == '['
			b.WriteString(similarChar(c))
		}
	}
	return append(parts, b.String()), nil
}

func similarChar(c rune) string {
	switch c {
	case '%':
		return ".*"
	case '_':
		return "."
	case '(':
		return "(?:"
	case '\\', '.', '^', '$':
		return `\` + string(c)
	}
	return string(c)
}

func similarEscape(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	esc := []byte(`\`)
	if len(a) > 1 {
		esc = a[1].Bytes(i)
	}
	parts, err := similarParts(a[0].Bytes(i), esc)
	if err != nil {
		return nil, err
	}
	dst = append(append(dst, "^(?:"...), parts[0]...)
	for k, p := range parts[1:] {
		dst = append(append(dst, []string{"){1,1}?(", "){1,1}(?:"}[k]...), p...)
	}
	return append(dst, ")$"...), nil
}

// similarSubstring is substring(text SIMILAR pattern ESCAPE escape): the part before the first separator is the shortest
// possible.
func similarSubstring(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	parts, err := similarParts(a[1].Bytes(i), a[2].Bytes(i))
	if err != nil {
		return err
	}
	t := &areReader{marks: make([]areMark, 1)}
	t.out.WriteString(`\A(?:`)
	for k, p := range parts {
		if k == 1 {
			t.groups, t.marks, t.closed = 1, append(t.marks, areMark{kind: markGroup, n: 1}), []bool{false}
		}
		t.out.WriteString([]string{"", ")(", ")(?:"}[k])
		if t.s, t.at, t.force = []rune(p), 0, noPreference; k == 0 && len(parts) > 1 {
			t.force = shortest
		}
		if _, err := t.all(); err != nil {
			return err
		}
	}
	t.out.WriteString(`)\z`)
	re, err := t.finish(false)
	if err != nil {
		return err
	}
	re.exact = !re.relaxed // all of the text is taken, so no match is longer than another
	s := a[0].Bytes(i)
	m, err := re.first(c, s)
	if v, ok := group(s, m, re.groups); ok {
		b.AppendBytes(v)
	} else {
		b.AppendNull()
	}
	return err
}
