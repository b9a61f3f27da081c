package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
)

// setting is one configuration parameter (PostgreSQL documentation, chapter 20).
type setting struct {
	name     string // as SHOW prints it
	def      string
	doc      string
	readOnly bool
	report   bool // sent to the client as ParameterStatus when it changes
	// check validates and normalises a new value; nil accepts any.
	check func(v string) (string, error)
}

// ServerVersion is the PostgreSQL version whose behaviour the server follows and reports.
const (
	ServerVersion    = "15.0"
	ServerVersionNum = "150000"
)

// settings is the table of parameters, sorted by name.
var settings = []setting{
	{name: "application_name", doc: "Name of the application, shown in pg_stat_activity.", report: true},
	{name: "bytea_output", def: "hex", doc: "Output format of bytea.", check: oneOf("hex", "escape")},
	{name: "check_function_bodies", def: "on", doc: "Whether bodies of functions are checked when they are made.", check: checkBool},
	{name: "client_encoding", def: "UTF8", doc: "The client's encoding.", report: true, check: checkEncoding},
	{name: "client_min_messages", def: "notice", doc: "Least severe messages sent to the client.", check: oneOf("debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "info", "notice", "warning", "error")},
	{name: "DateStyle", def: "ISO, MDY", doc: "Output and input order of dates.", report: true, check: checkDateStyle},
	{name: "default_table_access_method", def: "heap", doc: "Accepted for compatibility."},
	{name: "default_tablespace", doc: "Accepted for compatibility."},
	{name: "default_transaction_as_of", doc: "Moment that transactions ask about: what AS OF SYSTEM TIME takes, or POSITION n; empty for now.", check: checkMoment},
	{name: "deadlock_timeout", def: "1s", doc: "Accepted for compatibility: a deadlock is found at once.", check: checkDuration},
	{name: "default_transaction_deferrable", def: "off", doc: "Default of DEFERRABLE.", check: checkBool},
	{name: "default_transaction_isolation", def: "read committed", doc: "Default isolation level.", check: checkIsolation},
	{name: "default_transaction_read_only", def: "off", doc: "Default of READ ONLY.", report: true, check: checkBool},
	{name: "extra_float_digits", def: "1", doc: "Digits of floating-point output; above 0 the shortest exact form.", check: checkInt(-15, 3)},
	{name: "idle_in_transaction_session_timeout", def: "0", doc: "Ends a session idle in a transaction for so long.", check: checkDuration},
	{name: "idle_session_timeout", def: "0", doc: "Ends a session idle outside of a transaction for so long.", check: checkDuration},
	{name: "in_hot_standby", def: "off", doc: "Whether the server is a standby.", readOnly: true, report: true},
	{name: "integer_datetimes", def: "on", doc: "Times are 64-bit integers.", readOnly: true, report: true},
	{name: "IntervalStyle", def: "postgres", doc: "Output format of intervals.", report: true, check: oneOf("postgres", "postgres_verbose", "sql_standard", "iso_8601")},
	{name: "is_superuser", def: "on", doc: "Whether the user is a superuser.", readOnly: true, report: true},
	{name: "jit", def: "off", doc: "Accepted for compatibility.", check: checkBool},
	{name: "lc_collate", def: "C.UTF-8", doc: "Order of text: by code point.", readOnly: true},
	{name: "lc_ctype", def: "C.UTF-8", doc: "Character classes.", readOnly: true},
	{name: "lc_messages", def: "C", doc: "Language of messages."},
	{name: "lc_monetary", def: "C", doc: "Accepted for compatibility."},
	{name: "lock_timeout", def: "0", doc: "Longest wait for a lock.", check: checkDuration},
	{name: "max_connections", def: "500", doc: "Most connections at a time.", readOnly: true},
	{name: "max_identifier_length", def: "63", doc: "Longest name in bytes.", readOnly: true},
	{name: "max_index_keys", def: "32", doc: "Most columns of an index.", readOnly: true},
	{name: "optimizer_off", doc: "Names of optimizer rules not to use, separated by commas."},
	{name: "row_security", def: "on", doc: "Accepted for compatibility.", check: checkBool},
	{name: "search_path", def: `"$user", public`, doc: "Schemas searched for unqualified names.", check: checkPath},
	{name: "server_encoding", def: "UTF8", doc: "The server's encoding.", readOnly: true, report: true},
	{name: "server_version", def: ServerVersion, doc: "The PostgreSQL version followed.", readOnly: true, report: true},
	{name: "server_version_num", def: ServerVersionNum, doc: "The same as a number.", readOnly: true},
	{name: "session_authorization", def: "", doc: "The session's user.", report: true},
	{name: "ssl", def: "off", doc: "Whether connections may be encrypted.", readOnly: true},
	{name: "standard_conforming_strings", def: "on", doc: "Backslashes in '…' are ordinary characters; only on.", report: true, check: checkOn},
	{name: "statement_timeout", def: "0", doc: "Longest time a statement may take.", check: checkDuration},
	{name: "synchronous_commit", def: "on", doc: "Appends are always durable before they are acknowledged."},
	{name: "synchronize_seqscans", def: "on", doc: "Accepted for compatibility.", check: checkBool},
	{name: "TimeZone", def: "UTC", doc: "Zone in which times are shown.", report: true, check: checkZone},
	{name: "transaction_deferrable", def: "off", doc: "DEFERRABLE of this transaction.", check: checkBool},
	{name: "transaction_isolation", def: "read committed", doc: "Isolation level of this transaction.", check: checkIsolation},
	{name: "transaction_read_only", def: "off", doc: "READ ONLY of this transaction.", check: checkBool},
	{name: "transaction_timeout", def: "0", doc: "Longest time a transaction may take; its connection ends then.", check: checkDuration},
	{name: "work_mem", def: "64MB", doc: "Memory that one statement's operators may use before they spill."},
	{name: "xmloption", def: "content", doc: "Accepted for compatibility.", check: oneOf("content", "document")},
}

// settingsByKey are the parameters by their names in lower case.
var settingsByKey = func() map[string]*setting {
	byKey := make(map[string]*setting, len(settings))
	for i := range settings {
		byKey[strings.ToLower(settings[i].name)] = &settings[i]
	}
	return byKey
}()

// findSetting looks a parameter up without regard to case.
func findSetting(name string) (*setting, bool) {
	s, ok := settingsByKey[strings.ToLower(name)]
	return s, ok
}

// rangeError is a number that a parameter does not take.
type rangeError struct{ value, lo, hi int }

func (e *rangeError) Error() string { return fmt.Sprintf("%d is not in %d .. %d", e.value, e.lo, e.hi) }

func badValue(name, v string, err error) error {
	if e, ok := errors.AsType[*rangeError](err); ok {
		return pgerr.New(pgerr.InvalidParameterValue, "%d is outside the valid range for parameter %q (%d .. %d)", e.value, name, e.lo, e.hi)
	}
	return pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter %q: %q", name, v)
}

var errBadValue = fmt.Errorf("bad value")

func oneOf(words ...string) func(string) (string, error) {
	return func(v string) (string, error) {
		v = strings.ToLower(v)
		if !slices.Contains(words, v) {
			return "", errBadValue
		}
		return v, nil
	}
}

func checkBool(v string) (string, error) {
	switch strings.ToLower(v) {
	case "on", "true", "t", "yes", "y", "1":
		return "on", nil
	case "off", "false", "f", "no", "n", "0":
		return "off", nil
	}
	return "", errBadValue
}

func checkOn(v string) (string, error) {
	if b, err := checkBool(v); err != nil || b != "on" {
		return "", errBadValue
	}
	return "on", nil
}

func checkInt(lo, hi int) func(string) (string, error) {
	return func(v string) (string, error) {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil {
			return "", errBadValue
		}
		if n < lo || n > hi {
			return "", &rangeError{n, lo, hi}
		}
		return strconv.Itoa(n), nil
	}
}

func checkEncoding(v string) (string, error) {
	if name, ok := encodingName(v); ok {
		return name, nil
	}
	return "", errBadValue
}

func checkIsolation(v string) (string, error) {
	return oneOf("read committed", "read uncommitted", "repeatable read", "serializable")(v)
}

// checkDateStyle merges words such as "ISO", "German, DMY" or "MDY" into style and order; only the ISO style is written.
func checkDateStyle(v string) (string, error) {
	style, order := "ISO", "MDY"
	for w := range strings.SplitSeq(v, ",") {
		switch strings.ToUpper(strings.TrimSpace(w)) {
		case "ISO":
			style = "ISO"
		case "SQL":
			style = "SQL"
		case "POSTGRES":
			style = "Postgres"
		case "GERMAN":
			style = "German"
		case "MDY", "US", "NONEURO", "NONEUROPEAN":
			order = "MDY"
		case "DMY", "EURO", "EUROPEAN":
			order = "DMY"
		case "YMD":
			order = "YMD"
		case "DEFAULT":
		default:
			return "", errBadValue
		}
	}
	return style + ", " + order, nil
}

func checkZone(v string) (string, error) {
	if _, shown, ok := datum.ZoneSetting(v); ok {
		return shown, nil
	}
	return "", errBadValue
}

var durationUnits = map[string]time.Duration{
	"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "": time.Millisecond,
}

// parseDuration reads a time parameter; a bare number is milliseconds.
func parseDuration(v string) (time.Duration, error) {
	v = strings.TrimSpace(v)
	i := strings.LastIndexAny(v, "0123456789.") + 1
	n, err := strconv.ParseFloat(v[:i], 64)
	unit, ok := durationUnits[strings.TrimSpace(v[i:])]
	if err != nil || !ok || n < 0 {
		return 0, errBadValue
	}
	return time.Duration(n * float64(unit)), nil
}

func checkDuration(v string) (string, error) {
	d, err := parseDuration(v)
	if err != nil || d > 1<<31*time.Millisecond {
		return "", errBadValue
	}
	switch {
	case d == 0:
		return "0", nil
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour), nil
	case d%time.Minute == 0:
		return fmt.Sprintf("%dmin", d/time.Minute), nil
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second), nil
	}
	return fmt.Sprintf("%dms", d.Milliseconds()), nil
}

// vars holds a session's parameter values: what SET changed, and what SET LOCAL and this transaction changed on top.
type vars struct {
	version int                // another one after every change of a value in force
	session map[string]string  // by lower-case name
	start   map[string]string  // the values at session start, for RESET
	saved   map[string]*string // what a running transaction replaced, for rollback; nil value: was not set
	local   map[string]*string // what SET LOCAL replaced, for commit
}

func newVars() vars {
	return vars{version: 1, session: map[string]string{}, start: map[string]string{}}
}

// get returns the value in force.
func (v *vars) get(name string) (string, bool) {
	key := strings.ToLower(name)
	if val, ok := v.session[key]; ok {
		return val, true
	}
	if _, ok := settingsByKey["default_"+key]; ok { // where no transaction is open it is what the next one gets
		return v.get("default_" + key)
	}
	if s, ok := settingsByKey[key]; ok {
		return s.def, true
	}
	return "", false
}

// set changes a value. Names with a dot are the client's own and take anything.
func (v *vars) set(name, value string, local bool) error {
	s, err := changeable(name)
	if err == nil {
		value, err = s.checked(value)
	}
	if err != nil {
		return err
	}
	v.put(strings.ToLower(name), &value, local)
	return nil
}

// checked is a value as it is kept.
func (s *setting) checked(value string) (string, error) {
	if s == nil || s.check == nil {
		return value, nil
	}
	norm, err := s.check(value)
	if err != nil {
		return "", badValue(s.name, value, err)
	}
	return norm, nil
}

// changeable finds a parameter that a client may set; nil: one of its own.
func changeable(name string) (*setting, error) {
	s, ok := findSetting(name)
	switch {
	case ok && s.readOnly:
		return nil, pgerr.New("55P02", "parameter %q cannot be changed", s.name)
	case !ok && !strings.Contains(name, "."):
		return nil, pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter %q", name)
	}
	return s, nil
}

func (v *vars) put(key string, value *string, local bool) {
	if v.saved != nil {
		var old *string
		if val, ok := v.session[key]; ok {
			old = &val
		}
		if _, done := v.saved[key]; !done {
			v.saved[key] = old
		}
		if _, done := v.local[key]; !local {
			delete(v.local, key)
		} else if !done {
			v.local[key] = old
		}
	}
	v.store(key, value)
}

// store replaces what is set for a key; nil: nothing is. A client's own parameter, once it was set, is there from then on.
func (v *vars) store(key string, value *string) {
	before, was := v.get(key)
	switch {
	case value != nil:
		v.session[key] = *value
	case strings.Contains(key, "."):
		v.session[key] = ""
	default:
		delete(v.session, key)
	}
	if now, is := v.get(key); now != before || is != was {
		v.version++
	}
}

// reset puts a value back to what the session started with.
func (v *vars) reset(name string) error {
	if _, err := changeable(name); err != nil {
		return err
	}
	key := strings.ToLower(name)
	if start, ok := v.start[key]; ok {
		v.put(key, &start, false)
	} else {
		v.put(key, nil, false)
	}
	return nil
}

// clone copies the values and what is remembered of them.
func (v *vars) clone() vars {
	return vars{session: maps.Clone(v.session), saved: maps.Clone(v.saved), local: maps.Clone(v.local)}
}

// goBack undoes the changes since the clone was made, in a transaction that was running already. The clone may be used again.
func (v *vars) goBack(to vars) {
	to = to.clone()
	v.session, v.saved, v.local = to.session, to.saved, to.local
	v.version++
}

// remember is begin where a transaction has not begun to.
func (v *vars) remember() {
	if v.saved == nil {
		v.begin()
	}
}

// begin starts to remember changes; end forgets them, undoing all (rollback) or the local ones (commit).
func (v *vars) begin() {
	v.saved, v.local = map[string]*string{}, map[string]*string{}
}

func (v *vars) end(commit bool) {
	back := v.saved
	if commit {
		back = v.local
	}
	for key, old := range back {
		v.store(key, old)
	}
	v.saved, v.local = nil, nil
}
