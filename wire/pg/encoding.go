package pg

import (
	"bytes"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
)

// clientEncoding converts between the client's encoding and UTF-8, which is all that the engine knows. A nil one is UTF-8 (PostgreSQL ch. 24.3.3).
type clientEncoding struct {
	name string
	e    encoding.Encoding
}

// setEncoding makes what the session says about the client's encoding true.
func (c *conn) setEncoding() {
	c.enc.client = nil
	if name, e := c.session.ClientEncoding(); e != nil {
		c.enc.client = &clientEncoding{name, e}
	}
}

func isASCII(v []byte) bool {
	for _, b := range v {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (e *clientEncoding) invalid() error {
	return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding %q", e.name)
}

// decode makes UTF-8 of what came from the client.
func (e *clientEncoding) decode(v []byte) ([]byte, error) {
	if e == nil || isASCII(v) {
		return v, nil
	}
	out, err := e.e.NewDecoder().Bytes(v)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return nil, e.invalid()
	}
	return out, nil
}

// decoder is write for chunks of text in the client's encoding, which may end in the middle of a character, and what to call at the end.
func (c *conn) decoder(write func([]byte) error) (decode func([]byte) error, end func() error) {
	e := c.enc.client
	w := transform.NewWriter(writer(func(v []byte) error {
		if bytes.ContainsRune(v, utf8.RuneError) {
			return c.session.Fail(e.invalid())
		}
		return write(v)
	}), e.e.NewDecoder())
	return func(v []byte) error {
		_, err := w.Write(v)
		return err
	}, w.Close
}

type writer func([]byte) error

func (w writer) Write(v []byte) (int, error) { return len(v), w(v) }

// encode makes what the client understands of UTF-8.
func (e *clientEncoding) encode(v []byte) ([]byte, error) {
	if e == nil || isASCII(v) {
		return v, nil
	}
	out, err := e.e.NewEncoder().Bytes(v)
	if err == nil {
		return out, nil
	}
	for len(v) > 0 { // say which one it is
		_, n := utf8.DecodeRune(v)
		if _, err := e.e.NewEncoder().Bytes(v[:n]); err != nil {
			return nil, pgerr.New(pgerr.UntranslatableCharacter, "character with byte sequence % #x in encoding \"UTF8\" has no equivalent in encoding %q", v[:n], e.name)
		}
		v = v[n:]
	}
	return nil, pgerr.New(pgerr.UntranslatableCharacter, "text has no equivalent in encoding %q", e.name)
}

// shown is text of messages: what the client cannot have is a question mark there.
func (e *clientEncoding) shown(s string) string {
	if e == nil || isASCII([]byte(s)) {
		return s
	}
	var out []byte
	for _, r := range s {
		b, err := e.e.NewEncoder().Bytes([]byte(string(r)))
		if err != nil {
			b = []byte{'?'}
		}
		out = append(out, b...)
	}
	return string(out)
}

// decodeMessage makes UTF-8 of the text in a message: statements, names and parameters in text format.
func (e *clientEncoding) decodeMessage(msg pgproto3.FrontendMessage) (err error) {
	if e == nil {
		return nil
	}
	text := func(s *string) {
		v, failed := e.decode([]byte(*s))
		if *s = string(v); failed != nil {
			err = failed
		}
	}
	switch m := msg.(type) {
	case *pgproto3.Query:
		text(&m.String)
	case *pgproto3.Parse:
		text(&m.Name)
		text(&m.Query)
	case *pgproto3.Bind:
		text(&m.PreparedStatement)
		text(&m.DestinationPortal)
		for i, v := range m.Parameters {
			if n := len(m.ParameterFormatCodes); v == nil || n > 1 && n != len(m.Parameters) || formatOf(m.ParameterFormatCodes, i) != 0 {
				continue
			}
			if m.Parameters[i], err = e.decode(v); err != nil {
				return err
			}
		}
	case *pgproto3.Describe:
		text(&m.Name)
	case *pgproto3.Execute:
		text(&m.Portal)
	case *pgproto3.Close:
		text(&m.Name)
	}
	return err
}

// reported is an error or a notice as the client can read it.
func (e *clientEncoding) reported(r *pgproto3.ErrorResponse) *pgproto3.ErrorResponse {
	if e != nil {
		for _, s := range []*string{&r.Message, &r.Detail, &r.Hint, &r.Where, &r.SchemaName, &r.TableName, &r.ColumnName, &r.DataTypeName, &r.ConstraintName} {
			*s = e.shown(*s)
		}
	}
	return r
}

// isText reports whether the binary form of a type is its text.
func isText(t datum.OID) bool {
	switch t {
	case datum.Text, datum.Varchar, datum.BPChar, datum.Name, datum.JSON, datum.Unknown:
		return true
	}
	return false
}
