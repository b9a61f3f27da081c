package datum

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// An inet or cidr is one byte of prefix length and the 4 or 16 bytes of the address.

func appendInet(dst, v []byte, cidr bool) []byte {
	if len(v) != 5 && len(v) != 17 {
		return dst
	}
	a, _ := netip.AddrFromSlice(v[1:])
	dst = append(dst, a.String()...)
	if cidr || int(v[0]) != a.BitLen() {
		dst = strconv.AppendInt(append(dst, '/'), int64(v[0]), 10)
	}
	return dst
}

func parseInet(dst []byte, s, typeName string, cidr bool) ([]byte, error) {
	bad := func() ([]byte, error) {
		return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", typeName, s)
	}
	host, prefix, hasPrefix := strings.Cut(s, "/")
	if cidr && !strings.Contains(host, ":") {
		for strings.Count(host, ".") < 3 {
			host += ".0"
		}
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return bad()
	}
	bits := a.BitLen()
	if hasPrefix {
		if bits, err = strconv.Atoi(prefix); err != nil || bits < 0 || bits > a.BitLen() {
			return bad()
		}
	}
	if cidr && netip.PrefixFrom(a, bits).Masked().Addr() != a {
		return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid cidr value: \"%s\"", s).
			WithDetail("Value has bits set to right of mask.")
	}
	return append(append(dst, byte(bits)), a.AsSlice()...), nil
}

func appendMAC(dst, v []byte) []byte {
	for i, c := range v {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

func parseMAC(dst []byte, s string) ([]byte, error) {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.TrimSpace(s))
	if len(digits) == 12 {
		if v, err := DecodeHex(dst, digits); err == nil {
			return v, nil
		}
	}
	return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type macaddr: \"%s\"", s)
}
