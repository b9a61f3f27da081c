package vec

import (
	"os"
	"syscall"
)

// memory returns n bytes that end where a page begins that cannot be touched.
func (g *given) memory(n int) []byte {
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err == nil {
		err = syscall.Mprotect(b[size:], syscall.PROT_NONE)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.mapped = append(g.mapped, b)
	return b[size-n : size : size]
}

func (g *given) free() {
	for _, b := range g.mapped {
		if err := syscall.Munmap(b); err != nil {
			g.t.Fatal(err)
		}
	}
}
