package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFresh fails where the committed files are not what this generator writes.
func TestFresh(t *testing.T) {
	for _, f := range families {
		files, err := generate(f.name, f.add)
		if err != nil {
			t.Fatal(f.name, err)
		}
		for name, want := range files {
			if got, err := os.ReadFile(filepath.Join("..", name)); err != nil || string(got) != string(want) {
				t.Errorf("%s is not what is generated (%v): make generate", name, err)
			}
		}
	}
}
