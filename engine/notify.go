package engine

import (
	"context"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// outgoing is what a transaction said with LISTEN, UNLISTEN and NOTIFY: it happens at its commit.
type outgoing struct {
	listens  []listening
	messages []Notification
	said     map[Notification]bool // of messages: saying the same again is saying nothing
	bytes    int64
}

// listening is LISTEN or UNLISTEN; an empty channel means all.
type listening struct {
	channel string
	begin   bool
}

// cut forgets all but the first so many.
func (o *outgoing) cut(listens, messages int) {
	for _, m := range o.messages[messages:] {
		delete(o.said, m)
		o.bytes -= m.cost()
	}
	o.listens, o.messages = o.listens[:listens], o.messages[:messages]
}

// maxNotifyPayload is the length that a payload must stay below, in bytes.
const maxNotifyPayload = 8000

// notify holds a message until the commit. A statement by itself is a transaction that its end commits.
func (s *Session) notify(channel, payload string) error {
	switch {
	case channel == "":
		return pgerr.New(pgerr.InvalidParameterValue, "channel name cannot be empty")
	case ofLog(channel):
		return pgerr.New(pgerr.ReservedName, "channel %q is the log's own", channel).
			WithHint("It tells of appended events. Choose another name.")
	case len(channel) > longestOfUser:
		return pgerr.New(pgerr.InvalidParameterValue, "channel name too long")
	case len(payload) >= maxNotifyPayload:
		return pgerr.New(pgerr.InvalidParameterValue, "payload string too long")
	}
	s.BeginImplicit()
	msg := Notification{PID: s.pid, Channel: channel, Payload: payload}
	out := &s.tx.outgoing
	if out.said[msg] {
		return nil
	}
	if err := s.notifier().room(out.bytes + msg.cost()); err != nil {
		return err
	}
	if out.said == nil {
		out.said = map[Notification]bool{}
	}
	out.said[msg] = true
	out.messages = append(out.messages, msg)
	out.bytes += msg.cost()
	return nil
}

// listen holds LISTEN or UNLISTEN until the commit.
func (s *Session) listen(channel string, begin bool) {
	s.BeginImplicit()
	s.tx.outgoing.listens = append(s.tx.outgoing.listens, listening{channel, begin})
}

// channelName is a channel as a statement names it: names of users are cut as all names are.
func (s *Session) channelName(name string) string {
	if ofLog(name) {
		return name
	}
	short := syntax.TruncateIdent(name)
	if short != name && utf8.ValidString(name) {
		s.notice(&pgerr.Error{Code: pgerr.NameTooLong, Message: `identifier "` + name + `" will be truncated to "` + short + `"`})
	}
	return short
}

func (s *Session) notifier() *notifier { return s.engine.notifier(s.opts.Database, s.log.Log) }

// send does what a transaction said, now that it is committed: first it listens, then it is heard.
func (s *Session) send(ctx context.Context, out outgoing) error {
	if len(out.listens)+len(out.messages) == 0 {
		return nil
	}
	n := s.notifier()
	for _, l := range out.listens {
		if s.mailbox == nil {
			s.mailbox = &mailbox{wake: s.wake, channels: map[string]bool{}, spans: map[string]*span{}}
		}
		if !l.begin {
			n.unlisten(s.mailbox, l.channel)
		} else if err := n.listen(ctx, s.mailbox, l.channel); err != nil {
			return err
		}
	}
	n.publish(out.messages)
	return nil
}

func (s *Session) wake() {
	if s.opts.Wake != nil {
		s.opts.Wake()
	}
}

// unlistenAll ends all listening at once.
func (s *Session) unlistenAll() {
	if s.mailbox != nil {
		s.notifier().unlisten(s.mailbox, "")
	}
}

// Notifications takes what the session was told on the channels that it listens to, in order; nothing inside a transaction
// block, whose end it waits for.
func (s *Session) Notifications() []Notification {
	if s.mailbox == nil || s.Status() != 'I' {
		return nil
	}
	var out []Notification
	for _, l := range s.notifier().take(s.mailbox) {
		if l.span != nil {
			l.Payload = l.span.payload()
		}
		out = append(out, l.Notification)
	}
	return out
}

// Notify is pg_notify().
func (i sessionInfo) Notify(channel, payload string) error { return i.s.notify(channel, payload) }

// Listening is pg_listening_channels().
func (i sessionInfo) Listening() []string {
	if i.s.mailbox == nil {
		return nil
	}
	return i.s.notifier().listening(i.s.mailbox)
}

// NotifyUsage is pg_notification_queue_usage().
func (i sessionInfo) NotifyUsage() float64 { return i.s.notifier().usage() }
