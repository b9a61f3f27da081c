package pg_test

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// shout opens a connection, writes the bytes, says that no more will come, and reads until the server closes it. A server
// that does not is stuck.
func shout(t testing.TB, addr string, data []byte) {
	t.Helper()
	nc, err := open(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(stuck)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		// The server may close first: then the write fails, which is fine.
		if _, err := nc.Write(data); err == nil {
			_ = nc.(interface{ CloseWrite() error }).CloseWrite()
		}
	})
	if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the server neither answers nor closes after %x", data)
	}
}

func encoded(t testing.TB, messages ...pgproto3.FrontendMessage) []byte {
	t.Helper()
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func startup() pgproto3.FrontendMessage {
	return &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters: map[string]string{"user": "allsource", "database": "allsource"}}
}

// conversation has every message that a client may send.
func conversation(t testing.TB) [][]byte {
	var out [][]byte
	for _, m := range []pgproto3.FrontendMessage{
		startup(),
		&pgproto3.Query{String: "INSERT INTO events (entity_id, event_type, payload) VALUES ('a', 'made', '{\"n\": 1}')"},
		&pgproto3.Parse{Name: "s", Query: "SELECT count(*), $1::text FROM events", ParameterOIDs: []uint32{25}},
		&pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", ParameterFormatCodes: []int16{0}, Parameters: [][]byte{[]byte("x")}, ResultFormatCodes: []int16{1, 0}},
		&pgproto3.Execute{Portal: "p", MaxRows: 1},
		&pgproto3.Close{ObjectType: 'P', Name: "p"},
		&pgproto3.Flush{},
		&pgproto3.Sync{},
		&pgproto3.Query{String: "COPY events (entity_id, event_type) FROM STDIN"},
		&pgproto3.CopyData{Data: []byte("a\tmade\n")},
		&pgproto3.CopyFail{Message: "no"},
		&pgproto3.Query{String: "COPY events FROM STDIN (FORMAT ndjson)"},
		&pgproto3.CopyData{Data: []byte(`{"entity_id": "a", "event_type": "made"}` + "\n")},
		&pgproto3.CopyDone{},
		&pgproto3.Query{String: "COPY (SELECT entity_id FROM events) TO STDOUT (FORMAT binary)"},
		&pgproto3.FunctionCall{Function: 1, Arguments: [][]byte{{1}}},
		&pgproto3.Terminate{},
	} {
		out = append(out, encoded(t, m))
	}
	return out
}

func join(parts [][]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// TestTruncated ends a conversation after each of its bytes in the startup, and everywhere around the ends of messages later.
func TestTruncated(t *testing.T) {
	s := serve(t)
	parts := conversation(t)
	all := join(parts)
	var ends []int
	for i := range len(parts[0]) {
		ends = append(ends, i)
	}
	at := 0
	for _, p := range parts {
		ends = append(ends, at+1, at+4, at+5, at+len(p)/2, at+len(p)-1, at+len(p))
		at += len(p)
	}
	for _, n := range ends {
		shout(t, s.addr, all[:min(n, len(all))])
	}
	s.answers(t)
	s.stop()
}

// TestNoise sends bytes that mean nothing, and conversations with some bytes changed.
func TestNoise(t *testing.T) {
	s := serve(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	parts := conversation(t)
	for i := range 300 {
		var data []byte
		switch i % 3 {
		case 0:
			data = noise(r, r.IntN(200))
		case 1: // past the startup
			data = append(append(data, parts[0]...), noise(r, r.IntN(200))...)
		case 2:
			data = append(data, join(parts)...)
			for range 1 + r.IntN(4) {
				data[len(parts[0])+r.IntN(len(data)-len(parts[0]))] = byte(r.IntN(256))
			}
		}
		shout(t, s.addr, data)
	}
	s.answers(t)
	s.stop()
}

func noise(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.IntN(256))
	}
	return out
}

// TestOddMessages sends messages whose insides are wrong, though their lengths are right.
func TestOddMessages(t *testing.T) {
	s := serve(t)
	hello := encoded(t, startup())
	for kind := range 256 {
		for _, body := range []string{"", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff", "S", "Sname", "a\x00b\x00\x7f\xff", "p\x00s\x00\x00\x00\xff\xff\x00\x00"} {
			msg := binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(len(body)+4))
			shout(t, s.addr, append(append([]byte(nil), hello...), append(msg, body...)...))
		}
	}
	for _, length := range []uint32{0, 1, 3, 4, 7, 8, 9, 1 << 31, 0xffffffff, 100_000} {
		for _, version := range []uint32{0, 196607, 196608, 196609, 131072, 80877102, 80877103, 80877104, 0xffffffff} {
			data := binary.BigEndian.AppendUint32(nil, length)
			data = binary.BigEndian.AppendUint32(data, version)
			shout(t, s.addr, append(data, "user\x00x\x00\x00"...))
		}
	}
	s.answers(t)
	s.stop()
}

// TestManyAtOnce lets connections come and go together, some in the middle of a statement.
func TestManyAtOnce(t *testing.T) {
	s := serve(t)
	parts := conversation(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			data := append(append([]byte(nil), parts[0]...), join(parts[1:2+i%(len(parts)-1)])...)
			shout(t, s.addr, data)
		})
	}
	wg.Wait()
	s.answers(t)
	s.stop()
}

// TestTooMany refuses the connection above the limit with a reason, and takes others once there is room.
func TestTooMany(t *testing.T) {
	s := serve(t)
	var open []*client
	for i := range maxConnections {
		c, err := dial(s.addr, "allsource", "allsource")
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		open = append(open, c)
	}
	_, err := dial(s.addr, "allsource", "allsource")
	if want := "ErrorResponse FATAL 53300 sorry, too many clients already"; err == nil || err.Error() != "unexpected in the startup: "+want {
		t.Errorf("one connection too many ends with %v", err)
	}
	for _, c := range open {
		c.fe.Send(&pgproto3.Terminate{})
		if err := c.fe.Flush(); err != nil {
			t.Error(err)
		}
		if _, err := c.receive(); err == nil {
			t.Error("a message after goodbye")
		}
		c.net.Close()
	}
	s.answers(t)
	s.stop()
}

// FuzzConnection sends any bytes, before or after a good startup. Corpora of connections are bytes as a client sends them.
func FuzzConnection(f *testing.F) {
	for _, p := range conversation(f)[1:] {
		f.Add(true, p)
	}
	f.Add(true, join(conversation(f)[1:]))
	f.Add(false, encoded(f, startup()))
	f.Add(false, encoded(f, &pgproto3.SSLRequest{}, startup()))
	f.Add(false, encoded(f, &pgproto3.CancelRequest{ProcessID: 1001, SecretKey: []byte{1, 2, 3, 4}}))
	f.Add(false, []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	hello := encoded(f, startup())
	s := serveAt(f, "unix", filepath.Join(f.TempDir(), "s")) // TCP runs out of ports
	f.Fuzz(func(t *testing.T, started bool, data []byte) {
		if started {
			data = append(append([]byte(nil), hello...), data...)
		}
		shout(t, s.addr, data)
		s.answers(t)
		s.panics.check(t)
		if t.Failed() {
			t.Logf("%q", data)
		}
	})
}
