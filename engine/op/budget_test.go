package op

import "testing"

func TestQueriesShareTheMemory(t *testing.T) {
	all := NewBudget(60<<20, t.TempDir())
	one, two, three := all.Child(60<<20).account(), all.Child(60<<20).account(), all.Child(60<<20).account()
	if !one.set(60 << 20) {
		t.Fatal("a query alone may have all")
	}
	if one.set(61 << 20) {
		t.Fatal("a query has more than there is")
	}
	one.set(60 << 20)
	if !two.set(30 << 20) {
		t.Fatal("the second query does not get its half")
	}
	if one.set(60 << 20) {
		t.Fatal("the first query need not give anything back")
	}
	one.release()
	if !two.set(59 << 20) {
		t.Fatal("what was given back is not there for others")
	}
	if !three.set(aCrumb) || !two.grow(0) {
		t.Fatal("a small query counts as much as a large one")
	}
	if !three.set(30<<20) || two.grow(0) {
		t.Fatal("two queries do not have half each")
	}
	for _, a := range []*account{&one, &two, &three} {
		a.release()
	}
	if used, sharers := all.used.Load(), all.sharers.Load(); used != 0 || sharers != 0 {
		t.Fatalf("%d bytes and %d sharers are left", used, sharers)
	}
}
