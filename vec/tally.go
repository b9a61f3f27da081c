package vec

// fewCodes is up to how many codes are counted by comparing: a pass for each.
const fewCodes = 4

// Tally adds to counts how often each code occurs; all codes are below len(counts).
func Tally(counts []int64, codes []int32) {
	if len(counts) > fewCodes {
		tallyScalar(counts, codes)
		return
	}
	var marks [16]uint64
	for len(codes) > 0 {
		n := min(len(codes), 64*len(marks))
		rest := n
		for code := range counts[:max(len(counts)-1, 0)] {
			BetweenInt32(marks[:], codes[:n], int32(code), int32(code), false)
			k := Bitmap(marks[:]).Count(n)
			counts[code] += int64(k)
			rest -= k
		}
		counts[len(counts)-1] += int64(rest)
		codes = codes[n:]
	}
}

// tallyScalar counts every other code apart, so that a count need not wait for the one before it where codes repeat.
func tallyScalar(counts []int64, codes []int32) {
	const most = 256
	if len(counts) > most || len(codes) < most {
		for _, c := range codes {
			counts[c]++
		}
		return
	}
	var odd [most]int64
	for len(codes) >= 4 {
		counts[codes[0]]++
		odd[uint8(codes[1])]++
		counts[codes[2]]++
		odd[uint8(codes[3])]++
		codes = codes[4:]
	}
	for _, c := range codes {
		counts[c]++
	}
	for i := range counts {
		counts[i] += odd[i]
	}
}
