package funcs

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"strings"
	"time"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// ExtensionInfo is what CREATE EXTENSION may name. The functions are there anyway.
type ExtensionInfo struct {
	Name, Version, Comment string
	Functions              []string
}

// Extensions are those whose functions the server has.
var Extensions = []ExtensionInfo{
	{"pgcrypto", "1.3", "cryptographic functions", []string{"digest", "hmac", "gen_random_bytes", "gen_random_uuid"}},
	{"uuid-ossp", "1.1", "generate universally unique identifiers (UUIDs)", []string{"uuid_nil", "uuid_ns_dns", "uuid_ns_url", "uuid_ns_oid",
		"uuid_ns_x500", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5"}},
}

// Extension returns the extension of a name or nil.
func Extension(name string) *ExtensionInfo {
	for i := range Extensions {
		if Extensions[i].Name == name {
			return &Extensions[i]
		}
	}
	return nil
}

// extensionFuncs are the functions of Extensions that are no functions of PostgreSQL itself.
func extensionFuncs() []Func {
	out := []Func{
		row(ownOIDs+602, "gen_random_bytes", datum.Bytea, "so many random bytes", eachRow(vec.Bytes, randomBytes), datum.Int4).as(Volatile),
		{OID: ownOIDs + 610, Name: "uuid_generate_v4", Ret: datum.UUID, Volatile: Volatile, Doc: "a random UUID (version 4)", Body: randomUUIDs},
		{OID: ownOIDs + 611, Name: "uuid_generate_v1", Ret: datum.UUID, Volatile: Volatile, Doc: "a UUID of the time (version 1)", Body: timeUUIDs},
		{OID: ownOIDs + 612, Name: "uuid_generate_v1mc", Ret: datum.UUID, Volatile: Volatile, Doc: "a UUID of the time (version 1)", Body: timeUUIDs},
		named(ownOIDs+613, "uuid_generate_v3", 3, md5.New, "9a0d5f51-76ff-394e-ba97-b28a9ff12209"),
		named(ownOIDs+614, "uuid_generate_v5", 5, sha1.New, "1826c6c4-4d1f-534f-9dcd-7a15978dfeb9"),
	}
	for i, t := range []datum.OID{datum.Text, datum.Bytea} {
		n := datum.OID(i)
		out = append(out, row(ownOIDs+603+n, "digest", datum.Bytea, "hash of the first by the algorithm", digestBody, t, datum.Text),
			row(ownOIDs+605+n, "hmac", datum.Bytea, "hash of the first with a key by the algorithm", hmacBody, t, t, datum.Text))
	}
	for i, s := range []struct{ name, value string }{{"uuid_nil", "00000000-0000-0000-0000-000000000000"}, {"uuid_ns_dns", uuidSpace("10")},
		{"uuid_ns_url", uuidSpace("11")}, {"uuid_ns_oid", uuidSpace("12")}, {"uuid_ns_x500", uuidSpace("14")}} {
		out = append(out, Func{OID: ownOIDs + 620 + datum.OID(i), Name: s.name, Ret: datum.UUID, Strict: true, Volatile: Immutable,
			Doc: "a UUID that is always the same", Example: s.name + "()", Result: s.value,
			Body: func(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
				id, err := datum.ParseUUID(nil, s.value)
				b := vec.NewBuilder(vec.Bytes, 1)
				b.AppendBytes(id)
				return vec.Repeat(b.Finish(), 0, n), err
			}})
	}
	return out
}

// uuidSpace is a name space of RFC 4122; they differ in one byte.
func uuidSpace(n string) string { return "6ba7b8" + n + "-9dad-11d1-80b4-00c04fd430c8" }

var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

func hashNamed(name []byte) (func() hash.Hash, error) {
	if h := hashes[strings.Replace(strings.ToLower(string(name)), "sha-", "sha", 1)]; h != nil {
		return h, nil
	}
	return nil, pgerr.New(pgerr.InvalidParameterValue, "Cannot use \"%s\": No such hash algorithm", name)
}

var digestBody = textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	h, err := hashNamed(a[1].Bytes(i))
	if err != nil {
		return nil, err
	}
	sum := h()
	sum.Write(a[0].Bytes(i))
	return sum.Sum(dst), nil
})

var hmacBody = textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
	h, err := hashNamed(a[2].Bytes(i))
	if err != nil {
		return nil, err
	}
	sum := hmac.New(h, a[1].Bytes(i))
	sum.Write(a[0].Bytes(i))
	return sum.Sum(dst), nil
})

func randomBytes(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	n := a[0].Int(i)
	if n < 1 || n > 1024 {
		return pgerr.New("39000", "Length not in range")
	}
	out := make([]byte, n)
	if _, err := rand.Read(out); err != nil {
		return err
	}
	b.AppendBytes(out)
	return nil
}

// gregorian is how many tenths of microseconds lie between the first day of the Gregorian calendar, from which UUIDs of
// version 1 count, and 1970.
const gregorian = 122192928000000000

// timeUUIDs are of version 1: the time, and random bits in the place of the network card's address.
func timeUUIDs(_ *Ctx, _ []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	var id [16]byte
	for range n {
		if _, err := rand.Read(id[8:]); err != nil {
			return nil, err
		}
		t := uint64(time.Now().UnixNano()/100 + gregorian)
		binary.BigEndian.PutUint32(id[0:], uint32(t))
		binary.BigEndian.PutUint16(id[4:], uint16(t>>32))
		binary.BigEndian.PutUint16(id[6:], uint16(t>>48)&0x0fff|0x1000)
		id[8], id[10] = id[8]&0x3f|0x80, id[10]|1 // the bit that says it is no card's address
		b.AppendBytes(id[:])
	}
	return b.Finish(), nil
}

// named is a function that makes a UUID of a name in a name space.
func named(oid datum.OID, name string, version byte, h func() hash.Hash, example string) Func {
	f := row(oid, name, datum.UUID, "the UUID of a name in a name space", textBody(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		sum := h()
		sum.Write(a[0].Bytes(i))
		sum.Write(a[1].Bytes(i))
		id := sum.Sum(nil)[:16]
		id[6], id[8] = id[6]&0x0f|version<<4, id[8]&0x3f|0x80
		return append(dst, id...), nil
	}), datum.UUID, datum.Text)
	f.Example, f.Result = name+"(uuid_ns_dns(), 'www.postgresql.org')", example
	return f
}
