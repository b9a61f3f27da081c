package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packed writes the kernels that read packed values, eight at a time: eight values of w bits are w bytes, so every group
// begins with a byte. How the bits of a group go to their lanes is in a table that package vec makes for each width:
//
//	narrow (w <= 25)  32-bit lanes. Bytes 0 to 31: for VPSHUFB; 32 to 63: shifts. Values 0 to 3 come from 16 bytes at
//	                  the group's begin, values 4 to 7 from 16 bytes at 4w/8.
//	wide (w <= 56)    64-bit lanes, two vectors. Bytes 0 to 63: for VPSHUFB; 64 to 127: shifts. Each pair of values
//	                  comes from 16 bytes, at 0, 2w/8, 4w/8 and 6w/8.
func packed(c *build.Context) {
	for _, mul := range []bool{false, true} {
		unpackNarrow32(c, mul)
		unpackNarrow64(c, mul)
		unpackWide64(c, mul)
	}
	betweenNarrow(c)
	betweenWide(c)
	floats64(c)
}

func unitName(mul bool) string {
	if mul {
		return "Unit"
	}
	return ""
}

// source is the packed groups that a kernel walks through.
type source struct {
	c     *build.Context
	src   reg.GPVirtual
	width reg.GPVirtual
	offs  []reg.GPVirtual
	shuf  []reg.VecVirtual
	shift []reg.VecVirtual
	mask  reg.VecVirtual
}

func newSource(c *build.Context, wide bool) *source {
	s := &source{c: c}
	s.src = c.Load(c.Param("src"), c.GP64()).(reg.GPVirtual)
	s.width = c.Load(c.Param("width"), c.GP64()).(reg.GPVirtual)
	table := Mem{Base: c.Load(c.Param("table"), c.GP64())}
	vectors, steps := 1, []uint64{1}
	if wide {
		vectors, steps = 2, []uint64{2, 1, 2} // of 4w/8: 2w/8, 4w/8, 6w/8
	}
	for i := range vectors {
		m, n := c.YMM(), c.YMM()
		c.VMOVDQU(table.Offset(32*i), m)
		c.VMOVDQU(table.Offset(32*(vectors+i)), n)
		s.shuf, s.shift = append(s.shuf, m), append(s.shift, n)
	}
	for i := range steps {
		o := c.GP64()
		c.MOVQ(s.width, o)
		switch {
		case !wide:
			c.SHRQ(Imm(1), o)
		case i == 0:
			c.SHRQ(Imm(2), o)
		case i == 1:
			c.SHRQ(Imm(1), o)
		default:
			c.LEAQ(Mem{Base: s.width, Index: s.width, Scale: 2}, o)
			c.SHRQ(Imm(2), o)
		}
		s.offs = append(s.offs, o)
	}
	if wide {
		s.mask = broadcast64(c, "mask")
	} else {
		s.mask = broadcast32(c, "mask")
	}
	return s
}

// group loads the next eight values: a vector of 32-bit lanes, or two of 64-bit lanes.
func (s *source) group() []reg.VecVirtual {
	c := s.c
	out := make([]reg.VecVirtual, len(s.shuf))
	for i := range s.shuf {
		y := c.YMM()
		if i == 0 {
			c.VMOVDQU(Mem{Base: s.src}, y.AsX())
		} else {
			c.VMOVDQU(Mem{Base: s.src, Index: s.offs[1], Scale: 1}, y.AsX())
		}
		c.VINSERTI128(Imm(1), Mem{Base: s.src, Index: s.offs[2*i], Scale: 1}, y, y)
		c.VPSHUFB(s.shuf[i], y, y)
		if len(s.shuf) == 1 {
			c.VPSRLVD(s.shift[i], y, y)
		} else {
			c.VPSRLVQ(s.shift[i], y, y)
		}
		c.VPAND(s.mask, y, y)
		out[i] = y
	}
	c.ADDQ(s.width, s.src)
	return out
}

func broadcast64(c *build.Context, param string) reg.VecVirtual {
	y := c.YMM()
	a, _ := c.Param(param).Resolve()
	c.VPBROADCASTQ(a.Addr, y)
	return y
}

func broadcast32(c *build.Context, param string) reg.VecVirtual {
	y := c.YMM()
	c.VMOVD(c.Load(c.Param(param), c.GP32()), y.AsX())
	c.VPBROADCASTD(y.AsX(), y)
	return y
}

func broadcast8(c *build.Context, param string) reg.VecVirtual {
	y := c.YMM()
	c.VMOVQ(c.Load(c.Param(param), c.GP64()), y.AsX())
	c.VPBROADCASTB(y.AsX(), y)
	return y
}

// loop runs body groups times, which is more than 0.
func loop(c *build.Context, body func()) {
	n := c.Load(c.Param("groups"), c.GP64())
	c.Label("loop")
	body()
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	c.VZEROUPPER()
	c.RET()
}

// begin starts a function whose pointers do not escape.
func begin(c *build.Context, name, signature, doc string) {
	c.Function(name)
	c.SignatureExpr(signature)
	c.Pragma("noescape")
	c.Doc(fmt.Sprintf("%s %s", name, doc))
	c.Attributes(attr.NOSPLIT)
}

func unpackNarrow32(c *build.Context, mul bool) {
	begin(c, "unpackNarrow32"+unitName(mul)+"AVX2",
		"func(dst *int32, src *byte, groups int, width int, table *byte, mask uint32, base uint32, unit uint32)",
		"unpacks groups of eight values of at most 25 bits and stores base + unit * value.")
	s := newSource(c, false)
	dst := c.Load(c.Param("dst"), c.GP64())
	base := broadcast32(c, "base")
	var unit reg.VecVirtual
	if mul {
		unit = broadcast32(c, "unit")
	}
	loop(c, func() {
		y := s.group()[0]
		if mul {
			c.VPMULLD(unit, y, y)
		}
		c.VPADDD(base, y, y)
		c.VMOVDQU(y, Mem{Base: dst})
		c.ADDQ(Imm(32), dst)
	})
}

func unpackNarrow64(c *build.Context, mul bool) {
	begin(c, "unpackNarrow64"+unitName(mul)+"AVX2",
		"func(dst *int64, src *byte, groups int, width int, table *byte, mask uint32, base uint64, unit uint64)",
		"unpacks groups of eight values of at most 25 bits and stores base + unit * value.")
	s := newSource(c, false)
	dst := c.Load(c.Param("dst"), c.GP64())
	base := broadcast64(c, "base")
	u := newFactor(c, mul)
	loop(c, func() {
		y := s.group()[0]
		lo, hi := c.YMM(), c.YMM()
		c.VPMOVZXDQ(y.AsX(), lo)
		c.VEXTRACTI128(Imm(1), y, hi.AsX())
		c.VPMOVZXDQ(hi.AsX(), hi)
		for i, v := range []reg.VecVirtual{lo, hi} {
			u.times(v, true)
			c.VPADDQ(base, v, v)
			c.VMOVDQU(v, Mem{Base: dst, Disp: 32 * i})
		}
		c.ADDQ(Imm(64), dst)
	})
}

func unpackWide64(c *build.Context, mul bool) {
	begin(c, "unpackWide64"+unitName(mul)+"AVX2",
		"func(dst *int64, src *byte, groups int, width int, table *byte, mask uint64, base uint64, unit uint64)",
		"unpacks groups of eight values of at most 56 bits and stores base + unit * value.")
	s := newSource(c, true)
	dst := c.Load(c.Param("dst"), c.GP64())
	base := broadcast64(c, "base")
	u := newFactor(c, mul)
	loop(c, func() {
		for i, v := range s.group() {
			u.times(v, false)
			c.VPADDQ(base, v, v)
			c.VMOVDQU(v, Mem{Base: dst, Disp: 32 * i})
		}
		c.ADDQ(Imm(64), dst)
	})
}

// factor multiplies 64-bit lanes by the parameter unit, modulo 2^64.
type factor struct {
	c      *build.Context
	mul    bool
	lo, hi reg.VecVirtual
}

func newFactor(c *build.Context, mul bool) *factor {
	f := &factor{c: c, mul: mul}
	if mul {
		f.lo = broadcast64(c, "unit")
		f.hi = c.YMM()
		c.VPSRLQ(Imm(32), f.lo, f.hi)
	}
	return f
}

// times multiplies v, whose lanes are less than 2^32 if short.
func (f *factor) times(v reg.VecVirtual, short bool) {
	if !f.mul {
		return
	}
	c := f.c
	cross := c.YMM()
	c.VPMULUDQ(f.hi, v, cross)
	if !short {
		t := c.YMM()
		c.VPSRLQ(Imm(32), v, t)
		c.VPMULUDQ(f.lo, t, t)
		c.VPADDQ(t, cross, cross)
	}
	c.VPSLLQ(Imm(32), cross, cross)
	c.VPMULUDQ(f.lo, v, v)
	c.VPADDQ(cross, v, v)
}

func betweenNarrow(c *build.Context) {
	begin(c, "betweenNarrowAVX2",
		"func(dst *byte, src *byte, groups int, width int, table *byte, mask uint32, lo uint32, hi uint32, flip int)",
		"stores a byte for each group of eight values of at most 25 bits: which are in [lo, hi], or with flip 255 which are not.")
	s := newSource(c, false)
	dst := c.Load(c.Param("dst"), c.GP64())
	lo, hi := broadcast32(c, "lo"), broadcast32(c, "hi")
	flip := c.Load(c.Param("flip"), c.GP64()).(reg.GPVirtual)
	c.NOTQ(flip) // what is computed below are the values outside
	loop(c, func() {
		y := s.group()[0]
		under := c.YMM()
		c.VPCMPGTD(y, lo, under) // lo > y
		c.VPCMPGTD(hi, y, y)     // y > hi
		c.VPOR(under, y, y)
		bits := c.GP32()
		c.VMOVMSKPS(y, bits)
		c.XORL(flip.As32(), bits)
		c.MOVB(bits.As8(), Mem{Base: dst})
		c.INCQ(dst)
	})
}

func betweenWide(c *build.Context) {
	begin(c, "betweenWideAVX2",
		"func(dst *byte, src *byte, groups int, width int, table *byte, mask uint64, lo uint64, hi uint64, flip int)",
		"stores a byte for each group of eight values of at most 56 bits: which are in [lo, hi], or with flip 255 which are not.")
	s := newSource(c, true)
	dst := c.Load(c.Param("dst"), c.GP64())
	lo, hi := broadcast64(c, "lo"), broadcast64(c, "hi")
	flip := c.Load(c.Param("flip"), c.GP64()).(reg.GPVirtual)
	c.NOTQ(flip)
	loop(c, func() {
		two := s.group()
		bits := [2]reg.GPVirtual{c.GP32(), c.GP32()}
		for i, y := range two {
			outside64(c, y, lo, hi)
			c.VMOVMSKPD(y, bits[i])
		}
		c.SHLL(Imm(4), bits[1])
		c.ORL(bits[1], bits[0])
		c.XORL(flip.As32(), bits[0])
		c.MOVB(bits[0].As8(), Mem{Base: dst})
		c.INCQ(dst)
	})
}

// outside64 sets the lanes of y that are less than lo or greater than hi.
func outside64(c *build.Context, y, lo, hi reg.VecVirtual) {
	under := c.YMM()
	c.VPCMPGTQ(y, lo, under)
	c.VPCMPGTQ(hi, y, y)
	c.VPOR(under, y, y)
}

// floats64 converts and divides. A double that is 2^52 + 2^51 + v has v in its low bits, for v from -2^51 to 2^51 - 1.
func floats64(c *build.Context) {
	begin(c, "divideFloatsAVX2", "func(dst *float64, src *int64, groups int, divisor float64) bool",
		"stores src / divisor for groups of four values; it reports false, and what it stored is of no use, if one of them is outside [-2^51, 2^51).")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	magic, half, bad := constant64(c, 0x4338000000000000), constant64(c, 1<<51), c.YMM()
	div := broadcast64(c, "divisor")
	c.VPXOR(bad, bad, bad)
	n := c.Load(c.Param("groups"), c.GP64())
	c.Label("loop")
	y, u := c.YMM(), c.YMM()
	c.VMOVDQU(Mem{Base: src}, y)
	c.VPADDQ(half, y, u) // in range: 0 to 2^52 - 1
	c.VPOR(u, bad, bad)
	c.VPADDQ(magic, y, y)
	c.VSUBPD(magic, y, y)
	c.VDIVPD(div, y, y)
	c.VMOVUPD(y, Mem{Base: dst})
	c.ADDQ(Imm(32), src)
	c.ADDQ(Imm(32), dst)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	inRange(c, bad)
}
