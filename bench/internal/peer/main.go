package peer

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

// Main runs a benchmark until it is over or interrupted. It ends the program if that fails.
func Main(name string, run func(ctx context.Context) error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
