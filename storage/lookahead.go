package storage

// aheadKeys is how many keys after one that had to be sought are remembered with it.
const aheadKeys = 256

// lookAhead remembers the newest versions of the keys after one that was sought: of a table all of whose keys are remembered in the end each
// would be sought once otherwise, and a search costs as much as many steps. It ends at a key that is remembered, since so are those after it.
// A larger table would only drive out what is in use.
func (v *tableView) lookAhead(index uint32, key []byte) error {
	known := v.rel.d.s.known
	if len(key) > newestKeyBytes || !v.fits(int64(known.most)*newestShards/2) {
		return nil
	}
	c := v.seek(index, KeyRange{Lo: append(key[:len(key):len(key)], 0), Once: true})
	c.want = aheadKeys
	if err := c.fill(); err != nil {
		return err
	}
	for _, e := range c.found {
		if known.learn(v.rel.d.num, index, c.keys[e.from:e.to], e.row) {
			break
		}
	}
	return nil
}

// fits reports whether the table has not many more rows than so many.
func (v *tableView) fits(most int64) bool {
	for _, g := range v.st.groups {
		if most -= int64(g.rows) - min(g.closed.Load(), int64(g.rows)); most < 0 {
			return false
		}
	}
	return true
}
