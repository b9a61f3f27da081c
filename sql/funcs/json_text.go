package funcs

import (
	"bytes"
	"strconv"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// The json type keeps its text as it was written: what is taken out of it is a piece of that text.

// jsonGet is -> on json.
func jsonGet(a []*vec.Column, i int) ([]byte, bool, error) {
	if a[1].Kind == vec.Int64 {
		return jsonElement(a[0].Bytes(i), int(a[1].Int(i)))
	}
	return jsonMember(a[0].Bytes(i), a[1].Bytes(i))
}

// jsonPath is #> on json.
func jsonPath(a []*vec.Column, i int) ([]byte, bool, error) {
	doc := a[0].Bytes(i)
	child, from, to := a[1].List(i)
	for k := from; k < to; k++ {
		if child.Null(k) {
			return nil, false, nil
		}
		var ok bool
		var err error
		switch first(doc) {
		case '{':
			doc, ok, err = jsonMember(doc, child.Bytes(k))
		case '[':
			at, bad := strconv.Atoi(string(child.Bytes(k)))
			if bad != nil {
				return nil, false, nil
			}
			doc, ok, err = jsonElement(doc, at)
		}
		if err != nil || !ok {
			return nil, false, err
		}
	}
	return bytes.TrimSpace(doc), true, nil
}

func first(doc []byte) byte {
	if doc = bytes.TrimSpace(doc); len(doc) > 0 {
		return doc[0]
	}
	return 0
}

// jsonText is ->> and #>>: strings without quotes, null as SQL NULL.
func jsonText(get getter) getter {
	return func(a []*vec.Column, i int) ([]byte, bool, error) {
		raw, ok, err := get(a, i)
		if err != nil || !ok {
			return nil, false, err
		}
		return unquoted(raw)
	}
}

func unquoted(raw []byte) ([]byte, bool, error) {
	switch first(raw) {
	case 'n':
		return nil, false, nil
	case '"':
		v, err := jsonb.Parse(nil, raw)
		if err != nil {
			return nil, false, err
		}
		return jsonb.StringBytes(v), true, nil
	}
	return raw, true, nil
}

// jsonMember returns the text of the last member with the key.
func jsonMember(doc, key []byte) (out []byte, ok bool, err error) {
	if first(doc) != '{' {
		return nil, false, nil
	}
	err = eachMember(doc, func(k, raw []byte) {
		if bytes.Equal(k, key) {
			out, ok = raw, true
		}
	})
	return out, ok, err
}

// eachMember calls f with the key (valid during the call) and the text of each member of an object.
func eachMember(doc []byte, f func(key, raw []byte)) error {
	var s jsonb.Scanner
	s.Reset(doc)
	if _, err := s.Next(); err != nil {
		return err
	}
	var key []byte
	for {
		tok, err := s.Next()
		if err != nil {
			return err
		}
		if tok == jsonb.TokEndObject {
			return nil
		}
		key = append(key[:0], s.Bytes()...)
		raw, err := s.Skip()
		if err != nil {
			return err
		}
		f(key, raw)
	}
}

// elements lists the texts of an array's elements.
func elements(doc []byte) ([][]byte, error) {
	var s jsonb.Scanner
	s.Reset(doc)
	if _, err := s.Next(); err != nil {
		return nil, err
	}
	var out [][]byte
	scalar := -1 // where a scalar began, whose end the next token shows
	for {
		tok, err := s.Next()
		if err != nil {
			return nil, err
		}
		if scalar >= 0 {
			out = append(out, bytes.TrimRight(doc[scalar:s.Offset()], " \t\r\n,"))
			scalar = -1
		}
		switch tok {
		case jsonb.TokEndArray:
			return out, nil
		case jsonb.TokBeginArray, jsonb.TokBeginObject:
			raw, err := s.Skip()
			if err != nil {
				return nil, err
			}
			out = append(out, raw)
		default:
			scalar = s.Offset()
		}
	}
}

func jsonElement(doc []byte, at int) ([]byte, bool, error) {
	if first(doc) != '[' {
		return nil, false, nil
	}
	list, err := elements(doc)
	if err != nil {
		return nil, false, err
	}
	if at < 0 {
		at += len(list)
	}
	if at < 0 || at >= len(list) {
		return nil, false, nil
	}
	return list[at], true, nil
}
