import type { MapInstance } from "../maps/index.ts";
import { LinearMemory } from "../memory/index.ts";
import { clock, defaultEnvironment, initEnvironment, random } from "./environment.ts";
import { HELPERS } from "./registry.ts";
import type { Environment, Helper, HelperRuntime, Iteration, Output } from "./types.ts";

/** For tests: a machine that is nothing but memory. `DATA` is where a test may put its bytes. */
export const DATA = 0x2_0000;

export interface TestRuntime extends HelperRuntime {
	readonly outputs: Output[];
	programType: number;
	context: number;
	readonly maps: Map<number, MapInstance>;
	/** Calls helper `id` as an engine would: r0 in all 64 bits. */
	call(id: number, ...args: (number | bigint)[]): bigint;
	/** Runs an iterating helper with a callback in JavaScript, which gets the callback's arguments. */
	iterate(
		id: number,
		args: (number | bigint)[],
		callback: (...args: readonly (number | readonly [number, number])[]) => number,
	): bigint;
}

export function testRuntime(
	partial: Partial<Environment> = {},
	memory = new LinearMemory(new WebAssembly.Memory({ initial: 16, maximum: 32 })),
): TestRuntime {
	const environment = defaultEnvironment(partial);
	initEnvironment(memory, environment);
	const runtime: TestRuntime = {
		memory,
		argHi: new Int32Array(5),
		resultHi: 0x5eed,
		environment,
		programType: 6,
		context: 0,
		cpu: environment.cpu,
		outputs: [],
		maps: new Map(),
		map: (address) => runtime.maps.get(address),
		clock: () => clock(memory, environment),
		random: () => random(memory),
		output: (event) => void runtime.outputs.push(event),
		call(id, ...args) {
			const helper = find(id);
			if (!("run" in helper)) throw new Error(`helper ${id} iterates`);
			const [r1, r2, r3, r4, r5] = load(runtime, args);
			return widen(helper, helper.run(runtime, r1, r2, r3, r4, r5), runtime.resultHi);
		},
		iterate(id, args, callback) {
			const helper = find(id);
			if (!("iterate" in helper)) throw new Error(`helper ${id} doesn't iterate`);
			const [r1, r2, r3, r4, r5] = load(runtime, args);
			const begun = helper.iterate(runtime, r1, r2, r3, r4, r5);
			const result = typeof begun === "number" ? begun : drive(begun, callback);
			return widen(helper, result, runtime.resultHi);
		},
	};
	return runtime;
}

function find(id: number): Helper {
	const helper = HELPERS.get(id);
	if (helper === undefined) throw new Error(`helper ${id} has no implementation`);
	return helper;
}

function load(runtime: HelperRuntime, args: (number | bigint)[]): [number, number, number, number, number] {
	const low = [0, 1, 2, 3, 4].map((i) => {
		const value = BigInt.asIntN(64, BigInt(args[i] ?? 0));
		runtime.argHi[i] = Number(value >> 32n);
		return Number(BigInt.asIntN(32, value));
	});
	return [low[0]!, low[1]!, low[2]!, low[3]!, low[4]!];
}

function drive(
	iteration: Iteration,
	callback: (...args: readonly (number | readonly [number, number])[]) => number,
) {
	let args = iteration.next(undefined);
	while (args !== undefined) args = iteration.next(callback(...args));
	return iteration.result();
}

/** r0 as `ReturnKind` says, as a signed 64-bit number. */
function widen(helper: Helper, result: number, hi: number): bigint {
	const { returns } = helper.prototype;
	if (returns === "int" || returns === "void") return BigInt(result | 0);
	if (returns === "u64") return BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(result >>> 0));
	return BigInt(result >>> 0);
}
