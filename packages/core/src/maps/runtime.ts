import { TailhopError } from "../errors/index.ts";
import { ALLOCATOR, type LinearMemory } from "../memory/index.ts";
import type { MapCode } from "./code.ts";
import { MEMORY_FLAG_OFFSET, WASM_BASE64 } from "./wasm.generated.ts";

const ENOMEM = -12;

/**
 * The map code over one memory. Several of them (one per worker) may run over one shared memory; whichever comes
 * first sets the allocator up.
 */
export class MapRuntime {
	readonly memory: LinearMemory;
	readonly code: MapCode;

	constructor(memory: LinearMemory, code: MapCode) {
		this.memory = memory;
		this.code = code;
	}

	get dataBase(): number {
		return this.memory.u32(ALLOCATOR.DATA_BASE);
	}

	get controlBrk(): number {
		return this.memory.u32(ALLOCATOR.CONTROL_BRK);
	}

	/** One past the last byte that programs may touch. */
	get dataBrk(): number {
		return this.memory.u32(ALLOCATOR.DATA_BRK);
	}

	/** Address of `size` zeroed bytes in the control area. @throws TailhopError machine/memory */
	allocControl(size: number): number {
		return this.#allocated(this.code.allocControl(size), size, "control");
	}

	/** Address of `size` zeroed bytes in the data area. @throws TailhopError machine/memory */
	allocData(size: number): number {
		return this.#allocated(this.code.allocData(size), size, "data");
	}

	/** `size` is what was asked for. */
	freeControl(address: number, size: number): void {
		this.code.freeControl(address, size);
	}

	freeData(address: number, size: number): void {
		this.code.freeData(address, size);
	}

	#allocated(address: number, size: number, area: string): number {
		if (address !== ENOMEM) return address >>> 0;
		throw new TailhopError(
			"machine/memory",
			`no room for ${size} bytes in the ${area} area`,
			{},
			{ hint: "Make the maps smaller (max_entries in the Target).", detail: { errno: 12 } },
		);
	}
}

/** The bytes of the map code for one flavour of memory: only the import's limits flag differs. */
export function mapCodeBytes(shared: boolean): Uint8Array<ArrayBuffer> {
	const text = atob(WASM_BASE64);
	const bytes = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
	bytes[MEMORY_FLAG_OFFSET] = shared ? 3 : 1;
	return bytes;
}

/** Compiled once per flavour. Code, not state: nothing of a machine is in it. */
const modules = new Map<boolean, WebAssembly.Module>();

/** @param dataBase what `createMemory` was given */
export function instantiateRuntime(memory: LinearMemory, dataBase: number): MapRuntime {
	let module = modules.get(memory.shared);
	if (!module) {
		module = new WebAssembly.Module(mapCodeBytes(memory.shared));
		modules.set(memory.shared, module);
	}
	return start(memory, dataBase, new WebAssembly.Instance(module, { env: { memory: memory.memory } }));
}

/** For browsers, whose main thread compiles larger modules asynchronously only. */
export async function instantiateRuntimeAsync(memory: LinearMemory, dataBase: number): Promise<MapRuntime> {
	let module = modules.get(memory.shared);
	if (!module) {
		module = await WebAssembly.compile(mapCodeBytes(memory.shared));
		modules.set(memory.shared, module);
	}
	return start(memory, dataBase, await WebAssembly.instantiate(module, { env: { memory: memory.memory } }));
}

function start(memory: LinearMemory, dataBase: number, instance: WebAssembly.Instance): MapRuntime {
	const code = instance.exports as { [K in keyof MapCode]: MapCode[K] };
	if (code.initMemory(dataBase, memory.shared ? 1 : 0) !== 0) {
		throw new TailhopError(
			"machine/memory",
			`this memory was set up with another data base than ${dataBase}`,
		);
	}
	return new MapRuntime(memory, code);
}
