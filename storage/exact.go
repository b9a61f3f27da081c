package storage

import (
	"fmt"

	"github.com/allsource-db/allsource/storage/segment"
)

// PlaceError is an event of an exact load that would not be where its line says.
type PlaceError struct {
	Column        string // position or version
	Given, Actual int64
	Position      int64 // that the line gives
}

func (e *PlaceError) Error() string {
	return fmt.Sprintf("the event of position %d has %s %d, and would get %d", e.Position, e.Column, e.Given, e.Actual)
}

// places notes where a group's rows say that they are, and checks that they agree: positions and an entity's versions rise by one.
func (g *bulkGroup) places(rows *segment.Builder) error {
	g.first, _ = rows.Place(0)
	g.befores = make([]int64, len(rows.EntityHashes()))
	seen := make([]int64, len(g.befores))
	for row := range rows.Len() {
		position, version := rows.Place(row)
		if want := g.first + int64(row); position != want {
			return &PlaceError{"position", position, want, position}
		}
		code := rows.EntityCode(row)
		if seen[code]++; seen[code] == 1 {
			g.befores[code] = version - 1
		} else if want := g.befores[code] + seen[code]; version != want {
			return &PlaceError{"version", version, want, position}
		}
	}
	return nil
}

// placed checks that a group of an exact load comes where its rows say: base is its position, before the version of each
// entity before it.
func (g *bulkGroup) placed(base int64, before []int64) error {
	if g.first != base {
		return &PlaceError{"position", g.first, base, g.first}
	}
	for k, v := range g.befores {
		if v != before[k] {
			return &PlaceError{"version", v + 1, before[k] + 1, g.first}
		}
	}
	return nil
}
