package jsonb

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPostgres holds reading, printing and every operation to PostgreSQL's recorded
// answers, error texts included.
func TestPostgres(t *testing.T) {
	data, err := os.ReadFile("testdata/postgres.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, bad := 0, 0
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		var arg [3]string
		for i := range arg {
			if err := json.Unmarshal([]byte(f[i+1]), &arg[i]); err != nil {
				t.Fatalf("bad row %q: %v", line, err)
			}
		}
		want := "NULL"
		if f[4] != "NULL" {
			if err := json.Unmarshal([]byte(f[4]), &want); err != nil {
				t.Fatal(err)
			}
		}
		rows++
		got := answer(f[0], arg[0], arg[1], arg[2])
		if utf8.RuneCountInString(got) > 3000 {
			got = fmt.Sprintf("#%d:%x", utf8.RuneCountInString(got), md5.Sum([]byte(got)))
		}
		if got != want {
			if bad++; bad < 40 {
				t.Errorf("%s %q %q %q\n got  %.300q\n want %.300q", f[0], arg[0], arg[1], arg[2], got, want)
			}
		}
	}
	if rows < 4000 || bad > 0 {
		t.Errorf("%d of %d rows differ", bad, rows)
	}
}

func answer(op, a, b, p string) string {
	v, err := Parse(nil, []byte(a))
	if err == nil && !Valid(v) {
		return "not valid"
	}
	var path []string
	if p != "" && p != "\x1e" {
		path = strings.Split(p, "\x1f")
	}
	var w Value
	if err == nil && strings.Contains(" cmp contains concat set setnc insert insertafter ", " "+op+" ") {
		w, err = Parse(nil, []byte(b))
	}
	var out Value
	ok := true
	if err == nil {
		switch op {
		case "cmp":
			return strconv.Itoa(Compare(v, w))
		case "contains":
			return strconv.FormatBool(Contains(v, w))
		case "exists":
			return strconv.FormatBool(Exists(v, b))
		case "pretty":
			return string(Pretty(nil, v))
		case "astext":
			s, ok := AppendAsText(nil, v)
			if !ok {
				return "NULL"
			}
			return string(s)
		default:
			out, ok, err = apply(op, v, w, b, path)
		}
	}
	if e, isErr := err.(*Error); isErr {
		return fmt.Sprintf("ERROR %s|%s|%s|%s|%s", e.Code, e.Message, e.Detail, e.Hint, e.Context)
	}
	if !ok {
		return "NULL"
	}
	if !Valid(out) || Size(append(out[:len(out):len(out)], 9)) != len(out) {
		return "result not valid"
	}
	return string(AppendText(nil, out))
}

func apply(op string, v, w Value, b string, path []string) (out Value, ok bool, err error) {
	ok = true
	i, _ := strconv.Atoi(b)
	switch op {
	case "in":
		out = v
	case "concat":
		out = Concat(nil, v, w)
	case "strip":
		out = StripNulls(nil, v)
	case "delkey":
		out, err = DeleteKey(nil, v, b)
	case "delidx":
		out, err = DeleteIndex(nil, v, i)
	case "get":
		out, ok = Get(v, b)
	case "idx":
		if v.Kind() < Array { // a scalar is its own element to PostgreSQL's ->
			if ok = i == 0 || i == -1; ok {
				out = v
			}
			break
		}
		out, ok = Index(v, i)
	case "getpath":
		out, ok = GetPath(v, path)
	case "delpath":
		out, err = DeletePath(nil, v, path)
	case "set":
		out, err = SetPath(nil, v, path, w, true)
	case "setnc":
		out, err = SetPath(nil, v, path, w, false)
	case "insert", "insertafter":
		out, err = Insert(nil, v, path, w, op == "insertafter")
	default:
		panic(op)
	}
	return out, ok, err
}
