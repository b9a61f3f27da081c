package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGuides runs the examples of guides whose answers stand below them: a block of SQL, and the plain block that follows it
// without anything in between. A comment <!-- clock 1h --> lets the clock go.
func TestGuides(t *testing.T) {
	for _, name := range []string{"entities.md", "analytics.md", "append.md", "time.md"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../docs", name))
			if err != nil {
				t.Fatal(err)
			}
			b := newBed(t)
			defer b.close(t)
			p := b.connect(t, 0)
			defer p.s.Close()
			parts := strings.Split(string(text), "```")
			compared := 0
			for i := 1; i < len(parts); i += 2 {
				for _, comment := range strings.Split(parts[i-1], "<!-- clock ")[1:] {
					step, err := time.ParseDuration(strings.Fields(comment)[0])
					if err != nil {
						t.Fatal(err)
					}
					b.clock.unix.Add(step.Microseconds())
				}
				sql, ok := strings.CutPrefix(parts[i], "sql\n")
				if !ok {
					continue
				}
				answers, err := p.run(sql)
				if i+2 >= len(parts) || parts[i+1] != "\n" {
					if err != nil {
						t.Fatalf("%s%v", sql, err)
					}
					continue
				}
				got := strings.TrimSpace(p.report(answers, err))
				if err == nil {
					got = got[:strings.LastIndex(got, "\n")] // the tag
				}
				if want := strings.Trim(parts[i+2], "\n"); got != want {
					t.Errorf("%sgives\n%s\nand not\n%s", sql, got, want)
				}
				compared++
			}
			if compared < 5 {
				t.Fatalf("only %d answers were found", compared)
			}
		})
	}
}
