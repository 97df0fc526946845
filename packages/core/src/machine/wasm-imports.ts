import { TailhopError } from "../errors/index.ts";
import { type Helper, OUTCOMES, PACKET } from "../helpers/index.ts";
import { fieldAt, type Hook, isSocketOnes, storeField } from "../hooks/index.ts";
import type { HopRecord } from "../interpreter/index.ts";
import type { MapRuntime } from "../maps/index.ts";
import { MACHINE } from "../memory/index.ts";
import { argsOf, type CompiledModule, isWide } from "../wasm/index.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Runtime } from "./runtime.ts";

/** Halves of r1 to r5, low first, and r10; the low half of r0. */
export type Callback = (...args: number[]) => number;

/** What compiled code asks of the machine while it runs. */
export interface ImportHost {
	readonly allocator: MapRuntime;
	readonly runtime: Runtime;
	readonly lifecycle: Lifecycle;
	readonly helper: (id: number) => Helper | undefined;
	readonly kfunc: (name: string) => Helper | undefined;
	/** The hook of the running invocation. */
	hook(): Hook | undefined;
	/** Where hops are recorded, if they are. */
	hops(): HopRecord[] | undefined;
	/** A function of a program by its callback id, in the build that runs. */
	callback(id: number): Callback | undefined;
	/** Goes on in the interpreter with a program that is not compiled: its r0. */
	interpret(program: number, context: number, sp: number, count: number): bigint;
}

type Import = (...args: number[]) => number | undefined;

/** The imports of a compiled module: map code, helpers, and what the machine does itself. */
export function importsOf(
	module: CompiledModule,
	table: WebAssembly.Table,
	host: ImportHost,
): Record<string, WebAssembly.ImportValue> {
	const { code, memory } = host.allocator;
	const own = ownImports(host);
	const maps = code as unknown as Readonly<Record<string, WebAssembly.ImportValue>>;
	const imports: Record<string, WebAssembly.ImportValue> = { memory: memory.memory, table };
	for (const name of module.named) imports[name] = own[name] ?? maps[name]!;
	for (const { name, id, kfunc } of module.helpers) {
		const helper = kfunc === undefined ? host.helper(id) : host.kfunc(kfunc);
		imports[name] = helperImport(helper!, host);
	}
	return imports;
}

function ownImports(host: ImportHost): Record<string, Import> {
	const { runtime, lifecycle } = host;
	const { memory } = host.allocator;
	return {
		storeContext(given, size, low, high, immediate) {
			const address = given! >>> 0;
			const field = fieldAt(host.hook()!.fields, address - memory.u32(PACKET.CONTEXT));
			storeField(memory, field, address, size!, low!, high!, immediate !== 0);
			return undefined;
		},
		loadAbsolute(offset, size) {
			const value = host.hook()?.loadAbsolute?.(memory, offset!, size as 1 | 2 | 4);
			memory.setU32(MACHINE.RESULT_HIGH, value === undefined ? 1 : 0);
			return value ?? 0;
		},
		socketOnes: (address) => (isSocketOnes(runtime, address! >>> 0) ? 1 : 0),
		interpret(program, context, sp, count) {
			const r0 = host.interpret(program!, context!, sp!, count!);
			memory.setU32(MACHINE.RESULT_HIGH, Number(r0 >> 32n));
			return Number(BigInt.asIntN(32, r0));
		},
		hop(program, insn, map, slot, outcome, word) {
			const from = lifecycle.programs[program!];
			if (from === undefined) return undefined;
			host.hops()?.push({
				program: from.lowered,
				insn: insn!,
				map: runtime.map(map! >>> 0)?.def.name ?? "?",
				slot: slot! >>> 0,
				outcome: OUTCOMES[outcome!]!,
				target: lifecycle.programs[word!]?.lowered,
				count: memory.u32(MACHINE.TAIL_CALLS),
			});
			return undefined;
		},
	};
}

/** A helper's import: halves of arguments in, low half out, the high half in memory. */
function helperImport(helper: Helper, host: ImportHost): Import {
	const { runtime } = host;
	const { memory } = host.allocator;
	const { prototype } = helper;
	const { returns } = prototype;
	const args = argsOf(prototype);
	const wide = args.map(isWide);
	return (...given) => {
		const r = [0, 0, 0, 0, 0];
		let at = 0;
		for (let i = 0; i < args.length; i++) {
			r[i] = given[at++]!;
			runtime.argHi[i] = wide[i] ? given[at++]! : 0;
		}
		let result: number;
		if ("run" in helper) result = helper.run(runtime, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!);
		else {
			const iteration = helper.iterate(runtime, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!);
			result =
				typeof iteration === "number"
					? iteration
					: iterate(iteration, host.callback(r[helper.callback - 1]!), given[at]!);
		}
		if (returns === "u64") memory.setU32(MACHINE.RESULT_HIGH, runtime.resultHi);
		return returns === "void" ? undefined : result;
	};
}

interface Iteration {
	next(previous: number | undefined): readonly (number | readonly [number, number])[] | undefined;
	result(): number;
}

function iterate(iteration: Iteration, callback: Callback | undefined, sp: number): number {
	if (callback === undefined)
		throw new TailhopError("fault/argument", "a callback that is no function of the program");
	let previous: number | undefined;
	for (;;) {
		const args = iteration.next(previous);
		if (args === undefined) return iteration.result();
		const halves = new Array<number>(11).fill(0);
		args.forEach((value, i) => {
			if (typeof value === "number") halves[2 * i] = value;
			else [halves[2 * i], halves[2 * i + 1]] = value;
		});
		halves[10] = sp;
		previous = callback(...halves);
	}
}
