package segment

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/cespare/xxhash/v2"
)

const (
	pieceSize  = 8 << 10 // raw bytes of a zstd piece: what reading one text may cost
	sampleSize = 16 << 10
	fewTexts   = 32 // distinct texts, of very many, for which no other form is tried: codes take five bits at most
)

// byteList is a list of byte strings, one after the other.
type byteList struct {
	data []byte
	ends []uint32
}

func (l *byteList) len() int { return len(l.ends) }

func (l *byteList) at(i int) []byte {
	if i == 0 {
		return l.data[:l.ends[0]]
	}
	return l.data[l.ends[i-1]:l.ends[i]]
}

func (l *byteList) add(s []byte) {
	l.data = append(l.data, s...)
	l.ends = append(l.ends, uint32(len(l.data)))
}

// grow makes room for n strings of so many bytes.
func (l *byteList) grow(n, size int) {
	l.data, l.ends = slices.Grow(l.data, size), slices.Grow(l.ends, n)
}

func (l *byteList) truncate(n int) {
	l.ends = l.ends[:n]
	if n == 0 {
		l.data = l.data[:0]
	} else {
		l.data = l.data[:l.ends[n-1]]
	}
}

func (l *byteList) memSize() int64 { return int64(cap(l.data) + 4*cap(l.ends)) }

// textsEncoder holds the scratch memory of encoding texts. After append, hashes are those of the distinct texts, or of
// all if few repeat.
type textsEncoder struct {
	ints   *intsEncoder
	zip    *compressor
	hashes []uint64

	dict    dict
	codes   []int64
	nums    []int64
	stored  byteList
	scratch []byte
}

// append encodes l, which is not empty.
func (e *textsEncoder) append(dst []byte, l *byteList) []byte {
	n := l.len()
	distinct := e.classify(l)
	if distinct == 1 {
		return appendText(append(dst, textsConst), string(l.at(0)))
	}
	if distinct > 0 {
		d := byteList{e.dict.data, e.dict.ends}
		take := distinct <= fewTexts && n >= fewTexts*fewTexts
		if !take && distinct <= n*3/4 {
			take = e.guess(&d)+n*bitsPerValue(distinct)/8 < e.guess(l)*9/8
		}
		if take {
			dst = binary.AppendUvarint(append(dst, textsDict), uint64(distinct))
			dst = e.appendPlain(dst, &d)
			return e.ints.append(dst, e.codes, false)
		}
	}
	return e.appendPlain(dst, l)
}

// classify numbers the texts and returns how many are distinct, 0 when most are.
func (e *textsEncoder) classify(l *byteList) int {
	n := l.len()
	e.dict.reset(min(n, 4096))
	e.codes = e.codes[:0]
	e.hashes = e.hashes[:0]
	for i := range n {
		e.codes = append(e.codes, int64(e.dict.addRecent(l.at(i))))
		if i&4095 == 4095 && e.dict.len() > i/8*7 {
			e.hashes = append(e.hashes, e.dict.hashes...)
			for i++; i < n; i++ {
				e.hashes = append(e.hashes, xxhash.Sum64(l.at(i)))
			}
			return 0
		}
	}
	e.hashes = append(e.hashes, e.dict.hashes...)
	return e.dict.len()
}

// guess estimates the encoded size of plain texts.
func (e *textsEncoder) guess(l *byteList) int {
	switch formOf(l) {
	case formHex:
		return len(l.data) / 2
	case formUUID:
		return 16 * l.len()
	}
	if prefix, digits, ok := e.numbered(l); ok {
		lo, hi := bounds(e.nums)
		_ = digits
		return len(prefix) + l.len()*int(packWidth(uint64(hi-lo)))/8
	}
	sample := l.data[:min(len(l.data), sampleSize)]
	if len(sample) < 64 {
		return len(l.data)
	}
	e.scratch = e.zip.enc.EncodeAll(sample, e.scratch[:0])
	return len(l.data)*min(len(e.scratch), len(sample))/len(sample) + l.len()/2
}

// appendPlain encodes texts without a dictionary.
func (e *textsEncoder) appendPlain(dst []byte, l *byteList) []byte {
	if l.len() == 1 {
		return appendText(append(dst, textsConst), string(l.at(0)))
	}
	form := formOf(l)
	if form == formAsIs {
		if prefix, digits, ok := e.numbered(l); ok {
			dst = appendText(append(dst, textsNumbered), string(prefix))
			return e.ints.append(append(dst, byte(digits)), e.nums, false)
		}
	}
	dst = append(dst, textsPlain, form)
	if form != formAsIs {
		l = e.pack(l, form)
	}
	e.nums = e.nums[:0]
	from := uint32(0)
	for _, end := range l.ends {
		e.nums = append(e.nums, int64(end-from))
		from = end
	}
	dst = e.ints.append(dst, e.nums, false)
	return e.appendPieces(dst, l)
}

// pack stores texts in their binary form.
func (e *textsEncoder) pack(l *byteList, form byte) *byteList {
	out := &e.stored
	out.truncate(0)
	for i := range l.len() {
		s := l.at(i)
		if form == formHex {
			out.data, _ = hex.AppendDecode(out.data, s)
		} else {
			for _, part := range [...][]byte{s[:8], s[9:13], s[14:18], s[19:23], s[24:]} {
				out.data, _ = hex.AppendDecode(out.data, part)
			}
		}
		out.ends = append(out.ends, uint32(len(out.data)))
	}
	return out
}

// appendPieces appends the bytes, compressed if a sample says that it pays.
func (e *textsEncoder) appendPieces(dst []byte, l *byteList) []byte {
	sample := l.data[:min(len(l.data), sampleSize)]
	ok := len(sample) >= 64
	if ok {
		e.scratch, ok = e.zip.pack(e.scratch[:0], sample)
	}
	if !ok {
		return appendText(binary.AppendUvarint(dst, 0), string(l.data))
	}
	type piece struct{ texts, raw, packed int }
	var pieces []piece
	body := e.scratch[:0]
	from, begin := 0, uint32(0)
	for i, end := range l.ends {
		if end-begin < pieceSize && i < l.len()-1 {
			continue
		}
		was := len(body)
		body, _ = e.zip.pack(body, l.data[begin:end])
		pieces = append(pieces, piece{i + 1 - from, int(end - begin), len(body) - was})
		from, begin = i+1, end
	}
	e.scratch = body
	dst = binary.AppendUvarint(dst, uint64(len(pieces)))
	for _, p := range pieces {
		dst = binary.AppendUvarint(dst, uint64(p.texts))
		dst = binary.AppendUvarint(dst, uint64(p.raw))
		dst = binary.AppendUvarint(dst, uint64(p.packed))
	}
	return append(dst, body...)
}

// formOf finds the binary form that all texts have.
func formOf(l *byteList) byte {
	if l.len() == 0 || len(l.data) == 0 {
		return formAsIs
	}
	isHex, isUUID := len(l.data) >= 8, true
	for i := range l.len() {
		s := l.at(i)
		isUUID = isUUID && looksUUID(s)
		isHex = isHex && !isUUID && looksHex(s)
		if !isHex && !isUUID {
			return formAsIs
		}
	}
	if isUUID {
		return formUUID
	}
	return formHex
}

var hexDigit = func() (t [256]bool) {
	for _, c := range "0123456789abcdef" {
		t[c] = true
	}
	return t
}()

func looksHex(s []byte) bool {
	if len(s)%2 != 0 {
		return false
	}
	for _, c := range s {
		if !hexDigit[c] {
			return false
		}
	}
	return true
}

func looksUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !hexDigit[c] {
			return false
		}
	}
	return true
}

// numbered finds a common prefix before decimal digits; the numbers are left in e.nums.
func (e *textsEncoder) numbered(l *byteList) (prefix []byte, digits int, ok bool) {
	first := l.at(0)
	cut := len(first)
	for cut > 0 && first[cut-1]-'0' <= 9 && len(first)-cut < maxDigits {
		cut--
	}
	if cut == len(first) {
		return nil, 0, false
	}
	// Leading zeros of the first text may belong to a common prefix; taking them as digits is right when all texts
	// have one length, else the digits begin at the first that is not zero.
	prefix, digits = first[:cut], len(first)-cut
	same, canonical := true, true
	e.nums = e.nums[:0]
	for i := range l.len() {
		s := l.at(i)
		if len(s) <= cut || len(s)-cut > maxDigits || string(s[:cut]) != string(prefix) {
			return nil, 0, false
		}
		var v int64
		for _, c := range s[cut:] {
			if c-'0' > 9 {
				return nil, 0, false
			}
			v = v*10 + int64(c-'0')
		}
		same = same && len(s)-cut == digits
		canonical = canonical && (s[cut] != '0' || len(s)-cut == 1)
		if !same && !canonical {
			return nil, 0, false
		}
		e.nums = append(e.nums, v)
	}
	if canonical {
		digits = 0
	}
	return prefix, digits, true
}

// numbersAll reports whether the dictionary holds all of the texts just encoded.
func (e *textsEncoder) numbersAll(l *byteList) bool { return len(e.codes) == l.len() }
