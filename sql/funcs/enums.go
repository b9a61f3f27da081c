package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// enumFuncs are about the labels of the enum that an argument is of; its value does not count, and may be null.
func enumFuncs() []Func {
	one := []datum.OID{datum.AnyEnum}
	return []Func{
		{OID: 3528, Name: "enum_first", Args: one, Ret: datum.AnyEnum, Volatile: Stable, Doc: "the first label of the enum", BodyTyped: enumEnd(0)},
		{OID: 3529, Name: "enum_last", Args: one, Ret: datum.AnyEnum, Volatile: Stable, Doc: "the last label of the enum", BodyTyped: enumEnd(-1)},
		{OID: 3530, Name: "enum_range", Args: []datum.OID{datum.AnyEnum, datum.AnyEnum}, Ret: datum.AnyArray, Volatile: Stable,
			Doc: "the labels between two, null for either end", BodyTyped: enumBetween},
		{OID: 3531, Name: "enum_range", Args: one, Ret: datum.AnyArray, Volatile: Stable, Doc: "all labels of the enum", BodyTyped: enumBetween},
	}
}

// enumEnd is the first label, or with -1 the last.
func enumEnd(at int) func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	return func(_ *Ctx, types []datum.Type, _ []*vec.Column, n int) (*vec.Column, error) {
		own := datum.OwnOf(types[0].OID)
		if own == nil || len(own.Labels) == 0 {
			return nil, pgerr.New("55000", "enum %s contains no values", datum.FormatType(types[0]))
		}
		i := (at + len(own.Labels)) % len(own.Labels)
		return vec.Repeat(&vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{own.Labels[i].Number}}, 0, n), nil
	}
}

func enumBetween(_ *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	own := datum.OwnOf(types[0].OID)
	b := vec.NewListBuilder(vec.Int64, n)
	for i := range n {
		for _, l := range own.Labels {
			before := len(args) == 2 && !args[0].Null(i) && l.Number < args[0].Int(i)
			after := len(args) == 2 && !args[1].Null(i) && l.Number > args[1].Int(i)
			if !before && !after {
				b.Elem().AppendInt(l.Number)
			}
		}
		b.AppendList()
	}
	return b.Finish(), nil
}
