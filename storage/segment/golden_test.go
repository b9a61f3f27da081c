package segment

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// notes writes the bytes of an encoding line by line, each with what it says.
type notes struct {
	strings.Builder
	p    *parser
	from int
}

func annotate(enc []byte) *notes {
	return &notes{p: &parser{buf: append(enc, make([]byte, trailerLen)...), end: len(enc)}}
}

// note writes the bytes read since the last note.
func (n *notes) note(format string, args ...any) {
	fmt.Fprintf(&n.Builder, "%-24s %s\n", hex.EncodeToString(n.p.buf[n.from:n.p.off]), fmt.Sprintf(format, args...))
	n.from = n.p.off
}

func (n *notes) ints(count int) {
	p := n.p
	mode := p.byte()
	if mode == intsConst {
		n.note("integers: constant %d", p.varint())
		return
	}
	n.note("integers: blocks")
	n.note("base %d", p.varint())
	n.note("unit %d", p.uvarint())
	total := 0
	for i := 0; i < count; i += intBlock {
		w := p.byte()
		low := p.uvarint()
		if w&deltaBlock != 0 {
			least := p.varint()
			n.note("block of %d: differences of %d bits, low %d, least %d", min(count-i, intBlock), w&^deltaBlock, low, least)
		} else {
			n.note("block of %d: %d bits, low %d", min(count-i, intBlock), w, low)
		}
		total += packedLen(min(count-i, intBlock), uint(w&^deltaBlock))
	}
	p.bytes(total)
	n.note("packed")
}

func (n *notes) texts(count int) {
	p := n.p
	switch mode := p.byte(); mode {
	case textsConst:
		n.note("texts: constant")
		n.note("%q", p.text())
	case textsDict:
		d := p.count(count)
		n.note("texts: dictionary of %d", d)
		n.texts(d)
		n.ints(count)
	case textsPlain:
		n.note("texts: plain, form %d", p.byte())
		n.ints(count)
		pieces := p.count(count)
		n.note("%d pieces", pieces)
		if pieces == 0 {
			n.note("%d bytes", len(p.text()))
		}
		packed := 0
		for range pieces {
			t, raw, size := p.uvarint(), p.uvarint(), p.count(p.end)
			n.note("piece of %d texts, %d bytes, packed %d", t, raw, size)
			packed += size
		}
		p.off += packed
		if packed > 0 {
			n.from = p.off
			n.note("(zstd)")
		}
	case textsNumbered:
		n.note("texts: numbered")
		n.note("prefix %q", p.text())
		n.note("digits %d", p.byte())
		n.ints(count)
	}
}

func (n *notes) presence(rows, types int) int {
	p := n.p
	switch mode := p.byte(); mode {
	case presentAll:
		n.note("presence: all")
		return rows
	case presentByType:
		n.note("presence: by type, %b", p.bytes((types+7)/8))
		return -1
	case presentFew, presentMost:
		c := p.count(rows)
		n.note("presence: %s %d", map[byte]string{presentFew: "only", presentMost: "all but"}[mode], c)
		n.ints(c)
		if mode == presentFew {
			return c
		}
		return rows - c
	case presentBitmap:
		p.bytes((rows + 7) / 8)
		n.note("presence: bitmap")
		return -1
	case presentPacked:
		n.note("presence: packed, %d bytes", len(p.text()))
		return -1
	}
	return -1
}

func fields64(t *testing.T, s string) []int64 {
	var out []int64
	for _, f := range strings.Fields(s) {
		// "from..to step" is written from..to/step.
		if a, b, ok := strings.Cut(f, ".."); ok {
			b, step, _ := strings.Cut(b, "/")
			from, _ := strconv.ParseInt(a, 10, 64)
			to, _ := strconv.ParseInt(b, 10, 64)
			by, _ := strconv.ParseInt(step, 10, 64)
			for v := from; v <= to; v += max(by, 1) {
				out = append(out, v)
			}
			continue
		}
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// TestGolden freezes the bytes of the encodings. Input of texts is one a line.
func TestGolden(t *testing.T) {
	e, err := newEncoders()
	if err != nil {
		t.Fatal(err)
	}
	datadriven.RunTest(t, "testdata/encodings", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "ints":
			vals := fields64(t, d.Input)
			n := annotate(e.ints.append(nil, vals, d.HasArg("differences")))
			n.ints(len(vals))
			return n.String()
		case "texts":
			var l byteList
			for _, s := range strings.Split(d.Input, "\n") {
				l.add([]byte(s))
			}
			n := annotate(e.texts.append(nil, &l))
			n.texts(l.len())
			return n.String()
		case "presence":
			var rows int
			d.ScanArgs(t, "rows", &rows)
			var set []uint16
			for _, r := range fields64(t, d.Input) {
				set = append(set, uint16(r))
			}
			// Even rows are of type 0, odd ones of type 1.
			codes, counts := make([]uint16, rows), make([]int, 2)
			for i := range codes {
				codes[i] = uint16(i % 2)
				counts[i%2]++
			}
			enc, _ := e.presence.append(nil, set, rows, codes, counts)
			n := annotate(enc)
			n.presence(rows, 2)
			return n.String()
		case "column":
			b := NewBuilder()
			for _, s := range strings.Split(d.Input, "\n") {
				if err := b.Add(&Event{Entity: "e", Type: "t", Payload: []byte(s)}); err != nil {
					return err.Error()
				}
			}
			e.rows, e.codes, e.counts = b.rows, b.typeCodes, []int{b.rows}
			blob, z, _ := e.column(b.tree.nodes[0])
			n := annotate(blob[:len(blob)-trailerLen])
			return annotateColumn(n, b.tree.nodes[0]) + fmt.Sprintf("zone: %x", z.append(nil, 1))
		}
		return "unknown command"
	})
}

func annotateColumn(n *notes, v *node) string {
	p := n.p
	p.byte()
	n.note("version")
	n.presence(len(v.rows), 1)
	if k := p.byte(); k != mixedKinds {
		n.note("kind %d", k)
	} else {
		n.note("kinds")
		n.ints(len(v.rows))
	}
	if c := len(v.nums); c > 0 {
		mode := p.byte()
		n.note("numbers: mode %d", mode)
		if mode != numsMixed {
			n.note("scale %d", p.byte())
		}
		n.ints(c)
		if mode != numsScaled {
			n.ints(c)
		}
	}
	if c := v.strs.len(); c > 0 {
		n.texts(c)
	}
	if c := v.docs.len(); c > 0 {
		n.texts(c)
	}
	if err := p.finish(); err != nil {
		n.note("%v", err)
	}
	return n.String()
}
