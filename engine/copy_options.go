package engine

import (
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
	forceQuote map[string]bool
	quoteAll   bool
	// Of ndjson:
	mapping    segment.Mapping
	asRecorded bool
	exact      bool // and position and version must be those of the line
	source     string
	offset     int64 // how far the client thinks that the source got, -1: not said
	skipBad    bool
}

// parseCopyOptions reads the options of a COPY that stands in script.
func parseCopyOptions(list []*syntax.Option, script string) (copyOptions, error) {
	o := copyOptions{offset: -1, forceQuote: map[string]bool{}}
	seen := map[string]*syntax.Option{}
	for _, op := range list {
		if seen[op.Name] != nil {
			return o, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options")
		}
		seen[op.Name] = op
	}
	if op := seen["format"]; op != nil {
		switch strings.ToLower(op.Text) {
		case "text":
		case "csv":
			o.format = formatCSV
		case "binary":
			o.format = formatBinary
		case "ndjson":
			o.format = formatNDJSON
		default:
			return o, pgerr.New(pgerr.InvalidParameterValue, "COPY format %q not recognized", op.Text).At(syntax.CharPosition(script, op.Offset()))
		}
	}
	o.delimiter, o.null, o.quote = '\t', `\N`, '"'
	if o.format == formatCSV {
		o.delimiter, o.null = ',', ""
	}
	for name, op := range seen {
		if err := o.apply(name, op, script); err != nil {
			return o, err
		}
	}
	if seen["escape"] == nil {
		o.escape = o.quote
	}
	return o, o.check(seen)
}

func (o *copyOptions) apply(name string, op *syntax.Option, script string) (err error) {
	switch name {
	case "format", "freeze", "oids":
	case "delimiter":
		o.delimiter, err = oneByte("delimiter", op.Text)
	case "quote":
		o.quote, err = oneByte("quote", op.Text)
	case "escape":
		o.escape, err = oneByte("escape", op.Text)
	case "null":
		o.null = op.Text
	case "header":
		o.match = strings.EqualFold(op.Text, "match")
		o.header, err = optionBool(op)
	case "encoding":
		if _, bad := checkEncoding(op.Text); bad != nil {
			err = pgerr.New(pgerr.InvalidParameterValue, "argument to option \"encoding\" must be a valid encoding name")
		}
	case "force_quote":
		o.quoteAll = op.Kind == syntax.OptionStar
		for _, c := range op.List {
			o.forceQuote[c.Text] = true
		}
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
	case "on_error":
		o.skipBad = strings.EqualFold(op.Text, "skip")
		if !o.skipBad && !strings.EqualFold(op.Text, "stop") {
			err = pgerr.New(pgerr.InvalidParameterValue, "COPY on_error %q not recognized", op.Text).WithHint("Use stop or skip.")
		}
	case "force_not_null", "force_null":
		err = pgerr.New(pgerr.FeatureNotSupported, "COPY option %q is not supported yet", name)
	default:
		err = pgerr.New(pgerr.SyntaxError, "option %q not recognized", name).At(syntax.CharPosition(script, op.Offset()))
	}
	return err
}

// check refuses combinations that make no sense, in PostgreSQL's words.
func (o *copyOptions) check(seen map[string]*syntax.Option) error {
	for _, name := range []string{"quote", "escape", "force_quote"} {
		if seen[name] != nil && o.format != formatCSV {
			return pgerr.New(pgerr.FeatureNotSupported, "COPY %s available only in CSV mode", strings.ReplaceAll(name, "_", " "))
		}
	}
	for _, name := range []string{"map", "as_recorded", "exact", "source", "source_offset", "on_error"} {
		if seen[name] != nil && o.format != formatNDJSON {
			return pgerr.New(pgerr.FeatureNotSupported, "COPY %s available only with FORMAT ndjson", name)
		}
	}
	if o.format == formatBinary || o.format == formatNDJSON {
		for _, name := range []string{"delimiter", "null", "header"} {
			if seen[name] != nil {
				return pgerr.New(pgerr.SyntaxError, "cannot specify %s in this mode", strings.ToUpper(name))
			}
		}
	}
	if o.exact {
		o.asRecorded, o.mapping.Exact = true, true
	}
	if strings.ContainsAny(o.null, "\r\n") {
		return pgerr.New(pgerr.InvalidParameterValue, "COPY null representation cannot use newline or carriage return")
	}
	if o.delimiter == '\n' || o.delimiter == '\r' || o.format == formatCSV && o.delimiter == o.quote {
		return pgerr.New(pgerr.InvalidParameterValue, "COPY delimiter cannot be newline, carriage return or the quote character")
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
	if op.Kind == syntax.OptionNone || strings.EqualFold(op.Text, "match") {
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

// copyColumns resolves the column list of a COPY; an empty list means every column.
func copyColumns(rel *catalog.Relation, list []syntax.Ident) ([]int, error) {
	var out []int
	seen := map[int]bool{}
	for _, id := range list {
		i := rel.Column(id.Name)
		if i < 0 {
			return nil, pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", id.Name, rel.Name)
		}
		if seen[i] {
			return nil, pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", id.Name)
		}
		seen[i] = true
		out = append(out, i)
	}
	if len(list) == 0 {
		for i := range rel.Columns {
			out = append(out, i)
		}
	}
	return out, nil
}
