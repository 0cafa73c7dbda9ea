#include "textflag.h"

// MASK leaves in m a bit for each byte of lo and hi, 64 in all, that has its high bit set.
#define MASK(lo, hi, m) \
	VPMOVMSKB hi, m \
	VPMOVMSKB lo, BX \
	SHLQ $32, m \
	ORQ  BX, m

// HEX leaves in m the hex digits, or what ROT13 makes of them, among 64 bytes at base.
#define HEX(base, at, m) \
	VMOVDQU at(base), Y2 \
	VMOVDQU (at+32)(base), Y3 \
	VPSRLW $4, Y2, Y6 \
	VPAND Y15, Y6, Y6 \
	VPSHUFB Y6, Y5, Y6 \
	VPSHUFB Y2, Y4, Y2 \
	VPAND Y6, Y2, Y2 \
	VPSRLW $4, Y3, Y6 \
	VPAND Y15, Y6, Y6 \
	VPSHUFB Y6, Y5, Y6 \
	VPSHUFB Y3, Y4, Y3 \
	VPAND Y6, Y3, Y3 \
	VPCMPEQB Y9, Y2, Y2 \
	VPCMPEQB Y9, Y3, Y3 \
	MASK(Y2, Y3, m) \
	NOTQ m

// KEEP puts those bytes of a group of eight to DI that BX has bits for in its low eight, and shifts them out; group is the XMM register
// that begins with the group.
#define KEEP(group) \
	MOVBLZX BX, AX \
	SHRQ $8, BX \
	VMOVQ (R14)(AX*8), X6 \
	VPSHUFB X6, group, X6 \
	VMOVQ X6, (DI) \
	POPCNTL AX, AX \
	ADDQ AX, DI

// func lookAVX2(text *byte, n int, key *byte, l *look, tab *lookTable, kept *[256]uint64)
// AVX2 and POPCNT.
TEXT ·lookAVX2(SB), NOSPLIT, $48-48
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), AX
	LEAQ -64(SI)(AX*1), AX       // the last 64 bytes
	MOVQ AX, last-40(SP)
	MOVQ key+16(FP), DI
	MOVQ l+24(FP), AX
	MOVQ tab+32(FP), BX
	MOVQ kept+40(FP), R14
	MOVQ 16(AX), R15             // keyed
	ADDQ SI, R15
	ADDQ 0(AX), SI               // at
	ADDQ 8(AX), DI               // to
	MOVQ 24(AX), R11             // words
	MOVQ 32(AX), R13             // apart
	MOVQ 40(AX), R9              // twice
	MOVQ 48(AX), R12             // lead
	VMOVDQU 80(AX), Y10          // seen
	VMOVDQU 112(AX), Y8          // least
	VMOVDQU (BX), Y14
	VMOVDQU 32(BX), Y13
	VMOVDQU 128(BX), Y15         // 0x0F
	VMOVDQU 160(BX), Y12         // the classes of letters of base64
	VMOVDQU 192(BX), Y11         // of letters and digits
	VMOVDQU 224(BX), Y7          // 0x20
	VPXOR Y9, Y9, Y9
	CMPB ·hasVBMI(SB), $0
	JEQ  chunk
	VPBROADCASTB X7, Z17

chunk:
	XORL DX, DX
	XORL R8, R8
	XORL R10, R10                // it has no bytes that this cannot read
	CMPQ SI, last-40(SP)
	JGT  done
	PREFETCHT0 1024(SI)
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPSRLW $4, Y0, Y2
	VPSRLW $4, Y1, Y3
	VPAND Y15, Y2, Y2
	VPAND Y15, Y3, Y3
	VPSHUFB Y0, Y14, Y4
	VPSHUFB Y1, Y14, Y5
	VPSHUFB Y2, Y13, Y2
	VPSHUFB Y3, Y13, Y3
	VPAND Y2, Y4, Y4             // the classes
	VPAND Y3, Y5, Y5
	VPOR Y4, Y10, Y10
	VPMINUB Y0, Y8, Y8
	VPOR Y5, Y10, Y10
	VPMINUB Y1, Y8, Y8

	// Seven times two letters of base64 one behind the other, as every run of sixteen has: a bit for the last two.
	VPAND Y12, Y4, Y2
	VPAND Y12, Y5, Y3
	VPCMPEQB Y9, Y2, Y2
	VPCMPEQB Y9, Y3, Y3
	VPCMPEQW Y9, Y2, Y2
	VPCMPEQW Y9, Y3, Y3
	VPACKSSWB Y3, Y2, Y2
	VPERMQ $0xD8, Y2, Y2
	VPMOVMSKB Y2, AX
	SHLQ $32, AX
	ORQ  AX, R11
	MOVQ R11, R8
	SHRQ $1, R8
	ANDQ R11, R8
	MOVQ R8, AX
	SHRQ $2, AX
	ANDQ AX, R8
	MOVQ R8, AX
	SHRQ $3, AX
	ANDQ AX, R8
	SHRQ $26, R8
	SHRQ $32, R11

	// What is no letter or digit, and again three, six and nine bytes before.
	VPAND Y11, Y4, Y4
	VPAND Y11, Y5, Y5
	VPCMPEQB Y9, Y4, Y4
	VPCMPEQB Y9, Y5, Y5
	MASK(Y4, Y5, R10)
	LEAQ (R13)(R10*8), AX
	ANDQ R10, AX
	MOVQ R10, R13
	SHRQ $61, R13
	MOVQ AX, DX
	SHLQ $6, DX
	ORQ  R9, DX
	MOVQ AX, R9
	SHRQ $58, R9
	ANDQ AX, DX
	JNZ  hex

key:
	XORL CX, CX
	CMPQ R15, SI
	JHI  partly

ascii:
	VPOR Y0, Y1, Y2
	VPMOVMSKB Y2, AX
	TESTL AX, AX
	JNZ  high
	XORL R12, R12

squeeze:
	NOTQ R10
	CMPB ·hasVBMI(SB), $0
	JNE  compress
	MOVQ R10, BX
	VPOR Y7, Y0, Y0              // small letters
	VPOR Y7, Y1, Y1
	VEXTRACTI128 $1, Y0, X2
	VEXTRACTI128 $1, Y1, X3
	KEEP(X0)
	VPSRLDQ $8, X0, X0
	KEEP(X0)
	KEEP(X2)
	VPSRLDQ $8, X2, X2
	KEEP(X2)
	KEEP(X1)
	VPSRLDQ $8, X1, X1
	KEEP(X1)
	KEEP(X3)
	VPSRLDQ $8, X3, X3
	KEEP(X3)

next:
	ADDQ $64, SI
	MOVQ R8, AX
	ORQ  DX, AX
	JZ   chunk
	XORL R10, R10

done:
	MOVQ l+24(FP), AX
	MOVQ text+0(FP), BX
	SUBQ BX, SI
	MOVQ SI, 0(AX)
	SUBQ key+16(FP), DI
	MOVQ DI, 8(AX)
	MOVQ R11, 24(AX)
	MOVQ R13, 32(AX)
	MOVQ R9, 40(AX)
	MOVQ R12, 48(AX)
	MOVQ R8, 56(AX)
	MOVQ DX, 64(AX)
	MOVQ R10, 72(AX)
	VMOVDQU Y10, 80(AX)
	VMOVDQU Y8, 112(AX)
	VZEROUPPER
	RET

compress: // with AVX-512 VBMI2
	VPORQ (SI), Z17, Z16
	KMOVQ R10, K1
	VPCOMPRESSB Z16, K1, Z16
	VMOVDQU64 Z16, (DI)
	POPCNTQ R10, R10
	ADDQ R10, DI
	JMP  next

partly: // the key of the first bytes is made, or of all
	MOVQ R15, BX
	SUBQ SI, BX
	CMPQ BX, $64
	JGE  next
	MOVQ BX, CX
	MOVL $1, BX
	SHLQ CX, BX
	LEAQ -1(BX), CX
	ORQ  CX, R10
	JMP  ascii

high: // all that is not ASCII must be runes of the bytes E2 80, which have no key
	MOVQ R8, saved-8(SP)
	MOVQ DX, saved-24(SP)
	MOVQ R10, saved-32(SP)
	NOTQ CX
	MASK(Y0, Y1, AX)
	ANDQ CX, AX
	MOVQ tab+32(FP), R8
	VMOVDQU 256(R8), Y6          // 0xE2
	VPCMPEQB Y6, Y0, Y2
	VPCMPEQB Y6, Y1, Y3
	MASK(Y2, Y3, DX)             // the first bytes
	ANDQ CX, DX
	MOVQ R12, CX
	SHRQ $1, CX
	LEAQ (CX)(DX*2), CX          // where second ones stand
	LEAQ (R12)(DX*4), R10        // where third ones stand
	MOVQ CX, BX
	ORQ  DX, BX
	ORQ  R10, BX
	NOTQ BX
	ANDQ BX, AX                  // others
	VMOVDQU 288(R8), Y6          // 0x80
	VPCMPEQB Y6, Y0, Y2
	VPCMPEQB Y6, Y1, Y3
	VMOVDQU 320(R8), Y6          // 0xC0
	MASK(Y2, Y3, R8)
	NOTQ R8
	ANDQ R8, CX
	ORQ  CX, AX
	VPCMPGTB Y0, Y6, Y2          // 0x80 to 0xBF
	VPCMPGTB Y1, Y6, Y3
	MASK(Y2, Y3, R8)
	NOTQ R8
	ANDQ R8, R10
	ORQ  R10, AX
	MOVQ saved-8(SP), R8
	MOVQ DX, CX
	MOVQ saved-24(SP), DX
	MOVQ saved-32(SP), R10
	JNZ  stop
	MOVQ CX, R12
	SHRQ $62, R12
	JMP  squeeze

stop:
	ADDQ $64, SI
	MASK(Y0, Y1, R10)
	JMP  done

hex: // of these places, those with two hex digits before, and three bytes before that
	MOVQ R8, saved-8(SP)
	MOVQ tab+32(FP), AX
	VMOVDQU 64(AX), Y4
	VMOVDQU 96(AX), Y5
	HEX(SI, 0, R8)
	XORL CX, CX
	CMPQ SI, text+0(FP)
	JLS  first
	HEX(SI, -64, CX)

first: // in R8 those that are the second of two, in CX what of them was before
	MOVQ R8, AX
	MOVQ CX, BX
	SHLQ $1, AX
	SHRQ $63, BX
	ORQ  BX, AX
	ANDQ AX, R8
	MOVQ CX, AX
	SHLQ $1, AX
	ANDQ AX, CX
	MOVQ R8, AX
	MOVQ CX, BX
	SHLQ $1, AX
	SHRQ $63, BX
	ORQ  BX, AX
	ANDQ AX, DX
	SHLQ $4, R8
	SHRQ $60, CX
	ORQ  CX, R8
	ANDQ R8, DX
	MOVQ saved-8(SP), R8
	JMP  key
