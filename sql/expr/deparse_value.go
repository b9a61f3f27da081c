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
	text := string(datum.AppendText(nil, e.Typ, e.Val, 0, nil))
	if isLiteral(e.Typ.OID) && text != "" && (text[0] >= '0' && text[0] <= '9' || text[0] == '-') {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'::" + typeName(e.Typ)
}
