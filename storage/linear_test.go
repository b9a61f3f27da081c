package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/storage/crashfs"
)

const linearEntities = 3

var errRefused = errors.New("refused by the check")

// linearOp is what a client did: an append to an entity, where guard is not -1 under the condition that another entity has a
// version, or a look at the log.
type linearOp struct {
	read     bool
	entity   int
	id       int // 0: none
	expected int64
	guard    int
	guarded  int64
}

// linearResult is what it was told; unknown where the crash came first.
type linearResult struct {
	unknown  bool
	refused  bool // by the check
	conflict bool
	version  int64 // of the event; the actual one after a conflict
	position int64
	versions [linearEntities]int64 // seen
	end      int64
}

// linearState is the log as far as these clients can tell.
type linearState struct {
	versions [linearEntities]int64
	end      int64
	ids      string // " entity/id=version@position" for each event with an id
}

func (s linearState) find(op linearOp) (version, position int64, ok bool) {
	_, rest, ok := strings.Cut(s.ids, fmt.Sprintf(" %d/%d=", op.entity, op.id))
	if ok {
		fmt.Sscanf(rest, "%d@%d", &version, &position)
	}
	return version, position, ok
}

// do is what the log must make of an operation.
func (s linearState) do(op linearOp) (linearState, linearResult) {
	if op.read {
		return s, linearResult{versions: s.versions, end: s.end}
	}
	if op.id > 0 {
		if v, p, ok := s.find(op); ok {
			return s, linearResult{version: v, position: p}
		}
	}
	now := s.versions[op.entity]
	if op.expected != AnyVersion && op.expected != now && !(op.expected == SomeVersion && now > 0) {
		return s, linearResult{conflict: true, version: now}
	}
	if op.guard >= 0 && s.versions[op.guard] != op.guarded {
		return s, linearResult{refused: true}
	}
	out := linearResult{version: now + 1, position: s.end}
	s.versions[op.entity]++
	if op.id > 0 {
		s.ids += fmt.Sprintf(" %d/%d=%d@%d", op.entity, op.id, out.version, out.position)
	}
	s.end++
	return s, out
}

func linearModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{linearState{end: 1}} },
		Step: func(state, input, output any) []any {
			after, want := state.(linearState).do(input.(linearOp))
			got := output.(linearResult)
			switch {
			case got.unknown:
				return []any{state, after}
			case got == want:
				return []any{after}
			}
			return nil
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
	}
	return m.ToModel()
}

// linearClients do random things to a log at once and write down what they did.
type linearClients struct {
	d     *DB
	start time.Time

	mu      sync.Mutex
	history []porcupine.Operation
}

func (c *linearClients) now() int64 { return int64(time.Since(c.start)) }

func (c *linearClients) run(seed uint64, clients, each int) {
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			for range each {
				c.one(n, c.draw(rng))
			}
		})
	}
	wg.Wait()
}

func (c *linearClients) draw(rng *rand.Rand) linearOp {
	op := linearOp{entity: rng.IntN(linearEntities), expected: AnyVersion, guard: -1, read: rng.IntN(4) == 0}
	if op.read {
		return linearOp{read: true}
	}
	v, _ := c.d.View(context.Background(), Latest)
	if rng.IntN(2) == 0 {
		op.id = 1 + rng.IntN(40)
	}
	switch rng.IntN(4) {
	case 0:
		op.expected, _ = v.Version(context.Background(), entityName(op.entity))
	case 1:
		op.expected = SomeVersion
	}
	if rng.IntN(2) == 0 {
		op.guard = rng.IntN(linearEntities)
		op.guarded, _ = v.Version(context.Background(), entityName(op.guard))
	}
	return op
}

func entityName(n int) string { return fmt.Sprint("e", n) }

func (c *linearClients) one(client int, op linearOp) {
	call := c.now()
	out := c.result(op)
	back := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history = append(c.history, porcupine.Operation{ClientId: client, Input: op, Output: out, Call: call, Return: back})
}

func (c *linearClients) result(op linearOp) linearResult {
	ctx := context.Background()
	versions := func(v View) (out [linearEntities]int64) {
		for n := range out {
			out[n], _ = v.Version(ctx, entityName(n))
		}
		return out
	}
	if op.read {
		v, err := c.d.View(ctx, Latest)
		if err != nil {
			return linearResult{unknown: true}
		}
		return linearResult{versions: versions(v), end: v.End()}
	}
	ev := Event{Entity: entityName(op.entity), Type: "t", Expected: op.expected}
	if op.id > 0 {
		ev.HasID, ev.ID[0] = true, byte(op.id)
	}
	var got Appended
	var err error
	if op.guard < 0 {
		got, err = c.d.Append(ctx, []Event{ev}, nil)
	} else {
		got, err = c.d.AppendIf(ctx, []Event{ev}, func(now View) error {
			if versions(now)[op.guard] != op.guarded {
				return errRefused
			}
			return nil
		})
	}
	var conflict *VersionConflict
	switch {
	case errors.As(err, &conflict):
		return linearResult{conflict: true, version: conflict.Actual}
	case errors.Is(err, errRefused):
		return linearResult{refused: true}
	case err != nil:
		return linearResult{unknown: true}
	}
	return linearResult{version: got.Versions[0], position: got.Positions[0]}
}

// until is the history as the log of a crash between the two moments must explain it.
func until(history []porcupine.Operation, before, after int64) (out []porcupine.Operation) {
	for _, op := range history {
		if op.Call >= after {
			continue
		}
		if op.Return > before {
			if op.Input.(linearOp).read {
				continue
			}
			op.Output, op.Return = linearResult{unknown: true}, math.MaxInt64
		}
		out = append(out, op)
	}
	return out
}

// TestLinearizable lets clients append under expected versions, conditions and ids, and look, while the log is sealed and
// compacted; the machine crashes, and they go on with what is on disk. There must be an order of all that which explains
// what everybody was told (Herlihy and Wing, Linearizability, 1990).
func TestLinearizable(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 6
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			mem, tick := crashfs.New(), newFakeClock()
			o := testOptions(nil, tick)
			o.SealRows = 8
			s, d := openTest(t, mem, o)
			c := &linearClients{d: d, start: time.Now()}
			quit := make(chan struct{})
			var upkeep sync.WaitGroup
			upkeep.Go(func() {
				for {
					select {
					case <-quit:
						return
					case <-time.After(time.Millisecond):
						tick.micros.Add(1)
						if err := errors.Join(d.Seal(context.Background()), d.Compact(context.Background())); err != nil {
							t.Error(err)
						}
					}
				}
			})
			var clone *crashfs.Disk
			var before, after int64
			upkeep.Go(func() {
				time.Sleep(time.Duration(1+seed%7) * time.Millisecond)
				before = c.now()
				clone = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(seed), 3))})
				after = c.now()
			})
			c.run(uint64(seed), 6, 25)
			close(quit)
			upkeep.Wait()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			explained(t, "without the crash", c.history)

			s, d = openTest(t, clone, o)
			defer s.Close()
			c2 := &linearClients{d: d, start: c.start, history: until(c.history, before, after)}
			for client := range 6 {
				c2.one(client, linearOp{read: true})
			}
			c2.run(uint64(seed)+1000, 4, 10)
			explained(t, "with the crash", renumbered(c2.history))
		})
	}
}

// renumbered gives those whose answer never came clients of their own: a client does one thing at a time.
func renumbered(history []porcupine.Operation) []porcupine.Operation {
	for i := range history {
		if history[i].Return == math.MaxInt64 {
			history[i].ClientId = 100 + i
		}
	}
	return history
}

func explained(t *testing.T, what string, history []porcupine.Operation) {
	t.Helper()
	if res, _ := porcupine.CheckOperationsVerbose(linearModel(), history, 30*time.Second); res == porcupine.Illegal {
		t.Errorf("%s: no order explains the history", what)
		for _, op := range history {
			t.Logf("%d..%d client %d: %+v -> %+v", op.Call, op.Return, op.ClientId, op.Input, op.Output)
		}
	}
}
