package datum

import "github.com/allsource-db/allsource/vec"

// stubs, replaced file by file.
func AppendText(dst []byte, t Type, c *vec.Column, i int, env *Env) []byte { return dst }
func ParseText(t Type, s []byte, b *vec.Builder, env *Env) error           { return nil }
func AppendBinary(dst []byte, t Type, c *vec.Column, i int, env *Env) ([]byte, error) {
	return dst, nil
}
func ParseBinary(t Type, s []byte, b *vec.Builder, env *Env) error          { return nil }
func Compare(t Type, a *vec.Column, i int, b *vec.Column, j int) int        { return 0 }
func AppendHashKey(dst []byte, t Type, c *vec.Column, i int) []byte         { return dst }
func AppendSortKey(dst []byte, t Type, c *vec.Column, i int) []byte         { return dst }
func ApplyTypmod(t Type, c *vec.Column, explicit bool) (*vec.Column, error) { return c, nil }
