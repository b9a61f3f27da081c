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

// Lines are handed to the workers in lots that fill one row group, cut earlier when the lines are long.
const (
	lotLines = segment.MaxRows
	lotBytes = 24 << 20
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
	seq   int
	first int64 // number of its first line in the source, from 1
	data  []byte
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
	free    chan []byte // buffers of lots that are done
	wg      sync.WaitGroup
	cur     lot
	lines   int   // complete lines in cur
	total   int64 // lines so far
	bytes   int64
	tail    []byte // the last digestTail bytes
	empty   bool   // nothing was written

	mu  sync.Mutex
	err error
	bad int64 // line of err, to report the first one
	nOK int64
}

func newNDJSONSink(ctx context.Context, s *Session, o copyOptions) (*ndjsonSink, error) {
	workers := max(runtime.GOMAXPROCS(0), 1)
	k := &ndjsonSink{session: s, opts: o, lots: make(chan lot), free: make(chan []byte, workers)}
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
		n := len(data)
		room := lotLines - k.lines
		if c := bytes.Count(data, newline); c < room && len(k.cur.data)+len(data) < lotBytes {
			k.lines += c
		} else {
			n = k.cut(data, room)
		}
		k.cur.data = append(k.cur.data, data[:n]...)
		data = data[n:]
		if k.lines >= lotLines || len(k.cur.data) >= lotBytes && k.cur.data[len(k.cur.data)-1] == '\n' {
			if err := k.dispatch(); err != nil {
				return err
			}
		}
	}
	return nil
}

var newline = []byte{'\n'}

// cut returns how much of data still belongs to the lot: up to `room` lines, or fewer when the lot's bytes are reached.
func (k *ndjsonSink) cut(data []byte, room int) int {
	n := 0
	for room > 0 {
		i := bytes.IndexByte(data[n:], '\n')
		if i < 0 {
			return len(data)
		}
		n += i + 1
		k.lines++
		room--
		if len(k.cur.data)+n >= lotBytes {
			break
		}
	}
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

func (k *ndjsonSink) dispatch() error {
	k.total += int64(k.lines)
	next := lot{seq: k.cur.seq + 1, first: k.base.Lines + k.total + 1}
	room := cap(k.cur.data)
	select {
	case k.lots <- k.cur:
	case <-k.ctx().Done():
		return k.failure()
	}
	select {
	case next.data = <-k.free:
	default:
		next.data = make([]byte, 0, room)
	}
	k.cur, k.lines = next, 0
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
			select {
			case k.free <- l.data[:0]:
			default:
			}
		case <-k.ctx().Done():
			return
		}
	}
}

// load fills a row group with a lot's lines.
func (k *ndjsonSink) load(g *segment.Builder, l lot) error {
	line, data, good := l.first, l.data, int64(0)
	for ; len(data) > 0; line++ {
		text := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			text, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if good&1023 == 0 && k.ctx().Err() != nil {
			return k.ctx().Err()
		}
		if err := g.AddLine(text, &k.opts.mapping); err != nil {
			if k.opts.skipBad && !errors.Is(err, segment.ErrFull) {
				k.setAside(line, text, err)
				continue
			}
			k.fail(line, lineError(line, err))
			return err
		}
		good++
	}
	if err := k.bulk.Add(k.ctx(), l.seq, g); err != nil {
		k.fail(line, err)
		return err
	}
	k.mu.Lock()
	k.nOK += good
	k.mu.Unlock()
	return nil
}

// setAside tells the client which line was not taken: where and why, and the line itself as the detail.
func (k *ndjsonSink) setAside(line int64, text []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := lineError(line, err)
	k.session.notice(&pgerr.Error{Code: e.Code, Message: e.Message, Where: e.Where, Detail: string(text)})
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
	if len(k.cur.data) > 0 {
		if k.cur.data[len(k.cur.data)-1] != '\n' {
			k.lines++
		}
		if err := k.dispatch(); err != nil {
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
