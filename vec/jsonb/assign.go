package jsonb

// Assign appends v with nv at the path, as v[…][…] = nv sets it: containers that are missing on the way are made, arrays for numbers and
// objects for other keys, and arrays get nulls up to the element, most of them at most. The error is an *Error.
func Assign(dst []byte, v Value, path []string, nv Value, most int) ([]byte, error) {
	return build(dst, func(b *Builder) error {
		return (&pathChange{b: b, path: path, nv: nv, op: opAssign, most: most}).apply(v, 0)
	})
}

func scalarInPath() *Error {
	e := invalid(CodeInvalidArgument, "cannot replace existing key")
	e.Detail = "The path assumes key is a composite object, but it is a scalar value."
	return e
}

// rest adds the value with the containers that the path has around it from a level on.
func (c *pathChange) rest(level int) error {
	if level == len(c.path) {
		c.b.Value(c.nv)
		return nil
	}
	if idx, ok := pathIndex(c.path[level]); ok {
		c.b.BeginArray()
		if err := c.gap(idx); err != nil {
			return err
		}
	} else {
		c.b.BeginObject()
		c.b.Key(c.path[level])
	}
	if err := c.rest(level + 1); err != nil {
		return err
	}
	c.b.End()
	return nil
}

// gap adds n nulls.
func (c *pathChange) gap(n int) error {
	if n > c.most {
		return invalid(CodeTooLarge, "jsonb array would get %d elements more, of which %d fit", n, c.most)
	}
	for range n {
		c.b.Null()
	}
	return nil
}
