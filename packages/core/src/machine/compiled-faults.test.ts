/** A trap of compiled code is a fault with the program and instruction that the interpreter names too. */
import { buildObject } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { Machine } from "./index.ts";

const PACKET = { packet: new Uint8Array(64) };
/** Below what programs may touch. */
const BAD = "r2 = 70000\nr0 = *(u32 *)(r2 + 40)";
const jump = "r2 = jumps ll\nr3 = 0\ncall 12\nr0 = 1\nexit";

const object = buildObject({
	maps: [{ name: "jumps", type: "prog_array", maxEntries: 1 }],
	programs: {
		straight: `r0 = 1\n${BAD}\nexit`,
		branch: `r3 = *(u32 *)(r1 + 0)\nif r3 == 0 goto out\n${BAD}\nout:\nr0 = 0\nexit`,
		loop: `r1 = 9\nround:\nr1 += -1\nif r1 s> 3 goto round\n${BAD}\nexit`,
		inlined: `call deep\nexit\ndeep:\n${BAD}\nexit`,
		store: "r2 = 70000\n*(u64 *)(r2 - 8) = 5\nr0 = 0\nexit",
		atomic: "r2 = 70000\nr3 = 1\nlock *(u64 *)(r2 + 0) += r3\nr0 = 0\nexit",
		hop: jump,
		target: `r0 = 1\nr0 += 1\n${BAD}\nexit`,
	},
	slots: { jumps: { 0: "target" } },
});

describe.each(["straight", "branch", "loop", "inlined", "store", "atomic", "hop"])("%s", (program) => {
	it.each([true, false])("hops recorded: %s", async (trace) => {
		const [interpreted, compiled] = await Promise.all(
			(["interpreter", "wasm"] as const).map(async (engine) => {
				const machine = await Machine.create(object, { engine });
				return machine.attempt(program, { ...PACKET, trace }).error!;
			}),
		);
		expect(compiled!.code).toBe("fault/access");
		expect(compiled!.where).toEqual(interpreted!.where);
	});
});

it("in a batch, and in the module of an object that was loaded later", async () => {
	const machine = await Machine.create(object, { engine: "wasm" });
	machine.load(buildObject({ programs: { late: `r0 = 3\n${BAD}\nexit` } }));
	for (const [program, insn] of [
		["late", 2],
		["straight", 2],
	] as const) {
		using batch = machine.batch(program, [PACKET]);
		batch.run();
		expect(batch.errors[0]).toMatchObject({ code: "fault/access", where: { program, insn } });
	}
});
