import { EDGES_64 } from "../builder.ts";
import type { FuzzCase, FuzzStep } from "../case.ts";
import { hex } from "../harness.ts";
import type { Random } from "../random.ts";

/** Words of the map `in`, which programs take their numbers from; r9 points to them throughout. */
export const IN_WORDS = 6;
const RUNS = 20;
/** Maps of one value, that is made as large as its accesses need (fit.ts). */
export const BOXES = ["box", "box1", "box2"] as const;
const MAPS: FuzzCase["maps"] = [
	{ name: "in", type: "array", valueSize: 8 * IN_WORDS },
	...BOXES.map((name, at) => ({ name, type: "array", valueSize: 1 + at })),
	{
		name: "table",
		type: "hash",
		valueSize: 16,
		maxEntries: 4,
		entries: [
			[0, 1],
			[1, 2],
		],
	},
	{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
];

/** A program over the maps of all of them, and runs over what lies beside the numbers that it names. */
export function soundCase(random: Random, type: number, asm: readonly string[], flags = 0): FuzzCase {
	const pool = constants(asm);
	const steps: FuzzStep[] = [];
	for (let run = 0; run < RUNS; run++) {
		steps.push({ update: "in", key: "00000000", value: hex(inputs(random, pool)) });
		steps.push({ run: "main", packet: hex(packet(random, pool)) });
	}
	const program = { type, asm, ...(flags === 0 ? {} : { flags }) };
	return { family: "bounds", maps: MAPS, programs: { main: program }, steps };
}

/** Numbers that a program names: what lies beside them is where it goes wrong. */
function constants(asm: readonly string[]): readonly bigint[] {
	const found = new Set<bigint>();
	for (const line of asm)
		for (const [text] of line.replace(/\(r(9|10) .*?\)/, "").matchAll(/(?<!\w)-?\d+\b/g)) {
			const value = BigInt(text);
			for (const near of [value - 1n, value, value + 1n]) found.add(near);
		}
	return [...found, ...EDGES_64];
}

function inputs(random: Random, pool: readonly bigint[]): Uint8Array {
	const view = new DataView(new ArrayBuffer(8 * IN_WORDS));
	for (let at = 0; at < view.byteLength; at += 8) {
		const value = random.pick(pool);
		view.setBigInt64(
			at,
			random.weighted<() => bigint>([
				[5, () => value],
				[1, () => (random.pick(pool) << 32n) | BigInt.asUintN(32, value)],
				[1, () => value << BigInt(random.below(64))],
				[1, () => (BigInt(random.u32()) << 32n) | BigInt(random.u32())],
				[1, () => -value],
			])(),
			true,
		);
	}
	return new Uint8Array(view.buffer);
}

/** Of every length from 14 on; often as long as a program's numbers say. */
function packet(random: Random, pool: readonly bigint[]): Uint8Array {
	const near = pool.filter((value) => value >= 14n && value <= 1600n);
	const length = near.length > 0 && random.chance(50) ? Number(random.pick(near)) : random.between(14, 120);
	return random.bytes(length);
}
