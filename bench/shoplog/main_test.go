package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

type event struct {
	EntityID  string         `json:"entity_id"`
	EventType string         `json:"event_type"`
	Timestamp time.Time      `json:"timestamp"`
	Payload   map[string]any `json:"payload"`
}

func logOf(t *testing.T, n int, seed uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, n, seed); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSameSeedSameBytes(t *testing.T) {
	a, b, other := logOf(t, 2000, 7), logOf(t, 2000, 7), logOf(t, 2000, 8)
	if !bytes.Equal(a, b) {
		t.Error("two runs of one seed differ")
	}
	if bytes.Equal(a, other) {
		t.Error("two seeds gave the same log")
	}
}

func TestTheLogIsAsDescribed(t *testing.T) {
	const n = 20_000
	log := logOf(t, n, 1)
	if per := len(log) / n; per < 300 || per > 340 {
		t.Errorf("a line has %d bytes, want about 320", per)
	}
	kinds := map[string]int{}
	last := time.Time{}
	for i, line := range bytes.Split(bytes.TrimSpace(log), []byte("\n")) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("line %d: %v: %s", i+1, err, line)
		}
		kinds[e.EventType]++
		if e.Timestamp.Before(last) || e.Timestamp.Before(opening) || !e.Timestamp.Before(closing) {
			t.Fatalf("line %d: time %s after %s", i+1, e.Timestamp, last)
		}
		last = e.Timestamp
		if len(e.Payload) != 12 {
			t.Fatalf("line %d has %d fields: %s", i+1, len(e.Payload), line)
		}
		if e.EntityID[:5] != e.EventType[:4]+"-" {
			t.Fatalf("line %d: entity %s of type %s", i+1, e.EntityID, e.EventType)
		}
		if _, ok := e.Payload["user"].(map[string]any)["vip"].(bool); !ok {
			t.Fatalf("line %d: no user.vip: %s", i+1, line)
		}
	}
	if len(kinds) != 15 {
		t.Errorf("%d types, want 15: %v", len(kinds), kinds)
	}
}

func TestAppendCents(t *testing.T) {
	for cents, want := range map[int64]string{0: "0.00", 5: "0.05", 99: "0.99", 100: "1.00", 99_999: "999.99"} {
		if got := string(appendCents(nil, cents)); got != want {
			t.Errorf("%d: %s, want %s", cents, got, want)
		}
	}
}
