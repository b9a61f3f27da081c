package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/bench/internal/store"
)

// TestEveryQuestionIsWritten fills in every question for every log and system; what a log lacks is left out, nothing else.
func TestEveryQuestionIsWritten(t *testing.T) {
	for _, p := range profiles {
		for _, q := range questions {
			for _, system := range store.Systems {
				sql, err := q.write(system, p)
				switch {
				case errors.Is(err, errLacks) && p.logs[0] != "shoplog":
				case err != nil:
					t.Errorf("%s of %s for %s: %v", q.name, p.logs[0], system, err)
				case strings.Contains(sql, "''"):
					t.Errorf("%s of %s for %s has an empty place: %s", q.name, p.logs[0], system, sql)
				}
			}
		}
	}
}
