package vec

import "golang.org/x/sys/cpu"

func bestLevel() Level {
	x := &cpu.X86
	if x.HasAVX && x.HasAVX2 && x.HasBMI1 && x.HasBMI2 && x.HasPOPCNT {
		return AVX2
	}
	return Scalar
}
