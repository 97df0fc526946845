/**
 * One process of the benchmark: argv[2] is JSON {rows, rounds, kernel}; prints JSON, per row the result's check and
 * nanoseconds per run of each engine in each round. Engines take turns within a round, so that whatever slows the
 * machine slows all of them.
 */
import { readFileSync } from "node:fs";
import { link, Machine, parse } from "@tailhop/core";
import { benchPacket } from "./packet.mjs";
import { ROWS } from "./rows.mjs";

/** Prog arrays hold ids, per-CPU arrays the values of CPUs that the program did not run on: programs.test.mjs compares them. */
const NOT_COMPARED = new Set([3, 6]);
/** CPU time that one measurement takes at least. */
const BATCH_NS = 15e6;

const { rows, rounds, kernel } = JSON.parse(process.argv[2]);

/** Which packet comes next where a row has several: 10,000 picks, the same every time. */
const ORDER = (() => {
	let x = 17;
	return Uint8Array.from({ length: 10_000 }, () => {
		x = Math.imul(x, 1664525) + 1013904223;
		return x >>> 24;
	});
})();

/** CPU time of this process, in ns: what other processes do doesn't count. */
const cpu = () => {
	const { user, system } = process.cpuUsage();
	return (user + system) * 1000;
};

const packetsOf = (row) => row.packets ?? [benchPacket()];

/**
 * An engine with one object loaded: `once` for the result, `time` for ns per run of a program.
 * @typedef {{ name: string, once(): { codes: number[], packets: Uint8Array[], maps: string[], instructions?: number }, time(program: string): number, close(): void }} Engine
 */

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

async function interpreter(name, linked, row, checked) {
	const machine = await Machine.create(linked, { checked, budget: 2 ** 40 });
	row.fill?.((map) => machine.map(map).instance);
	const inputs = packetsOf(row).map((packet) => ({ packet, trace: false }));
	const runs = new Map();
	let next = 0;
	const batch = (program, n) => {
		const start = cpu();
		for (let i = 0; i < n; i++) {
			machine.run(program, inputs[ORDER[next] % inputs.length]);
			next = (next + 1) % ORDER.length;
		}
		return cpu() - start;
	};
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
		time(program) {
			let n = runs.get(program);
			if (n === undefined) {
				// warm, then as many runs as a batch needs
				n = 8;
				for (let ns = batch(program, n); ns < BATCH_NS; ns = batch(program, n)) n *= 2;
				runs.set(program, n);
			}
			return batch(program, n) / n;
		},
		close: () => machine.close?.(),
	};
}

async function inKernel(linked, row) {
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

async function engines(row) {
	const bytes = readFileSync(new URL(`programs/${row.object}.o`, import.meta.url));
	const linked = link(parse(bytes, row.object), row.rodata ? { rodata: row.rodata } : {});
	const all = [
		await interpreter("checked", linked, row, true),
		await interpreter("unchecked", linked, row, false),
	];
	if (kernel) all.push(await inKernel(linked, row));
	return all;
}

const results = [];
for (const name of rows) {
	const row = name === "nop" ? { name, object: name, kind: "compute" } : ROWS.find((r) => r.name === name);
	let list = [];
	try {
		list = await engines(row);
		const [first, ...others] = list.map((engine) => ({ engine: engine.name, ...engine.once() }));
		for (const other of others) {
			const differs = [
				`${first.codes}` !== `${other.codes}` && `r0 ${first.codes} and ${other.codes}`,
				first.packets.some((packet, i) => !Buffer.from(packet).equals(other.packets[i])) && "packets",
				!row.lru && `${first.maps}` !== `${other.maps}` && "maps",
			].filter(Boolean);
			if (differs.length > 0)
				throw new Error(`${first.engine} and ${other.engine} differ: ${differs.join(", ")}`);
		}
		const times = Object.fromEntries(list.map((engine) => [engine.name, []]));
		for (const engine of list) engine.time("work");
		for (let round = 0; round < rounds; round++) {
			for (const engine of list) {
				const work = engine.time("work");
				times[engine.name].push(row.hops ? (work - engine.time("alone")) / row.hops : work);
			}
		}
		results.push({ name, result: first.codes[0], instructions: first.instructions, times });
	} catch (error) {
		results.push({ name, error: error instanceof Error ? error.message : String(error), code: error?.code });
	}
	for (const engine of list) engine.close();
}
console.log(JSON.stringify(results));
