/** Chains of which one program is not compiled: the interpreter goes on from there, in the same invocation. */
import { buildObject } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { Machine } from "./index.ts";

const jump = (slot: number) => `
	r1 = r6
	r2 = jumps ll
	r3 = ${slot}
	call bpf_tail_call`;

/** Code that is never reached, and that no engine has. */
const UNKNOWN = "r0 = 1\nif r0 == 1 goto known\ncall 9999\nknown:";

/** main → strange (interpreted) → last, and main through a subprogram that leaves for strange. */
const object = buildObject({
	maps: [
		{ name: "jumps", type: "prog_array", maxEntries: 3 },
		{ name: "seen", type: "array", valueSize: 8, maxEntries: 1 },
	],
	programs: {
		main: `r6 = r1\n${jump(0)}\nr0 = 1\nexit`,
		under: `
			r6 = r1
			r7 = 1000
			*(u64 *)(r10 - 8) = 77
			r1 = r6
			call leap
			r0 += r7
			r1 = *(u64 *)(r10 - 8)
			r0 += r1
			r8 = r0
			${jump(1)}
			r0 = r8
			exit
		leap:
			r6 = r1
			*(u64 *)(r10 - 8) = 5
			${jump(0)}
			r0 = 0
			exit`,
		strange: `
			r6 = r1
			${UNKNOWN}
			*(u64 *)(r10 - 8) = 4
			*(u64 *)(r10 - 512) = 4
			r1 = r6
			call below
			r9 = r0
			${jump(1)}
			r0 = r9
			exit
		below:
			*(u64 *)(r10 - 16) = 9
			r0 = 0x700000020 ll
			exit`,
		last: `r0 = 0x900000009 ll\nexit`,
		loop: `r6 = r1\n${jump(2)}\nr0 = 3\nexit`,
		stop: "r0 = *(u8 *)(r1 + 20000)\nexit",
	},
	slots: { jumps: { 0: "strange" } },
});

async function both() {
	const machines = await Promise.all(
		(["interpreter", "wasm"] as const).map((engine) => Machine.create(object, { engine })),
	);
	return machines as [Machine, Machine];
}

describe("a program that is not compiled", () => {
	it("says why, and the others are compiled", async () => {
		const machine = await Machine.create(object, { engine: "wasm" });
		expect([...machine.notCompiled.keys()]).toEqual(["strange"]);
		expect(machine.notCompiled.get("strange")).toMatchObject({
			code: "machine/unsupported",
			message: "helper 9999: not compiled to WebAssembly",
			where: { program: "strange" },
		});
		expect(machine.run("last", { packet: new Uint8Array(64) }).engine).toBe("wasm");
		expect(machine.run("strange", { packet: new Uint8Array(64) }).engine).toBe("interpreter");
		expect(machine.run("main", { packet: new Uint8Array(64) }).engine).toBe("wasm+interpreter");
	});

	it.each([
		["main", undefined, 0x7_0000_0020n, 1],
		["main", "last", 0x9_0000_0009n, 2],
		// what the interpreted program gave comes back to the subprogram's caller, whose frame is whole
		["under", undefined, 0x7_0000_0020n + 1077n, 1],
	])("%s, slot 1 %s: r0, hops and registers as interpreted", async (program, slot, r0, taken) => {
		for (const machine of await both()) {
			if (slot !== undefined) machine.map("jumps").setSlot(1, slot);
			for (const trace of [true, false]) {
				const result = machine.run(program, { packet: new Uint8Array(64), trace });
				expect(result.r0).toBe(r0);
				if (!trace) continue;
				expect(result.hops.filter(({ outcome }) => outcome === "taken")).toHaveLength(taken);
			}
		}
	});

	it("hops are the same, one after the other, and the count goes on", async () => {
		const [interpreter, wasm] = await both();
		for (const machine of [interpreter, wasm]) {
			machine.map("jumps").setSlot(1, "loop");
			machine.map("jumps").setSlot(2, "loop");
		}
		for (const program of ["main", "under"]) {
			const packet = new Uint8Array(64);
			const hops = wasm.run(program, { packet }).hops;
			expect(hops).toEqual(interpreter.run(program, { packet }).hops);
			expect(hops.filter(({ outcome }) => outcome === "taken")).toHaveLength(33);
		}
	});

	it("a fault in it is the interpreter's", async () => {
		const [interpreter, wasm] = await both();
		for (const machine of [interpreter, wasm]) machine.map("jumps").setSlot(1, "stop");
		const faults = [interpreter, wasm].map((machine) =>
			machine.attempt("main", { packet: new Uint8Array(64) }),
		);
		expect(faults[1]!.error).toEqual(faults[0]!.error);
		expect(faults[1]!.error).toMatchObject({ where: { program: "stop" } });
		const again = wasm.run("last", { packet: new Uint8Array(64) });
		expect(again.r0).toBe(0x9_0000_0009n);
	});

	it("an object loaded later is a module of its own, reached through the table", async () => {
		const machine = await Machine.create(object, { engine: "wasm" });
		expect(machine.run("main", { packet: new Uint8Array(64) }).engine).toBe("wasm+interpreter");
		const later = buildObject({
			maps: [{ name: "jumps", type: "prog_array", maxEntries: 3 }],
			programs: { fresh: `r6 = r1\n${jump(1)}\nr0 = 0x1100000011 ll\nexit` },
		});
		machine.load(later, { reuse: ["jumps"] });
		machine.map("jumps").setSlot(0, "fresh");
		expect(machine.run("main", { packet: new Uint8Array(64) })).toMatchObject({
			r0: 0x11_0000_0011n,
			engine: "wasm",
		});
		machine.map("jumps").setSlot(1, "last");
		expect(machine.run("fresh", { packet: new Uint8Array(64), trace: false }).r0).toBe(0x9_0000_0009n);
	});
});
