package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage/segment"
)

// CopyDirection says whether a statement is a COPY.
type CopyDirection uint8

// The directions.
const (
	NoCopy CopyDirection = iota
	CopyFrom
	CopyTo
)

// copyFormat is how the rows of a COPY are written (PostgreSQL documentation, COPY), or our own: ndjson, one JSON object a line.
type copyFormat uint8

const (
	formatText copyFormat = iota
	formatCSV
	formatBinary
	formatNDJSON
)

// copyOptions are the options of one COPY, checked.
type copyOptions struct {
	format     copyFormat
	delimiter  byte
	null       string
	quote      byte
	escape     byte
	header     bool
	match      bool // HEADER MATCH
	forceQuote columnOption
	// Of COPY FROM:
	forceNull, forceNotNull columnOption
	mark                    string // DEFAULT: what stands for a column's default
	marked                  bool
	skipBad                 bool  // ON_ERROR: rows with values that cannot be read are left out
	limit                   int64 // REJECT_LIMIT, 0: none
	verbosity               string
	// Of ndjson:
	mapping    segment.Mapping
	asRecorded bool
	exact      bool // and position and version must be those of the line
	source     string
	offset     int64 // how far the client thinks that the source got, -1: not said
}

// columnOption is an option about columns: those that are named, or all.
type columnOption struct {
	all   bool
	names []string
}

func (o *columnOption) has(name string) bool { return o.all || slices.Contains(o.names, name) }

// parseCopyOptions reads the options of a COPY that stands in script.
func parseCopyOptions(list []*syntax.Option, script string, from bool) (copyOptions, error) {
	o := copyOptions{offset: -1}
	at := func(e *pgerr.Error, op *syntax.Option) error { return e.At(syntax.CharPosition(script, op.Offset())) }
	seen := map[string]*syntax.Option{}
	for _, op := range list {
		if seen[op.Name] != nil {
			return o, at(pgerr.New(pgerr.SyntaxError, "conflicting or redundant options"), op)
		}
		seen[op.Name] = op
	}
	if op := seen["format"]; op != nil {
		format, ok := map[string]copyFormat{"text": formatText, "csv": formatCSV, "binary": formatBinary, "ndjson": formatNDJSON}[strings.ToLower(op.Text)]
		if o.format = format; !ok {
			return o, at(pgerr.New(pgerr.InvalidParameterValue, "COPY format %q not recognized", op.Text), op)
		}
	}
	o.delimiter, o.null, o.quote = '\t', `\N`, '"'
	if o.format == formatCSV {
		o.delimiter, o.null = ',', ""
	}
	for _, op := range list {
		placed, err := o.apply(op, from)
		if err != nil && placed {
			err = at(pgerr.From(err), op)
		}
		if err != nil {
			return o, err
		}
	}
	if seen["escape"] == nil {
		o.escape = o.quote
	}
	return o, o.check(seen, from)
}

// apply reads one option; placed says that an error is one of its place.
func (o *copyOptions) apply(op *syntax.Option, from bool) (placed bool, err error) {
	switch op.Name {
	case "format", "freeze", "oids":
	case "delimiter", "quote", "escape":
		to := map[string]*byte{"delimiter": &o.delimiter, "quote": &o.quote, "escape": &o.escape}[op.Name]
		if op.Name != "delimiter" && o.format != formatCSV {
			return false, requiresCSV(op.Name)
		}
		*to, err = oneByte(op.Name, op.Text)
	case "null":
		o.null = op.Text
	case "default":
		o.mark, o.marked = op.Text, true
	case "header":
		err = o.setHeader(op, from)
	case "encoding":
		if _, bad := checkEncoding(op.Text); bad != nil {
			return true, pgerr.New(pgerr.InvalidParameterValue, "argument to option \"encoding\" must be a valid encoding name")
		}
	case "force_quote", "force_null", "force_not_null":
		to := map[string]*columnOption{"force_quote": &o.forceQuote, "force_null": &o.forceNull, "force_not_null": &o.forceNotNull}[op.Name]
		if op.Kind != syntax.OptionStar && op.Kind != syntax.OptionList {
			return true, pgerr.New(pgerr.InvalidParameterValue, "argument to option %q must be a list of column names", op.Name)
		}
		to.all = op.Kind == syntax.OptionStar
		for _, c := range op.List {
			to.names = append(to.names, c.Text)
		}
	case "on_error", "log_verbosity", "reject_limit":
		return o.setErrors(op, from)
	default:
		return o.applyOwn(op)
	}
	return false, err
}

// applyOwn reads one of the options that PostgreSQL has not.
func (o *copyOptions) applyOwn(op *syntax.Option) (placed bool, err error) {
	switch op.Name {
	case "map":
		o.mapping, err = parseMapping(op.Text)
	case "as_recorded":
		o.asRecorded, err = optionBool(op)
	case "exact":
		o.exact, err = optionBool(op)
	case "source":
		o.source = op.Text
	case "source_offset":
		if o.offset, err = strconv.ParseInt(op.Text, 10, 64); err != nil {
			err = pgerr.New(pgerr.InvalidParameterValue, "source_offset requires an integer")
		}
	default:
		return true, pgerr.New(pgerr.SyntaxError, "option %q not recognized", op.Name)
	}
	return false, err
}

func (o *copyOptions) setHeader(op *syntax.Option, from bool) (err error) {
	if o.match = strings.EqualFold(op.Text, "match"); o.match {
		if o.header = true; !from {
			return pgerr.New(pgerr.FeatureNotSupported, "cannot use %q with HEADER in COPY TO", "match")
		}
		return nil
	}
	if o.header, err = optionBool(op); err != nil {
		err = pgerr.New(pgerr.SyntaxError, "header requires a Boolean value or \"match\"")
	}
	return err
}

// setErrors reads what becomes of rows with values that cannot be read.
func (o *copyOptions) setErrors(op *syntax.Option, from bool) (placed bool, err error) {
	word := strings.ToLower(op.Text)
	switch op.Name {
	case "on_error":
		if o.format == formatNDJSON {
			if o.skipBad = word == "skip"; !o.skipBad && word != "stop" {
				err = pgerr.New(pgerr.InvalidParameterValue, "COPY on_error %q not recognized", op.Text).WithHint("Use stop or skip.")
			}
			return false, err
		}
		if !from {
			return true, pgerr.New(pgerr.InvalidParameterValue, "COPY ON_ERROR cannot be used with COPY TO")
		}
		if o.skipBad = word == "ignore"; !o.skipBad && word != "stop" {
			return true, pgerr.New(pgerr.InvalidParameterValue, "COPY ON_ERROR %q not recognized", op.Text)
		}
	case "log_verbosity":
		if o.verbosity = word; word != "silent" && word != "default" && word != "verbose" {
			return true, pgerr.New(pgerr.InvalidParameterValue, "COPY LOG_VERBOSITY %q not recognized", op.Text)
		}
	case "reject_limit":
		if o.limit, err = strconv.ParseInt(op.Text, 10, 64); err != nil {
			return false, pgerr.New(pgerr.SyntaxError, "reject_limit requires a numeric value")
		} else if o.limit <= 0 {
			return false, pgerr.New(pgerr.InvalidParameterValue, "REJECT_LIMIT (%d) must be greater than zero", o.limit)
		}
	}
	return false, nil
}

func requiresCSV(name string) error {
	return pgerr.New(pgerr.FeatureNotSupported, "COPY %s requires CSV mode", strings.ToUpper(name))
}

// check refuses combinations that make no sense, in PostgreSQL's words.
func (o *copyOptions) check(seen map[string]*syntax.Option, from bool) error {
	for _, name := range []string{"map", "as_recorded", "exact", "source", "source_offset"} {
		if seen[name] != nil && o.format != formatNDJSON {
			return pgerr.New(pgerr.FeatureNotSupported, "COPY %s available only with FORMAT ndjson", name)
		}
	}
	if mode := map[copyFormat]string{formatBinary: "BINARY", formatNDJSON: "NDJSON"}[o.format]; mode != "" {
		for _, name := range []string{"delimiter", "null", "default", "header"} {
			if seen[name] != nil {
				code := pgerr.SyntaxError
				if name == "header" {
					code = pgerr.FeatureNotSupported
				}
				return pgerr.New(code, "cannot specify %s in %s mode", strings.ToUpper(name), mode)
			}
		}
	}
	if o.exact {
		o.asRecorded, o.mapping.Exact = true, true
	}
	if err := o.checkMarks(); err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		from bool // where it may stand
		csv  bool
		code pgerr.Code
	}{{"force_quote", false, true, pgerr.FeatureNotSupported}, {"force_not_null", true, true, pgerr.InvalidParameterValue}, {"force_null", true, true, pgerr.InvalidParameterValue},
		{"freeze", true, false, pgerr.InvalidParameterValue}, {"default", true, false, pgerr.FeatureNotSupported}} {
		switch {
		case seen[c.name] == nil:
		case c.csv && o.format != formatCSV:
			return requiresCSV(c.name)
		case c.from != from:
			return pgerr.New(c.code, "COPY %s cannot be used with %s", strings.ToUpper(c.name), map[bool]string{true: "COPY FROM", false: "COPY TO"}[from])
		}
	}
	switch {
	case o.marked && o.mark == o.null:
		return pgerr.New(pgerr.FeatureNotSupported, "NULL specification and DEFAULT specification cannot be the same")
	case o.skipBad && o.format == formatBinary:
		return pgerr.New(pgerr.SyntaxError, "only ON_ERROR STOP is allowed in BINARY mode")
	case o.limit > 0 && !o.skipBad:
		return pgerr.New(pgerr.InvalidParameterValue, "COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE")
	}
	return nil
}

// checkMarks looks at the characters that have a meaning.
func (o *copyOptions) checkMarks() error {
	marks := []struct {
		name, text string
		code       pgerr.Code
	}{{"null", o.null, pgerr.InvalidParameterValue}, {"default", o.mark, pgerr.FeatureNotSupported}}
	if o.delimiter == '\n' || o.delimiter == '\r' {
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	}
	for _, m := range marks {
		if strings.ContainsAny(m.text, "\r\n") {
			return pgerr.New(pgerr.InvalidParameterValue, "COPY %s representation cannot use newline or carriage return", m.name)
		}
	}
	switch {
	case o.format == formatText && strings.IndexByte(`\.abcdefghijklmnopqrstuvwxyz0123456789`, o.delimiter) >= 0:
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter cannot be \"%c\"", o.delimiter)
	case o.format == formatCSV && o.delimiter == o.quote:
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	}
	for _, m := range marks {
		switch {
		case strings.IndexByte(m.text, o.delimiter) >= 0:
			return pgerr.New(m.code, "COPY delimiter character must not appear in the %s specification", strings.ToUpper(m.name))
		case o.format == formatCSV && strings.IndexByte(m.text, o.quote) >= 0:
			return pgerr.New(m.code, "CSV quote character must not appear in the %s specification", strings.ToUpper(m.name))
		}
	}
	return nil
}

// named checks the columns that options name: they are the relation's, and copied. has says whether the relation has a column.
func (o *copyOptions) named(relation string, copied []string, has func(string) bool) error {
	for _, c := range []struct {
		word  string
		names []string
	}{{"FORCE_QUOTE", o.forceQuote.names}, {"FORCE_NOT_NULL", o.forceNotNull.names}, {"FORCE_NULL", o.forceNull.names}} {
		for _, name := range c.names {
			switch {
			case !has(name) && relation == "":
				return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", name)
			case !has(name):
				return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, relation)
			case !slices.Contains(copied, name):
				return pgerr.New(pgerr.InvalidColumnReference, "%s column %q not referenced by COPY", c.word, name)
			}
		}
	}
	return nil
}

func oneByte(name, v string) (byte, error) {
	if len(v) != 1 {
		return 0, pgerr.New(pgerr.FeatureNotSupported, "COPY %s must be a single one-byte character", name)
	}
	return v[0], nil
}

func optionBool(op *syntax.Option) (bool, error) {
	if op.Kind == syntax.OptionNone {
		return true, nil
	}
	v, err := checkBool(op.Text)
	if err != nil {
		return false, pgerr.New(pgerr.SyntaxError, "%s requires a Boolean value", op.Name)
	}
	return v == "on", nil
}

// parseMapping reads "entity_id=user,timestamp=at": the column, then the field of the line that it is read from.
func parseMapping(text string) (segment.Mapping, error) {
	var m segment.Mapping
	if text == "" {
		return m, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		col, field, ok := strings.Cut(strings.TrimSpace(pair), "=")
		to := map[string]*string{"entity_id": &m.Entity, "event_type": &m.Type, "id": &m.ID, "timestamp": &m.Timestamp,
			"recorded_at": &m.RecordedAt, "payload": &m.Payload, "metadata": &m.Metadata}[strings.TrimSpace(col)]
		if !ok || to == nil || strings.TrimSpace(field) == "" {
			return m, pgerr.New(pgerr.InvalidParameterValue, "cannot read the mapping %q", pair).
				WithHint("Write column=field, with entity_id, event_type, id, timestamp, recorded_at, payload or metadata as the column.")
		}
		*to = strings.TrimSpace(field)
	}
	return m, nil
}

// copyColumns resolves the column list of a COPY; an empty list means every column that is not generated.
func copyColumns(rel *catalog.Relation, list []syntax.Ident) ([]int, error) {
	var out []int
	seen := map[int]bool{}
	for _, id := range list {
		i := rel.Column(id.Name)
		if i < 0 {
			return nil, pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", id.Name, rel.Name)
		}
		if rel.Columns[i].IsGenerated() {
			return nil, pgerr.New(pgerr.InvalidColumnReference, "column %q is a generated column", id.Name).WithDetail("Generated columns cannot be used in COPY.")
		}
		if seen[i] {
			return nil, pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", id.Name)
		}
		seen[i] = true
		out = append(out, i)
	}
	for i := range rel.Columns {
		if len(list) == 0 && !rel.Columns[i].IsGenerated() {
			out = append(out, i)
		}
	}
	return out, nil
}

func columnNames(rel *catalog.Relation, cols []int) []string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = rel.Columns[c].Name
	}
	return names
}
