package tidy

import (
	"go/ast"
	"go/token"
	"testing"
)

const (
	longestFile     = 600
	longestFunction = 70
	longestFlatCase = 8
)

// tooLong are the places that are longer, each with what makes it so.
var tooLong = []exception{}

func TestFileSizes(t *testing.T) {
	ok := allow(only(tooLong, "file"))
	repository(t).product(func(g *goFile) {
		if g.lines > longestFile && !ok.has("file", g.path) {
			t.Errorf("%s has %d lines, more than %d: split it by noun", g.path, g.lines, longestFile)
		}
	})
	ok.finish(t)
}

// TestFunctionSizes measures what one must hold in the head: tables and flat switches inside a function do not count,
// function literals inside a table count for themselves.
func TestFunctionSizes(t *testing.T) {
	tr := repository(t)
	ok := allow(only(tooLong, "function"))
	tr.product(func(g *goFile) {
		ast.Inspect(g.ast, func(n ast.Node) bool {
			var body *ast.BlockStmt
			name := ""
			switch f := n.(type) {
			case *ast.FuncDecl:
				body, name = f.Body, functionName(f)
			case *ast.FuncLit:
				body, name = f.Body, "a function literal"
			default:
				return true
			}
			if body == nil {
				return true
			}
			lines := spanOf(tr.fset, n) - flatLines(tr.fset, body)
			if lines > longestFunction && !ok.has("function", g.path+" "+name) {
				t.Errorf("%s: %s has %d lines, more than %d: what is it made of?", tr.fset.Position(n.Pos()), name, lines, longestFunction)
			}
			return true
		})
	})
	ok.finish(t)
}

func only(rows []exception, rule string) []exception {
	var out []exception
	for _, r := range rows {
		if r.rule == rule {
			out = append(out, r)
		}
	}
	return out
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	recv := f.Recv.List[0].Type
	for {
		switch r := recv.(type) {
		case *ast.StarExpr:
			recv = r.X
		case *ast.IndexExpr:
			recv = r.X
		case *ast.IndexListExpr:
			recv = r.X
		case *ast.Ident:
			return r.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

func spanOf(fset *token.FileSet, n ast.Node) int {
	return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
}

// flatLines counts the lines inside a body that are read like a table: composite literals, and switches of short cases.
func flatLines(fset *token.FileSet, body *ast.BlockStmt) int {
	total := 0
	ast.Inspect(body, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.CompositeLit:
			total += spanOf(fset, s) - 1
			return false
		case *ast.SwitchStmt:
			if isFlat(fset, s.Body) {
				total += spanOf(fset, s) - 1
				return false
			}
		case *ast.TypeSwitchStmt:
			if isFlat(fset, s.Body) {
				total += spanOf(fset, s) - 1
				return false
			}
		}
		return true
	})
	return total
}

func isFlat(fset *token.FileSet, cases *ast.BlockStmt) bool {
	for _, c := range cases.List {
		if spanOf(fset, c) > longestFlatCase {
			return false
		}
	}
	return true
}
