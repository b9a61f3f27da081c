// Package peer starts what the measurements talk to: the real allsource binary and PostgreSQL 18 (bench/peers/postgres.sh) as
// servers, each on a loopback port of its own, DuckDB and ClickHouse as processes that answer questions. Whoever starts one
// stops it.
package peer

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a running server.
type Server struct {
	URL    string // for any Postgres driver
	Folder string // everything it keeps on disk

	pid  int // 0 where the server is many processes
	stop func() error
}

// Stop ends the server cleanly, so that what it leaves on disk is what it needs.
func (s *Server) Stop() error { return s.stop() }

// Peak is the most memory that the process ever held, in bytes; 0 for PostgreSQL, which is many processes.
func (s *Server) Peak() (int64, error) {
	if s.pid == 0 {
		return 0, nil
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("process %d tells no VmHWM", s.pid)
}

// Idle waits until the process has nothing more to do in the background: it takes less than a twentieth of a core for a second.
func (s *Server) Idle(ctx context.Context) error {
	for last := time.Duration(-1); ; {
		used, err := s.processorTime()
		if err != nil {
			return err
		}
		if last >= 0 && used-last < time.Second/20 {
			return nil
		}
		last = used
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// processorTime is what the process has used of processors.
func (s *Server) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold blanks; user and system time are the 12th and 13th field after it, in hundredths of a second.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d tells %d fields", s.pid, len(fields))
	}
	total := int64(0)
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return time.Duration(total) * 10 * time.Millisecond, nil
}

const patience = 30 * time.Second

// StartAllSource starts `binary serve` on a folder, new where there is none, with memory as its --memory unless that is empty, and with other flags.
func StartAllSource(ctx context.Context, binary, folder, memory string, flags ...string) (*Server, error) {
	args := []string{"serve", "--data", folder, "--pg", "127.0.0.1:0", "--http", "127.0.0.1:0"}
	if memory != "" {
		args = append(args, "--memory", memory)
	}
	args = append(args, flags...)
	cmd := exec.CommandContext(ctx, binary, args...)
	logs := &tail{}
	cmd.Stderr = logs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	address := make(chan string, 1)
	go func() {
		found := bufio.NewScanner(out)
		for found.Scan() {
			if at, ok := strings.CutPrefix(found.Text(), "pg listening on "); ok && !strings.HasPrefix(at, "/") {
				address <- strings.TrimSpace(at)
			}
		}
		ended <- cmd.Wait()
	}()
	stop := func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if err := <-ended; err != nil {
			return fmt.Errorf("%s serve: %w\n%s", binary, err, logs)
		}
		return nil
	}
	select {
	case at := <-address:
		return &Server{
			URL:    "postgres://allsource@" + at + "/allsource",
			Folder: folder,
			pid:    cmd.Process.Pid,
			stop:   stop,
		}, nil
	case err := <-ended:
		return nil, fmt.Errorf("%s serve ended before it listened: %w\n%s", binary, err, logs)
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-ended
		return nil, fmt.Errorf("%s serve did not listen within %s\n%s", binary, patience, logs)
	}
}

// StartPostgres starts PostgreSQL 18 with the script of the peers: a new cluster, or the one that an earlier call left in folder.
func StartPostgres(ctx context.Context, script, folder string) (*Server, error) {
	verb := "start"
	if _, err := os.Stat(folder); err == nil {
		verb = "resume"
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	var url, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, script, verb, folder, strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = &url, &complaint
	// The server outlives the script and may keep its streams open.
	cmd.WaitDelay = patience
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", script, verb, err, complaint.String())
	}
	return &Server{
		URL:    strings.TrimSpace(url.String()),
		Folder: filepath.Join(folder, "data"),
		stop: func() error {
			out, err := exec.Command(script, "stop", folder).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s stop: %w\n%s", script, err, out)
			}
			return nil
		},
	}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// DiskUse is the space that the files of a folder take, in bytes as allocated.
func DiskUse(folder string) (int64, error) {
	var total int64
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			total += sys.Blocks * 512
			return nil
		}
		total += info.Size()
		return nil
	})
	return total, err
}

// Quiet writes out what the system still holds from earlier runs and says how loaded the machine is (the average of the
// last minute), so that a figure can be told from a disturbed one.
func Quiet() float64 {
	syscall.Sync()
	return Load()
}

// Load is how loaded the machine was in the last minute.
func Load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	load, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		return -1
	}
	return load
}

// tail keeps the end of what a process said, for when it fails.
type tail struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*tail)(nil)

const kept = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > kept {
		t.text = append(t.text[:0], t.text[len(t.text)-kept:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
