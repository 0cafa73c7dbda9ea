#include "textflag.h"

// PASS reads the values in Y0 as 24 bytes, and leaves in R12 a bit for the end of each stretch of eight that may be readable.
#define PASS \
	VPMADDUBSW Y12, Y0, Y0 \
	VPMADDWD Y11, Y0, Y0 \
	VPSHUFB Y10, Y0, Y0 \
	VPERMD Y0, Y9, Y0 \
	VPSRLW $4, Y0, Y1 \
	VPAND Y15, Y0, Y0 \
	VPAND Y15, Y1, Y1 \
	VPSHUFB Y0, Y14, Y0 \
	VPSHUFB Y1, Y13, Y1 \
	VPAND Y0, Y1, Y0 \
	VPCMPEQB Y0, Y7, Y1 \
	VPMOVMSKB Y0, R9             /* last bytes of a rune */ \
	VPMOVMSKB Y1, R8             /* bytes that no text has */ \
	VPCMPGTB 416(AX), Y0, Y1 \
	VPMOVMSKB Y1, R10            /* first bytes of a rune of some */ \
	VPCMPGTB 448(AX), Y0, Y1 \
	VPMOVMSKB Y1, R11            /* of a rune of three or four */ \
	VPADDB Y0, Y0, Y0 \
	VPMOVMSKB Y0, R12            /* of a rune of four */ \
	NOTL R8 \
	ANDL $0x00FFFFFF, R8 \
	LEAL (R12)(R12*1), R12       /* behind which a rune goes on: the next, the one after it if that does, the third */ \
	ANDL R9, R12 \
	ORL  R11, R12 \
	LEAL (R12)(R12*1), R12 \
	ANDL R9, R12 \
	ORL  R10, R12 \
	LEAL (R12)(R12*1), R12 \
	XORL R9, R12 \
	NOTL R12                     /* a byte that may stand behind the one before */ \
	LEAL (R8)(R8*1), R11 \
	ANDL R8, R11 \
	ANDL R11, R12 \
	LEAL (R12)(R12*1), R11 \
	ANDL R11, R12 \
	MOVL R12, R11 \
	SHLL $2, R11 \
	ANDL R11, R12 \
	MOVL R12, R11 \
	SHLL $3, R11 \
	ANDL R11, R12                /* the last of seven of them */ \
	NOTL R9 \
	ANDL R9, R8 \
	SHLL $7, R8 \
	ANDL R8, R12

// func saysAVX2(values *uint8, windows int, tab *saysTable) bool
// AVX2.
TEXT ·saysAVX2(SB), NOSPLIT, $0-25
	MOVQ values+0(FP), SI
	MOVQ windows+8(FP), CX
	MOVQ tab+16(FP), AX
	VMOVDQU (AX), Y12
	VMOVDQU 32(AX), Y11
	VMOVDQU 64(AX), Y10
	VMOVDQU 96(AX), Y9
	VMOVDQU 128(AX), Y8
	VMOVDQU 160(AX), Y14
	VMOVDQU 192(AX), Y13
	VMOVDQU 224(AX), Y15
	VPXOR Y7, Y7, Y7

window:
	MOVQ $4, DX

skip:
	VMOVDQU (SI), Y6
	VMOVDQA Y6, Y0
	PASS
	JNZ  may
	VPSHUFB Y8, Y6, Y0           // backwards
	VPERMQ $0x4E, Y0, Y0
	PASS
	JNZ  may
	VMOVDQU 384(AX), Y2          // 13, or -13 where letters are behind the middle of the alphabet, or 0
	VPCMPGTB 256(AX), Y6, Y0
	VPCMPGTB 288(AX), Y6, Y1
	VPXOR Y1, Y0, Y0
	VPCMPGTB 320(AX), Y6, Y1
	VPXOR Y1, Y0, Y0
	VPXOR Y0, Y2, Y2
	VPSUBB Y0, Y2, Y2
	VPCMPGTB 352(AX), Y6, Y1
	VPANDN Y2, Y1, Y2
	VPADDB Y2, Y6, Y0
	PASS
	JNZ  may
	INCQ SI
	DECQ DX
	JNZ  skip
	ADDQ $16, SI                 // and the four
	DECQ CX
	JNZ  window
	VZEROUPPER
	MOVB $0, ret+24(FP)
	RET

may:
	VZEROUPPER
	MOVB $1, ret+24(FP)
	RET
