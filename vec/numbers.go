package vec

// Space is a set of values that were numbered together; it is known by its address.
type Space struct {
	// Name says what is numbered, for whoever debugs.
	Name string
}

// number carries the numbers of the values of from over to a column of the rows named by idx; those of nulls mean nothing.
func (c *Column) number(from *Column, idx []int32) {
	if from.Nums == nil {
		return
	}
	c.Space, c.Nums = from.Space, make([]uint32, len(idx))
	for k, i := range idx {
		if i >= 0 {
			c.Nums[k] = from.Nums[i]
		}
	}
}
