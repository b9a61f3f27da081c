package funcs

import "github.com/allsource-db/allsource/vec"

func regexpPlaces() []Func {
	count, like, sub, instr := regexpInt(regexpCount), rowwise(vec.Bool, regexpLike), rowwise(vec.Bytes, regexpSubstr), regexpInt(regexpInstr)
	return []Func{
		textRow(6254, "regexp_count", "tt", "i", "number of matches", count, "regexp_count('123456789012', '3')", "2"), textRow(6255, "regexp_count", "tti", "i", "number of matches from a position on", count), textRow(6256, "regexp_count", "ttit", "i", "number of matches from a position on", count),
		textRow(6263, "regexp_like", "tt", "b", "whether the regular expression matches", like), textRow(6264, "regexp_like", "ttt", "b", "whether the regular expression matches", like, "regexp_like('Hello World', 'world$', 'i')", "t"),
		textRow(6265, "regexp_substr", "tt", "t", "the match", sub), textRow(6266, "regexp_substr", "tti", "t", "the first match from a position on", sub), textRow(6267, "regexp_substr", "ttii", "t", "the nth match from a position on", sub),
		textRow(6268, "regexp_substr", "ttiit", "t", "the nth match from a position on", sub), textRow(6269, "regexp_substr", "ttiiti", "t", "the nth match from a position on, or a subexpression of it", sub, "regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i', 2)", "EF"),
		textRow(6257, "regexp_instr", "tt", "i", "position of the match, 0 if there is none", instr), textRow(6258, "regexp_instr", "tti", "i", "position of the first match from a position on", instr), textRow(6259, "regexp_instr", "ttii", "i", "position of the nth match", instr),
		textRow(6260, "regexp_instr", "ttiii", "i", "position of the nth match, or with 1 the position after it", instr), textRow(6261, "regexp_instr", "ttiiit", "i", "position of the nth match, or with 1 the position after it", instr),
		textRow(6262, "regexp_instr", "ttiiiti", "i", "position of the nth match or a subexpression of it", instr, "regexp_instr('ABCDEF', 'c(.)(..)', 1, 1, 0, 'i', 2)", "5"),
	}
}

func regexpInt(f func(c *Ctx, a []*vec.Column, i int) (int, error)) Body {
	return rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(c, a, i)
		b.AppendInt(int64(v))
		return err
	})
}

func regexpLike(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	re, _, err := regexpArgs(a, i, 2, "regexp_like")
	if err != nil {
		return err
	}
	found, err := re.match(c, a[0].Bytes(i))
	b.AppendBool(found)
	return err
}

func regexpCount(c *Ctx, a []*vec.Column, i int) (int, error) {
	s, from := a[0].Bytes(i), 0
	if len(a) > 2 {
		var err error
		if from, err = startOffset(s, a[2].Int(i)); err != nil {
			return 0, err
		}
	}
	re, _, err := regexpArgs(a, i, 3, "regexp_count")
	if err != nil {
		return 0, err
	}
	found, err := re.find(c, s, from, -1)
	return len(found), err
}

// place finds the nth match: args[2] is the start, args[3] which match, args[flags] the flags and the one after it the
// subexpression.
func place(c *Ctx, a []*vec.Column, i, flags int, name string) (s []byte, m []int, sub int, err error) {
	s, nth := a[0].Bytes(i), 1
	number := func(at int, what string, least int64) (v int64) {
		if at < len(a) && err == nil {
			if v = a[at].Int(i); v < least {
				err = badParameter(what, v)
			}
		}
		return max(v, least)
	}
	start := number(2, "start", 1)
	nth = int(number(3, "n", 1))
	if name == "regexp_instr" && len(a) > 4 && err == nil {
		if v := a[4].Int(i); v != 0 && v != 1 {
			err = badParameter("endoption", v)
		}
	}
	sub = int(number(flags+1, "subexpr", 0))
	if err != nil {
		return nil, nil, 0, err
	}
	from, err := startOffset(s, start)
	if err != nil {
		return nil, nil, 0, err
	}
	re, _, err := regexpArgs(a, i, flags, name)
	if err != nil {
		return nil, nil, 0, err
	}
	found, err := re.find(c, s, from, nth)
	if len(found) >= nth {
		m = found[nth-1]
	}
	return s, m, sub, err
}

func regexpSubstr(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	s, m, sub, err := place(c, a, i, 4, "regexp_substr")
	if err != nil {
		return err
	}
	if v, ok := group(s, m, sub); ok {
		b.AppendBytes(v)
	} else {
		b.AppendNull()
	}
	return nil
}

func regexpInstr(c *Ctx, a []*vec.Column, i int) (int, error) {
	s, m, sub, err := place(c, a, i, 5, "regexp_instr")
	if err != nil {
		return 0, err
	}
	if _, ok := group(s, m, sub); !ok {
		return 0, nil
	}
	end := 0
	if len(a) > 4 {
		end = int(a[4].Int(i))
	}
	return charCount(s[:m[2*sub+end]]) + 1, nil
}
