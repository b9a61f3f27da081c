package datum

import (
	"strconv"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// AppendText appends the text form of row i of c, which is not null. A nil env is DefaultEnv.
func AppendText(dst []byte, t Type, c *vec.Column, i int, env *Env) []byte {
	env = env.orDefault()
	switch c.Kind {
	case vec.Bool:
		if c.Bool(i) {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case vec.Int64:
		return appendIntText(dst, t.OID, c.Int(i), env)
	case vec.Float64:
		if t.OID == Float4 {
			return AppendFloat(dst, c.Float(i), 32, env.ExtraFloatDigits)
		}
		return AppendFloat(dst, c.Float(i), 64, env.ExtraFloatDigits)
	case vec.Bytes:
		return appendBytesText(dst, t.OID, c.Bytes(i), env)
	case vec.Decimal:
		return c.Decimal(i).AppendText(dst)
	case vec.Interval:
		return AppendIntervalText(dst, c.Interval(i), env)
	case vec.List:
		return appendArray(dst, t, c, i, env)
	case vec.Struct:
		return appendRecord(dst, t, c, i, env)
	}
	return dst
}

func appendIntText(dst []byte, oid OID, v int64, env *Env) []byte {
	switch oid {
	case Date:
		return AppendDate(dst, v, env)
	case Timestamp:
		return AppendTimestamp(dst, v, false, env)
	case TimestampTZ:
		return AppendTimestamp(dst, v, true, env)
	case Time:
		return AppendTime(dst, v)
	case TimeTZ:
		return appendTimeTZ(dst, v)
	case Oid, Xid, Cid:
		return strconv.AppendUint(dst, uint64(uint32(v)), 10)
	case Xid8:
		return strconv.AppendUint(dst, uint64(v), 10)
	case Regproc, Regproced, Regoper, Regoperator, Regclass, Regtype, Regrole, Regnsp, Regconfig, Regdictionary, Regcollation:
		return appendReg(dst, oid, OID(uint32(v)), env)
	case Tid:
		dst = strconv.AppendInt(append(dst, '('), v>>16, 10)
		return append(strconv.AppendInt(append(dst, ','), v&0xffff, 10), ')')
	case PgLSN:
		dst = append(strconv.AppendUint(dst, uint64(v)>>32, 16), '/')
		return upperHex(strconv.AppendUint(dst, uint64(v)&0xffffffff, 16), len(dst))
	case Money:
		return appendMoney(dst, v)
	}
	if o := OwnOf(oid); o != nil && !env.stored {
		return append(dst, o.Text(v)...)
	}
	return strconv.AppendInt(dst, v, 10)
}

func upperHex(b []byte, from int) []byte {
	for i := max(from-9, 0); i < len(b); i++ {
		if 'a' <= b[i] && b[i] <= 'f' {
			b[i] -= 32
		}
	}
	return b
}

func appendReg(dst []byte, kind, oid OID, env *Env) []byte {
	if kind == Regtype {
		if i := Lookup(oid); i != nil {
			return append(dst, FormatType(T(oid))...)
		}
	}
	if env.RegName != nil {
		if name, ok := env.RegName(kind, oid); ok {
			return append(dst, name...)
		}
	}
	if oid == 0 {
		return append(dst, '-')
	}
	return strconv.AppendUint(dst, uint64(oid), 10)
}

func appendMoney(dst []byte, cents int64) []byte {
	u := uint64(cents)
	if cents < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = append(dst, '$')
	whole := strconv.FormatUint(u/100, 10)
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, whole[i])
	}
	return pad(append(dst, '.'), int64(u%100), 2)
}

func appendBytesText(dst []byte, oid OID, v []byte, env *Env) []byte {
	switch oid {
	case Bytea:
		return appendBytea(dst, v, env)
	case UUID:
		return appendUUID(dst, v)
	case JSONB:
		if len(v) == 0 {
			return dst
		}
		return jsonb.AppendText(dst, jsonb.Value(v))
	case Inet, Cidr:
		return appendInet(dst, v, oid == Cidr)
	case MacAddr:
		return appendMAC(dst, v)
	case Char:
		switch {
		case len(v) != 1 || v[0] == 0:
			return dst
		case v[0] >= 0x80:
			return append(dst, '\\', '0'+v[0]>>6, '0'+v[0]>>3&7, '0'+v[0]&7)
		}
	}
	if IsComposite(oid) && !env.stored {
		if c, ok := unpacked(oid, v); ok {
			return appendRecord(dst, T(oid), c, 0, env)
		}
	}
	return append(dst, v...)
}

// elemType is the element type of a list, guessed from its values where the type does not say.
func elemType(t Type, child *vec.Column) Type {
	if e := ElemOf(t.OID); e != 0 && t.OID != AnyArray {
		if e == Record || Lookup(t.OID).IsArray() {
			return Type{OID: e, Mod: t.Mod}
		}
		return T(e)
	}
	return T(kindType(child.Kind))
}

// kindType is the type that values of a kind have when nothing else is known.
func kindType(k vec.Kind) OID {
	switch k {
	case vec.Bool:
		return Bool
	case vec.Int64:
		return Int8
	case vec.Float64:
		return Float8
	case vec.Decimal:
		return Numeric
	case vec.Interval:
		return Interval
	case vec.Struct:
		return Record
	case vec.List:
		return AnyArray // whose elements are guessed in turn
	}
	return Text
}

func appendArray(dst []byte, t Type, c *vec.Column, i int, env *Env) []byte {
	child, from, to := c.List(i)
	et := elemType(t, child)
	if t.OID == OidVector || t.OID == Int2Vector {
		for k := from; k < to; k++ {
			if k > from {
				dst = append(dst, ' ')
			}
			dst = AppendText(dst, et, child, k, env)
		}
		return dst
	}
	dims := c.Shape(i)
	if dims == nil {
		dims = []vec.Dim{{Len: int32(to - from), Lower: 1}}
	}
	w := arrayWriter{dst: appendBounds(dst, dims), typ: et, child: child, next: from, env: env}
	w.level(dims)
	return w.dst
}

// appendBounds writes the bounds of an array, as in [0:1]=, where one of them does not begin at 1.
func appendBounds(dst []byte, dims []vec.Dim) []byte {
	for _, d := range dims {
		if d.Lower != 1 {
			return append(AppendDims(dst, dims), '=')
		}
	}
	return dst
}

// AppendDims writes the bounds of dimensions: [1:2][0:5].
func AppendDims(dst []byte, dims []vec.Dim) []byte {
	for _, d := range dims {
		dst = strconv.AppendInt(append(dst, '['), int64(d.Lower), 10)
		dst = strconv.AppendInt(append(dst, ':'), int64(d.Lower)+int64(d.Len)-1, 10)
		dst = append(dst, ']')
	}
	return dst
}

// arrayWriter writes the elements of an array, a pair of braces per dimension.
type arrayWriter struct {
	dst   []byte
	typ   Type
	child *vec.Column
	next  int // the element to write next
	env   *Env
}

func (w *arrayWriter) level(dims []vec.Dim) {
	w.dst = append(w.dst, '{')
	for k := range dims[0].Len {
		if k > 0 {
			w.dst = append(w.dst, ',')
		}
		if len(dims) > 1 {
			w.level(dims[1:])
		} else {
			w.element()
		}
	}
	w.dst = append(w.dst, '}')
}

func (w *arrayWriter) element() {
	k := w.next
	w.next++
	if w.child.Null(k) {
		w.dst = append(w.dst, "NULL"...)
		return
	}
	start := len(w.dst)
	w.dst = AppendText(w.dst, w.typ, w.child, k, w.env)
	if arrayNeedsQuotes(w.dst[start:]) {
		w.dst = quoteFrom(w.dst, start, '\\')
	}
}

func arrayNeedsQuotes(v []byte) bool {
	if len(v) == 0 || len(v) == 4 && equalFold(v, "null") {
		return true
	}
	for _, c := range v {
		switch c {
		case '"', '\\', '{', '}', ',', ' ', '\t', '\n', '\v', '\f', '\r':
			return true
		}
	}
	return false
}

func equalFold(v []byte, lower string) bool {
	for i := range lower {
		if v[i]|32 != lower[i] {
			return false
		}
	}
	return true
}

// quoteFrom puts dst[start:] in double quotes; a quote inside is written after escape ('\\' or '"'), a backslash doubled.
func quoteFrom(dst []byte, start int, escape byte) []byte {
	raw := append([]byte(nil), dst[start:]...)
	dst = append(dst[:start], '"')
	for _, c := range raw {
		switch c {
		case '"':
			dst = append(dst, escape)
		case '\\':
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// at resolves dictionary coding of a struct column.
func structAt(c *vec.Column, i int) (*vec.Column, int) {
	if c.Codes != nil {
		return c.Dict, int(c.Codes[i])
	}
	return c, i
}

func appendRecord(dst []byte, t Type, c *vec.Column, i int, env *Env) []byte {
	fields := RecordFields(t)
	c, i = structAt(c, i)
	own := OwnOf(t.OID)
	dst = append(dst, '(')
	at := 0
	for k, f := range c.Fields {
		place := k
		if own != nil && env.stored {
			place = own.Place(k)
		}
		for ; at < place; at++ {
			dst = append(dst, ',')
		}
		if f.Null(i) {
			continue
		}
		start := len(dst)
		dst = AppendText(dst, fieldType(fields, k, f), f, i, env)
		if recordNeedsQuotes(dst[start:]) {
			dst = quoteFrom(dst, start, '"')
		}
	}
	return append(dst, ')')
}

func fieldType(fields []Field, k int, f *vec.Column) Type {
	if k < len(fields) {
		return fields[k].Type
	}
	return T(kindType(f.Kind))
}

func recordNeedsQuotes(v []byte) bool {
	if len(v) == 0 {
		return true
	}
	for _, c := range v {
		switch c {
		case '"', '\\', '(', ')', ',', ' ', '\t', '\n', '\v', '\f', '\r':
			return true
		}
	}
	return false
}
