package datum

import "time"

// DateFormat is the first half of DateStyle: how dates are written.
type DateFormat uint8

// The date formats.
const (
	ISODates DateFormat = iota
	SQLDates
	PostgresDates
	GermanDates
)

// DateOrder is the second half of DateStyle: how 1/2/2003 is read.
type DateOrder uint8

// The orders.
const (
	MDY DateOrder = iota
	DMY
	YMD
)

// IntervalFormat is IntervalStyle.
type IntervalFormat uint8

// The interval formats.
const (
	PostgresIntervals IntervalFormat = iota
	VerboseIntervals
	StandardIntervals
	ISOIntervals
)

// Env is what reading and writing values depends on beside their type: the session's settings and, for reg types, the
// catalog. The zero Env is UTC and PostgreSQL's defaults but for ExtraFloatDigits, where 0 is what the setting's 0 means; a
// nil *Env is DefaultEnv. It is not changed while in use.
type Env struct {
	Location         *time.Location // nil is UTC
	DateFormat       DateFormat
	DateOrder        DateOrder
	IntervalFormat   IntervalFormat
	ExtraFloatDigits int
	ByteaEscape      bool
	Now              int64 // transaction start, microseconds since 2000-01-01 UTC: what 'now' and 'today' mean
	// RegName prints an object of a reg type (kind is Regclass, Regproc…) as the session would name it; nil or false prints
	// the number.
	RegName func(kind, oid OID) (string, bool)
	// RegLookup finds the object that a reg type's text names; the text is as written, schema and quotes included.
	RegLookup func(kind OID, name string) (OID, bool)
	// stored: text is that of fields of stored composite values
	stored bool
}

// DefaultEnv is what a nil *Env means.
var DefaultEnv = &Env{Location: time.UTC, ExtraFloatDigits: 1}

func (e *Env) orDefault() *Env {
	if e == nil {
		return DefaultEnv
	}
	return e
}

// Zone returns the session's time zone, never nil.
func (e *Env) Zone() *time.Location {
	if e == nil || e.Location == nil {
		return time.UTC
	}
	return e.Location
}
