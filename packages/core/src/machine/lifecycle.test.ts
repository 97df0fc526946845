/** Who holds what (Linux 6.18, asked with programs): descriptors, pins, slots, and what goes with the last of them. */
import { buildObject, check, checkObject } from "@tailhop/testing";
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

describe("the last user reference of a prog array", () => {
	it("takes the slots with it, though a loaded program uses the array", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		expect(verdict(machine)).toBe(55);
		machine.map("jumps").close();
		expect(verdict(machine)).toBe(7);
	});
	it("may be a second descriptor, or a pin", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		const jumps = machine.map("jumps");
		const second = jumps.open();
		jumps.close();
		expect(verdict(machine)).toBe(55);
		jumps.pin("/sys/fs/bpf/jumps");
		second.close();
		second.close();
		expect(verdict(machine)).toBe(55);
		jumps.unpin("/sys/fs/bpf/jumps");
		expect(verdict(machine)).toBe(7);
	});
	it("does not exist for a library machine: it keeps one of its own", async () => {
		const machine = await Machine.create(object);
		machine.map("jumps").close();
		expect(verdict(machine)).toBe(55);
	});
});

describe("programs", () => {
	it("live in a slot after their descriptor is closed, and are freed with the slot", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		const target = machine.program("target");
		target.close();
		expect([target.freed, verdict(machine)]).toEqual([false, 55]);
		machine.map("jumps").clearSlot(0);
		expect([target.freed, verdict(machine)]).toEqual([true, 7]);
		expect(errnoOf(() => machine.map("jumps").setSlot(0, target))).toBe(9);
		expect(errnoOf(() => machine.run(target, { packet }))).toBe(9);
	});
	it("that sit in the array they use are freed once the array's descriptor goes", async () => {
		const self = buildObject({
			maps: [{ name: "jumps", type: "prog_array" }],
			programs: { main: jump },
			slots: { jumps: { 0: "main" } },
		});
		const machine = await Machine.create(self, { lifecycle: "kernel" });
		const main = machine.program("main");
		main.close();
		expect(main.freed).toBe(false);
		machine.map("jumps").close();
		expect(main.freed).toBe(true);
	});
	it("are read back from a slot by id, which is not the index of the function table", async () => {
		const machine = await Machine.create(object, { lifecycle: "kernel" });
		const jumps = machine.map("jumps");
		const { id } = machine.program("target");
		expect(jumps.slot(0)).toEqual({ name: "target", id });
		expect(jumps.slot(1)).toBeUndefined();
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

describe("a prog array from user space", () => {
	it("answers with the kernel's errors", async () => {
		await checkObject(object, [
			{ lookup: "jumps", key: 4, value: { errno: 2 } },
			{ lookup: "jumps", key: 1, value: { errno: 2 } },
			{ slot: ["jumps", 4, "target"], result: -7 },
			{ slot: ["jumps", 4, undefined], result: -7 },
			{ slot: ["jumps", 1, undefined], result: -2 },
			{ slot: ["jumps", 0, "other"] },
			{ run: "main", expect: { verdict: 56 } },
		]);
	});
	it("is frozen against user space", async () => {
		const machine = await Machine.create(object);
		const jumps = machine.map("jumps");
		jumps.freeze();
		expect(errnoOf(() => jumps.setSlot(1, "target"))).toBe(1);
		expect(errnoOf(() => jumps.clearSlot(0))).toBe(1);
		expect(errnoOf(() => jumps.freeze())).toBe(1);
		expect(verdict(machine)).toBe(55);
	});
	it("iterates over empty slots too", async () => {
		const machine = await Machine.create(object);
		const { instance } = machine.map("jumps");
		expect(instance.hostNextKey(null)).toEqual(Uint8Array.of(0, 0, 0, 0));
		expect(instance.hostNextKey(Uint8Array.of(0, 0, 0, 0))).toEqual(Uint8Array.of(1, 0, 0, 0));
		expect(instance.hostNextKey(Uint8Array.of(3, 0, 0, 0))).toBe(-2);
		expect(instance.hostNextKey(Uint8Array.of(9, 0, 0, 0))).toEqual(Uint8Array.of(0, 0, 0, 0));
	});
	it("swaps whole arrays by one store", async () => {
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
});

describe("owners", () => {
	const of = (expectedAttachType: number, flags: number, type: "xdp" | "socket" = "xdp") =>
		buildObject({
			type,
			expectedAttachType,
			flags,
			maps: [{ name: "jumps", type: "prog_array", maxEntries: 2 }],
			programs: { main: jump },
		});
	it.each<[string, ReturnType<typeof of>]>([
		["another program type", of(0, 0, "socket")],
		["another attach type", of(37, 0)],
		["xdp.frags", of(0, 1 << 5)],
	])("exclude %s, in a slot and as a user", async (_what, second) => {
		const first = of(0, 0);
		const renamed = { ...second.programs[0]!, name: "other" };
		await expect(Machine.create({ ...first, programs: [...first.programs, renamed] })).rejects.toMatchObject({
			code: "machine/owner",
			detail: { errno: 22 },
		});

		const machine = await Machine.create(first);
		machine.load({
			...second,
			maps: [],
			programs: [{ ...renamed, insns: exit }],
		});
		expect(errnoOf(() => machine.map("jumps").setSlot(0, "other"))).toBe(22);
	});
	const exit = buildObject({ programs: { main: "r0 = 1; exit" } }).programs[0]!.insns;

	it("outlive the slots: emptied, the array still excludes others", async () => {
		const machine = await Machine.create(of(0, 0));
		machine.map("jumps").setSlot(0, "main");
		machine.map("jumps").clearSlot(0);
		machine.load(buildObject({ type: "socket", programs: { other: "r0 = 1; exit" } }));
		expect(errnoOf(() => machine.map("jumps").setSlot(0, "other"))).toBe(22);
	});
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
