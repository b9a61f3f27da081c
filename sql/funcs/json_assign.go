package funcs

import (
	"github.com/allsource-db/allsource/vec/jsonb"
)

// AssignJSON appends a document with a value at a path.
func AssignJSON(c *Ctx, dst []byte, doc jsonb.Value, path []string, value jsonb.Value) ([]byte, error) {
	const element = 64 // bytes that one more takes while it is made
	dst, err := jsonb.Assign(dst, doc, path, value, c.room()/element)
	if err != nil {
		return nil, jsonError(err)
	}
	return dst, nil
}
