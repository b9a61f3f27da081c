package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// columns are those of every table here, with a key in the place of %s; the types have the same names in all three dialects.
const columns = `(id bigint%s, customer integer, name varchar, status varchar, amount numeric(12,2), weight double precision, placed timestamptz, code varchar%s)`

var statuses = [...]string{"new", "paid", "sent", "returned"}

// mixed is a number that looks random, another one for every n.
func mixed(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// writeRows writes rows as CSV, the same bytes each time: ids rise, codes are in no order, times go on by a second or so.
func writeRows(path string, rows int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var line []byte
	for id := int64(1); id <= rows; id++ {
		h := mixed(uint64(id))
		at = at.Add(time.Duration(h%2_000_000) * time.Microsecond)
		line = strconv.AppendInt(line[:0], id, 10)
		line = fmt.Appendf(line, ",%d,article %d,%s,%d.%02d,", h>>8%100_000, h>>20%50_000, statuses[h>>40%4], h>>12%10_000, h>>30%100)
		line = strconv.AppendFloat(line, float64(h>>11%1_000_000)/1024, 'g', -1, 64)
		line = at.AppendFormat(append(line, ','), "2006-01-02 15:04:05.000000+00")
		line = fmt.Appendf(line, ",%016x\n", mixed(h))
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}
