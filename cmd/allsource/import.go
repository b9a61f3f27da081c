package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/engine"
)

// A load is stored in pieces, each all or nothing: an interrupted import goes on after the last piece. An import as
// recorded is one piece, because events of one recorded time must arrive together.
const (
	pieceLines = 1 << 20
	pieceBytes = 1 << 30
	// headBytes of a file, hashed, are its name in the log's progress marks: moving or growing the file does not matter.
	headBytes = 64 << 10
	// digestTail is how many bytes before the place where an import goes on are compared at most.
	digestTail = 4096
)

// importer loads files into one log.
type importer struct {
	client   *client
	streams  streams
	mapping  string
	recorded bool
	exact    bool
	skipBad  *os.File
	skipped  int64
	repeats  int64
	progress *progress
}

func importFiles(ctx context.Context, args []string, s streams) (err error) {
	fs := flags("import", s)
	t := targetFlags(fs, "import into", "import into")
	format := fs.String("format", "", "ndjson or csv; by the file's name, else ndjson")
	mapping := fs.String("map", "", "other names of the fields: entity_id=user,event_type=kind,…")
	recorded := fs.Bool("as-recorded", false, "take each line's timestamp as its recorded time; lines must be in order and newer than the log")
	exact := fs.Bool("exact", false, "take over what an export wrote: ids, positions, versions and recorded times stay as they are")
	skip := fs.String("skip-bad", "", "put lines that are no events into this file and go on")
	files, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		fs.Usage()
		return errUsage
	}
	if *format != "" && *format != "ndjson" && *format != "csv" {
		return fmt.Errorf("--format %s: use ndjson or csv", *format)
	}
	im := &importer{streams: s, mapping: *mapping, recorded: *recorded || *exact, exact: *exact, progress: newProgress(s.err)}
	if *skip != "" {
		if im.skipBad, err = os.OpenFile(*skip, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, im.skipBad.Close()) }()
	}
	if im.client, err = t.connect(ctx, s, im.notice); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, im.client.close(ctx)) }()
	for _, name := range files {
		if err := im.file(ctx, name, *format); err != nil {
			return err
		}
	}
	return nil
}

// file imports one file.
func (im *importer) file(ctx context.Context, name, format string) error {
	in, err := openInput(name, im.streams.in)
	if err != nil {
		return err
	}
	defer in.Close()
	var r io.Reader = in
	if format == "csv" || format == "" && strings.Contains(name, ".csv") {
		if im.exact {
			return fmt.Errorf("%s: --exact reads NDJSON only: in CSV texts and numbers look alike", name)
		}
		r = newCSVLines(in, im.mapping)
	}
	src := &source{r: bufio.NewReaderSize(r, 1<<20), tick: im.progress.update}
	head, err := src.r.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(head)
	src.key = hex.EncodeToString(sum[:16])
	im.progress.begin(name, in)
	im.repeats, im.skipped = 0, 0
	added, before, err := im.pieces(ctx, src)
	im.progress.end()
	if err != nil {
		return im.explain(name, src, err)
	}
	fmt.Fprintf(im.streams.err, "%s: %s\n", name, im.summary(added, before))
	return nil
}

func (im *importer) summary(added, before int64) string {
	out := fmt.Sprintf("%s events added in %s (%s/s)", thousands(added), im.progress.elapsed(), thousands(im.progress.rate(added)))
	if there := im.repeats; there > 0 {
		out += fmt.Sprintf(", %s were there already", thousands(there))
	}
	if before > 0 {
		out += fmt.Sprintf(", %s lines were imported before", thousands(before))
	}
	if im.skipped > 0 {
		out += fmt.Sprintf(", %s lines set aside in %s", thousands(im.skipped), im.skipBad.Name())
	}
	return out
}

// pieces sends the source piece by piece. before counts the lines that an earlier import stored: an empty piece that
// begins at byte 0 is refused with the place where the log stands.
func (im *importer) pieces(ctx context.Context, src *source) (added, before int64, err error) {
	_, err = im.client.CopyFrom(ctx, strings.NewReader(""), im.statement(src))
	if at, ok := standsAt(err); ok {
		err = src.resume(at)
		before = src.lines
	}
	for err == nil {
		src.startPiece(im.recorded)
		var tag pgconn.CommandTag
		if tag, err = im.client.CopyFrom(ctx, src, im.statement(src)); err != nil {
			break
		}
		added += tag.RowsAffected()
		src.storedLines = src.lines
		im.progress.update(src.lines - before)
		if src.ended {
			break
		}
	}
	return added, before, err
}

func (im *importer) statement(src *source) string {
	opts := []string{"FORMAT ndjson", "SOURCE " + quote(src.key), fmt.Sprintf("SOURCE_OFFSET '%d'", src.bytes)}
	if im.mapping != "" {
		opts = append(opts, "MAP "+quote(im.mapping))
	}
	switch {
	case im.exact:
		opts = append(opts, "EXACT true")
	case im.recorded:
		opts = append(opts, "AS_RECORDED true")
	}
	if im.skipBad != nil {
		opts = append(opts, "ON_ERROR 'skip'")
	}
	return "COPY events FROM STDIN (" + strings.Join(opts, ", ") + ")"
}

// notice takes a line that was set aside, and how many events were there already.
func (im *importer) notice(n *pgconn.Notice) {
	var count int64
	if _, err := fmt.Sscanf(n.Message, "%d events were there already", &count); err == nil {
		im.repeats += count
		return
	}
	if im.skipBad != nil && n.Detail != "" {
		im.skipped++
		if _, err := fmt.Fprintf(im.skipBad, "%s\n", n.Detail); err != nil {
			fmt.Fprintln(im.streams.err, "cannot write", im.skipBad.Name(), err)
		}
		fmt.Fprintf(im.streams.err, "%s: %s\n", strings.TrimPrefix(n.Where, "COPY events, "), n.Message)
	}
}

// explain says where an import stopped and how to go on.
func (im *importer) explain(name string, src *source, err error) error {
	var b strings.Builder
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		fmt.Fprintf(&b, "%s: %s", name, pe.Message)
		if pe.Where != "" {
			fmt.Fprintf(&b, " (%s)", strings.TrimPrefix(pe.Where, "COPY events, "))
		}
		if pe.Hint != "" {
			fmt.Fprintf(&b, "\nhint: %s", pe.Hint)
		}
		if pe.Code == "22P02" && im.skipBad == nil {
			b.WriteString("\nhint: --skip-bad FILE puts such lines aside and goes on")
		}
	} else {
		fmt.Fprintf(&b, "%s: %v", name, err)
	}
	fmt.Fprintf(&b, "\n%s lines are stored; the same command goes on after them and adds nothing twice", thousands(src.storedLines))
	return errors.New(b.String())
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// mark is how far the log says that a source got.
type mark struct {
	lines, bytes int64
	digest       uint64
}

// standsAt reads the mark out of the refusal of a piece that does not begin there.
func standsAt(err error) (mark, bool) {
	var m mark
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "40001" {
		return m, false
	}
	n, scanErr := fmt.Sscanf(pe.Detail, "lines=%d bytes=%d digest=%d", &m.lines, &m.bytes, &m.digest)
	return m, scanErr == nil && n == 3
}

// source is a stream of lines that is read in pieces.
type source struct {
	r           *bufio.Reader
	key         string
	bytes       int64 // read so far
	lines       int64
	storedLines int64 // of these, what the log has
	pieceEnd    int64 // line at which the piece ends; -1: never
	pieceStart  int64 // byte
	ended       bool
	tick        func(lines int64)
}

func (s *source) startPiece(whole bool) {
	s.pieceStart = s.bytes
	s.pieceEnd = s.lines + pieceLines
	if whole {
		s.pieceEnd = -1
	}
}

// Read gives the rest of the piece; at its end, which is the end of a line, io.EOF.
func (s *source) Read(p []byte) (int, error) {
	if s.ended || s.pieceEnd >= 0 && (s.lines >= s.pieceEnd || s.bytes-s.pieceStart >= pieceBytes) {
		return 0, io.EOF
	}
	buf, err := s.r.Peek(1)
	if err != nil {
		s.ended = errors.Is(err, io.EOF)
		return 0, err
	}
	buf, _ = s.r.Peek(min(len(p), s.r.Buffered()))
	if s.pieceEnd >= 0 {
		buf = buf[:cutLines(buf, s.pieceEnd-s.lines)]
	}
	// Ending at a line end whenever there is one keeps the limit in bytes from cutting a line in two.
	if end := bytes.LastIndexByte(buf, '\n') + 1; end > 0 {
		buf = buf[:end]
	}
	n := copy(p, buf)
	s.bytes += int64(n)
	s.lines += int64(bytes.Count(buf, []byte{'\n'}))
	if s.tick != nil {
		s.tick(s.lines)
	}
	_, err = s.r.Discard(n)
	return n, err
}

// cutLines returns the length of the first n lines of buf, or of all of it.
func cutLines(buf []byte, n int64) int {
	if int64(bytes.Count(buf, []byte{'\n'})) <= n {
		return len(buf)
	}
	at := 0
	for ; n > 0; n-- {
		at += bytes.IndexByte(buf[at:], '\n') + 1
	}
	return at
}

// resume moves on to where the log says that the source got, and checks that what came before is the same.
func (s *source) resume(m mark) error {
	tail := &lastBytes{}
	if n, err := io.CopyN(tail, s.r, m.bytes); err != nil {
		return fmt.Errorf("the file is shorter than what was imported of it before (%d of %d bytes): %w", n, m.bytes, err)
	}
	if n := engine.SourceTail(m.digest); n > len(tail.data) || engine.SourceDigest(tail.data[len(tail.data)-n:]) != m.digest {
		return fmt.Errorf("a file with the same beginning was imported before, but it differs from this one before byte %d: "+
			"cut off what is in the log already, or give the events ids", m.bytes)
	}
	s.bytes, s.lines, s.storedLines = m.bytes, m.lines, m.lines
	return nil
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct{ data []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.data = append(l.data, p...)
	if over := len(l.data) - digestTail; over > 0 {
		l.data = append(l.data[:0], l.data[over:]...)
	}
	return len(p), nil
}
