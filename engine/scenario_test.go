package engine_test

import (
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/storage/crashfs"
)

// TestSessionScenarios plays the stories of testdata/scenarios, one for each promise about time and intent that is easily broken. What they
// expect is what the promise says, written by hand. They are scripts as those of TestSession, with more commands: `keep` asks a question and
// remembers the answer under a name, `again` asks it once more and says whether it is the same to the last bit; `crash` takes the power
// away and opens what was synced; `database` makes one. session=ann@acme is ann at the database acme.
func TestSessionScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		b := &bed{rows: 32, fs: crashfs.New(), clock: newHandClock()}
		b.open(t)
		s := &scenario{sessions: &sessions{bed: b, people: map[string]*person{}, tables: map[string]string{}}, kept: map[string]question{}}
		defer func() {
			s.leave()
			s.close(t)
		}()
		datadriven.RunTest(t, path, s.step)
	})
}

type scenario struct {
	*sessions
	kept map[string]question
}

// question is what somebody asked, and was told.
type question struct {
	sql    string
	answer answer
}

func (s *scenario) step(t *testing.T, d *datadriven.TestData) string {
	name := ""
	d.MaybeScanArgs(t, "name", &name)
	switch d.Cmd {
	case "keep", "again":
		q := question{sql: d.Input}
		if d.Cmd == "again" {
			q.sql = s.kept[name].sql
		}
		p := s.person(t, d)
		answers, err := p.run(q.sql)
		if err != nil || len(answers) != 1 {
			return p.report(answers, err)
		}
		if q.answer = answers[0]; d.Cmd == "keep" {
			s.kept[name] = q
			return p.report(answers, nil)
		}
		same(t, name, q.answer, s.kept[name].answer)
		return "as before\n"
	case "database":
		if _, err := s.store.CreateDatabase(name); err != nil {
			d.Fatalf(t, "%v", err)
		}
		return ""
	case "crash":
		after := s.fs.(*crashfs.Disk).CrashClone(vfs.CrashCloneCfg{})
		s.leave()
		s.close(t)
		s.fs = after
		s.open(t)
		return ""
	}
	return s.sessions.step(t, d)
}
