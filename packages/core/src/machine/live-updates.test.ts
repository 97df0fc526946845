import { buildObject } from "@tailhop/testing";
import { afterEach, describe, expect, test } from "vitest";
import { type Helper, type LinkedObject, Machine, type MachineOptions } from "../index.ts";

/**
 * Slots that change under running programs: every next hop must see what the array holds at that moment, however
 * warm the code is, and nothing may be left behind by an update.
 */

/** A helper of the test's own, beyond Linux's numbers. */
const ASK = 5000;
const ask = (answer: (who: number) => number): ReadonlyMap<number, Helper> =>
	new Map([
		[
			ASK,
			{
				prototype: { id: ASK, name: "test_ask", args: ["anything"], returns: "int" },
				run: (_runtime, who) => answer(who),
			},
		],
	]);

const STATIC = "r2 = jumps ll; r3 = 1; call 12";
const DYNAMIC = "r2 = jumps ll; r3 = *(u32 *)(r1 + 16); r3 += 1; call 12";
/** Tells the test who runs, then hops on. */
const teller = (who: number, hop = STATIC) =>
	`r6 = r1; r1 = ${who}; call ${ASK}; r1 = r6; ${hop}; r0 = ${who}; exit`;

const linked = buildObject({
	maps: [{ name: "jumps", type: "prog_array", maxEntries: 3 }],
	programs: {
		fixed: `${STATIC}; r0 = 0; exit`,
		moving: `${DYNAMIC}; r0 = 0; exit`,
		inside: `call f; r0 += 100; exit; f: ${STATIC}; r0 = 0; exit`,
		a: "r0 = 1; exit",
		b: "r0 = 2; exit",
		tells1: teller(1),
		tells2: teller(2),
		tells3: teller(3),
		moves1: teller(1, DYNAMIC),
		moves2: teller(2, DYNAMIC),
		moves3: teller(3, DYNAMIC),
	},
	slots: { jumps: { 1: "a" } },
});

/** One collection, or one for each program over the same array. */
async function machineOf(apart: boolean, given: MachineOptions): Promise<Machine> {
	const options = { helpers: ask(() => 0), ...given };
	if (!apart) return Machine.create(linked, options);
	const only = (names: readonly string[]): LinkedObject => ({
		...linked,
		programs: linked.programs.filter(({ name }) => names.includes(name)),
		slots: linked.slots.filter(({ target }) => names.includes(target)),
	});
	const [first, ...others] = linked.programs.map(({ name }) => only([name]));
	const machine = await Machine.create(first!, options);
	for (const object of others) machine.load(object, { reuse: ["jumps"] });
	return machine;
}

const packet = new Uint8Array(64);
const input = { packet, trace: false };
const Table = WebAssembly.Table;
afterEach(() => {
	WebAssembly.Table = Table;
});

const CASES = (["interpreter", "wasm"] as const).flatMap((engine) =>
	[true, false].flatMap((checked) => [false, true].map((apart) => ({ engine, checked, apart }))),
);

describe.each(CASES)(
	"$engine, checked: $checked, collections apart: $apart",
	({ engine, checked, apart }) => {
		// 100,000 runs as WebAssembly
		const TIMES = 8;
		const RUNS = engine === "wasm" ? 100_000 / TIMES : 1_000;

		test("every update between packets is seen by the next, through tier-up", async () => {
			using machine = await machineOf(apart, { engine, checked });
			expect(machine.notCompiled.size).toBe(0);
			const jumps = machine.map("jumps");
			/** What the array's slot 1 holds gives this result. */
			const states: [change: () => void, result: number][] = [
				[() => jumps.setSlot(1, "b"), 2],
				[() => jumps.setSlot(1, "a"), 1],
				[() => jumps.clearSlot(1), 0],
				[() => jumps.setSlot(1, "a"), 1],
			];
			const wrong: string[] = [];
			let seed = 1;
			for (let i = 0, expected = 1; i < RUNS; i++) {
				// long runs of one state, so that code grows warm in it, and quick changes
				seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
				if ((i >> 10) % 2 === 0 ? i % 128 === 0 : true) {
					const [change, result] = states[(seed >>> 16) % 4]!;
					if (result !== 0 || expected !== 0) change();
					expected = result;
				}
				const program = ["fixed", "moving", "inside"][i % 3]!;
				const { verdict } = machine.repeat(program, input, TIMES);
				const wanted = i % 3 === 2 ? expected + 100 : expected;
				if (verdict.code !== wanted) wrong.push(`run ${i}: ${program} gave ${verdict.code}, not ${wanted}`);
			}
			expect(wrong).toEqual([]);
		}, 120_000);

		test.each(["tells", "moves"])(
			"an update by a helper is seen by the hop right behind it: %s",
			async (kind) => {
				const told: number[] = [];
				const plan = [2, 3, 3, 1, 2, 1, 1, 3, 2];
				const options = {
					engine,
					checked,
					helpers: ask((who) => {
						told.push(who);
						const next = plan[told.length - 1];
						if (next === undefined) machine.map("jumps").clearSlot(1);
						else machine.map("jumps").setSlot(1, `${kind}${next}`);
						return 0;
					}),
				};
				const machine = await machineOf(apart, options);
				expect(machine.notCompiled.size).toBe(0);
				for (let i = 0; i < 300; i++) {
					told.length = 0;
					machine.map("jumps").setSlot(1, `${kind}1`);
					expect(machine.run(`${kind}1`, { packet, trace: i % 2 === 0 }).verdict.code).toBe(plan.at(-1));
					expect(told).toEqual([1, ...plan]);
				}
				machine.close();
			},
		);

		test("100,000 updates leave nothing behind", async () => {
			const tables: WebAssembly.Table[] = [];
			WebAssembly.Table = class extends Table {
				constructor(descriptor: WebAssembly.TableDescriptor) {
					super(descriptor);
					tables.push(this);
				}
			};
			using machine = await machineOf(apart, { engine, checked });
			const jumps = machine.map("jumps");
			machine.run("fixed", input);
			const used = () => ({
				memory: machine.memory.memory.buffer.byteLength,
				tables: tables.map((table) => table.length),
				maps: [...machine.maps].length,
				programs: [...machine.programs].length,
				contents: checksum(machine),
			});
			const before = used();
			for (let i = 0; i < 100_000; i++) {
				if (i % 3 === 2) jumps.clearSlot(1);
				else jumps.setSlot(1, i % 2 === 0 ? "b" : "a");
				if (i % 1000 === 0) machine.run("moving", input);
			}
			jumps.setSlot(1, "a");
			machine.run("fixed", input);
			expect(used()).toEqual(before);
			expect(tables.length > 0).toBe(engine === "wasm");
		});
	},
);

/** Non-zero bytes of the whole memory: an allocation that is left behind shows. */
function checksum(machine: Machine): number {
	let count = 0;
	for (const byte of machine.memory.u8.subarray(0, 1 << 20)) if (byte !== 0) count++;
	return count;
}
