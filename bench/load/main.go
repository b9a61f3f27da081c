// Command load loads one file into AllSource, DuckDB and ClickHouse in turn, several rounds, and prints the medians.
//
// The rounds are interleaved (A B C A B C …), so that a slow minute of the machine does not become one system's figure.
// AllSource is the real binary: a server on an empty folder, and `allsource import` over the loopback, its whole wall time
// from start to exit, after which everything is durable; the size is that of the data folder after a clean stop. The peers
// read the file themselves inside their process and only their load statement is timed, which favours them.
//
//	go run ./bench/load -binary ./allsource bench/data/shoplog-2000000.ndjson
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// result is one load; the field names are those that the peers' scripts print.
type result struct {
	System  string  `json:"system"`
	Version string  `json:"version"`
	Events  int64   `json:"events"`
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"`
	Peak    int64   `json:"peak"`
	Machine float64 `json:"machine_load"`
}

func (r result) rate() float64 { return float64(r.Events) / r.Seconds }

type settings struct {
	binary, peers, folder, memory, file string
	rounds                              int
	systems                             []string
}

func main() {
	var s settings
	systems := flag.String("systems", "allsource,duckdb,clickhouse", "what to load into, in this order")
	flag.StringVar(&s.binary, "binary", "./allsource", "the allsource binary")
	flag.StringVar(&s.peers, "peers", "bench/peers", "the folder with the peers' scripts")
	flag.StringVar(&s.folder, "folder", "", "where to put the stores (default: the system's temporary folder)")
	flag.StringVar(&s.memory, "memory", "", "AllSource's --memory (default: its own)")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds")
	flag.Parse()
	s.systems = strings.Split(*systems, ",")
	s.file = flag.Arg(0)
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: load [flags] FILE.ndjson")
		flag.PrintDefaults()
		os.Exit(2)
	}
	peer.Main("load", func(ctx context.Context) error { return run(ctx, s) })
}

func run(ctx context.Context, s settings) error {
	raw, lines, err := warm(s.file)
	if err != nil {
		return err
	}
	if s.file, err = filepath.Abs(s.file); err != nil {
		return err
	}
	if s.binary, err = filepath.Abs(s.binary); err != nil {
		return err
	}
	results := map[string][]result{}
	for round := range s.rounds {
		for _, system := range s.systems {
			r, err := once(ctx, s, system)
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", round+1, system, err)
			}
			if r.Events != lines {
				return fmt.Errorf("round %d, %s: %d events are there, the file has %d", round+1, system, r.Events, lines)
			}
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "round %d %s\n", round+1, line)
			results[system] = append(results[system], r)
		}
	}
	return table(os.Stdout, s, raw, results)
}

// warm reads the file once, so that no system pays for the disk, and gives its size and its lines.
func warm(path string) (size, lines int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		size += int64(n)
		lines += int64(bytes.Count(buf[:n], []byte{'\n'}))
		if err == io.EOF {
			return size, lines, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

func once(ctx context.Context, s settings, system string) (result, error) {
	folder, err := os.MkdirTemp(s.folder, "load-"+system+"-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(folder)
	machine := peer.Quiet()
	var r result
	switch system {
	case "allsource":
		r, err = allsource(ctx, s, folder)
	case "duckdb", "clickhouse":
		r, err = script(ctx, s, system, folder)
	default:
		err = fmt.Errorf("unknown system %q", system)
	}
	r.System, r.Machine = system, machine
	return r, err
}

func script(ctx context.Context, s settings, system, folder string) (result, error) {
	cmd := exec.CommandContext(ctx, "node", system+".mjs", s.file, folder)
	cmd.Dir = s.peers
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("%w\n%s", err, complaint.String())
	}
	var r result
	return r, json.Unmarshal(out.Bytes(), &r)
}

func allsource(ctx context.Context, s settings, folder string) (r result, err error) {
	server, err := peer.StartAllSource(ctx, s.binary, filepath.Join(folder, "data"), s.memory)
	if err != nil {
		return r, err
	}
	running := true
	defer func() {
		if running {
			_ = server.Stop()
		}
	}()
	began := time.Now()
	if out, err := exec.CommandContext(ctx, s.binary, "import", "--url", server.URL, s.file).CombinedOutput(); err != nil {
		return r, fmt.Errorf("import: %w\n%s", err, out)
	}
	r.Seconds = time.Since(began).Seconds()
	if r.Events, r.Version, err = ask(ctx, server.URL); err != nil {
		return r, err
	}
	if r.Peak, err = server.Peak(); err != nil {
		return r, err
	}
	running = false
	if err := server.Stop(); err != nil {
		return r, err
	}
	r.Bytes, err = peer.DiskUse(server.Folder)
	return r, err
}

func median(of []result, value func(result) float64) float64 {
	all := make([]float64, len(of))
	for i, r := range of {
		all[i] = value(r)
	}
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

func table(w io.Writer, s settings, raw int64, results map[string][]result) error {
	fmt.Fprintf(w, "%s: %.0f MB of JSON, medians of %d rounds\n", filepath.Base(s.file), megabytes(float64(raw)), s.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "system\tversion\tevents\tevents/s\tlowest\thighest\tMB on disk\traw:disk\tpeak MB\tmachine load\t")
	for _, system := range s.systems {
		of := results[system]
		rate := func(r result) float64 { return r.rate() }
		bytes := median(of, func(r result) float64 { return float64(r.Bytes) })
		fmt.Fprintf(t, "%s\t%s\t%d\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.0f\t%.2f\t\n",
			system, of[0].Version, of[0].Events, median(of, rate),
			slices.MinFunc(of, byRate).rate(), slices.MaxFunc(of, byRate).rate(),
			megabytes(bytes), float64(raw)/bytes,
			megabytes(median(of, func(r result) float64 { return float64(r.Peak) })),
			median(of, func(r result) float64 { return r.Machine }))
	}
	return t.Flush()
}

func byRate(a, b result) int {
	switch {
	case a.rate() < b.rate():
		return -1
	case a.rate() > b.rate():
		return 1
	}
	return 0
}

func megabytes(b float64) float64 { return b / 1e6 }
