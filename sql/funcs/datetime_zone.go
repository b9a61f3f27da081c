package funcs

import (
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// intervalZone is a zone given as its distance to the east.
func intervalZone(v vec.IntervalValue, env *datum.Env) (*time.Location, error) {
	if v.Months != 0 || v.Days != 0 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "interval time zone \"%s\" must not include months or days", datum.AppendIntervalText(nil, v, env))
	}
	return time.FixedZone("", int(v.Micros/datum.MicrosPerSecond)), nil
}

// zoneFuncs are timezone(zone, value), which is what AT TIME ZONE means.
func zoneFuncs() []Func {
	const ts, tz, tt = datum.Timestamp, datum.TimestampTZ, datum.TimeTZ
	type finder func(c *Ctx, a *vec.Column, i int) (*time.Location, error)
	named := func() finder {
		var name string
		var loc *time.Location
		return func(_ *Ctx, a *vec.Column, i int) (_ *time.Location, err error) {
			if v := a.Bytes(i); loc == nil || string(v) != name { // most often every row names the same
				name = string(v)
				loc, err = datum.ZoneByName(name)
			}
			return loc, err
		}
	}
	east := func() finder {
		return func(c *Ctx, a *vec.Column, i int) (*time.Location, error) { return intervalZone(a.Interval(i), c.Env) }
	}
	row := func(oid, zone, from, to datum.OID, vol Volatility, doc string, conv func(c *Ctx, loc *time.Location, v int64) int64) Func {
		find := named
		if zone == datum.Interval {
			find = east
		}
		body := func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
			zone := find()
			return rowwise(datum.KindOf(to), func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
				at := a[1].Int(i)
				if to != tt && datum.IsInfinite(at) { // in every zone, even in one that there is not
					b.AppendInt(at)
					return nil
				}
				loc, err := zone(c, a[0], i)
				if err != nil {
					return err
				}
				v := conv(c, loc, at)
				if to != tt && !datum.ValidTimestamp(v) {
					return errTimestampRange
				}
				b.AppendInt(v)
				return nil
			})(c, args, n)
		}
		return Func{OID: oid, Name: "timezone", Args: dtArgs(zone, from), Ret: to, Strict: true, Volatile: vol, Doc: doc, Body: body}
	}
	local := func(_ *Ctx, loc *time.Location, v int64) int64 { return datum.ToLocal(loc, v) }
	utc := func(_ *Ctx, loc *time.Location, v int64) int64 { return datum.FromLocal(loc, v) }
	const toLocalDoc, toMomentDoc, shiftDoc = "the local time in the zone", "the moment of that local time in the zone", "the same time by the clock of the zone"
	return []Func{
		row(1159, datum.Text, tz, ts, Immutable, toLocalDoc, local), row(1026, datum.Interval, tz, ts, Immutable, toLocalDoc, local),
		row(2069, datum.Text, ts, tz, Immutable, toMomentDoc, utc), row(2070, datum.Interval, ts, tz, Immutable, toMomentDoc, utc),
		row(2037, datum.Text, tt, tt, Stable, shiftDoc, timetzIn), row(2038, datum.Interval, tt, tt, Immutable, shiftDoc, timetzIn),
	}
}

func timetzIn(c *Ctx, loc *time.Location, v int64) int64 {
	t, east := datum.UnpackTimeTZ(v)
	_, want := datum.ZoneOffset(loc, c.Now)
	return datum.PackTimeTZ(timeOfDay(t+(want-east)*datum.MicrosPerSecond), want)
}

// overlapsFuncs are OVERLAPS: two periods, each of two ends or of a start and a length.
func overlapsFuncs() []Func {
	rows := []struct {
		t                datum.OID
		ends, both, r, l datum.OID // the OIDs: neither, both, the right or the left period has a length
		shift            func(c *Ctx, v int64, by vec.IntervalValue) (int64, error)
	}{
		{datum.TimestampTZ, 1304, 1305, 1306, 1307, shiftMoment}, {datum.Timestamp, 2041, 2042, 2043, 2044, shiftStamp},
		{datum.Time, 1308, 1309, 1310, 1311, shiftTime}, {datum.TimeTZ, 1271, 0, 0, 0, nil},
	}
	var out []Func
	for _, r := range rows {
		add := func(oid, second, fourth datum.OID) {
			if oid == 0 {
				return
			}
			vol := Immutable
			if r.t == datum.TimestampTZ && oid != r.ends {
				vol = Stable
			}
			out = append(out, Func{OID: oid, Name: "overlaps", Args: dtArgs(r.t, second, r.t, fourth), Ret: datum.Bool, Volatile: vol,
				Doc: "whether the two periods have a moment in common", Body: overlapsBody(r.t, second, fourth, r.shift)})
		}
		add(r.ends, r.t, r.t)
		add(r.both, datum.Interval, datum.Interval)
		add(r.r, r.t, datum.Interval)
		add(r.l, datum.Interval, r.t)
	}
	return out
}

// period is a start and an end, either of which may be unknown.
type period struct {
	from, to       int64
	noFrom, noTo   bool
	compare        func(a, b int64) int
	nothingIsKnown bool
}

func overlapsBody(t, second, fourth datum.OID, shift func(c *Ctx, v int64, by vec.IntervalValue) (int64, error)) Body {
	cmp := func(a, b int64) int { return datum.CompareInt(t, a, b) }
	read := func(c *Ctx, kind datum.OID, from, to *vec.Column, i int) (period, error) {
		p := period{noFrom: from.Null(i), noTo: to.Null(i), compare: cmp}
		if !p.noFrom {
			p.from = from.Int(i)
		}
		switch {
		case p.noTo:
		case kind != datum.Interval:
			p.to = to.Int(i)
		case p.noFrom:
			p.noTo = true
		default:
			var err error
			if p.to, err = shift(c, p.from, to.Interval(i)); err != nil {
				return p, err
			}
		}
		p.order()
		return p, nil
	}
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Bool, n)
		for i := range n {
			x, err := read(c, second, args[0], args[1], i)
			if err != nil {
				return nil, err
			}
			y, err := read(c, fourth, args[2], args[3], i)
			if err != nil {
				return nil, err
			}
			if v, known := x.overlaps(y); known {
				b.AppendBool(v)
			} else {
				b.AppendNull()
			}
		}
		return b.Finish(), nil
	}
}

// order puts the earlier end first, and the known one where only one is known.
func (p *period) order() {
	switch {
	case p.noFrom && p.noTo:
		p.nothingIsKnown = true
	case p.noFrom:
		p.from, p.noFrom, p.noTo = p.to, false, true
	case !p.noTo && p.compare(p.from, p.to) > 0:
		p.from, p.to = p.to, p.from
	}
}

// overlaps compares by the rule of SQL: the later start lies before the end of the earlier period.
func (p period) overlaps(q period) (value, known bool) {
	if p.nothingIsKnown || q.nothingIsKnown {
		return false, false
	}
	switch c := p.compare(p.from, q.from); {
	case c == 0:
		return true, !p.noTo && !q.noTo
	case c > 0:
		p, q = q, p
	}
	switch {
	case p.noTo:
		return false, false
	case p.compare(q.from, p.to) < 0:
		return true, true
	}
	return false, !q.noTo
}
