#include "textflag.h"

// CLASSES puts the classes of 32 bytes at base into Y0, 0 for bytes that are not ASCII.
#define CLASSES(base, at) \
	VMOVDQU at(base), Y0 \
	VPSRLW $4, Y0, Y1 \
	VPSHUFB Y0, Y14, Y0 \
	VPAND Y15, Y1, Y1 \
	VPSHUFB Y1, Y13, Y1 \
	VPAND Y0, Y1, Y0

// MASKS gives the letters of base64 among 64 bytes at base in R8, and what is no letter or digit in R10.
#define MASKS(base) \
	CLASSES(base, 0) \
	VPCMPEQB Y0, Y9, Y1 \
	VPAND Y11, Y0, Y0 \
	VPCMPEQB Y0, Y9, Y0 \
	VPMOVMSKB Y1, R8 \
	VPMOVMSKB Y0, R10 \
	CLASSES(base, 32) \
	VPCMPEQB Y0, Y9, Y1 \
	VPAND Y11, Y0, Y0 \
	VPCMPEQB Y0, Y9, Y0 \
	VPMOVMSKB Y1, AX \
	VPMOVMSKB Y0, BX \
	SHLQ $32, AX \
	SHLQ $32, BX \
	ORQ  AX, R8 \
	ORQ  BX, R10 \
	NOTQ R8

// HEX gives the hex digits, or what ROT13 makes of them, among 64 bytes in m.
#define HEX(base, at, m) \
	CLASSES(base, at) \
	VPAND Y12, Y0, Y0 \
	VPCMPEQB Y0, Y9, Y0 \
	VPMOVMSKB Y0, m \
	CLASSES(base, at+32) \
	VPAND Y12, Y0, Y0 \
	VPCMPEQB Y0, Y9, Y0 \
	VPMOVMSKB Y0, AX \
	SHLQ $32, AX \
	ORQ  AX, m \
	NOTQ m

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

// func runsAVX2(src *byte, n int, before *[3]uint64, tab *[2][32]byte) (next, from int, long, pairs uint64)
// AVX2.
TEXT ·runsAVX2(SB), NOSPLIT, $0-64
	MOVQ src+0(FP), SI
	MOVQ n+8(FP), R9
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
	LEAQ -64(SI)(R9*1), R9       // the last 64 bytes
	MOVQ 0(DI), R11              // the masks of the 64 bytes before: base64
	MOVQ 16(DI), R13             // what is no letter or digit
	XORL CX, CX

chunk:
	CMPQ SI, R9
	JGT  rest
	MASKS(SI)
	MOVQ SI, R12

look:
	MOVQ R8, 0(DI)
	MOVQ R10, 16(DI)

	// The bits at which a run of sixteen letters ends.
	BOTH(R8, R11, 1)
	BOTH(R8, R11, 2)
	BOTH(R8, R11, 4)
	RUN(R8, R11, 8)

	// The bits of what is no letter, and again three and six bytes before.
	MOVQ R10, DX
	RUN(DX, R13, 3)
	SHLQ $6, R10
	SHRQ $58, R13
	ORQ  R13, R10
	ANDQ R10, DX
	JNZ  hex

both:
	MOVQ R8, AX
	ORQ  DX, AX
	JNZ  done
	MOVQ 0(DI), R11
	MOVQ 16(DI), R13
	ADDQ $64, SI
	JMP  chunk

rest: // less than 64 bytes: the last 64 without those that were looked at, and the bits moved to where they are
	MOVQ SI, CX
	SUBQ R9, CX
	CMPQ CX, $64
	JGE  end
	MOVQ R9, R12
	MASKS(R12)
	SHRQ CX, R8
	SHRQ CX, R10
	JMP  look

hex: // of these bits, those with two hex digits before, and three bytes before that
	HEX(R12, 0, R11)
	SHRQ CX, R11
	XORL R13, R13
	MOVQ src+0(FP), AX
	SUBQ SI, AX
	ORQ  8(DI), AX               // there are 64 bytes before
	JZ   first
	HEX(SI, -64, R13)

first:
	BOTH(R11, R13, 1)
	MOVQ R11, AX
	MOVQ R13, BX
	SHLQ $1, AX
	SHRQ $63, BX
	ORQ  BX, AX
	ANDQ AX, DX
	SHLQ $4, R11
	SHRQ $60, R13
	ORQ  R13, R11
	ANDQ R11, DX
	JMP  both

end:
	XORL R8, R8
	XORL DX, DX

done:
	VZEROUPPER
	ADDQ $64, R9
	MOVQ src+0(FP), AX
	SUBQ AX, R9
	SUBQ AX, SI
	MOVQ SI, from+40(FP)
	ADDQ $64, SI
	CMPQ SI, R9
	CMOVQGT R9, SI
	MOVQ SI, next+32(FP)
	MOVQ R8, long+48(FP)
	MOVQ DX, pairs+56(FP)
	RET
