package syntax

// Format prints a node as SQL that parses to the same tree.
func Format(n Node) string { panic("not yet") }

// Walk calls visit for n and everything under it, parents first; visit returning false skips the children.
func Walk(n Node, visit func(Node) bool) { panic("not yet") }
