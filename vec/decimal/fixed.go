package decimal

import (
	"math"
	"math/big"
	"sync"
)

// Fixed-point arithmetic for the functions: x stands for x / 2^prec. Results are
// right to within a few hundred units of the last place; callers ask for guard
// bits accordingly.

const guardBits = 96

// decBits gives how many bits n decimal digits after the point need, with guard.
func decBits(n int) uint { return uint(max(n, 0))*3322/1000 + guardBits }

// toFixed gives d, finite, as a fixed-point number.
func toFixed(d Dec, prec uint) *big.Int {
	x := new(big.Int).Lsh(d.bigCoef(), prec)
	if d.Scale > 0 {
		x.Quo(x, bigPow10(int(d.Scale)))
	}
	return x
}

// fromFixed rounds x / 2^prec to scale digits after the point.
func fromFixed(x *big.Int, prec uint, scale int32) (Dec, error) {
	num := new(big.Int).Mul(x, bigPow10(int(scale)))
	return checked(quoRound(num, new(big.Int).Lsh(big.NewInt(1), prec)), scale)
}

// mulFixed sets z to x*y.
func mulFixed(z, x, y *big.Int, prec uint) *big.Int {
	return z.Rsh(z.Mul(x, y), prec)
}

var ln2Cache struct {
	sync.Mutex
	prec uint
	v    *big.Int
}

// ln2 gives ln 2, which must not be written to.
func ln2(prec uint) *big.Int {
	c := &ln2Cache
	c.Lock()
	defer c.Unlock()
	if c.v == nil || c.prec < prec {
		c.prec = prec + 64
		sum := atanhInv(26, c.prec)
		sum.Mul(sum, big.NewInt(18))
		t := atanhInv(4801, c.prec)
		sum.Sub(sum, t.Lsh(t, 1))
		t = atanhInv(8749, c.prec)
		c.v = sum.Add(sum, t.Lsh(t, 3))
	}
	return new(big.Int).Rsh(c.v, c.prec-prec)
}

// atanhInv gives atanh(1/n).
func atanhInv(n int64, prec uint) *big.Int {
	term := new(big.Int).Lsh(big.NewInt(1), prec)
	term.Quo(term, big.NewInt(n))
	sum := new(big.Int).Set(term)
	sq := big.NewInt(n * n)
	t := new(big.Int)
	for k := int64(3); term.Sign() != 0; k += 2 {
		term.Quo(term, sq)
		sum.Add(sum, t.Quo(term, big.NewInt(k)))
	}
	return sum
}

// lnFixed gives ln d for d > 0.
func lnFixed(d Dec, prec uint) *big.Int {
	roots := uint(math.Sqrt(float64(prec)))/2 + 2
	work := prec + roots + 32
	// d = m * 2^k with m in [1/2, 2): scaling by bits first keeps m's digits.
	num, den := d.bigCoef(), bigPow10(int(d.Scale))
	k := num.BitLen() - den.BitLen()
	m := new(big.Int)
	if shift := int(work) - k; shift >= 0 {
		m.Quo(m.Lsh(num, uint(shift)), den)
	} else {
		m.Quo(num, new(big.Int).Lsh(den, uint(-shift)))
	}
	one := new(big.Int).Lsh(big.NewInt(1), work)
	for range roots {
		m.Sqrt(m.Lsh(m, work))
	}
	// ln m = 2 atanh((m-1)/(m+1))
	y := new(big.Int).Sub(m, one)
	y.Lsh(y, work)
	y.Quo(y, m.Add(m, one))
	sq := mulFixed(new(big.Int), y, y, work)
	sum, term, t := new(big.Int).Set(y), y, new(big.Int)
	for i := int64(3); term.BitLen() > 1; i += 2 {
		mulFixed(term, term, sq, work)
		sum.Add(sum, t.Quo(term, big.NewInt(i)))
	}
	sum.Lsh(sum, roots+1)
	sum.Add(sum, t.Mul(ln2(work), big.NewInt(int64(k))))
	return sum.Rsh(sum, work-prec)
}

// expFixed gives e^x as m * 2^k with m a fixed-point number of about 1.
func expFixed(x *big.Int, prec uint) (m *big.Int, k int) {
	half := uint(math.Sqrt(float64(prec))) + 2
	work := prec + half + 64
	x = new(big.Int).Lsh(x, work-prec)
	l2 := ln2(work)
	kb, r := new(big.Int).DivMod(x, l2, new(big.Int))
	k = int(kb.Int64())
	r.Rsh(r, half)
	one := new(big.Int).Lsh(big.NewInt(1), work)
	sum, term := new(big.Int).Set(one), new(big.Int).Set(one)
	for i := int64(1); term.Sign() != 0; i++ {
		mulFixed(term, term, r, work)
		term.Quo(term, big.NewInt(i))
		sum.Add(sum, term)
	}
	for range half {
		mulFixed(sum, sum, sum, work)
	}
	return sum.Rsh(sum, work-prec), k
}
