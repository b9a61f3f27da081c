package peer

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// tolerance is how far apart two numbers may be, relative to the larger: a sum of floats depends on its order.
const tolerance = 1e-9

// Differ says where two answers differ first, and nothing where they are equal.
func Differ(a, b Answer) string {
	if len(a.Rows) != len(b.Rows) {
		return fmt.Sprintf("%d rows and %d", len(a.Rows), len(b.Rows))
	}
	for i := range a.Rows {
		if len(a.Rows[i]) != len(b.Rows[i]) {
			return fmt.Sprintf("row %d: %d columns and %d", i+1, len(a.Rows[i]), len(b.Rows[i]))
		}
		for j := range a.Rows[i] {
			if x, y := a.Rows[i][j], b.Rows[i][j]; !equal(x, y) {
				return fmt.Sprintf("row %d, column %d: %s and %s", i+1, j+1, shown(x), shown(y))
			}
		}
	}
	return ""
}

func shown(cell []byte) string {
	if cell == nil {
		return "NULL"
	}
	if len(cell) > 80 {
		return string(cell[:80]) + "…"
	}
	return string(cell)
}

// equal compares two values that two systems printed each in its own way.
func equal(a, b []byte) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if string(a) == string(b) {
		return true
	}
	x, errX := strconv.ParseFloat(string(a), 64)
	y, errY := strconv.ParseFloat(string(b), 64)
	if errX == nil && errY == nil {
		return near(x, y)
	}
	if s, ok := moment(a); ok {
		t, ok := moment(b)
		return ok && s.Equal(t)
	}
	var p, q any
	return json.Unmarshal(a, &p) == nil && json.Unmarshal(b, &q) == nil && sameJSON(p, q)
}

func near(x, y float64) bool {
	return x == y || math.Abs(x-y) <= tolerance*math.Max(math.Abs(x), math.Abs(y))
}

func moment(cell []byte) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, string(cell)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// sameJSON compares documents by value. ClickHouse drops a member that is null, so absent and null are one here.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range a {
			if !sameJSON(value, b[key]) {
				return false
			}
		}
		for key, value := range b {
			if _, there := a[key]; !there && value != nil {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	case float64:
		b, ok := b.(float64)
		return ok && near(a, b)
	}
	return a == b
}
