package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduce writes the kernels that look for extremes, and integer division by one number.
func reduce(c *build.Context) {
	bounds64(c)
	most32(c)
	floor64(c)
}

// bounds64 leaves the extremes of each lane for the caller to compare.
func bounds64(c *build.Context) {
	begin(c, "bounds64AVX2", "func(lanes *int64, src *int64, groups int)",
		"stores the least values of the four lanes of groups of four, then the greatest.")
	src := c.Load(c.Param("src"), c.GP64())
	lo, hi := c.YMM(), c.YMM()
	c.VMOVDQU(Mem{Base: src}, lo)
	c.VMOVDQA(lo, hi)
	n := c.Load(c.Param("groups"), c.GP64())
	c.Label("loop")
	y, under, over := c.YMM(), c.YMM(), c.YMM()
	c.VMOVDQU(Mem{Base: src}, y)
	c.VPCMPGTQ(y, lo, under) // lo > y
	c.VPCMPGTQ(hi, y, over)  // y > hi
	c.VPBLENDVB(under, y, lo, lo)
	c.VPBLENDVB(over, y, hi, hi)
	c.ADDQ(Imm(32), src)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	lanes := c.Load(c.Param("lanes"), c.GP64())
	c.VMOVDQU(lo, Mem{Base: lanes})
	c.VMOVDQU(hi, Mem{Base: lanes, Disp: 32})
	c.VZEROUPPER()
	c.RET()
}

func most32(c *build.Context) {
	begin(c, "most32AVX2", "func(src *int32, groups int) uint32", "returns the greatest of groups of eight codes, as unsigned numbers.")
	src := c.Load(c.Param("src"), c.GP64())
	most := c.YMM()
	c.VPXOR(most, most, most)
	n := c.Load(c.Param("groups"), c.GP64())
	c.Label("loop")
	c.VPMAXUD(Mem{Base: src}, most, most)
	c.ADDQ(Imm(32), src)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	half := c.XMM()
	c.VEXTRACTI128(Imm(1), most, half)
	c.VPMAXUD(half, most.AsX(), half)
	for _, order := range []uint64{0b01_00_11_10, 0b10_11_00_01} {
		t := c.XMM()
		c.VPSHUFD(Imm(order), half, t)
		c.VPMAXUD(t, half, half)
	}
	out := c.GP32()
	c.VMOVD(half, out)
	c.Store(out, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
}

// floor64 divides in floating point. With |v| < 2^51 the quotient is never rounded up to an integer that it does not reach:
// the nearest it comes is 1/unit, the rounding error is less than half of that.
func floor64(c *build.Context) {
	begin(c, "floor64AVX2", "func(dst *int64, src *int64, groups int, start int64, unit float64) bool",
		"stores the greatest start + unit * k that is not above each of groups of four values; it reports false, and what it stored is of no use, if a value less start is outside [2^40 - 2^51, 2^51). The unit is at most 2^40.")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	start, unit := broadcast64(c, "start"), broadcast64(c, "unit")
	magic, half, less, bad := constant64(c, 0x4338000000000000), constant64(c, 1<<51), constant64(c, 1<<40), c.YMM()
	c.VPXOR(bad, bad, bad)
	n := c.Load(c.Param("groups"), c.GP64())
	c.Label("loop")
	y, u, q := c.YMM(), c.YMM(), c.YMM()
	c.VMOVDQU(Mem{Base: src}, y)
	c.VPSUBQ(start, y, y)
	c.VPADDQ(half, y, u)
	c.VPOR(u, bad, bad)
	c.VPSUBQ(less, u, u) // what it is rounded down to is in range as well
	c.VPOR(u, bad, bad)
	c.VPADDQ(magic, y, y)
	c.VSUBPD(magic, y, y)
	c.VDIVPD(unit, y, q)
	c.VROUNDPD(Imm(1), q, q) // down
	c.VMULPD(unit, q, q)
	c.VADDPD(magic, q, q)
	c.VPSUBQ(magic, q, q)
	c.VPADDQ(start, q, q)
	c.VMOVDQU(q, Mem{Base: dst})
	c.ADDQ(Imm(32), src)
	c.ADDQ(Imm(32), dst)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	inRange(c, bad)
}

// inRange returns whether no lane of bad has a bit above the low 52.
func inRange(c *build.Context, bad reg.VecVirtual) {
	c.VPSRLQ(Imm(52), bad, bad)
	c.VPTEST(bad, bad)
	ok := c.GP8()
	c.SETEQ(ok)
	c.Store(ok, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
}

func constant64(c *build.Context, v uint64) reg.VecVirtual {
	t, y := c.GP64(), c.YMM()
	c.MOVQ(U64(v), t)
	c.VMOVQ(t, y.AsX())
	c.VPBROADCASTQ(y.AsX(), y)
	return y
}
