// Command allsource is the whole product: server, importer, exporter, shell.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is set when a release is built; otherwise the module's version or the commit says what this is.
var version = ""

// verb is one subcommand. run gets the arguments after the verb's name.
type verb struct {
	name, usage, doc string
	run              func(ctx context.Context, args []string, io streams) error
}

// streams are the standard streams, replaced in tests.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// verbs is the table of subcommands, in the order that help shows them.
func verbs() []verb {
	return []verb{
		{"serve", "[--data DIR] [--pg ADDR] [--socket DIR] [--http ADDR] [--memory SIZE]", "run the server", serve},
		{"import", "[--url URL | --data DIR] [--format ndjson|csv] [--map FIELDS] FILE…", "append the events of files", importFiles},
		{"export", "[--url URL | --data DIR] [--format F] [--query SQL | --type TYPE] [--as-of T] [FILE]", "write events or an answer to a file", export},
		{"sql", "[--url URL | --data DIR] [-c SQL] [-f FILE] [--format table|csv|json]", "ask in SQL, from a prompt or a script", shell},
		{"demo", "", "try it on three years of a real project's history", demo},
		{"version", "", "print the version", printVersion},
		{"help", "[COMMAND]", "print this, or what a command takes", help},
	}
}

// errUsage means that the arguments are wrong and that it was said.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run executes a command line and returns the exit status: 0, 1 for a failure, 2 for wrong arguments.
func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		printHelp(s.err)
		return 2
	}
	name := args[0]
	switch name {
	case "-h", "--help", "-help":
		name = "help"
	case "--version", "-version":
		name = "version"
	}
	for _, v := range verbs() {
		if v.name != name {
			continue
		}
		err := v.run(ctx, args[1:], s)
		switch {
		case err == nil:
			return 0
		case errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		}
		fmt.Fprintf(s.err, "allsource %s: %v\n", v.name, err)
		return 1
	}
	fmt.Fprintf(s.err, "allsource: there is no command %q\n\n", args[0])
	printHelp(s.err)
	return 2
}

// flags makes a verb's flag set; wrong flags print the usage.
func flags(name string, s streams) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	fs.Usage = func() {
		for _, v := range verbs() {
			if v.name == name {
				fmt.Fprintf(s.err, "usage: allsource %s %s\n%s\n\n", v.name, v.usage, v.doc)
			}
		}
		fs.PrintDefaults()
	}
	return fs
}

// parse reads flags wherever they stand among the operands.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var operands []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if fs.NArg() == 0 {
			return operands, nil
		}
		operands = append(operands, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "allsource is an append-only log of events that answers SQL, the past included.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-8s %s\n", v.name, v.doc)
	}
	fmt.Fprint(w, "\nallsource help COMMAND says what a command takes. To look around at once: allsource demo\n")
}

func help(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 {
		printHelp(s.out)
		return nil
	}
	for _, v := range verbs() {
		if v.name == args[0] && v.name != "help" {
			s.err = s.out
			if v.name == "demo" || v.name == "version" {
				fmt.Fprintf(s.out, "usage: allsource %s\n%s\n", v.name, v.doc)
				return nil
			}
			return v.run(ctx, []string{"-h"}, s)
		}
	}
	fmt.Fprintf(s.err, "allsource: there is no command %q\n", args[0])
	return errUsage
}

func printVersion(_ context.Context, _ []string, s streams) error {
	fmt.Fprintln(s.out, "allsource", versionText())
	return nil
}

func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, kv := range info.Settings {
		if kv.Key == "vcs.revision" && len(kv.Value) >= 12 {
			return "development " + kv.Value[:12]
		}
	}
	return "development"
}
