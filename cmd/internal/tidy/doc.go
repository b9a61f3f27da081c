// Package tidy holds the house rules as tests, so that a rule that is not kept fails a build and not a review.
//
//   - floors_test.go: which package may import which (floors, walls), with the reason of each row
//   - sizes_test.go: how long a function and a file may be
//   - idioms_test.go: what is not written here, and what is written in its place
//   - documents_test.go: each room explains itself, and what a document names is there; gofmt
//
// Every rule is a table. An exception is a row with its reason, and a row that nothing needs any more fails as well.
// Nothing imports this package.
package tidy
