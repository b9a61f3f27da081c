package syntax

// Parse reads a script: statements separated by semicolons. Errors are *pgerr.Error.
func Parse(sql string) ([]Statement, error) { panic("not yet") }

// ParseOne reads exactly one statement.
func ParseOne(sql string) (Statement, error) { panic("not yet") }

// ParseExpr reads one expression.
func ParseExpr(sql string) (Expr, error) { panic("not yet") }

// Format prints a node as SQL that parses to the same tree.
func Format(n Node) string { panic("not yet") }

// Walk calls visit for n and everything under it, parents first; visit returning false skips the children.
func Walk(n Node, visit func(Node) bool) { panic("not yet") }
