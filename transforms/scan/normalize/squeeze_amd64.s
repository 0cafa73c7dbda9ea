#include "textflag.h"

// func squeezeVBMI(src *byte, chunks int, dst *byte, tab *[128]byte) (done, written int)
// AVX-512 F, BW, VBMI, VBMI2 and POPCNT.
TEXT ·squeezeVBMI(SB), NOSPLIT, $0-48
	MOVQ src+0(FP), SI
	MOVQ chunks+8(FP), CX
	MOVQ dst+16(FP), DI
	MOVQ tab+24(FP), AX
	VMOVDQU64 0(AX), Z20
	VMOVDQU64 64(AX), Z21
	XORQ R8, R8

loop:
	CMPQ R8, CX
	JGE  done
	VMOVDQU64 (SI), Z0
	VPMOVB2M Z0, K1              // bytes that are not ASCII
	KORTESTQ K1, K1
	JNZ  done
	VMOVDQA64 Z0, Z1
	VPERMI2B Z21, Z20, Z1        // the byte of the key, or 0
	VPTESTMB Z1, Z1, K2
	KMOVQ K2, BX
	VPCOMPRESSB Z1, K2, Z3
	VMOVDQU64 Z3, (DI)
	POPCNTQ BX, BX
	ADDQ BX, DI
	ADDQ $64, SI
	INCQ R8
	JMP  loop

done:
	MOVQ R8, done+32(FP)
	SUBQ dst+16(FP), DI
	MOVQ DI, written+40(FP)
	VZEROUPPER
	RET

// KEEP puts the bytes of a group of eight that KEEPS has bits for to DI; group is the XMM register that begins with the group.
#define KEEP(group) \
	MOVBLZX BX, AX \
	VMOVQ (R8)(AX*8), X3 \
	VPSHUFB X3, group, X3 \
	VMOVQ X3, (DI) \
	POPCNTL AX, AX \
	ADDQ AX, DI \
	SHRL $8, BX

// CLASSIFY makes the letters in Y0 small, and gives the bytes of it that are not ASCII in R10, and the letters and digits in BX.
#define CLASSIFY \
	VPADDB Y12, Y0, Y1 \
	VPCMPGTB Y11, Y1, Y1 \
	VPMOVMSKB Y0, R10 \
	VPOR Y15, Y0, Y0 \
	VPADDB Y14, Y0, Y2 \
	VPCMPGTB Y13, Y2, Y2 \
	VPOR Y1, Y2, Y1 \
	VPMOVMSKB Y1, BX

// KEEPALL puts the bytes of Y0 that BX has bits for to DI.
#define KEEPALL \
	VEXTRACTI128 $1, Y0, X1 \
	KEEP(X0) \
	VPSRLDQ $8, X0, X0 \
	KEEP(X0) \
	KEEP(X1) \
	VPSRLDQ $8, X1, X1 \
	KEEP(X1)

// func squeezeAVX2(src *byte, n int, dst *byte, tab *[256]uint64) (read, written int)
// AVX2 and POPCNT.
TEXT ·squeezeAVX2(SB), NOSPLIT, $0-48
	MOVQ src+0(FP), SI
	MOVQ n+8(FP), R9
	MOVQ dst+16(FP), DI
	MOVQ tab+24(FP), R8
	ADDQ SI, R9
	SUBQ $32, R9                 // the last place at which 32 bytes stand
	MOVL $0x20, AX
	VMOVQ AX, X15
	VPBROADCASTB X15, Y15        // makes letters small
	MOVL $0x05, AX               // 0x7F - 'z'
	VMOVQ AX, X14
	VPBROADCASTB X14, Y14
	MOVL $0x65, AX               // 0x7F - 26
	VMOVQ AX, X13
	VPBROADCASTB X13, Y13
	MOVL $0x46, AX               // 0x7F - '9'
	VMOVQ AX, X12
	VPBROADCASTB X12, Y12
	MOVL $0x75, AX               // 0x7F - 10
	VMOVQ AX, X11
	VPBROADCASTB X11, Y11

chunk:
	CMPQ SI, R9
	JGT  rest
	VMOVDQU (SI), Y0
	CLASSIFY
	TESTL R10, R10
	JNZ  part
	KEEPALL
	ADDQ $32, SI
	JMP  chunk

part: // what stands before the first byte that is not ASCII
	BSFL R10, CX
	MOVL $1, DX
	SHLL CX, DX
	DECL DX
	ANDL DX, BX
	ADDQ CX, SI
	KEEPALL
	JMP  end

rest: // less than 32 bytes, if they are ASCII: the last 32 without those that were read
	ADDQ $32, R9
	MOVQ R9, CX
	SUBQ SI, CX
	JZ   end
	VMOVDQU -32(R9), Y0
	CLASSIFY
	NEGL CX
	ADDL $32, CX
	SHRL CX, R10
	JNZ  end
	SHRL CX, BX
	SHLL CX, BX
	MOVQ R9, SI
	KEEPALL

end:
	VZEROUPPER
	SUBQ src+0(FP), SI
	MOVQ SI, read+32(FP)
	SUBQ dst+16(FP), DI
	MOVQ DI, written+40(FP)
	RET

// func seenAVX2(src *byte, n int, tab *[2][32]byte) (seen uint8)
// AVX2. It asks for the bytes behind, too: texts stand one behind the other.
TEXT ·seenAVX2(SB), NOSPLIT, $0-25
	MOVQ src+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ tab+16(FP), AX
	VMOVDQU (AX), Y14            // by the low half of a byte
	VMOVDQU 32(AX), Y13          // by the high half
	MOVL $0x0F, AX
	VMOVQ AX, X15
	VPBROADCASTB X15, Y15
	VPXOR Y5, Y5, Y5
	LEAQ -32(SI)(CX*1), DX       // the last 32 bytes
	LEAQ -32(DX), CX             // the last 64

both:
	CMPQ SI, CX
	JGT  rest
	PREFETCHT0 1024(SI)
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y2
	VPSRLW $4, Y0, Y1
	VPSRLW $4, Y2, Y3
	VPAND Y15, Y0, Y0
	VPAND Y15, Y2, Y2
	VPAND Y15, Y1, Y1
	VPAND Y15, Y3, Y3
	VPSHUFB Y0, Y14, Y0
	VPSHUFB Y2, Y14, Y2
	VPSHUFB Y1, Y13, Y1
	VPSHUFB Y3, Y13, Y3
	VPAND Y0, Y1, Y0
	VPAND Y2, Y3, Y2
	VPOR Y0, Y5, Y5
	VPOR Y2, Y5, Y5
	ADDQ $64, SI
	JMP  both

rest: // less than 64 bytes: the first 32 of them, and the last, which may have been seen
	CMPQ SI, DX
	CMOVQGT DX, SI
	VMOVDQU (SI), Y0
	VMOVDQU (DX), Y2
	VPSRLW $4, Y0, Y1
	VPSRLW $4, Y2, Y3
	VPAND Y15, Y0, Y0
	VPAND Y15, Y2, Y2
	VPAND Y15, Y1, Y1
	VPAND Y15, Y3, Y3
	VPSHUFB Y0, Y14, Y0
	VPSHUFB Y2, Y14, Y2
	VPSHUFB Y1, Y13, Y1
	VPSHUFB Y3, Y13, Y3
	VPAND Y0, Y1, Y0
	VPAND Y2, Y3, Y2
	VPOR Y0, Y5, Y5
	VPOR Y2, Y5, Y5
	VEXTRACTI128 $1, Y5, X0
	VPOR X0, X5, X0
	VPSRLDQ $8, X0, X1
	VPOR X0, X1, X0
	VMOVQ X0, AX
	VZEROUPPER
	MOVQ AX, BX
	SHRQ $32, BX
	ORQ  BX, AX
	MOVQ AX, BX
	SHRQ $16, BX
	ORQ  BX, AX
	MOVQ AX, BX
	SHRQ $8, BX
	ORQ  BX, AX
	MOVB AX, seen+24(FP)
	RET

// func startsAVX2(text *byte) (high, follows, more uint64)
// AVX2.
TEXT ·startsAVX2(SB), NOSPLIT, $0-32
	MOVQ text+0(FP), SI
	MOVL $0xC0, AX
	VMOVQ AX, X2
	VPBROADCASTB X2, Y2
	MOVL $0xDF, AX
	VMOVQ AX, X3
	VPBROADCASTB X3, Y3
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPMOVMSKB Y0, AX
	VPMOVMSKB Y1, BX
	VPCMPGTB Y0, Y2, Y4          // less than 0xC0, and not ASCII
	VPCMPGTB Y1, Y2, Y5
	VPCMPGTB Y3, Y0, Y0          // 0xE0 and more, or ASCII
	VPCMPGTB Y3, Y1, Y1
	VPMOVMSKB Y4, CX
	VPMOVMSKB Y5, DX
	VPMOVMSKB Y0, R8
	VPMOVMSKB Y1, R9
	VZEROUPPER
	SHLQ $32, BX
	SHLQ $32, DX
	SHLQ $32, R9
	ORQ  BX, AX
	ORQ  DX, CX
	ORQ  R9, R8
	ANDQ AX, R8
	MOVQ AX, high+8(FP)
	MOVQ CX, follows+16(FP)
	MOVQ R8, more+24(FP)
	RET

// func pairsAVX2(text *byte, n int, dst *byte, near *[1 << 16]uint64) (read, written int)
// AVX2 and BMI1.
TEXT ·pairsAVX2(SB), NOSPLIT, $0-48
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), R12
	MOVQ dst+16(FP), DI
	MOVQ near+24(FP), DX
	LEAQ -64(SI)(R12*1), R12     // at which there are 64 bytes and no more
	MOVL $0xC0, AX
	VMOVQ AX, X2
	VPBROADCASTB X2, Y2
	MOVL $0xDF, AX
	VMOVQ AX, X3
	VPBROADCASTB X3, Y3

chunk:
	CMPQ SI, R12
	JGE  done
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPMOVMSKB Y0, AX
	VPMOVMSKB Y1, BX
	VPCMPGTB Y0, Y2, Y4          // less than 0xC0, and not ASCII
	VPCMPGTB Y1, Y2, Y5
	VPCMPGTB Y3, Y0, Y0          // 0xE0 and more, or ASCII
	VPCMPGTB Y3, Y1, Y1
	VPMOVMSKB Y4, CX
	VPMOVMSKB Y5, R13
	VPMOVMSKB Y0, R8
	VPMOVMSKB Y1, R9
	SHLQ $32, BX
	SHLQ $32, R13
	SHLQ $32, R9
	ORQ  BX, AX                  // high
	ORQ  R13, CX                 // follows
	ORQ  R9, R8
	ANDQ AX, R8                  // more
	ANDNQ AX, CX, R9             // leads
	LEAQ (R9)(R9*1), R10
	XORQ CX, R10
	ORQ  R8, R10
	JNZ  done                    // no runes of two bytes
	SHRQ $56, AX
	JZ   done                    // it ends with ASCII, which others are faster at
	NOTQ CX                      // the starts of runes
	MOVL $64, R13
	SHRQ $63, R9
	JZ   rune
	BTRQ $63, CX                 // the last is cut
	DECQ R13

rune:
	TZCNTQ CX, R9
	MOVWLZX (SI)(R9*1), R10
	ROLW $8, R10
	MOVQ (DX)(R10*8), R11
	MOVQ R11, (DI)
	SHRQ $56, R11                // nearLen
	ADDQ R11, DI
	BLSRQ CX, CX
	JNZ  rune
	ADDQ R13, SI
	JMP  chunk

done:
	VZEROUPPER
	SUBQ text+0(FP), SI
	MOVQ SI, read+32(FP)
	SUBQ dst+16(FP), DI
	MOVQ DI, written+40(FP)
	RET
