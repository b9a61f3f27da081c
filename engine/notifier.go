package engine

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// Notification is what a listening session is told: what somebody notified, or that events were appended.
type Notification struct {
	PID     int32 // of the session that notified, 0 for the log itself
	Channel string
	Payload string
}

// notifier carries notifications between the sessions of one database. Nobody who sends waits for those who listen: messages
// wait in the mailbox of each listener, and there may be only so many; what is told of appended events is one entry a
// channel, which grows until it is taken.
type notifier struct {
	log   Log
	limit int64 // bytes of messages that wait

	mu       sync.Mutex
	channels map[string]map[*mailbox]int64 // who listens; to appended events from that position on
	used     int64
	watched  int           // how many channels of appended events are listened to, counting each listener
	stop     func()        // ends the watcher, nil: there is none
	stopped  chan struct{} // closed when the watcher has ended
}

// mailbox is what a session was told and has not taken. Its notifier's lock guards it.
type mailbox struct {
	wake     func() // tells the session's owner, from any goroutine
	channels map[string]bool
	queue    []letter
	spans    map[string]*span // of the queue, by channel
}

// letter is a message, or what was appended.
type letter struct {
	Notification
	span *span
}

// messageCost is what a waiting message takes beyond its text.
const messageCost = 64

func (n Notification) cost() int64 { return int64(len(n.Channel)+len(n.Payload)) + messageCost }

// notifier returns the one of a database.
func (e *Engine) notifier(database string, log Log) *notifier {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.notifiers[database]
	if n == nil {
		n = &notifier{log: log, limit: min(64<<20, e.cfg.Memory/8), channels: map[string]map[*mailbox]int64{}}
		e.notifiers[database] = n
	}
	return n
}

// listen makes a mailbox get what is told on a channel from now on.
func (n *notifier) listen(ctx context.Context, m *mailbox, channel string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.channels[channel] {
		return nil
	}
	from := int64(0)
	if ofLog(channel) {
		end, err := n.end(ctx)
		if err != nil {
			return err
		}
		from = end
		n.watched++
		n.startWatching(from)
	}
	if n.channels[channel] == nil {
		n.channels[channel] = map[*mailbox]int64{}
	}
	n.channels[channel][m], m.channels[channel] = from, true
	return nil
}

// unlisten ends what listen began, and forgets what waits of it. An empty name means all channels.
func (n *notifier) unlisten(m *mailbox, channel string) {
	n.mu.Lock()
	gone := []string{channel}
	if channel == "" {
		gone = slices.Collect(maps.Keys(m.channels))
	}
	for _, c := range gone {
		n.remove(m, c)
	}
	var stopped chan struct{}
	if n.stop != nil && n.watched == 0 {
		n.stop()
		n.stop, stopped = nil, n.stopped
	}
	n.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

func (n *notifier) remove(m *mailbox, channel string) {
	if !m.channels[channel] {
		return
	}
	delete(m.channels, channel)
	delete(m.spans, channel)
	delete(n.channels[channel], m)
	if len(n.channels[channel]) == 0 {
		delete(n.channels, channel)
	}
	if ofLog(channel) {
		n.watched--
	}
	m.queue = slices.DeleteFunc(m.queue, func(l letter) bool {
		if l.Channel == channel && l.span == nil {
			n.used -= l.cost()
		}
		return l.Channel == channel
	})
}

// listening lists a mailbox's channels, sorted.
func (n *notifier) listening(m *mailbox) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(m.channels))
}

// take empties a mailbox.
func (n *notifier) take(m *mailbox) []letter {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := m.queue
	m.queue = nil
	clear(m.spans)
	for i := range out {
		if out[i].span == nil {
			n.used -= out[i].cost()
		}
	}
	return out
}

// errQueueFull is PostgreSQL's.
var errQueueFull = pgerr.New(pgerr.ProgramLimitExceeded, "too many notifications in the NOTIFY queue").
	WithHint("A session that listens does not take what it is told.")

// room is nil if so many bytes of messages may be added.
func (n *notifier) room(bytes int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.used+bytes > n.limit {
		return errQueueFull
	}
	return nil
}

// usage is which part of the room for messages is taken.
func (n *notifier) usage() float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return float64(n.used) / float64(n.limit)
}

// publish gives messages to all who listen.
func (n *notifier) publish(messages []Notification) {
	told := map[*mailbox]bool{}
	n.mu.Lock()
	for _, msg := range messages {
		for m := range n.channels[msg.Channel] {
			m.queue = append(m.queue, letter{Notification: msg})
			n.used += msg.cost()
			told[m] = true
		}
	}
	n.mu.Unlock()
	for m := range told {
		m.wake()
	}
}
