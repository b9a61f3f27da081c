package datum

import (
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// typeOf reads a type as the golden file writes it.
func typeOf(t *testing.T, s string) Type {
	t.Helper()
	name, mods, has := strings.Cut(s, "(")
	if rest, ok := strings.CutPrefix(s, "interval "); ok {
		mod, _ := IntervalTypmod(rest, -1)
		return Type{Interval, mod}
	}
	i, ok := ByName(name)
	if !ok {
		t.Fatalf("no type %s", s)
	}
	if !has {
		return T(i.OID)
	}
	var args []int64
	for _, m := range strings.Split(strings.TrimSuffix(mods, ")"), ",") {
		v, err := ParseInt(m, 64, "bigint")
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, v)
	}
	mod, err := MakeTypmod(i.OID, args)
	if err != nil {
		t.Fatal(err)
	}
	return Type{i.OID, mod}
}

// TestValues reads and writes the values of testdata/values.tsv, which PostgreSQL 15 answered: type, input, then "ok", text and
// binary form, or SQLSTATE, message and detail.
func TestValues(t *testing.T) {
	src, err := os.ReadFile("testdata/values.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimRight(string(src), "\n"), "\n") {
		f := strings.Split(line, "\t")
		typ := typeOf(t, f[0])
		b := NewBuilder(typ, 1)
		in := typ
		if _, ok := LengthMod(typ); ok && typ.OID != Numeric && KindOf(typ.OID) == vec.Bytes {
			in = T(typ.OID)
		}
		err := ParseText(in, []byte(f[1]), b, nil)
		if f[2] != "ok" {
			if e := pgerr.From(err); e == nil || string(e.Code) != f[2] || e.Message != f[3] {
				t.Errorf("%s '%s': got %v, want %s %s", f[0], f[1], show(err), f[2], f[3])
			}
			continue
		}
		if err != nil {
			t.Errorf("%s '%s': %v, want %s", f[0], f[1], show(err), f[3])
			continue
		}
		c, err := ApplyTypmod(typ, b.Finish(), true)
		if err != nil {
			t.Errorf("%s '%s': %v", f[0], f[1], err)
			continue
		}
		if got := string(AppendText(nil, typ, c, 0, nil)); got != f[3] {
			t.Errorf("%s '%s': got %s, want %s", f[0], f[1], got, f[3])
		}
		bin, err := AppendBinary(nil, typ, c, 0, nil)
		if got := hex.EncodeToString(bin); err != nil || f[4] != "-" && got != f[4] {
			t.Errorf("%s '%s': binary %s (%v), want %s", f[0], f[1], got, err, f[4])
			continue
		}
		again := NewBuilder(typ, 1)
		if err := ParseBinary(typ, bin, again, nil); err != nil {
			t.Errorf("%s '%s': reading %x: %v", f[0], f[1], bin, err)
		} else if d := again.Finish(); Compare(typ, c, 0, d, 0) != 0 || string(AppendHashKey(nil, typ, c, 0)) != string(AppendHashKey(nil, typ, d, 0)) {
			t.Errorf("%s '%s' is another value after binary", f[0], f[1])
		}
	}
}

func show(err error) string {
	if err == nil {
		return "no error"
	}
	e := pgerr.From(err)
	return string(e.Code) + " " + e.Message
}

// TestFloatBetweenNeighbours has answers of PostgreSQL 15 for floats whose shortest digits lie in the middle to a neighbour.
func TestFloatBetweenNeighbours(t *testing.T) {
	for text, f := range map[string]float32{"-9.6758256e+07": -96758256, "9.6758264e+07": 96758264, "1.6777216e+07": 1 << 24, "3.3554432e+07": 1 << 25, "0.00024414062": 1.0 / (1 << 12)} {
		if got := string(AppendFloat(nil, float64(f), 32, 1)); got != text {
			t.Errorf("%s, want %s", got, text)
		}
	}
	for text, bits := range map[string]uint64{"3.4247799130794163e+17": 0x439302e7ac9d325c, "3.9597460999999996e+19": 0x44012c3387dd8312,
		"7.146338719999999e+20": 0x44435ec4c4254efc, "1.2084293658312301e+17": 0x437ad5202b4a6f04} {
		if got := string(AppendFloat(nil, math.Float64frombits(bits), 64, 1)); got != text {
			t.Errorf("%s, want %s", got, text)
		}
	}
}
