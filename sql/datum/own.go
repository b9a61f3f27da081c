package datum

import (
	"encoding/json"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// firstOwn is where the numbers of users' types begin.
const firstOwn OID = 1 << 31

// Own is a type of users: an enum has labels, a composite type fields. It is not changed.
type Own struct {
	ID, Array    OID // what the catalog calls it and arrays of it
	Schema, Name string
	SQLName      string  // as messages have it
	Labels       []Label // in their order, which is that of the numbers
	Fields       []Field
	// Places are where the stored text of a value has the fields; nil: one after the other. Those of attributes that are gone belong to none.
	Places []int `json:",omitempty"`
}

// Place is where the stored text has field k.
func (o *Own) Place(k int) int {
	if o.Places == nil {
		return k
	}
	return o.Places[k]
}

// placed takes the fields out of what is stored. Those that have come later are not there.
func (o *Own) placed(stored []arrayItem) []arrayItem {
	out := make([]arrayItem, len(o.Fields))
	for k := range out {
		if at := o.Place(k); at < len(stored) {
			out[k] = stored[at]
		} else {
			out[k].null = true
		}
	}
	return out
}

// Label is a label of an enum. Values are its number.
type Label struct {
	Number int64
	Text   string
}

// Text is the label of a number.
func (o *Own) Text(n int64) string {
	i := sort.Search(len(o.Labels), func(i int) bool { return o.Labels[i].Number >= n })
	if i == len(o.Labels) || o.Labels[i].Number != n {
		return "?" // labels are never taken away
	}
	return o.Labels[i].Text
}

func (o *Own) number(text string) (int64, error) {
	for i := range o.Labels {
		if o.Labels[i].Text == text {
			return o.Labels[i].Number, nil
		}
	}
	return 0, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input value for enum %s: \"%s\"", o.SQLName, text)
}

// ownTypes numbers the definitions that users' types have had, so that a type's number says what its values are: the same name may mean
// another definition in another database, in another transaction, at another moment. Like shapes of rows, a definition keeps its number.
type ownTypes struct {
	mu    sync.Mutex
	byKey map[string]OID
	list  atomic.Pointer[[]ownRow] // a type, then its arrays
}

type ownRow struct {
	info Info
	own  *Own
}

var owns = &ownTypes{byKey: map[string]OID{}}

// OwnType returns the type of a definition. Equal definitions are one type.
func OwnType(o *Own) OID {
	key, err := json.Marshal(o)
	if err != nil {
		return Unknown // names and numbers always have a JSON form
	}
	owns.mu.Lock()
	defer owns.mu.Unlock()
	if oid, ok := owns.byKey[string(key)]; ok {
		return oid
	}
	var rows []ownRow
	if p := owns.list.Load(); p != nil {
		rows = *p
	}
	oid := firstOwn + OID(len(rows))
	t := Info{OID: oid, Name: o.Name, SQLName: o.SQLName, ArrayOID: oid + 1, Kind: vec.Int64, Len: 4, ByVal: true, Align: 'i', Category: 'E', Typtype: 'e', Delim: ','}
	if o.Labels == nil {
		t.Kind, t.Len, t.ByVal, t.Align, t.Category, t.Typtype = vec.Bytes, -1, false, 'd', 'C', 'c'
	}
	array := Info{OID: oid + 1, Name: "_" + o.Name, SQLName: o.SQLName + "[]", Elem: oid, Kind: vec.List, Len: -1, Align: t.Align, Category: 'A', Typtype: 'b', Delim: ','}
	rows = append(rows[:len(rows):len(rows)], ownRow{t, o}, ownRow{array, o})
	owns.list.Store(&rows)
	owns.byKey[string(key)] = oid
	return oid
}

func ownOf(oid OID) *ownRow {
	if oid < firstOwn {
		return nil
	}
	if p := owns.list.Load(); p != nil && int(oid-firstOwn) < len(*p) {
		return &(*p)[oid-firstOwn]
	}
	return nil
}

// OwnOf returns the definition of a users' type, or of the elements of arrays; nil for other types.
func OwnOf(oid OID) *Own {
	if r := ownOf(oid); r != nil {
		return r.own
	}
	return nil
}

// IsEnum reports whether values of the type are labels.
func IsEnum(oid OID) bool {
	r := ownOf(oid)
	return r != nil && r.info.Typtype == 'e'
}

// IsComposite reports whether the type is a users' type of rows.
func IsComposite(oid OID) bool {
	r := ownOf(oid)
	return r != nil && r.info.Typtype == 'c' // of arrays it is 'b'
}

// Public is the OID by which the catalog and clients know a type.
func Public(oid OID) OID {
	r := ownOf(oid)
	switch {
	case r == nil:
		return oid
	case r.info.Elem != 0:
		return r.own.Array
	}
	return r.own.ID
}

// SameLabels reports whether two types are the same enum, or arrays of it, at two moments: a value of one is a value of the other.
func SameLabels(a, b OID) bool {
	x, y := ownOf(a), ownOf(b)
	return x != nil && y != nil && x.own.ID == y.own.ID && x.own.Labels != nil && y.own.Labels != nil && (x.info.Elem == 0) == (y.info.Elem == 0)
}
