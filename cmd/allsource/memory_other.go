//go:build !linux

package main

// machineMemory is not known here without cgo; 4 GiB is taken for the machine's.
func machineMemory() int64 { return 4 << 30 }
