package funcs

import (
	"math"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// Window is one overload of a window function.
type Window struct {
	OID    datum.OID
	Name   string
	Args   []datum.OID
	Ret    datum.OID
	Framed bool // reads the frame of each row; the others look at the whole partition
	Peers  bool // reads the groups of peers
	Doc    string
	// A function either computes its results (Body) or says of each row at which other one the first argument is its result (Pick): a
	// row, NoRow or NoValue.
	Body func(w *Partitions, args []*vec.Column) (*vec.Column, error)
	Pick func(w *Partitions, args []*vec.Column) ([]int32, error)
}

// What Pick says of rows without another one: the result is null, or the third argument, null without one.
const (
	NoRow   = math.MinInt32
	NoValue = math.MinInt32 + 1
)

// Partitions are the rows that window functions are computed for: whole partitions one after the other, each in its order. Where a
// partition is too large to be held they are a slice of it: it then begins below row 0 and ends behind the last row, and so may its
// first and last group of peers and the frames.
type Partitions struct {
	Len    int
	Starts []int32 // the first row of each partition, then where the last one ends
	Peers  []int32 // the first row of each group of peers, then where the last one ends; nil where nothing asks for them
	Group  int     // the number of the first group of peers in its partition
	Frames *Frames // of the call; nil where its function is not framed
	State  any     // what the function keeps from one slice of a partition for the next
}

// Frames are the rows that each row looks at: those from Head up to Tail, less what is excluded. Within a partition neither
// ever goes back.
type Frames struct {
	Head, Tail []int32
	// Exclude says what is left out of the frame of row i: the rows [From, To), but not i itself where KeepSelf is set. nil
	// excludes nothing.
	From, To []int32
	KeepSelf bool
}

// Piece is the rows [From, To).
type Piece struct{ From, To int32 }

// Pieces gives the frame of row i as up to three runs of rows, in order and none empty, in buf's memory.
func (f *Frames) Pieces(i int, buf []Piece) []Piece {
	buf = buf[:0]
	add := func(from, to int32) {
		if from = max(from, f.Head[i]); from < min(to, f.Tail[i]) {
			buf = append(buf, Piece{from, min(to, f.Tail[i])})
		}
	}
	if f.From == nil {
		add(f.Head[i], f.Tail[i])
		return buf
	}
	add(f.Head[i], f.From[i])
	if f.KeepSelf {
		add(int32(i), int32(i)+1)
	}
	add(f.To[i], f.Tail[i])
	return buf
}

// windowFunctions are PostgreSQL's general-purpose window functions (documentation, section 9.22).
var windowFunctions = []Window{
	{OID: 3100, Name: "row_number", Ret: datum.Int8, Doc: "number of the row in its partition, from 1", Body: rowNumber},
	{OID: 3101, Name: "rank", Ret: datum.Int8, Peers: true, Doc: "number of the first peer of the row: peers are equal, with gaps after them", Body: rank},
	{OID: 3102, Name: "dense_rank", Ret: datum.Int8, Peers: true, Doc: "number of the row's group of peers, without gaps", Body: denseRank},
	{OID: 3103, Name: "percent_rank", Ret: datum.Float8, Peers: true, Doc: "(rank - 1) / (rows of the partition - 1)", Body: percentRank},
	{OID: 3104, Name: "cume_dist", Ret: datum.Float8, Peers: true, Doc: "rows up to the last peer / rows of the partition", Body: cumeDist},
	{OID: 3105, Name: "ntile", Args: []datum.OID{datum.Int4}, Ret: datum.Int4, Doc: "number of the bucket when the partition is divided as evenly as it can be", Body: ntile},
	{OID: 3106, Name: "lag", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Doc: "value at the row before", Pick: neighbour(-1)},
	{OID: 3107, Name: "lag", Args: []datum.OID{datum.AnyElement, datum.Int4}, Ret: datum.AnyElement, Doc: "value so many rows before", Pick: neighbour(-1)},
	{OID: 3108, Name: "lag", Args: []datum.OID{datum.AnyCompat, datum.Int4, datum.AnyCompat}, Ret: datum.AnyCompat, Doc: "value so many rows before, or the default", Pick: neighbour(-1)},
	{OID: 3109, Name: "lead", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Doc: "value at the next row", Pick: neighbour(1)},
	{OID: 3110, Name: "lead", Args: []datum.OID{datum.AnyElement, datum.Int4}, Ret: datum.AnyElement, Doc: "value so many rows further on", Pick: neighbour(1)},
	{OID: 3111, Name: "lead", Args: []datum.OID{datum.AnyCompat, datum.Int4, datum.AnyCompat}, Ret: datum.AnyCompat, Doc: "value so many rows further on, or the default", Pick: neighbour(1)},
	{OID: 3112, Name: "first_value", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Framed: true, Doc: "value at the first row of the frame", Pick: firstValue},
	{OID: 3113, Name: "last_value", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Framed: true, Doc: "value at the last row of the frame", Pick: lastValue},
	{OID: 3114, Name: "nth_value", Args: []datum.OID{datum.AnyElement, datum.Int4}, Ret: datum.AnyElement, Framed: true, Doc: "value at the n-th row of the frame, from 1", Pick: nthValue},
}

// eachPartition calls f with the rows [from, to) of each partition.
func (w *Partitions) eachPartition(f func(from, to int)) {
	for k := 1; k < len(w.Starts); k++ {
		f(int(w.Starts[k-1]), int(w.Starts[k]))
	}
}

// held cuts rows [from, to) of a partition to those that are there.
func (w *Partitions) held(from, to int) (int, int) { return max(from, 0), min(to, w.Len) }

// eachPeers calls f with each group of peers [from, to), its partition [start, end) and its number in there from 0.
func (w *Partitions) eachPeers(f func(from, to, start, end, number int)) {
	g, first := 0, w.Group
	w.eachPartition(func(start, end int) {
		n := first
		for first = 0; g+1 < len(w.Peers) && int(w.Peers[g]) < end; g, n = g+1, n+1 {
			f(int(w.Peers[g]), int(w.Peers[g+1]), start, end, n)
		}
	})
}

func ints(n int) *vec.Column { return &vec.Column{Kind: vec.Int64, Len: n, I64: make([]int64, n)} }
func floats(n int) *vec.Column {
	return &vec.Column{Kind: vec.Float64, Len: n, F64: make([]float64, n)}
}

func rowNumber(w *Partitions, _ []*vec.Column) (*vec.Column, error) {
	out := ints(w.Len)
	w.eachPartition(func(from, to int) {
		for i, end := w.held(from, to); i < end; i++ {
			out.I64[i] = int64(i - from + 1)
		}
	})
	return out, nil
}

// perPeers fills a column with one number per group of peers.
func perPeers(w *Partitions, f func(from, to, start, end, number int) int64) *vec.Column {
	out := ints(w.Len)
	w.eachPeers(func(from, to, start, end, number int) {
		v := f(from, to, start, end, number)
		for i, end := w.held(from, to); i < end; i++ {
			out.I64[i] = v
		}
	})
	return out
}

func rank(w *Partitions, _ []*vec.Column) (*vec.Column, error) {
	return perPeers(w, func(from, _, start, _, _ int) int64 { return int64(from - start + 1) }), nil
}

func denseRank(w *Partitions, _ []*vec.Column) (*vec.Column, error) {
	return perPeers(w, func(_, _, _, _, number int) int64 { return int64(number + 1) }), nil
}

// sharePeers fills a column with one fraction per group of peers.
func sharePeers(w *Partitions, f func(from, to, start, end int) float64) *vec.Column {
	out := floats(w.Len)
	w.eachPeers(func(from, to, start, end, _ int) {
		v := f(from, to, start, end)
		for i, end := w.held(from, to); i < end; i++ {
			out.F64[i] = v
		}
	})
	return out
}

func percentRank(w *Partitions, _ []*vec.Column) (*vec.Column, error) {
	return sharePeers(w, func(from, _, start, end int) float64 {
		if end-start <= 1 {
			return 0
		}
		return float64(from-start) / float64(end-start-1)
	}), nil
}

func cumeDist(w *Partitions, _ []*vec.Column) (*vec.Column, error) {
	return sharePeers(w, func(_, to, start, end int) float64 { return float64(to-start) / float64(end-start) }), nil
}

// buckets are what ntile divides a partition into: from row first on there are count of them, of size rows and the larger ones of one more.
type buckets struct{ first, count, size, larger int64 }

func newBuckets(first, count, rows int64) *buckets {
	if rows < count {
		return &buckets{first: first, count: count, size: 1}
	}
	return &buckets{first, count, rows / count, rows % count}
}

// of is the number of the bucket that a row is in.
func (b *buckets) of(row int64) int64 {
	row -= b.first
	if in := b.larger * (b.size + 1); row >= in {
		return b.larger + (row-in)/b.size + 1
	}
	return row/(b.size+1) + 1
}

// ntile takes the number of buckets from the first row that has one; rows before it have no bucket.
func ntile(w *Partitions, args []*vec.Column) (*vec.Column, error) {
	out := vec.NewBuilder(vec.Int64, w.Len)
	var err error
	w.eachPartition(func(from, to int) {
		var b *buckets
		if from < 0 {
			b, _ = w.State.(*buckets)
		}
		for i, end := w.held(from, to); i < end; i++ {
			if b == nil && !args[0].Null(i) {
				count := args[0].Int(i)
				if count <= 0 {
					err = pgerr.New(pgerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
					return
				}
				b = newBuckets(int64(i-from), count, int64(to-from))
			}
			if b == nil {
				out.AppendNull()
			} else {
				out.AppendInt(b.of(int64(i - from)))
			}
		}
		w.State = b
	})
	if err != nil {
		return nil, err
	}
	return out.Finish(), nil
}

// neighbour is lag and lead: the value of the row that is args[1] rows (one, without it) further in the direction, args[2]
// where there is no such row in the partition.
func neighbour(direction int64) func(*Partitions, []*vec.Column) ([]int32, error) {
	return func(w *Partitions, args []*vec.Column) ([]int32, error) {
		rows := make([]int32, w.Len)
		w.eachPartition(func(from, to int) {
			for i, end := w.held(from, to); i < end; i++ {
				by := direction
				if len(args) > 1 {
					if args[1].Null(i) {
						rows[i] = NoRow
						continue
					}
					by = direction * args[1].Int(i)
				}
				rows[i] = NoValue
				if at := int64(i) + by; at >= int64(from) && at < int64(to) {
					rows[i] = int32(at)
				}
			}
		})
		return rows, nil
	}
}

// Picked gives the values of args[0] at the rows that Pick chose.
func Picked(args []*vec.Column, rows []int32) *vec.Column {
	if len(args) < 3 || !slices.Contains(rows, NoValue) {
		return args[0].Take(rows)
	}
	b := vec.NewBuilder(args[0].Kind, len(rows))
	for i, at := range rows {
		switch at {
		case NoRow:
			b.AppendNull()
		case NoValue:
			b.AppendFrom(args[2], i)
		default:
			b.AppendFrom(args[0], int(at))
		}
	}
	return b.Finish()
}

func firstValue(w *Partitions, _ []*vec.Column) ([]int32, error) {
	return fromFrame(w, func(_ int, p []Piece) int32 { return p[0].From })
}

func lastValue(w *Partitions, _ []*vec.Column) ([]int32, error) {
	return fromFrame(w, func(_ int, p []Piece) int32 { return p[len(p)-1].To - 1 })
}

// nthValue counts rows of the frame, nulls too.
func nthValue(w *Partitions, args []*vec.Column) ([]int32, error) {
	for i := range w.Len {
		if !args[1].Null(i) && args[1].Int(i) <= 0 {
			return nil, pgerr.New(pgerr.InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")
		}
	}
	return fromFrame(w, func(i int, p []Piece) int32 {
		if args[1].Null(i) {
			return NoRow
		}
		n := args[1].Int(i) - 1
		for _, x := range p {
			if n < int64(x.To-x.From) {
				return x.From + int32(n)
			}
			n -= int64(x.To - x.From)
		}
		return NoRow
	})
}

// fromFrame gives the row that pick chooses from the frame of each row; a frame without rows gives null.
func fromFrame(w *Partitions, pick func(i int, p []Piece) int32) ([]int32, error) {
	rows := make([]int32, w.Len)
	var buf [3]Piece
	for i := range rows {
		rows[i] = NoRow
		if p := w.Frames.Pieces(i, buf[:]); len(p) > 0 {
			rows[i] = pick(i, p)
		}
	}
	return rows, nil
}
