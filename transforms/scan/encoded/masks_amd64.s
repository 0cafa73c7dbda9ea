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

// CLASSES puts the classes of 32 bytes at SI into Y0, 0 for bytes that are not ASCII, and leaves Y1 with bits for those that are
// none of base64.
#define CLASSES(at) \
	VMOVDQU at(SI), Y0 \
	VPSRLW $4, Y0, Y1 \
	VPSHUFB Y0, Y14, Y0 \
	VPAND Y15, Y1, Y1 \
	VPSHUFB Y1, Y13, Y1 \
	VPAND Y0, Y1, Y0 \
	VPCMPEQB Y0, Y9, Y1

// func masksAVX2(src *byte, chunks int, out *[4]uint64, tab *[2][32]byte)
TEXT ·masksAVX2(SB), NOSPLIT, $0-32
	MOVQ src+0(FP), SI
	MOVQ chunks+8(FP), CX
	MOVQ out+16(FP), DI
	MOVQ tab+24(FP), AX
	VMOVDQU (AX), Y14            // by the low half of a byte
	VMOVDQU 32(AX), Y13          // by the high half
	MOVL $0x0F, AX
	VMOVQ AX, X15
	VPBROADCASTB X15, Y15
	MOVL $0x61, AX               // hex, or what ROT13 makes of it
	VMOVQ AX, X12
	VPBROADCASTB X12, Y12
	MOVL $0x07, AX               // letters and digits
	VMOVQ AX, X11
	VPBROADCASTB X11, Y11
	VPXOR Y9, Y9, Y9

avx2:
	CLASSES(0)
	VPMOVMSKB Y1, R8
	VPAND Y12, Y0, Y1
	VPAND Y11, Y0, Y0
	VPCMPEQB Y1, Y9, Y1
	VPCMPEQB Y0, Y9, Y0
	VPMOVMSKB Y1, R9
	VPMOVMSKB Y0, R10
	CLASSES(32)
	VPMOVMSKB Y1, R11
	VPAND Y12, Y0, Y1
	VPAND Y11, Y0, Y0
	VPCMPEQB Y1, Y9, Y1
	VPCMPEQB Y0, Y9, Y0
	VPMOVMSKB Y1, R12
	VPMOVMSKB Y0, R13
	SHLQ $32, R11
	SHLQ $32, R12
	SHLQ $32, R13
	ORQ  R11, R8
	ORQ  R12, R9
	ORQ  R13, R10
	NOTQ R8
	NOTQ R9
	NOTQ R10
	MOVQ R8, (DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	ADDQ $64, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  avx2
	VZEROUPPER
	RET
