package expr

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

func (e *Const) String() string {
	switch {
	case e.Val.Null(0):
		if e.Typ.OID == datum.Unknown || e.Typ.OID == datum.Text {
			return "NULL"
		}
		return "NULL::" + typeName(e.Typ)
	case e.Typ.OID == datum.Bool:
		return strconv.FormatBool(e.Val.Bool(0))
	case e.Val.Kind == vec.Int64 && isLiteral(e.Typ.OID):
		return strconv.FormatInt(e.Val.Int(0), 10)
	}
	return "'" + strings.ReplaceAll(string(e.Val.Bytes(0)), "'", "''") + "'::" + typeName(e.Typ)
}

func typeName(t datum.Type) string { return strconv.Itoa(int(t.OID)) }
