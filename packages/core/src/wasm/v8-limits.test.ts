import { buildObject } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import { Machine } from "../index.ts";

const input = { packet: new Uint8Array(64), trace: false };

describe("what V8 does not compile is left to the interpreter", () => {
	test("a function with more than 50,000 locals: 60,000 selects", async () => {
		const selects = Array.from({ length: 60_000 }, (_, i) => `if r7 > ${i & 7} goto +1; r0 += 2`).join("; ");
		const object = buildObject({
			programs: { main: `r7 = *(u32 *)(r1 + 16); r0 = 0; ${selects}; exit` },
		});
		using machine = await Machine.create(object, { engine: "wasm", verify: "off" });
		expect(machine.run("main", input).r0).toBe(120_000n);
	}, 60_000);

	test("a function of more than 7,654,321 bytes: 1,500 tail calls with variable slots", async () => {
		const calls = Array.from({ length: 1_500 }, () => "r1 = r6; r2 = jumps ll; r3 = r7; call 12").join("; ");
		const long = Array.from({ length: 10 }, (_, i) => `r7 ^= ${i}`).join("; ");
		const names = Array.from({ length: 256 }, (_, i) => `t${i}`);
		const object = buildObject({
			maps: [{ name: "jumps", type: "prog_array", maxEntries: 256 }],
			programs: {
				main: `r6 = r1; r7 = *(u32 *)(r1 + 16); r7 += 1000; ${calls}; r0 = 1; exit`,
				...Object.fromEntries(names.map((name) => [name, `r7 = 0; ${long}; r0 = 2; exit`])),
			},
			slots: { jumps: Object.fromEntries(names.map((name, i) => [i, name])) },
		});
		using machine = await Machine.create(object, { engine: "wasm", verify: "off" });
		expect(machine.run("main", input).r0).toBe(1n);
	}, 60_000);
});

// a pass that looks at all for each takes minutes
test("20,000 loops that sum", async () => {
	const loops = Array.from(
		{ length: 20_000 },
		(_, i) =>
			`r1 = r9; r3 = 0; l${i}: r4 = *(u8 *)(r1 + 0); r0 += r4; r1 += 1; r3 += 1; if r3 != 2 goto l${i}`,
	).join("; ");
	const object = buildObject({
		programs: { main: `r9 = *(u32 *)(r1 + 0); r0 = 0; ${loops}; exit` },
	});
	using machine = await Machine.create(object, { engine: "wasm", verify: "off", checked: false });
	expect(machine.notCompiled.size).toBe(0);
}, 60_000);
