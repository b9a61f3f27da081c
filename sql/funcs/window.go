package funcs

import (
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
	Body   func(w *Partitions, args []*vec.Column) (*vec.Column, error)
}

// Partitions are the rows that window functions are computed for: whole partitions one after the other, each in its order.
type Partitions struct {
	Len    int
	Starts []int32 // the first row of each partition, then Len
	Peers  []int32 // the first row of each group of peers, then Len; nil where nothing asks for them
	Frames *Frames // of the call; nil where its function is not framed
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
	{OID: 3106, Name: "lag", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Doc: "value at the row before", Body: neighbour(-1)},
	{OID: 3107, Name: "lag", Args: []datum.OID{datum.AnyElement, datum.Int4}, Ret: datum.AnyElement, Doc: "value so many rows before", Body: neighbour(-1)},
	{OID: 3108, Name: "lag", Args: []datum.OID{datum.AnyCompat, datum.Int4, datum.AnyCompat}, Ret: datum.AnyCompat, Doc: "value so many rows before, or the default", Body: neighbour(-1)},
	{OID: 3109, Name: "lead", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Doc: "value at the next row", Body: neighbour(1)},
	{OID: 3110, Name: "lead", Args: []datum.OID{datum.AnyElement, datum.Int4}, Ret: datum.AnyElement, Doc: "value so many rows further on", Body: neighbour(1)},
	{OID: 3111, Name: "lead", Args: []datum.OID{datum.AnyCompat, datum.Int4, datum.AnyCompat}, Ret: datum.AnyCompat, Doc: "value so many rows further on, or the default", Body: neighbour(1)},
	{OID: 3112, Name: "first_value", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Framed: true, Doc: "value at the first row of the frame", Body: firstValue},
	{OID: 3113, Name: "last_value", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Framed: true, Doc: "value at the last row of the frame", Body: lastValue},
	{OID: 3114, Name: "nth_value", Args: []datum.OID{datum.AnyElement, datum.Int4}, Ret: datum.AnyElement, Framed: true, Doc: "value at the n-th row of the frame, from 1", Body: nthValue},
}

// eachPartition calls f with the rows [from, to) of each partition.
func (w *Partitions) eachPartition(f func(from, to int)) {
	for k := 1; k < len(w.Starts); k++ {
		f(int(w.Starts[k-1]), int(w.Starts[k]))
	}
}

// eachPeers calls f with each group of peers [from, to), its partition [start, end) and its number in there from 0.
func (w *Partitions) eachPeers(f func(from, to, start, end, number int)) {
	g := 0
	w.eachPartition(func(start, end int) {
		for n := 0; g+1 < len(w.Peers) && int(w.Peers[g]) < end; g, n = g+1, n+1 {
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
		for i := from; i < to; i++ {
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
		for i := from; i < to; i++ {
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
		for i := from; i < to; i++ {
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

// ntile takes the number of buckets from the first row that has one; rows before it have no bucket.
func ntile(w *Partitions, args []*vec.Column) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Int64, w.Len)
	var err error
	w.eachPartition(func(from, to int) {
		i := from
		for ; i < to && args[0].Null(i); i++ {
			b.AppendNull()
		}
		if i == to {
			return
		}
		buckets := args[0].Int(i)
		if buckets <= 0 {
			err = pgerr.New(pgerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
			return
		}
		size, larger := int64(to-from)/buckets, int64(to-from)%buckets
		if size == 0 {
			size, larger = 1, 0
		}
		for bucket := int64(1); i < to; bucket++ {
			n := size
			if bucket <= larger {
				n++
			}
			for ; n > 0 && i < to; n, i = n-1, i+1 {
				b.AppendInt(bucket)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return b.Finish(), nil
}

// neighbour is lag and lead: the value of the row that is args[1] rows (one, without it) further in the direction, args[2]
// where there is no such row in the partition.
func neighbour(direction int64) func(*Partitions, []*vec.Column) (*vec.Column, error) {
	return func(w *Partitions, args []*vec.Column) (*vec.Column, error) {
		idx := make([]int32, w.Len)
		missing := false
		w.eachPartition(func(from, to int) {
			for i := from; i < to; i++ {
				by := direction
				if len(args) > 1 {
					if args[1].Null(i) {
						idx[i] = noRow
						continue
					}
					by = direction * args[1].Int(i)
				}
				at := int64(i) + by
				if at < int64(from) || at >= int64(to) {
					at, missing = noValue, true
				}
				idx[i] = int32(at)
			}
		})
		if !missing || len(args) < 3 {
			return args[0].Take(idx), nil
		}
		return withDefault(args[0], args[2], idx), nil
	}
}

// What idx says of rows without a neighbour: the result is null, or the default.
const (
	noRow   = -1
	noValue = -2
)

func withDefault(vals, def *vec.Column, idx []int32) *vec.Column {
	b := vec.NewBuilder(vals.Kind, len(idx))
	for i, at := range idx {
		switch at {
		case noRow:
			b.AppendNull()
		case noValue:
			b.AppendFrom(def, i)
		default:
			b.AppendFrom(vals, int(at))
		}
	}
	return b.Finish()
}

func firstValue(w *Partitions, args []*vec.Column) (*vec.Column, error) {
	return fromFrame(w, args[0], func(_ int, p []Piece) int32 { return p[0].From })
}

func lastValue(w *Partitions, args []*vec.Column) (*vec.Column, error) {
	return fromFrame(w, args[0], func(_ int, p []Piece) int32 { return p[len(p)-1].To - 1 })
}

// nthValue counts rows of the frame, nulls too.
func nthValue(w *Partitions, args []*vec.Column) (*vec.Column, error) {
	for i := range w.Len {
		if !args[1].Null(i) && args[1].Int(i) <= 0 {
			return nil, pgerr.New(pgerr.InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")
		}
	}
	return fromFrame(w, args[0], func(i int, p []Piece) int32 {
		if args[1].Null(i) {
			return noRow
		}
		n := args[1].Int(i) - 1
		for _, x := range p {
			if n < int64(x.To-x.From) {
				return x.From + int32(n)
			}
			n -= int64(x.To - x.From)
		}
		return noRow
	})
}

// fromFrame takes the value of the row that pick chooses from the frame of each row; a frame without rows gives null.
func fromFrame(w *Partitions, vals *vec.Column, pick func(i int, p []Piece) int32) (*vec.Column, error) {
	idx := make([]int32, w.Len)
	var buf [3]Piece
	for i := range idx {
		idx[i] = noRow
		if p := w.Frames.Pieces(i, buf[:]); len(p) > 0 {
			idx[i] = pick(i, p)
		}
	}
	return vals.Take(idx), nil
}
