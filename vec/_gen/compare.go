package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// compare writes the comparisons of plain columns: a byte of a bitmap for each group of eight rows.
func compare(c *build.Context) {
	begin(c, "between64AVX2", "func(dst *byte, src *int64, groups int, lo int64, hi int64, flip int)",
		"stores which values are in [lo, hi], or with flip 255 which are not.")
	lo, hi := broadcast64(c, "lo"), broadcast64(c, "hi")
	rows(c, 8, true, "src", func(y reg.VecVirtual) { outside64(c, y, lo, hi) })

	begin(c, "between32AVX2", "func(dst *byte, src *int32, groups int, lo int32, hi int32, flip int)",
		"stores which values are in [lo, hi], or with flip 255 which are not.")
	lo, hi = broadcast32(c, "lo"), broadcast32(c, "hi")
	rows(c, 4, true, "src", func(y reg.VecVirtual) {
		under := c.YMM()
		c.VPCMPGTD(y, lo, under)
		c.VPCMPGTD(hi, y, y)
		c.VPOR(under, y, y)
	})

	const lessOrdered, lessEqualOrdered, equalOrdered, unordered, ordered = 17, 18, 0, 3, 7
	for _, k := range []struct {
		name, doc string
		pred      uint64
	}{
		{"lessFloatAVX2", "less than with", lessOrdered},
		{"lessEqualFloatAVX2", "less than or equal to with", lessEqualOrdered},
		{"equalFloatAVX2", "equal to with", equalOrdered},
		{"unorderedFloatAVX2", "not a number, or with is not,", unordered},
	} {
		begin(c, k.name, "func(dst *byte, src *float64, groups int, with float64, flip int)",
			"stores which values are "+k.doc+", or with flip 255 which are not. No comparison with a NaN holds but that.")
		with := broadcast64(c, "with")
		rows(c, 8, false, "src", func(y reg.VecVirtual) { c.VCMPPD(Imm(k.pred), with, y, y) })
	}

	begin(c, "lessPairs64AVX2", "func(dst *byte, a *int64, b *int64, groups int, flip int)",
		"stores where a is less than b, or with flip 255 where it is not.")
	pairs(c, func(x, y reg.VecVirtual) { c.VPCMPGTQ(x, y, x) })
	begin(c, "equalPairs64AVX2", "func(dst *byte, a *int64, b *int64, groups int, flip int)",
		"stores where a equals b, or with flip 255 where it does not.")
	pairs(c, func(x, y reg.VecVirtual) { c.VPCMPEQQ(x, y, x) })
	begin(c, "lessPairsFloatAVX2", "func(dst *byte, a *float64, b *float64, groups int, flip int)",
		"stores where a is less than b, or with flip 255 where it is not; NaN is greater than all other values and equal to itself.")
	pairs(c, func(x, y reg.VecVirtual) {
		t := c.YMM()
		c.VCMPPD(Imm(unordered), y, y, t)
		known := c.YMM()
		c.VCMPPD(Imm(ordered), x, x, known)
		c.VANDPD(known, t, t)
		c.VCMPPD(Imm(lessOrdered), y, x, x)
		c.VORPD(t, x, x)
	})
	begin(c, "equalPairsFloatAVX2", "func(dst *byte, a *float64, b *float64, groups int, flip int)",
		"stores where a equals b, or with flip 255 where it does not; NaN equals itself.")
	pairs(c, func(x, y reg.VecVirtual) {
		a, b := c.YMM(), c.YMM()
		c.VCMPPD(Imm(unordered), x, x, a)
		c.VCMPPD(Imm(unordered), y, y, b)
		c.VANDPD(a, b, b)
		c.VCMPPD(Imm(equalOrdered), y, x, x)
		c.VORPD(b, x, x)
	})
}

// rows walks through groups of eight values of size bytes; set makes all ones of the lanes that count (inverted: of
// those that do not).
func rows(c *build.Context, size int, inverted bool, param string, set func(y reg.VecVirtual)) {
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param(param), c.GP64())
	flip := c.Load(c.Param("flip"), c.GP64()).(reg.GPVirtual)
	if inverted {
		c.NOTQ(flip)
	}
	loop(c, func() {
		var bits reg.GPVirtual
		for i := range size / 4 {
			y := c.YMM()
			c.VMOVDQU(Mem{Base: src, Disp: 32 * i}, y)
			set(y)
			part := c.GP32()
			if size == 8 {
				c.VMOVMSKPD(y, part)
			} else {
				c.VMOVMSKPS(y, part)
			}
			bits = joined(c, bits, part)
		}
		c.XORL(flip.As32(), bits)
		c.MOVB(bits.As8(), Mem{Base: dst})
		c.INCQ(dst)
		c.ADDQ(Imm(uint64(8*size)), src)
	})
}

// joined puts the four bits of the second half above those of the first.
func joined(c *build.Context, bits, part reg.GPVirtual) reg.GPVirtual {
	if bits == nil {
		return part
	}
	c.SHLL(Imm(4), part)
	c.ORL(bits, part)
	return part
}

// pairs walks through groups of eight pairs of 64-bit values; set makes all ones of the lanes of x that count.
func pairs(c *build.Context, set func(x, y reg.VecVirtual)) {
	dst, a, b := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("a"), c.GP64()), c.Load(c.Param("b"), c.GP64())
	flip := c.Load(c.Param("flip"), c.GP64()).(reg.GPVirtual)
	loop(c, func() {
		var bits reg.GPVirtual
		for i := range 2 {
			x, y := c.YMM(), c.YMM()
			c.VMOVDQU(Mem{Base: a, Disp: 32 * i}, x)
			c.VMOVDQU(Mem{Base: b, Disp: 32 * i}, y)
			set(x, y)
			part := c.GP32()
			c.VMOVMSKPD(x, part)
			bits = joined(c, bits, part)
		}
		c.XORL(flip.As32(), bits)
		c.MOVB(bits.As8(), Mem{Base: dst})
		c.INCQ(dst)
		c.ADDQ(Imm(64), a)
		c.ADDQ(Imm(64), b)
	})
}
