#include "textflag.h"

DATA quotes<>+0(SB)/1, $0x22
GLOBL quotes<>(SB), RODATA|NOPTR, $1
DATA slashes<>+0(SB)/1, $0x5c
GLOBL slashes<>(SB), RODATA|NOPTR, $1
DATA spaces<>+0(SB)/1, $0x20
GLOBL spaces<>(SB), RODATA|NOPTR, $1

// func plainRunAVX2(p *byte, n int) int
TEXT ·plainRunAVX2(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	XORQ AX, AX
	VPBROADCASTB quotes<>(SB), Y1
	VPBROADCASTB slashes<>(SB), Y2
	VPBROADCASTB spaces<>(SB), Y3

loop:
	VMOVDQU  (SI)(AX*1), Y0
	VPCMPEQB Y0, Y1, Y4
	VPCMPEQB Y0, Y2, Y5
	VPCMPGTB Y0, Y3, Y6 // signed: controls, and bytes from 0x80 on
	VPOR     Y4, Y5, Y4
	VPOR     Y4, Y6, Y4
	VPMOVMSKB Y4, DX
	TESTL    DX, DX
	JNZ      found
	ADDQ     $32, AX
	CMPQ     AX, CX
	JLT      loop
	VZEROUPPER
	MOVQ AX, ret+16(FP)
	RET

found:
	BSFL DX, DX
	ADDQ DX, AX
	VZEROUPPER
	MOVQ AX, ret+16(FP)
	RET
