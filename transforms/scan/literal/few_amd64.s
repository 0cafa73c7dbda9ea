#include "textflag.h"

// LOOK puts the buckets of the byte at a distance into dst, by its two tables.
#define LOOK(distance, low, high, dst) \
	VMOVDQU distance(SI)(AX*1), Y0 \
	VPAND Y14, Y0, Y1 \
	VPSLLW $3, Y0, Y2 \
	VPSHUFB Y1, low, Y15 \
	VPSHUFB Y1, high, Y1 \
	VPBLENDVB Y2, Y1, Y15, dst

// func windows(text *byte, n int, in *tables, found *[32]byte) (at int, mask uint32)
TEXT ·windows(SB), NOSPLIT, $0-44
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ in+16(FP), DX
	MOVQ found+24(FP), DI
	VMOVDQU (DX), Y4
	VMOVDQU 32(DX), Y5
	VMOVDQU 64(DX), Y6
	VMOVDQU 96(DX), Y7
	VMOVDQU 128(DX), Y8
	VMOVDQU 160(DX), Y9
	VMOVDQU 192(DX), Y10
	VMOVDQU 224(DX), Y11
	VMOVDQU 256(DX), Y12
	VMOVDQU 288(DX), Y13
	MOVQ $0x0f0f0f0f0f0f0f0f, AX
	VMOVQ AX, X14
	VPBROADCASTQ X14, Y14
	XORQ AX, AX
	SUBQ $36, CX // the last start of 32

loop:
	CMPQ AX, CX
	JGT done
	PREFETCHT0 1024(SI)(AX*1)
	LOOK(0, Y4, Y5, Y3)
	LOOK(1, Y6, Y7, Y0)
	VPAND Y0, Y3, Y3
	LOOK(2, Y8, Y9, Y0)
	VPAND Y0, Y3, Y3
	LOOK(3, Y10, Y11, Y0)
	VPAND Y0, Y3, Y3
	LOOK(4, Y12, Y13, Y0)
	VPAND Y0, Y3, Y3
	VPTEST Y3, Y3
	JNZ found
	ADDQ $32, AX
	JMP loop

found:
	VMOVDQU Y3, (DI)
	VPXOR Y0, Y0, Y0
	VPCMPEQB Y0, Y3, Y0
	VPMOVMSKB Y0, R8
	NOTL R8
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVL R8, mask+40(FP)
	RET

done:
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVL $0, mask+40(FP)
	RET

// func wideWindows(text *byte, n int, in *wideTables, found *[64]byte) (at int, mask uint64)
TEXT ·wideWindows(SB), NOSPLIT, $0-48
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ in+16(FP), DX
	MOVQ found+24(FP), DI
	VMOVDQU64 (DX), Z4
	VMOVDQU64 64(DX), Z5
	VMOVDQU64 128(DX), Z6
	VMOVDQU64 192(DX), Z7
	VMOVDQU64 256(DX), Z8
	XORQ AX, AX
	SUBQ $68, CX // the last start of 64

wideLoop:
	CMPQ AX, CX
	JGT wideDone
	PREFETCHT0 2048(SI)(AX*1)
	VMOVDQU64 (SI)(AX*1), Z0
	VMOVDQU64 1(SI)(AX*1), Z1
	VMOVDQU64 2(SI)(AX*1), Z2
	VMOVDQU64 3(SI)(AX*1), Z3
	VMOVDQU64 4(SI)(AX*1), Z9
	VPERMB Z4, Z0, Z0
	VPERMB Z5, Z1, Z1
	VPERMB Z6, Z2, Z2
	VPERMB Z7, Z3, Z3
	VPERMB Z8, Z9, Z9
	VPANDQ Z0, Z1, Z0
	VPANDQ Z2, Z3, Z2
	VPANDQ Z0, Z9, Z0
	VPTESTMB Z0, Z2, K1
	KORTESTQ K1, K1
	JNZ wideFound
	ADDQ $64, AX
	JMP wideLoop

wideFound:
	VPANDQ Z0, Z2, Z0
	VMOVDQU64 Z0, (DI)
	KMOVQ K1, R8
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVQ R8, mask+40(FP)
	RET

wideDone:
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVQ $0, mask+40(FP)
	RET

// func pairs(first *byte, gap, n int, want uint64) (at int, mask uint64)
TEXT ·pairs(SB), NOSPLIT, $0-48
	MOVQ first+0(FP), SI
	MOVQ gap+8(FP), DI
	MOVQ n+16(FP), CX
	MOVQ want+24(FP), AX
	ADDQ SI, DI
	VMOVQ AX, X0
	VPBROADCASTB X0, Y4 // the first value
	SHRQ $8, AX
	VMOVQ AX, X0
	VPBROADCASTB X0, Y5 // its mask
	SHRQ $8, AX
	VMOVQ AX, X0
	VPBROADCASTB X0, Y6
	SHRQ $8, AX
	VMOVQ AX, X0
	VPBROADCASTB X0, Y7
	XORQ AX, AX
	SUBQ $64, CX // the last start of 64

pairLoop:
	CMPQ AX, CX
	JGT pairDone
	PREFETCHT0 1024(SI)(AX*1)
	VPOR (SI)(AX*1), Y5, Y0
	VPOR 32(SI)(AX*1), Y5, Y1
	VPOR (DI)(AX*1), Y7, Y2
	VPOR 32(DI)(AX*1), Y7, Y3
	VPCMPEQB Y0, Y4, Y0
	VPCMPEQB Y1, Y4, Y1
	VPCMPEQB Y2, Y6, Y2
	VPCMPEQB Y3, Y6, Y3
	VPAND Y0, Y2, Y0
	VPAND Y1, Y3, Y1
	VPOR Y0, Y1, Y2
	VPTEST Y2, Y2
	JNZ pairFound
	ADDQ $64, AX
	JMP pairLoop

pairFound:
	VPMOVMSKB Y0, R8
	VPMOVMSKB Y1, R9
	SHLQ $32, R9
	ORQ R9, R8
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVQ R8, mask+40(FP)
	RET

pairDone:
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVQ $0, mask+40(FP)
	RET

// TWO looks up two bytes of the windows of 32 starts.
#define TWO(at, first, second, dst) \
	VPSHUFB at(SI)(AX*1), first, dst \
	VPSHUFB (at+1)(SI)(AX*1), second, Y15 \
	VPAND Y15, dst, dst

// func nibbles(text *byte, n int, in *nibbleTables, found *[64]byte) (at int, mask uint64)
TEXT ·nibbles(SB), NOSPLIT, $0-48
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ in+16(FP), DX
	MOVQ found+24(FP), DI
	VMOVDQU (DX), Y4
	VMOVDQU 32(DX), Y5
	VMOVDQU 64(DX), Y6
	VMOVDQU 96(DX), Y7
	VMOVDQU 128(DX), Y8
	VMOVDQU 160(DX), Y9
	VMOVDQU 192(DX), Y10
	VMOVDQU 224(DX), Y11
	XORQ AX, AX
	SUBQ $71, CX // the last start of 64

nibbleLoop:
	CMPQ AX, CX
	JGT nibbleDone
	PREFETCHT0 1024(SI)(AX*1)
	TWO(0, Y4, Y5, Y0)
	TWO(2, Y6, Y7, Y1)
	TWO(4, Y8, Y9, Y2)
	TWO(6, Y10, Y11, Y3)
	VPAND Y0, Y1, Y0
	VPAND Y2, Y3, Y2
	VPAND Y0, Y2, Y12
	TWO(32, Y4, Y5, Y0)
	TWO(34, Y6, Y7, Y1)
	TWO(36, Y8, Y9, Y2)
	TWO(38, Y10, Y11, Y3)
	VPAND Y0, Y1, Y0
	VPAND Y2, Y3, Y2
	VPAND Y0, Y2, Y13
	VPOR Y12, Y13, Y0
	VPTEST Y0, Y0
	JNZ nibbleFound
	ADDQ $64, AX
	JMP nibbleLoop

nibbleFound:
	VMOVDQU Y12, (DI)
	VMOVDQU Y13, 32(DI)
	VPXOR Y0, Y0, Y0
	VPCMPEQB Y0, Y12, Y12
	VPCMPEQB Y0, Y13, Y13
	VPMOVMSKB Y12, R8
	VPMOVMSKB Y13, R9
	SHLQ $32, R9
	ORQ R9, R8
	NOTQ R8
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVQ R8, mask+40(FP)
	RET

nibbleDone:
	VZEROUPPER
	MOVQ AX, at+32(FP)
	MOVQ $0, mask+40(FP)
	RET
