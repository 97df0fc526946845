/**
 * Batches of map operations on core's maps and on the running kernel's, the same random calls:
 *
 *   node scripts/run-ts.mjs scripts/probe-batches.ts [SEED]
 *
 * Exit status 1 at the first difference.
 */
import {
	createMap,
	createMemory,
	instantiateRuntime,
	linkedMap,
	type MapInstance,
	mapTypeName,
} from "@tailhop/core";
import { openKernel, pinToCpu } from "@tailhop/kernel";

const [NO_PREALLOC, ZERO_SEED] = [1, 64];
const KINDS = [
	[1, ZERO_SEED, 4],
	[1, ZERO_SEED | NO_PREALLOC, 7],
	[2, 0, 4],
	[5, ZERO_SEED, 4],
	[6, 0, 4],
	[9, ZERO_SEED, 4],
	[10, ZERO_SEED, 4],
	[11, NO_PREALLOC, 8],
] as const;
const CALLS = 400;

let state = Number(process.argv[2] ?? 1);
function random(below: number): number {
	state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
	return (state >>> 8) % below;
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

type Side = Pick<
	MapInstance,
	"hostLookupBatch" | "hostUpdateBatch" | "hostDeleteBatch" | "freeze" | "hostValueSize"
>;

/** One call, on any side; what it answers, as text. A hash's cursor is 4 bytes, whatever a key has. */
type Call = (side: Side) => string;

function makeCall(type: number, keySize: number, entries: number, cursors: readonly Uint8Array[]): Call {
	const key = (): Uint8Array => {
		const bytes = new Uint8Array(keySize);
		if (type === 11) bytes.set([random(10) * 4, 0, 0, 0, random(3) * 64, random(2) * 128]);
		else bytes[0] = random(entries + (type === 9 || type === 10 ? 0 : 4));
		return bytes;
	};
	const some = <T>(make: () => T): T[] => Array.from({ length: random(5) }, make);
	switch (random(6)) {
		case 0:
		case 1: {
			const pairs = some(() => [key(), 1 + random(200)] as const);
			const flags = random(8) === 0 ? [1n, 2n, 4n][random(3)]! : 0n;
			return (side) => {
				const values = pairs.map(([k, v]) => [k, new Uint8Array(side.hostValueSize).fill(v)] as const);
				const { done, result } = side.hostUpdateBatch(values, flags);
				// how far a call came that is refused as a whole is nobody's business
				return `update ${flags !== 0n ? "" : done} ${result}`;
			};
		}
		case 2: {
			const keys = some(key);
			return (side) => {
				const { done, result } = side.hostDeleteBatch(keys);
				return `delete ${result === -524 ? "" : done} ${result}`;
			};
		}
		default: {
			const count = 1 + random(entries + 2);
			const from = random(3) === 0 ? undefined : cursors[random(cursors.length)];
			const remove = random(8) === 0;
			return (side) => {
				const batch = side.hostLookupBatch(count, from, remove);
				if (typeof batch === "number") return `lookup ${batch}`;
				const next = batch.next && hex(batch.next.subarray(0, type === 11 ? 8 : 4));
				return `lookup ${batch.entries.map(([k, v]) => `${hex(k)}=${hex(v)}`).join(" ")} → ${next}`;
			};
		}
	}
}

const kernel = await openKernel();
const pinned = pinToCpu(kernel, 0);
let calls = 0;
let differences = 0;
for (const [type, flags, keySize] of KINDS) {
	const entries = 6;
	const shape = { name: "m", type, keySize, valueSize: 5, maxEntries: entries, flags };
	const def = linkedMap(shape);
	const theirs = kernel.createMap(shape);
	const dataBase = 2 ** 22;
	const runtime = instantiateRuntime(createMemory({ dataBase }), dataBase);
	const ours = createMap(runtime, def, 0, { cpus: kernel.cpus, seed: 0n });
	const cursors = Array.from({ length: 10 }, (_, i) => {
		const cursor = new Uint8Array(keySize);
		if (type === 11) cursor.set([i * 4, 0, 0, 0, (i % 3) * 64]);
		else cursor[0] = i;
		return cursor;
	});
	for (let i = 0; i < CALLS && differences === 0; i++) {
		const call = makeCall(type, keySize, entries, cursors);
		const [mine, its] = [call(ours), call(theirs)];
		calls++;
		if (mine === its) continue;
		differences++;
		console.log(`${mapTypeName(type)}, flags ${flags}, call ${i + 1}:\n  core   ${mine}\n  kernel ${its}`);
	}
	theirs.close();
}
pinned.close();
console.log(`${calls} calls, ${differences} differences`);
process.exitCode = differences > 0 ? 1 : 0;
