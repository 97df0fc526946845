import { expect, test } from "vitest";
import { chooseDataBase, createMemory } from "./create.ts";
import { ALLOCATOR } from "./layout.ts";
import { LinearMemory } from "./linear-memory.ts";

test("a memory starts with the control area and may grow to 4 GiB or what the engine gives", () => {
	const memory = createMemory({ shared: false, dataBase: 2 ** 20 });
	expect(memory.shared).toBe(false);
	expect(memory.u8.length).toBe(2 ** 20 + 65536);
});

test("shared by default where SharedArrayBuffer exists", () => {
	expect(createMemory({ dataBase: 2 ** 17 }).shared).toBe(typeof SharedArrayBuffer !== "undefined");
});

test.each([0, 65536, 2 ** 20 + 1, 3 * 2 ** 20, 2 ** 32, Number.NaN])(
	"data base %d is refused",
	(dataBase) => {
		expect(() => createMemory({ dataBase })).toThrow(/power of two/);
	},
);

test("less than 4 GiB where the engine refuses so much", () => {
	const real = WebAssembly.Memory;
	const asked: number[] = [];
	const fake = class extends real {
		constructor(descriptor: WebAssembly.MemoryDescriptor) {
			asked.push(descriptor.maximum!);
			if (descriptor.maximum! > 16384) throw new RangeError("could not allocate memory");
			super(descriptor);
		}
	};
	try {
		WebAssembly.Memory = fake;
		expect(createMemory({ shared: false, dataBase: 2 ** 20 }).u8.length).toBe(2 ** 20 + 65536);
		expect(asked).toEqual([65536, 32768, 16384]);
		expect(() => createMemory({ shared: false, dataBase: 2 ** 31 })).toThrow(/no WebAssembly memory/);
	} finally {
		WebAssembly.Memory = real;
	}
});

test("the data base leaves room for the control area", () => {
	expect(chooseDataBase(0)).toBe(2 ** 20);
	expect(chooseDataBase(2 ** 20)).toBe(2 ** 21);
	expect(chooseDataBase(2 ** 40)).toBe(2 ** 31);
});

test.each([false, true])("views follow the memory when it grows (shared: %s)", (shared) => {
	if (shared && typeof SharedArrayBuffer === "undefined") return;
	const memory = new LinearMemory(new WebAssembly.Memory({ initial: 2, maximum: 4, shared }));
	const { u8, i32, view } = memory;
	expect(memory.u8).toBe(u8);
	memory.memory.grow(1);
	// as the allocator, which grows a memory to hand out what is in it
	new Int32Array(memory.memory.buffer)[ALLOCATOR.DATA_BRK >> 2] = 3 * 65536;
	expect([memory.u8 === u8, memory.i32 === i32, memory.view === view]).toEqual([false, false, false]);
	memory.setU64(131072 + 8, 0x1122334455667788n);
	expect(memory.u32(131072 + 8)).toBe(0x55667788);
	expect(memory.u64(131072 + 8)).toBe(0x1122334455667788n);
	memory.setU32(131072, 0xfffffffe);
	expect(memory.u32(131072)).toBe(0xfffffffe);
	const copy = memory.read(131072, 4);
	copy[0] = 1;
	expect(memory.u8[131072]).toBe(0xfe);
	memory.write(131076, Uint8Array.of(1, 2));
	expect(memory.i32[131076 / 4]).toBe(0x201);
});
