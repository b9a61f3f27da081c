package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// input is an opened file, decompressed. read counts the bytes taken from the file itself.
type input struct {
	io.Reader
	file *os.File // nil for standard input
	size int64    // of the file, 0 unknown
	read atomic.Int64
	stop func()
}

// openInput opens a file, "-" for standard input. What begins like gzip or zstd is decompressed, whatever its name.
func openInput(name string, stdin io.Reader) (*input, error) {
	in := &input{stop: func() {}}
	var raw io.Reader = stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			in.size = st.Size()
		}
		in.file, raw = f, f
	}
	counted := &countingReader{r: raw, n: &in.read}
	magic := make([]byte, 4)
	n, err := io.ReadFull(counted, magic)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(err, in.Close())
	}
	in.Reader = io.MultiReader(bytes.NewReader(magic[:n]), counted)
	switch {
	case n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(in.Reader)
		if err != nil {
			return nil, errors.Join(err, in.Close())
		}
		in.Reader = z
	case n == 4 && bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in.Reader)
		if err != nil {
			return nil, errors.Join(err, in.Close())
		}
		in.Reader, in.stop = z, z.Close
	}
	return in, nil
}

// Close closes the file; standard input stays open.
func (in *input) Close() error {
	in.stop()
	if in.file == nil {
		return nil
	}
	return in.file.Close()
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// csvLines turns CSV records into JSON lines, one object each with the header's names. What looks like a JSON number or
// true or false becomes one, an empty field is left out, and fields mapped to payload and metadata may hold JSON objects.
type csvLines struct {
	r      *csv.Reader
	header []string
	docs   map[string]bool
	buf    bytes.Buffer
}

func newCSVLines(r io.Reader, mapping string) *csvLines {
	c := &csvLines{r: csv.NewReader(r), docs: map[string]bool{"payload": true, "metadata": true}}
	c.r.ReuseRecord = true
	for pair := range strings.SplitSeq(mapping, ",") {
		if col, name, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && c.docs[col] {
			c.docs[name] = true
		}
	}
	return c
}

// Read implements io.Reader.
func (c *csvLines) Read(p []byte) (int, error) {
	for c.buf.Len() < len(p) {
		rec, err := c.r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("csv: %w", err)
		}
		if c.header == nil {
			c.header = append([]string(nil), rec...)
			continue
		}
		c.line(rec)
	}
	return c.buf.Read(p)
}

func (c *csvLines) line(rec []string) {
	c.buf.WriteByte('{')
	first := true
	for i, v := range rec {
		if v == "" {
			continue
		}
		if !first {
			c.buf.WriteByte(',')
		}
		first = false
		c.buf.Write(jsonText(c.header[i]))
		c.buf.WriteByte(':')
		if literal(v) && c.header[i] != "entity_id" || c.docs[c.header[i]] && v[0] == '{' && json.Valid([]byte(v)) {
			c.buf.WriteString(strings.ReplaceAll(v, "\n", " "))
		} else {
			c.buf.Write(jsonText(v))
		}
	}
	c.buf.WriteString("}\n")
}

// literal reports whether v is a JSON number, true or false as it stands.
func literal(v string) bool {
	if v == "true" || v == "false" {
		return true
	}
	return (v[0] == '-' || v[0] >= '0' && v[0] <= '9') && json.Valid([]byte(v))
}

func jsonText(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return b
}
