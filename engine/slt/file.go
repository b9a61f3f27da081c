// Package slt reads and plays sqllogictest files: records of SQL with the answers that they must have, the format that
// SQLite's tests made public. It knows no engine: whoever plays a file brings a connection.
//
// A record is a block of lines, apart from the next by an empty one:
//
//	statement ok                     statement error [sqlstate]
//	INSERT INTO …                    SELECT 1/0
//
//	query IT rowsort [label]
//	SELECT n, s FROM …
//	----
//	1	one
//
// A query says the class of each column (I integer, R other number, T text, and here B boolean) and in which order its rows
// are compared: nosort as they come, rowsort sorted, valuesort all values by themselves sorted. The values of a row stand on one line with
// tabs between them (() is a row without columns) or, as in SQLite's files, each on its own; many values may stand as "30 values hashing to md5". Queries of
// one label must answer alike. `skipif name` and `onlyif name` before a record say who does not run it, `halt` ends the file,
// `hash-threshold` is read and means nothing here. Lines with # between records are comments.
//
// A query that only some can be asked, because it calls what others have not, may have the same question in plain SQL below it,
// behind a line ====. Who has it is asked both and gives the same answer twice; who has not is asked the second.
package slt

import (
	"fmt"
	"strings"
)

// Kind is what a record is.
type Kind int

// The kinds of records.
const (
	Statement Kind = iota
	Query
	Halt
)

// Record is one block of a file.
type Record struct {
	Line  int // where it starts, from 1
	Kind  Kind
	SQL   string
	Plain string // the same question in plain SQL, if SQL is not
	Fails bool   // it must be an error
	State string // the error's SQLSTATE; "" is any
	Types string // a query's column classes
	Sort  string
	Label string
	Want  []string // a query's answer, line by line
	Skip  []string // who does not run it
	Only  []string // who alone runs it, if any

	before []string // empty lines, comments and conditions above
}

// RunsOn reports whether the record is for the one who is called name.
func (r *Record) RunsOn(name string) bool {
	for _, s := range r.Skip {
		if strings.EqualFold(s, name) {
			return false
		}
	}
	for _, s := range r.Only {
		if !strings.EqualFold(s, name) {
			return false
		}
	}
	return true
}

// File is a parsed file.
type File struct {
	Name    string
	Records []*Record
	after   []string // lines behind the last record
}

// Parse reads a file; name is for messages.
func Parse(name, text string) (*File, error) {
	p := parser{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), file: &File{Name: name}}
	for {
		r, err := p.record()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, p.at, err)
		}
		if r == nil {
			return p.file, nil
		}
		p.file.Records = append(p.file.Records, r)
	}
}

type parser struct {
	lines []string
	at    int // lines read
	file  *File
}

func (p *parser) next() (string, bool) {
	if p.at == len(p.lines) {
		return "", false
	}
	p.at++
	return p.lines[p.at-1], true
}

// record reads the next record, nil at the end.
func (p *parser) record() (*Record, error) {
	r := &Record{}
	for {
		line, ok := p.next()
		if !ok {
			p.file.after = r.before
			return nil, nil
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#") || words[0] == "hash-threshold":
		case words[0] == "skipif" && len(words) > 1:
			r.Skip = append(r.Skip, words[1])
		case words[0] == "onlyif" && len(words) > 1:
			r.Only = append(r.Only, words[1])
		default:
			r.Line = p.at
			return r, p.body(r, words)
		}
		r.before = append(r.before, line)
	}
}

func (p *parser) body(r *Record, words []string) error {
	switch words[0] {
	case "halt":
		r.Kind = Halt
		return nil
	case "statement":
		return p.statement(r, words[1:])
	case "query":
		return p.query(r, words[1:])
	}
	return fmt.Errorf("no record starts with %q", words[0])
}

func (p *parser) statement(r *Record, words []string) error {
	switch {
	case len(words) == 1 && words[0] == "ok":
	case len(words) >= 1 && words[0] == "error":
		r.Fails = true
		r.State = strings.Join(words[1:], " ")
	default:
		return fmt.Errorf("a statement is ok or error, not %q", strings.Join(words, " "))
	}
	r.SQL, _ = p.sql()
	return nil
}

func (p *parser) query(r *Record, words []string) error {
	r.Kind, r.Sort = Query, "nosort"
	if len(words) > 0 && !isSort(words[0]) {
		r.Types, words = words[0], words[1:]
	}
	if len(words) > 0 {
		r.Sort, words = words[0], words[1:]
	}
	if len(words) > 0 {
		r.Label = words[0]
	}
	if !isSort(r.Sort) {
		return fmt.Errorf("%q is no order of rows", r.Sort)
	}
	sql, end := p.sql()
	r.SQL = sql
	if end == "====" {
		r.Plain, end = p.sql()
	}
	for end == "----" {
		line, ok := p.next()
		if !ok || line == "" {
			if ok {
				p.at-- // the empty line belongs to what follows
			}
			return nil
		}
		r.Want = append(r.Want, line)
	}
	return nil
}

func isSort(word string) bool { return word == "nosort" || word == "rowsort" || word == "valuesort" }

// sql reads lines up to an empty one, ---- or ====, and returns which it was.
func (p *parser) sql() (sql, end string) {
	var lines []string
	for {
		line, ok := p.next()
		switch {
		case !ok:
			return strings.Join(lines, "\n"), ""
		case line == "":
			p.at--
			return strings.Join(lines, "\n"), ""
		case line == "----" || line == "====":
			return strings.Join(lines, "\n"), line
		}
		lines = append(lines, line)
	}
}

// String writes the file as Parse reads it.
func (f *File) String() string {
	var w strings.Builder
	put := func(lines []string) {
		for _, l := range lines {
			w.WriteString(l + "\n")
		}
	}
	for _, r := range f.Records {
		put(r.before)
		switch {
		case r.Kind == Halt:
			put([]string{"halt"})
		case r.Kind == Query:
			head := []string{"query", r.Types, r.Sort, r.Label}
			put([]string{strings.Join(strings.Fields(strings.Join(head, " ")), " "), r.SQL})
			if r.Plain != "" {
				put([]string{"====", r.Plain})
			}
			put([]string{"----"})
			put(r.Want)
		case r.Fails:
			put([]string{strings.TrimSpace("statement error " + r.State), r.SQL})
		default:
			put([]string{"statement ok", r.SQL})
		}
	}
	put(f.after)
	return strings.TrimRight(w.String(), "\n") + "\n"
}
