package engine

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// encodings are those that a client may speak besides UTF8, by PostgreSQL's names (ch. 24.3.1).
var encodings = map[string]encoding.Encoding{
	"WIN866": charmap.CodePage866, "WIN874": charmap.Windows874, "WIN1250": charmap.Windows1250, "WIN1251": charmap.Windows1251,
	"WIN1252": charmap.Windows1252, "WIN1253": charmap.Windows1253, "WIN1254": charmap.Windows1254, "WIN1255": charmap.Windows1255,
	"WIN1256": charmap.Windows1256, "WIN1257": charmap.Windows1257, "WIN1258": charmap.Windows1258,
	"LATIN1": charmap.ISO8859_1, "LATIN2": charmap.ISO8859_2, "LATIN3": charmap.ISO8859_3, "LATIN4": charmap.ISO8859_4, "LATIN5": charmap.ISO8859_9,
	"LATIN6": charmap.ISO8859_10, "LATIN7": charmap.ISO8859_13, "LATIN8": charmap.ISO8859_14, "LATIN9": charmap.ISO8859_15, "LATIN10": charmap.ISO8859_16,
	"ISO_8859_5": charmap.ISO8859_5, "ISO_8859_6": charmap.ISO8859_6, "ISO_8859_7": charmap.ISO8859_7, "ISO_8859_8": charmap.ISO8859_8,
	"KOI8R": charmap.KOI8R, "KOI8U": charmap.KOI8U, "SJIS": japanese.ShiftJIS, "EUC_JP": japanese.EUCJP, "UHC": korean.EUCKR,
	"GBK": simplifiedchinese.GBK, "GB18030": simplifiedchinese.GB18030, "BIG5": traditionalchinese.Big5,
}

// encodingAliases are other names of them, without what is no letter or digit.
var encodingAliases = map[string]string{
	"UNICODE": "UTF8", "SQLASCII": "UTF8", "ALT": "WIN866", "WIN": "WIN1251", "ABC": "WIN1258", "TCVN": "WIN1258", "KOI8": "KOI8R", "ISO88591": "LATIN1",
	"ISO88592": "LATIN2", "ISO88593": "LATIN3", "ISO88594": "LATIN4", "ISO88599": "LATIN5", "ISO885910": "LATIN6", "ISO885913": "LATIN7",
	"ISO885914": "LATIN8", "ISO885915": "LATIN9", "ISO885916": "LATIN10", "SHIFTJIS": "SJIS", "MSKANJI": "SJIS",
}

// encodingName is PostgreSQL's name of an encoding that a client may ask for; ok is false for others.
func encodingName(v string) (name string, ok bool) {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToUpper(s))
	}
	v = plain(v)
	if n, found := encodingAliases[v]; found {
		v = n
	}
	if number, found := strings.CutPrefix(v, "WINDOWS"); found {
		v = "WIN" + number
	}
	if v == "UTF8" {
		return v, true
	}
	for name := range encodings {
		if plain(name) == v {
			return name, true
		}
	}
	return "", false
}

// ClientEncoding is the encoding of the text that goes to and comes from the client, nil for UTF-8, and its name.
func (s *Session) ClientEncoding() (name string, e encoding.Encoding) {
	name, _ = s.vars.get("client_encoding")
	return name, encodings[name]
}
