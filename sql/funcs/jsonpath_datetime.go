package funcs

import (
	"cmp"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// json is the item as a JSON value; a date or time becomes a string of ISO 8601.
func (it pathItem) json() jsonb.Value {
	if it.typ == 0 {
		return it.v
	}
	b := vec.NewBuilder(vec.Int64, 1)
	at, typ := it.at, it.typ
	if typ == datum.TimestampTZ {
		at, typ = at+it.east*datum.MicrosPerSecond, datum.Timestamp
	}
	b.AppendInt(at)
	text := string(jsonTime(datum.T(typ), b.Finish(), 0, datum.DefaultEnv))
	if it.typ == datum.TimestampTZ {
		text += zoneText(it.east)
	}
	if it.typ == datum.TimeTZ {
		_, east := datum.UnpackTimeTZ(it.at)
		if i := strings.LastIndexAny(text, "+-"); i > 0 {
			text = text[:i] + zoneText(east)
		}
	}
	return stringItem(text).v
}

// zoneText is an offset with hours and minutes.
func zoneText(east int64) string {
	sign := "+"
	if east < 0 {
		sign, east = "-", -east
	}
	digits := func(n int64) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }
	return sign + digits(east/3600) + ":" + digits(east/60%60)
}

// pathTimeForms are the forms that datetime() without a template knows, with the type that each gives.
var pathTimeForms = []struct {
	template string
	typ      datum.OID
}{
	{"yyyy-mm-dd", datum.Date},
	{"HH24:MI:SS.USTZH:TZM", datum.TimeTZ}, {"HH24:MI:SS.USTZH", datum.TimeTZ}, {"HH24:MI:SSTZH:TZM", datum.TimeTZ}, {"HH24:MI:SSTZH", datum.TimeTZ},
	{"HH24:MI:SS.US", datum.Time}, {"HH24:MI:SS", datum.Time},
	{"yyyy-mm-dd HH24:MI:SS.USTZH:TZM", datum.TimestampTZ}, {"yyyy-mm-dd HH24:MI:SS.USTZH", datum.TimestampTZ},
	{"yyyy-mm-dd HH24:MI:SSTZH:TZM", datum.TimestampTZ}, {"yyyy-mm-dd HH24:MI:SSTZH", datum.TimestampTZ},
	{"yyyy-mm-dd\"T\"HH24:MI:SS.USTZH:TZM", datum.TimestampTZ}, {"yyyy-mm-dd\"T\"HH24:MI:SS.USTZH", datum.TimestampTZ},
	{"yyyy-mm-dd\"T\"HH24:MI:SSTZH:TZM", datum.TimestampTZ}, {"yyyy-mm-dd\"T\"HH24:MI:SSTZH", datum.TimestampTZ},
	{"yyyy-mm-dd HH24:MI:SS.US", datum.Timestamp}, {"yyyy-mm-dd HH24:MI:SS", datum.Timestamp},
	{"yyyy-mm-dd\"T\"HH24:MI:SS.US", datum.Timestamp}, {"yyyy-mm-dd\"T\"HH24:MI:SS", datum.Timestamp},
}

// datetime is the method: a date or time of a string.
func (r *pathRun) datetime(n *datum.PathNode, it pathItem) (pathItem, error) {
	if !it.is(jsonb.String) {
		return it, fault(badDatetimeArg, "jsonpath item method .datetime() can only be applied to a string")
	}
	text := string(jsonb.StringBytes(it.v))
	if n.Left != nil {
		out, err := readPathTime(text, n.Left.Text)
		return out, asFault(err)
	}
	for _, f := range pathTimeForms {
		if out, err := readPathTime(text, f.template); err == nil && out.typ == f.typ {
			return out, nil
		}
	}
	return it, fault(badDatetimeArg, "datetime format is not recognized: \"%s\"", text)
}

// readPathTime reads all of a text by a template, whose fields say the type.
func readPathTime(text, template string) (pathItem, error) {
	nodes := parseTemplate(template)
	date, clock, zone := false, false, false
	for _, n := range nodes {
		switch key := strings.ToUpper(n.key); key {
		case "":
		case "HH", "HH12", "HH24", "MI", "SS", "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "SSSS", "SSSSS", "AM", "PM", "A.M.", "P.M.":
			clock = true
		case "TZH", "TZM", "TZ", "OF":
			zone = true
		case "FX":
		default:
			date = true
		}
	}
	r := &stampReader{text: text, rest: text, fields: map[string]int64{}, standard: true, exact: true}
	if err := r.read(nodes); err != nil {
		return pathItem{}, err
	}
	if err := r.complete(nodes); err != nil {
		return pathItem{}, err
	}
	at, err := r.moment()
	if err != nil {
		return pathItem{}, err
	}
	days := timestampToDate(at)
	inDay := at - days*datum.MicrosPerDay
	east := r.sign * (r.fields["tzh"]*3600 + r.fields["tzm"]*60)
	switch {
	case date && clock && zone:
		return pathItem{typ: datum.TimestampTZ, at: at - east*datum.MicrosPerSecond, east: east}, nil
	case date && clock:
		return pathItem{typ: datum.Timestamp, at: at}, nil
	case date && zone:
		return pathItem{}, badStamp("datetime format is zoned but not timed")
	case date:
		return pathItem{typ: datum.Date, at: days}, nil
	case clock && zone:
		return pathItem{typ: datum.TimeTZ, at: datum.PackTimeTZ(inDay, east)}, nil
	case clock:
		return pathItem{typ: datum.Time, at: inDay}, nil
	}
	return pathItem{}, badStamp("datetime format is not dated and not timed")
}

// orderTimes compares dates and times. Those with a zone and those without can be compared only where the session's zone
// may be used.
func (r *pathRun) orderTimes(x, y pathItem) (int, bool, error) {
	isTime := func(t datum.OID) bool { return t == datum.Time || t == datum.TimeTZ }
	if isTime(x.typ) != isTime(y.typ) {
		return 0, false, nil
	}
	zoned := func(t datum.OID) bool { return t == datum.TimeTZ || t == datum.TimestampTZ }
	if zoned(x.typ) != zoned(y.typ) && !r.tz {
		from, to := x.typ, y.typ
		if zoned(from) {
			from, to = to, from
		}
		name := map[datum.OID]string{datum.Date: "date", datum.Time: "time", datum.TimeTZ: "timetz", datum.Timestamp: "timestamp", datum.TimestampTZ: "timestamptz"}
		return 0, false, pgerr.New(pgerr.FeatureNotSupported, "cannot convert value from %s to %s without time zone usage", name[from], name[to]).
			WithHint("Use *_tz() function for time zone support.")
	}
	if isTime(x.typ) {
		if !zoned(x.typ) && !zoned(y.typ) {
			return cmp.Compare(x.at, y.at), true, nil
		}
		return datum.CompareInt(datum.TimeTZ, r.withZone(x), r.withZone(y)), true, nil
	}
	mixed := zoned(x.typ) || zoned(y.typ)
	return cmp.Compare(r.stamp(x, mixed), r.stamp(y, mixed)), true, nil
}

// withZone is a time of day in the session's zone if it has none.
func (r *pathRun) withZone(it pathItem) int64 {
	if it.typ == datum.TimeTZ {
		return it.at
	}
	_, east := datum.ZoneOffset(r.ctx.Env.Zone(), r.ctx.Now)
	return datum.PackTimeTZ(it.at, east)
}

// stamp is a date or timestamp in microseconds, of UTC if it has to be compared with one that has a zone.
func (r *pathRun) stamp(it pathItem, mixed bool) int64 {
	at := it.at
	if it.typ == datum.Date {
		at *= datum.MicrosPerDay
	}
	if mixed && it.typ != datum.TimestampTZ {
		return toUTC(r.ctx.Env, at)
	}
	return at
}
