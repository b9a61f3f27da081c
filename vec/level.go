package vec

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// Level is a set of processor features that kernels are written for. Every kernel has a scalar twin, which is what all
// levels answer like, to the last bit.
type Level int32

// The levels. AVX2 is AVX, AVX2, BMI1, BMI2 and POPCNT, and an operating system that keeps the wide registers.
const (
	Scalar Level = iota
	AVX2
)

var levelNames = [...]string{"scalar", "avx2"}

// String is the level's name, as ALLSOURCE_CPU has it.
func (l Level) String() string { return levelNames[l] }

// level is what kernels use now.
var level = func() *atomic.Int32 {
	l, _ := startLevel()
	v := new(atomic.Int32)
	v.Store(int32(l))
	return v
}()

// startLevel is the best level of the processor, or the one that the environment variable ALLSOURCE_CPU names.
func startLevel() (Level, error) {
	best := bestLevel()
	name := os.Getenv("ALLSOURCE_CPU")
	if name == "" {
		return best, nil
	}
	for l, known := range levelNames {
		switch {
		case known != name:
		case Level(l) > best:
			return best, fmt.Errorf("ALLSOURCE_CPU=%s: this processor has no more than %s", name, best)
		default:
			return Level(l), nil
		}
	}
	return best, fmt.Errorf("ALLSOURCE_CPU=%s: the levels are %s", name, strings.Join(levelNames[:], ", "))
}

// CPU returns the level in use, and an error if ALLSOURCE_CPU asks for one that is not there: then it was not heeded.
func CPU() (Level, error) {
	_, err := startLevel()
	return Level(level.Load()), err
}

// Levels lists the levels that this processor has, the scalar one first.
func Levels() []Level {
	var out []Level
	for l := Scalar; l <= bestLevel(); l++ {
		out = append(out, l)
	}
	return out
}

// Use makes kernels run at a level of Levels, and returns what undoes that. It is for tests and measurements: all levels
// give the same results.
func Use(l Level) (undo func()) {
	before := level.Swap(int32(min(l, bestLevel())))
	return func() { level.Store(before) }
}

func avx2() bool { return level.Load() >= int32(AVX2) }
