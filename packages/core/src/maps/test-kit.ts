import { createMemory } from "../memory/index.ts";
import { type LinkedMap, linkedMap } from "../spec/index.ts";
import { createMap } from "./create.ts";
import { instantiateRuntime, type MapRuntime } from "./runtime.ts";
import type { MapInstance } from "./types.ts";

/** A small machine for map tests: both flavours of memory where the platform has them. */
export const FLAVOURS = typeof SharedArrayBuffer === "undefined" ? [false] : [false, true];

export function newRuntime(shared = true, dataBase = 2 ** 22): MapRuntime {
	return instantiateRuntime(
		createMemory({ shared: shared && typeof SharedArrayBuffer !== "undefined", dataBase }),
		dataBase,
	);
}

/** A definition as `link` makes it. */
export function mapDef(
	type: number,
	keySize: number,
	valueSize: number,
	maxEntries: number,
	flags = 0,
): LinkedMap {
	return linkedMap({ name: "m", type, keySize, valueSize, maxEntries, flags });
}

export function newMap(
	runtime: MapRuntime,
	type: number,
	keySize: number,
	valueSize: number,
	maxEntries: number,
	flags = 0,
	cpus = 1,
): MapInstance {
	return createMap(runtime, mapDef(type, keySize, valueSize, maxEntries, flags), 0, { cpus, seed: 1n });
}

/** A u32 as 4 bytes, or more with zeros behind. */
export function le(value: number, size = 4): Uint8Array {
	const bytes = new Uint8Array(size);
	new DataView(bytes.buffer).setUint32(0, value, true);
	return bytes;
}

export const hex = (bytes: Uint8Array | number): string | number =>
	typeof bytes === "number" ? bytes : Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** The bytes at a fresh address of the data area: what a program's stack would hold. */
export function inMemory(runtime: MapRuntime, bytes: Uint8Array): number {
	const address = runtime.allocData(bytes.length);
	runtime.memory.write(address, bytes);
	return address;
}
