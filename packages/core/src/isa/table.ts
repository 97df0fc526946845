/**
 * The instruction table: every instruction that Linux 6.18 (RFC 9669 and after) has, one row for one meaning.
 * Decoder, encoder, validation, assembler, printer, interpreter, verifier and JIT all read it; a
 * `Record<Op, …>` or a switch over `Op` that forgets a row does not type-check.
 *
 * The opcode byte, arithmetic and jump classes (class 4 = ALU, 5 = JMP, 6 = JMP32, 7 = ALU64):
 *
 *     7   6   5   4   3   2   1   0
 *   +---------------+---+-----------+
 *   |     code      | S |   class   |      S: 0 = K, the operand is imm; 1 = X, the operand is src
 *   +---------------+---+-----------+      (for le/be, S is the byte order)
 *
 * and load and store classes (class 0 = LD, 1 = LDX, 2 = ST, 3 = STX):
 *
 *     7   6   5   4   3   2   1   0
 *   +-----------+-------+-----------+      mode: 0 IMM, 1 ABS, 2 IND, 3 MEM, 4 MEMSX, 6 ATOMIC
 *   |   mode    | size  |   class   |      size: 0 = 4 bytes (w), 1 = 2 (h), 2 = 1 (b), 3 = 8 (dw)
 *   +-----------+-------+-----------+
 *
 * Columns:
 *   num        dense and stable from 0: what lowered code switches over (see `OP`). New rows go to the end.
 *   opcode     the byte; with operand "kx", the K form, and the X form is `opcode | 0x08`.
 *   operand    which forms exist: "kx" both, "x" only src, "none" where the S bit is not an operand's.
 *   select     the field and value that tells rows of one opcode apart.
 *   dialect    present when Linux lacks the instruction: only that dialect decodes it.
 *   also       a field that the row reads besides its family's.
 *   unchecked  a reserved field (RFC 9669) that Linux does not look at; only other dialects refuse it.
 *   family     rows that decode alike; further columns belong to the family.
 *   text       LLVM's syntax; asm/template.ts explains the `$` parts.
 */
// biome-ignore format: one row, one line
export const TABLE = {
	// arithmetic, 32 bit: dst = dst op (imm | src); the upper half of dst becomes 0
	add32: { num: 0, opcode: 0x04, operand: "kx", family: "alu", alu: "add", bits: 32, text: "$wd += $wo" },
	sub32: { num: 1, opcode: 0x14, operand: "kx", family: "alu", alu: "sub", bits: 32, text: "$wd -= $wo" },
	mul32: { num: 2, opcode: 0x24, operand: "kx", family: "alu", alu: "mul", bits: 32, text: "$wd *= $wo" },
	div32: { num: 3, opcode: 0x34, operand: "kx", select: ["off", 0], family: "alu", alu: "div", bits: 32, text: "$wd /= $wo" },
	sdiv32: { num: 4, opcode: 0x34, operand: "kx", select: ["off", 1], family: "alu", alu: "sdiv", bits: 32, text: "$wd s/= $wo" },
	or32: { num: 5, opcode: 0x44, operand: "kx", family: "alu", alu: "or", bits: 32, text: "$wd |= $wo" },
	and32: { num: 6, opcode: 0x54, operand: "kx", family: "alu", alu: "and", bits: 32, text: "$wd &= $wo" },
	lsh32: { num: 7, opcode: 0x64, operand: "kx", family: "alu", alu: "lsh", bits: 32, text: "$wd <<= $wo" },
	rsh32: { num: 8, opcode: 0x74, operand: "kx", family: "alu", alu: "rsh", bits: 32, text: "$wd >>= $wo" },
	mod32: { num: 9, opcode: 0x94, operand: "kx", select: ["off", 0], family: "alu", alu: "mod", bits: 32, text: "$wd %= $wo" },
	smod32: { num: 10, opcode: 0x94, operand: "kx", select: ["off", 1], family: "alu", alu: "smod", bits: 32, text: "$wd s%= $wo" },
	xor32: { num: 11, opcode: 0xa4, operand: "kx", family: "alu", alu: "xor", bits: 32, text: "$wd ^= $wo" },
	mov32: { num: 12, opcode: 0xb4, operand: "kx", select: ["off", 0], family: "alu", alu: "mov", bits: 32, text: "$wd = $wo" },
	arsh32: { num: 13, opcode: 0xc4, operand: "kx", family: "alu", alu: "arsh", bits: 32, text: "$wd s>>= $wo" },
	neg32: { num: 14, opcode: 0x84, operand: "none", family: "neg", bits: 32, text: "$wd = -$wd" },

	// arithmetic, 64 bit: dst = dst op (imm | src)
	add64: { num: 15, opcode: 0x07, operand: "kx", family: "alu", alu: "add", bits: 64, text: "$rd += $ro" },
	sub64: { num: 16, opcode: 0x17, operand: "kx", family: "alu", alu: "sub", bits: 64, text: "$rd -= $ro" },
	mul64: { num: 17, opcode: 0x27, operand: "kx", family: "alu", alu: "mul", bits: 64, text: "$rd *= $ro" },
	div64: { num: 18, opcode: 0x37, operand: "kx", select: ["off", 0], family: "alu", alu: "div", bits: 64, text: "$rd /= $ro" },
	sdiv64: { num: 19, opcode: 0x37, operand: "kx", select: ["off", 1], family: "alu", alu: "sdiv", bits: 64, text: "$rd s/= $ro" },
	or64: { num: 20, opcode: 0x47, operand: "kx", family: "alu", alu: "or", bits: 64, text: "$rd |= $ro" },
	and64: { num: 21, opcode: 0x57, operand: "kx", family: "alu", alu: "and", bits: 64, text: "$rd &= $ro" },
	lsh64: { num: 22, opcode: 0x67, operand: "kx", family: "alu", alu: "lsh", bits: 64, text: "$rd <<= $ro" },
	rsh64: { num: 23, opcode: 0x77, operand: "kx", family: "alu", alu: "rsh", bits: 64, text: "$rd >>= $ro" },
	mod64: { num: 24, opcode: 0x97, operand: "kx", select: ["off", 0], family: "alu", alu: "mod", bits: 64, text: "$rd %= $ro" },
	smod64: { num: 25, opcode: 0x97, operand: "kx", select: ["off", 1], family: "alu", alu: "smod", bits: 64, text: "$rd s%= $ro" },
	xor64: { num: 26, opcode: 0xa7, operand: "kx", family: "alu", alu: "xor", bits: 64, text: "$rd ^= $ro" },
	mov64: { num: 27, opcode: 0xb7, operand: "kx", select: ["off", 0], family: "alu", alu: "mov", bits: 64, text: "$rd = $ro" },
	arsh64: { num: 28, opcode: 0xc7, operand: "kx", family: "alu", alu: "arsh", bits: 64, text: "$rd s>>= $ro" },
	neg64: { num: 29, opcode: 0x87, operand: "none", family: "neg", bits: 64, text: "$rd = -$rd" },

	// move with sign extension
	movsx8_32: { num: 30, opcode: 0xbc, operand: "x", select: ["off", 8], family: "movsx", bits: 32, from: 8, text: "$wd = (s8)$ws" },
	movsx16_32: { num: 31, opcode: 0xbc, operand: "x", select: ["off", 16], family: "movsx", bits: 32, from: 16, text: "$wd = (s16)$ws" },
	movsx8_64: { num: 32, opcode: 0xbf, operand: "x", select: ["off", 8], family: "movsx", bits: 64, from: 8, text: "$rd = (s8)$rs" },
	movsx16_64: { num: 33, opcode: 0xbf, operand: "x", select: ["off", 16], family: "movsx", bits: 64, from: 16, text: "$rd = (s16)$rs" },
	movsx32_64: { num: 34, opcode: 0xbf, operand: "x", select: ["off", 32], family: "movsx", bits: 64, from: 32, text: "$rd = (s32)$rs" },

	// move between a program's arena address spaces; imm = 1: to the kernel's, 1 << 16: to the user's
	addr_space_cast: { num: 35, opcode: 0xbf, operand: "x", select: ["off", 1], family: "addr_space_cast", text: "$rd = addr_space_cast($rs, $as)" },

	// byte order: truncate to `bits`, in little or big endian, or swapped
	le16: { num: 36, opcode: 0xd4, operand: "none", select: ["imm", 16], family: "endian", order: "le", bits: 16, text: "$rd = le16 $rd" },
	le32: { num: 37, opcode: 0xd4, operand: "none", select: ["imm", 32], family: "endian", order: "le", bits: 32, text: "$rd = le32 $rd" },
	le64: { num: 38, opcode: 0xd4, operand: "none", select: ["imm", 64], family: "endian", order: "le", bits: 64, text: "$rd = le64 $rd" },
	be16: { num: 39, opcode: 0xdc, operand: "none", select: ["imm", 16], family: "endian", order: "be", bits: 16, text: "$rd = be16 $rd" },
	be32: { num: 40, opcode: 0xdc, operand: "none", select: ["imm", 32], family: "endian", order: "be", bits: 32, text: "$rd = be32 $rd" },
	be64: { num: 41, opcode: 0xdc, operand: "none", select: ["imm", 64], family: "endian", order: "be", bits: 64, text: "$rd = be64 $rd" },
	bswap16: { num: 42, opcode: 0xd7, operand: "none", select: ["imm", 16], family: "endian", order: "bswap", bits: 16, text: "$rd = bswap16 $rd" },
	bswap32: { num: 43, opcode: 0xd7, operand: "none", select: ["imm", 32], family: "endian", order: "bswap", bits: 32, text: "$rd = bswap32 $rd" },
	bswap64: { num: 44, opcode: 0xd7, operand: "none", select: ["imm", 64], family: "endian", order: "bswap", bits: 64, text: "$rd = bswap64 $rd" },

	// 64-bit immediate, two slots; what the 64 bits mean is in src
	lddw: { num: 45, opcode: 0x18, operand: "none", select: ["src", 0], family: "lddw", text: "$rd = $imm64 ll" },
	lddw_map_fd: { num: 46, opcode: 0x18, operand: "none", select: ["src", 1], family: "lddw", text: "$rd = $map_fd ll" },
	lddw_map_value: { num: 47, opcode: 0x18, operand: "none", select: ["src", 2], family: "lddw", text: "$rd = $map_value ll" },
	lddw_btf_id: { num: 48, opcode: 0x18, operand: "none", select: ["src", 3], family: "lddw", text: "$rd = $btf_id ll" },
	lddw_func: { num: 49, opcode: 0x18, operand: "none", select: ["src", 4], family: "lddw", text: "$rd = $func ll" },
	lddw_map_idx: { num: 50, opcode: 0x18, operand: "none", select: ["src", 5], family: "lddw", text: "$rd = $map_idx ll" },
	lddw_map_idx_value: { num: 51, opcode: 0x18, operand: "none", select: ["src", 6], family: "lddw", text: "$rd = $map_idx_value ll" },

	// packet loads of classic BPF: r0 = big-endian value at imm (+ src); outside the packet the program ends with 0
	ld_abs_b: { num: 52, opcode: 0x30, operand: "none", family: "ld_abs", size: 1, text: "r0 = *(u8 *)skb[$imm]" },
	ld_abs_h: { num: 53, opcode: 0x28, operand: "none", family: "ld_abs", size: 2, text: "r0 = *(u16 *)skb[$imm]" },
	ld_abs_w: { num: 54, opcode: 0x20, operand: "none", family: "ld_abs", size: 4, text: "r0 = *(u32 *)skb[$imm]" },
	ld_ind_b: { num: 55, opcode: 0x50, operand: "none", family: "ld_ind", size: 1, text: "r0 = *(u8 *)skb[$rs$disp]" },
	ld_ind_h: { num: 56, opcode: 0x48, operand: "none", family: "ld_ind", size: 2, text: "r0 = *(u16 *)skb[$rs$disp]" },
	ld_ind_w: { num: 57, opcode: 0x40, operand: "none", family: "ld_ind", size: 4, text: "r0 = *(u32 *)skb[$rs$disp]" },

	// loads, zero-extended and sign-extended
	ldxb: { num: 58, opcode: 0x71, operand: "none", family: "ldx", size: 1, text: "$ld = *(u8 *)($rs$off)" },
	ldxh: { num: 59, opcode: 0x69, operand: "none", family: "ldx", size: 2, text: "$ld = *(u16 *)($rs$off)" },
	ldxw: { num: 60, opcode: 0x61, operand: "none", family: "ldx", size: 4, text: "$ld = *(u32 *)($rs$off)" },
	ldxdw: { num: 61, opcode: 0x79, operand: "none", family: "ldx", size: 8, text: "$rd = *(u64 *)($rs$off)" },
	ldsxb: { num: 62, opcode: 0x91, operand: "none", family: "ldsx", size: 1, text: "$rd = *(s8 *)($rs$off)" },
	ldsxh: { num: 63, opcode: 0x89, operand: "none", family: "ldsx", size: 2, text: "$rd = *(s16 *)($rs$off)" },
	ldsxw: { num: 64, opcode: 0x81, operand: "none", family: "ldsx", size: 4, text: "$rd = *(s32 *)($rs$off)" },

	// stores of imm and of src
	stb: { num: 65, opcode: 0x72, operand: "none", family: "st", size: 1, text: "*(u8 *)($rd$off) = $imm" },
	sth: { num: 66, opcode: 0x6a, operand: "none", family: "st", size: 2, text: "*(u16 *)($rd$off) = $imm" },
	stw: { num: 67, opcode: 0x62, operand: "none", family: "st", size: 4, text: "*(u32 *)($rd$off) = $imm" },
	stdw: { num: 68, opcode: 0x7a, operand: "none", family: "st", size: 8, text: "*(u64 *)($rd$off) = $imm" },
	stxb: { num: 69, opcode: 0x73, operand: "none", family: "stx", size: 1, text: "*(u8 *)($rd$off) = $ls" },
	stxh: { num: 70, opcode: 0x6b, operand: "none", family: "stx", size: 2, text: "*(u16 *)($rd$off) = $ls" },
	stxw: { num: 71, opcode: 0x63, operand: "none", family: "stx", size: 4, text: "*(u32 *)($rd$off) = $ls" },
	stxdw: { num: 72, opcode: 0x7b, operand: "none", family: "stx", size: 8, text: "*(u64 *)($rd$off) = $rs" },

	// atomics on *(dst + off); `fetch`: src (cmpxchg: r0) gets the old value
	atomic_add32: { num: 73, opcode: 0xc3, operand: "none", select: ["imm", 0x00], family: "atomic", atomic: "add", fetch: false, bits: 32, size: 4, text: "lock *(u32 *)($rd$off) += $vs" },
	atomic_or32: { num: 74, opcode: 0xc3, operand: "none", select: ["imm", 0x40], family: "atomic", atomic: "or", fetch: false, bits: 32, size: 4, text: "lock *(u32 *)($rd$off) |= $vs" },
	atomic_and32: { num: 75, opcode: 0xc3, operand: "none", select: ["imm", 0x50], family: "atomic", atomic: "and", fetch: false, bits: 32, size: 4, text: "lock *(u32 *)($rd$off) &= $vs" },
	atomic_xor32: { num: 76, opcode: 0xc3, operand: "none", select: ["imm", 0xa0], family: "atomic", atomic: "xor", fetch: false, bits: 32, size: 4, text: "lock *(u32 *)($rd$off) ^= $vs" },
	atomic_fetch_add32: { num: 77, opcode: 0xc3, operand: "none", select: ["imm", 0x01], family: "atomic", atomic: "add", fetch: true, bits: 32, size: 4, text: "$ws = atomic_fetch_add((u32 *)($rd$off), $ws)" },
	atomic_fetch_or32: { num: 78, opcode: 0xc3, operand: "none", select: ["imm", 0x41], family: "atomic", atomic: "or", fetch: true, bits: 32, size: 4, text: "$ws = atomic_fetch_or((u32 *)($rd$off), $ws)" },
	atomic_fetch_and32: { num: 79, opcode: 0xc3, operand: "none", select: ["imm", 0x51], family: "atomic", atomic: "and", fetch: true, bits: 32, size: 4, text: "$ws = atomic_fetch_and((u32 *)($rd$off), $ws)" },
	atomic_fetch_xor32: { num: 80, opcode: 0xc3, operand: "none", select: ["imm", 0xa1], family: "atomic", atomic: "xor", fetch: true, bits: 32, size: 4, text: "$ws = atomic_fetch_xor((u32 *)($rd$off), $ws)" },
	xchg32: { num: 81, opcode: 0xc3, operand: "none", select: ["imm", 0xe1], family: "atomic", atomic: "xchg", fetch: true, bits: 32, size: 4, text: "$ws = xchg32_32($rd$off, $ws)" },
	cmpxchg32: { num: 82, opcode: 0xc3, operand: "none", select: ["imm", 0xf1], family: "atomic", atomic: "cmpxchg", fetch: true, bits: 32, size: 4, text: "w0 = cmpxchg32_32($rd$off, w0, $ws)" },
	atomic_add64: { num: 83, opcode: 0xdb, operand: "none", select: ["imm", 0x00], family: "atomic", atomic: "add", fetch: false, bits: 64, size: 8, text: "lock *(u64 *)($rd$off) += $rs" },
	atomic_or64: { num: 84, opcode: 0xdb, operand: "none", select: ["imm", 0x40], family: "atomic", atomic: "or", fetch: false, bits: 64, size: 8, text: "lock *(u64 *)($rd$off) |= $rs" },
	atomic_and64: { num: 85, opcode: 0xdb, operand: "none", select: ["imm", 0x50], family: "atomic", atomic: "and", fetch: false, bits: 64, size: 8, text: "lock *(u64 *)($rd$off) &= $rs" },
	atomic_xor64: { num: 86, opcode: 0xdb, operand: "none", select: ["imm", 0xa0], family: "atomic", atomic: "xor", fetch: false, bits: 64, size: 8, text: "lock *(u64 *)($rd$off) ^= $rs" },
	atomic_fetch_add64: { num: 87, opcode: 0xdb, operand: "none", select: ["imm", 0x01], family: "atomic", atomic: "add", fetch: true, bits: 64, size: 8, text: "$rs = atomic_fetch_add((u64 *)($rd$off), $rs)" },
	atomic_fetch_or64: { num: 88, opcode: 0xdb, operand: "none", select: ["imm", 0x41], family: "atomic", atomic: "or", fetch: true, bits: 64, size: 8, text: "$rs = atomic_fetch_or((u64 *)($rd$off), $rs)" },
	atomic_fetch_and64: { num: 89, opcode: 0xdb, operand: "none", select: ["imm", 0x51], family: "atomic", atomic: "and", fetch: true, bits: 64, size: 8, text: "$rs = atomic_fetch_and((u64 *)($rd$off), $rs)" },
	atomic_fetch_xor64: { num: 90, opcode: 0xdb, operand: "none", select: ["imm", 0xa1], family: "atomic", atomic: "xor", fetch: true, bits: 64, size: 8, text: "$rs = atomic_fetch_xor((u64 *)($rd$off), $rs)" },
	xchg64: { num: 91, opcode: 0xdb, operand: "none", select: ["imm", 0xe1], family: "atomic", atomic: "xchg", fetch: true, bits: 64, size: 8, text: "$rs = xchg_64($rd$off, $rs)" },
	cmpxchg64: { num: 92, opcode: 0xdb, operand: "none", select: ["imm", 0xf1], family: "atomic", atomic: "cmpxchg", fetch: true, bits: 64, size: 8, text: "r0 = cmpxchg_64($rd$off, r0, $rs)" },

	// load-acquire (dst = *(src + off)) and store-release (*(dst + off) = src)
	load_acquire_b: { num: 93, opcode: 0xd3, operand: "none", select: ["imm", 0x100], family: "load_acquire", size: 1, text: "$vd = load_acquire((u8 *)($rs$off))" },
	load_acquire_h: { num: 94, opcode: 0xcb, operand: "none", select: ["imm", 0x100], family: "load_acquire", size: 2, text: "$vd = load_acquire((u16 *)($rs$off))" },
	load_acquire_w: { num: 95, opcode: 0xc3, operand: "none", select: ["imm", 0x100], family: "load_acquire", size: 4, text: "$vd = load_acquire((u32 *)($rs$off))" },
	load_acquire_dw: { num: 96, opcode: 0xdb, operand: "none", select: ["imm", 0x100], family: "load_acquire", size: 8, text: "$rd = load_acquire((u64 *)($rs$off))" },
	store_release_b: { num: 97, opcode: 0xd3, operand: "none", select: ["imm", 0x110], family: "store_release", size: 1, text: "store_release((u8 *)($rd$off), $vs)" },
	store_release_h: { num: 98, opcode: 0xcb, operand: "none", select: ["imm", 0x110], family: "store_release", size: 2, text: "store_release((u16 *)($rd$off), $vs)" },
	store_release_w: { num: 99, opcode: 0xc3, operand: "none", select: ["imm", 0x110], family: "store_release", size: 4, text: "store_release((u32 *)($rd$off), $vs)" },
	store_release_dw: { num: 100, opcode: 0xdb, operand: "none", select: ["imm", 0x110], family: "store_release", size: 8, text: "store_release((u64 *)($rd$off), $rs)" },

	// jumps: relative to the next slot, in slots
	ja: { num: 101, opcode: 0x05, operand: "none", family: "ja", text: "goto $to" },
	ja32: { num: 102, opcode: 0x06, operand: "none", family: "ja32", text: "gotol $to32" },
	may_goto: { num: 103, opcode: 0xe5, operand: "none", select: ["src", 0], family: "may_goto", text: "may_goto $to" },
	jeq32: { num: 104, opcode: 0x16, operand: "kx", family: "jcond", cond: "jeq", bits: 32, text: "if $wd == $wo goto $to" },
	jgt32: { num: 105, opcode: 0x26, operand: "kx", family: "jcond", cond: "jgt", bits: 32, text: "if $wd > $wo goto $to" },
	jge32: { num: 106, opcode: 0x36, operand: "kx", family: "jcond", cond: "jge", bits: 32, text: "if $wd >= $wo goto $to" },
	jset32: { num: 107, opcode: 0x46, operand: "kx", family: "jcond", cond: "jset", bits: 32, text: "if $wd & $wo goto $to" },
	jne32: { num: 108, opcode: 0x56, operand: "kx", family: "jcond", cond: "jne", bits: 32, text: "if $wd != $wo goto $to" },
	jsgt32: { num: 109, opcode: 0x66, operand: "kx", family: "jcond", cond: "jsgt", bits: 32, text: "if $wd s> $wo goto $to" },
	jsge32: { num: 110, opcode: 0x76, operand: "kx", family: "jcond", cond: "jsge", bits: 32, text: "if $wd s>= $wo goto $to" },
	jlt32: { num: 111, opcode: 0xa6, operand: "kx", family: "jcond", cond: "jlt", bits: 32, text: "if $wd < $wo goto $to" },
	jle32: { num: 112, opcode: 0xb6, operand: "kx", family: "jcond", cond: "jle", bits: 32, text: "if $wd <= $wo goto $to" },
	jslt32: { num: 113, opcode: 0xc6, operand: "kx", family: "jcond", cond: "jslt", bits: 32, text: "if $wd s< $wo goto $to" },
	jsle32: { num: 114, opcode: 0xd6, operand: "kx", family: "jcond", cond: "jsle", bits: 32, text: "if $wd s<= $wo goto $to" },
	jeq64: { num: 115, opcode: 0x15, operand: "kx", family: "jcond", cond: "jeq", bits: 64, text: "if $rd == $ro goto $to" },
	jgt64: { num: 116, opcode: 0x25, operand: "kx", family: "jcond", cond: "jgt", bits: 64, text: "if $rd > $ro goto $to" },
	jge64: { num: 117, opcode: 0x35, operand: "kx", family: "jcond", cond: "jge", bits: 64, text: "if $rd >= $ro goto $to" },
	jset64: { num: 118, opcode: 0x45, operand: "kx", family: "jcond", cond: "jset", bits: 64, text: "if $rd & $ro goto $to" },
	jne64: { num: 119, opcode: 0x55, operand: "kx", family: "jcond", cond: "jne", bits: 64, text: "if $rd != $ro goto $to" },
	jsgt64: { num: 120, opcode: 0x65, operand: "kx", family: "jcond", cond: "jsgt", bits: 64, text: "if $rd s> $ro goto $to" },
	jsge64: { num: 121, opcode: 0x75, operand: "kx", family: "jcond", cond: "jsge", bits: 64, text: "if $rd s>= $ro goto $to" },
	jlt64: { num: 122, opcode: 0xa5, operand: "kx", family: "jcond", cond: "jlt", bits: 64, text: "if $rd < $ro goto $to" },
	jle64: { num: 123, opcode: 0xb5, operand: "kx", family: "jcond", cond: "jle", bits: 64, text: "if $rd <= $ro goto $to" },
	jslt64: { num: 124, opcode: 0xc5, operand: "kx", family: "jcond", cond: "jslt", bits: 64, text: "if $rd s< $ro goto $to" },
	jsle64: { num: 125, opcode: 0xd5, operand: "kx", family: "jcond", cond: "jsle", bits: 64, text: "if $rd s<= $ro goto $to" },

	// calls and the end; callx is what compilers emit and no kernel takes
	call: { num: 126, opcode: 0x85, operand: "none", select: ["src", 0], family: "call", callee: "helper", text: "call $helper" },
	call_local: { num: 127, opcode: 0x85, operand: "none", select: ["src", 1], family: "call", callee: "local", text: "call $local" },
	call_kfunc: { num: 128, opcode: 0x85, operand: "none", select: ["src", 2], also: "off", family: "call", callee: "kfunc", text: "call $kfunc" },
	callx: { num: 129, opcode: 0x8d, operand: "none", dialect: "conformance", family: "callx", text: "callx $rd" },
	exit: { num: 130, opcode: 0x95, operand: "none", unchecked: "off", family: "exit", text: "exit" },
} as const;

export type Op = keyof typeof TABLE;

/** A row, as a union that `family` tells apart. */
export type Row = (typeof TABLE)[Op];
export type Family = Row["family"];
export type RowOf<F extends Family> = Extract<Row, { family: F }>;
export type OpOf<F extends Family> = { [K in Op]: (typeof TABLE)[K]["family"] extends F ? K : never }[Op];

/** Every op, in the order of `num`: `OP_NAMES[num]`. */
export const OP_NAMES = Object.keys(TABLE) as readonly Op[];

/**
 * `num` by name. In a hot switch write the number, so that it stays a literal for the engine, and let the type
 * check it: `case 15 satisfies typeof OP.add64:`.
 */
export const OP = Object.fromEntries(OP_NAMES.map((op) => [op, TABLE[op].num])) as {
	readonly [K in Op]: (typeof TABLE)[K]["num"];
};

/** What a field of the instruction is to a family: read, fixed by the row (`select`), or reserved (must be 0). */
export type Field = "dst" | "src" | "off" | "imm";

/**
 * The fields that each family reads. "operand": imm in the K form, src in the X form; the other is reserved.
 * A field that is neither here nor in the row's `select` is reserved.
 */
export const FAMILY_FIELDS: Record<Family, readonly (Field | "operand")[]> = {
	alu: ["dst", "operand"],
	neg: ["dst"],
	movsx: ["dst", "src"],
	addr_space_cast: ["dst", "src", "imm"],
	endian: ["dst"],
	lddw: ["dst", "imm"],
	ld_abs: ["imm"],
	ld_ind: ["src", "imm"],
	ldx: ["dst", "src", "off"],
	ldsx: ["dst", "src", "off"],
	st: ["dst", "off", "imm"],
	stx: ["dst", "src", "off"],
	atomic: ["dst", "src", "off"],
	load_acquire: ["dst", "src", "off"],
	store_release: ["dst", "src", "off"],
	ja: ["off"],
	ja32: ["imm"],
	may_goto: ["off"],
	jcond: ["dst", "operand", "off"],
	call: ["imm"],
	callx: ["dst"],
	exit: [],
};
