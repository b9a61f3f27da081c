package funcs

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// Sequences gives out numbers; the engine implements it.
type Sequences interface {
	Next(seq datum.OID) (int64, error)
	Current(seq datum.OID) (int64, error)
	Last() (int64, error)
	Set(seq datum.OID, value int64, called bool) error
}

// Advisory is the locks that programs agree about by numbers. two says that the key is two numbers, of 32 bits each.
type Advisory interface {
	// Lock locks for the session, or for the transaction; with try it does not wait, and reports whether it has the lock.
	Lock(ctx context.Context, key int64, two, shared, transaction, try bool) (bool, error)
	Unlock(key int64, two, shared bool) bool
	UnlockAll()
}

// sequenceFuncs are the functions of sequences (PostgreSQL documentation, section 9.17).
func sequenceFuncs() []Func {
	return []Func{
		row(1574, "nextval", datum.Int8, "advances a sequence and returns the new value", sequence(func(s Sequences, a []*vec.Column, i int) (int64, error) {
			return s.Next(datum.OID(a[0].Int(i)))
		}), datum.Regclass).as(Volatile),
		row(1575, "currval", datum.Int8, "the value that nextval gave last for a sequence in this session", sequence(func(s Sequences, a []*vec.Column, i int) (int64, error) {
			return s.Current(datum.OID(a[0].Int(i)))
		}), datum.Regclass).as(Volatile),
		row(2559, "lastval", datum.Int8, "the value that nextval gave last in this session", sequence(func(s Sequences, _ []*vec.Column, _ int) (int64, error) {
			return s.Last()
		})).as(Volatile),
		row(1576, "setval", datum.Int8, "sets a sequence: nextval gives the value after this one", sequence(func(s Sequences, a []*vec.Column, i int) (int64, error) {
			return a[1].Int(i), s.Set(datum.OID(a[0].Int(i)), a[1].Int(i), true)
		}), datum.Regclass, datum.Int8).as(Volatile),
		row(1765, "setval", datum.Int8, "sets a sequence: nextval gives the value after this one, or with false this one", sequence(func(s Sequences, a []*vec.Column, i int) (int64, error) {
			return a[1].Int(i), s.Set(datum.OID(a[0].Int(i)), a[1].Int(i), a[2].Bool(i))
		}), datum.Regclass, datum.Int8, datum.Bool).as(Volatile),
	}
}

func sequence(f func(s Sequences, a []*vec.Column, i int) (int64, error)) Body {
	return eachRow(vec.Int64, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		if c.Sequences == nil {
			return pgerr.New(pgerr.FeatureNotSupported, "sequences cannot be used here")
		}
		v, err := f(c.Sequences, a, i)
		b.AppendInt(v)
		return err
	})
}

// lockFuncs are the functions of advisory locks (section 9.27.10).
func lockFuncs() []Func {
	one, two := []datum.OID{datum.Int8}, []datum.OID{datum.Int4, datum.Int4}
	var out []Func
	for _, f := range []struct {
		oid                      [2]datum.OID // of one number, of two
		name                     string
		shared, transaction, try bool
	}{
		{[2]datum.OID{2880, 2886}, "pg_advisory_lock", false, false, false},
		{[2]datum.OID{2881, 2887}, "pg_advisory_lock_shared", true, false, false},
		{[2]datum.OID{2882, 2888}, "pg_try_advisory_lock", false, false, true},
		{[2]datum.OID{2883, 2889}, "pg_try_advisory_lock_shared", true, false, true},
		{[2]datum.OID{3089, 3093}, "pg_advisory_xact_lock", false, true, false},
		{[2]datum.OID{3090, 3094}, "pg_advisory_xact_lock_shared", true, true, false},
		{[2]datum.OID{3091, 3095}, "pg_try_advisory_xact_lock", false, true, true},
		{[2]datum.OID{3092, 3096}, "pg_try_advisory_xact_lock_shared", true, true, true},
	} {
		ret, kind, doc := datum.OID(datum.Void), vec.Bytes, "locks a number of the program's own"
		if f.transaction {
			doc += " until the transaction ends"
		}
		if f.try {
			ret, kind, doc = datum.Bool, vec.Bool, doc+", if nobody else has it"
		}
		body := eachRow(kind, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			key, two := advisoryKey(a, i)
			got, err := c.Advisory.Lock(c.Context, key, two, f.shared, f.transaction, f.try)
			if kind == vec.Bool {
				b.AppendBool(got)
			} else {
				b.AppendString("")
			}
			return err
		})
		out = append(out, row(f.oid[0], f.name, ret, doc, body, one...).as(Volatile), row(f.oid[1], f.name, ret, doc, body, two...).as(Volatile))
	}
	for _, f := range []struct {
		oid    [2]datum.OID
		name   string
		shared bool
	}{{[2]datum.OID{2884, 2890}, "pg_advisory_unlock", false}, {[2]datum.OID{2885, 2891}, "pg_advisory_unlock_shared", true}} {
		body := eachRow(vec.Bool, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			key, two := advisoryKey(a, i)
			b.AppendBool(c.Advisory.Unlock(key, two, f.shared))
			return nil
		})
		doc := "lets go of an advisory lock; false: the session does not have it"
		out = append(out, row(f.oid[0], f.name, datum.Bool, doc, body, one...).as(Volatile), row(f.oid[1], f.name, datum.Bool, doc, body, two...).as(Volatile))
	}
	return append(out, row(2892, "pg_advisory_unlock_all", datum.Void, "lets go of all advisory locks of the session", eachRow(vec.Bytes, func(c *Ctx, b *vec.Builder, _ []*vec.Column, _ int) error {
		c.Advisory.UnlockAll()
		b.AppendString("")
		return nil
	})).as(Volatile))
}

// advisoryKey is the number that a row locks.
func advisoryKey(a []*vec.Column, i int) (key int64, two bool) {
	if len(a) == 1 {
		return a[0].Int(i), false
	}
	return a[0].Int(i)<<32 | int64(uint32(a[1].Int(i))), true
}
