package lock

// Mode is how a thing is locked. Table modes are PostgreSQL's (manual 13.3.1), row modes too (13.3.2), with three by which one learns
// whether a row that is locked will be replaced or end, which PostgreSQL sees in the row itself; keys of indexes and advisory locks have two.
type Mode uint8

// The modes of tables, of rows, and of keys and advisory locks, each from weak to strong.
const (
	AccessShare Mode = iota
	RowShare
	RowExclusive
	ShareUpdateExclusive
	TableShare
	ShareRowExclusive
	TableExclusive
	AccessExclusive

	ForKeyShare
	ForShare
	ForNoKeyUpdate
	ForUpdate
	ForChange // ForNoKeyUpdate of who replaces the row
	ForEnding // ForUpdate of who ends the row, or its keys
	Glance    // of who only wants to know what becomes of the row

	Share
	Exclusive

	numModes
)

// names are those of pg_locks.
var names = [numModes]string{
	"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
	"For Key Share", "For Share", "For No Key Update", "For Update", "For Change", "For Ending", "Glance",
	"ShareLock", "ExclusiveLock",
}

// String is the mode's name in pg_locks.
func (m Mode) String() string { return names[m] }

// set is a set of modes.
type set uint32

func modes(list ...Mode) (s set) {
	for _, m := range list {
		s |= 1 << m
	}
	return s
}

func (s set) has(m Mode) bool { return s&(1<<m) != 0 }

// conflicts are the modes that others must not have. Modes of different kinds of things never meet.
var conflicts = [numModes]set{
	AccessShare:          modes(AccessExclusive),
	RowShare:             modes(TableExclusive, AccessExclusive),
	RowExclusive:         modes(TableShare, ShareRowExclusive, TableExclusive, AccessExclusive),
	ShareUpdateExclusive: modes(ShareUpdateExclusive, TableShare, ShareRowExclusive, TableExclusive, AccessExclusive),
	TableShare:           modes(RowExclusive, ShareUpdateExclusive, ShareRowExclusive, TableExclusive, AccessExclusive),
	ShareRowExclusive:    modes(RowExclusive, ShareUpdateExclusive, TableShare, ShareRowExclusive, TableExclusive, AccessExclusive),
	TableExclusive: modes(RowShare, RowExclusive, ShareUpdateExclusive, TableShare, ShareRowExclusive, TableExclusive,
		AccessExclusive),
	AccessExclusive: modes(AccessShare, RowShare, RowExclusive, ShareUpdateExclusive, TableShare, ShareRowExclusive, TableExclusive,
		AccessExclusive),
	ForKeyShare:    modes(ForUpdate, ForEnding),
	ForShare:       modes(ForNoKeyUpdate, ForUpdate, ForChange, ForEnding),
	ForNoKeyUpdate: modes(ForShare, ForNoKeyUpdate, ForUpdate, ForChange, ForEnding),
	ForUpdate:      modes(ForKeyShare, ForShare, ForNoKeyUpdate, ForUpdate, ForChange, ForEnding),
	ForChange:      modes(ForShare, ForNoKeyUpdate, ForUpdate, ForChange, ForEnding),
	ForEnding:      modes(ForKeyShare, ForShare, ForNoKeyUpdate, ForUpdate, ForChange, ForEnding),
	Glance:         modes(ForChange, ForEnding),
	Share:          modes(Exclusive),
	Exclusive:      modes(Share, Exclusive),
}

// behind are the modes that who waits for m stays behind: those that conflict. Who only wants to know what becomes of a row looks at nobody but
// who has it.
func behind(m Mode) set {
	if m == Glance {
		return 0
	}
	return conflicts[m]
}

// overtakes reports whether who can have a row in a mode does not ask who waits for it: it is shared with those that have it.
func overtakes(m Mode) bool { return m == ForKeyShare || m == ForShare || m == Glance }

// waits are the modes that wait for m: those with which it conflicts and, of the modes that replace or end a row, Glance, for which they do not wait themselves.
var waits = func() (out [numModes]set) {
	for mode, list := range conflicts {
		for m := range numModes {
			if list.has(m) {
				out[m] |= modes(Mode(mode))
			}
		}
	}
	return out
}()

// covers reports whether who has the modes needs no further lock for m: one of them conflicts with all that m conflicts with, and lets nobody pass who
// would wait for m.
func (s set) covers(m Mode) bool {
	if s.has(m) {
		return true
	}
	for have := range numModes {
		if s.has(have) && conflicts[have]&conflicts[m] == conflicts[m] && waits[have]&waits[m] == waits[m] {
			return true
		}
	}
	return false
}
