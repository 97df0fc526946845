import { HOOKS, type LinkedObject, TailhopError } from "@tailhop/core";
import {
	type Kernel,
	KernelMap,
	KernelObject,
	type KernelProgram,
	openKernel,
	pinToCpu,
} from "@tailhop/kernel";
import { bytes } from "./bytes.ts";
import { MODES, refusal, type Side, withPrograms } from "./side.ts";
import type { KernelExpectation } from "./types.ts";
import { R0_MAP, withWholeR0 } from "./whole-r0.ts";

/** The oracle, or why there is none here. */
export type Oracle = { readonly kernel: Kernel } | { readonly kernel?: undefined; readonly why: string };

let opening: Promise<Oracle> | undefined;

/** In a browser, without root, or without koffi there is none: @tailhop/kernel says why. */
export function oracle(): Promise<Oracle> {
	opening ??= openKernel().then(
		(kernel) => ({ kernel }),
		(error: unknown) => {
			if (error instanceof TailhopError && error.code === "kernel/unavailable") return { why: error.message };
			throw error;
		},
	);
	return opening;
}

/** For CheckOptions.kernel: undefined where the kernel can pin, else why it cannot. */
export async function pinning(): Promise<KernelExpectation | undefined> {
	const { kernel } = await oracle();
	if (kernel === undefined) return undefined;
	const map = kernel.createMap({ type: 2, keySize: 4, valueSize: 4, maxEntries: 1 });
	try {
		map.pin(pathOf("probe"));
		map.unpin(pathOf("probe"));
		return undefined;
	} catch (error) {
		return { cannot: `no bpffs at ${BPFFS}: ${error instanceof Error ? error.message : error}` };
	} finally {
		map.close();
	}
}

const BPFFS = "/sys/fs/bpf";
/** Where this process pins a test's map. */
const pathOf = (map: string): string => `${BPFFS}/tailhop-test-${process.pid}-${map}`;

/** CPU that per-CPU values are compared on. */
export const CPU = 0;

const NO_KEY = new Uint8Array(4);
const PROG_ARRAY = 3;

/**
 * The kernel with an object in it; `later` are programs that a step loads.
 * Throws "kernel/rejected" where the kernel refuses a map or a program.
 */
export async function openKernelSide(
	linked: LinkedObject,
	kernel: Kernel,
	later: ReadonlySet<string> = new Set(),
	perfReaders = true,
): Promise<Side> {
	const whole = withWholeR0(linked);
	const first = withPrograms(whole, (name) => !later.has(name));
	const object = await KernelObject.load(first, { hooks: HOOKS, perfReaders });
	const programs = new Map(object.programs);
	const maps = new Map<string, KernelMap[]>(linked.maps.map(({ name }) => [name, [object.map(name)]]));
	const pins = new Set<string>();
	// ids stay known after the descriptors are closed
	const arrays = linked.maps.filter((map) => map.type === PROG_ARRAY);
	const mapIds = new Map(arrays.map(({ name }) => [name, object.map(name).info().id]));
	const ids = new Map<string, number>();
	const remember = (name: string, program: KernelProgram) => {
		if (arrays.length > 0) ids.set(name, program.info().id);
	};
	for (const [name, program] of programs) remember(name, program);

	const map = (name: string): KernelMap => {
		const last = maps.get(name)?.at(-1);
		if (last === undefined) throw new Error(`no descriptor of map ${name} is open`);
		return last;
	};
	const idOf = (name: string): number => {
		const id = ids.get(name);
		if (id === undefined) throw new Error(`no program ${name} was loaded beside a prog array`);
		return id;
	};
	const openById = (name: string): KernelMap | undefined => {
		const fd = kernel.openMapId(mapIds.get(name) ?? 0);
		return fd < 0 ? undefined : new KernelMap(kernel, fd, object.map(name).definition);
	};
	/** Found by waiting for a clearing: it stays open, since closing it would start the next one. */
	const spies = new Map<string, KernelMap>();
	const released = (name: string) => {
		if (maps.get(name)?.length !== 0 || pins.has(name) || !mapIds.has(name)) return;
		const spy = openById(name);
		if (spy === undefined) return;
		spies.set(name, spy);
		waitUntilEmpty(spy);
	};

	// until it is closed: what the host puts into an LRU comes from the CPU's own list of free elements, too
	const pinned = pinToCpu(kernel, CPU);
	return {
		name: "kernel",
		cpu: CPU,
		run(program, input) {
			const r0 = object.map(R0_MAP);
			r0.hostUpdate(NO_KEY, new Uint8Array(8));
			try {
				const result = object.run(program, input);
				const value = r0.hostLookup(NO_KEY);
				return {
					kind: "ran",
					verdict: result.verdict.code,
					r0: typeof value === "number" ? 0n : new DataView(value.buffer).getBigUint64(0, true),
					packet: result.packet,
					context: result.context,
					contextBytes: result.contextBytes ?? new Uint8Array(),
					output: result.output,
				};
			} catch (error) {
				return { kind: "refused", errno: -refusal(error) };
			}
		},
		map,
		setSlot(array, slot, program, mode) {
			const key = bytes(slot, 4);
			if (program === undefined) return map(array).hostDelete(key);
			const handle = programs.get(program);
			if (handle === undefined) throw new Error(`program ${program} is not loaded`);
			return map(array).hostUpdate(key, bytes(handle.fd, 4), MODES[mode]);
		},
		slot(array, slot) {
			const found = map(array).hostLookup(bytes(slot, 4));
			if (typeof found === "number") return undefined;
			const id = readU32(found);
			return [...ids].find(([, known]) => known === id)?.[0] ?? `program id ${id}`;
		},
		programId: idOf,
		openMap(name) {
			const opened = spies.get(name) ?? openById(name);
			if (opened === undefined) throw new Error(`map ${name} is gone`);
			spies.delete(name);
			maps.get(name)?.push(opened);
		},
		closeMap(name) {
			map(name).close();
			maps.get(name)?.pop();
			released(name);
		},
		pinMap(name) {
			map(name).pin(pathOf(name));
			pins.add(name);
		},
		unpinMap(name) {
			kernel.native.unlink(pathOf(name));
			pins.delete(name);
			released(name);
		},
		load(name) {
			const program = whole.programs.find((each) => each.name === name);
			if (program === undefined) throw new Error(`no program ${name}`);
			const { type, insns, expectedAttachType, flags } = program;
			const loaded = kernel.loadProgram({
				type,
				name,
				insns,
				maps: object.maps,
				license: linked.license,
				expectedAttachType,
				flags,
			});
			if (!loaded.ok) return -loaded.errno;
			programs.set(name, loaded.program);
			remember(name, loaded.program);
			return 0;
		},
		closeProgram: (name) => programs.get(name)?.close(),
		exists: (name, expected) => waitFor(() => existsProgram(kernel, idOf(name)), expected),
		close() {
			pinned.close();
			for (const name of pins) kernel.native.unlink(pathOf(name));
			for (const handle of [...programs.values(), ...[...maps.values()].flat(), ...spies.values()])
				handle.close();
			object.close();
		},
	};
}

function existsProgram(kernel: Kernel, id: number): boolean {
	try {
		kernel.openProgramId(id).close();
		return true;
	} catch (error) {
		if (refusal(error) === -2) return false;
		throw error;
	}
}

/**
 * Clearing is a work item of the kernel's. It empties a slot and patches the jumps to it under one lock, which a
 * delete takes too: after that delete no program sees the old slot.
 */
function waitUntilEmpty(array: KernelMap): void {
	const empty = () => [...array.hostEntries()].length === 0;
	if (!waitFor(empty, true)) throw new Error("a prog array was not cleared with its last user reference");
	array.hostDelete(NO_KEY);
}

/** What is asked, as soon as it is as expected, or after a second. */
function waitFor(ask: () => boolean, expected: boolean): boolean {
	for (let tries = 0; tries < 500; tries++) {
		if (ask() === expected) return expected;
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
	}
	return !expected;
}

function readU32(value: Uint8Array): number {
	return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}
