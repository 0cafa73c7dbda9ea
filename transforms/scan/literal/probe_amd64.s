#include "textflag.h"

// START takes the arguments that all kernels have: Y11 are the places of the probes, Y12 the mask of a word, Y9 the way from one
// round to the next, DX the filter, R8 the stride; Y14 and Y13 siftLow and siftHigh.
#define START \
	MOVQ text+0(FP), SI \
	MOVQ n+8(FP), CX \
	MOVQ in+16(FP), AX \
	MOVQ found+24(FP), DI \
	VPBROADCASTD first+32(FP), Y11 \
	MOVQ had+40(FP), R10 \
	VPADDD (AX), Y11, Y11 \
	VPBROADCASTD 32(AX), Y12 \
	VPBROADCASTD 36(AX), Y9 \
	MOVQ 40(AX), DX \
	MOVQ 48(AX), R8 \
	LEAQ ·kept(SB), BX \
	MOVL $0x20202020, R9 \
	VMOVD R9, X15 \
	VPBROADCASTD X15, Y15 \
	MOVL $0x9E3779B1, R9 \
	VMOVD R9, X14 \
	VPBROADCASTD X14, Y14 \
	MOVL $0x85EBCA77, R9 \
	VMOVD R9, X13 \
	VPBROADCASTD X13, Y13 \
	MOVL $31, R9 \
	VMOVD R9, X10 \
	VPBROADCASTD X10, Y10 \
	XORL R11, R11

// PROBE looks for the windows in Y0 and Y1 in the filter, and adds the places of those that it lets pass to found. The shuffle puts the
// windows in the order first, second, fifth, sixth, third, fourth, seventh, eighth.
#define PROBE \
	VPOR Y15, Y0, Y0 \
	VPOR Y15, Y1, Y1 \
	VPSRLQ $32, Y0, Y2 \
	VPSRLQ $32, Y1, Y3 \
	VPMULUDQ Y14, Y0, Y0 \
	VPMULUDQ Y14, Y1, Y1 \
	VPMULUDQ Y13, Y2, Y2 \
	VPMULUDQ Y13, Y3, Y3 \
	VPADDQ Y2, Y0, Y0 \
	VPADDQ Y3, Y1, Y1 \
	VPSRLQ $20, Y0, Y0 \
	VPSRLQ $20, Y1, Y1 \
	VSHUFPS $0x88, Y1, Y0, Y0 \
	VPSRLD $5, Y0, Y2 \
	VPAND Y12, Y2, Y2 \
	VPCMPEQD Y7, Y7, Y7 \
	VPGATHERDD Y7, (DX)(Y2*4), Y3 \
	VPSRLD $27, Y0, Y4 \
	VPSRLD $22, Y0, Y6 \
	VPAND Y10, Y0, Y5 \
	VPAND Y10, Y6, Y6 \
	VPSLLVD Y4, Y3, Y4 \
	VPSLLVD Y5, Y3, Y5 \
	VPSLLVD Y6, Y3, Y6 \
	VPAND Y4, Y5, Y4 \
	VPAND Y4, Y6, Y4 \
	VMOVMSKPS Y4, AX \
	VPMOVZXBD (BX)(AX*8), Y6 \
	VPERMD Y11, Y6, Y6 \
	VMOVDQU Y6, (DI)(R10*4) \
	VPADDD Y9, Y11, Y11 \
	POPCNTL AX, AX \
	ADDQ AX, R10

#define FINISH \
	VZEROUPPER \
	MOVQ R11, rounds+48(FP) \
	MOVQ R10, count+56(FP) \
	RET

// func probe4(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)
// Stride 4. AVX2 and POPCNT.
TEXT ·probe4(SB), NOSPLIT, $0-64
	START

four:
	CMPQ R11, CX
	JGE  done4
	CMPQ R10, $(64 - 8)         // verifyAtOnce
	JGT  done4
	VMOVDQU (SI), Y0
	VMOVDQU 4(SI), Y1
	PROBE
	ADDQ $32, SI
	INCQ R11
	JMP  four

done4:
	FINISH

// func probe8(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)
// Stride 8.
TEXT ·probe8(SB), NOSPLIT, $0-64
	START

eight:
	CMPQ R11, CX
	JGE  done8
	CMPQ R10, $(64 - 8)         // verifyAtOnce
	JGT  done8
	PREFETCHT0 1024(SI)
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	PROBE
	ADDQ $64, SI
	INCQ R11
	JMP  eight

done8:
	FINISH

// func probeFar(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)
// Any stride.
TEXT ·probeFar(SB), NOSPLIT, $0-64
	START
	LEAQ (R8)(R8*2), R12

far:
	CMPQ R11, CX
	JGE  doneFar
	CMPQ R10, $(64 - 8)         // verifyAtOnce
	JGT  doneFar
	VMOVQ (SI), X0
	VPINSRQ $1, (SI)(R8*1), X0, X0
	VMOVQ (SI)(R8*2), X2
	VPINSRQ $1, (SI)(R12*1), X2, X2
	LEAQ (SI)(R8*4), SI
	VMOVQ (SI), X1
	VPINSRQ $1, (SI)(R8*1), X1, X1
	VMOVQ (SI)(R8*2), X3
	VPINSRQ $1, (SI)(R12*1), X3, X3
	LEAQ (SI)(R8*4), SI
	VINSERTI128 $1, X2, Y0, Y0
	VINSERTI128 $1, X3, Y1, Y1
	PROBE
	INCQ R11
	JMP  far

doneFar:
	FINISH
