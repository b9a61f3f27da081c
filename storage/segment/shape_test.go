package segment

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// addOnlyScanned is AddLine without shapes.
func addOnlyScanned(b *Builder, line []byte, m *Mapping) error {
	if m == nil {
		m = defaultMapping
	}
	b.names.resolve(m)
	b.begin()
	if err := b.addScanned(line, m); err != nil {
		return err
	}
	b.commit(len(line))
	return nil
}

// sameBothWays adds lines by their shapes and by scanning: the same ones are refused, for the same reason, and the
// groups are the same to the byte. It returns how many were taken.
func sameBothWays(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, shaped, scanned *Builder, lines [][]byte, m *Mapping) int {
	t.Helper()
	for _, l := range lines {
		was := bytes.Clone(l)
		got, want := shaped.AddLine(l, m), addOnlyScanned(scanned, l, m)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: %v, scanned %v", l, got, want)
		}
		if !bytes.Equal(l, was) {
			t.Fatalf("%s became %s", was, l)
		}
	}
	n := shaped.Len()
	got, err1 := shaped.Finish(nil)
	want, err2 := scanned.Finish(nil)
	if err1 != nil || err2 != nil {
		t.Fatalf("%v, %v", err1, err2)
	}
	if fmt.Sprint(got.meta, got.entities, got.entityRows) != fmt.Sprint(want.meta, want.entities, want.entityRows) {
		t.Fatalf("other meta blob for %s", bytes.Join(lines, []byte("\n")))
	}
	for i, c := range got.Columns {
		if c.ID != want.Columns[i].ID || !bytes.Equal(c.Data, want.Columns[i].Data) {
			t.Fatalf("other column %d for %s", c.ID, bytes.Join(lines, []byte("\n")))
		}
	}
	return n
}

// genLine makes lines that are mostly right. Fields come in few orders, are left out, come twice, and stand beside others.
func genLine() *rapid.Generator[string] {
	pick := func(t *rapid.T, of ...string) string { return rapid.SampledFrom(of).Draw(t, "value") }
	return rapid.Custom(func(t *rapid.T) string {
		gap := pick(t, "", "", "", " ", "\t ")
		member := func(key, value string) string { return strconv.Quote(key) + gap + ":" + gap + value }
		fields := []string{
			member("entity_id", pick(t, `"e1"`, `"e1"`, `"entity 2"`, `7`, `"\u0065"`, `null`, `[]`)),
			member("event_type", pick(t, `"t0"`, `"t1"`, `"t2"`, `"t3"`, `"t4"`)),
		}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			switch rapid.IntRange(0, 7).Draw(t, "field") {
			case 0:
				fields = append(fields, member("timestamp", pick(t, `"2026-01-01T00:00:01.573Z"`, `"2026-01-01"`, `"no"`, `null`, `5`)))
			case 1:
				fields = append(fields, member("id", pick(t, `"00112233-4455-6677-8899-aabbccddeeff"`, `null`, `"x"`)))
			case 2:
				fields = append(fields, member("metadata", genJSON(1).Draw(t, "metadata")))
			case 3:
				fields = append(fields, member(genKey.Draw(t, "key"), genJSON(2).Draw(t, "other")))
			default:
				fields = append(fields, member("payload", genJSON(3).Draw(t, "payload")))
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "order") == 0 {
			fields = rapid.Permutation(fields).Draw(t, "fields")
		}
		line := "{" + gap + strings.Join(fields, gap+","+gap) + gap + "}" + gap
		if rapid.IntRange(0, 9).Draw(t, "damage") == 0 && len(line) > 0 {
			at := rapid.IntRange(0, len(line)-1).Draw(t, "at")
			line = line[:at] + pick(t, "", `"`, `}`, `{`, ` `, `0`, `\`, "\x01", "\xff", `,`) + line[at+rapid.IntRange(0, 1).Draw(t, "cut"):]
		}
		return line
	})
}

// TestShapesAreScanned compares the two ways to read lines, on lines that follow each other in any order.
func TestShapesAreScanned(t *testing.T) {
	shaped, scanned := NewBuilder(), NewBuilder()
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(genLine(), 1, 6).Draw(t, "some")
		lines := make([][]byte, 0, 40)
		for range rapid.IntRange(1, 40).Draw(t, "lines") {
			lines = append(lines, []byte(rapid.SampledFrom(some).Draw(t, "line")))
		}
		var m *Mapping
		if rapid.Bool().Draw(t, "mapped") {
			m = &Mapping{Entity: "a", Type: "b", Payload: "cc", DefaultType: "d", EpochMicros: 1000}
		}
		sameBothWays(t, shaped, scanned, lines, m)
	})
}

// TestShapesOfLogs does the same with whole logs, and sees that shapes are of use there.
func TestShapesOfLogs(t *testing.T) {
	logs := map[string][][]byte{"shop": shopLines(3000), "mixed": mixedLines(3000)}
	// Texts and numbers of all lengths around the lanes of eight bytes, at all places of a lane.
	for i := range 40 {
		for k := range 20 {
			logs["lanes"] = append(logs["lanes"], fmt.Appendf(nil, `{"entity_id":"%s","event_type":"t","payload":{"a":"%s","n":%s,"b":"é%s"}}`,
				strings.Repeat("e", 1+i%9), strings.Repeat("x", i), strings.Repeat("7", 1+k), strings.Repeat("ab", k)))
		}
	}
	for name, lines := range logs {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder()
			if n := sameBothWays(t, b, NewBuilder(), lines, nil); n != len(lines) {
				t.Fatalf("%d lines of %d", n, len(lines))
			}
			steps := b.shapes.count
			for _, l := range lines {
				b.begin()
				if !b.addShaped(l, defaultMapping) {
					t.Fatalf("not by its shape: %s", l)
				}
				b.commit(len(l))
			}
			if b.shapes.count != steps || steps > 400 {
				t.Errorf("%d steps are known, %d before", b.shapes.count, steps)
			}
		})
	}
}

// TestManyShapes has more of them than are kept.
func TestManyShapes(t *testing.T) {
	var lines [][]byte
	for i := range 12000 {
		lines = append(lines, fmt.Appendf(nil, `{"entity_id":"e","event_type":"t%d","payload":{"k%d":1,"k%d":{"a":2,"b%d":"x"}},"o%d":true}`, i%9, i*7%1500, i*11%1500+1500, i%3, i%2))
	}
	if n := sameBothWays(t, NewBuilder(), NewBuilder(), lines, nil); n != len(lines) {
		t.Fatalf("%d lines of %d", n, len(lines))
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"entity_id\":\"e\",\"event_type\":\"t\",\"payload\":{\"a\":1}}\n{\"entity_id\":\"e\",\"event_type\":\"t\",\"payload\":{\"a\":{},\"b\":[1]}}"))
	f.Add(bytes.Join(mixedLines(20), []byte("\n")))
	f.Add(bytes.Join(shopLines(3), []byte("\n")))
	e, err := newEncoders()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		shaped, scanned := NewBuilder(), NewBuilder()
		shaped.encoders, scanned.encoders = e, e // making new ones takes longer than all the rest
		sameBothWays(t, shaped, scanned, bytes.Split(text, []byte("\n")), nil)
	})
}
