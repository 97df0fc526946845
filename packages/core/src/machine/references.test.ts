/**
 * Who keeps what alive (Linux 6.18): slots keep programs, and the last user reference to a prog array takes its slots
 * with it. Every sequence runs on the kernel too; a Machine takes part as `lifecycle: "kernel"`.
 */
import { buildObject, checkObject, pinning, type Step } from "@tailhop/testing";
import { expect, it, test } from "vitest";
import { Machine } from "../index.ts";

const jump = "r6 = r1; r2 = jumps ll; r3 = 0; call bpf_tail_call; r0 = 7; exit";
const programs = { main: jump, target: "r0 = 55; exit", other: "r0 = 56; exit" };
const maps = [{ name: "jumps", type: "prog_array", maxEntries: 2 }];
const filled = buildObject({ maps, programs, slots: { jumps: { 0: "target" } } });
const toItself = buildObject({ maps, programs: { main: jump }, slots: { jumps: { 0: "main" } } });

const runs = (r0: number): Step => ({ run: "main", expect: r0 });

test.each<[string, readonly Step[]]>([
	[
		"the last descriptor takes the slots, though a loaded program uses the array",
		[runs(55), { closeMap: "jumps" }, runs(7)],
	],
	[
		"a duplicate keeps them",
		[{ openMap: "jumps" }, { closeMap: "jumps" }, runs(55), { closeMap: "jumps" }, runs(7)],
	],
	[
		"a slot keeps its program, whose descriptor is closed",
		[
			{ closeProgram: "target" },
			{ exists: "target", is: true },
			runs(55),
			{ slot: ["jumps", 0, undefined] },
			{ exists: "target", is: false },
			runs(7),
		],
	],
	[
		"a program in two slots needs both to go",
		[
			{ slot: ["jumps", 1, "target"] },
			{ closeProgram: "target" },
			{ slot: ["jumps", 0, "other"] },
			{ exists: "target", is: true },
			{ slot: ["jumps", 1, "other"] },
			{ exists: "target", is: false },
			runs(56),
		],
	],
	[
		"replaced by itself it stays",
		[{ slot: ["jumps", 0, "target"] }, { closeProgram: "target" }, { exists: "target", is: true }, runs(55)],
	],
	[
		"the clearing frees programs that only slots held",
		[
			{ closeProgram: "target" },
			{ closeMap: "jumps" },
			{ exists: "target", is: false },
			{ exists: "other", is: true },
			runs(7),
		],
	],
	[
		"reopened by its id, a cleared array is empty and can be filled again",
		[
			{ closeMap: "jumps" },
			{ openMap: "jumps" },
			{ lookup: "jumps", key: 0, value: { errno: 2 } },
			{ slot: ["jumps", 0, "other"] },
			runs(56),
			{ slot: ["jumps", 1, "target"] },
		],
	],
])("%s", async (_what, steps) => {
	await checkObject(filled, steps);
});

it("its owner outlives the clearing", async () => {
	const stranger = buildObject({ type: "socket", maps, programs: { stranger: "r0 = 1; exit" } });
	const both = { ...filled, programs: [...filled.programs, ...stranger.programs] };
	await checkObject(both, [
		{ closeMap: "jumps" },
		{ openMap: "jumps" },
		{ slot: ["jumps", 0, "stranger"], result: -22 },
		{ slot: ["jumps", 0, "target"] },
		runs(55),
	]);
});

// bpffs is needed for these two: where it is not mounted they run on the interpreter only, and the reason is counted
test.each<[string, readonly Step[]]>([
	[
		"a pin keeps the slots",
		[{ pinMap: "jumps" }, { closeMap: "jumps" }, runs(55), { unpinMap: "jumps" }, runs(7)],
	],
	[
		"unpinned, a descriptor still keeps them",
		[{ pinMap: "jumps" }, { unpinMap: "jumps" }, runs(55), { closeMap: "jumps" }, runs(7)],
	],
])("%s", async (_what, steps) => {
	const kernel = await pinning();
	await checkObject(filled, steps, kernel === undefined ? {} : { kernel });
});

it("a program in the array that it uses is freed when the array's last descriptor goes", async () => {
	await checkObject(toItself, [
		{ run: "main", expect: { hops: [...Array<string>(33).fill("0 main"), "0 limit"] } },
		{ closeProgram: "main" },
		{ exists: "main", is: true },
		{ closeMap: "jumps" },
		{ exists: "main", is: false },
	]);
});

it("two programs in each other's arrays are freed one after the other", async () => {
	const pair = buildObject({
		maps: ["jumps", "back"].map((name) => ({ name, type: "prog_array" })),
		programs: { main: jump, other: jump.replace("jumps", "back") },
		slots: { jumps: { 0: "other" }, back: { 0: "main" } },
	});
	await checkObject(pair, [
		{ closeProgram: "main" },
		{ closeProgram: "other" },
		{ closeMap: "jumps" },
		{ exists: "other", is: false },
		{ exists: "main", is: true },
		{ closeMap: "back" },
		{ exists: "main", is: false },
	]);
});

it("ids only grow, and are not the machine's indexes", async () => {
	const machine = await Machine.create(filled, { lifecycle: "kernel" });
	const ids = ["main", "target", "other"].map((name) => machine.program(name).id);
	machine.program("other").close();
	machine.load(buildObject({ programs: { fresh: "r0 = 1; exit" } }));
	const fresh = machine.program("fresh");
	expect(Math.max(...ids)).toBeLessThan(fresh.id);
	expect(machine.program("other").freed).toBe(true);
	expect(fresh.record.index).toBe(machine.program("other").record.index);
	const jumps = machine.map("jumps");
	jumps.setSlot(1, "fresh");
	expect(jumps.slot(1)).toEqual({ name: "fresh", id: fresh.id });
	expect([...(jumps.lookup(Uint8Array.of(1, 0, 0, 0)) ?? [])]).toEqual([fresh.id, 0, 0, 0]);
});
