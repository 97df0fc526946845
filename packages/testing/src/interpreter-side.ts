import {
	type Descriptor,
	type LinkedObject,
	Machine,
	type MachineOptions,
	type MapHandle,
} from "@tailhop/core";
import { answer, type HostMap, MODES, refusal, type Side, withPrograms } from "./side.ts";

/** A Machine with an object in it, on the checked interpreter or as WebAssembly; `later` are programs that a step loads. */
export async function openInterpreterSide(
	linked: LinkedObject,
	options: MachineOptions,
	later: ReadonlySet<string> = new Set(),
): Promise<Side> {
	const machine = await Machine.create(
		withPrograms(linked, (name) => !later.has(name)),
		options,
	);
	const opened = new Map<string, Descriptor[]>();
	const pin = (map: string) => `/sys/fs/bpf/${map}`;
	return {
		name: options.engine === "wasm" ? "wasm" : "interpreter",
		...notCompiled(machine),
		...notVerified(machine),
		cpu: machine.environment.cpu,
		run(program, input) {
			const result = machine.attempt(program, input);
			if (result.error !== undefined) {
				const { code, message, detail } = result.error;
				const errno = detail?.errno;
				if (code === "machine/invalid-input" && typeof errno === "number") return { kind: "refused", errno };
				if (!code.startsWith("fault/")) throw result.error;
				return { kind: "fault", code, message, error: result.error };
			}
			return {
				kind: "ran",
				verdict: result.verdict.code,
				r0: result.r0,
				packet: result.packet,
				context: result.context,
				contextBytes: result.contextBytes ?? new Uint8Array(),
				output: result.output.filter((each) => each.kind === "perf" || each.kind === "ringbuf"),
				hops: result.hops.map((hop) => `${hop.slot} ${hop.to ?? hop.outcome}`),
				result,
			};
		},
		map(name) {
			const map = machine.map(name);
			return map.isProgArray ? progArray(map) : map.instance;
		},
		setSlot: (map, slot, program, mode) =>
			answer(() => {
				if (program === undefined) machine.map(map).clearSlot(slot);
				else machine.map(map).setSlot(slot, program, mode);
			}),
		slot: (map, slot) => machine.map(map).slot(slot)?.name,
		programId: (program) => machine.program(program).id,
		openMap(map) {
			const descriptors = opened.get(map) ?? [];
			opened.set(map, [...descriptors, machine.map(map).open()]);
		},
		closeMap(map) {
			const last = opened.get(map)?.pop() ?? machine.map(map);
			last.close();
		},
		pinMap: (map) => machine.map(map).pin(pin(map)),
		unpinMap: (map) => machine.map(map).unpin(pin(map)),
		load: (program) =>
			answer(() =>
				machine.load(
					{ ...withPrograms(linked, (name) => name === program), slots: [] },
					{ reuse: linked.maps.map((map) => map.name) },
				),
			),
		closeProgram: (program) => machine.program(program).close(),
		exists: (program) => !machine.program(program).freed,
		close: () => machine.close(),
	};
}

/** A prog array with bpf(2)'s calls: the handle answers with ids, the instance below it has the machine's words. */
function progArray(map: MapHandle): HostMap {
	const { instance } = map;
	const mode = (flags: bigint) =>
		(["any", "noexist", "exist"] as const).find((name) => MODES[name] === flags);
	return {
		hostLookup: (key) => attempt(() => map.lookup(key)) ?? -ENOENT,
		hostUpdate(key, value, flags) {
			const known = mode(flags);
			// other flags never reach a kind of map
			if (known === undefined) return instance.hostUpdate(key, value, flags);
			return answer(() => map.update(key, value, known));
		},
		hostDelete(key) {
			const removed = attempt(() => map.remove(key));
			return typeof removed === "number" ? removed : removed ? 0 : -ENOENT;
		},
		hostNextKey: (key) => instance.hostNextKey(key),
		hostLookupAndDelete: (key) => instance.hostLookupAndDelete(key),
		freeze: () => instance.freeze(),
	};
}

const ENOENT = 2;

function attempt<T>(action: () => T): T | number {
	try {
		return action();
	} catch (error) {
		return refusal(error);
	}
}

function notCompiled({ notCompiled: errors }: Machine): { readonly notCompiled?: string } {
	const [error] = errors.values();
	return error === undefined ? {} : { notCompiled: error.message };
}

function notVerified({ verdicts }: Machine): { readonly notVerified?: string } {
	for (const [name, { accepted, unsupported, errno, lastLine }] of verdicts)
		if (!accepted && unsupported === undefined) return { notVerified: `${name}: ${errno}: ${lastLine}` };
	return {};
}
