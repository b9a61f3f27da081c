package datum

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// farthestZone is how far a zone of POSIX may be from Greenwich, in seconds: a week less an hour, and what is less than an hour.
const farthestZone = 168*3600 - 1

// ZoneSetting reads a value of the setting TimeZone: hours east of Greenwich, a zone's name or a POSIX form. shown is what the
// setting has then.
func ZoneSetting(v string) (zone *time.Location, shown string, ok bool) {
	if h, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
		if shown, ok = OffsetSetting(h * 3600); !ok {
			return nil, "", false
		}
		v = shown
	}
	if zone, ok = LoadZone(v); !ok {
		return nil, "", false
	}
	if strings.EqualFold(zone.String(), v) {
		v = zone.String()
	}
	return zone, v, true
}

// OffsetSetting is the value of TimeZone for a distance from Greenwich in seconds, east being positive: <+05>-05. It is false of
// distances that no zone has.
func OffsetSetting(east float64) (string, bool) {
	if !(-farthestZone <= east && east <= farthestZone) {
		return "", false
	}
	sec, sign, back := int64(east), '+', '-'
	if sec < 0 {
		sec, sign, back = -sec, '-', '+'
	}
	text := fmt.Sprintf("%02d", sec/3600)
	if sec%3600 != 0 {
		text += fmt.Sprintf(":%02d", sec/60%60)
	}
	if sec%60 != 0 {
		text += fmt.Sprintf(":%02d", sec%60)
	}
	return fmt.Sprintf("<%c%s>%c%s", sign, text, back, text), true
}

// posixZone reads a zone as the variable TZ of POSIX names it: an abbreviation, the distance from Greenwich, west being positive, and
// what summer time is called, with its rule: EST5, <-03>3, +02:00, CET-1CEST,M3.5.0,M10.5.0/3.
func posixZone(name string) *time.Location {
	rest := name
	abbrev := posixAbbreviation(&rest)
	if rest == "" || abbrev == "" && rest[0] != '+' && rest[0] != '-' {
		return nil
	}
	west, summer, ok := posixOffset(rest)
	switch {
	case !ok:
		return nil
	case summer == "":
		return fixedZone(strings.ToUpper(abbrev), -west)
	}
	return ruledZone(name)
}

// posixOffset reads [+-]h[h[h]][:mm[:ss]] in seconds.
func posixOffset(s string) (seconds int64, rest string, ok bool) {
	sign := int64(1)
	if s[0] == '+' || s[0] == '-' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	for unit := int64(3600); unit > 0; unit /= 60 {
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		v, err := strconv.ParseInt(s[:n], 10, 64)
		if err != nil || unit < 3600 && v > 59 || v > farthestZone/3600 {
			return 0, "", false
		}
		seconds += v * unit
		if s = s[n:]; s == "" || s[0] != ':' || unit == 1 {
			break
		}
		s = s[1:]
	}
	return sign * seconds, s, true
}

// posixAbbreviation takes letters, or what stands in angle brackets, off the front.
func posixAbbreviation(s *string) string {
	if strings.HasPrefix(*s, "<") {
		abbrev, rest, ok := strings.Cut((*s)[1:], ">")
		if ok {
			*s = rest
		}
		return abbrev
	}
	n := 0
	for n < len(*s) && (*s)[n]|32 >= 'a' && (*s)[n]|32 <= 'z' {
		n++
	}
	abbrev := (*s)[:n]
	*s = (*s)[n:]
	return abbrev
}

// ruledZone is a zone with a rule for summer time, which the standard library reads at the end of a file of zones (RFC 8536, section
// 3.3): so the name becomes a file that has nothing else.
func ruledZone(name string) *time.Location {
	file := tzif(nil, [6]uint32{})                                      // for old readers
	file = tzif(file, [6]uint32{3: 1, 4: 1, 5: 4})                      // one change to one kind of local time, whose name has four bytes
	file = binary.BigEndian.AppendUint64(file, 1<<63)                   // when it changes
	file = append(file, "\x00"+"\x00\x00\x00\x00\x00\x00"+"LMT\x00"...) // to which kind; its distance; its name
	zone, err := time.LoadLocationFromTZData(name, append(file, "\n"+strings.ToUpper(name)+"\n"...))
	if err != nil {
		return nil
	}
	if known, _ := time.Unix(0, 0).In(zone).Zone(); known == "LMT" {
		return nil // the rule was not understood
	}
	return zone
}

// tzif appends the header of a block with so many of each kind of entry.
func tzif(file []byte, counts [6]uint32) []byte {
	file = append(append(file, "TZif2"...), make([]byte, 15)...)
	for _, n := range counts {
		file = binary.BigEndian.AppendUint32(file, n)
	}
	return file
}
