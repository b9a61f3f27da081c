package datum

import (
	"math"
	"strconv"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// PathOp says what a node of an SQL/JSON path does.
type PathOp uint8

// The nodes: values, operators over Left and Right, and steps of an accessor.
const (
	PathNull PathOp = iota
	PathTrue
	PathFalse
	PathString   // Text
	PathNumber   // Num
	PathVariable // Text
	PathRoot
	PathCurrent
	PathLast
	PathOr
	PathAnd
	PathNot
	PathIsUnknown
	PathExists
	PathEqual
	PathNotEqual
	PathLess
	PathGreater
	PathLessEqual
	PathGreaterEqual
	PathStartsWith
	PathLikeRegex // Left, Text is the pattern, Flags
	PathAdd
	PathSub
	PathMul
	PathDiv
	PathMod
	PathPlus
	PathMinus
	PathKey     // .Text
	PathAnyKey  // .*
	PathIndex   // [Subs]
	PathAnyElem // [*]
	PathAny     // .**{First to Last}
	PathFilter  // ?(Left)
	PathMethod  // .Text(Left)
)

// PathNode is a node of an SQL/JSON path; Next is the step that is applied to what it gives.
type PathNode struct {
	Op          PathOp
	Text, Flags string
	Num         decimal.Dec
	Left, Right *PathNode
	Subs        [][2]*PathNode // from and to, which is nil for a single element
	First, Last uint32         // levels of PathAny; PathDeepest is the last
	Next        *PathNode
	predicate   bool
}

// PathDeepest is the level "last" of PathAny.
const PathDeepest = math.MaxUint32

// Path is an SQL/JSON path.
type Path struct {
	Strict bool
	Root   *PathNode
}

var pathSymbols = map[PathOp]string{PathOr: "||", PathAnd: "&&", PathEqual: "==", PathNotEqual: "!=", PathLess: "<", PathGreater: ">",
	PathLessEqual: "<=", PathGreaterEqual: ">=", PathAdd: "+", PathSub: "-", PathMul: "*", PathDiv: "/", PathMod: "%", PathPlus: "+",
	PathMinus: "-", PathStartsWith: "starts with"}

// Symbol is how an operator is written.
func (o PathOp) Symbol() string { return pathSymbols[o] }

func (o PathOp) priority() int {
	switch o {
	case PathOr:
		return 0
	case PathAnd:
		return 1
	case PathEqual, PathNotEqual, PathLess, PathGreater, PathLessEqual, PathGreaterEqual, PathStartsWith:
		return 2
	case PathAdd, PathSub:
		return 3
	case PathMul, PathDiv, PathMod:
		return 4
	case PathPlus, PathMinus:
		return 5
	}
	return 6
}

// Append appends the path as it is shown.
func (p *Path) Append(dst []byte) []byte {
	if p.Strict {
		dst = append(dst, "strict "...)
	}
	return p.Root.append(dst, false, true)
}

func (n *PathNode) append(dst []byte, inKey, brackets bool) []byte {
	switch {
	case n.Op >= PathKey:
		dst = n.appendStep(dst, inKey)
	case n.Op >= PathOr:
		dst = n.appendOperator(dst, brackets)
	default:
		dst = n.appendValue(dst)
	}
	if n.Next != nil {
		dst = n.Next.append(dst, true, true)
	}
	return dst
}

func (n *PathNode) appendValue(dst []byte) []byte {
	switch n.Op {
	case PathNull:
		return append(dst, "null"...)
	case PathTrue:
		return append(dst, "true"...)
	case PathFalse:
		return append(dst, "false"...)
	case PathString:
		return jsonb.AppendQuoted(dst, []byte(n.Text))
	case PathVariable:
		return jsonb.AppendQuoted(append(dst, '$'), []byte(n.Text))
	case PathNumber:
		if n.Next != nil {
			return append(n.Num.AppendText(append(dst, '(')), ')')
		}
		return n.Num.AppendText(dst)
	case PathRoot:
		return append(dst, '$')
	case PathCurrent:
		return append(dst, '@')
	}
	return append(dst, "last"...)
}

// inner appends an operand, in brackets where it binds no tighter.
func (n *PathNode) inner(dst []byte, arg *PathNode) []byte {
	return arg.append(dst, false, arg.Op.priority() <= n.Op.priority())
}

func (n *PathNode) appendOperator(dst []byte, brackets bool) []byte {
	switch n.Op {
	case PathNot:
		return append(n.Left.append(append(dst, "!("...), false, false), ')')
	case PathIsUnknown:
		return append(n.Left.append(append(dst, '('), false, false), ") is unknown"...)
	case PathExists:
		return append(n.Left.append(append(dst, "exists ("...), false, false), ')')
	}
	if brackets {
		dst = append(dst, '(')
	}
	switch n.Op {
	case PathPlus, PathMinus:
		dst = n.inner(append(dst, n.Op.Symbol()...), n.Left)
	case PathLikeRegex:
		dst = append(n.inner(dst, n.Left), " like_regex "...)
		if dst = jsonb.AppendQuoted(dst, []byte(n.Text)); n.Flags != "" {
			dst = append(append(append(dst, " flag \""...), n.Flags...), '"')
		}
	default:
		dst = append(n.inner(dst, n.Left), ' ')
		dst = append(append(dst, n.Op.Symbol()...), ' ')
		dst = n.inner(dst, n.Right)
	}
	if brackets {
		dst = append(dst, ')')
	}
	return dst
}

func (n *PathNode) appendStep(dst []byte, inKey bool) []byte {
	dot := func() {
		if inKey {
			dst = append(dst, '.')
		}
	}
	switch n.Op {
	case PathKey:
		dot()
		return jsonb.AppendQuoted(dst, []byte(n.Text))
	case PathAnyKey:
		dot()
		return append(dst, '*')
	case PathAnyElem:
		return append(dst, "[*]"...)
	case PathIndex:
		dst = append(dst, '[')
		for k, s := range n.Subs {
			if k > 0 {
				dst = append(dst, ',')
			}
			if dst = s[0].append(dst, false, false); s[1] != nil {
				dst = s[1].append(append(dst, " to "...), false, false)
			}
		}
		return append(dst, ']')
	case PathAny:
		dot()
		return n.appendLevels(append(dst, "**"...))
	case PathFilter:
		return append(n.Left.append(append(dst, "?("...), false, false), ')')
	}
	dst = append(append(append(dst, '.'), n.Text...), '(')
	if n.Left != nil {
		dst = n.Left.append(dst, false, false)
	}
	return append(dst, ')')
}

func (n *PathNode) appendLevels(dst []byte) []byte {
	level := func(l uint32) {
		if l == PathDeepest {
			dst = append(dst, "last"...)
		} else {
			dst = strconv.AppendUint(dst, uint64(l), 10)
		}
	}
	if n.First == 0 && n.Last == PathDeepest {
		return dst
	}
	dst = append(dst, '{')
	level(n.First)
	if n.First != n.Last {
		dst = append(dst, " to "...)
		level(n.Last)
	}
	return append(dst, '}')
}

func pathError(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.SyntaxError, format, args...)
}
