/**
 * What an engine costs before the first packet is through. argv[2]: "translation" (to be run with --no-liftoff
 * --no-wasm-lazy-compilation) or "start" (with --expose-gc). Prints JSON.
 */
import { readFileSync } from "node:fs";
import { link, Machine, parse } from "@tailhop/core";
import { cpu } from "./engines.mjs";
import { benchPacket } from "./packet.mjs";
import { ROWS } from "./rows.mjs";

const objects = [...new Set(ROWS.map((row) => row.object))];
const linkedOf = (object) => {
	const bytes = readFileSync(new URL(`programs/${object}.o`, import.meta.url));
	const row = ROWS.find((each) => each.object === object);
	return link(parse(bytes, object), row?.rodata ? { rodata: row.rodata } : {});
};
/** Rounds until V8 has compiled the translator itself: a corpus of 4,300 instructions is soon through. */
const WARM_UP = 20;
const MEASURED = 15;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Translation of the whole corpus against V8's compilation of what came out, CPU ns per 1,000 instructions. */
async function translation() {
	const { Module, Instance } = WebAssembly;
	const spent = { compile: 0, instantiate: 0, bytes: 0, modules: 0 };
	let serial = 0;
	const timed = (what, action) => {
		const start = cpu();
		const result = action();
		spent[what] += cpu() - start;
		return result;
	};
	function TimedModule(bytes) {
		// a custom section with a number makes the bytes new: V8 keeps what it has compiled, by content
		const given = new Uint8Array(bytes);
		const unlike = new Uint8Array(given.length + 8);
		unlike.set(given);
		unlike.set([0, 6, 1, 0x6e], given.length);
		new DataView(unlike.buffer).setUint32(given.length + 4, serial++);
		spent.bytes += given.length;
		spent.modules++;
		return timed("compile", () => new Module(unlike));
	}
	function TimedInstance(module, imports) {
		return timed("instantiate", () => new Instance(module, imports));
	}
	Object.assign(WebAssembly, { Module: TimedModule, Instance: TimedInstance });
	const all = objects.map(linkedOf);
	const insns = all.reduce((sum, { programs }) => sum + programs.reduce((n, p) => n + p.insns.length, 0), 0);
	const rounds = [];
	for (let round = 0; round < WARM_UP + MEASURED; round++) {
		Object.assign(spent, { compile: 0, instantiate: 0, bytes: 0, modules: 0 });
		let total = 0;
		for (const object of objects) {
			// linked anew: what is known of a program is kept with it
			const linked = linkedOf(object);
			const machine = await Machine.create(linked, { engine: "wasm", verify: "off", checked: false });
			const start = cpu();
			// compiles whatever is loaded
			for (const error of machine.notCompiled.values()) throw error;
			total += cpu() - start;
			machine.close();
		}
		rounds.push({ ...spent, translate: total - spent.compile - spent.instantiate });
	}
	const first = rounds[0];
	const warm = rounds.slice(WARM_UP);
	const per = (ns) => (ns / insns) * 1000;
	return {
		insns,
		bytes: first.bytes,
		modules: first.modules,
		cold: { translate: per(first.translate), compile: per(first.compile) },
		times: {
			translate: warm.map((round) => per(round.translate)),
			compile: warm.map((round) => per(round.compile)),
		},
	};
}

/** The first packet's way, in ms by the clock: the process's first machine, and later ones. Bytes of a machine. */
async function start() {
	const clock = async (object, options) => {
		const linked = linkedOf(object);
		const packet = benchPacket();
		const from = performance.now();
		const machine = await Machine.create(linked, options);
		const created = performance.now();
		machine.run("work", { packet, trace: false });
		return { machine, create: created - from, run: performance.now() - created };
	};
	const engines = {
		interpreter: {},
		wasm: { engine: "wasm", verify: "off" },
		"wasm, verified": { engine: "wasm" },
	};
	const result = {};
	for (const [name, options] of Object.entries(engines)) {
		result[name] = {};
		for (const object of ["parse", "route", "hop-static"]) {
			const runs = [];
			for (let i = 0; i < 12; i++) {
				const { machine, create, run } = await clock(object, options);
				machine.close();
				runs.push({ create, run });
			}
			const [first, ...later] = runs;
			result[name][object] = {
				first,
				later: { create: median(later.map((r) => r.create)), run: median(later.map((r) => r.run)) },
			};
		}
		const machines = [];
		const memory = () => {
			globalThis.gc?.();
			return process.memoryUsage().rss;
		};
		const before = memory();
		for (let i = 0; i < 40; i++) machines.push((await clock("parse", options)).machine);
		result[name].bytesPerMachine = (memory() - before) / machines.length;
		for (const machine of machines) machine.close();
	}
	return result;
}

console.log(JSON.stringify(await (process.argv[2] === "translation" ? translation() : start())));
