import { buildObject } from "@tailhop/testing";
import { expect, test } from "vitest";
import { ALLOCATOR, CONTROL_HEAP, Machine, TailhopError } from "../index.ts";

/** 20 functions, each of which calls the next twice: a million calls without a loop. */
const TREE = Array.from({ length: 20 }, (_, i) =>
	i === 19 ? "f19: r0 = 0; exit" : `f${i}: call f${i + 1}; call f${i + 1}; r0 = 0; exit`,
).join("; ");

/** What stops a program that nobody has verified: it ends in a typed fault, and touches nothing that isn't its own. */
const linked = buildObject({
	maps: [{ name: "state", type: "array", keySize: 4, valueSize: 64, maxEntries: 64 }],
	programs: {
		endless: "l: goto l",
		counted: "r0 = 0; l: r0 += 1; if r0 < 500 goto l; exit",
		recursive:
			"r1 = 0; call f; exit; f: *(u64 *)(r10 - 512) = r10; *(u64 *)(r10 - 8) = r10; call f; r0 = 0; exit",
		tree: `call f0; exit; ${TREE}`,
		callbacks: "r1 = 100000; r2 = f ll; r3 = 0; r4 = 0; call bpf_loop; exit; f: r0 = 0; exit",
		low: "r1 = 64; *(u64 *)(r1 + 0) = r1; r0 = 0; exit",
		header: "r1 = state ll; *(u64 *)(r1 + 0) = r1; r0 = 0; exit",
		beyond: "r1 = 0xfffffff0 ll; r0 = *(u64 *)(r1 + 8); exit",
		below: "r1 = *(u32 *)(r1 + 0); r1 -= 0x7fffffff; r0 = *(u64 *)(r1 + 0); exit",
	},
});
const input = { packet: new Uint8Array(64), trace: false };

/** Map headers, slots, the allocator: below the data area, above the machine's own words. */
const control = (machine: Machine, dataBase: number) => machine.memory.u8.slice(CONTROL_HEAP, dataBase);

async function faultOf(program: string, budget?: number): Promise<{ code: string; touched: boolean }> {
	using machine = await Machine.create(linked, {
		engine: "wasm",
		verify: "off",
		...(budget === undefined ? {} : { budget }),
	});
	expect(machine.notCompiled.size).toBe(0);
	const dataBase = machine.memory.u32(ALLOCATOR.DATA_BASE);
	const before = control(machine, dataBase);
	try {
		machine.run(program, input);
		return { code: "none", touched: false };
	} catch (error) {
		if (!(error instanceof TailhopError)) throw error;
		const after = control(machine, dataBase);
		return { code: error.code, touched: before.some((byte, i) => byte !== after[i]) };
	}
}

test.each([
	["endless", 1000, "fault/budget"],
	["endless", 1, "fault/budget"],
	["counted", 1000, "none"],
	["low", undefined, "fault/access"],
	["header", undefined, "fault/access"],
	["beyond", undefined, "fault/access"],
	["below", undefined, "fault/access"],
])("%s, budget %s: %s", async (program, budget, code) => {
	expect(await faultOf(program, budget)).toEqual({ code, touched: false });
});

test("recursion ends in a fault, its frames inside the stack", async () => {
	expect(await faultOf("recursive")).toEqual({ code: "fault/stack", touched: false });
});

test.each(["tree", "callbacks"])("%s: calls count, too", async (program) => {
	expect(await faultOf(program, 1000)).toEqual({ code: "fault/budget", touched: false });
});

test("after a fault the machine runs on", async () => {
	using machine = await Machine.create(linked, { engine: "wasm", budget: 1000 });
	for (let i = 0; i < 20; i++) {
		expect(() => machine.run("endless", input)).toThrow(/budget of 1000/);
		expect(machine.run("counted", input).r0).toBe(500n);
	}
});
