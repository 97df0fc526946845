/**
 * One process of the benchmark: argv[2] is JSON {rows, rounds, kernel, native}; prints JSON, per row the result's check
 * and nanoseconds per run of each engine in each round. Engines take turns within a round, so that whatever slows the
 * machine slows all of them.
 */
import { readFileSync } from "node:fs";
import { link, parse } from "@tailhop/core";
import { inKernel, inMachine, inNative } from "./engines.mjs";
import { ROWS } from "./rows.mjs";
import { slotEngines } from "./slot-update.mjs";

const { rows, rounds, kernel, native } = JSON.parse(process.argv[2]);

function linkedOf(row) {
	const bytes = readFileSync(new URL(`programs/${row.object}.o`, import.meta.url));
	return link(parse(bytes, row.object), row.rodata ? { rodata: row.rodata } : {});
}

async function engines(row) {
	const linked = linkedOf(row);
	const all = [
		await inMachine("checked", linked, row, {}),
		await inMachine("unchecked", linked, row, { checked: false }),
		await inMachine("wasm-checked", linked, row, { engine: "wasm", verify: "off" }),
		await inMachine("wasm-verified", linked, row, { engine: "wasm", verify: "require", budget: undefined }),
		await inMachine("wasm-unchecked", linked, row, { engine: "wasm", verify: "off", checked: false }),
	];
	if (native[row.object] !== undefined) all.push(await inNative(native[row.object], row));
	if (kernel && !row.mixed) all.push(await inKernel(linked, row));
	return all;
}

/** r0, packet and maps of every engine must be the first's. */
function compared(row, list) {
	const [first, ...others] = list.map((engine) => ({ engine: engine.name, ...engine.once() }));
	for (const other of others) {
		// which entries an LRU evicts is the kernel's own business on each CPU
		if (row.lru && other.engine === "kernel") continue;
		const differs = [
			`${first.codes}` !== `${other.codes}` && `r0 ${first.codes} and ${other.codes}`,
			first.packets.some((packet, i) => !Buffer.from(packet).equals(other.packets[i])) && "packets",
			other.maps && `${first.maps}` !== `${other.maps}` && "maps",
		].filter(Boolean);
		if (differs.length > 0)
			throw new Error(`${first.engine} and ${other.engine} differ: ${differs.join(", ")}`);
	}
	return first;
}

async function measure(name) {
	if (name === "slot-update") {
		const list = await slotEngines(linkedOf({ object: "hop-dynamic" }), kernel);
		return { list, times: taken(list, (engine) => engine.time()) };
	}
	const row = name === "nop" ? { name, object: name } : ROWS.find((r) => r.name === name);
	const list = await engines(row);
	const first = compared(row, list);
	const times = taken(list, (engine) => {
		const work = engine.time("work");
		return row.hops ? (work - engine.time("alone")) / row.hops : work;
	});
	return { list, times, result: first.codes[0], instructions: first.instructions };
}

function taken(list, time) {
	const times = Object.fromEntries(list.map((engine) => [engine.name, []]));
	for (const engine of list) time(engine);
	for (let round = 0; round < rounds; round++) {
		for (const engine of list) times[engine.name].push(time(engine));
	}
	return times;
}

const results = [];
for (const name of rows) {
	try {
		const { list, ...measured } = await measure(name);
		results.push({ name, ...measured });
		for (const engine of list) engine.close();
	} catch (error) {
		results.push({ name, error: error instanceof Error ? error.message : String(error), code: error?.code });
	}
}
console.log(JSON.stringify(results));
