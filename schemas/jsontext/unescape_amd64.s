#include "textflag.h"

DATA marks<>+0(SB)/1, $0x22
DATA marks<>+1(SB)/1, $0x5c
DATA marks<>+2(SB)/1, $0x20
GLOBL marks<>(SB), RODATA|NOPTR, $3

// func unescapeAVX2(dst, src *byte, n int) (read, wrote int)
//
// SI and DI are where it reads and writes, CX the last place from which 32 bytes can be read. DI never gets ahead of SI, so that there
// are 32 bytes to write to, too.
TEXT ·unescapeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ -32(SI)(CX*1), CX
	LEAQ ·simple(SB), R11
	VPBROADCASTB marks<>+0(SB), Y1
	VPBROADCASTB marks<>+1(SB), Y2
	VPBROADCASTB marks<>+2(SB), Y3

loop:
	CMPQ     SI, CX
	JHI      done
	VMOVDQU  (SI), Y0
	VPCMPEQB Y0, Y1, Y4
	VPCMPEQB Y0, Y2, Y5
	VPCMPGTB Y0, Y3, Y6 // signed: controls, and bytes from 0x80 on
	VPOR     Y4, Y5, Y4
	VPOR     Y4, Y6, Y4
	VMOVDQU  Y0, (DI)
	VPMOVMSKB Y4, DX
	TESTL    DX, DX
	JNZ      found
	ADDQ     $32, SI
	ADDQ     $32, DI
	JMP      loop

found:
	BSFL    DX, DX
	ADDQ    DX, SI
	ADDQ    DX, DI
	CMPQ    SI, CX // what needs more than one byte has them from here on
	JHI     done
	MOVBLZX (SI), AX
	CMPL    AX, $0x5c
	JNE     letter
	MOVBLZX 1(SI), BX
	MOVBLZX (R11)(BX*1), BX
	TESTL   BX, BX
	JZ      done // \u, or none
	MOVB    BX, (DI)
	ADDQ    $2, SI
	INCQ    DI
	JMP     loop

letter: // of two or three bytes
	CMPL    AX, $0xc2
	JCS     done // a quote, a control, or no letter
	CMPL    AX, $0xf0
	JCC     done
	MOVBLZX 1(SI), BX
	MOVL    BX, DX
	ANDL    $0xc0, DX
	CMPL    DX, $0x80
	JNE     done
	CMPL    AX, $0xe0
	JCC     three
	MOVW    (SI), DX
	MOVW    DX, (DI)
	ADDQ    $2, SI
	ADDQ    $2, DI

next: // another letter, mostly, where one stood
	CMPQ    SI, CX
	JHI     done
	MOVBLZX (SI), AX
	TESTL   $0x80, AX
	JNZ     letter
	JMP     loop

three:
	JNE  notLow
	CMPL BX, $0xa0 // e0: below, two bytes are enough
	JCS  done

notLow:
	CMPL AX, $0xed
	JNE  last
	CMPL BX, $0xa0 // ed: from here on, surrogates
	JCC  done

last:
	MOVBLZX 2(SI), DX
	MOVL    DX, R8
	ANDL    $0xc0, R8
	CMPL    R8, $0x80
	JNE     done
	MOVB    DX, 2(DI)
	MOVW    (SI), DX
	MOVW    DX, (DI)
	ADDQ    $3, SI
	ADDQ    $3, DI
	JMP     next

done:
	VZEROUPPER
	SUBQ src+8(FP), SI
	SUBQ dst+0(FP), DI
	MOVQ SI, read+24(FP)
	MOVQ DI, wrote+32(FP)
	RET
