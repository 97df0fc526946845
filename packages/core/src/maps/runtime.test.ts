import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMemory } from "../memory/index.ts";
import type { MapCode } from "./code.ts";
import { instantiateRuntime, instantiateRuntimeAsync, mapCodeBytes } from "./runtime.ts";
import { FLAVOURS, newRuntime } from "./test-kit.ts";

const ENOMEM = -12;

describe("the binary", () => {
	/** Section ids with their contents. */
	function sections(bytes: Uint8Array): Map<number, Uint8Array> {
		const found = new Map<number, Uint8Array>();
		let at = 8;
		while (at < bytes.length) {
			const id = bytes[at++]!;
			let size = 0;
			for (let shift = 0; ; shift += 7) {
				const byte = bytes[at++]!;
				size |= (byte & 0x7f) << shift;
				if (byte < 0x80) break;
			}
			found.set(id, bytes.subarray(at, at + size));
			at += size;
		}
		return found;
	}

	test("has no state of its own: no globals, no data, no tables, no start function, one import", () => {
		const found = sections(mapCodeBytes(true));
		// 1 types, 2 imports, 3 functions, 7 exports, 10 code; 0 custom
		expect([...found.keys()].sort((a, b) => a - b).filter((id) => id !== 0)).toEqual([1, 2, 3, 7, 10]);
		const module = new WebAssembly.Module(mapCodeBytes(false));
		expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
		expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === "function")).toBe(true);
	});

	test("differs in the limits flag alone between the flavours", () => {
		const [shared, plain] = [mapCodeBytes(true), mapCodeBytes(false)];
		const different = [...shared.keys()].filter((at) => shared[at] !== plain[at]);
		expect(different.map((at) => [shared[at], plain[at]])).toEqual([[3, 1]]);
		expect(WebAssembly.validate(shared)).toBe(true);
		expect(WebAssembly.validate(plain)).toBe(true);
	});

	test("exports what MapCode says", () => {
		const names = WebAssembly.Module.exports(new WebAssembly.Module(mapCodeBytes(false))).map(
			({ name }) => name,
		);
		const code: MapCode = newRuntime(false).code;
		expect(Object.keys(code).sort()).toEqual(names.sort());
	});
});

test("asynchronous instantiation gives the same", async () => {
	const memory = createMemory({ shared: false, dataBase: 2 ** 20 });
	const runtime = await instantiateRuntimeAsync(memory, 2 ** 20);
	expect(runtime.dataBase).toBe(2 ** 20);
	expect(runtime.allocControl(8)).toBe(0x11000);
});

test("another data base over the same memory is refused", () => {
	const memory = createMemory({ shared: false, dataBase: 2 ** 20 });
	instantiateRuntime(memory, 2 ** 20);
	expect(() => instantiateRuntime(memory, 2 ** 21)).toThrow(/another data base/);
});

describe.each(FLAVOURS)("the allocator (shared: %s)", (shared) => {
	test("blocks are 8-aligned, zero, in their area, and used again", () => {
		const runtime = newRuntime(shared, 2 ** 20);
		const first = runtime.allocData(20);
		expect(first).toBe(2 ** 20);
		runtime.memory.u8.fill(0xff, first, first + 20);
		runtime.freeData(first, 20);
		expect(runtime.allocData(32)).toBe(first);
		expect(runtime.memory.read(first, 32)).toEqual(new Uint8Array(32));
		const control = runtime.allocControl(100);
		runtime.memory.u8.fill(0xff, control, control + 100);
		runtime.freeControl(control, 100);
		expect(runtime.allocControl(112)).toBe(control);
		expect(runtime.memory.read(control, 112)).toEqual(new Uint8Array(112));
	});

	test("the memory grows with the data area", () => {
		const runtime = newRuntime(shared, 2 ** 20);
		const address = runtime.allocData(10_000_000);
		runtime.memory.setU32(address + 9_999_996, 7);
		expect(runtime.memory.u32(address + 9_999_996)).toBe(7);
		expect(runtime.dataBrk).toBeGreaterThanOrEqual(address + 10_000_000);
		expect(runtime.dataBrk).toBeLessThan(address + 12_500_001);
	});

	test("the control area ends at the data base, the data area below 4 GiB", () => {
		const runtime = newRuntime(shared, 2 ** 20);
		expect(runtime.code.allocControl(2 ** 20)).toBe(ENOMEM);
		expect(() => runtime.allocControl(2 ** 20)).toThrow(/no room for 1048576 bytes in the control area/);
		let blocks = 0;
		while (runtime.code.allocControl(1024) !== ENOMEM) blocks++;
		expect(blocks).toBe((2 ** 20 - 0x11000) / 1024);
		expect(runtime.code.allocData(0xf0000001)).toBe(ENOMEM);
		expect(runtime.code.allocData(-1)).toBe(ENOMEM);
		// a full control area loses freed data blocks, nothing worse
		const data = runtime.allocData(8);
		runtime.freeData(data, 8);
		expect(runtime.allocData(8)).not.toBe(data);
	});

	test("sizes are rounded up by a quarter at most", () => {
		const { code } = newRuntime(shared);
		for (const size of [0, 1, 16, 17, 1024, 1025, 1280, 1281, 4096, 4097, 65536, 1e6, 2 ** 24, 2 ** 31 - 5]) {
			const block = code.blockSize(size);
			expect(block).toBeGreaterThanOrEqual(size);
			expect(block).toBeLessThanOrEqual(Math.max(16, size * 1.25 + 16));
			expect(block % 16).toBe(0);
		}
	});

	test("two instances over one memory never give out the same bytes twice", () => {
		const step = fc.record({
			instance: fc.integer({ min: 0, max: 1 }),
			data: fc.boolean(),
			size: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 20000 })),
			free: fc.option(fc.nat(), { freq: 2 }),
		});
		fc.assert(
			fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
				const one = newRuntime(shared, 2 ** 22);
				const instances = [one, instantiateRuntime(one.memory, 2 ** 22)];
				const live: { at: number; size: number; data: boolean; tag: number }[] = [];
				const { memory } = one;
				let tag = 0;
				for (const { instance, data, size, free } of steps) {
					const runtime = instances[instance]!;
					if (free !== null && live.length > 0) {
						const [block] = live.splice(free % live.length, 1);
						const bytes = memory.read(block!.at, block!.size);
						expect(bytes.every((byte) => byte === block!.tag)).toBe(true);
						if (block!.data) runtime.freeData(block!.at, block!.size);
						else runtime.freeControl(block!.at, block!.size);
						continue;
					}
					const at = data ? runtime.allocData(size) : runtime.allocControl(size);
					expect(at % 8).toBe(0);
					expect(at >= 2 ** 22).toBe(data);
					expect(memory.read(at, size).every((byte) => byte === 0)).toBe(true);
					tag = (tag % 255) + 1;
					memory.u8.fill(tag, at, at + size);
					live.push({ at, size, data, tag });
				}
				for (const block of live)
					expect(memory.read(block.at, block.size).every((byte) => byte === block.tag)).toBe(true);
			}),
			{ numRuns: 60 },
		);
	});
});
