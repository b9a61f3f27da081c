package funcs

import (
	"math/big"
	"net/netip"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// An inet or cidr is one byte of prefix length and the 4 or 16 bytes of the address.

// inetFuncs are the functions on network addresses (PostgreSQL documentation, section 9.12).
func inetFuncs() []Func {
	const in, ci, i4, txt = datum.Inet, datum.Cidr, datum.Int4, datum.Text
	number := func(f func(v []byte) int) Body {
		return textInt(func(a []*vec.Column, i int) (int, error) { return f(a[0].Bytes(i)), nil })
	}
	example := func(f Func, shown, result string) Func {
		f.Example, f.Result = shown, result
		return f
	}
	return []Func{
		row(598, "abbrev", txt, "the address, with the prefix length where it is not all", textMap(func(dst, v []byte) []byte { return append(dst, inetText(v, false)...) }), in),
		row(605, "set_masklen", in, "the address with another prefix length", textBody(setMasklen(false)), in, i4),
		row(635, "set_masklen", ci, "the network with another prefix length", textBody(setMasklen(true)), ci, i4),
		example(row(683, "network", ci, "the network of the address", textMap(inetNetwork), in), "network('192.168.1.5/24')", "192.168.1.0/24"),
		example(row(696, "netmask", in, "ones for the network, zeros for the host", textMap(inetMask(false)), in), "netmask('192.168.1.5/24')", "255.255.255.0"),
		example(row(1362, "hostmask", in, "zeros for the network, ones for the host", textMap(inetMask(true)), in), "hostmask('192.168.23.20/30')", "0.0.0.3"),
		row(697, "masklen", i4, "the prefix length", number(func(v []byte) int { return int(v[0]) }), in),
		example(row(698, "broadcast", in, "the last address of the network", textMap(inetBroadcast), in), "broadcast('192.168.1.5/24')", "192.168.1.255/24"),
		example(row(699, "host", txt, "the address without the prefix length", textMap(func(dst, v []byte) []byte { return append(dst, inetAddr(v).String()...) }), in), "host('192.168.1.0/24')", "192.168.1.0"),
		row(711, "family", i4, "4 for IPv4, 6 for IPv6", number(func(v []byte) int {
			if len(v) == 5 {
				return 4
			}
			return 6
		}), in),
		row(730, "text", txt, "the address and the prefix length", textMap(func(dst, v []byte) []byte { return append(dst, inetText(v, true)...) }), in),
		row(1715, "cidr", ci, "the network of the address", textMap(inetNetwork), in),
		row(4063, "inet_merge", ci, "the smallest network that holds both", textBody(inetMerge), in, in),
		row(4071, "inet_same_family", datum.Bool, "whether both are IPv4 or both IPv6", textBool(func(a, b []byte) bool { return len(a) == len(b) }), in, in),
	}
}

// inetOperators are the operators on network addresses beside comparison.
func inetOperators() []Func {
	const in, i8 = datum.Inet, datum.Int8
	within := func(oid datum.OID, name, doc string, lengths func(a, b byte) bool) Func {
		return row(oid, name, datum.Bool, doc, textBool(func(a, b []byte) bool {
			return len(a) == len(b) && lengths(a[0], b[0]) && commonBits(a, b) >= int(min(a[0], b[0]))
		}), in, in)
	}
	bits := func(oid datum.OID, name, doc, word string, f func(x, y byte) byte) Func {
		return row(oid, name, in, doc, textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			x, y := a[0].Bytes(i), a[1].Bytes(i)
			if len(x) != len(y) {
				return nil, inetSizes(word)
			}
			dst = append(dst, max(x[0], y[0]))
			for k := 1; k < len(x); k++ {
				dst = append(dst, f(x[k], y[k]))
			}
			return dst, nil
		}), in, in)
	}
	plus := func(inet, number, sign int) Body {
		return textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			by := big.NewInt(a[number].Int(i))
			return inetPlus(dst, a[inet].Bytes(i), by.Mul(by, big.NewInt(int64(sign))))
		})
	}
	return []Func{
		within(931, "<<", "whether it lies within the network", func(a, b byte) bool { return a > b }),
		within(932, "<<=", "whether it lies within the network or is it", func(a, b byte) bool { return a >= b }),
		within(933, ">>", "whether the network holds it", func(a, b byte) bool { return a < b }),
		within(934, ">>=", "whether the network holds it or is it", func(a, b byte) bool { return a <= b }),
		within(3552, "&&", "whether one holds the other or is it", func(_, _ byte) bool { return true }),
		row(2634, "~", in, "bitwise not", textMap(func(dst, v []byte) []byte {
			dst = append(dst, v[0])
			for _, c := range v[1:] {
				dst = append(dst, ^c)
			}
			return dst
		}), in),
		bits(2635, "&", "bitwise and", "AND", func(x, y byte) byte { return x & y }),
		bits(2636, "|", "bitwise or", "OR", func(x, y byte) byte { return x | y }),
		row(2637, "+", in, "the address so many later", plus(0, 1, 1), in, i8),
		row(2638, "+", in, "the address so many later", plus(1, 0, 1), i8, in),
		row(2639, "-", in, "the address so many before", plus(0, 1, -1), in, i8),
		row(2640, "-", i8, "how many addresses lie between", rowwise(vec.Int64, inetMinus), in, in),
	}
}

// inetCasts is the conversion of an address to its network; the others are conversions of text.
func inetCasts() []Cast {
	return []Cast{{From: datum.Inet, To: datum.Cidr, Context: Assignment, Body: each(vec.Bytes, func(_ *Ctx, b *vec.Builder, arg *vec.Column, i int) error {
		b.AppendBytes(inetNetwork(nil, arg.Bytes(i)))
		return nil
	})}}
}

func inetAddr(v []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(v[1:])
	return a
}

// inetText writes an address, with its prefix length where it is shorter than the address, or always.
func inetText(v []byte, always bool) string {
	a := inetAddr(v)
	if !always && int(v[0]) == a.BitLen() {
		return a.String()
	}
	return a.String() + "/" + strconv.Itoa(int(v[0]))
}

func inetSizes(doing string) error {
	return pgerr.New(pgerr.InvalidParameterValue, "cannot %s inet values of different sizes", doing)
}

// netBits is byte k of the mask of a prefix length.
func netBits(length byte, k int) byte {
	n := min(max(int(length)-8*k, 0), 8)
	return byte(0xff << (8 - n))
}

// commonBits counts the leading bits that two addresses of one family have in common.
func commonBits(a, b []byte) int {
	n := 0
	for k := 1; k < len(a); k++ {
		for bit := 7; bit >= 0; bit-- {
			if (a[k]^b[k])>>bit&1 != 0 {
				return n
			}
			n++
		}
	}
	return n
}

// withLength is the network of an address under a prefix length.
func withLength(dst, v []byte, length byte) []byte {
	dst = append(dst, length)
	for k, c := range v[1:] {
		dst = append(dst, c&netBits(length, k))
	}
	return dst
}

func inetNetwork(dst, v []byte) []byte { return withLength(dst, v, v[0]) }

func inetMask(host bool) func(dst, v []byte) []byte {
	return func(dst, v []byte) []byte {
		dst = append(dst, byte(8*(len(v)-1)))
		for k := range len(v) - 1 {
			m := netBits(v[0], k)
			if host {
				m = ^m
			}
			dst = append(dst, m)
		}
		return dst
	}
}

func inetBroadcast(dst, v []byte) []byte {
	dst = append(dst, v[0])
	for k, c := range v[1:] {
		dst = append(dst, c|^netBits(v[0], k))
	}
	return dst
}

// setMasklen changes the prefix length; -1 is all of the address. Of a network it leaves no more than the network's bits.
func setMasklen(network bool) func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	return func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		v, n := a[0].Bytes(i), a[1].Int(i)
		most := int64(8 * (len(v) - 1))
		if n == -1 {
			n = most
		}
		if n < 0 || n > most {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid mask length: %d", n)
		}
		if network {
			return withLength(dst, v, byte(n)), nil
		}
		return append(append(dst, byte(n)), v[1:]...), nil
	}
}

func inetMerge(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	x, y := a[0].Bytes(i), a[1].Bytes(i)
	if len(x) != len(y) {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot merge addresses from different families")
	}
	return withLength(dst, x, byte(min(commonBits(x, y), int(x[0]), int(y[0])))), nil
}

var errInetRange = pgerr.New(pgerr.NumericValueOutOfRange, "result is out of range")

func inetPlus(dst, v []byte, by *big.Int) ([]byte, error) {
	sum := new(big.Int).SetBytes(v[1:])
	if sum.Add(sum, by); sum.Sign() < 0 || sum.BitLen() > 8*(len(v)-1) {
		return nil, errInetRange
	}
	return append(append(dst, v[0]), sum.FillBytes(make([]byte, len(v)-1))...), nil
}

func inetMinus(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	x, y := a[0].Bytes(i), a[1].Bytes(i)
	if len(x) != len(y) {
		return inetSizes("subtract")
	}
	d := new(big.Int).SetBytes(x[1:])
	d.Sub(d, new(big.Int).SetBytes(y[1:]))
	if !d.IsInt64() {
		return errInetRange
	}
	b.AppendInt(d.Int64())
	return nil
}
