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
