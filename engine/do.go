package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// doStmt runs the code of DO. What the code does is one transaction with what is around it; a block with handlers has a savepoint.
func (s *Session) doStmt(ctx context.Context, st *syntax.Do) error {
	switch lang := strings.ToLower(st.Language); lang {
	case "", "plpgsql":
	case "sql", "c", "internal":
		return pgerr.New(pgerr.FeatureNotSupported, "language %q does not support inline code execution", lang)
	default:
		return pgerr.New(pgerr.UndefinedObject, "language %q does not exist", lang)
	}
	b, err := syntax.ParseCode(st.Code)
	if err != nil {
		return inCode(err, "compilation of PL/pgSQL function \"inline_code_block\"")
	}
	s.BeginImplicit()
	return (&code{s: s, text: st.Code}).block(ctx, b)
}

// inCode is an error without its place, which counts in the code and not in the statement, and with where it came about instead.
func inCode(err error, where string) error {
	e := *pgerr.From(err)
	e.Position = 0
	if e.Where != "" {
		where = e.Where + "\n" + where
	}
	e.Where = where
	return &e
}

// code is what DO runs.
type code struct {
	s      *Session
	text   string
	caught *pgerr.Error // what the handler that runs is for
}

func (c *code) block(ctx context.Context, b *syntax.Block) error {
	if b.Handlers == nil {
		return c.all(ctx, b.Body)
	}
	codes := make([][]pgerr.Code, len(b.Handlers))
	for i, h := range b.Handlers {
		for _, cond := range h.Conditions {
			code, err := codeOf(cond)
			if err != nil {
				return inCode(err, "compilation of PL/pgSQL function \"inline_code_block\" near line "+fmt.Sprint(c.line(cond.Pos)))
			}
			codes[i] = append(codes[i], code)
		}
	}
	s := c.s
	i := len(s.tx.saves)
	s.save("")
	err := c.all(ctx, b.Body)
	if err == nil {
		s.tx.saves = s.tx.saves[:i]
		return nil
	}
	e := pgerr.From(explainError(ctx, err))
	for k, h := range b.Handlers {
		if ctx.Err() != nil || !covers(codes[k], e.Code) {
			continue
		}
		s.backTo(i)
		s.tx.saves = s.tx.saves[:i]
		before := c.caught
		c.caught = e
		defer func() { c.caught = before }()
		return c.all(ctx, h.Body)
	}
	s.tx.saves = s.tx.saves[:i]
	return e
}

// others is the condition that covers all errors but that the client no longer wants an answer, and failed assertions.
const others pgerr.Code = "others"

func codeOf(c syntax.Condition) (pgerr.Code, error) {
	if c.SQLState != "" {
		return pgerr.Code(c.SQLState), nil
	}
	if c.Name == string(others) {
		return others, nil
	}
	code, ok := pgerr.Condition(c.Name)
	if !ok {
		return "", pgerr.New(pgerr.UndefinedObject, "unrecognized exception condition %q", c.Name)
	}
	return code, nil
}

func covers(codes []pgerr.Code, code pgerr.Code) bool {
	for _, c := range codes {
		if c == others && code != pgerr.QueryCanceled && code != "P0004" || c.Covers(code) {
			return true
		}
	}
	return false
}

func (c *code) line(pos int) int { return 1 + strings.Count(c.text[:pos], "\n") }

func (c *code) all(ctx context.Context, list []syntax.CodeStmt) error {
	for _, st := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.one(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

func (c *code) one(ctx context.Context, st syntax.CodeStmt) (err error) {
	what := ""
	switch st := st.(type) {
	case *syntax.Block:
		return c.block(ctx, st)
	case *syntax.CodeIf:
		for _, arm := range st.Arms {
			row, err := c.row(ctx, arm.When)
			if err != nil {
				return c.placed(ctx, err, st, "IF")
			}
			if row[0] != nil && *row[0] == "true" {
				return c.all(ctx, arm.Body)
			}
		}
		return c.all(ctx, st.Else)
	case *syntax.CodeSQL:
		what = "SQL statement"
		if st.Perform {
			what = "PERFORM"
		}
		if err = c.sql(ctx, st); err != nil {
			err = inCode(explainError(ctx, err), fmt.Sprintf("SQL statement \"%s\"", sqlText(st)))
		}
	case *syntax.CodeExecute:
		what, err = "EXECUTE", c.execute(ctx, st)
	case *syntax.CodeRaise:
		if st.Again && c.caught != nil {
			return c.caught // it has its place
		}
		what, err = "RAISE", c.raise(ctx, st)
	}
	return c.placed(ctx, err, st, what)
}

// placed is an error with the line of the statement that met it.
func (c *code) placed(ctx context.Context, err error, st syntax.CodeStmt, what string) error {
	if err == nil {
		return nil
	}
	return inCode(explainError(ctx, err), c.place(st, what))
}

func (c *code) place(st syntax.CodeStmt, what string) string {
	return fmt.Sprintf("PL/pgSQL function inline_code_block line %d at %s", c.line(st.Offset()), what)
}

// sqlText is the statement as it is executed.
func sqlText(st *syntax.CodeSQL) string {
	if st.Perform {
		return "SELECT" + st.SQL.Text[len("perform"):]
	}
	return st.SQL.Text
}

func (c *code) sql(ctx context.Context, st *syntax.CodeSQL) error {
	if _, ok := st.SQL.Stmt.(*syntax.Query); ok && !st.Perform {
		return pgerr.New(pgerr.SyntaxError, "query has no destination for result data").
			WithHint("If you want to discard the results of a SELECT, use PERFORM instead.")
	}
	return c.run(ctx, st.SQL, c.text, func(*vec.Batch) {})
}

// execute runs the statements in a text that the code makes.
func (c *code) execute(ctx context.Context, st *syntax.CodeExecute) error {
	row, err := c.row(ctx, st.Text)
	if err != nil {
		return err
	}
	if row[0] == nil {
		return pgerr.New(pgerr.NullValueNotAllowed, "query string argument of EXECUTE is null")
	}
	text := *row[0]
	list, err := syntax.Parse(text)
	for _, s := range list {
		if err == nil {
			err = c.run(ctx, s, text, func(*vec.Batch) {})
		}
	}
	return err
}

// row asks for one row of texts and booleans, as text.
func (c *code) row(ctx context.Context, st syntax.Statement) (row []*string, err error) {
	err = c.run(ctx, st, c.text, func(b *vec.Batch) {
		for _, v := range b.Cols {
			var text *string
			switch {
			case b.Len == 0 || v.Null(0):
			case v.Kind == vec.Bool:
				t := strconv.FormatBool(v.Bool(0))
				text = &t
			default:
				t := string(v.Bytes(0))
				text = &t
			}
			row = append(row, text)
		}
	})
	return row, err
}

// run executes one statement of SQL.
func (c *code) run(ctx context.Context, st syntax.Statement, script string, take func(*vec.Batch)) error {
	switch t := st.Stmt.(type) {
	case *syntax.Transaction:
		if t.Kind == syntax.Commit || t.Kind == syntax.Rollback {
			return pgerr.New("2D000", "invalid transaction termination")
		}
		return pgerr.New(pgerr.FeatureNotSupported, "unsupported transaction command in PL/pgSQL")
	case *syntax.Copy:
		return pgerr.New(pgerr.FeatureNotSupported, "cannot COPY to/from client in PL/pgSQL")
	}
	if st.NumParams > 0 {
		return pgerr.New(pgerr.UndefinedParameter, "there is no parameter $1")
	}
	p, err := c.s.prepare(ctx, st, script, nil)
	if err != nil {
		return err
	}
	rows, err := rescued(func() (*Rows, error) { return c.s.execute(ctx, p, nil) })
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		b, err := rescued(rows.Next)
		if b == nil || err != nil {
			return err
		}
		take(b)
	}
}
