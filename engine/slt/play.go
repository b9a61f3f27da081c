package slt

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Answer is what a statement gave. A nil value is null.
type Answer struct {
	Types string // the class of each column
	Rows  [][]*string
}

// Conn runs SQL. An error that a database reports has a method SQLState() string; any other ends the file.
type Conn interface {
	Run(sql string) (Answer, error)
}

// Player plays files.
type Player struct {
	Name string // whom skipif and onlyif mean
	Conn Conn
	// Plain is set for who is asked in plain SQL only.
	Plain bool
	// Public compares as SQLite's files were written: numbers without a fraction for I, with three digits for R.
	Public bool
	// After is called after each record that was played, with what is wrong with its answer or nil; an error ends the
	// file. May be nil.
	After func(r *Record, wrong error) error

	labels map[string]string
}

// Play plays a file to its end and returns how many records were played and how many of them answered wrongly.
func (p *Player) Play(f *File) (played, wrong int, err error) {
	clear(p.labels)
	for _, r := range f.Records {
		if !r.RunsOn(p.Name) {
			continue
		}
		if r.Kind == Halt {
			break
		}
		bad, err := p.Check(r)
		if err != nil {
			return played, wrong, fmt.Errorf("%s:%d: %w", f.Name, r.Line, err)
		}
		played++
		if bad != nil {
			bad = fmt.Errorf("%s:%d: %w", f.Name, r.Line, bad)
			wrong++
		}
		if p.After != nil {
			if err := p.After(r, bad); err != nil {
				return played, wrong, fmt.Errorf("%s:%d: %w", f.Name, r.Line, err)
			}
		}
	}
	return played, wrong, nil
}

// StateOf returns the SQLSTATE of an error that a database reported.
func StateOf(err error) (string, bool) {
	s, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return "", false
	}
	return s.SQLState(), true
}

// Check runs a record and says what is wrong with the answer; err is what ended the connection.
func (p *Player) Check(r *Record) (wrong, err error) {
	for _, sql := range p.questions(r) {
		if wrong, err = p.check(r, sql); err != nil {
			return nil, err
		}
		if wrong != nil {
			return fmt.Errorf("%w\n%s", wrong, sql), nil
		}
	}
	return nil, nil
}

// questions are what a record asks the player.
func (p *Player) questions(r *Record) []string {
	switch {
	case r.Plain == "":
		return []string{r.SQL}
	case p.Plain:
		return []string{r.Plain}
	}
	return []string{r.SQL, r.Plain}
}

func (p *Player) check(r *Record, sql string) (wrong, err error) {
	a, err := p.Conn.Run(sql)
	if err != nil {
		state, ok := StateOf(err)
		switch {
		case !ok:
			return nil, err
		case !r.Fails:
			return fmt.Errorf("fails with %s: %w", state, err), nil
		case r.State != "" && state != r.State:
			return fmt.Errorf("fails with %s: %w; expected %s", state, err, r.State), nil
		}
		return nil, nil
	}
	switch {
	case r.Fails:
		return fmt.Errorf("is answered; expected the error %s", r.State), nil
	case r.Kind == Query:
		return p.compare(r, a), nil
	}
	return nil, nil
}

func (p *Player) compare(r *Record, a Answer) error {
	if p.Public && len(a.Types) != len(r.Types) || !p.Public && a.Types != r.Types {
		return fmt.Errorf("has columns %s, expected %s", a.Types, r.Types)
	}
	rows := p.render(r, a)
	values := slices.Concat(rows...)
	if r.Sort == "valuesort" {
		slices.Sort(values)
	}
	sum := md5.Sum([]byte(strings.Join(values, "\n") + "\n"))
	hash := hex.EncodeToString(sum[:])
	if r.Label != "" {
		if first, ok := p.labels[r.Label]; ok && first != hash {
			return fmt.Errorf("answers otherwise than the first query with the label %s", r.Label)
		}
		if p.labels == nil {
			p.labels = map[string]string{}
		}
		p.labels[r.Label] = hash
	}
	if len(r.Want) == 1 && strings.Contains(r.Want[0], " values hashing to ") {
		if got := fmt.Sprintf("%d values hashing to %s", len(values), hash); got != r.Want[0] {
			return fmt.Errorf("gives %s, expected %s", got, r.Want[0])
		}
		return nil
	}
	got := values
	if len(a.Types) == 0 || len(a.Types) > 1 && slices.ContainsFunc(r.Want, func(l string) bool { return strings.Contains(l, "\t") }) {
		got = lines(rows)
	}
	if slices.Equal(got, r.Want) {
		return nil
	}
	return fmt.Errorf("gives\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(r.Want, "\n"))
}

// render prints the values and puts the rows in the record's order.
func (p *Player) render(r *Record, a Answer) [][]string {
	out := make([][]string, len(a.Rows))
	for i, row := range a.Rows {
		out[i] = make([]string, len(row))
		for k, v := range row {
			switch {
			case v == nil:
				out[i][k] = "NULL"
			case *v == "":
				out[i][k] = "(empty)"
			case p.Public:
				out[i][k] = publicValue(r.Types[k], *v)
			default:
				out[i][k] = escape.Replace(*v)
			}
		}
	}
	if r.Sort == "rowsort" {
		slices.SortStableFunc(out, slices.Compare)
	}
	return out
}

var escape = strings.NewReplacer("\\", `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)

// publicValue prints a value as SQLite's files have it.
func publicValue(class byte, v string) string {
	switch class {
	case 'I', 'R':
		switch v {
		case "t":
			v = "1"
		case "f":
			v = "0"
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return "0"
		}
		if class == 'R' {
			return strconv.FormatFloat(n, 'f', 3, 64)
		}
		if i := strings.IndexAny(v, ".eE"); i >= 0 {
			return strconv.FormatInt(int64(n), 10)
		}
		return v
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '@'
		}
		return r
	}, v)
}

// lines prints each row on a line, one without columns as ().
func lines(rows [][]string) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = strings.Join(row, "\t")
		if len(row) == 0 {
			out[i] = "()"
		}
	}
	return out
}

// Record takes the answer of a database that is right by definition into the record.
func (p *Player) Record(r *Record) error {
	a, err := p.Conn.Run(p.questions(r)[0])
	if err != nil {
		state, ok := StateOf(err)
		if !ok {
			return err
		}
		r.Kind, r.Fails, r.State, r.Want = Statement, true, state, nil
		return nil
	}
	r.Fails, r.State = false, ""
	if r.Kind == Statement && len(a.Types) == 0 {
		return nil
	}
	if r.Kind == Statement {
		r.Kind, r.Sort = Query, "rowsort"
	}
	r.Types = a.Types
	rows := p.render(r, a)
	r.Want = lines(rows)
	if r.Sort == "valuesort" {
		r.Want = slices.Sorted(slices.Values(slices.Concat(rows...)))
	}
	return nil
}
