package storage

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestLogsAreFilledAhead: a log has the bytes written, in order, and zeros after them up to a bound; also one that is used again, where what was
// there before stays behind what is written.
func TestLogsAreFilledAhead(t *testing.T) {
	fs := logFS{vfs.NewMem()}
	var want []byte
	f, err := fs.Create("000001.log", "")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewSource(1))
	for len(want) < 3<<20 {
		p := bytes.Repeat([]byte{byte(1 + rng.Intn(255))}, 1+rng.Intn(40<<10))
		want = append(want, p...)
		if n, err := f.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		got := contents(t, fs, "000001.log")
		if !bytes.HasPrefix(got, want) || len(bytes.Trim(got[len(want):], "\x00")) > 0 {
			t.Fatalf("after %d bytes the log does not have them followed by zeros", len(want))
		}
		if least, most := len(want), len(want)+max(leastFill, min(len(want), mostFill)); len(got) < least || len(got) > most {
			t.Fatalf("the log is %d bytes long with %d written", len(got), len(want))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, fs, "000001.log")
	if f, err = fs.ReuseForWrite("000001.log", "000002.log", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("again")); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, fs, "000002.log"); !bytes.Equal(got, append([]byte("again"), before[5:]...)) {
		t.Fatal("a log that is used again was filled anew")
	}
}

func contents(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noRoom is a file with no room for more than is written in order.
type noRoom struct {
	vfs.File
	asked int
}

func (f *noRoom) WriteAt([]byte, int64) (int, error) {
	f.asked++
	return 0, errors.New("no space left on device")
}

func TestLogWithoutRoomForZeros(t *testing.T) {
	fs := vfs.NewMem()
	f, err := fs.Create("000001.log", "")
	if err != nil {
		t.Fatal(err)
	}
	full := &noRoom{File: f}
	log := &logFile{File: full}
	for range 3 {
		if _, err := log.Write([]byte("record")); err != nil {
			t.Fatal(err)
		}
	}
	if got := contents(t, fs, "000001.log"); string(got) != "recordrecordrecord" || full.asked != 1 {
		t.Fatalf("%q, zeros were tried %d times", got, full.asked)
	}
}
