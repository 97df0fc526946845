/** What only a Machine has: its two lives, handles, whole arrays swapped, snapshots, steps. See references.test.ts for the kernel's part. */
import { buildObject, check } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { Machine, TailhopError } from "../index.ts";

const jump = "r6 = r1; r2 = jumps ll; r3 = 0; call bpf_tail_call; r0 = 7; exit";
const object = buildObject({
	maps: [{ name: "jumps", type: "prog_array", maxEntries: 4 }],
	programs: { main: jump, target: "r0 = 55; exit", other: "r0 = 56; exit" },
	slots: { jumps: { 0: "target" } },
});
const packet = new Uint8Array(64);
const verdict = (machine: Machine, program: string | Parameters<Machine["run"]>[0] = "main") =>
	machine.run(program, { packet }).verdict.code;
const errnoOf = (action: () => unknown) => {
	try {
		action();
	} catch (error) {
		if (error instanceof TailhopError) return error.detail?.errno ?? error.code;
		throw error;
	}
	return 0;
};

it("a library machine keeps a reference of its own: closing the array empties no slot", async () => {
	const machine = await Machine.create(object);
	machine.map("jumps").close();
	expect(verdict(machine)).toBe(55);
	machine.program("target").close();
	machine.map("jumps").clearSlot(0);
	expect(machine.program("target").freed).toBe(false);
});

describe("programs", () => {
	it("that are freed cannot be run or put anywhere", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		const target = machine.program("target");
		machine.map("jumps").clearSlot(0);
		target.close();
		target.close();
		expect(target.freed).toBe(true);
		expect(errnoOf(() => machine.map("jumps").setSlot(0, target))).toBe(9);
		expect(errnoOf(() => machine.run(target, { packet }))).toBe(9);
	});
	it("stay as long as they are pinned", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		const other = machine.program("other");
		other.pin("/sys/fs/bpf/other");
		other.close();
		expect(other.freed).toBe(false);
		other.unpin("/sys/fs/bpf/other");
		expect(other.freed).toBe(true);
	});
	it("are read back from a slot by name and id", async () => {
		const machine = await Machine.create(object);
		const { id } = machine.program("target");
		expect(machine.map("jumps").slot(0)).toEqual({ name: "target", id });
		expect(machine.map("jumps").slot(1)).toBeUndefined();
	});
	it("and maps can be closed twice; one that is gone says so", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		const jumps = machine.map("jumps");
		const second = jumps.open();
		second.close();
		second.close();
		expect(verdict(machine)).toBe(55);
		jumps.close();
		machine.program("main").close();
		expect(errnoOf(() => jumps.open())).toBe(9);
		expect(errnoOf(() => jumps.setSlot(0, "other"))).toBe(9);
	});
	it("replaced in a slot run at the very next hop, 10^5 times over, and nothing is left behind", async () => {
		const machine = await Machine.create(object);
		const jumps = machine.map("jumps");
		verdict(machine);
		const before = machine.memory.u8.length;
		for (let i = 0; i < 100_000; i++) jumps.setSlot(0, i % 2 === 0 ? "other" : "target");
		expect(verdict(machine)).toBe(55);
		jumps.setSlot(0, "other");
		expect(verdict(machine)).toBe(56);
		expect(machine.memory.u8.length).toBe(before);
	});
});

it("a whole prog array is swapped by one store", async () => {
	const machine = await Machine.create(object);
	const slots = machine.map("jumps").instance.slots!;
	const { memory } = machine;
	const fresh = slots.words + 4 * slots.length + 64;
	memory.setU32(fresh, machine.program("other").record.index);
	const old = slots.swapWords(fresh);
	expect(verdict(machine)).toBe(56);
	slots.swapWords(old);
	expect(verdict(machine)).toBe(55);
});

describe("snapshots", () => {
	const counting = buildObject({
		maps: [
			{ name: "hits", type: "hash", maxEntries: 8 },
			{ name: "jumps", type: "prog_array", maxEntries: 1 },
		],
		programs: {
			main: `
				r6 = r1
				*(u32 *)(r10 - 4) = 5
				*(u64 *)(r10 - 16) = 1
				r1 = hits ll
				r2 = r10
				r2 += -4
				r3 = r10
				r3 += -16
				r4 = 1
				call bpf_map_update_elem
				r7 = r0
				r1 = r6
				r2 = jumps ll
				r3 = 0
				call bpf_tail_call
				r0 = r7
				exit`,
			target: "r0 = 55; exit",
		},
	});
	it("bring back maps, slots and life-cycle counts; reset goes back to the start", async () => {
		const machine = await Machine.create(counting, { lifecycle: "kernel" });
		expect(verdict(machine)).toBe(0);
		const after = machine.snapshot();
		expect(verdict(machine)).toBe(2 ** 32 - 17);
		machine.map("jumps").setSlot(0, "target");
		expect(verdict(machine)).toBe(55);
		machine.restore(after);
		expect(verdict(machine)).toBe(2 ** 32 - 17);
		machine.reset();
		expect([...machine.map("hits").entries()]).toEqual([]);
		expect(verdict(machine)).toBe(0);
	});
});

describe("a run, step by step", () => {
	it("stops where it is told, says where it is, and goes on", async () => {
		const machine = await Machine.create(object);
		const run = machine.start("main", { packet });
		expect(run.where).toMatchObject({ program: "main", insn: 0 });
		expect(run.step()).toBe(false);
		expect(run.registers[6]).toBe(run.registers[1]);
		while (!run.step()) if (run.where.program === "target") break;
		expect(run.hops).toMatchObject([{ to: "target", count: 0 }]);
		expect(run.finish().verdict.code).toBe(55);
	});
	it("that is abandoned leaves the machine usable", async () => {
		const machine = await Machine.create(object);
		machine.start("main", { packet }).step();
		expect(verdict(machine)).toBe(55);
	});
});

it("a helper of one's own takes the place of Linux's", async () => {
	const { HELPERS } = await import("../index.ts");
	const random = HELPERS.get(7)!;
	await check({ asm: "call bpf_get_prandom_u32; r0 = 1; exit", expect: 1 });
	const machine = await Machine.create(
		buildObject({ programs: { main: "call bpf_get_prandom_u32; exit" } }),
		{
			helpers: new Map([[7, { prototype: random.prototype, run: () => 42 }]]),
		},
	);
	expect(verdict(machine)).toBe(42);
});
