package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// DomainCheck is a condition of a domain; without a name it is NOT NULL.
type DomainCheck struct {
	Domain       string // as the session writes it
	Schema, Type string
	Name         string
}

// Failed is the error for a value that breaks the condition.
func (k DomainCheck) Failed() error {
	about := pgerr.Object{Schema: k.Schema, DataType: k.Type, Constraint: k.Name}
	if k.Name == "" {
		return pgerr.New(pgerr.NotNullViolation, "domain %s does not allow null values", k.Domain).Of(about)
	}
	return pgerr.New(pgerr.CheckViolation, "value for domain %s violates check constraint %q", k.Domain, k.Name).Of(about)
}

// CheckDomain is a function that gives its first argument, unless one of the conditions, which are its other arguments, is false.
func CheckDomain(base datum.OID, checks []DomainCheck) *Func {
	f := &Func{Name: "check_domain", Args: []datum.OID{base}, Ret: base, Volatile: Immutable, Doc: "the value, which satisfies the conditions of a domain"}
	for range checks {
		f.Args = append(f.Args, datum.Bool)
	}
	f.Body = func(_ *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		for i := range n {
			for k, cond := range args[1:] {
				if !cond.Null(i) && !cond.Bool(i) {
					return nil, checks[k].Failed()
				}
			}
		}
		return args[0], nil
	}
	return f
}
