package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// modelVersion is a version of a row as the table must answer it.
type modelVersion struct {
	begin, end Micros // end: MaxInt64 while open
	next       RowID
	shape      int   // columns it was written with
	seed       int   // of its key
	seeds      []int // of its columns, absent: it was written without it; nil: those of shape have seed
}

const absent = -1

// seedOf is what column k was made from.
func (v *modelVersion) seedOf(k int) int {
	switch {
	case v.seeds != nil:
		return v.seeds[k]
	case k < len(shapeColumns(v.shape)):
		return v.seed
	}
	return absent
}

func (v *modelVersion) overlaps(from, to Micros) bool { return v.begin <= to && v.end > from }

// modelTable is a table as a list.
type modelTable struct {
	id       TableID
	shape    int
	versions []modelVersion
}

// modelColumns are the columns after so many of them were added: each shape has two more.
var modelColumns = func() []TableColumn {
	one := func(kind vec.Kind, f func(b *vec.Builder)) *vec.Column {
		b := vec.NewBuilder(kind, 1)
		f(b)
		return b.Finish()
	}
	return []TableColumn{
		{ID: 1, Kind: vec.Int64}, {ID: 2, Kind: vec.Bytes},
		{ID: 3, Kind: vec.Decimal, Missing: one(vec.Decimal, func(b *vec.Builder) { b.AppendDecimal(decimal.Dec{Coef: 150, Scale: 2}) })},
		{ID: 5, Kind: vec.Float64},
		{ID: 4, Kind: vec.Bool, Missing: one(vec.Bool, func(b *vec.Builder) { b.AppendBool(true) })},
		{ID: 9, Kind: vec.List, Elem: vec.Int64},
		{ID: 8, Kind: vec.Interval}, {ID: 10, Kind: vec.List, Elem: vec.Bytes},
	}
}()

func shapeColumns(shape int) []TableColumn { return modelColumns[:2+2*shape] }

// appendModelValue appends the value that a version has in a column.
func appendModelValue(b *vec.Builder, c *TableColumn, seed int) {
	if c.ID > 1 && seed%(5+int(c.ID)) == 0 {
		b.AppendNull()
		return
	}
	switch c.Kind {
	case vec.Int64:
		b.AppendInt(int64(seed) * 1000003)
	case vec.Bytes:
		b.AppendString(fmt.Sprint("text ", seed%7, " of many"))
	case vec.Decimal:
		b.AppendDecimal(decimal.Dec{Coef: int64(seed), Scale: int32(seed % 3)})
	case vec.Float64:
		b.AppendFloat(float64(seed) / 7)
	case vec.Bool:
		b.AppendBool(seed%2 == 0)
	case vec.Interval:
		b.AppendInterval(vec.IntervalValue{Months: int32(seed % 5), Days: int32(-seed), Micros: int64(seed)})
	case vec.List:
		for k := range seed % 4 {
			switch {
			case k == 2:
				b.Elem().AppendNull()
			case c.Elem == vec.Int64:
				b.Elem().AppendInt(int64(seed + k))
			default:
				b.Elem().AppendString(fmt.Sprint(seed, "/", k))
			}
		}
		if seed%4 == 3 {
			b.AppendShaped([]vec.Dim{{Len: 3, Lower: int32(seed)}})
		} else {
			b.AppendList()
		}
	}
}

func modelBatch(shape int, seeds []int) *vec.Batch {
	out := &vec.Batch{Len: len(seeds)}
	for _, c := range shapeColumns(shape) {
		b := c.Builder(len(seeds))
		for _, s := range seeds {
			appendModelValue(b, &c, s)
		}
		out.Cols = append(out.Cols, b.Finish())
	}
	return out
}

func showValue(c *vec.Column, i int) string {
	if c.Null(i) {
		return "null"
	}
	switch c.Kind {
	case vec.Int64:
		return fmt.Sprint(c.Int(i))
	case vec.Bytes:
		return string(c.Bytes(i))
	case vec.Decimal:
		return c.Decimal(i).String()
	case vec.Float64:
		return fmt.Sprint(c.Float(i))
	case vec.Bool:
		return fmt.Sprint(c.Bool(i))
	case vec.Interval:
		return fmt.Sprint(c.Interval(i))
	}
	child, from, to := c.List(i)
	out := fmt.Sprint(c.Shape(i))
	for k := from; k < to; k++ {
		out += "," + showValue(child, k)
	}
	return out
}

// line prints a version as it reads with all columns.
func (v *modelVersion) line(id RowID) string {
	out := fmt.Sprint(id)
	for k := range modelColumns {
		c := &modelColumns[k]
		if seed := v.seedOf(k); seed != absent {
			b := c.Builder(1)
			appendModelValue(b, c, seed)
			out += " " + showValue(b.Finish(), 0)
		} else {
			out += " " + showValue(c.Absent(1), 0)
		}
	}
	return out
}

// key is the index key of a version, nil for some.
func (v *modelVersion) key() []byte {
	if v.seed%9 == 0 {
		return nil
	}
	return fmt.Appendf(nil, "k%d.", v.seed%7)
}

// lines are the versions that overlap a period, as dumpTable prints them.
func (m *modelTable) lines(from, to, moment Micros) []string {
	var out []string
	for i := range m.versions {
		v := m.versions[i]
		if v.end > moment {
			v.end = math.MaxInt64
		}
		if v.begin > moment || !v.overlaps(from, to) {
			continue
		}
		out = append(out, fmt.Sprintf("%s %d %d", v.line(int64(i)+1), v.begin, v.end))
	}
	return out
}

func dumpTable(t fataler, v TableView) []string {
	t.Helper()
	ctx := context.Background()
	groups, skipped, err := v.Groups(ctx, nil)
	if err != nil || skipped > 0 && false {
		t.Fatalf("groups: %v", err)
	}
	type row struct {
		id   RowID
		line string
	}
	var rows []row
	for _, g := range groups {
		visible, err := g.Visible(ctx)
		if err != nil {
			t.Fatalf("visible: %v", err)
		}
		ids, err := g.IDs(ctx, 0, g.Len())
		if err != nil {
			t.Fatalf("ids: %v", err)
		}
		begin, end, err := g.Periods(ctx, 0, g.Len())
		if err != nil {
			t.Fatalf("periods: %v", err)
		}
		lines := make([]string, g.Len())
		for _, c := range modelColumns {
			col, err := g.Read(ctx, c, 0, g.Len())
			if err != nil {
				t.Fatalf("read column %d: %v", c.ID, err)
			}
			for i := range lines {
				lines[i] += " " + showValue(col, i)
			}
		}
		for i, line := range lines {
			if visible == nil || visible.Get(i) {
				rows = append(rows, row{ids[i], fmt.Sprintf("%d%s %d %d", ids[i], line, begin[i], end[i])})
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = rows[i].line
	}
	return out
}

// check compares a view of the table with the model.
func (m *modelTable) check(t fataler, v TableView, from, to, moment Micros, what string) {
	t.Helper()
	want := m.lines(from, to, moment)
	sameLines(t, what, dumpTable(t, v), want)
	if got := v.Rows(); got != int64(len(want)) && len(v.(*tableView).st.groups)+len(v.(*tableView).st.history) == 0 {
		t.Fatalf("%s: %d rows, expected %d", what, got, len(want))
	}
	m.checkRows(t, v, moment, what)
	m.checkIndex(t, v, from, to, moment, what)
}

func (m *modelTable) checkIndex(t fataler, v TableView, from, to, moment Micros, what string) {
	t.Helper()
	ctx := context.Background()
	for _, bounds := range [][2]string{{"", ""}, {"k2.", "k5."}, {"k3.", "k3.\x00"}, {"k1.\x00", "k4."}} {
		for _, desc := range []bool{false, true} {
			lo, hi := []byte(bounds[0]), []byte(bounds[1])
			if bounds[1] == "" {
				lo, hi = nil, nil
			}
			var got []modelEntry
			c := v.Seek(ctx, 700+uint32(m.id), KeyRange{Lo: lo, Hi: hi, Desc: desc})
			for {
				key, row, ok, err := c.Next(ctx)
				if err != nil {
					t.Fatalf("%s: seek: %v", what, err)
				}
				if !ok {
					break
				}
				got = append(got, modelEntry{string(key), row})
			}
			sameLines(t, fmt.Sprint(what, ", index ", bounds, desc), entryLines(got), m.indexLines(from, to, moment, bounds[0], bounds[1], desc))
		}
	}
}

func (m *modelTable) indexLines(from, to, moment Micros, lo, hi string, desc bool) []string {
	var list []modelEntry
	for i := range m.versions {
		v := m.versions[i]
		if v.end > moment {
			v.end = math.MaxInt64
		}
		key := string(v.key())
		if key != "" && v.begin <= moment && v.overlaps(from, to) && key >= lo && (hi == "" || key < hi) {
			list = append(list, modelEntry{key, int64(i) + 1})
		}
	}
	slices.SortFunc(list, func(a, b modelEntry) int { return cmp.Compare(a.key, b.key) })
	if desc {
		slices.Reverse(list)
	}
	return entryLines(list)
}

type modelEntry struct {
	key string
	row RowID
}

// entryLines prints entries, those of one key in the order of their rows.
func entryLines(list []modelEntry) []string {
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].key == list[from].key {
			to++
		}
		slices.SortFunc(list[from:to], func(a, b modelEntry) int { return cmp.Compare(a.row, b.row) })
		from = to
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = fmt.Sprintf("%s %d", e.key, e.row)
	}
	return out
}

// checkRows reads all versions by number, the last first and some twice.
func (m *modelTable) checkRows(t fataler, v TableView, moment Micros, what string) {
	t.Helper()
	ctx := context.Background()
	var rows []RowID
	for i := range m.versions {
		if m.versions[i].begin <= moment && m.versions[i].end != math.MinInt64 {
			rows = append([]RowID{int64(i) + 1}, rows...)
		}
	}
	rows = append(rows, rows[:len(rows)/2]...)
	b, err := v.Read(ctx, modelColumns, rows)
	if err != nil {
		t.Fatalf("%s: read: %v", what, err)
	}
	from, to, err := v.Periods(ctx, rows)
	if err != nil {
		t.Fatalf("%s: periods: %v", what, err)
	}
	for i, row := range rows {
		want := &m.versions[row-1]
		got := fmt.Sprint(row)
		for _, c := range b.Cols {
			got += " " + showValue(c, i)
		}
		end := want.end
		if end > moment {
			end = math.MaxInt64
		}
		if got != want.line(row) || from[i] != want.begin || to[i] != end {
			t.Fatalf("%s: row %d read as\n%s from %d to %d, expected\n%s from %d to %d", what, row, got, from[i], to[i], want.line(row), want.begin, end)
		}
	}
}

// tableModel is a store with tables, and what it must answer.
type tableModel struct {
	o       Options
	clock   *fakeClock
	s       *Store
	d       *DB
	tables  [2]modelTable
	objects []modelObject
	times   []Micros
	seed    int
	parts   int64 // what may be kept of closings

	before func([]modelChange, []modelObject) // told what is on its way
	after  func()                             // called when it was done
	failed error
}

type modelObject struct {
	id    uint32
	at    Micros
	value string
}

func newTableModel(t testing.TB) *tableModel {
	m := &tableModel{clock: newFakeClock()}
	m.o = testOptions(nil, m.clock)
	m.o.FS = vfs.NewMem()
	m.s, m.d = openTest(t, m.o.FS, m.o)
	for i := range m.tables {
		m.tables[i].id = TableID(i + 1)
	}
	return m
}

// picker chooses one of n, from 0.
type picker func(n int, what string) int

func drawn(t *rapid.T) picker {
	return func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(t, what) }
}

// modelChange is a change of a table: what is committed, and what it does to the model.
type modelChange struct {
	mt       *modelTable
	ch       TableChange
	fresh    []modelVersion
	replaced map[RowID]int // places of those that the load has in the place of others
	dropped  map[int]bool  // places
}

// apply does the change to the model; first is where its versions are.
func (c *modelChange) apply(first RowID, at Micros) {
	mt := c.mt
	for int64(len(mt.versions)) < first-1 { // rows that a load had that failed
		mt.versions = append(mt.versions, modelVersion{begin: math.MaxInt64, end: math.MinInt64})
	}
	for x := range iter.Seq[Closing](c.ch.closed()) {
		v := &mt.versions[x.Row-1]
		v.end = at
		if x.Next >= 0 {
			v.next = first + int64(x.Next)
		}
	}
	for i := range mt.versions {
		if v := &mt.versions[i]; c.ch.Truncate && v.end == math.MaxInt64 {
			v.end = at
		}
	}
	for i, v := range c.fresh {
		v.begin, v.end = at, math.MaxInt64
		if c.dropped[i] {
			v.end = math.MinInt64
		}
		mt.versions = append(mt.versions, v)
	}
}

// batch makes a batch of new versions and their keys.
func (m *tableModel) batch(mt *modelTable, n int) (fresh []modelVersion, b *vec.Batch, keys IndexKeys) {
	keys.Index = 700 + uint32(mt.id)
	var seeds []int
	for range n {
		m.seed++
		v := modelVersion{shape: mt.shape, seed: m.seed}
		fresh, seeds = append(fresh, v), append(seeds, m.seed)
		keys.Keys = append(keys.Keys, v.key())
	}
	return fresh, modelBatch(mt.shape, seeds), keys
}

// replace puts versions into a load that take the place of open ones which follow each other, most often of all, and have some of their columns.
func (m *tableModel) replace(t fataler, pick picker, c *modelChange, l *TableLoad) {
	var of []RowID
	for i := range c.mt.versions {
		if c.mt.versions[i].end == math.MaxInt64 {
			of = append(of, int64(i)+1)
		}
	}
	if pick(3, "some") == 0 {
		of = of[pick(len(of)+1, "from"):]
		of = of[:pick(len(of)+1, "to")]
	}
	columns := c.ch.Columns
	kept, given := make([]bool, len(columns)), make([]bool, len(columns))
	for k := range columns {
		kept[k], given[k] = pick(3, "kept") > 0, pick(3, "given") == 0
	}
	most := 1 + pick(40, "rows")
	for len(of) > 0 {
		n := min(most, len(of))
		b, keys := &vec.Batch{Len: n, Cols: make([]*vec.Column, len(columns))}, IndexKeys{Index: 700 + uint32(c.mt.id)}
		builders := make([]*vec.Builder, len(columns))
		for k := range columns {
			builders[k] = columns[k].Builder(n)
		}
		for _, row := range of[:n] {
			m.seed++
			old := &c.mt.versions[row-1]
			v := modelVersion{shape: c.mt.shape, seed: m.seed, seeds: make([]int, len(modelColumns))}
			if pick(4, "key") > 0 {
				v.seed = old.seed
			}
			for k := range v.seeds {
				v.seeds[k] = absent
				if k >= len(columns) {
					continue
				}
				if v.seeds[k] = m.seed; kept[k] {
					v.seeds[k] = old.seedOf(k)
				}
				if v.seeds[k] == absent {
					builders[k].AppendFrom(columns[k].Absent(1), 0)
				} else {
					appendModelValue(builders[k], &columns[k], v.seeds[k])
				}
			}
			c.replaced[row] = len(c.fresh)
			c.fresh, keys.Keys = append(c.fresh, v), append(keys.Keys, v.key())
		}
		for k := range columns {
			if !kept[k] || given[k] {
				b.Cols[k] = builders[k].Finish()
			}
		}
		if err := l.Replace(context.Background(), b, []IndexKeys{keys}, of[:n], kept); err != nil {
			t.Fatalf("replace: %v", err)
		}
		of = of[n:]
		if pick(20, "otherwise") == 0 {
			k := pick(len(columns), "column")
			kept = slices.Clone(kept)
			kept[k] = !kept[k]
		}
	}
}

// change makes up a change of a table.
func (m *tableModel) change(t fataler, pick picker, mt *modelTable) modelChange {
	c := modelChange{mt: mt, ch: TableChange{Table: mt.id, Columns: shapeColumns(mt.shape), Truncate: pick(20, "truncate") == 0},
		replaced: map[RowID]int{}, dropped: map[int]bool{}}
	if pick(4, "load") == 0 {
		m.load(t, pick, &c)
	}
	all := IndexKeys{Index: 700 + uint32(mt.id)}
	for range pick(4, "batches") {
		fresh, b, keys := m.batch(mt, pick(5, "rows"))
		c.ch.Rows, c.fresh = append(c.ch.Rows, b), append(c.fresh, fresh...)
		all.Keys = append(all.Keys, keys.Keys...)
	}
	c.ch.Keys = []IndexKeys{all}
	var closed []Closing
	taken := map[int]bool{}
	for _, n := range c.replaced {
		taken[n] = true
	}
	for i := range mt.versions {
		v := &mt.versions[i]
		x := Closing{Row: int64(i) + 1}
		if n, ok := c.replaced[x.Row]; ok {
			x.Next, x.Kept = n, string(c.fresh[n].key()) == string(v.key())
			closed = append(closed, x)
			continue
		}
		if v.end != math.MaxInt64 || pick(4, "close") > 0 {
			continue
		}
		x.Next = pick(len(c.fresh)+1, "next") - 1
		if n := m.sameKey(&c, v, taken); n >= 0 && pick(4, "other key") > 0 {
			x.Next = n
		}
		if x.Next >= 0 && !taken[x.Next] {
			x.Kept = string(c.fresh[x.Next].key()) == string(v.key())
			taken[x.Next] = true
		}
		closed = append(closed, x)
	}
	c.ch.Closed = Closings(slices.Values(closed))
	return c
}

// sameKey is the place of a new version with the key of an old one, -1: there is none.
func (m *tableModel) sameKey(c *modelChange, old *modelVersion, taken map[int]bool) int {
	for i := range c.fresh {
		if !taken[i] && !c.dropped[i] && string(c.fresh[i].key()) == string(old.key()) {
			return i
		}
	}
	return -1
}

// readLoad reads a load by places and by its index.
func (m *tableModel) readLoad(t fataler, l *TableLoad, fresh []modelVersion) {
	r, err := l.Reader()
	if err != nil {
		t.Fatalf("reader: %v", err)
	}
	places := make([]int64, len(fresh))
	byKey := map[string][]int64{}
	for i := range fresh {
		places[i] = int64(len(fresh) - 1 - i)
		if key := fresh[i].key(); key != nil {
			byKey[string(key)] = append(byKey[string(key)], int64(i))
		}
	}
	b, err := r.Read(context.Background(), modelColumns[:1], places)
	if err != nil || b.Len != len(fresh) {
		t.Fatalf("read: %v", err)
	}
	for i, p := range places {
		if got, want := b.Cols[0].Int(i), int64(fresh[p].seedOf(0))*1000003; got != want {
			t.Fatalf("place %d has %d, expected %d", p, got, want)
		}
	}
	for k := range 7 {
		key := fmt.Sprintf("k%d.", k)
		got, err := l.With(l.indexes[0], []byte(key))
		slices.Sort(got)
		if err != nil || !slices.Equal(got, byKey[key]) {
			t.Fatalf("with key %s there are %v, expected %v: %v", key, got, byKey[key], err)
		}
	}
}

// load puts versions into a load, and reads them there.
func (m *tableModel) load(t fataler, pick picker, c *modelChange) {
	ctx := context.Background()
	l, err := m.d.NewTableLoad(c.mt.id, c.ch.Columns, []uint32{700 + uint32(c.mt.id)})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	for range 1 + pick(3, "batches") {
		fresh, b, keys := m.batch(c.mt, pick(50, "rows"))
		if err := l.Add(ctx, b, []IndexKeys{keys}); err != nil {
			t.Fatalf("add: %v", err)
		}
		if c.fresh = append(c.fresh, fresh...); len(c.replaced) == 0 && pick(3, "replace") == 0 {
			m.replace(t, pick, c, l)
		}
	}
	for range pick(4, "drops") {
		if len(c.fresh) > 0 {
			place := pick(len(c.fresh), "drop")
			l.Drop(int64(place))
			c.dropped[place] = true
		}
	}
	c.ch.Load = l
	groups, err := l.Groups()
	if err != nil || l.Len() != int64(len(c.fresh)) {
		t.Fatalf("%d versions in the load, expected %d: %v", l.Len(), len(c.fresh), err)
	}
	var got, want []string
	for _, g := range groups {
		visible, err1 := g.Visible(ctx)
		ids, err2 := g.IDs(ctx, 0, g.Len())
		col, err3 := g.Read(ctx, modelColumns[0], 0, g.Len())
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("read the load: %v %v %v", err1, err2, err3)
		}
		for i := range g.Len() {
			if visible == nil || visible.Get(i) {
				got = append(got, fmt.Sprint(ids[i], " ", showValue(col, i)))
			}
		}
	}
	m.readLoad(t, l, c.fresh)
	for i := range c.fresh {
		if !c.dropped[i] {
			want = append(want, fmt.Sprint(i, " ", int64(c.fresh[i].seedOf(0))*1000003))
		}
	}
	sameLines(t, "own versions", got, want)
}

// commitSome commits changes of tables, events and objects; with refuse it is refused.
func (m *tableModel) commitSome(t fataler, pick picker, refuse bool) {
	var c Commit
	var changes []modelChange
	for i := range m.tables {
		if pick(2, "table") == 0 {
			change := m.change(t, pick, &m.tables[i])
			changes, c.Tables = append(changes, change), append(c.Tables, change.ch)
		}
	}
	for range pick(3, "events") {
		c.Events = append(c.Events, anyEvent("e"))
	}
	var changed []modelObject
	for range pick(3, "objects") {
		o := modelObject{id: uint32(1 + pick(4, "object")), value: []string{"", "a", "b"}[pick(3, "value")]}
		changed = append(changed, o)
		c.Objects = append(c.Objects, ObjectChange{o.id, []byte(o.value)})
	}
	m.clock.micros.Add(int64(pick(4, "tick")))
	if len(c.Tables)+len(c.Events)+len(c.Objects) == 0 {
		return
	}
	refused := errors.New("refused")
	if refuse {
		c.Check = func(View) error { return refused }
	} else if m.before != nil {
		m.before(changes, changed)
	}
	r, err := m.d.Commit(context.Background(), c)
	for _, ch := range c.Tables {
		if ch.Load != nil {
			ch.Load.Abort()
		}
	}
	if refuse {
		if !errors.Is(err, refused) {
			t.Fatalf("commit: %v", err)
		}
		return
	}
	if m.failed = err; err != nil {
		if m.before == nil {
			t.Fatalf("commit: %v", err)
		}
		return
	}
	if n := len(m.times); n > 0 && m.times[n-1] >= r.At || r.New > 0 && r.RecordedAt != r.At {
		t.Fatalf("committed at %d after %v: %+v", r.At, m.times, r)
	}
	for i := range changes {
		if first, least := r.First(changes[i].mt.id), int64(len(changes[i].mt.versions))+1; first < least {
			t.Fatalf("first row %d, expected %d", first, least)
		}
	}
	m.done(changes, changed, r.First, r.At)
}

// done enters a commit into the model.
func (m *tableModel) done(changes []modelChange, changed []modelObject, first func(TableID) RowID, at Micros) {
	m.times = append(m.times, at)
	for i := range changes {
		changes[i].apply(first(changes[i].mt.id), at)
	}
	for _, o := range changed {
		o.at = at
		m.objects = append(m.objects, o)
	}
	if m.after != nil {
		m.after()
	}
}

// objectsAt prints the objects as of a moment.
func (m *tableModel) objectsAt(at Micros) string {
	byID := map[uint32]Object{}
	for _, o := range m.objects {
		if o.at <= at {
			byID[o.id] = Object{o.id, []byte(o.value), o.at}
		}
	}
	out := ""
	for id := range uint32(5) {
		if o, ok := byID[id]; ok && len(o.Value) > 0 {
			out += fmt.Sprintf("%d %s %d;", o.ID, o.Value, o.From)
		}
	}
	return out
}

func (m *tableModel) check(t *rapid.T) {
	ctx := context.Background()
	moments := []Micros{Latest}
	if len(m.times) > 0 {
		moments = append(moments, rapid.SampledFrom(m.times).Draw(t, "moment")-int64(rapid.IntRange(0, 1).Draw(t, "before")))
	}
	for _, moment := range moments {
		v, err := m.d.View(ctx, moment)
		if err != nil {
			t.Fatal(err)
		}
		mt := &m.tables[rapid.IntRange(0, 1).Draw(t, "table")]
		from, to := v.At(), v.At()
		if len(m.times) > 0 {
			from, to = rapid.SampledFrom(m.times).Draw(t, "from"), rapid.SampledFrom(m.times).Draw(t, "to")
		}
		what := fmt.Sprintf("table %d from %d to %d at %d", mt.id, from, to, moment)
		switch rapid.IntRange(0, 5).Draw(t, "period") {
		case 0:
			mt.check(t, v.TableBetween(mt.id, from, to, true), from, to, v.At(), what+" and then")
		case 1:
			mt.check(t, v.TableBetween(mt.id, from, to, false), from, to-1, v.At(), what)
		case 2:
			mt.check(t, v.TableBetween(mt.id, math.MinInt64, math.MaxInt64, false), math.MinInt64, math.MaxInt64, v.At(), what+" ever")
		default:
			mt.check(t, v.Table(mt.id), v.At(), v.At(), v.At(), what+" now")
		}
		got := ""
		for _, o := range v.Objects() {
			got += fmt.Sprintf("%d %s %d;", o.ID, o.Value, o.From)
		}
		if want := m.objectsAt(v.At()); got != want {
			t.Fatalf("objects at %d are %s, expected %s", moment, got, want)
		}
	}
	for i := range m.tables {
		mt := &m.tables[i]
		for k := range mt.versions {
			want := &mt.versions[k]
			if want.end == math.MinInt64 {
				continue // it never was
			}
			at, next, err := m.d.Fate(mt.id, int64(k)+1)
			if end := max(at, 0); err != nil || end == 0 && want.end != math.MaxInt64 || end > 0 && want.end != end || next != want.next {
				t.Fatalf("fate of %d of table %d: %d %d (%v), expected %+v", k+1, mt.id, at, next, err, want)
			}
		}
	}
}

// newIndex makes an index of the versions of a table that are open, or gives it up.
func (m *tableModel) newIndex(t *rapid.T) {
	ctx := context.Background()
	mt := &m.tables[rapid.IntRange(0, 1).Draw(t, "table")]
	id, err := m.d.NewObjectID()
	if err != nil {
		t.Fatal(err)
	}
	l := m.d.NewIndexLoad(id)
	defer l.Abort()
	for _, i := range rapid.Permutation(slices.Collect(intsTo(len(mt.versions)))).Draw(t, "order") {
		if v := &mt.versions[i]; v.end == math.MaxInt64 && v.key() != nil {
			if err := l.Add(v.key(), int64(i)+1); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit := rapid.Bool().Draw(t, "commit")
	if commit {
		r, err := m.d.Commit(ctx, Commit{Indexes: []*IndexLoad{l}, Objects: []ObjectChange{{2, []byte("index")}}})
		if err != nil {
			t.Fatal(err)
		}
		m.done(nil, []modelObject{{id: 2, value: "index"}}, nil, r.At)
	} else {
		l.Abort()
	}
	v, err := m.d.View(ctx, Latest)
	if err != nil {
		t.Fatal(err)
	}
	var got []modelEntry
	var want []string
	c := v.Table(mt.id).Seek(ctx, id, KeyRange{})
	for {
		key, row, ok, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		got = append(got, modelEntry{string(key), row})
	}
	if commit {
		want = mt.indexLines(v.At(), v.At(), v.At(), "", "", false)
	}
	sameLines(t, "new index", entryLines(got), want)
}

// wantMoves has the next upkeep move what index entries it can, as if many had been walked over.
func (m *tableModel) wantMoves() {
	for i := range m.tables {
		id := m.tables[i].id
		m.d.moves.want(entryRange{rel: m.d.relation(id), index: 700 + uint32(id)})
	}
}

func intsTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func (m *tableModel) reopen(t *rapid.T) {
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open("db", m.o)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Database(FirstDatabase)
	if err != nil {
		t.Fatal(err)
	}
	m.s, m.d = s, d
	m.s.parts.budget = m.parts
}

// TestTablesAgainstModel does random commits, restarts and upkeep, and compares every moment with the model.
func TestTablesAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newTableModel(t)
		m.s.o.TableBytes = rapid.SampledFrom([]int64{1, 1 << 30}).Draw(rt, "table bytes")
		m.o.TableBytes = m.s.o.TableBytes
		m.parts = rapid.SampledFrom([]int64{1 << 20, 1 << 20, 1 << 20, 1}).Draw(rt, "parts")
		m.s.parts.budget = m.parts
		defer func() {
			if err := m.s.Close(); err != nil {
				rt.Fatal(err)
			}
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"":       m.check,
			"commit": func(t *rapid.T) { m.commitSome(t, drawn(t), false) },
			"refuse": func(t *rapid.T) { m.commitSome(t, drawn(t), true) },
			"index":  m.newIndex,
			"column": func(t *rapid.T) {
				mt := &m.tables[rapid.IntRange(0, 1).Draw(t, "table")]
				mt.shape = min(mt.shape+1, len(modelColumns)/2-1)
			},
			"reopen": m.reopen,
			"compact": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "move") {
					m.wantMoves()
				}
				if err := m.d.Compact(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
			"seal": func(t *rapid.T) {
				if err := m.d.Seal(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}
