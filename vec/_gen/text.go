package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// text writes the kernels over texts.
func text(c *build.Context) {
	affixes(c)
	candidates(c)
}

// candidates searches for two bytes at a distance.
func candidates(c *build.Context) {
	begin(c, "indexPairAVX2", "func(s *byte, blocks int, first int, second int, distance int) int",
		"returns the first place in blocks of 32 where first stands and, distance bytes on, second; 32 * blocks if there is none. It reads distance bytes more than the blocks.")
	s, d := c.Load(c.Param("s"), c.GP64()), c.Load(c.Param("distance"), c.GP64())
	first, second := broadcast8(c, "first"), broadcast8(c, "second")
	n := c.Load(c.Param("blocks"), c.GP64())
	at, found := c.GP64(), c.GP32()
	c.XORQ(at, at)
	c.Label("loop")
	x, y := c.YMM(), c.YMM()
	c.VPCMPEQB(Mem{Base: s}, first, x)
	c.VPCMPEQB(Mem{Base: s, Index: d, Scale: 1}, second, y)
	c.VPAND(x, y, x)
	c.VPMOVMSKB(x, found)
	c.TESTL(found, found)
	c.JNZ(LabelRef("hit"))
	c.ADDQ(Imm(32), s)
	c.ADDQ(Imm(32), at)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	c.Store(at, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
	c.Label("hit")
	c.BSFL(found, found)
	c.ADDQ(found.As64(), at)
	c.Store(at, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
}

// affixes compares eight bytes of each text: those at its begin, or at its end.
func affixes(c *build.Context) {
	begin(c, "affixAVX2", "func(dst *byte, offsets *int32, at *int32, data *byte, disp int, groups int, mask uint64, want uint64, least uint32, most uint32)",
		"stores a byte for each group of eight texts: which have eight bytes at data[at+disp] that are want where mask is set, and from least to most bytes.")
	dst, offsets, at, data := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("offsets"), c.GP64()), c.Load(c.Param("at"), c.GP64()), c.Load(c.Param("data"), c.GP64())
	c.ADDQ(c.Load(c.Param("disp"), c.GP64()), data)
	mask, want := broadcast64(c, "mask"), broadcast64(c, "want")
	least, most := broadcast32(c, "least"), broadcast32(c, "most")
	loop(c, func() {
		size, over := c.YMM(), c.YMM()
		c.VMOVDQU(Mem{Base: offsets, Disp: 4}, size)
		c.VPSUBD(Mem{Base: offsets}, size, size)
		c.VPCMPGTD(most, size, over)
		c.VPCMPGTD(size, least, size)
		c.VPOR(over, size, size)
		outside := c.GP32()
		c.VMOVMSKPS(size, outside)
		var same reg.GPVirtual
		for i := range 2 {
			all, x, index := c.YMM(), c.YMM(), c.XMM()
			c.VPCMPEQD(all, all, all)
			c.VMOVDQU(Mem{Base: at, Disp: 16 * i}, index)
			c.VPGATHERDQ(all, Mem{Base: data, Index: index, Scale: 1}, x)
			c.VPAND(mask, x, x)
			c.VPCMPEQQ(want, x, x)
			part := c.GP32()
			c.VMOVMSKPD(x, part)
			same = joined(c, same, part)
		}
		c.NOTL(outside)
		c.ANDL(outside, same)
		c.MOVB(same.As8(), Mem{Base: dst})
		c.INCQ(dst)
		c.ADDQ(Imm(32), offsets)
		c.ADDQ(Imm(32), at)
	})
}
