package engine

import (
	"context"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// raise tells the client something, or fails.
func (c *code) raise(ctx context.Context, r *syntax.CodeRaise) error {
	if r.Again {
		return pgerr.New("0Z002", "RAISE without parameters cannot be used outside an exception handler")
	}
	var values []*string
	if r.Values != nil {
		var err error
		if values, err = c.row(ctx, *r.Values); err != nil {
			return err
		}
	}
	e := &pgerr.Error{Code: "P0001"}
	if err := raised(e, r, values[:r.Args]); err != nil {
		return err
	}
	for i, name := range r.Options {
		if err := raiseOption(e, name, values[r.Args+i]); err != nil {
			return err
		}
	}
	if r.Level == "exception" {
		return e
	}
	e.Severity = raiseLevels[r.Level]
	if e.Code == "P0001" {
		if e.Code = "00000"; e.Severity == pgerr.Warning {
			e.Code = "01000"
		}
	}
	e.Where = c.place(r, "RAISE")
	c.s.notice(e)
	return nil
}

var raiseLevels = map[string]pgerr.Severity{"debug": pgerr.Debug, "log": pgerr.Log, "info": pgerr.Info, "notice": pgerr.Notice, "warning": pgerr.Warning}

// raised fills in the message: the format with the arguments, or the condition's name.
func raised(e *pgerr.Error, r *syntax.CodeRaise, args []*string) error {
	if r.Error != nil {
		code, err := codeOf(*r.Error)
		if err != nil {
			return err
		}
		e.Code, e.Message = code, r.Error.Name
		if e.Message == "" {
			e.Message = r.Error.SQLState
		}
		return nil
	}
	parts := strings.Split(strings.ReplaceAll(r.Format, "%%", "\x00"), "%")
	switch n := len(parts) - 1; {
	case n > len(args):
		return pgerr.New(pgerr.SyntaxError, "too few parameters specified for RAISE")
	case n < len(args):
		return pgerr.New(pgerr.SyntaxError, "too many parameters specified for RAISE")
	}
	var out strings.Builder
	for i, part := range parts {
		if i > 0 {
			if v := args[i-1]; v != nil {
				out.WriteString(*v)
			} else {
				out.WriteString("<NULL>")
			}
		}
		out.WriteString(strings.ReplaceAll(part, "\x00", "%"))
	}
	e.Message = out.String()
	return nil
}

func raiseOption(e *pgerr.Error, name string, value *string) error {
	if value == nil {
		return pgerr.New(pgerr.NullValueNotAllowed, "RAISE statement option cannot be null")
	}
	switch name {
	case "message":
		e.Message = *value
	case "detail":
		e.Detail = *value
	case "hint":
		e.Hint = *value
	case "errcode":
		cond := syntax.Condition{Name: strings.ToLower(*value)}
		if len(*value) == 5 && strings.Trim(*value, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			cond = syntax.Condition{SQLState: *value}
		}
		code, err := codeOf(cond)
		if err != nil {
			return err
		}
		e.Code = code
	case "schema":
		e.About.Schema = *value
	case "table":
		e.About.Table = *value
	case "column":
		e.About.Column = *value
	case "constraint":
		e.About.Constraint = *value
	case "datatype":
		e.About.DataType = *value
	default:
		return pgerr.New(pgerr.SyntaxError, "unrecognized RAISE statement option").WithDetail("The option is called %q.", name)
	}
	return nil
}
