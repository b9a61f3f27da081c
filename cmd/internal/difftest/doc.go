// Package difftest compares AllSource with PostgreSQL on random queries: the same nasty events in both, typed random
// queries over all functions and operators that both have, and every answer must be the same, or the same SQLSTATE. It is
// tests only; what a difference means and what is allowed is said in cmd/DESIGN.md.
//
//	make diff DURATION=1h SEED=7 POSTGRES=postgres://…
package difftest
