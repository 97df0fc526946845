/**
 * One process of the benchmark: argv[2] is JSON {rows, rounds, kernel}; prints JSON, per row the result's check and
 * nanoseconds per run of each engine in each round. Engines take turns within a round, so that whatever slows the
 * machine slows all of them.
 */
import { readFileSync } from "node:fs";
import { link, Machine, parse } from "@tailhop/core";
import { benchPacket } from "./packet.mjs";
import { ROWS } from "./rows.mjs";

const PROG_ARRAY = 3;
/** CPU time that one measurement takes at least. */
const BATCH_NS = 15e6;

const { rows, rounds, kernel } = JSON.parse(process.argv[2]);
const packet = benchPacket();

/** CPU time of this process, in ns: what other processes do doesn't count. */
const cpu = () => {
	const { user, system } = process.cpuUsage();
	return (user + system) * 1000;
};

/**
 * An engine with one object loaded: `once` for the result, `time` for ns per run of a program.
 * @typedef {{ name: string, once(): { code: number, packet: Uint8Array, maps: string[], instructions?: number }, time(program: string): number, close(): void }} Engine
 */

/** Entries of every map but prog arrays (whose values are ids), as text. */
function dump(linked, maps) {
	return linked.maps.flatMap((def, i) => {
		if (def.type === PROG_ARRAY) return [];
		const entries = [...maps(def.name, i).hostEntries()];
		return entries
			.map(([k, v]) => `${def.name}[${Buffer.from(k).toString("hex")}]=${Buffer.from(v).toString("hex")}`)
			.sort();
	});
}

async function interpreter(name, linked, row, checked) {
	const machine = await Machine.create(linked, { checked, budget: 2 ** 40 });
	row.fill?.((map) => machine.map(map).instance);
	const input = { packet, trace: false };
	const runs = new Map();
	const batch = (program, n) => {
		const start = cpu();
		for (let i = 0; i < n; i++) machine.run(program, input);
		return cpu() - start;
	};
	return {
		name,
		once() {
			const result = machine.run("work", input);
			return {
				code: result.verdict.code,
				packet: result.packet,
				maps: dump(linked, (map) => machine.map(map).instance),
				instructions: result.instructions,
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
	const time = (program, repeat) => object.run(program, { packet, repeat }).duration;
	return {
		name: "kernel",
		once() {
			const result = object.run("work", { packet });
			return {
				code: result.verdict.code,
				packet: result.packet,
				maps: dump(linked, (_, i) => object.maps[i]),
			};
		},
		time(program) {
			let n = runs.get(program);
			if (n === undefined) {
				n = Math.min(100_000, Math.ceil(BATCH_NS / Math.max(10, time(program, 1000))));
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
				first.code !== other.code && `r0 ${first.code} and ${other.code}`,
				!Buffer.from(first.packet).equals(other.packet) && "packets",
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
		results.push({ name, code: first.code, instructions: first.instructions, times });
	} catch (error) {
		results.push({ name, error: error instanceof Error ? error.message : String(error), code: error?.code });
	}
	for (const engine of list) engine.close();
}
console.log(JSON.stringify(results));
