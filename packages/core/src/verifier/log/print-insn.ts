import { HELPER_NAMES, hex2, type Insn, imm64 } from "../../isa/index.ts";

const ALU = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"];
const JUMP = ["", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<="];
const ATOMIC: Readonly<Record<number, string>> = { 0: "add", 64: "or", 80: "and", 160: "xor" };
/** By the size bits of the opcode: w, h, b, dw. */
const TYPES = ["u32", "u16", "u8", "u64"];
const SIGNED = ["s32", "s16", "s8", "s64"];
const MOVSX: Readonly<Record<number, string>> = { 8: "(s8)", 16: "(s16)", 32: "(s32)" };

const plus = (value: number): string => (value < 0 ? `${value}` : `+${value}`);

/** What the log calls a helper. */
export const helperText = (id: number): string => {
	const name = HELPER_NAMES[id];
	return name === undefined ? "unknown" : `bpf_${name}`;
};

/** One instruction as the kernel's log has it (not LLVM's syntax). */
export function printLogInsn(
	insns: readonly Insn[],
	index: number,
	kfunc?: (insn: number) => string,
): string {
	const insn = insns[index]!;
	const printed = text(insns, index, insn, kfunc);
	return printed === undefined ? `BUG_${hex2(insn.opcode)}` : `(${hex2(insn.opcode)}) ${printed}`;
}

function text(
	insns: readonly Insn[],
	index: number,
	insn: Insn,
	kfunc: ((insn: number) => string) | undefined,
): string | undefined {
	const { opcode, dst, src, off, imm } = insn;
	const code = opcode >> 4;
	const x = (opcode & 8) !== 0;
	const type = TYPES[(opcode >> 3) & 3]!;
	const mode = opcode & 0xe0;
	switch (opcode & 7) {
		case 4:
		case 7:
			return alu(insn, code, x);
		case 5:
		case 6:
			return jump(insn, code, x, index, kfunc);
		case 3:
			return mode === 0xc0 ? atomic(insn, type) : `*(${type} *)(r${dst} ${plus(off)}) = r${src}`;
		case 2:
			return mode === 0xc0 ? "nospec" : `*(${type} *)(r${dst} ${plus(off)}) = ${imm}`;
		case 1:
			return `r${dst} = *(${mode === 0x80 ? SIGNED[(opcode >> 3) & 3] : type} *)(r${src} ${plus(off)})`;
		default:
			if (mode === 0x20) return `r0 = *(${type} *)skb[${imm}]`;
			if (mode === 0x40) return `r0 = *(${type} *)skb[r${src} + ${imm}]`;
			return `r${dst} = 0x${imm64(insn, insns[index + 1]!).toString(16)}`;
	}
}

function alu({ opcode, dst, src, off, imm }: Insn, code: number, x: boolean): string {
	const wide = (opcode & 7) === 7;
	const r = wide ? "r" : "w";
	if (code === 13) return `r${dst} = ${wide ? "bswap" : x ? "be" : "le"}${imm} r${dst}`;
	if (code === 8) return `${r}${dst} = -${r}${dst}`;
	if (code === 11 && wide && x && off === 1)
		return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
	const signed = (code === 3 || code === 9) && off === 1 ? "s" : "";
	const op = `${signed}${ALU[code]}`;
	if (!x) return `${r}${dst} ${op} ${imm}`;
	const movsx = code === 11 ? (MOVSX[off] ?? "") : "";
	return `${r}${dst} ${op} ${movsx}${r}${src}`;
}

function jump(
	{ opcode, dst, src, off, imm }: Insn,
	code: number,
	x: boolean,
	index: number,
	kfunc: ((insn: number) => string) | undefined,
): string {
	const wide = (opcode & 7) === 5;
	if (code === 8 && wide) {
		if (src === 1) return `call pc${plus(imm)}`;
		if (src === 2) return `call ${kfunc?.(index) ?? `unknown#${imm}`}`;
		return `call ${helperText(imm)}#${imm}`;
	}
	if (code === 9 && wide) return "exit";
	if (code === 0) return wide ? `goto pc${plus(off)}` : `gotol pc${plus(imm)}`;
	if (code === 14) return `may_goto pc${plus(off)}`;
	const r = wide ? "r" : "w";
	const operand = x ? `${r}${src}` : `0x${(imm >>> 0).toString(16)}`;
	return `if ${r}${dst} ${JUMP[code]} ${operand} goto pc${plus(off)}`;
}

function atomic({ opcode, dst, src, off, imm }: Insn, type: string): string | undefined {
	const place = `(${type} *)(r${dst} ${plus(off)})`;
	const size = (opcode & 0x18) === 0x18 ? "64" : "";
	if (imm === 0xf1) return `r0 = atomic${size}_cmpxchg(${place}, r0, r${src})`;
	if (imm === 0xe1) return `r${src} = atomic${size}_xchg(${place}, r${src})`;
	if (imm === 0x100) return `r${dst} = load_acquire((${type} *)(r${src} ${plus(off)}))`;
	if (imm === 0x110) return `store_release(${place}, r${src})`;
	if (ATOMIC[imm & ~1] === undefined) return undefined;
	if (imm & 1) return `r${src} = atomic${size}_fetch_${ATOMIC[imm & ~1]}(${place}, r${src})`;
	return `lock *${place} ${ALU[imm >> 4]} r${src}`;
}
