package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestNDJSONChunks loads lines of all lengths in pieces of several sizes: shorter and longer than what is handed to a
// worker at once, one more than a row group has, and blank ones. They come out in their order, or none where one is bad.
func TestNDJSONChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var data bytes.Buffer
	const events = 150_000
	for i := range events {
		pad := r.IntN(9)
		switch {
		case i%30_000 == 7:
			pad = 3<<20 + i
		case i%5_000 == 9:
			pad = 1<<20 - 300 + r.IntN(600)
		}
		fmt.Fprintf(&data, "{\"entity_id\":\"e%d\",\"event_type\":\"t\",\"payload\":{\"n\":%d,\"pad\":\"%s\"}}\n", i%1000, i+1, strings.Repeat("x", pad))
		if i%7919 == 0 {
			data.WriteString("\n \n")
		}
	}
	for _, piece := range []int{0, 65_531, 5 << 20} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			b := newBedOf(t, 65_536)
			defer b.close(t)
			p := b.connect(t, 1)
			defer p.s.Close()
			text := data.Bytes()
			if piece == 0 {
				text = bytes.TrimSuffix(text, []byte("\n")) // the last line need not end
			}
			if _, err := p.copyIn("COPY events FROM STDIN (FORMAT ndjson)", append(bytes.Clone(data.Bytes()), "{}"...), piece); err == nil ||
				!strings.Contains(err.Error(), "entity_id") {
				t.Fatalf("a bad last line: %v", err)
			}
			tag, err := p.copyIn("COPY events FROM STDIN (FORMAT ndjson)", text, piece)
			if err != nil || tag != fmt.Sprint("COPY ", events) {
				t.Fatalf("%q, %v", tag, err)
			}
			a, err := p.ask("SELECT count(*) FROM events WHERE payload->>'n' = position::text")
			if err != nil || a.rows[0][0] != fmt.Sprint(events) {
				t.Fatalf("%v of %d are at their place: %v", a.rows, events, err)
			}
		})
	}
}
