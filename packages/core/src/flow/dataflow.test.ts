import { describe, expect, test } from "vitest";
import { assemble } from "../asm/index.ts";
import { MAP_FLAG, MAP_TYPE } from "../isa/index.ts";
import { type FunctionInfo, type LinkedMap, type LinkedProgram, linkedMap } from "../spec/index.ts";
import { analyze } from "./dataflow.ts";

const map = (name: string, more: Partial<LinkedMap> = {}): LinkedMap =>
	linkedMap({ name, type: MAP_TYPE.PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 4, ...more });

const MAPS = [
	map("jumps"),
	map("others"),
	map(".rodata", {
		type: MAP_TYPE.ARRAY,
		flags: MAP_FLAG.RDONLY_PROG,
		frozen: true,
		valueSize: 8,
		initial: Uint8Array.of(3, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff),
	}),
	map(".data", { type: MAP_TYPE.ARRAY, valueSize: 4, initial: Uint8Array.of(1, 0, 0, 0) }),
];

/** A program whose functions start at the labels that begin with `f_`, and at 0. `globals`: those that are global. */
function program(text: string, globals: readonly string[] = []): LinkedProgram {
	const { insns, labels } = assemble(text, { maps: MAPS.map((one) => one.name.replace(".", "")) });
	const starts = [["main", 0] as const, ...[...labels].filter(([name]) => name.startsWith("f_"))];
	const functions = starts.map(
		([name, start], i): FunctionInfo => ({
			name,
			start,
			end: starts[i + 1]?.[1] ?? insns.length,
			linkage: i === 0 || globals.includes(name) ? "global" : "static",
			typeId: 0,
		}),
	);
	return {
		name: "main",
		section: "xdp",
		type: 6,
		expectedAttachType: 37,
		flags: 0,
		insns,
		functions,
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
}

/** "map/slot" of each tail call, "?" for what is not known. */
function calls(text: string, globals?: readonly string[]): string[] {
	const facts = analyze(program(text, globals), MAPS);
	return [...facts.tailCalls.values()].map(
		({ map: index, slot }) => `${index === undefined ? "?" : MAPS[index]!.name}/${slot ?? "?"}`,
	);
}

const depth = (text: string) => analyze(program(text), MAPS).functions.map((one) => one.stackDepth);

describe("constant map and slot at a tail call", () => {
	test.each<[string, string, string]>([
		["in a straight line", "r2 = jumps ll\nr3 = 2\ncall 12\nr0 = 0\nexit", "jumps/2"],
		["only the low 32 bits count", "r2 = jumps ll\nr3 = 0x500000001 ll\ncall 12\nexit", "jumps/1"],
		["outside the map too", "r2 = jumps ll\nr3 = -1\ncall 12\nexit", "jumps/4294967295"],
		["computed", "r2 = jumps ll\nr3 = 7\nr3 *= 3\nr3 >>= 1\nr3 &= 6\ncall 12\nexit", "jumps/2"],
		["computed in 32 bits", "r2 = jumps ll\nw3 = -1\nr3 += 2\ncall 12\nexit", "jumps/1"],
		[
			"the same on both paths",
			"r2 = jumps ll\nr3 = 1\nr4 = *(u32 *)(r1 + 0)\nif r4 == 0 goto l\nr3 = 1\nl: call 12\nexit",
			"jumps/1",
		],
		[
			"different slots meet",
			"r2 = jumps ll\nr3 = 1\nr4 = *(u32 *)(r1 + 0)\nif r4 == 0 goto l\nr3 = 2\nl: call 12\nexit",
			"jumps/?",
		],
		[
			"different maps meet",
			"r2 = jumps ll\nr3 = 1\nr4 = *(u32 *)(r1 + 0)\nif r4 == 0 goto l\nr2 = others ll\nl: call 12\nexit",
			"?/1",
		],
		[
			"a branch that is never taken",
			"r2 = jumps ll\nr3 = 1\nr4 = 5\nif r4 s> -6 goto l\nr3 = 2\nl: call 12\nexit",
			"jumps/1",
		],
		[
			"known by comparison",
			"r2 = jumps ll\nr3 = *(u32 *)(r1 + 0)\nif r3 != 3 goto out\ncall 12\nout: r0 = 0\nexit",
			"jumps/3",
		],
		["from the packet", "r2 = jumps ll\nr3 = *(u32 *)(r1 + 0)\ncall 12\nexit", "jumps/?"],
		["a loop changes it", "r2 = jumps ll\nr3 = 0\nl: r3 += 1\nif r3 != 3 goto l\ncall 12\nexit", "jumps/3"],
		[
			"a loop changes it and leaves anywhere",
			"r4 = *(u32 *)(r1 + 0)\nr2 = jumps ll\nr3 = 0\nl: r3 += 1\nif r3 < r4 goto l\ncall 12\nexit",
			"jumps/?",
		],
		[
			"frozen data",
			"r5 = rodata[0]+4 ll\nr3 = *(s32 *)(r5 + 0)\nr3 += 3\nr2 = jumps ll\ncall 12\nexit",
			"jumps/1",
		],
		[
			"data that programs change",
			"r5 = data[0] ll\nr3 = *(u32 *)(r5 + 0)\nr2 = jumps ll\ncall 12\nexit",
			"jumps/?",
		],
	])("%s", (_, text, expected) => {
		expect(calls(text)).toEqual([expected]);
	});

	test("a failed tail call takes r1 to r5 with it", () => {
		expect(calls("r2 = jumps ll\nr3 = 1\ncall 12\ncall 12\nexit")).toEqual(["jumps/1", "?/?"]);
	});

	test("a call that cannot be reached has no facts", () => {
		expect(calls("r0 = 0\nexit\nr3 = 1\ncall 12\nexit")).toEqual([]);
		expect(
			calls("r5 = rodata[0] ll\nr5 = *(u32 *)(r5 + 0)\nif r5 == 3 goto out\ncall 12\nout: r0 = 0\nexit"),
		).toEqual([]);
	});
});

describe("the stack", () => {
	const spilled = (between: string) =>
		calls(`r6 = r1
r3 = 2
*(u64 *)(r10 - 16) = r3
r2 = jumps ll
*(u64 *)(r10 - 8) = r2
${between}
r1 = r6
r2 = *(u64 *)(r10 - 8)
r3 = *(u64 *)(r10 - 16)
call 12
exit`)[0];

	test.each<[string, string, string]>([
		["a spill comes back", "r0 = 0", "jumps/2"],
		["a store beside it", "*(u8 *)(r10 - 17) = 1", "jumps/2"],
		["a store over a part of it", "*(u8 *)(r10 - 9) = 1", "jumps/?"],
		["a store that covers the end of one slot and the start of the next", "*(u32 *)(r10 - 10) = r0", "?/?"],
		["a store through a moved frame pointer", "r4 = r10\nr4 += -20\n*(u64 *)(r4 + 4) = r0", "jumps/?"],
		["an atomic", "lock *(u64 *)(r10 - 16) += r0", "jumps/?"],
		["a store to the packet", "r4 = *(u32 *)(r1 + 0)\n*(u64 *)(r4 + 0) = r0", "jumps/2"],
		[
			"a store at an unknown place of the frame",
			"r4 = *(u32 *)(r1 + 0)\nr5 = r10\nr5 -= r4\n*(u8 *)(r5 + 0) = 1",
			"?/?",
		],
		["a helper that is given memory below them", "r2 = r10\nr2 += -32\nr1 = 0\ncall 1", "?/?"],
		["a helper that is given memory above one of them", "r2 = r10\nr2 += -8\nr1 = 0\ncall 1", "?/2"],
		["a helper without memory", "r1 = 0\nr2 = 0\ncall 7", "jumps/2"],
		[
			"an escaped pointer that comes back",
			"r4 = data[0] ll\n*(u64 *)(r4 + 0) = r10\nr4 = *(u64 *)(r4 + 0)\n*(u64 *)(r4 - 16) = r0",
			"?/?",
		],
	])("%s", (_, between, expected) => {
		expect(spilled(between)).toBe(expected);
	});

	test("depth is what is touched, per function", () => {
		expect(depth("*(u8 *)(r10 - 9) = 1\nr0 = 0\nexit")).toEqual([16]);
		expect(depth("r0 = 0\nexit")).toEqual([0]);
		expect(depth("r2 = r10\nr2 += -40\nr1 = 0\ncall 1\nr0 = 0\nexit")).toEqual([40]);
		expect(depth("call f_a\nexit\nf_a: r1 = *(u64 *)(r10 - 24)\nr0 = 0\nexit")).toEqual([0, 24]);
		expect(depth("r4 = *(u32 *)(r1 + 0)\nr5 = r10\nr5 -= r4\n*(u8 *)(r5 + 0) = 1\nr0 = 0\nexit")).toEqual([
			512,
		]);
	});
});

describe("functions", () => {
	const sub = "f_a: r2 = jumps ll\nr3 = r2\nr3 = r6\ncall 12\nr0 = 0\nexit";

	test("a static function is given what all its callers give", () => {
		const callee = "f_a: r3 = r2\nr2 = jumps ll\ncall 12\nr0 = 0\nexit";
		expect(calls(`r6 = r1\nr2 = 1\ncall f_a\nr1 = r6\nr2 = 1\ncall f_a\nexit\n${callee}`)).toEqual([
			"jumps/1",
		]);
		expect(calls(`r6 = r1\nr2 = 1\ncall f_a\nr1 = r6\nr2 = 2\ncall f_a\nexit\n${callee}`)).toEqual([
			"jumps/?",
		]);
		expect(calls(`r2 = 1\ncall f_a\nexit\n${callee}`, ["f_a"])).toEqual(["jumps/?"]);
	});

	test("registers that the callee must save are not the caller's in it", () => {
		expect(calls(`r6 = 1\ncall f_a\nexit\n${sub}`)).toEqual(["jumps/?"]);
	});

	test("a recursive function ends", () => {
		const text =
			"r2 = 0\ncall f_a\nexit\nf_a: r2 += 1\nr3 = r2\ncall f_a\nr2 = jumps ll\ncall 12\nr0 = 0\nexit";
		expect(calls(text)).toEqual(["jumps/?"]);
	});

	test("a callback is reached, its arguments are unknown, and it may write its caller's frame", () => {
		const text = `r6 = r1
r3 = 2
*(u64 *)(r10 - 8) = r3
r1 = 4
r2 = f_body ll
r3 = r10
r3 += -16
r4 = 0
call 181
r1 = r6
r2 = jumps ll
r3 = *(u64 *)(r10 - 8)
call 12
r0 = 0
exit
f_body: r0 = 0
exit
f_dead: r0 = 0
exit`;
		expect(calls(text)).toEqual(["jumps/?"]);
		const facts = analyze(program(text), MAPS);
		expect(facts.functions.map((one) => one.reached)).toEqual([true, true, false]);
		const [loop] = facts.calls.values();
		expect(loop).toMatchObject({
			helper: 181,
			args: [
				{ kind: "number", value: 4n },
				{ kind: "function", start: 17 },
				{ kind: "stack", offset: -16 },
				{ value: 0n },
				undefined,
			],
		});
	});
});

describe("stack slots that are registers in all but name", () => {
	const spills = (text: string) =>
		[...analyze(program(text), MAPS).functions[0]!.spills].map(([at, n]) => `${at}/${n}`);

	test.each<[string, string, string[]]>([
		["stored and loaded", "*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)\nexit", ["-8/8"]],
		[
			"narrow ones",
			"*(u16 *)(r10 - 6) = 5\n*(u8 *)(r10 - 9) = 1\nr0 = *(s16 *)(r10 - 6)\nexit",
			["-6/2", "-9/1"],
		],
		["not of two widths", "*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)\nexit", []],
		["not two in one slot", "*(u32 *)(r10 - 8) = 1\n*(u32 *)(r10 - 4) = 2\nr0 = 0\nexit", []],
		["not across two slots", "*(u64 *)(r10 - 12) = r1\n*(u64 *)(r10 - 24) = 1\nr0 = 0\nexit", ["-24/8"]],
		[
			"not through another register",
			"r2 = r10\nr2 += -8\n*(u64 *)(r2 + 0) = 1\n*(u64 *)(r10 - 8) = 1\nr0 = 0\nexit",
			[],
		],
		["not atomics", "r0 = 0\n*(u64 *)(r10 - 8) = r0\nlock *(u64 *)(r10 - 8) += r0\nexit", []],
		[
			"below what a helper is given",
			"*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 24) = r1\nr2 = r10\nr2 += -16\nr1 = jumps ll\ncall 1\nr0 = *(u64 *)(r10 - 24)\nexit",
			["-24/8"],
		],
		[
			"not where a helper may follow a pointer in memory",
			"*(u64 *)(r10 - 48) = r1\nr2 = r10\nr2 += -48\n*(u64 *)(r10 - 8) = r2\nr1 = r10\nr1 += -16\nr2 = 3\nr3 = r10\nr3 += -8\nr4 = 8\ncall 177\nr0 = 0\nexit",
			[],
		],
		[
			"not where a function of the program is given the frame",
			"*(u64 *)(r10 - 24) = r1\nr1 = r10\nr1 += -16\ncall f\nexit\nf: *(u64 *)(r1 - 8) = 7\nr0 = 0\nexit",
			[],
		],
		[
			"not where an address is lost",
			"*(u64 *)(r10 - 24) = r1\nr2 = r10\nr3 = *(u32 *)(r1 + 0)\nr2 -= r3\n*(u8 *)(r2 + 0) = 7\nr0 = 0\nexit",
			[],
		],
	])("%s", (_, text, found) => {
		expect(spills(text)).toEqual(found);
	});
});

test("a program of 50,000 loops over changing registers ends soon", () => {
	const insns = program("r0 = 0\nexit").insns;
	const body = assemble("l: r0 += 1\nr1 += r0\nif r1 < r2 goto l").insns;
	const all = [...Array.from({ length: 50_000 }, () => body).flat(), ...insns];
	const one = {
		...program("r0 = 0\nexit"),
		insns: all,
		functions: [{ name: "main", start: 0, end: all.length, linkage: "global" as const, typeId: 0 }],
	};
	expect(analyze(one, MAPS).functions[0]!.stackDepth).toBe(0);
});
