// Command shoplog writes the log of a web shop that never was: one JSON object a line, the same bytes for the same seed.
//
// It is made so that a store has to work for it: 15 event types and the entities by Zipf's law (a few hot ones, a long
// tail), 12 payload fields of which one is a nested object, one a decimal, one random (a session), and times in order over
// the first half of 2026. A line has about 320 bytes; two million events have about 200,000 entities.
//
//	go run ./bench/shoplog -n 2000000 -o bench/data/shoplog.ndjson
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"time"
)

func main() {
	n := flag.Int("n", 2_000_000, "number of events")
	seed := flag.Uint64("seed", 1, "the same seed gives the same bytes")
	out := flag.String("o", "-", "file to write, - for standard output")
	flag.Parse()
	if err := run(*n, *seed, *out); err != nil {
		fmt.Fprintln(os.Stderr, "shoplog:", err)
		os.Exit(1)
	}
}

// run writes beside the file and renames, so that an interrupted run leaves no half log behind.
func run(n int, seed uint64, out string) error {
	if out == "-" {
		return write(os.Stdout, n, seed)
	}
	part := out + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := write(f, n, seed); err != nil {
		_ = f.Close()
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d events, %d bytes, %.0f events/s\n", out, n, info.Size(), float64(n)/time.Since(start).Seconds())
	return os.Rename(part, out)
}

func write(w io.Writer, n int, seed uint64) error {
	buf := bufio.NewWriterSize(w, 1<<20)
	s := newShop(n, seed)
	line := make([]byte, 0, 1024)
	for i := range n {
		line = s.appendEvent(line[:0], i)
		if _, err := buf.Write(line); err != nil {
			return err
		}
	}
	return buf.Flush()
}

// types in the order of how often they happen. The part before the dot is the domain; its first four letters begin the
// names of its entities, so that order.created and order.paid happen to the same orders.
var types = []string{
	"page.view", "product.viewed", "cart.add", "user.login", "order.created", "search.made", "order.paid", "cart.remove",
	"order.shipped", "user.logout", "payment.failed", "review.written", "order.cancelled", "user.registered", "order.refunded",
}

// place is a country with its money; the first are the most frequent.
type place struct{ country, currency string }

var places = []place{
	{"DE", "EUR"}, {"US", "USD"}, {"FR", "EUR"}, {"GB", "GBP"}, {"NL", "EUR"}, {"ES", "EUR"}, {"IT", "EUR"}, {"PL", "PLN"},
	{"SE", "SEK"}, {"AT", "EUR"}, {"CH", "CHF"}, {"BE", "EUR"}, {"JP", "JPY"}, {"BR", "BRL"}, {"CA", "CAD"}, {"IN", "INR"},
}

var (
	devices  = []string{"mobile", "desktop", "tv"}
	channels = []string{"direct", "search", "newsletter", "social", "partner"}
	tiers    = []string{"basic", "plus", "gold"}
	shelves  = []string{"garden", "kitchen", "books", "toys", "shoes", "office", "sports", "music"}
	statuses = []int64{200, 200, 200, 200, 200, 200, 200, 200, 302, 404, 500}
)

const (
	skus  = 5_000
	pages = 0x1000
)

var (
	opening = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	closing = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
)

type shop struct {
	rnd      *rand.Rand
	step     float64   // milliseconds between events
	typeCDF  []float64 // of types
	placeCDF []float64 // of places
	entity   *rand.Zipf
	sku      *rand.Zipf
}

func newShop(n int, seed uint64) *shop {
	rnd := rand.New(rand.NewPCG(seed, 0x5_40b_106))
	return &shop{
		rnd:      rnd,
		step:     float64(closing.Sub(opening).Milliseconds()) / float64(max(n, 1)),
		typeCDF:  zipfCDF(len(types), 0.9),
		placeCDF: zipfCDF(len(places), 0.8),
		entity:   rand.NewZipf(rnd, entitySkew, entityFlat, uint64(max(n/entityShare, 10))),
		sku:      rand.NewZipf(rnd, 1.05, 40, skus-1),
	}
}

// Chosen so that two million events have about 200,000 entities, the hottest with a few thousand events.
const (
	entitySkew  = 1.12
	entityFlat  = 20
	entityShare = 50
)

func zipfCDF(n int, skew float64) []float64 {
	cdf := make([]float64, n)
	sum := 0.0
	for i := range cdf {
		sum += 1 / math.Pow(float64(i+1), skew)
		cdf[i] = sum
	}
	for i := range cdf {
		cdf[i] /= sum
	}
	return cdf
}

func pick(cdf []float64, x float64) int {
	for i, c := range cdf {
		if x < c {
			return i
		}
	}
	return len(cdf) - 1
}

// appendEvent appends event i and its newline.
func (s *shop) appendEvent(b []byte, i int) []byte {
	r := s.rnd
	kind := types[pick(s.typeCDF, r.Float64())]
	at := opening.Add(time.Duration((float64(i)+r.Float64())*s.step) * time.Millisecond)

	b = append(b, `{"entity_id":"`...)
	b = append(b, kind[:4]...)
	b = append(b, '-')
	b = strconv.AppendUint(b, s.entity.Uint64(), 10)
	b = append(b, `","event_type":"`...)
	b = append(b, kind...)
	b = append(b, `","timestamp":"`...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","payload":`...)
	b = s.appendPayload(b)
	return append(b, '}', '\n')
}

func (s *shop) appendPayload(b []byte) []byte {
	r := s.rnd
	where := places[pick(s.placeCDF, r.Float64())]
	b = append(b, `{"session":"`...)
	b = appendHex(b, r.Uint64(), 16)
	b = append(b, `","country":"`...)
	b = append(b, where.country...)
	b = append(b, `","cur":"`...)
	b = append(b, where.currency...)
	b = append(b, `","amount":`...)
	b = appendCents(b, r.Int64N(100_000))
	b = append(b, `,"qty":`...)
	b = strconv.AppendInt(b, 1+r.Int64N(5), 10)
	b = append(b, `,"sku":"SKU-`...)
	b = appendPadded(b, s.sku.Uint64(), 5)
	b = append(b, `","path":"/`...)
	b = append(b, shelves[r.IntN(len(shelves))]...)
	b = append(b, '/')
	b = appendHex(b, r.Uint64N(pages), 3)
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, statuses[r.IntN(len(statuses))], 10)
	b = append(b, `,"latency_ms":`...)
	b = strconv.AppendInt(b, int64(5+r.ExpFloat64()*60), 10)
	b = append(b, `,"device":"`...)
	b = append(b, devices[r.IntN(len(devices))]...)
	b = append(b, `","via":"`...)
	b = append(b, channels[r.IntN(len(channels))]...)
	b = append(b, `","user":{"vip":`...)
	b = strconv.AppendBool(b, r.IntN(20) == 0)
	b = append(b, `,"tier":"`...)
	b = append(b, tiers[r.IntN(len(tiers))]...)
	return append(b, `"}}`...)
}

// appendCents appends an amount of cents with its two decimals.
func appendCents(b []byte, cents int64) []byte {
	b = strconv.AppendInt(b, cents/100, 10)
	b = append(b, '.')
	return appendPadded(b, uint64(cents%100), 2)
}

func appendPadded(b []byte, n uint64, digits int) []byte {
	for limit := uint64(math.Pow10(digits - 1)); limit > 1 && n < limit; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, n, 10)
}

func appendHex(b []byte, n uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hex[n>>shift&0xf])
	}
	return b
}
