package hlc

import (
	"errors"
	"sync"
	"testing"
)

func TestStampsRiseWhateverTheWallDoes(t *testing.T) {
	wall := int64(100)
	c := New(func() int64 { return wall }, 0, 10, func(int64) error { return nil })
	last := int64(0)
	for _, w := range []int64{100, 100, 105, 50, 1, 106, 107, 200} {
		wall = w
		got := c.Stamp()
		if got <= last {
			t.Fatalf("stamp %d after %d", got, last)
		}
		if w > last && got != w {
			t.Fatalf("stamp %d while the wall says %d", got, w)
		}
		last = got
	}
}

func TestPushIsOnDiskBeforeItCounts(t *testing.T) {
	wall, disk := int64(100), int64(0)
	persist := func(ceiling int64) error { disk = ceiling; return nil }
	c := New(func() int64 { return wall }, 0, 10, persist)
	for _, at := range []int64{100, 101, 109, 111, 300, 299} {
		if err := c.Push(at); err != nil {
			t.Fatal(err)
		}
		if disk < at {
			t.Fatalf("pushed to %d with %d on disk", at, disk)
		}
		if c.Last() < at {
			t.Fatalf("pushed to %d and last is %d", at, c.Last())
		}
	}
	wall = 5
	if again := New(func() int64 { return wall }, disk, 10, persist); again.Stamp() <= 300 {
		t.Fatal("a stamp after the restart is not above what was read")
	}
}

func TestLeaseSavesWrites(t *testing.T) {
	writes := 0
	c := New(func() int64 { return 0 }, 0, 1000, func(int64) error { writes++; return nil })
	for at := int64(1); at <= 2000; at++ {
		if err := c.Push(at); err != nil {
			t.Fatal(err)
		}
	}
	if writes != 2 {
		t.Fatalf("%d writes", writes)
	}
}

func TestPushFails(t *testing.T) {
	c := New(func() int64 { return 0 }, 7, 1, func(int64) error { return errors.New("disk") })
	if err := c.Push(9); err == nil {
		t.Fatal("a push that is not on disk was accepted")
	}
	if c.Last() != 7 {
		t.Fatalf("it moved the clock to %d", c.Last())
	}
	if err := c.Push(7); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentStampsDiffer(t *testing.T) {
	c := New(func() int64 { return 1 }, 0, 1, func(int64) error { return nil })
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				if i%10 == 0 {
					if err := c.Push(c.Now() + 3); err != nil {
						t.Error(err)
					}
				}
				s := c.Stamp()
				mu.Lock()
				if seen[s] {
					t.Errorf("stamp %d twice", s)
				}
				seen[s] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}
