// Package pgerr is the error that SQL users see: a SQLSTATE, a message, and what else PostgreSQL's
// protocol can carry about it (PostgreSQL documentation, Appendix A and "Error and Notice Message Fields").
// Every layer above storage reports failures with it; lower layers return plain wrapped errors.
package pgerr

import (
	"errors"
	"fmt"
)

// Code is a five-character SQLSTATE.
type Code string

// The SQLSTATEs in use, by class.
const (
	NoData                      Code = "02000"
	ConnectionFailure           Code = "08006"
	ProtocolViolation           Code = "08P01"
	FeatureNotSupported         Code = "0A000"
	InvalidTransactionInit      Code = "0B000"
	CardinalityViolation        Code = "21000"
	TriggeredDataChange         Code = "27000"
	DataException               Code = "22000"
	StringDataRightTruncation   Code = "22001"
	NumericValueOutOfRange      Code = "22003"
	NullValueNotAllowed         Code = "22004"
	InvalidDatetimeFormat       Code = "22007"
	DatetimeFieldOverflow       Code = "22008"
	InvalidTimeZone             Code = "22009"
	SubstringError              Code = "22011"
	DivisionByZero              Code = "22012"
	InvalidPrecedingOrFollowing Code = "22013"
	InvalidArgumentForNtile     Code = "22014"
	IntervalFieldOverflow       Code = "22015"
	InvalidArgumentForNthValue  Code = "22016"
	InvalidArgumentForLog       Code = "2201E"
	InvalidArgumentForPower     Code = "2201F"
	InvalidRegexp               Code = "2201B"
	InvalidRowCountInLimit      Code = "2201W"
	InvalidRowCountInOffset     Code = "2201X"
	CharacterNotInRepertoire    Code = "22021"
	InvalidParameterValue       Code = "22023"
	InvalidEscapeSequence       Code = "22025"
	ArraySubscriptError         Code = "2202E"
	InvalidTextRepresentation   Code = "22P02"
	InvalidBinaryRepresentation Code = "22P03"
	BadCopyFileFormat           Code = "22P04"
	UntranslatableCharacter     Code = "22P05"
	NotNullViolation            Code = "23502"
	ForeignKeyViolation         Code = "23503"
	UniqueViolation             Code = "23505"
	CheckViolation              Code = "23514"
	ExclusionViolation          Code = "23P01"
	InvalidCursorState          Code = "24000"
	ActiveSQLTransaction        Code = "25001"
	ReadOnlySQLTransaction      Code = "25006"
	NoActiveSQLTransaction      Code = "25P01"
	InFailedSQLTransaction      Code = "25P02"
	InvalidSQLStatementName     Code = "26000"
	InvalidAuthorization        Code = "28000"
	InvalidPassword             Code = "28P01"
	DependentObjectsStillExist  Code = "2BP01"
	InvalidCursorName           Code = "34000"
	InvalidCatalogName          Code = "3D000"
	InvalidSchemaName           Code = "3F000"
	SerializationFailure        Code = "40001"
	DeadlockDetected            Code = "40P01"
	LockNotAvailable            Code = "55P03"
	SyntaxError                 Code = "42601"
	InsufficientPrivilege       Code = "42501"
	CannotCoerce                Code = "42846"
	GroupingError               Code = "42803"
	WindowingError              Code = "42P20"
	InvalidRecursion            Code = "42P19"
	InvalidName                 Code = "42602"
	NameTooLong                 Code = "42622"
	ReservedName                Code = "42939"
	DatatypeMismatch            Code = "42804"
	IndeterminateDatatype       Code = "42P18"
	WrongObjectType             Code = "42809"
	UndefinedColumn             Code = "42703"
	UndefinedFunction           Code = "42883"
	UndefinedTable              Code = "42P01"
	UndefinedParameter          Code = "42P02"
	UndefinedObject             Code = "42704"
	DuplicateColumn             Code = "42701"
	DuplicateCursor             Code = "42P03"
	DuplicateDatabase           Code = "42P04"
	DuplicatePreparedStatement  Code = "42P05"
	DuplicateTable              Code = "42P07"
	DuplicateAlias              Code = "42712"
	InvalidForeignKey           Code = "42830"
	DuplicateFunction           Code = "42723"
	DuplicateObject             Code = "42710"
	AmbiguousColumn             Code = "42702"
	AmbiguousFunction           Code = "42725"
	AmbiguousParameter          Code = "42P08"
	InvalidColumnReference      Code = "42P10"
	InvalidTableDefinition      Code = "42P16"
	InvalidObjectDefinition     Code = "42P17"
	DiskFull                    Code = "53100"
	OutOfMemory                 Code = "53200"
	TooManyConnections          Code = "53300"
	StatementTooComplex         Code = "54001"
	TooManyColumns              Code = "54011"
	TooManyArguments            Code = "54023"
	ObjectNotInPrerequisite     Code = "55000"
	ObjectInUse                 Code = "55006"
	ProgramLimitExceeded        Code = "54000"
	QueryCanceled               Code = "57014"
	AdminShutdown               Code = "57P01"
	CannotConnectNow            Code = "57P03"
	IOError                     Code = "58030"
	InternalError               Code = "XX000"
	DataCorrupted               Code = "XX001"
)

// Error is one error report. Position counts characters (not bytes) from 1 in the statement's text; 0 says nothing.
type Error struct {
	Code     Code
	Message  string
	Detail   string
	Hint     string
	Position int
	Where    string
	About    Object
	Severity Severity // of a message that is no error
	Err      error    // the cause, for errors.Is; may be nil
}

// Severity is how much a message to the client matters that is no error (PostgreSQL's manual, 20.8.2).
type Severity uint8

// The severities.
const (
	Notice Severity = iota
	Warning
	Info
	Log
	Debug
)

// String returns the name that the protocol has.
func (s Severity) String() string {
	return [...]string{"NOTICE", "WARNING", "INFO", "LOG", "DEBUG"}[s]
}

// Object is what an error about data is about, as drivers hand it to programs: the fields that are known, the others empty.
type Object struct{ Schema, Table, Column, DataType, Constraint string }

// Error returns the primary message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error from a format; the last argument may be wrapped with %w.
func New(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// At sets the character position and returns e.
func (e *Error) At(pos int) *Error {
	e.Position = pos
	return e
}

// WithDetail sets the detail and returns e.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// WithHint sets the hint and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Of sets what the error is about and returns e.
func (e *Error) Of(o Object) *Error {
	e.About = o
	return e
}

// From finds the Error inside err, or wraps err as an internal error. It returns nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: InternalError, Message: err.Error(), Err: err}
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
