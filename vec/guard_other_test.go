//go:build !linux

package vec

func (g *given) memory(n int) []byte { return make([]byte, n) }

func (g *given) free() {}
