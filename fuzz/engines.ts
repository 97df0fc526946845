import {
	HOOKS,
	type Hook,
	type HookInput,
	type LinkedObject,
	MAP_TYPE,
	type MachineOptions,
	type MapInstance,
	perfSample,
	TailhopError,
} from "@tailhop/core";
import { lastLine, pinToCpu } from "@tailhop/kernel";
import { type FuzzCase, type FuzzStep, link } from "./case.ts";
import { bytes, CPU, hex, openInterpreterSide, openKernelSide, oracle, type Side } from "./harness.ts";

/** One engine that a case can be loaded into. The first of a list says which cases count. */
export interface Engine {
	readonly name: string;
	load(linked: LinkedObject, chance?: Chance): Promise<Side>;
}

/** What no program should see: how unwritten stack reads, and where things lie. The kernel does not let us choose. */
interface Chance {
	readonly fillByte: number;
	/** Moves all that programs point to. */
	readonly controlBytes: number;
	/** Moves contexts and packets besides, so that the low bytes of their addresses change too. */
	readonly moved: number;
}

/** No generated program takes as many. */
const BUDGET = 20_000_000;

const CHANCES: readonly [Chance, Chance] = [
	{ fillByte: 0xa5, controlBytes: 0, moved: 0 },
	{ fillByte: 0x5a, controlBytes: 1 << 20, moved: 64 },
];

function movedBy(hook: Hook, distance: number): Hook {
	return {
		...hook,
		footprint: (length, flags) => hook.footprint(length, flags) + distance,
		begin: (memory, area, input, flags) => hook.begin(memory, area + distance, input, flags),
	};
}

function openMachine(
	linked: LinkedObject,
	cpus: number,
	{ fillByte, controlBytes, moved }: Chance = CHANCES[0],
	options: Pick<MachineOptions, "engine" | "verify"> = {},
): Promise<Side> {
	return openInterpreterSide(linked, {
		environment: { cpus, cpu: CPU, fillByte },
		controlBytes,
		...(moved === 0 ? {} : { hooks: HOOKS.map((hook) => movedBy(hook, moved)) }),
		// a budget is fuel, which verified programs do without
		...(options.verify === undefined ? { budget: BUDGET } : {}),
		...options,
	});
}

/** Engines by name; the kernel is left out where there is none. */
export async function openEngines(names: readonly string[]): Promise<readonly Engine[]> {
	const found = await oracle();
	const cpus = found.kernel?.cpus ?? 1;
	possibleCpus = cpus;
	const known: Record<string, () => Engine> = {
		kernel: () => {
			const { kernel } = found;
			if (kernel === undefined) throw new Error("why" in found ? found.why : "no kernel");
			// for the life of the process: per-CPU values are compared
			pinToCpu(kernel, CPU);
			return { name: "kernel", load: (linked) => openKernelSide(linked, kernel) };
		},
		interpreter: () => ({ name: "interpreter", load: (linked, chance) => openMachine(linked, cpus, chance) }),
		wasm: () => ({
			name: "wasm",
			load: (linked, chance) => openMachine(linked, cpus, chance, { engine: "wasm", verify: "off" }),
		}),
		// only what our verifier accepts, compiled without any check
		verified: () => ({
			name: "verified",
			load: async (linked, chance) => ({
				...(await openMachine(linked, cpus, chance, { engine: "wasm", verify: "require" })),
				name: "verified",
			}),
		}),
	};
	return names.map((name) => {
		const open = known[name];
		if (open === undefined) throw new Error(`no engine ${name}: ${Object.keys(known).join(", ")}`);
		return open();
	});
}

export interface Rejected {
	readonly kind: "rejected";
	/** The last line of the verifier's log. */
	readonly reason: string;
}

export interface Difference {
	readonly kind: "difference";
	/** What a shrunk case must still show: the place without numbers that change. */
	readonly where: string;
	/** Step number, -1 for loading, steps.length for the maps at the end. */
	readonly step: number;
	readonly answers: Readonly<Record<string, string>>;
}

export interface Agreed {
	readonly kind: "agreed";
	readonly runs: number;
}

export type Verdict = Rejected | Difference | Agreed;

/**
 * Whether results depend on stack that was never written, or on addresses: 6.18 lets root's programs look at both,
 * and what they find there is chance.
 */
export async function leaks(test: FuzzCase, engines: readonly Engine[]): Promise<boolean> {
	const engine = engines.find(({ name }) => name !== "kernel");
	if (engine === undefined) return false;
	const linked = link(test);
	const sides: Side[] = [];
	try {
		for (const chance of CHANCES) sides.push(await engine.load(linked, chance));
		return compare(test, sides).kind === "difference";
	} finally {
		for (const side of sides) side.close();
	}
}

/** Runs a case on every engine, step by step, to the first difference. */
export async function runCase(test: FuzzCase, engines: readonly Engine[]): Promise<Verdict> {
	const linked = link(test);
	const sides: Side[] = [];
	try {
		const refusals: Record<string, string> = {};
		for (const engine of engines) {
			const side = await load(engine, linked);
			if (typeof side !== "string") sides.push(side);
			else {
				refusals[engine.name] = side;
				if (engine === engines[0] && side.startsWith("verifier: ")) {
					return { kind: "rejected", reason: side.slice(10) };
				}
			}
		}
		const refused = Object.keys(refusals).length;
		if (refused === engines.length) return { kind: "agreed", runs: 0 };
		if (refused > 0) {
			const answers = Object.fromEntries(engines.map(({ name }) => [name, refusals[name] ?? "loaded"]));
			return { kind: "difference", where: "load", step: -1, answers };
		}
		return compare(test, sides);
	} finally {
		for (const side of sides) side.close();
	}
}

async function load(engine: Engine, linked: LinkedObject): Promise<Side | string> {
	try {
		return await engine.load(linked);
	} catch (error) {
		if (!(error instanceof TailhopError)) throw error;
		const { log } = error.detail ?? {};
		const line = typeof log === "string" ? lastLine(log) : undefined;
		// a program that passed, but does not go with the owner of a prog array
		if (line?.startsWith("processed ")) return `refused: ${error.message}`;
		return line ? `verifier: ${line}` : `refused: ${error.code} ${error.message}`;
	}
}

function compare(test: FuzzCase, sides: readonly Side[]): Verdict {
	let runs = 0;
	const differs = (step: number, where: string, answer: (side: Side) => string): Difference | undefined => {
		const answers = sides.map((side) => [side.name, attempt(() => answer(side))] as const);
		if (answers.every(([, text]) => text === answers[0]![1])) return undefined;
		return { kind: "difference", where, step, answers: Object.fromEntries(answers) };
	};
	for (const map of test.maps) {
		for (const [key, value] of map.entries ?? []) {
			const sizes = { key: map.keySize ?? 4, value: map.valueSize ?? 8 };
			const found = differs(-1, "entry", (side) =>
				String(side.map(map.name).hostUpdate(bytes(key, sizes.key), bytes(value, sizes.value), 0n)),
			);
			if (found !== undefined) return found;
		}
	}
	for (const [index, step] of test.steps.entries()) {
		if ("run" in step) runs++;
		const found = differs(index, Object.keys(step)[0]!, (side) => answerOf(test, side, step));
		if (found !== undefined) return found;
	}
	for (const map of test.maps) {
		if (test.ignoreMaps?.includes(map.name)) continue;
		const found = differs(test.steps.length, `map ${map.name}`, (side) => contents(test, side, map.name));
		if (found !== undefined) return found;
	}
	return { kind: "agreed", runs };
}

/** An exception of another kind than a refusal is an answer too: one that no other engine gives. */
function attempt(answer: () => string): string {
	try {
		return answer();
	} catch (error) {
		if (!(error instanceof Error)) throw error;
		return `threw ${error instanceof TailhopError ? error.code : error.name}: ${error.message}`;
	}
}

function answerOf(test: FuzzCase, side: Side, step: FuzzStep): string {
	if ("run" in step) return outcomeOf(side, step);
	if ("slot" in step) {
		return String(side.setSlot(step.slot, step.index, step.program ?? undefined, step.mode ?? "any"));
	}
	if ("freeze" in step) return String(side.map(step.freeze).freeze());
	if ("next" in step) {
		return text(side.map(step.next).hostNextKey(step.key === null ? null : bytes(step.key, 0)));
	}
	if ("batch" in step) return wholeBatch(test, side, step);
	if ("updateBatch" in step) {
		const { updateBatch: name, entries, flags = 0 } = step;
		const pairs = entries.map(
			([key, value]) => [bytes(key, 0), everyCpu(test, name, bytes(value, 0))] as const,
		);
		return JSON.stringify(batches(side, name).hostUpdateBatch?.(pairs, BigInt(flags)));
	}
	if ("deleteBatch" in step) {
		const keys = step.keys.map((key) => bytes(key, 0));
		return JSON.stringify(batches(side, step.deleteBatch).hostDeleteBatch?.(keys));
	}
	const key = bytes(step.key, 0);
	if ("update" in step) {
		const value = everyCpu(test, step.update, bytes(step.value, 0));
		return String(side.map(step.update).hostUpdate(key, value, BigInt(step.flags ?? 0)));
	}
	if ("delete" in step) return String(side.map(step.delete).hostDelete(key));
	if ("take" in step) return text(shown(test, step.take, side.map(step.take).hostLookupAndDelete(key)));
	return text(shown(test, step.lookup, side.map(step.lookup).hostLookup(key)));
}

type Batches = Partial<Pick<MapInstance, "hostLookupBatch" | "hostUpdateBatch" | "hostDeleteBatch">>;

/** Both engines' maps have them, prog arrays aside. */
const batches = (side: Side, name: string): Batches => side.map(name) as Batches;

/** Batch after batch to the end, or to a refusal; sorted, since most kinds promise no order. */
function wholeBatch(test: FuzzCase, side: Side, step: Extract<FuzzStep, { batch: string }>): string {
	const lines: string[] = [];
	let from: Uint8Array | undefined;
	for (let round = 0; round < LIMIT; round++) {
		const found = batches(side, step.batch).hostLookupBatch?.(step.count, from, step.remove);
		if (found === undefined || typeof found === "number") return [...lines.sort(), String(found)].join("\n");
		for (const [key, value] of found.entries)
			lines.push(`${hex(key)} = ${text(shown(test, step.batch, value))}`);
		from = found.next;
		if (from === undefined) break;
	}
	return lines.sort().join("\n");
}

function outcomeOf(side: Side, step: Extract<FuzzStep, { run: string }>): string {
	const input: HookInput = {
		packet: bytes(step.packet, 0),
		...(step.context === undefined ? {} : { contextBytes: bytes(step.context, 0) }),
	};
	const outcome = side.run(step.run, input);
	if (outcome.kind === "refused") return `refused ${outcome.errno}`;
	if (outcome.kind === "fault") return `fault ${outcome.code}: ${outcome.message}`;
	return [
		`r0=${outcome.r0.toString(16)} verdict=${outcome.verdict}`,
		`packet=${hex(outcome.packet)}`,
		`context=${hex(outcome.contextBytes)}`,
		...outcome.output.map(
			(event) =>
				`${event.kind} ${event.map}=${hex(event.kind === "perf" ? perfSample(event.data) : event.data)}`,
		),
	].join("\n");
}

/** Kinds by BPF_MAP_TYPE_* whose keys can be walked. */
const WALKED = new Set([1, 2, 5, 6, 9, 10, 11, 14, 25]);
/** Kinds that only lookup_and_delete reads. */
const POPPED = new Set([22, 23]);
/** More entries than any generated map has. */
const LIMIT = 1024;

function contents(test: FuzzCase, side: Side, name: string): string {
	const { type, slots } = typeOf(test, name);
	if (slots > 0) {
		return Array.from({ length: slots }, (_, index) => side.slot(name, index) ?? "-").join(" ");
	}
	const map = side.map(name);
	const lines: string[] = [];
	if (WALKED.has(type)) {
		let key = map.hostNextKey(null);
		for (let count = 0; typeof key !== "number" && count < LIMIT; count++) {
			lines.push(`${hex(key)} = ${text(shown(test, name, map.hostLookup(key)))}`);
			key = map.hostNextKey(key);
		}
		lines.sort();
	} else if (POPPED.has(type)) {
		const none = new Uint8Array();
		for (let count = 0; count < LIMIT; count++) {
			const value = map.hostLookupAndDelete(none);
			lines.push(text(value));
			if (typeof value === "number") break;
		}
	}
	return lines.join("\n");
}

function typeOf(test: FuzzCase, name: string): { readonly type: number; readonly slots: number } {
	const map = test.maps.find((each) => each.name === name)!;
	const type =
		typeof map.type === "number" ? map.type : MAP_TYPE[map.type.toUpperCase() as keyof typeof MAP_TYPE];
	return { type, slots: type === 3 ? (map.maxEntries ?? 1) : 0 };
}

const PER_CPU = new Set([5, 6, 10]);
let possibleCpus = 1;

/** One CPU's value for each of them, the first byte told apart. */
function everyCpu(test: FuzzCase, name: string, value: Uint8Array): Uint8Array {
	if (!PER_CPU.has(typeOf(test, name).type)) return value;
	const whole = new Uint8Array(value.length * possibleCpus);
	for (let cpu = 0; cpu < possibleCpus; cpu++) {
		whole.set(value, cpu * value.length);
		whole[cpu * value.length]! ^= cpu;
	}
	return whole;
}

/** A value without the bytes that only fill each CPU's up to a multiple of 8: nobody says what they are. */
function shown(test: FuzzCase, name: string, value: Uint8Array | number): Uint8Array | number {
	if (typeof value === "number" || !PER_CPU.has(typeOf(test, name).type)) return value;
	const { valueSize = 8 } = test.maps.find((each) => each.name === name)!;
	const stride = Math.ceil(valueSize / 8) * 8;
	return value.filter((_, at) => at % stride < valueSize);
}

const text = (found: Uint8Array | number): string => (typeof found === "number" ? String(found) : hex(found));
