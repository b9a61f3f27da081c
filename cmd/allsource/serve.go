package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/cmd/internal/node"
	"github.com/allsource-db/allsource/vec"
)

func serve(ctx context.Context, args []string, s streams) error {
	fs := flags("serve", s)
	data := fs.String("data", "./allsource-data", "folder of the store, made if it is not there")
	pg := fs.String("pg", "127.0.0.1:5433", "address for Postgres clients; port 0 picks a free one")
	socket := fs.String("socket", "", "folder of a Unix socket for Postgres clients of this machine; none by default")
	http := fs.String("http", "127.0.0.1:8080", "address for HTTP; port 0 picks a free one")
	memory := fs.String("memory", "", "most memory to use, such as 4GiB; half of the machine's by default")
	level := fs.String("log", "info", "least severe log lines: debug, info, warn, error")
	operands, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return fmt.Errorf("unexpected argument %q", operands[0])
	}
	limit, err := memoryLimit(*memory)
	if err != nil {
		return err
	}
	var min slog.Level
	if err := min.UnmarshalText([]byte(*level)); err != nil {
		return fmt.Errorf("--log %s: use debug, info, warn or error", *level)
	}
	cpu, err := vec.CPU()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: min}))
	// A thread that waits for a disk keeps its processor for as long as most syncs take: with one more the others go on meanwhile.
	cpus := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpus + 1))
	n, err := node.Start(node.Config{Data: *data, PG: *pg, Socket: *socket, HTTP: *http, Memory: limit, Workers: cpus, Version: versionText(), Logger: log, Fatal: fatal(log)})
	if err != nil {
		return err
	}
	log.Info("open", "data", *data, "memory", limit, "cpu", cpu, "version", versionText())
	fmt.Fprintf(s.out, "pg listening on %s\n", n.PGAddr())
	if name := n.Socket(); name != "" {
		fmt.Fprintf(s.out, "pg listening on %s\n", name)
	}
	fmt.Fprintf(s.out, "http listening on %s\n", n.HTTPAddr())
	var failed error
	select {
	case <-ctx.Done():
		log.Info("shutting down")
	case failed = <-n.Failed():
	}
	err = errors.Join(failed, n.Close(context.WithoutCancel(ctx)))
	if err == nil {
		log.Info("closed")
	}
	return err
}

// fatal ends the process when it is unknown what is durable: restarting finds out.
func fatal(log *slog.Logger) func(error) {
	return func(err error) {
		log.Error("the write-ahead log failed: it is unknown what of the last appends is durable; the server stops, nothing more is acknowledged; start it again once the disk is well", "error", err)
		os.Exit(70)
	}
}

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1},
}

// minMemory is what a server needs to be of use.
const minMemory = 256 << 20

// memoryLimit reads --memory; empty means half of the machine's.
func memoryLimit(text string) (int64, error) {
	if text == "" {
		return max(machineMemory()/2, minMemory), nil
	}
	num, unit := strings.ToLower(strings.TrimSpace(text)), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(num, u.suffix); ok {
			num, unit = rest, u.bytes
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if err != nil || v <= 0 {
		return 0, fmt.Errorf("--memory %s: write a size such as 512MiB or 4GiB", text)
	}
	n := int64(v * float64(unit))
	if n < minMemory {
		return 0, fmt.Errorf("--memory %s: at least 256MiB is needed", text)
	}
	return n, nil
}
