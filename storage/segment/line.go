package segment

import (
	"encoding/hex"
	"errors"

	"github.com/allsource-db/allsource/vec/jsonb"
)

// The fields of a line, in the order of Mapping.
const (
	fieldEntity = iota
	fieldType
	fieldID
	fieldTime
	fieldRecorded
	fieldPosition
	fieldVersion
	fieldPayload
	fieldMetadata
	numFields
)

var columnNames = [numFields]string{"entity_id", "event_type", "id", "timestamp", "recorded_at", "position", "version", "payload", "metadata"}

var defaultMapping = &Mapping{}

// noName is no key of any object.
const noName = "\x00"

// exactFields are those that a line has with Mapping.Exact.
const exactFields = 1<<fieldID | 1<<fieldTime | 1<<fieldRecorded | 1<<fieldPosition | 1<<fieldVersion

// fieldNames is a Mapping made ready for lookups.
type fieldNames struct {
	of    Mapping
	names [numFields]string
}

// resolve reports whether the names are others than before.
func (n *fieldNames) resolve(m *Mapping) bool {
	if n.names[0] != "" && n.of == *m {
		return false
	}
	n.of = *m
	n.names = [numFields]string{m.Entity, m.Type, m.ID, m.Timestamp, m.RecordedAt, "", "", m.Payload, m.Metadata}
	for f := range n.names {
		if n.names[f] == "" {
			n.names[f] = columnNames[f]
		}
	}
	if !m.Exact {
		n.names[fieldPosition], n.names[fieldVersion] = noName, noName
	}
	return true
}

// field finds the field that a key names, numFields if none.
func (n *fieldNames) field(key []byte) int {
	for f := range n.names {
		if n.names[f] == string(key) {
			return f
		}
	}
	return numFields
}

// AddLine parses one NDJSON line and adds it as the next row. m may be nil. A line that is refused (*LineError) leaves
// the builder as it was.
//
// The entity is a text or a number; the id a uuid; times are RFC 3339 texts (or numbers, see Mapping.EpochMicros). null
// in any of these is as if the field were not there. What is no column's field becomes a member of the payload; of a
// key that is in the payload too, the payload's value counts. A payload that is neither an object nor null cannot take
// further members. Of a key that occurs twice in one object the last value counts.
func (b *Builder) AddLine(line []byte, m *Mapping) error {
	if b.rows == MaxRows {
		return ErrFull
	}
	if m == nil {
		m = defaultMapping
	}
	if b.names.resolve(m) {
		b.shapes.reset()
	}
	b.begin()
	if !b.addShaped(line, m) {
		b.undo()
		b.begin()
		if err := b.addScanned(line, m); err != nil {
			return err
		}
	}
	b.commit(len(line))
	return nil
}

// addScanned reads a line whatever it is; it may have been refused then, and nothing is left of it.
func (b *Builder) addScanned(line []byte, m *Mapping) error {
	err := b.parseLine(line, m)
	if errors.Is(err, errDuplicate) {
		b.undo()
		b.begin()
		err = b.parseSlowly(line, m)
	}
	if err != nil {
		at := b.scan.Offset()
		b.undo()
		return lineError("", at, err)
	}
	return nil
}

// lineError makes a LineError of what parsing reports.
func lineError(column string, at int, err error) error {
	var le *LineError
	if errors.As(err, &le) {
		return err
	}
	out := &LineError{Column: column, Offset: at, Reason: err.Error()}
	var je *jsonb.Error
	if errors.As(err, &je) {
		out.Err = err
		if je.Offset >= 0 {
			out.Offset = je.Offset
		}
	}
	return out
}

// parseLine reads a line in one pass.
func (b *Builder) parseLine(line []byte, m *Mapping) error {
	b.scan.Reset(line)
	tok, err := b.scan.Next()
	if err != nil {
		return err
	}
	if tok != jsonb.TokBeginObject {
		return &LineError{Offset: 0, Reason: "a line must be a JSON object"}
	}
	var prev *node
	root := b.tree.nodes[rootPayload]
	for {
		if tok, err = b.scan.Next(); err != nil {
			return err
		}
		if tok == jsonb.TokEndObject {
			break
		}
		if f := b.names.field(b.scan.Bytes()); f < numFields {
			err = b.parseField(f, m)
		} else {
			b.line.hasUnmapped = true
			prev, err = b.shredMember(root, prev)
		}
		if err != nil {
			return err
		}
	}
	if tok, err = b.scan.Next(); err != nil {
		return err
	}
	if tok != jsonb.TokEOF {
		return &LineError{Offset: b.scan.Offset(), Reason: "something follows the JSON object"}
	}
	if b.line.hasUnmapped && b.line.seen&(1<<fieldPayload) != 0 {
		if !b.line.isObject {
			return errDuplicate // the slow way knows what this means
		}
		root.cut(b.rows) // the payload is empty no more
	}
	return b.completeLine(m)
}

// completeLine gives what the line left out, and checks.
func (b *Builder) completeLine(m *Mapping) error {
	l := &b.line
	if l.seen&(1<<fieldEntity) == 0 {
		return &LineError{Column: columnNames[fieldEntity], Offset: -1, Reason: "is missing"}
	}
	if l.seen&(1<<fieldType) == 0 {
		if m.DefaultType == "" {
			return &LineError{Column: columnNames[fieldType], Offset: -1, Reason: "is missing"}
		}
		l.typ = b.types.add([]byte(m.DefaultType))
	}
	for f := range columnNames {
		if m.Exact && exactFields&^l.seen&(1<<f) != 0 {
			return &LineError{Column: columnNames[f], Offset: -1, Reason: "is missing"}
		}
	}
	if l.seen&(1<<fieldPayload) == 0 && !l.hasUnmapped {
		b.tree.nodes[rootPayload].mark(b.rows, valEmptyObject)
	}
	if l.seen&(1<<fieldMetadata) == 0 {
		b.tree.nodes[rootMetadata].mark(b.rows, valEmptyObject)
	}
	return b.checkExtras()
}

// parseField reads the value of a column's field.
func (b *Builder) parseField(f int, m *Mapping) error {
	l := &b.line
	if l.seen&(1<<f) != 0 {
		return errDuplicate
	}
	tok, err := b.scan.Next()
	if err != nil {
		return err
	}
	switch f {
	case fieldPayload:
		l.seen |= 1 << f
		l.isObject = tok == jsonb.TokBeginObject
		return b.shred(b.tree.nodes[rootPayload], tok)
	case fieldMetadata:
		l.seen |= 1 << f
		return b.shred(b.tree.nodes[rootMetadata], tok)
	}
	return b.located(b.setScalar(f, tok, m))
}

// setScalar sets a column of the row from the value that begins with tok.
func (b *Builder) setScalar(f int, tok jsonb.Token, m *Mapping) error {
	switch tok {
	case jsonb.TokNull:
		return nil
	case jsonb.TokString:
		return b.setText(f, b.scan.Bytes())
	case jsonb.TokNumber:
		return b.setNumber(f, b.scan.Num(), m)
	}
	return &LineError{Column: columnNames[f], Reason: "must be a text"}
}

// located says where an error was noticed.
func (b *Builder) located(err error) error {
	if err == nil {
		return nil
	}
	var le *LineError
	if errors.As(err, &le) {
		le.Offset = b.scan.Offset()
	}
	return err
}

// setText sets a column of the row from a text.
func (b *Builder) setText(f int, s []byte) error {
	l := &b.line
	ok := true
	switch f {
	case fieldEntity:
		l.ent = b.ents.add(s)
	case fieldType:
		l.typ = b.types.addRecent(s)
		b.slot = uint(l.typ) % slots
	case fieldID:
		if l.id, ok = parseUUID(s); !ok {
			return &LineError{Column: columnNames[f], Reason: "is not a uuid"}
		}
	case fieldTime:
		l.time, ok = parseTime(s)
	case fieldRecorded:
		l.rec, ok = parseTime(s)
	case fieldPosition, fieldVersion:
		return &LineError{Column: columnNames[f], Reason: "must be a number"}
	}
	if !ok {
		return &LineError{Column: columnNames[f], Reason: "is not a time as in 2006-01-02T15:04:05Z"}
	}
	l.seen |= 1 << f
	return nil
}

// setNumber sets a column of the row from a number.
func (b *Builder) setNumber(f int, num jsonb.Num, m *Mapping) error {
	l := &b.line
	switch {
	case f == fieldEntity:
		d, err := num.Dec()
		if err != nil {
			return err
		}
		return b.setText(f, d.AppendText(nil))
	case f == fieldPosition || f == fieldVersion:
		if !num.Exact || num.Scale != 0 || num.Mantissa < 1 {
			return &LineError{Column: columnNames[f], Reason: "must be an integer from 1 on"}
		}
		if f == fieldPosition {
			l.position = num.Mantissa
		} else {
			l.version = num.Mantissa
		}
		l.seen |= 1 << f
		return nil
	case (f == fieldTime || f == fieldRecorded) && m.EpochMicros > 0:
		at, ok := int64(0), false
		if num.Exact {
			at, ok = scaledTime(num.Mantissa, num.Scale, m.EpochMicros)
		}
		if !ok {
			return &LineError{Column: columnNames[f], Reason: "is out of range"}
		}
		if f == fieldTime {
			l.time = at
		} else {
			l.rec = at
		}
		l.seen |= 1 << f
		return nil
	}
	return &LineError{Column: columnNames[f], Reason: "must be a text, not a number"}
}

// parseUUID reads 32 hexadecimal digits of either case, with or without the four hyphens.
func parseUUID(s []byte) (id [16]byte, ok bool) {
	var buf [32]byte
	switch {
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		copy(buf[:], s[:8])
		copy(buf[8:], s[9:13])
		copy(buf[12:], s[14:18])
		copy(buf[16:], s[19:23])
		copy(buf[20:], s[24:])
	case len(s) == 32:
		copy(buf[:], s)
	default:
		return id, false
	}
	_, err := hex.Decode(id[:], buf[:])
	return id, err == nil
}

// parseSlowly reads a line that has keys twice, or members beside the payload's: it is made a binary value first, which
// keeps the last of equal keys.
func (b *Builder) parseSlowly(line []byte, m *Mapping) error {
	v, err := jsonb.Parse(nil, line)
	if err != nil {
		return err
	}
	var payload, metadata jsonb.Value
	jb := new(jsonb.Builder)
	jb.BeginObject()
	others := 0
	jsonb.EachField(v, func(key []byte, val jsonb.Value) bool {
		switch f := b.names.field(key); f {
		case numFields:
			others++
			jb.KeyBytes(key)
			jb.Value(val)
		case fieldPayload:
			payload = val
		case fieldMetadata:
			metadata = val
		default:
			err = b.setValue(f, val, m)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	jb.End()
	switch {
	case others == 0:
	case payload == nil || payload[0]&0xf == tagNull:
		payload = jb.AppendTo(nil)
	case payload[0]&0xf == tagObject:
		payload = jsonb.Concat(nil, jb.AppendTo(nil), payload)
	default:
		return &LineError{Column: columnNames[fieldPayload], Offset: -1,
			Reason: "is no object, so the line's other fields cannot be its members"}
	}
	b.addDocument(fieldPayload, payload)
	b.addDocument(fieldMetadata, metadata)
	return b.completeLine(m)
}

func (b *Builder) addDocument(f int, v jsonb.Value) {
	if v != nil {
		b.line.seen |= 1 << f
		b.shredValue(b.tree.nodes[f-fieldPayload], v)
	}
}

// setValue sets a column of the row from a binary value.
func (b *Builder) setValue(f int, v jsonb.Value, m *Mapping) error {
	switch v[0] & 0xf {
	case tagNull:
		return nil
	case tagString:
		return b.setText(f, jsonb.StringBytes(v))
	case tagInteger, tagDecimal, tagBig:
		d := jsonb.Number(v)
		return b.setNumber(f, jsonb.Num{Raw: d.AppendText(nil), Mantissa: d.Coef, Scale: d.Scale, Exact: d.Big == nil}, m)
	}
	return &LineError{Column: columnNames[f], Offset: -1, Reason: "must be a text"}
}

// Add adds an event as the next row. An event that is refused (*LineError) leaves the builder as it was.
func (b *Builder) Add(ev *Event) error {
	if b.rows == MaxRows {
		return ErrFull
	}
	b.begin()
	l := &b.line
	l.ent, l.typ = b.ents.add([]byte(ev.Entity)), b.types.add([]byte(ev.Type))
	b.slot = uint(l.typ) % slots
	l.id, l.time, l.rec = ev.ID, ev.Timestamp, ev.RecordedAt
	l.seen = 1<<fieldEntity | 1<<fieldType
	for f, has := range [numFields]bool{fieldID: ev.HasID, fieldTime: ev.HasTime, fieldRecorded: ev.HasRecorded} {
		if has {
			l.seen |= 1 << f
		}
	}
	size := len(ev.Entity) + len(ev.Type) + len(ev.Payload) + len(ev.Metadata) + len(ev.PayloadValue) + len(ev.MetadataValue)
	err := b.addText(fieldPayload, ev.Payload, ev.PayloadValue)
	if err == nil {
		err = b.addText(fieldMetadata, ev.Metadata, ev.MetadataValue)
	}
	if err != nil {
		b.undo()
		return err
	}
	b.commit(size)
	return nil
}

// addText adds a document given as a value, or else as text.
func (b *Builder) addText(f int, text []byte, v jsonb.Value) error {
	if v == nil && text == nil {
		v = emptyObject
	}
	if v != nil {
		b.addDocument(f, v)
		return nil
	}
	n := b.tree.nodes[f-fieldPayload]
	before := len(b.extras)
	b.scan.Reset(text)
	tok, err := b.scan.Next()
	if err == nil {
		err = b.shred(n, tok)
	}
	if err == nil {
		tok, err = b.scan.Next()
	}
	if err == nil && tok != jsonb.TokEOF {
		err = &LineError{Column: columnNames[f], Offset: b.scan.Offset(), Reason: "something follows the JSON value"}
	}
	if err == nil {
		err = b.checkExtras()
	}
	if errors.Is(err, errDuplicate) {
		b.cutDocument(f, before)
		if v, err = jsonb.Parse(nil, text); err == nil {
			b.addDocument(f, v)
		}
	}
	if err != nil {
		return lineError(columnNames[f], b.scan.Offset(), err)
	}
	return nil
}

// cutDocument takes out what the row being added has of one document.
func (b *Builder) cutDocument(f, extras int) {
	var cut func(n *node)
	cut = func(n *node) {
		n.cut(b.rows)
		for _, c := range n.children {
			cut(c)
		}
	}
	cut(b.tree.nodes[f-fieldPayload])
	b.cutExtras(extras)
	b.stamp++
}
