#include "textflag.h"

DATA k256<>+0(SB)/8, $0x71374491428a2f98
DATA k256<>+8(SB)/8, $0xe9b5dba5b5c0fbcf
DATA k256<>+16(SB)/8, $0x59f111f13956c25b
DATA k256<>+24(SB)/8, $0xab1c5ed5923f82a4
DATA k256<>+32(SB)/8, $0x12835b01d807aa98
DATA k256<>+40(SB)/8, $0x550c7dc3243185be
DATA k256<>+48(SB)/8, $0x80deb1fe72be5d74
DATA k256<>+56(SB)/8, $0xc19bf1749bdc06a7
DATA k256<>+64(SB)/8, $0xefbe4786e49b69c1
DATA k256<>+72(SB)/8, $0x240ca1cc0fc19dc6
DATA k256<>+80(SB)/8, $0x4a7484aa2de92c6f
DATA k256<>+88(SB)/8, $0x76f988da5cb0a9dc
DATA k256<>+96(SB)/8, $0xa831c66d983e5152
DATA k256<>+104(SB)/8, $0xbf597fc7b00327c8
DATA k256<>+112(SB)/8, $0xd5a79147c6e00bf3
DATA k256<>+120(SB)/8, $0x1429296706ca6351
DATA k256<>+128(SB)/8, $0x2e1b213827b70a85
DATA k256<>+136(SB)/8, $0x53380d134d2c6dfc
DATA k256<>+144(SB)/8, $0x766a0abb650a7354
DATA k256<>+152(SB)/8, $0x92722c8581c2c92e
DATA k256<>+160(SB)/8, $0xa81a664ba2bfe8a1
DATA k256<>+168(SB)/8, $0xc76c51a3c24b8b70
DATA k256<>+176(SB)/8, $0xd6990624d192e819
DATA k256<>+184(SB)/8, $0x106aa070f40e3585
DATA k256<>+192(SB)/8, $0x1e376c0819a4c116
DATA k256<>+200(SB)/8, $0x34b0bcb52748774c
DATA k256<>+208(SB)/8, $0x4ed8aa4a391c0cb3
DATA k256<>+216(SB)/8, $0x682e6ff35b9cca4f
DATA k256<>+224(SB)/8, $0x78a5636f748f82ee
DATA k256<>+232(SB)/8, $0x8cc7020884c87814
DATA k256<>+240(SB)/8, $0xa4506ceb90befffa
DATA k256<>+248(SB)/8, $0xc67178f2bef9a3f7
GLOBL k256<>(SB), RODATA|NOPTR, $256

DATA flip<>+0(SB)/8, $0x0405060700010203
DATA flip<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL flip<>(SB), RODATA|NOPTR, $16

// The first stream has its state in X1 and X2 (words f, e, b, a and h, g, d, c) and 16 words of its message in X3 to X6, the second one in
// X7 and X8, and X9 to X12.

// STATE loads a state; KEEP stores it, the other way round.
#define STATE(H, S0, S1) \
	MOVOU   (H), S0; \
	MOVOU   16(H), S1; \
	PSHUFD  $0xb1, S0, S0; \
	PSHUFD  $0x1b, S1, S1; \
	MOVO    S0, X13; \
	PALIGNR $8, S1, S0; \
	PBLENDW $0xf0, X13, S1

#define KEEP(H, S0, S1) \
	PSHUFD  $0x1b, S0, S0; \
	PSHUFD  $0xb1, S1, S1; \
	MOVO    S0, X13; \
	PBLENDW $0xf0, S1, S0; \
	PALIGNR $8, X13, S1; \
	MOVOU   S0, (H); \
	MOVOU   S1, 16(H)

// LOAD takes four words of a message.
#define LOAD(AT, P, M) \
	MOVOU  AT(P), M; \
	PSHUFB X14, M

// FRONT and BACK are two rounds each, with the words in M.
#define FRONT(AT, M, S0, S1) \
	MOVO  M, X0; \
	PADDL AT(AX), X0; \
	SHA256RNDS2 X0, S0, S1

#define BACK(S0, S1) \
	PSHUFD $0x0e, X0, X0; \
	SHA256RNDS2 X0, S1, S0

// NEXT ends the words that come behind M, of which BEFORE are the ones before; BEGIN begins others.
#define NEXT(M, BEFORE, BEHIND) \
	MOVO    M, X13; \
	PALIGNR $4, BEFORE, X13; \
	PADDL   X13, BEHIND; \
	SHA256MSG2 M, BEHIND

#define BEGIN(M, BEFORE) \
	SHA256MSG1 M, BEFORE

// FIRST, EARLY, MIDDLE, LATE and LAST are four rounds of both streams, by what there is to do for the message.
#define FIRST(AT, A, E) \
	LOAD(AT, SI, A); \
	LOAD(AT, DI, E); \
	FRONT(AT, A, X1, X2); \
	BACK(X1, X2); \
	FRONT(AT, E, X7, X8); \
	BACK(X7, X8)

#define EARLY(AT, A, D, E, H) \
	LOAD(AT, SI, A); \
	LOAD(AT, DI, E); \
	FRONT(AT, A, X1, X2); \
	BACK(X1, X2); \
	BEGIN(A, D); \
	FRONT(AT, E, X7, X8); \
	BACK(X7, X8); \
	BEGIN(E, H)

#define MIDDLE(AT, A, B, D, E, F, H) \
	FRONT(AT, A, X1, X2); \
	NEXT(A, D, B); \
	BACK(X1, X2); \
	BEGIN(A, D); \
	FRONT(AT, E, X7, X8); \
	NEXT(E, H, F); \
	BACK(X7, X8); \
	BEGIN(E, H)

#define LATE(AT, A, B, D, E, F, H) \
	FRONT(AT, A, X1, X2); \
	NEXT(A, D, B); \
	BACK(X1, X2); \
	FRONT(AT, E, X7, X8); \
	NEXT(E, H, F); \
	BACK(X7, X8)

#define LAST(AT, A, E) \
	FRONT(AT, A, X1, X2); \
	BACK(X1, X2); \
	FRONT(AT, E, X7, X8); \
	BACK(X7, X8)

// func blocksSHANI(h0, h1 *[8]uint32, p0, p1 *byte, n int)
TEXT ·blocksSHANI(SB), NOSPLIT, $64-40
	MOVQ  h0+0(FP), R8
	MOVQ  h1+8(FP), R9
	MOVQ  p0+16(FP), SI
	MOVQ  p1+24(FP), DI
	MOVQ  n+32(FP), CX
	LEAQ  k256<>(SB), AX
	MOVOU flip<>(SB), X14
	STATE(R8, X1, X2)
	STATE(R9, X7, X8)

loop:
	MOVOU X1, 0(SP)
	MOVOU X2, 16(SP)
	MOVOU X7, 32(SP)
	MOVOU X8, 48(SP)

	FIRST(0, X3, X9)
	EARLY(16, X4, X3, X10, X9)
	EARLY(32, X5, X4, X11, X10)
	LOAD(48, SI, X6)
	LOAD(48, DI, X12)
	MIDDLE(48, X6, X3, X5, X12, X9, X11)
	MIDDLE(64, X3, X4, X6, X9, X10, X12)
	MIDDLE(80, X4, X5, X3, X10, X11, X9)
	MIDDLE(96, X5, X6, X4, X11, X12, X10)
	MIDDLE(112, X6, X3, X5, X12, X9, X11)
	MIDDLE(128, X3, X4, X6, X9, X10, X12)
	MIDDLE(144, X4, X5, X3, X10, X11, X9)
	MIDDLE(160, X5, X6, X4, X11, X12, X10)
	MIDDLE(176, X6, X3, X5, X12, X9, X11)
	MIDDLE(192, X3, X4, X6, X9, X10, X12)
	LATE(208, X4, X5, X3, X10, X11, X9)
	LATE(224, X5, X6, X4, X11, X12, X10)
	LAST(240, X6, X12)

	MOVOU 0(SP), X13
	PADDL X13, X1
	MOVOU 16(SP), X13
	PADDL X13, X2
	MOVOU 32(SP), X13
	PADDL X13, X7
	MOVOU 48(SP), X13
	PADDL X13, X8
	ADDQ  $64, SI
	ADDQ  $64, DI
	DECQ  CX
	JNZ   loop

	KEEP(R8, X1, X2)
	KEEP(R9, X7, X8)
	RET
