package datum

import (
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zones are the same wherever the binary runs

	"github.com/allsource-db/allsource/sql/pgerr"
)

// abbreviations are the zone abbreviations of PostgreSQL's default set with their minutes east of Greenwich.
const abbreviations = "" +
	"acdt 630,acsst 630,acst 570,act -300,acwst 525,adt -180,aedt 660,aesst 660,aest 600,aft 270,akdt -480,akst -54" +
	"0,almst 420,almt 360,amst 240,amt -240,anast 720,anat 720,arst -180,art -180,ast -240,awsst 540,awst 480,azost" +
	" 0,azot -60,azst 240,azt 240,bdst 120,bdt 360,bnt 480,bort 480,bot -240,bra -180,brst -120,brt -180,bst 60,btt" +
	" 360,cadt 630,cast 570,cct 480,cdt -300,cest 120,cet 60,cetdst 120,chadt 825,chast 765,chut 600,ckt -600,clst " +
	"-180,clt -180,cot -300,cst -360,cxt 420,davt 420,ddut 600,easst -300,east -300,eat 180,edt -240,eest 180,eet 1" +
	"20,eetdst 180,egst 0,egt -60,est -300,fet 180,fjst 780,fjt 720,fkst -180,fkt -180,fnst -60,fnt -120,galt -360," +
	"gamt -540,gest 240,get 240,gft -180,gilt 720,gmt 0,gyt -240,hkt 480,hst -600,ict 420,idt 180,iot 360,irkst 480" +
	",irkt 480,irt 210,ist 120,jayt 540,jst 540,kdt 600,kgst 360,kgt 360,kost 660,krast 420,krat 420,kst 540,lhdt 6" +
	"60,lhst 630,ligt 600,lint 840,lkt 330,magst 660,magt 660,mart -570,mawt 300,mdt -360,mest 120,mesz 120,met 60," +
	"metdst 120,mez 60,mht 720,mmt 390,mpt 600,msd 240,msk 180,mst -420,must 300,mut 240,mvt 300,myt 480,ndt -150,n" +
	"ft -210,novst 420,novt 420,npt 345,nst -210,nut -660,nzdt 780,nzst 720,nzt 720,omsst 360,omst 360,pdt -420,pet" +
	" -300,petst 720,pett 720,pgt 600,pht 480,pkst 360,pkt 300,pmdt -120,pmst -180,pont 660,pst -480,pwt 540,pyst -" +
	"180,pyt -180,ret 240,sadt 630,sast 120,sct 240,sgt 480,taht -600,tft 300,tjt 300,tkt 780,tmt 300,tot 780,trut " +
	"600,tvt 720,uct 0,ulast 540,ulat 480,ut 0,utc 0,uyst -120,uyt -180,uzst 360,uzt 300,vet -240,vlast 600,vlat 60" +
	"0,volt 180,vut 660,wadt 480,wakt 720,wast 420,wat 60,wdt 540,wet 0,wetdst 60,wft 720,wgst -120,wgt -180,xjt 36" +
	"0,yakst 540,yakt 540,yapt 600,yekst 360,yekt 300,z 0,zulu 0"

type zoneTables struct {
	once    sync.Once
	abbrevs map[string]int64 // seconds east
	mu      sync.RWMutex
	loaded  map[string]*time.Location
}

var zones zoneTables

func (z *zoneTables) prepare() {
	z.once.Do(func() {
		z.abbrevs, z.loaded = map[string]int64{}, map[string]*time.Location{}
		for _, pair := range strings.Split(abbreviations, ",") {
			name, minutes, _ := strings.Cut(pair, " ")
			n, _ := strconv.ParseInt(minutes, 10, 64)
			z.abbrevs[name] = n * 60
		}
	})
}

// Abbreviation returns the offset in seconds east of a zone abbreviation such as "pst".
func Abbreviation(name string) (int64, bool) {
	zones.prepare()
	off, ok := zones.abbrevs[strings.ToLower(name)]
	return off, ok
}

// Abbreviations calls f for each zone abbreviation.
func Abbreviations(f func(name string, secondsEast int64)) {
	zones.prepare()
	for n, off := range zones.abbrevs {
		f(n, off)
	}
}

// LoadZone finds a zone by its full name in any case, or by a POSIX form such as "UTC+3" (which is west) or "<+05>-5".
func LoadZone(name string) (*time.Location, bool) {
	zones.prepare()
	key := strings.ToLower(name)
	zones.mu.RLock()
	loc, ok := zones.loaded[key]
	zones.mu.RUnlock()
	if ok {
		return loc, loc != nil
	}
	loc = findZone(name)
	if len(name) < 64 {
		zones.mu.Lock()
		if len(zones.loaded) < 4096 {
			zones.loaded[key] = loc
		}
		zones.mu.Unlock()
	}
	return loc, loc != nil
}

func findZone(name string) *time.Location {
	switch strings.ToLower(name) {
	case "utc", "gmt", "uct", "zulu", "etc/utc", "universal", "greenwich", "etc/gmt":
		return time.UTC
	case "", "local":
		return nil
	}
	usual := zoneCase(name)
	area, place, _ := strings.Cut(usual, "/")
	for _, try := range []string{name, usual, strings.ToUpper(name), strings.ToUpper(area) + "/" + place, area + "/" + strings.ToUpper(place)} {
		if loc, err := time.LoadLocation(try); err == nil {
			return loc
		}
	}
	return posixZone(name)
}

// zoneCase writes a zone's name with the usual capitals: america/port-au-prince is America/Port-au-Prince.
func zoneCase(name string) string {
	out := []byte(strings.ToLower(name))
	up := true
	for i, c := range out {
		if up && 'a' <= c && c <= 'z' {
			out[i] = c - 32
		}
		up = c == '/' || c == '_' || c == '-'
	}
	s := string(out)
	for _, small := range []string{"_Of_", "-Au-", "-Es-", "_Es_"} {
		s = strings.ReplaceAll(s, small, strings.ToLower(small))
	}
	return s
}

// parseOffset reads [+-]hh[[:]mm[[:]ss]] in seconds, as written (no turning of the sign).
func parseOffset(s string) (seconds int64, rest string, ok bool) {
	neg := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		s = s[1:]
	}
	digits := func() (string, bool) {
		i := 0
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		d := s[:i]
		s = s[i:]
		return d, i > 0 && i <= 6
	}
	h, ok := digits()
	if !ok {
		return 0, s, false
	}
	var hh, mm, ss int64
	switch {
	case strings.HasPrefix(s, ":"):
		hh, _ = strconv.ParseInt(h, 10, 64)
		parts := [2]*int64{&mm, &ss}
		for k := 0; k < 2 && strings.HasPrefix(s, ":"); k++ {
			s = s[1:]
			d, ok := digits()
			if !ok {
				return 0, s, false
			}
			*parts[k], _ = strconv.ParseInt(d, 10, 64)
		}
	case len(h) <= 2:
		hh, _ = strconv.ParseInt(h, 10, 64)
	default:
		n, _ := strconv.ParseInt(h, 10, 64)
		if len(h) > 4 {
			ss, n = n%100, n/100
		}
		hh, mm = n/100, n%100
	}
	if hh > 15 || mm > 59 || ss > 59 {
		return hh, s, false
	}
	seconds = (hh*60+mm)*60 + ss
	if neg {
		seconds = -seconds
	}
	return seconds, s, true
}

// ZoneByName finds a zone as AT TIME ZONE and the setting TimeZone do: abbreviation, full name, or a POSIX form.
func ZoneByName(name string) (*time.Location, error) {
	if zone, ok := movedAbbreviations[strings.ToLower(name)]; ok {
		if loc, ok := LoadZone(zone); ok {
			return loc, nil
		}
	}
	if off, ok := Abbreviation(name); ok {
		return fixedZone(strings.ToUpper(name), off), nil
	}
	if loc, ok := LoadZone(name); ok {
		return loc, nil
	}
	if east, rest, ok := parseOffset(name); ok && rest == "" && name != "" {
		return fixedZone(name, -east), nil
	}
	return nil, pgerr.New(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
}

// IsDST reports whether summer time is in force in loc at a moment.
func IsDST(loc *time.Location, micros int64) bool {
	sec, _ := floorDiv(micros, MicrosPerSecond)
	return time.Unix(sec+epochSeconds, 0).In(loc).IsDST()
}

// movedAbbreviations are those of a zone whose distance from Greenwich was changed while the abbreviation stayed: what they
// mean depends on the date.
var movedAbbreviations = map[string]string{
	"art": "America/Argentina/Buenos_Aires", "arst": "America/Argentina/Buenos_Aires", "clt": "America/Santiago",
	"gyt": "America/Guyana", "pyt": "America/Asuncion", "vet": "America/Caracas", "davt": "Antarctica/Davis",
	"mawt": "Antarctica/Mawson", "amst": "Asia/Yerevan", "anast": "Asia/Anadyr", "anat": "Asia/Anadyr", "azst": "Asia/Baku", "azt": "Asia/Baku", "gest": "Asia/Tbilisi", "get": "Asia/Tbilisi", "irkst": "Asia/Irkutsk",
	"irkt": "Asia/Irkutsk", "kgt": "Asia/Bishkek", "krast": "Asia/Krasnoyarsk", "krat": "Asia/Krasnoyarsk",
	"lkt": "Asia/Colombo", "magst": "Asia/Magadan", "magt": "Asia/Magadan", "novst": "Asia/Novosibirsk", "novt": "Asia/Novosibirsk", "omsst": "Asia/Omsk", "omst": "Asia/Omsk", "petst": "Asia/Kamchatka", "pett": "Asia/Kamchatka", "sgt": "Asia/Singapore", "tmt": "Asia/Ashgabat", "ulat": "Asia/Ulaanbaatar", "vlast": "Asia/Vladivostok", "vlat": "Asia/Vladivostok", "yakst": "Asia/Yakutsk", "yakt": "Asia/Yakutsk", "yekt": "Asia/Yekaterinburg", "fkst": "Atlantic/Stanley", "fkt": "Atlantic/Stanley", "lhdt": "Australia/Lord_Howe",
	"msk": "Europe/Moscow", "volt": "Europe/Volgograd", "iot": "Indian/Chagos", "ckt": "Pacific/Rarotonga",
	"easst": "Pacific/Easter", "east": "Pacific/Easter", "kost": "Pacific/Kosrae", "lint": "Pacific/Kiritimati",
	"nut": "Pacific/Niue", "tkt": "Pacific/Fakaofo",
}

// fromAbbreviation turns a local time in loc into the moment, by what the abbreviation means there at that time; when it
// is not in use then, by what it means in the default set.
func fromAbbreviation(loc *time.Location, abbrev string, local int64) int64 {
	name, off := ZoneOffset(loc, FromLocal(loc, local))
	if !strings.EqualFold(name, abbrev) && isAlpha(name[0]) {
		if fixed, ok := Abbreviation(abbrev); ok {
			off = fixed
		}
	}
	return local - off*MicrosPerSecond
}
