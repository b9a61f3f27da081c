package datum

import "strings"

// dtKind is what a piece of a date and time looks like.
type dtKind uint8

const (
	dtNumber  dtKind = iota // digits, perhaps with a fraction
	dtDate                  // digits or words joined by - / .
	dtTime                  // with colons
	dtZone                  // + or - and digits
	dtWord                  // letters
	dtSpecial               // -infinity and the like
)

type dtField struct {
	kind dtKind
	text string // lower case
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|32 && c|32 <= 'z' }
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// dtLexer splits text as PostgreSQL's ParseDateTime does.
type dtLexer struct {
	s      string
	i      int
	fields []dtField
}

const maxDateFields = 25

// splitDateTime takes the text of a date, time or interval apart; false for text that cannot be one.
func splitDateTime(text string) ([]dtField, bool) {
	if len(text) > 150 {
		return nil, false
	}
	l := &dtLexer{s: strings.ToLower(text)}
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case isSpace(c):
			l.i++
		case isDigit(c):
			l.digit()
		case c == '.':
			l.take(dtNumber, l.i+1, isDigit)
		case isAlpha(c):
			l.word()
		case c == '+' || c == '-':
			if !l.sign() {
				return nil, false
			}
		case c < 128 && c > ' ' && c != 127:
			l.i++
		default:
			return nil, false
		}
		if len(l.fields) > maxDateFields {
			return nil, false
		}
	}
	return l.fields, true
}

func (l *dtLexer) scan(from int, ok func(byte) bool) int {
	for from < len(l.s) && ok(l.s[from]) {
		from++
	}
	return from
}

// take adds the field from l.i that goes on from rest while ok.
func (l *dtLexer) take(k dtKind, rest int, ok func(byte) bool) {
	end := l.scan(rest, ok)
	l.fields = append(l.fields, dtField{k, l.s[l.i:end]})
	l.i = end
}

func (l *dtLexer) at(i int) byte {
	if i < len(l.s) {
		return l.s[i]
	}
	return 0
}

func (l *dtLexer) digit() {
	end := l.scan(l.i, isDigit)
	switch c := l.at(end); c {
	case ':':
		l.take(dtTime, end+1, func(c byte) bool { return isDigit(c) || c == ':' || c == '.' })
	case '-', '/', '.':
		l.digitDate(end, c)
	default:
		l.take(dtNumber, end, isDigit)
	}
}

// digitDate takes a field that begins with digits and a delimiter: a date, or a number with a fraction.
func (l *dtLexer) digitDate(end int, delim byte) {
	next := end + 1
	if !isDigit(l.at(next)) {
		l.take(dtDate, next, func(c byte) bool { return isAlpha(c) || isDigit(c) || c == delim })
		return
	}
	kind := dtDate
	if delim == '.' {
		kind = dtNumber
	}
	next = l.scan(next, isDigit)
	if l.at(next) == delim {
		l.take(dtDate, next+1, func(c byte) bool { return isDigit(c) || c == delim })
		return
	}
	l.take(kind, next, isDigit)
}

func (l *dtLexer) word() {
	end := l.scan(l.i, isAlpha)
	c := l.at(end)
	isDate := c == '-' || c == '/' || c == '.'
	if !isDate && (c == '+' || isDigit(c)) {
		_, known := dtWords[l.s[l.i:end]]
		isDate = !known
	}
	if !isDate {
		l.take(dtWord, end, isAlpha)
		return
	}
	l.take(dtDate, end, func(c byte) bool {
		return isAlpha(c) || isDigit(c) || strings.IndexByte("+-/_.:", c) >= 0
	})
}

func (l *dtLexer) sign() bool {
	from := l.i + 1
	for from < len(l.s) && isSpace(l.s[from]) {
		from++
	}
	switch c := l.at(from); {
	case isDigit(c):
		end := l.scan(from, func(c byte) bool { return isDigit(c) || c == ':' || c == '.' || c == '-' })
		l.fields = append(l.fields, dtField{dtZone, l.s[l.i:l.i+1] + l.s[from:end]})
		l.i = end
	case isAlpha(c):
		end := l.scan(from, isAlpha)
		l.fields = append(l.fields, dtField{dtSpecial, l.s[l.i:l.i+1] + l.s[from:end]})
		l.i = end
	default:
		return false
	}
	return true
}

// dtMeaning is what a word means in a date.
type dtMeaning struct {
	is  byte // the classes below
	val int64
}

const (
	wMonth  = 'm'
	wDay    = 'w' // day of the week
	wIgnore = '.'
	wAM     = 'a'
	wPM     = 'p'
	wAD     = '+'
	wBC     = '-'
	wNow    = 'n'
	wToday  = 't' // val: days from today
	wEpoch  = 'e'
	wInf    = 'i' // val: sign
	wUTC    = 'z'
	wISO    = 'T' // the T between date and time
	wJulian = 'j'
	wDST    = 'd'
	wZero   = '0' // allballs: midnight UTC
)

var dtWords = map[string]dtMeaning{
	"jan": {wMonth, 1}, "january": {wMonth, 1}, "feb": {wMonth, 2}, "february": {wMonth, 2}, "mar": {wMonth, 3},
	"march": {wMonth, 3}, "apr": {wMonth, 4}, "april": {wMonth, 4}, "may": {wMonth, 5}, "jun": {wMonth, 6},
	"june": {wMonth, 6}, "jul": {wMonth, 7}, "july": {wMonth, 7}, "aug": {wMonth, 8}, "august": {wMonth, 8},
	"sep": {wMonth, 9}, "sept": {wMonth, 9}, "september": {wMonth, 9}, "oct": {wMonth, 10}, "october": {wMonth, 10},
	"nov": {wMonth, 11}, "november": {wMonth, 11}, "dec": {wMonth, 12}, "december": {wMonth, 12},
	"sun": {wDay, 0}, "sunday": {wDay, 0}, "mon": {wDay, 1}, "monday": {wDay, 1}, "tue": {wDay, 2}, "tues": {wDay, 2},
	"tuesday": {wDay, 2}, "wed": {wDay, 3}, "weds": {wDay, 3}, "wednesday": {wDay, 3}, "thu": {wDay, 4}, "thur": {wDay, 4},
	"thurs": {wDay, 4}, "thursday": {wDay, 4}, "fri": {wDay, 5}, "friday": {wDay, 5}, "sat": {wDay, 6}, "saturday": {wDay, 6},
	"am": {wAM, 0}, "pm": {wPM, 0}, "ad": {wAD, 0}, "bc": {wBC, 0}, "at": {wIgnore, 0}, "on": {wIgnore, 0},
	"now": {wNow, 0}, "today": {wToday, 0}, "tomorrow": {wToday, 1}, "yesterday": {wToday, -1},
	"epoch": {wEpoch, 0}, "infinity": {wInf, 1}, "inf": {wInf, 1}, "+infinity": {wInf, 1}, "+inf": {wInf, 1}, "-infinity": {wInf, -1}, "-inf": {wInf, -1},
	"allballs": {wZero, 0}, "t": {wISO, 0}, "j": {wJulian, 0}, "jd": {wJulian, 0}, "julian": {wJulian, 0}, "dst": {wDST, 0},
	"y": {'u', 0}, "d": {'u', 0}, "h": {'u', 0}, "m": {'u', 0}, "mm": {'u', 0}, "s": {'u', 0},
}
