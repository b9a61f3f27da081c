package op

import (
	"fmt"
	"runtime/debug"
)

// Panic is a bug met while a statement ran: the statement fails, the server goes on. Stack is for the log.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("internal error: %v", p.Value) }

// Rescue turns a panic of the function that defers it into a *Panic in *err.
func Rescue(err *error) {
	if r := recover(); r != nil {
		*err = &Panic{Value: r, Stack: debug.Stack()}
	}
}
