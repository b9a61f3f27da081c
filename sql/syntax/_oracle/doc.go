// Package oracle compares the parser with PostgreSQL's own, which is C: hence a module apart.
package oracle
