#include "textflag.h"

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

// RUN leaves in m those of its bits before which, and before those of b, the 64 before, as many more are set as shift says.
#define RUN(m, b, shift) \
	MOVQ m, AX \
	MOVQ b, BX \
	SHLQ $shift, AX \
	SHRQ $(64 - shift), BX \
	ORQ  BX, AX \
	ANDQ AX, m

// BOTH is RUN, for b too, of which nothing is known before.
#define BOTH(m, b, shift) \
	RUN(m, b, shift) \
	MOVQ b, AX \
	SHLQ $shift, AX \
	ANDQ AX, b

// func runsAVX2(src *byte, chunks int, before *[3]uint64, tab *[2][32]byte) (done int, long, pairs uint64)
// AVX2.
TEXT ·runsAVX2(SB), NOSPLIT, $0-56
	MOVQ src+0(FP), SI
	MOVQ chunks+8(FP), CX
	MOVQ before+16(FP), DI
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
	MOVQ 0(DI), R11              // the masks of the 64 bytes before: base64
	MOVQ 8(DI), R12              // hex
	MOVQ 16(DI), R13             // what is no letter or digit

chunk:
	CLASSES(0)
	VPMOVMSKB Y1, R8
	VPAND Y12, Y0, Y1
	VPAND Y11, Y0, Y0
	VPCMPEQB Y1, Y9, Y1
	VPCMPEQB Y0, Y9, Y0
	VPMOVMSKB Y1, R9
	VPMOVMSKB Y0, R10
	CLASSES(32)
	VPMOVMSKB Y1, AX
	VPAND Y12, Y0, Y1
	VPAND Y11, Y0, Y0
	VPCMPEQB Y1, Y9, Y1
	VPCMPEQB Y0, Y9, Y0
	VPMOVMSKB Y1, BX
	VPMOVMSKB Y0, DX
	SHLQ $32, AX
	SHLQ $32, BX
	SHLQ $32, DX
	ORQ  AX, R8
	ORQ  BX, R9
	ORQ  DX, R10
	NOTQ R8
	NOTQ R9
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)

	// The bits at which a run of sixteen letters ends.
	BOTH(R8, R11, 1)
	BOTH(R8, R11, 2)
	BOTH(R8, R11, 4)
	RUN(R8, R11, 8)

	// The bits of what is no letter, and again three and six bytes before.
	MOVQ R10, DX
	RUN(DX, R13, 3)
	MOVQ R10, AX
	SHLQ $6, AX
	SHRQ $58, R13
	ORQ  R13, AX
	ANDQ AX, DX

	// Of these, those with two hex digits before, and three bytes before that.
	BOTH(R9, R12, 1)
	MOVQ R9, AX
	MOVQ R12, BX
	SHLQ $1, AX
	SHRQ $63, BX
	ORQ  BX, AX
	ANDQ AX, DX
	SHLQ $4, R9
	SHRQ $60, R12
	ORQ  R12, R9
	ANDQ R9, DX

	ADDQ $64, SI
	MOVQ R8, AX
	ORQ  DX, AX
	JNZ  done
	MOVQ 0(DI), R11
	MOVQ 8(DI), R12
	MOVQ 16(DI), R13
	DECQ CX
	JNZ  chunk

done:
	VZEROUPPER
	SUBQ src+0(FP), SI
	SHRQ $6, SI
	MOVQ SI, done+32(FP)
	MOVQ R8, long+40(FP)
	MOVQ DX, pairs+48(FP)
	RET
