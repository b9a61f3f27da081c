package engine

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/storage/segment"
)

// Lines are handed to the workers in lots that fill one row group, cut earlier when the lines are long. The text of a lot
// comes in chunks of whole lines, so that its worker begins with the first of them. So many chunks per worker, and some,
// are read ahead: enough that the next lot is there when a worker has encoded the one before.
const (
	lotLines        = segment.MaxRows
	lotBytes        = 24 << 20
	chunkBytes      = 1 << 20
	chunksPerWorker = 16
	chunksAhead     = 8
)

// SourceDigest marks the last bytes of a source that were stored: their hash, and in its low 13 bits how many they are.
func SourceDigest(tail []byte) uint64 {
	const lengthBits = 1<<13 - 1
	return xxhash.Sum64(tail)&^lengthBits | uint64(len(tail))
}

// SourceTail is how many bytes before the place where a source stands a digest covers.
func SourceTail(digest uint64) int { return int(digest & (1<<13 - 1)) }

// digestTail is how many bytes before a source's offset the progress mark's digest covers: an import that goes on
// compares it to see that it has the same file.
const digestTail = 4096

// lot is a run of whole lines that becomes one row group.
type lot struct {
	seq    int
	first  int64       // number of its first line in the source, from 1
	chunks chan []byte // closed after the last
}

// ndjsonSink takes lines apart in parallel, one worker per core, each lot straight into a row group. Nothing is visible
// before Close, and then all of it is.
type ndjsonSink struct {
	session *Session
	opts    copyOptions
	ctx     func() context.Context
	cancel  context.CancelFunc
	bulk    *storage.Bulk
	base    storage.Progress // where the source stood before
	lots    chan lot
	free    chan []byte // buffers of chunks that are done
	made    int         // buffers there are
	wg      sync.WaitGroup
	cur     lot
	chunk   []byte // of cur, not handed on yet
	lines   int    // complete lines of cur
	size    int    // bytes of cur
	total   int64  // lines so far
	bytes   int64
	tail    []byte // the last digestTail bytes

	mu  sync.Mutex
	err error
	bad int64 // line of err, to report the first one
}

func newNDJSONSink(ctx context.Context, s *Session, o copyOptions) (*ndjsonSink, error) {
	workers := max(runtime.GOMAXPROCS(0), 1)
	k := &ndjsonSink{session: s, opts: o, free: make(chan []byte, workers*chunksPerWorker+chunksAhead)}
	k.lots = make(chan lot, cap(k.free)) // each has a chunk, so there is always room
	if o.source != "" {
		p, _, err := s.log.Progress(o.source)
		if err != nil {
			return nil, err
		}
		if o.offset >= 0 && o.offset != p.Bytes {
			return nil, pgerr.New(pgerr.SerializationFailure, "source %q stands at byte %d, not %d", o.source, p.Bytes, o.offset).
				WithDetail("lines=%d bytes=%d digest=%d", p.Lines, p.Bytes, p.Digest).
				WithHint("Another import of the same source is running, or it was resumed from a stale place: start the import again.")
		}
		k.base = p
	}
	k.cur.first = k.base.Lines + 1
	k.bulk = s.log.NewBulk(o.asRecorded)
	if o.exact {
		k.bulk.Exact()
	}
	ctx, k.cancel = context.WithCancel(ctx)
	k.ctx = func() context.Context { return ctx }
	for range workers {
		k.wg.Go(k.work)
	}
	return k, nil
}

// Write takes any piece of the stream.
func (k *ndjsonSink) Write(data []byte) error {
	k.bytes += int64(len(data))
	k.remember(data)
	for len(data) > 0 {
		if k.chunk == nil {
			if err := k.newChunk(nil); err != nil {
				return err
			}
		}
		n := k.cut(data)
		k.chunk = append(k.chunk, data[:n]...)
		data = data[n:]
		var err error
		switch last := k.chunk[len(k.chunk)-1]; {
		case last == '\n' && (k.lines >= lotLines || k.size >= lotBytes):
			err = k.endLot()
		case len(k.chunk) >= chunkBytes:
			err = k.passOn(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var newline = []byte{'\n'}

// cut returns how much of data still belongs to the chunk and the lot, and counts it.
func (k *ndjsonSink) cut(data []byte) int {
	if room := chunkBytes - len(k.chunk); room > 0 {
		data = data[:min(len(data), room)]
	}
	if c := bytes.Count(data, newline); k.lines+c < lotLines && k.size+len(data) < lotBytes {
		k.lines += c
		k.size += len(data)
		return len(data)
	}
	n := 0
	for n < len(data) {
		i := bytes.IndexByte(data[n:], '\n')
		if i < 0 {
			n = len(data)
			break
		}
		n += i + 1
		if k.lines++; k.lines >= lotLines || k.size+n >= lotBytes {
			break
		}
	}
	k.size += n
	return n
}

func (k *ndjsonSink) remember(data []byte) {
	if len(data) >= digestTail {
		k.tail = append(k.tail[:0], data[len(data)-digestTail:]...)
		return
	}
	k.tail = append(k.tail, data...)
	if over := len(k.tail) - digestTail; over > 0 {
		k.tail = append(k.tail[:0], k.tail[over:]...)
	}
}

// newChunk begins a chunk with the beginning of a line.
func (k *ndjsonSink) newChunk(rest []byte) error {
	if k.made < cap(k.free) {
		select {
		case k.chunk = <-k.free:
		default:
			k.made++
			k.chunk = make([]byte, 0, chunkBytes)
		}
	} else {
		select {
		case k.chunk = <-k.free:
		case <-k.ctx().Done():
			return k.failure()
		}
	}
	k.chunk = append(k.chunk, rest...)
	return nil
}

// passOn hands the whole lines of the chunk, to which so many bytes were just added, to the lot's worker.
func (k *ndjsonSink) passOn(added int) error {
	from := len(k.chunk) - added
	if from < chunkBytes {
		from = 0
	} // else a line is longer than a chunk, and what was there has no end
	end := bytes.LastIndexByte(k.chunk[from:], '\n') + 1
	if end == 0 {
		return nil
	}
	end += from
	full := k.chunk
	if err := k.newChunk(full[end:]); err != nil {
		return err
	}
	return k.send(full[:end])
}

func (k *ndjsonSink) send(chunk []byte) error {
	if k.ctx().Err() != nil {
		return k.failure()
	}
	if k.cur.chunks == nil {
		k.cur.chunks = make(chan []byte, cap(k.free))
		k.lots <- k.cur
	}
	k.cur.chunks <- chunk
	return nil
}

// endLot hands over the rest of the lot and begins the next.
func (k *ndjsonSink) endLot() error {
	k.total += int64(k.lines)
	last := k.chunk
	k.chunk = nil
	if err := k.send(last); err != nil {
		return err
	}
	close(k.cur.chunks)
	k.cur = lot{seq: k.cur.seq + 1, first: k.base.Lines + k.total + 1}
	k.lines, k.size = 0, 0
	return nil
}

func (k *ndjsonSink) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	return k.ctx().Err()
}

func (k *ndjsonSink) fail(line int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil || line < k.bad {
		k.err, k.bad = err, line
	}
	k.cancel()
}

func (k *ndjsonSink) work() {
	g := k.bulk.Group()
	for {
		select {
		case l, ok := <-k.lots:
			if !ok {
				return
			}
			if err := k.load(g, l); err != nil {
				return
			}
		case <-k.ctx().Done():
			return
		}
	}
}

// load fills a row group with a lot's lines.
func (k *ndjsonSink) load(g *segment.Builder, l lot) error {
	line := l.first
	for {
		var chunk []byte
		more := false
		select {
		case chunk, more = <-l.chunks:
		case <-k.ctx().Done():
		}
		if err := k.ctx().Err(); err != nil {
			return err
		}
		if !more {
			break
		}
		lines, err := k.addLines(g, chunk, line)
		line += lines
		if err != nil {
			k.fail(line, lineError(line, err))
			return err
		}
		if cap(chunk) > 2*chunkBytes {
			chunk = make([]byte, 0, chunkBytes) // a very long line is not kept
		}
		k.free <- chunk[:0]
	}
	if err := k.bulk.Add(k.ctx(), l.seq, g); err != nil {
		k.fail(line, err)
		return err
	}
	return nil
}

// addLines adds the lines of a chunk, the first of which has the number line. It returns how many it took, before one
// that is bad.
func (k *ndjsonSink) addLines(g *segment.Builder, data []byte, line int64) (taken int64, err error) {
	for ; len(data) > 0; taken++ {
		text := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			text, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if err := g.AddLine(text, &k.opts.mapping); err != nil {
			if k.opts.skipBad && !errors.Is(err, segment.ErrFull) {
				k.setAside(line+taken, text, err)
				continue
			}
			return taken, err
		}
	}
	return taken, nil
}

// setAside tells the client which line was not taken: where and why, and the line itself as the detail.
func (k *ndjsonSink) setAside(line int64, text []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := lineError(line, err)
	k.session.notice(&pgerr.Error{Code: e.Code, Message: e.Message, Where: e.Where, Detail: string(text), Severity: pgerr.Warning})
}

// lineError reports a line that is no event.
func lineError(line int64, err error) *pgerr.Error {
	e := pgerr.New(pgerr.InvalidTextRepresentation, "line %d: %w", line, err)
	var le *segment.LineError
	if errors.As(err, &le) {
		e.Message = le.Reason
		if le.Column != "" {
			e.Message = le.Column + ": " + le.Reason
		}
		e.Where = fmtWhere(line, le.Offset+1)
	}
	return e
}

// Close makes the lines part of the log.
func (k *ndjsonSink) Close(ctx context.Context) (added, repeats int64, err error) {
	if k.size > 0 {
		if len(k.chunk) > 0 && k.chunk[len(k.chunk)-1] != '\n' {
			k.lines++
		}
		if err := k.endLot(); err != nil {
			k.Abort()
			return 0, 0, err
		}
	}
	close(k.lots)
	k.wg.Wait()
	k.lots = nil
	if k.ctx().Err() != nil {
		err := k.failure()
		k.Abort()
		return 0, 0, err
	}
	var p *storage.Progress
	if k.opts.source != "" && k.bytes > 0 {
		p = &storage.Progress{Source: k.opts.source, Lines: k.base.Lines + k.total, Bytes: k.base.Bytes + k.bytes, Digest: SourceDigest(k.tail)}
	}
	loaded, err := k.bulk.Commit(ctx, p)
	k.cancel()
	if err != nil {
		k.bulk.Abort()
		var oe *storage.OrderError
		if errors.As(err, &oe) {
			return 0, 0, pgerr.New(pgerr.InvalidParameterValue, "event %d of this load: %w", oe.Row+1, err).
				WithHint("Leave out --as-recorded: the events then get the time at which they arrive here.")
		}
		return 0, 0, err
	}
	return loaded.New, loaded.Repeats, nil
}

// Abort forgets everything. It may be called after Close.
func (k *ndjsonSink) Abort() {
	k.cancel()
	if k.lots != nil {
		close(k.lots)
	}
	k.wg.Wait()
	k.lots = nil // not before: the workers look at it
	k.bulk.Abort()
}
