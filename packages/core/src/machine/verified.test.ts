/** What the verifier's word changes in a Machine. */
import { buildObject } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { Machine } from "./index.ts";

const PACKET = { packet: new Uint8Array(64) };
const object = buildObject({
	maps: [{ name: "jumps", type: "prog_array", maxEntries: 1 }],
	programs: {
		good: "r2 = jumps ll\nr3 = 0\ncall 12\nr0 = 2\nexit",
		// 10,000 rounds that the verifier walks
		rounds: "r0 = 0\nround:\nr0 += 1\nif r0 < 10000 goto round\nexit",
		bad: "r2 = 70000\nr0 = *(u32 *)(r2 + 0)\nexit",
	},
});
const only = (...names: string[]) => ({
	...object,
	programs: object.programs.filter(({ name }) => names.includes(name)),
});

it("off: nobody is asked", async () => {
	const machine = await Machine.create(object);
	expect(machine.verdicts.size).toBe(0);
	expect(machine.verified).toBe(false);
});

it("require: what is refused is not loaded, and the error has errno, line and log", async () => {
	await expect(Machine.create(object, { verify: "require" })).rejects.toMatchObject({
		code: "verifier/rejected",
		message: "the verifier refuses the program: EACCES: R2 invalid mem access 'scalar'",
		where: { program: "bad" },
		detail: { errno: "EACCES", lastLine: "R2 invalid mem access 'scalar'" },
	});
	const machine = await Machine.create(only("good"), { verify: "require" });
	expect(machine.verified).toBe(true);
	expect(() => machine.load(only("bad"))).toThrowError(/invalid mem access/);
	expect([...machine.programs].map(({ name }) => name)).toEqual(["good"]);
});

describe.each(["interpreter", "wasm"] as const)("try, %s", (engine) => {
	it("all accepted: results say so", async () => {
		const machine = await Machine.create(only("good", "rounds"), { verify: "try", engine });
		expect(machine.verified).toBe(true);
		expect(machine.run("good", PACKET)).toMatchObject({ verified: true, verdict: { code: 2 } });
		expect(machine.repeat("good", PACKET, 3).verified).toBe(true);
		expect(machine.verdicts.get("rounds")).toMatchObject({ accepted: true });
	});

	it("one refused: it is checked as before, and nothing counts as verified", async () => {
		const machine = await Machine.create(object, { verify: "try", engine });
		expect(machine.verdicts.get("bad")).toMatchObject({ accepted: false, errno: "EACCES" });
		expect(machine.run("good", PACKET).verified).toBe(false);
		machine.map("jumps").setSlot(0, "bad");
		expect(machine.attempt("good", PACKET).error).toMatchObject({
			code: "fault/access",
			where: { program: "bad", insn: 1 },
		});
	});
});

it("compiled: a verified program pays for a budget only where one is given; others always", async () => {
	const bare = await Machine.create(only("rounds"), { verify: "try", engine: "wasm" });
	expect(bare.attempt("rounds", { ...PACKET, budget: 5 }).error).toBeUndefined();
	for (const options of [{ verify: "try", budget: 5 } as const, { budget: 5 }]) {
		const machine = await Machine.create(only("rounds"), { ...options, engine: "wasm" });
		expect(machine.attempt("rounds", PACKET).error).toMatchObject({ code: "fault/budget" });
	}
});

it("facts: tail calls as the verifier proved them, and what no path comes to", async () => {
	const linked = buildObject({
		maps: [{ name: "jumps", type: "prog_array", maxEntries: 4 }],
		programs: {
			main: `
				r6 = r1
				r7 = *(u32 *)(r1 + 16)
				r7 &= 7
				r3 = 2
				if r7 > 8 goto never
				r7 += 1
				if r7 == 9 goto never
				goto jump
			never:
				r3 = 77
			jump:
				r2 = jumps ll
				call 12
				r0 = 5
				exit`,
			last: "r0 = 6\nexit",
		},
		slots: { jumps: { 2: "last" } },
	});
	const machine = await Machine.create(linked, { verify: "require", engine: "wasm" });
	const { facts } = machine.verdicts.get("main")!;
	expect([...facts!.dead!]).toEqual([8]);
	expect(facts!.tailCalls.get(11)).toEqual({ insn: 11, map: 0, slot: 2 });
	expect(machine.run("main", { ...PACKET, trace: false }).r0).toBe(6n);
	machine.map("jumps").clearSlot(2);
	expect(machine.run("main", PACKET)).toMatchObject({ r0: 5n, hops: [{ slot: 2, outcome: "empty" }] });
});
