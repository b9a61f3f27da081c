package op

// Crew is the workers of one of two scans that go on at the same time. Each begins with some of all workers, and those of the
// one that ends first go on with the other. A nil crew is that of a scan by itself.
type Crew struct {
	help  <-chan struct{} // a worker of the other scan is free
	leave chan<- struct{}
}

// crewSize is how many workers may go over.
const crewSize = 64

// NewCrews makes the crews of two scans.
func NewCrews() [2]*Crew {
	a, b := make(chan struct{}, crewSize), make(chan struct{}, crewSize)
	return [2]*Crew{{help: a, leave: b}, {help: b, leave: a}}
}

// left says that so many workers have nothing more to do.
func (c *Crew) left(workers int) {
	if c == nil {
		return
	}
	for range workers {
		select {
		case c.leave <- struct{}{}:
		default:
		}
	}
}

// helpers tells of each worker that comes over.
func (c *Crew) helpers() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.help
}

// size is how many workers may come over.
func (c *Crew) size() int {
	if c == nil {
		return 0
	}
	return crewSize
}
