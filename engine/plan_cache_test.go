package engine

import (
	"fmt"
	"strings"
	"testing"
)

func TestPlanCacheIsBounded(t *testing.T) {
	c := newPlanCache()
	same := func() float64 { return 10 }
	for i := range 3 * maxPlans {
		k := planKey{text: fmt.Sprintf("SELECT %d", i)}
		if c.wants(k) || !c.wants(k) {
			t.Fatalf("%s is wanted the first time, or not the second", k.text)
		}
		c.put(&cachedPlan{key: k, rows: 10})
		c.put(&cachedPlan{key: k, rows: 10}) // by another session
		if c.get(planKey{text: "SELECT 0"}, same) == nil {
			t.Fatalf("what is used all the time was forgotten after %d others", i)
		}
	}
	if n := c.used.Len(); n != maxPlans || len(c.plans) != n || c.bytes != n*leastPlanSize {
		t.Fatalf("%d plans in order, %d by text, %d bytes", n, len(c.plans), c.bytes)
	}
	long := strings.Repeat(" ", maxPlanText-10)
	for i := range 1000 {
		c.put(&cachedPlan{key: planKey{text: fmt.Sprintf("%s%d", long, i)}})
	}
	if c.bytes > maxPlanBytes || c.bytes < maxPlanBytes/2 {
		t.Fatalf("%d bytes of %d", c.bytes, maxPlanBytes)
	}
	if k := (planKey{text: long + strings.Repeat(" ", 11)}); c.wants(k) || c.wants(k) {
		t.Fatal("a text of any length is kept")
	}
}

func TestPlanCacheKeys(t *testing.T) {
	c := newPlanCache()
	k := planKey{text: "SELECT 1", settings: "UTC"}
	c.put(&cachedPlan{key: k, rows: 1e6})
	rows := func(n float64) func() float64 { return func() float64 { return n } }
	if c.get(k, rows(1.1e6)) == nil {
		t.Fatal("not found")
	}
	if c.get(k, rows(3e6)) != nil {
		t.Fatal("found for a log of three times the size")
	}
	if c.get(planKey{text: "SELECT 1", settings: "Europe/Berlin"}, rows(1e6)) != nil {
		t.Fatal("found under other settings")
	}
	if c.get(planKey{text: "SELECT 1", types: "\x00\x00\x00\x17", settings: "UTC"}, rows(1e6)) != nil {
		t.Fatal("found for parameters of other types")
	}
}
