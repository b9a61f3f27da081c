package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// sampleBlock is how many rows, by their numbers, SYSTEM takes or leaves together, as a power of two.
const sampleBlock = 7

// Sample tells of a row by its number whether it is in a sample: BERNOULLI of rows, or SYSTEM of blocks of them. Its arguments are the percentage, the
// seed and the number. The same seed gives the same rows; without REPEATABLE each statement has another.
func Sample(system, repeatable bool) *Func {
	name := "bernoulli"
	if system {
		name = "system"
	}
	f := &Func{Name: name, Args: []datum.OID{datum.Float4, datum.Float8, datum.Int8}, Ret: datum.Bool, Volatile: Stable, Doc: "whether a row is in a sample"}
	f.Body = func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		out := vec.NewBuilder(vec.Bool, n)
		for i := range n {
			share, err := sampleShare(args[0], i)
			if err != nil {
				return nil, err
			}
			if args[1].Null(i) {
				return nil, pgerr.New("2202G", "TABLESAMPLE REPEATABLE parameter cannot be null")
			}
			number, seed := uint64(args[2].Int(i)), scatter(math.Float64bits(args[1].Float(i)))
			if system {
				number >>= sampleBlock
			}
			if !repeatable {
				seed ^= uint64(c.StmtNow)
			}
			out.AppendBool(float64(scatter(number^scatter(seed))>>11)/(1<<53) < share)
		}
		return out.Finish(), nil
	}
	return f
}

// sampleShare is a percentage as a part of one.
func sampleShare(c *vec.Column, i int) (float64, error) {
	if c.Null(i) {
		return 0, pgerr.New("2202H", "TABLESAMPLE parameter cannot be null")
	}
	p := c.Float(i)
	if !(p >= 0 && p <= 100) {
		return 0, pgerr.New("2202H", "sample percentage must be between 0 and 100")
	}
	return p / 100, nil
}

// scatter makes of each number one that says nothing of its neighbours (the last step of MurmurHash3).
func scatter(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
