import type { Random } from "./random.ts";

/** Widths of an access in bytes, with the name that assembly has for them. */
export const WIDTHS = [1, 2, 4, 8] as const;
export type Width = (typeof WIDTHS)[number];

/** Registers that hold numbers and may be chosen for anything. */
export type Register = number;

/**
 * Text of one program, and what is known of its registers at the end of the text: which hold a number. Pointers
 * live in registers that a generator keeps to itself, so a program of this builder passes the verifier.
 */
export class Builder {
	readonly random: Random;
	readonly lines: string[] = [];
	/** Registers that hold a number on every path to here. */
	numbers = new Set<Register>();
	/** Registers that must not be written: counters of open loops, and a generator's own. */
	readonly kept = new Set<Register>();
	/** Subprograms that are called: the others would be unreachable. */
	readonly callees = new Set<string>();
	/** Functions that bpf_loop calls. */
	callbacks = 0;
	#labels = 0;

	constructor(random: Random) {
		this.random = random;
	}

	emit(...lines: readonly string[]): void {
		this.lines.push(...lines);
	}

	/** A new label's name. */
	label(): string {
		return `L${this.#labels++}`;
	}

	place(label: string): void {
		this.lines.push(`${label}:`);
	}

	/** A register with a number in it. */
	source(): Register {
		return this.random.pick([...this.numbers]);
	}

	/** One that may be written, of r0 to r8. */
	target(): Register {
		return this.random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8].filter((register) => !this.kept.has(register)));
	}

	/** `register` holds a number now. */
	written(register: Register): void {
		this.numbers.add(register);
	}

	call(name: string): void {
		this.callees.add(name);
		this.emit(`call ${name}`);
		this.called();
	}

	/** Calls leave r0 and end r1 to r5. */
	called(returns = true): void {
		for (const register of [1, 2, 3, 4, 5]) this.numbers.delete(register);
		if (returns) this.numbers.add(0);
		else this.numbers.delete(0);
	}

	/** `body` on one path only: what it makes known is forgotten behind it, what it ends stays ended. */
	optional(body: () => void): void {
		const before = new Set(this.numbers);
		body();
		this.numbers = new Set([...before].filter((register) => this.numbers.has(register)));
	}

	/** A number in 32 bits, signed, edges often. */
	imm(): number {
		const { random } = this;
		return random.weighted<() => number>([
			[4, () => random.pick(EDGES_32) | 0],
			[3, () => random.between(-16, 16)],
			[2, () => random.u32() | 0],
			[1, () => (1 << random.below(32)) | 0],
		])();
	}

	/** 64 bits, edges often, as hex text for a lddw. */
	imm64(): string {
		const { random } = this;
		const value = random.chance(60)
			? random.pick(EDGES_64)
			: (BigInt(random.u32()) << 32n) | BigInt(random.u32());
		return `0x${BigInt.asUintN(64, value).toString(16)}`;
	}

	/** u8, u16, u32, u64. */
	static type(width: Width, signed = false): string {
		return `${signed ? "s" : "u"}${width * 8}`;
	}
}

export const EDGES_32: readonly number[] = [
	0, 1, 2, 7, 8, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff,
	0x8000_0000, 0xffff_ffff, 0xffff_fffe, 0xffff_ff80, 0xffff_8000,
];

export const EDGES_64: readonly bigint[] = [
	0n,
	1n,
	2n,
	3n,
	31n,
	32n,
	63n,
	64n,
	0x7fn,
	0x80n,
	0xffn,
	0x7fffn,
	0x8000n,
	0xffffn,
	0x7fff_ffffn,
	0x8000_0000n,
	0xffff_ffffn,
	0x1_0000_0000n,
	0x1_0000_0001n,
	0x7fff_ffff_ffff_ffffn,
	0x8000_0000_0000_0000n,
	0x8000_0000_0000_0001n,
	0xffff_ffff_ffff_ffffn,
	0xffff_ffff_0000_0000n,
	0xffff_ffff_8000_0000n,
	0xffff_ffff_7fff_ffffn,
	0x0102_0304_0506_0708n,
	0x5555_5555_5555_5555n,
];

/** "+ 8", "- 8": an offset as assembly writes it. */
export const offset = (value: number): string => (value < 0 ? `- ${-value}` : `+ ${value}`);

/** Little-endian bytes of values, edges often, for a map that programs take their numbers from. */
export function edgeBytes(random: Random, words: number): Uint8Array {
	const view = new DataView(new ArrayBuffer(words * 8));
	for (let word = 0; word < words; word++) {
		const value = random.chance(70)
			? random.pick(EDGES_64)
			: (BigInt(random.u32()) << 32n) | BigInt(random.u32());
		view.setBigUint64(word * 8, value, true);
	}
	return new Uint8Array(view.buffer);
}
