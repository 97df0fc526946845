/** The engines that the benchmark drives, each with one object loaded. */
import { Machine } from "@tailhop/core";
import { loadNative } from "./native.mjs";
import { benchPacket } from "./packet.mjs";

/**
 * `once` for the result, `time` for ns of CPU time per run of a program.
 * @typedef {{ codes: number[], packets: Uint8Array[], maps?: string[], instructions?: number }} Once
 * @typedef {{ name: string, once(): Once, time(program: string): number, close(): void }} Engine
 */

/** CPU time that one measurement takes at least. */
export const BATCH_NS = 15e6;

/** Packets of a batch. */
const BATCH = 32;

/** Prog arrays hold ids, per-CPU arrays the values of CPUs that the program did not run on: programs.test.mjs compares them. */
const NOT_COMPARED = new Set([3, 6]);

/** CPU time of this process, in ns: what other processes do doesn't count. */
export const cpu = () => {
	const { user, system } = process.cpuUsage();
	return (user + system) * 1000;
};

const packetsOf = (row) => row.packets ?? [benchPacket()];

/** Entries of the maps, as text. */
function dump(linked, maps) {
	return linked.maps.flatMap((def, i) => {
		if (NOT_COMPARED.has(def.type)) return [];
		const entries = [...maps(def.name, i).hostEntries()];
		return entries
			.map(([k, v]) => `${def.name}[${Buffer.from(k).toString("hex")}]=${Buffer.from(v).toString("hex")}`)
			.sort();
	});
}

/** A machine with all of an object, or (`apart`) with a collection for each of its programs over the same maps. */
async function machineOf(linked, apart, options) {
	if (!apart) return Machine.create(linked, options);
	const only = (program) => ({
		...linked,
		programs: [program],
		slots: linked.slots.filter((slot) => slot.target === program.name),
	});
	const [first, ...others] = linked.programs;
	const machine = await Machine.create(only(first), options);
	const reuse = linked.maps.map((map) => map.name);
	for (const program of others) machine.load(only(program), { reuse });
	return machine;
}

/** How often a batch runs a program: warm first, then doubled until a batch takes long enough. */
function counted(batch) {
	const runs = new Map();
	return (program) => {
		let n = runs.get(program);
		if (n === undefined) {
			n = 8;
			for (let ns = batch(program, n); ns < BATCH_NS && n < 2 ** 28; ns = batch(program, n)) n *= 2;
			runs.set(program, n);
		}
		return batch(program, n) / n;
	};
}

/** @returns {Promise<Engine>} */
export async function inMachine(name, linked, row, options) {
	const machine = await machineOf(linked, row.apart, { budget: 2 ** 40, ...options });
	for (const error of machine.notCompiled.values()) throw error;
	row.fill?.((map) => machine.map(map).instance);
	const inputs = packetsOf(row).map((packet) => ({ packet, trace: false }));
	return {
		name,
		once() {
			const results = inputs.map((input) => machine.run("work", input));
			return {
				codes: results.map((result) => result.verdict.code),
				packets: results.map((result) => result.packet),
				maps: dump(linked, (map) => machine.map(map).instance),
				instructions: results.reduce((sum, result) => sum + result.instructions, 0) / results.length,
			};
		},
		// one packet over and over, of each flow in turn; in batches, where there are flows
		time: counted((program, n) => {
			const each = Math.ceil(n / inputs.length);
			if (inputs.length === 1) {
				const start = cpu();
				machine.repeat(program, inputs[0], each);
				return ((cpu() - start) * n) / each;
			}
			const groups = row.mixed ? [inputs] : inputs.map((input) => new Array(BATCH).fill(input));
			let spent = 0;
			let done = 0;
			for (const group of groups) {
				const batch = machine.batch(program, group);
				const runs = Math.ceil((each * inputs.length) / groups.length / group.length);
				const start = cpu();
				for (let i = 0; i < runs; i++) batch.run();
				spent += cpu() - start;
				done += runs * group.length;
				batch.close();
			}
			return (spent * n) / done;
		}),
		close: () => machine.close(),
	};
}

/** @returns {Promise<Engine>} */
export async function inKernel(linked, row) {
	const { KernelObject } = await import("@tailhop/kernel");
	const object = await KernelObject.load(linked);
	row.fill?.((map) => object.map(map));
	const runs = new Map();
	const packets = packetsOf(row);
	/** The mean over one packet of each flow. */
	const time = (program, repeat) =>
		packets.reduce((sum, packet) => sum + object.run(program, { packet, repeat }).duration, 0) /
		packets.length;
	return {
		name: "kernel",
		once() {
			const results = packets.map((packet) => object.run("work", { packet }));
			return {
				codes: results.map((result) => result.verdict.code),
				packets: results.map((result) => result.packet),
				maps: dump(linked, (_, i) => object.maps[i]),
			};
		},
		time(program) {
			let n = runs.get(program);
			if (n === undefined) {
				const runsOfBatch = BATCH_NS / Math.max(10, time(program, 1000));
				n = Math.ceil(Math.min(100_000, Math.max(packets.length > 1 ? 20_000 : 1, runsOfBatch)));
				runs.set(program, n);
			}
			return time(program, n);
		},
		close: () => object.close(),
	};
}

/** @returns {Promise<Engine>} */
export async function inNative(path, row) {
	const repeat = await loadNative(path, packetsOf(row)[0]);
	return {
		name: "native",
		once() {
			const { code, packet } = repeat(1);
			return { codes: [code], packets: [packet] };
		},
		time: counted((_, n) => repeat(n).ns),
		close() {},
	};
}
