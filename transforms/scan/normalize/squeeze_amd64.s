#include "textflag.h"

// func squeezeVBMI(src *byte, chunks int, dst *byte, tab *[128]byte) (done, written int)
// AVX-512 F, BW, VBMI, VBMI2 and POPCNT.
TEXT ·squeezeVBMI(SB), NOSPLIT, $0-48
	MOVQ src+0(FP), SI
	MOVQ chunks+8(FP), CX
	MOVQ dst+16(FP), DI
	MOVQ tab+24(FP), AX
	VMOVDQU64 0(AX), Z20
	VMOVDQU64 64(AX), Z21
	XORQ R8, R8

loop:
	CMPQ R8, CX
	JGE  done
	VMOVDQU64 (SI), Z0
	VPMOVB2M Z0, K1              // bytes that are not ASCII
	KORTESTQ K1, K1
	JNZ  done
	VMOVDQA64 Z0, Z1
	VPERMI2B Z21, Z20, Z1        // the byte of the key, or 0
	VPTESTMB Z1, Z1, K2
	KMOVQ K2, BX
	VPCOMPRESSB Z1, K2, Z3
	VMOVDQU64 Z3, (DI)
	POPCNTQ BX, BX
	ADDQ BX, DI
	ADDQ $64, SI
	INCQ R8
	JMP  loop

done:
	MOVQ R8, done+32(FP)
	SUBQ dst+16(FP), DI
	MOVQ DI, written+40(FP)
	VZEROUPPER
	RET
