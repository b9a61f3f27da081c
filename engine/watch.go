package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// The channels on which the log tells of appended events: of all, of one type, of one entity.
const (
	allEvents     = "events"
	ofTypePrefix  = "events:"
	entityPrefix  = "events/"
	longestOfUser = 63
)

// ofLog reports whether the log speaks on a channel. Nobody else may.
func ofLog(channel string) bool {
	return channel == allEvents || strings.HasPrefix(channel, ofTypePrefix) || strings.HasPrefix(channel, entityPrefix)
}

// span is what was appended and matches a channel.
type span struct{ first, last, count int64 }

func (s *span) add(first, last, count int64) {
	if s.count == 0 {
		s.first = first
	}
	s.last = last
	s.count += count
}

func (s *span) payload() string {
	return fmt.Sprintf(`{"first":%d,"last":%d,"count":%d}`, s.first, s.last, s.count)
}

// end is the position after the last visible event.
func (n *notifier) end(ctx context.Context) (int64, error) {
	view, err := n.log.View(ctx, storage.Latest)
	if err != nil {
		return 0, err
	}
	return view.End(), nil
}

// startWatching starts the watcher unless there is one. The lock is held.
func (n *notifier) startWatching(from int64) {
	if n.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stop, n.stopped = cancel, make(chan struct{})
	go func(stopped chan struct{}) {
		defer close(stopped)
		n.watch(ctx, from)
	}(n.stopped)
}

// watch tells listeners of what is appended at from and later, until ctx ends or the log is closed.
func (n *notifier) watch(ctx context.Context, from int64) {
	for ctx.Err() == nil {
		grown := n.log.Grown()
		view, err := n.log.View(ctx, storage.Latest)
		if err != nil {
			return
		}
		for end := view.End(); from < end && ctx.Err() == nil; {
			from = n.tell(ctx, view, from, end)
		}
		select {
		case <-grown:
		case <-ctx.Done():
		}
	}
}

// tell tells of the events from a position on, of as many as it can at once before end, and returns where it stopped. Somebody
// who began to listen after some of them gets only later ones, so the range ends where somebody began.
func (n *notifier) tell(ctx context.Context, view storage.View, from, end int64) int64 {
	spans := map[string]*span{}
	n.mu.Lock()
	for channel, listeners := range n.channels {
		if !ofLog(channel) {
			continue
		}
		spans[channel] = &span{}
		for _, start := range listeners {
			if start > from {
				end = min(end, start)
			}
		}
	}
	n.mu.Unlock()
	if len(spans) > 1 || len(spans) == 1 && spans[allEvents] == nil {
		var err error
		if end, err = fill(ctx, view, spans, from, end); err != nil {
			for _, s := range spans { // who asks for the events will be told what is wrong with them
				*s = span{from, end - 1, end - from}
			}
		}
	}
	if s := spans[allEvents]; s != nil {
		*s = span{from, end - 1, end - from}
	}
	n.deliver(ctx, spans, from)
	return end
}

// fill finds the events of each channel in one row group at most, and returns where it ended.
func fill(ctx context.Context, view storage.View, spans map[string]*span, from, end int64) (int64, error) {
	g, err := view.Locate(ctx, from)
	if err != nil {
		return end, err
	}
	end = min(end, g.Base()+int64(g.Len()))
	for _, by := range []struct {
		prefix string
		column storage.Column
	}{{ofTypePrefix, storage.ColType}, {entityPrefix, storage.ColEntity}} {
		names := map[string]*span{}
		for channel, s := range spans {
			if name, ok := strings.CutPrefix(channel, by.prefix); ok {
				names[name] = s
			}
		}
		if len(names) == 0 {
			continue
		}
		col, err := g.Read(ctx, storage.Ref{Col: by.column}, int(from-g.Base()), int(end-g.Base()))
		if err != nil {
			return end, err
		}
		count(col, names, from)
	}
	return end, nil
}

// count adds each row of a column, the first of which stands at from, to the span of its name.
func count(col *vec.Column, names map[string]*span, from int64) {
	if col.Codes == nil {
		for i := range col.Len {
			if s := names[string(col.Bytes(i))]; s != nil {
				s.add(from+int64(i), from+int64(i), 1)
			}
		}
		return
	}
	byCode := make([]*span, col.Dict.Len)
	for k := range byCode {
		byCode[k] = names[string(col.Dict.Bytes(k))]
	}
	for i, code := range col.Codes {
		if s := byCode[code]; s != nil {
			s.add(from+int64(i), from+int64(i), 1)
		}
	}
}

// deliver puts what was appended, beginning at from, into the mailboxes. A mailbox has one entry a channel.
func (n *notifier) deliver(ctx context.Context, spans map[string]*span, from int64) {
	told := map[*mailbox]bool{}
	n.mu.Lock()
	channels := slices.Sorted(maps.Keys(spans))
	for _, channel := range channels {
		s := spans[channel]
		if s.count == 0 || ctx.Err() != nil {
			continue
		}
		for m, start := range n.channels[channel] {
			if start > from {
				continue
			}
			waiting := m.spans[channel]
			if waiting == nil {
				waiting = &span{}
				m.spans[channel] = waiting
				m.queue = append(m.queue, letter{Notification{Channel: channel}, waiting})
			}
			waiting.add(s.first, s.last, s.count)
			told[m] = true
		}
	}
	n.mu.Unlock()
	for m := range told {
		m.wake()
	}
}
