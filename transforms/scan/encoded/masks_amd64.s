#include "textflag.h"

// func masksVBMI(src *byte, chunks int, out *[4]uint64, tab *[128]byte)
// AVX-512 F, BW and VBMI.
TEXT ·masksVBMI(SB), NOSPLIT, $0-32
	MOVQ src+0(FP), SI
	MOVQ chunks+8(FP), CX
	MOVQ out+16(FP), DI
	MOVQ tab+24(FP), AX
	VMOVDQU64 0(AX), Z20
	VMOVDQU64 64(AX), Z21
	MOVQ $1, DX
	VPBROADCASTB DX, Z22
	MOVQ $4, DX
	VPBROADCASTB DX, Z23
	MOVQ $8, DX
	VPBROADCASTB DX, Z24
	MOVQ $16, DX
	VPBROADCASTB DX, Z25

loop:
	VMOVDQU64 (SI), Z0
	VPMOVB2M Z0, K1
	KNOTQ K1, K1                 // ASCII
	VMOVDQA64 Z0, Z1
	VPERMI2B Z21, Z20, Z1        // the class
	VPTESTMB Z22, Z1, K1, K2     // base64
	KMOVQ K2, (DI)
	VPTESTMB Z23, Z1, K1, K2     // hex, or what ROT13 makes of it
	KMOVQ K2, 8(DI)
	VPTESTMB Z24, Z1, K1, K2     // letters and digits
	KMOVQ K2, 16(DI)
	VPTESTMB Z25, Z1, K1, K2     // marks
	KMOVQ K2, 24(DI)
	ADDQ $64, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
