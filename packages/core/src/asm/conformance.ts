import { TailhopError } from "../errors/index.ts";
import { type Insn, make, OP_NAMES, type Op, type OpOf, type Row, TABLE } from "../isa/index.ts";

/**
 * The assembly of bpf_conformance's test files: `mnemonic %r1, %r2`, memory as `[%r1+2]`, `label:` on a line of
 * its own, comments from `#`. Registers go up to %r15, so that tests can ask for ones that do not exist. Only
 * this dialect writes callx. Throws asm/syntax, asm/range, asm/symbol with the line.
 */
export function assembleConformance(text: string): Insn[] {
	const lines = text
		.split("\n")
		.map((line, i) => ({ line: i + 1, words: (line.split("#", 1)[0] ?? "").trim().split(/\s+/) }))
		.filter(({ words }) => words[0] !== "");
	const labels = new Map<string, number>();
	const insns: Insn[] = [];
	const jumps: { at: number; field: "off" | "imm"; label: string; line: number }[] = [];
	for (const { line, words } of lines) {
		const [first, ...rest] = words as [string, ...string[]];
		if (first.endsWith(":") && rest.length === 0) {
			const label = first.slice(0, -1);
			if (labels.has(label)) throw error("asm/symbol", `label ${label} is defined twice`, line);
			labels.set(label, insns.length);
			continue;
		}
		// the first exit is the label "exit"
		if (first === "exit" && !labels.has("exit")) labels.set("exit", insns.length);
		const operands = rest.map((word) => word.replace(/,$/, ""));
		const reader = new Operands(first, operands, line, (field, label) => {
			jumps.push({ at: insns.length, field, label, line });
		});
		insns.push(...instruction(reader));
	}
	for (const { at, field, label, line } of jumps) {
		const target = labels.get(label);
		if (target === undefined) throw error("asm/symbol", `unknown label ${label}`, line);
		insns[at] = { ...insns[at]!, [field]: target - at - 1 };
	}
	return insns;
}

function error(code: "asm/syntax" | "asm/range" | "asm/symbol", message: string, line: number): TailhopError {
	return new TailhopError(code, message, { line });
}

/** Mnemonics that are an op each; `call` and `lock` are read word by word. */
const MNEMONICS: ReadonlyMap<string, Op> = (() => {
	const mnemonics = new Map<string, Op>();
	for (const op of OP_NAMES) for (const name of mnemonicsOf(op, TABLE[op])) mnemonics.set(name, op);
	return mnemonics;
})();

/** Locked operations, as they are written behind `lock`. */
const LOCKED: ReadonlyMap<string, OpOf<"atomic">> = (() => {
	const locked = new Map<string, OpOf<"atomic">>();
	for (const op of OP_NAMES) {
		const row: Row = TABLE[op];
		if (row.family !== "atomic") continue;
		const always = row.atomic === "xchg" || row.atomic === "cmpxchg";
		locked.set(
			`${row.fetch && !always ? "fetch " : ""}${row.atomic}${suffix(row.bits)}`,
			op as OpOf<"atomic">,
		);
	}
	return locked;
})();

function suffix(bits: 32 | 64): string {
	return bits === 32 ? "32" : "";
}

function mnemonicsOf(op: Op, row: Row): string[] {
	switch (row.family) {
		case "alu":
			return [row.alu + suffix(row.bits)];
		case "neg":
			return [`neg${suffix(row.bits)}`];
		case "jcond":
			return [row.cond + suffix(row.bits)];
		case "movsx":
			return [`movsx${row.from}${row.bits}`];
		case "endian":
			return row.order === "bswap" ? [`bswap${row.bits}`, `swap${row.bits}`] : [`${row.order}${row.bits}`];
		case "lddw":
			return op === "lddw" ? ["lddw"] : [];
		case "ldsx":
			return [op.replace("ldsx", "ldxs")];
		case "ldx":
		case "st":
		case "stx":
		case "ja":
		case "ja32":
		case "exit":
			return [op];
		default:
			return [];
	}
}

function instruction(operands: Operands): Insn[] {
	if (operands.mnemonic === "call") return [call(operands)];
	if (operands.mnemonic === "lock") return [lock(operands)];
	const op = MNEMONICS.get(operands.mnemonic);
	if (op === undefined) throw error("asm/syntax", `Invalid mnemonic: ${operands.mnemonic}`, operands.line);
	const row: Row = TABLE[op];
	switch (row.family) {
		case "alu":
			operands.expect(2);
			return [make(op, { dst: operands.register(0), ...operands.operand(1) })];
		case "movsx":
			operands.expect(2);
			return [make(op, { dst: operands.register(0), src: operands.register(1) })];
		case "neg":
		case "endian":
			operands.expect(1);
			return [make(op, { dst: operands.register(0) })];
		case "lddw": {
			operands.expect(2);
			const value = operands.wide(1);
			const half = (shift: bigint) => Number(BigInt.asIntN(32, value >> shift));
			return [
				make(op, { dst: operands.register(0), imm: half(0n) }),
				{ opcode: 0, dst: 0, src: 0, off: 0, imm: half(32n) },
			];
		}
		case "ldx":
		case "ldsx": {
			operands.expect(2);
			const { register, off } = operands.memory(1);
			return [make(op, { dst: operands.register(0), src: register, off })];
		}
		case "st": {
			operands.expect(2);
			const { register, off } = operands.memory(0);
			return [make(op, { dst: register, off, imm: operands.immediate(1) })];
		}
		case "stx": {
			operands.expect(2);
			const { register, off } = operands.memory(0);
			return [make(op, { dst: register, off, src: operands.register(1) })];
		}
		case "jcond":
			operands.expect(3);
			return [
				make(op, { dst: operands.register(0), ...operands.operand(1), off: operands.target(2, "off") }),
			];
		case "ja":
			operands.expect(1);
			return [make(op, { off: operands.target(0, "off") })];
		case "ja32":
			operands.expect(1);
			return [make(op, { imm: operands.target(0, "imm") })];
		default:
			operands.expect(0);
			return [make(op)];
	}
}

/** `call N`, `call helper N`, `call %rN`, `call local T`, `call runtime N`. */
function call(operands: Operands): Insn {
	const first = operands.text(0);
	if (first.startsWith("%")) {
		operands.expect(1);
		return make("callx", { dst: operands.register(0) });
	}
	switch (first) {
		case "helper":
			operands.expect(2);
			return make("call", { imm: operands.immediate(1) });
		case "local":
			operands.expect(2);
			return make("call_local", { imm: operands.target(1, "imm") });
		case "runtime":
			operands.expect(2);
			return make("call_kfunc", { imm: operands.immediate(1) });
		default:
			operands.expect(1);
			return make("call", { imm: operands.immediate(0) });
	}
}

/** `lock [fetch] OPERATION [%rN+off], %rM`. */
function lock(operands: Operands): Insn {
	const words = operands.has(0) && operands.text(0) === "fetch" ? 2 : 1;
	operands.expect(words + 2);
	const name = Array.from({ length: words }, (_, i) => operands.text(i)).join(" ");
	const op = LOCKED.get(name) ?? LOCKED.get(name.replace(/^fetch (?=c?m?p?xchg)/, ""));
	if (op === undefined) throw error("asm/syntax", `Invalid operation for lock: ${name}`, operands.line);
	const { register, off } = operands.memory(words);
	return make(op, { dst: register, off, src: operands.register(words + 1) });
}

const DECIMAL = /^[+-]?\d+$/;
const HEX = /^[+-]?0x[0-9a-f]+$/i;

function integer(text: string): bigint | undefined {
	if (!DECIMAL.test(text) && !HEX.test(text)) return undefined;
	if (text.length > 40) return 1n << 100n;
	const value = BigInt(text.replace(/^[+-]/, ""));
	return text.startsWith("-") ? -value : value;
}

/** The operands of one line, read by position. */
class Operands {
	readonly mnemonic: string;
	readonly line: number;
	readonly #operands: readonly string[];
	readonly #refer: (field: "off" | "imm", label: string) => void;

	constructor(
		mnemonic: string,
		operands: readonly string[],
		line: number,
		refer: (field: "off" | "imm", label: string) => void,
	) {
		this.mnemonic = mnemonic;
		this.line = line;
		this.#operands = operands;
		this.#refer = refer;
	}

	has(i: number): boolean {
		return i < this.#operands.length;
	}

	expect(count: number): void {
		if (this.#operands.length !== count)
			throw error("asm/syntax", `Invalid number of operands for ${this.mnemonic}`, this.line);
	}

	text(i: number): string {
		const text = this.#operands[i];
		if (text === undefined)
			throw error("asm/syntax", `Invalid number of operands for ${this.mnemonic}`, this.line);
		return text;
	}

	register(i: number): number {
		return this.#parseRegister(this.text(i));
	}

	#parseRegister(text: string): number {
		const match = /^%r(\d|1[0-5])$/.exec(text);
		if (match === null) throw error("asm/syntax", `Invalid register: ${text}`, this.line);
		return Number(match[1]);
	}

	/** Decimal numbers are signed, hexadecimal ones may use all 32 bits. */
	immediate(i: number): number {
		const text = this.text(i);
		const value = integer(text);
		if (value === undefined) throw error("asm/syntax", `Invalid immediate: ${text}`, this.line);
		const max = HEX.test(text) ? 0xffffffffn : 0x7fffffffn;
		if (value > max || value < -0x80000000n)
			throw error("asm/range", `Invalid immediate: ${text} does not fit 32 bits`, this.line);
		return Number(BigInt.asIntN(32, value));
	}

	wide(i: number): bigint {
		const value = integer(this.text(i));
		if (value === undefined) throw error("asm/syntax", `Invalid immediate: ${this.text(i)}`, this.line);
		if (value >= 1n << 64n || value < -(1n << 63n))
			throw error("asm/range", `Invalid immediate: ${this.text(i)} does not fit 64 bits`, this.line);
		return value;
	}

	operand(i: number): { src: number } | { imm: number } {
		return this.text(i).startsWith("%") ? { src: this.register(i) } : { imm: this.immediate(i) };
	}

	/** `[%rN]`, `[%rN+off]`, `[%rN-off]`; a hexadecimal offset may use all 16 bits. */
	memory(i: number): { register: number; off: number } {
		const text = this.text(i);
		const match = /^\[(%r\d+)([+-](?:0x[0-9a-f]+|\d+))?\]$/i.exec(text);
		if (match === null)
			throw error("asm/syntax", `Invalid operand: ${text}, expected memory like [%r1+2]`, this.line);
		const off = match[2] === undefined ? 0n : integer(match[2])!;
		if (off < -0x8000n || off > (HEX.test(match[2] ?? "") ? 0xffffn : 0x7fffn))
			throw error("asm/range", `Invalid offset: ${match[2]} does not fit 16 bits`, this.line);
		return { register: this.#parseRegister(match[1]!), off: Number(BigInt.asIntN(16, off)) };
	}

	/** `+N`, `-N`, or a label, which is filled in at the end. */
	target(i: number, field: "off" | "imm"): number {
		const text = this.text(i);
		if (!/^[+-]/.test(text)) {
			this.#refer(field, text);
			return 0;
		}
		const value = integer(text);
		if (value === undefined) throw error("asm/syntax", `Invalid jump target: ${text}`, this.line);
		const bits = field === "off" ? 16 : 32;
		if (BigInt.asIntN(bits, value) !== value)
			throw error("asm/range", `Invalid jump target: ${text} does not fit ${bits} bits`, this.line);
		return Number(value);
	}
}
