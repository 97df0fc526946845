/** Changes of an object's bytes that a reader could stumble over. */
import { readElf, TailhopError } from "@tailhop/core";
import type { Random } from "./random.ts";

/** One change, as data, so that a failure can be shortened by leaving changes out. Applied in order. */
export type Edit =
	| { readonly kind: "set"; readonly at: number; readonly bytes: readonly number[] }
	| { readonly kind: "insert"; readonly at: number; readonly bytes: readonly number[] }
	| { readonly kind: "delete"; readonly at: number; readonly count: number }
	| { readonly kind: "swap"; readonly a: number; readonly b: number; readonly count: number }
	| { readonly kind: "copy"; readonly from: number; readonly to: number; readonly count: number };

export function applyEdits(original: Uint8Array, edits: readonly Edit[]): Uint8Array {
	return edits.reduce(applyEdit, original);
}

function applyEdit(bytes: Uint8Array, edit: Edit): Uint8Array {
	switch (edit.kind) {
		case "set": {
			const out = bytes.slice();
			out.set(edit.bytes.slice(0, Math.max(out.length - edit.at, 0)), Math.min(edit.at, out.length));
			return out;
		}
		case "insert": {
			const at = Math.min(edit.at, bytes.length);
			const out = new Uint8Array(bytes.length + edit.bytes.length);
			out.set(bytes.subarray(0, at));
			out.set(edit.bytes, at);
			out.set(bytes.subarray(at), at + edit.bytes.length);
			return out;
		}
		case "delete": {
			const end = edit.at + edit.count;
			const out = new Uint8Array(Math.min(edit.at, bytes.length) + Math.max(bytes.length - end, 0));
			out.set(bytes.subarray(0, edit.at));
			out.set(bytes.subarray(end), Math.min(edit.at, bytes.length));
			return out;
		}
		case "swap": {
			const out = bytes.slice();
			if (Math.max(edit.a, edit.b) + edit.count > bytes.length) return out;
			out.set(bytes.subarray(edit.b, edit.b + edit.count), edit.a);
			out.set(bytes.subarray(edit.a, edit.a + edit.count), edit.b);
			return out;
		}
		case "copy": {
			const out = bytes.slice();
			if (Math.max(edit.from, edit.to) + edit.count <= bytes.length)
				out.copyWithin(edit.to, edit.from, edit.from + edit.count);
			return out;
		}
	}
}

const INTERESTING_32 = [
	0, 1, 2, 3, 7, 8, 0x10, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff,
];
const INTERESTING_64 = [
	0n,
	1n,
	8n,
	0xffff_ffffn,
	0x1_0000_0000n,
	1n << 53n,
	(1n << 63n) - 1n,
	1n << 63n,
	(1n << 64n) - 1n,
];

/** Where an object's numbers are: each a place that a reader trusts. */
export interface Places {
	/** Of every section header, 64 bytes each. */
	readonly headers: readonly number[];
	/** 64-bit fields: offsets, sizes, values. */
	readonly wide: readonly number[];
	/** 32-bit fields: ELF indexes, BTF words, BTF.ext words, relocation types. */
	readonly words: readonly number[];
	/** BTF type words: what makes cycles when it becomes another type's id. */
	readonly btf: readonly number[];
	/** Bytes of code. */
	readonly code: readonly { readonly at: number; readonly size: number }[];
}

export function placesOf(bytes: Uint8Array): Places {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const headers: number[] = [];
	const wide = [24, 32, 40];
	const words = [16, 18, 20, 48, 58, 60, 62];
	const btf: number[] = [];
	const code: { at: number; size: number }[] = [];
	const shoff = Number(view.getBigUint64(40, true));
	for (const section of readElf(bytes).sections) {
		const header = shoff + section.index * 64;
		headers.push(header);
		wide.push(...[8, 16, 24, 32, 48, 56].map((field) => header + field));
		words.push(...[0, 4, 40, 44].map((field) => header + field));
		const every = (step: number, into: number[], fields: readonly number[]) => {
			for (let at = 0; at + step <= section.data.length; at += step) {
				for (const field of fields) into.push(section.offset + at + field);
			}
		};
		if (section.name === ".symtab") {
			every(24, words, [0, 4]);
			every(24, wide, [8, 16]);
		} else if (section.name.startsWith(".rel") && !section.name.startsWith(".rel.debug")) {
			every(16, words, [8, 12]);
			every(16, wide, [0]);
		} else if (section.name === ".BTF") {
			const typeEnd = 24 + view.getUint32(section.offset + 12, true);
			for (let at = 0; at < typeEnd; at += 4) (at < 24 ? words : btf).push(section.offset + at);
		} else if (section.name === ".BTF.ext") {
			every(4, words, [0]);
		} else if ((section.flags & 4) !== 0 && section.size > 0) {
			code.push({ at: section.offset, size: section.size });
		} else if (section.name === ".maps" || section.name === "maps" || section.name === ".ksyms") {
			every(4, words, [0]);
		}
	}
	return { headers, wide, words, btf, code };
}

/** One to four random changes. `other` is another file to take pieces of. */
export function randomEdits(
	random: Random,
	bytes: Uint8Array,
	places: Places | undefined,
	other: Uint8Array,
): Edit[] {
	const count = 1 + random.below(random.below(4) + 1);
	return Array.from({ length: count }, () => randomEdit(random, bytes, places, other));
}

function randomEdit(random: Random, bytes: Uint8Array, places: Places | undefined, other: Uint8Array): Edit {
	const structured = places !== undefined && random.below(4) !== 0;
	return structured ? structuredEdit(random, bytes, places) : blindEdit(random, bytes, other);
}

function le32(value: number): number[] {
	return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

function number32(random: Random, old: number): number[] {
	const choice = random.below(4);
	if (choice === 0) return le32(random.below(64));
	if (choice === 1) return le32(old + random.below(9) - 4);
	if (choice === 2) return le32(old ^ (1 << random.below(32)));
	return le32(random.pick(INTERESTING_32));
}

function number64(random: Random): number[] {
	const value = random.pick(INTERESTING_64);
	return [...le32(Number(value & 0xffff_ffffn)), ...le32(Number(value >> 32n))];
}

function structuredEdit(random: Random, bytes: Uint8Array, places: Places): Edit {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const word = (at: number): Edit => ({ kind: "set", at, bytes: number32(random, view.getUint32(at, true)) });
	switch (random.below(8)) {
		case 0:
			return { kind: "swap", a: random.pick(places.headers), b: random.pick(places.headers), count: 64 };
		case 1:
			return { kind: "copy", from: random.pick(places.headers), to: random.pick(places.headers), count: 64 };
		case 2:
			return { kind: "set", at: random.pick(places.wide), bytes: number64(random) };
		case 3:
			if (places.code.length > 0) {
				const { at, size } = random.pick(places.code);
				const insn = at + random.below(Math.floor(size / 8)) * 8;
				const field = random.pick([0, 1, 2, 4]);
				return {
					kind: "set",
					at: insn + field,
					bytes: field === 4 ? le32(random.pick(INTERESTING_32)) : [random.below(256)],
				};
			}
			return word(random.pick(places.words));
		case 4:
		case 5:
			if (places.btf.length > 0) return word(random.pick(places.btf));
			return word(random.pick(places.words));
		case 6: {
			// a whole BTF type (or three words of one) in the place of another: kinds change, ids go round
			if (places.btf.length === 0) return word(random.pick(places.words));
			return { kind: "copy", from: random.pick(places.btf), to: random.pick(places.btf), count: 12 };
		}
		default:
			return word(random.pick(places.words));
	}
}

function blindEdit(random: Random, bytes: Uint8Array, other: Uint8Array): Edit {
	const at = random.below(bytes.length);
	const size = 1 + random.below(random.pick([1, 4, 16, 256]));
	switch (random.below(6)) {
		case 0:
			return { kind: "set", at, bytes: [bytes[at]! ^ (1 << random.below(8))] };
		case 1:
			return { kind: "set", at, bytes: Array.from({ length: size }, () => random.below(256)) };
		case 2:
			return { kind: "insert", at, bytes: new Array<number>(size).fill(random.pick([0, 0xff, 0x41])) };
		case 3:
			return { kind: "delete", at, count: random.below(20) === 0 ? bytes.length : size };
		case 4: {
			const from = random.below(other.length);
			const piece = [...other.subarray(from, from + size)];
			return random.below(2) === 0 ? { kind: "set", at, bytes: piece } : { kind: "insert", at, bytes: piece };
		}
		default:
			return { kind: "set", at, bytes: number32(random, 0) };
	}
}

/** Leaves out changes, and then bytes of the set ones, while `fails` stays true. */
export function shorten(edits: readonly Edit[], fails: (edits: readonly Edit[]) => boolean): readonly Edit[] {
	let best = edits;
	for (let i = best.length - 1; i >= 0; i--) {
		const without = best.filter((_, j) => j !== i);
		if (without.length > 0 && fails(without)) best = without;
	}
	for (const [i, edit] of best.entries()) {
		if (edit.kind !== "set" && edit.kind !== "insert") continue;
		for (let length = 1; length < edit.bytes.length; length *= 2) {
			const shorter = best.map((one, j) => (j === i ? { ...edit, bytes: edit.bytes.slice(0, length) } : one));
			if (!fails(shorter)) continue;
			best = shorter;
			break;
		}
	}
	return best;
}

/** Errors that are answers; anything else that is thrown is a finding. */
export function isTyped(error: unknown): error is TailhopError {
	return error instanceof TailhopError;
}
