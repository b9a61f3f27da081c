package funcs

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// textFuncs are the functions on text and bytea (PostgreSQL documentation, sections 9.4, 9.5 and 9.7).
func textFuncs() []Func {
	var out []Func
	for _, part := range [][]Func{textLengths(), textCases(), textParts(), textCodes(), byteaFuncs(), textSplits(), textBuilds(), likeFuncs(), regexpFuncs(), regexpPlaces()} {
		out = append(out, part...)
	}
	return out
}

// textOperators are the operators on text, name, bpchar and bytea: concatenation, LIKE and regular expressions.
func textOperators() []Func {
	return append(append(concatOperators(), likeOperators()...), regexpOperators()...)
}

var typeLetters = map[byte]datum.OID{
	't': datum.Text, 'y': datum.Bytea, 'i': datum.Int4, 'l': datum.Int8, 'n': datum.Name, 'p': datum.BPChar,
	'b': datum.Bool, 'a': datum.TextArray, 'e': datum.AnyElement, 'v': datum.Any, 'o': datum.AnyNonArray,
}

// textRow makes a row for a strict, immutable function. The types are written one letter each (typeLetters); shown is an
// example and its result.
func textRow(oid datum.OID, name, args, ret, doc string, body Body, shown ...string) Func {
	f := Func{OID: oid, Name: name, Ret: typeLetters[ret[0]], Strict: true, Volatile: Immutable, Doc: doc, Body: body}
	for k := range len(args) {
		f.Args = append(f.Args, typeLetters[args[k]])
	}
	if len(shown) == 2 {
		f.Example, f.Result = shown[0], shown[1]
	}
	return f
}

// textBody makes the body of a strict function that appends its result to dst.
func textBody(f func(dst []byte, a []*vec.Column, i int) ([]byte, error)) Body {
	return rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		return b.AppendWith(func(dst []byte) ([]byte, error) { return f(dst, a, i) })
	})
}

// growing is textBody for functions that make long values of short ones: they ask whether what they will make fits.
func growing(f func(c *Ctx, dst []byte, a []*vec.Column, i int) ([]byte, error)) Body {
	return rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		return b.AppendWith(func(dst []byte) ([]byte, error) { return f(c, dst, a, i) })
	})
}

// textMap makes the body of a function from one value to another that cannot fail.
func textMap(f func(dst, s []byte) []byte) Body {
	return textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) { return f(dst, a[0].Bytes(i)), nil })
}

func textInt(f func(a []*vec.Column, i int) (int, error)) Body {
	return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a, i)
		b.AppendInt(int64(v))
		return err
	})
}

func textCount(f func(s []byte) int) Body {
	return textInt(func(a []*vec.Column, i int) (int, error) { return f(a[0].Bytes(i)), nil })
}

func textBool(f func(a, b []byte) bool) Body {
	return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendBool(f(a[0].Bytes(i), a[1].Bytes(i)))
		return nil
	})
}

func textLengths() []Func {
	chars, bytes, bits := textCount(charCount), textCount(func(s []byte) int { return len(s) }), textCount(func(s []byte) int { return 8 * len(s) })
	padded := textCount(func(s []byte) int { return charCount(trimSet(s, []byte(" "), false, true)) })
	out := []Func{
		textRow(720, "octet_length", "y", "i", "bytes", bytes), textRow(1374, "octet_length", "t", "i", "bytes", bytes, "octet_length('größe')", "7"),
		textRow(1375, "octet_length", "p", "i", "bytes, padding included", bytes),
		textRow(1810, "bit_length", "y", "i", "bits", bits), textRow(1811, "bit_length", "t", "i", "bits", bits, "bit_length('ab')", "16"),
		textRow(2010, "length", "y", "i", "bytes", bytes),
	}
	for name, oid := range map[string][2]datum.OID{"length": {1317, 1318}, "char_length": {1381, 1372}, "character_length": {1369, 1367}} {
		out = append(out, textRow(oid[0], name, "t", "i", "characters", chars, name+"('größe')", "5"),
			textRow(oid[1], name, "p", "i", "characters before the padding", padded))
	}
	return append(out, textRow(1713, "length", "yn", "i", "characters in the given encoding", textInt(func(a []*vec.Column, i int) (int, error) {
		s, err := fromEncoding(a[0].Bytes(i), string(a[1].Bytes(i)))
		return charCount(s), err
	})))
}

func textCases() []Func {
	return []Func{
		textRow(870, "lower", "t", "t", "in lower case", textMap(appendLower), "lower('ÄB')", "äb"),
		textRow(871, "upper", "t", "t", "in upper case", textMap(appendUpper), "upper('äb')", "ÄB"),
		textRow(872, "initcap", "t", "t", "each word with a capital first and lower case after", textMap(initcap), "initcap('hi THOMAS')", "Hi Thomas"),
		textRow(3062, "reverse", "t", "t", "characters in reverse", textMap(reverse), "reverse('abc')", "cba"),
		textRow(4350, "normalize", "tt", "t", "in the Unicode normal form NFC, NFD, NFKC or NFKD", textBody(normalize)),
		textRow(4351, "is_normalized", "tt", "b", "whether in the Unicode normal form", rowwise(vec.Bool, isNormalized)),
	}
}

func textParts() []Func {
	trims := func(oid1, oid2 datum.OID, name, doc string, left, right bool) []Func {
		return []Func{
			textRow(oid1, name, "t", "t", "without the spaces "+doc, textMap(func(dst, s []byte) []byte { return append(dst, trimSet(s, []byte(" "), left, right)...) })),
			textRow(oid2, name, "tt", "t", "without those characters "+doc, textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
				return append(dst, trimSet(a[0].Bytes(i), a[1].Bytes(i), left, right)...), nil
			}), name+"('xxaxx', 'x')", map[string]string{"btrim": "a", "ltrim": "axx", "rtrim": "xxa"}[name])}
	}
	out := append(append(trims(885, 884, "btrim", "at both ends", true, true), trims(881, 875, "ltrim", "at the start", true, false)...), trims(882, 876, "rtrim", "at the end", false, true)...)
	for name, oid := range map[string][2]datum.OID{"substring": {936, 937}, "substr": {877, 883}} {
		out = append(out, textRow(oid[0], name, "tii", "t", "so many characters from the position on", textBody(substring), name+"('alphabet', 3, 2)", "ph"),
			textRow(oid[1], name, "ti", "t", "characters from the position on", textBody(substring), name+"('alphabet', 3)", "phabet"))
	}
	find := textInt(func(a []*vec.Column, i int) (int, error) { return charIndex(a[0].Bytes(i), a[1].Bytes(i)), nil })
	return append(out,
		textRow(849, "position", "tt", "i", "position of the second in the first, 0 if absent", find),
		textRow(868, "strpos", "tt", "i", "position of the second in the first, 0 if absent", find, "strpos('high', 'ig')", "2"),
		textRow(1404, "overlay", "ttii", "t", "with that many characters from the position on replaced", textBody(overlay), "overlay('Txxxxas' placing 'hom' from 2 for 4)", "Thomas"),
		textRow(1405, "overlay", "tti", "t", "with as many characters from the position on replaced", textBody(overlay)),
		textRow(2087, "replace", "ttt", "t", "every occurrence replaced", growing(replaceAll), "replace('abcdefabcdef', 'cd', 'XX')", "abXXefabXXef"),
		textRow(878, "translate", "ttt", "t", "characters of the second replaced by those of the third", textBody(translate), "translate('12345', '143', 'ax')", "a2x5"),
		textRow(2088, "split_part", "tti", "t", "the field between delimiters, counted from 1, negative from the end", textBody(splitPart), "split_part('a~b~c', '~', 2)", "b"),
		textRow(3060, "left", "ti", "t", "first characters; all but the last if negative", textBody(leftPart), "left('abcde', 2)", "ab"),
		textRow(3061, "right", "ti", "t", "last characters; all but the first if negative", textBody(rightPart), "right('abcde', 2)", "de"),
		textRow(873, "lpad", "tit", "t", "filled at the start to the length", pad(true), "lpad('hi', 5, 'xy')", "xyxhi"),
		textRow(879, "lpad", "ti", "t", "filled with spaces at the start to the length", pad(true)),
		textRow(874, "rpad", "tit", "t", "filled at the end to the length", pad(false), "rpad('hi', 5, 'xy')", "hixyx"),
		textRow(880, "rpad", "ti", "t", "filled with spaces at the end to the length", pad(false)),
		textRow(1622, "repeat", "ti", "t", "so many times", growing(repeat), "repeat('Pg', 3)", "PgPgPg"),
		textRow(3696, "starts_with", "tt", "b", "whether the first starts with the second", textBool(hasPrefix), "starts_with('alphabet', 'alph')", "t"))
}

func textCodes() []Func {
	sum := func(f func(s []byte) []byte) Body {
		return textMap(func(dst, s []byte) []byte { return append(dst, f(s)...) })
	}
	md := sum(func(s []byte) []byte { h := md5.Sum(s); return hex.AppendEncode(nil, h[:]) })
	return []Func{
		textRow(1620, "ascii", "t", "i", "code point of the first character", textCount(firstCode), "ascii('x')", "120"),
		textRow(1621, "chr", "i", "t", "character of the code point", textBody(chr), "chr(65)", "A"),
		textRow(2089, "to_hex", "i", "t", "in hexadecimal", textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			return strconv.AppendUint(dst, uint64(uint32(a[0].Int(i))), 16), nil
		}), "to_hex(2147483647)", "7fffffff"),
		textRow(2090, "to_hex", "l", "t", "in hexadecimal", textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
			return strconv.AppendUint(dst, uint64(a[0].Int(i)), 16), nil
		})),
		textRow(2311, "md5", "t", "t", "MD5 hash in hexadecimal", md, "md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
		textRow(2321, "md5", "y", "t", "MD5 hash in hexadecimal", md),
		textRow(3419, "sha224", "y", "y", "SHA-224 hash", sum(func(s []byte) []byte { h := sha256.Sum224(s); return h[:] })),
		textRow(3420, "sha256", "y", "y", "SHA-256 hash", sum(func(s []byte) []byte { h := sha256.Sum256(s); return h[:] })),
		textRow(3421, "sha384", "y", "y", "SHA-384 hash", sum(func(s []byte) []byte { h := sha512.Sum384(s); return h[:] })),
		textRow(3422, "sha512", "y", "y", "SHA-512 hash", sum(func(s []byte) []byte { h := sha512.Sum512(s); return h[:] })),
	}
}
