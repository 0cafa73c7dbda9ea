#include "textflag.h"

// START takes the arguments that all kernels have: Y11 are the places of the probes, Y12 the mask of a word, Y9 the way from one
// round to the next, DX the filter, R8 the stride; Y14 and Y13 siftLow and siftHigh. It ends with whether to gather.
#define START \
	MOVQ text+0(FP), SI \
	MOVQ n+8(FP), CX \
	MOVQ in+16(FP), AX \
	MOVQ found+24(FP), DI \
	MOVQ had+40(FP), R10 \
	MOVQ (AX), DX \
	VPBROADCASTD 24(AX), Y11 \
	VPMULLD (DX), Y11, Y11 \
	VPBROADCASTD first+32(FP), Y12 \
	VPADDD Y12, Y11, Y11 \
	MOVQ 8(AX), DX \
	VPBROADCASTD 16(AX), Y12 \
	VPBROADCASTD 20(AX), Y9 \
	MOVQ 24(AX), R8 \
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
	LEAQ (R8)(R8*2), R15 \
	XORL R11, R11 \
	CMPQ 32(AX), $0

// The loads of windows: in Y0 and Y1, at strides of 4, of 8, and of R8, of which R15 is three times as much.
#define WINDOWS4 \
	VMOVDQU (SI), Y0 \
	VMOVDQU 4(SI), Y1 \
	ADDQ $32, SI

#define WINDOWS8 \
	PREFETCHT0 1024(SI) \
	VMOVDQU (SI), Y0 \
	VMOVDQU 32(SI), Y1 \
	ADDQ $64, SI

#define WINDOWSFAR \
	VMOVQ (SI), X0 \
	VPINSRQ $1, (SI)(R8*1), X0, X0 \
	VMOVQ (SI)(R8*2), X2 \
	VPINSRQ $1, (SI)(R15*1), X2, X2 \
	LEAQ (SI)(R8*4), SI \
	VMOVQ (SI), X1 \
	VPINSRQ $1, (SI)(R8*1), X1, X1 \
	VMOVQ (SI)(R8*2), X3 \
	VPINSRQ $1, (SI)(R15*1), X3, X3 \
	LEAQ (SI)(R8*4), SI \
	VINSERTI128 $1, X2, Y0, Y0 \
	VINSERTI128 $1, X3, Y1, Y1

// HASH makes Y7 of the windows, their hashes in the order first, second, fifth, sixth, third, fourth, seventh, eighth, and Y2, where
// their words are in the filter.
#define HASH \
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
	VSHUFPS $0x88, Y1, Y0, Y7 \
	VPSRLD $5, Y7, Y2 \
	VPAND Y12, Y2, Y2

// GATHER and LOADS are two ways to have the words in Y8.
#define GATHER \
	VPCMPEQD Y1, Y1, Y1 \
	VPGATHERDD Y1, (DX)(Y2*4), Y8

#define LOADS \
	VMOVQ X2, R9 \
	VEXTRACTI128 $1, Y2, X1 \
	VPEXTRQ $1, X2, R13 \
	MOVL R9, R12 \
	SHRQ $32, R9 \
	VMOVD (DX)(R12*4), X8 \
	VPINSRD $1, (DX)(R9*4), X8, X8 \
	MOVL R13, R12 \
	SHRQ $32, R13 \
	VMOVD (DX)(R12*4), X0 \
	VPINSRD $1, (DX)(R13*4), X0, X0 \
	VPUNPCKLQDQ X0, X8, X8 \
	VMOVQ X1, R9 \
	VPEXTRQ $1, X1, R13 \
	MOVL R9, R12 \
	SHRQ $32, R9 \
	VMOVD (DX)(R12*4), X1 \
	VPINSRD $1, (DX)(R9*4), X1, X1 \
	MOVL R13, R12 \
	SHRQ $32, R13 \
	VMOVD (DX)(R12*4), X0 \
	VPINSRD $1, (DX)(R13*4), X0, X0 \
	VPUNPCKLQDQ X0, X1, X1 \
	VINSERTI128 $1, X1, Y8, Y8

// BITS has in the signs of Y4 which windows pass, by their hashes and words. TAKE adds their places to found.
#define BITS \
	VPSRLD $27, Y7, Y4 \
	VPSRLD $22, Y7, Y6 \
	VPAND Y10, Y7, Y5 \
	VPAND Y10, Y6, Y6 \
	VPSLLVD Y4, Y8, Y4 \
	VPSLLVD Y5, Y8, Y5 \
	VPSLLVD Y6, Y8, Y6 \
	VPAND Y4, Y5, Y4 \
	VPAND Y4, Y6, Y4

#define TAKE \
	VMOVMSKPS Y4, AX \
	VPMOVZXBD (BX)(AX*8), Y6 \
	VPERMD Y11, Y6, Y6 \
	VMOVDQU Y6, (DI)(R10*4) \
	VPADDD Y9, Y11, Y11 \
	POPCNTL AX, AX \
	ADDQ AX, R10

// ROUNDS asks for the words of a round before it takes what the round before has found, so that their loads need not be waited for.
// A round is left to be taken. It ends where found, of 64 and 8 places, may not have room for another.
#define ROUNDS(WINDOWS, WORDS, next, more, taken) \
	WINDOWS \
	HASH \
	WORDS \
	JMP more \
next: \
	BITS \
	WINDOWS \
	HASH \
	WORDS \
	TAKE \
more: \
	INCQ R11 \
	CMPQ R11, CX \
	JGE taken \
	CMPQ R10, $(64 - 2*8) \
	JLE next \
	JMP taken

#define FINISH \
	BITS \
	TAKE \
	VZEROUPPER \
	MOVQ R11, rounds+48(FP) \
	MOVQ R10, count+56(FP) \
	RET

// func probe4(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)
// Stride 4. AVX2 and POPCNT.
TEXT ·probe4(SB), NOSPLIT, $0-64
	START
	JNE gather
	ROUNDS(WINDOWS4, LOADS, next, more, taken)

gather:
	ROUNDS(WINDOWS4, GATHER, nextGather, moreGather, taken)

taken:
	FINISH

// func probe8(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)
// Stride 8.
TEXT ·probe8(SB), NOSPLIT, $0-64
	START
	JNE gather
	ROUNDS(WINDOWS8, LOADS, next, more, taken)

gather:
	ROUNDS(WINDOWS8, GATHER, nextGather, moreGather, taken)

taken:
	FINISH

// func probeFar(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)
// Any stride.
TEXT ·probeFar(SB), NOSPLIT, $0-64
	START
	JNE gather
	ROUNDS(WINDOWSFAR, LOADS, next, more, taken)

gather:
	ROUNDS(WINDOWSFAR, GATHER, nextGather, moreGather, taken)

taken:
	FINISH
