package funcs

import (
	"math/big"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// followerLag is how far back follower_read_timestamp lies, as in CockroachDB.
const followerLag = 4_200_000 // microseconds

// momentFuncs name moments for AS OF SYSTEM TIME, with the names and meanings of CockroachDB's.
func momentFuncs() []Func {
	ts, iv := datum.TimestampTZ, datum.Interval
	minTime := rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, args []*vec.Column, i int) error {
		b.AppendInt(max(args[0].Int(i), c.StmtNow))
		return nil
	})
	staleness := rowwise(vec.Int64, func(c *Ctx, b *vec.Builder, args []*vec.Column, i int) error {
		if v := args[0].Interval(i); (int64(v.Months)*30+int64(v.Days))*dayMicros+v.Micros < 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "the staleness that is allowed cannot be negative")
		}
		b.AppendInt(c.StmtNow)
		return nil
	})
	out := []Func{
		{OID: ownOIDs + 300, Name: "cluster_logical_timestamp", Ret: datum.Numeric, Volatile: Volatile,
			Doc: "the moment that the statement sees, as nanoseconds since 1970 and a logical counter: AS OF SYSTEM TIME it gives the same answer", Body: logicalTimestamp},
		stable(ownOIDs+301, "follower_read_timestamp", ts, "a moment that every replica can answer about: 4.2 seconds ago", intOf(func(c *Ctx) int64 { return c.StmtNow - followerLag })),
	}
	for k, args := range [][]datum.OID{{ts}, {ts, datum.Bool}} {
		out = append(out, Func{OID: datum.OID(ownOIDs + 302 + k), Name: "with_min_timestamp", Args: args, Ret: ts, Strict: true, Volatile: Stable,
			Doc: "the newest moment that needs no waiting, not before the one that is given", Body: minTime})
	}
	for k, args := range [][]datum.OID{{iv}, {iv, datum.Bool}} {
		out = append(out, Func{OID: datum.OID(ownOIDs + 304 + k), Name: "with_max_staleness", Args: args, Ret: ts, Strict: true, Volatile: Stable,
			Doc: "the newest moment that needs no waiting, at most so long ago", Body: staleness})
	}
	return out
}

// logicalTimestamp prints a moment as a hybrid logical clock does. Times of the log differ by a microsecond at least, so
// the logical part is 0.
func logicalTimestamp(c *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
	at := c.StmtNow
	if c.ReadTime != nil {
		var err error
		if at, err = c.ReadTime(); err != nil {
			return nil, err
		}
	}
	ns := new(big.Int).Mul(big.NewInt(at-datum.UnixEpochMicros), big.NewInt(1000*10_000_000_000))
	b := vec.NewBuilder(vec.Decimal, 1)
	b.AppendDecimal(decimal.FromBig(ns, 10))
	return vec.Repeat(b.Finish(), 0, n), nil
}
