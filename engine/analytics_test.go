package engine_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestAnalytics compares the functions of analytics with plain SQL on a real log.
func TestAnalytics(t *testing.T) {
	shared := os.Getenv("SHARED")
	if shared == "" {
		shared = "../../shared"
	}
	f, err := os.Open(filepath.Join(shared, "data/rails_2013_2015_in_order.ndjson.gz"))
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	log, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	s := &sessions{bed: newBedOf(t, 4096), people: map[string]*person{}, tables: map[string]string{}}
	defer func() {
		s.leave()
		s.close(t)
	}()
	p := s.connect(t, 1)
	s.people["ann"] = p
	if tag, err := p.copyIn("COPY events FROM STDIN WITH (FORMAT ndjson)", log, 1<<20); err != nil {
		t.Fatal(tag, err)
	}
	datadriven.RunTest(t, "testdata/rails_analytics.txt", s.step)
}
