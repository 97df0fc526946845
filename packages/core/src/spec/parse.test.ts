import { fixture } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import { findBtfType, writeBtf } from "../btf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { MAP_FLAG, MAP_TYPE, opOf, PROG_TYPE } from "../isa/index.ts";
import { link } from "./link.ts";
import { parse } from "./parse.ts";
import type { Target } from "./types.ts";

const loader = parse(await fixture("loader/loader.o"), { file: "loader.o" });
const externs = parse(await fixture("loader/externs.o"), { file: "externs.o" });
const bytes = await fixture("loader/loader.o");

const map = (name: string) => loader.maps.find((one) => one.name === name)!;

const failure = (make: () => unknown): TailhopError => {
	try {
		make();
	} catch (error) {
		if (error instanceof TailhopError) return error;
		throw error;
	}
	throw new Error("nothing was thrown");
};

describe("maps of BTF", () => {
	test("values of a map in maps and of a prog array, by name, with Cilium's pinning", () => {
		expect(map("outer")).toMatchObject({
			type: MAP_TYPE.ARRAY_OF_MAPS,
			valueSize: 4,
			inner: { name: "outer.inner", type: MAP_TYPE.ARRAY, keySize: 4, valueSize: 8, maxEntries: 3 },
			values: [
				{ index: 1, target: "first" },
				{ index: 3, target: "second" },
			],
		});
		expect(map("calls")).toMatchObject({
			pinning: 16,
			valueSize: 4,
			values: [{ index: 2, target: "by_value" }],
		});
	});

	test("attributes", () => {
		expect(map("attributes")).toMatchObject({
			keySize: 16,
			valueSize: 24,
			flags: MAP_FLAG.NO_PREALLOC | MAP_FLAG.NUMA_NODE,
			numaNode: 0,
			pinning: 1,
		});
		expect(map("bloom")).toMatchObject({ keySize: 0, valueSize: 4, mapExtra: 5n });
	});

	test("what loaders adjust: perf event arrays and ring buffers", () => {
		expect(map("events")).toMatchObject({ keySize: 4, valueSize: 4, valueTypeId: 0, maxEntries: "cpus" });
		expect(map("ring")).toMatchObject({ keySize: 0, valueSize: 0, maxEntries: 8192 });
	});

	test("data sections with their variables; static and hidden ones don't make a section shared", () => {
		expect(map(".rodata")).toMatchObject({
			flags: MAP_FLAG.RDONLY_PROG | MAP_FLAG.MMAPABLE,
			frozen: true,
			initial: Uint8Array.of(7, 0, 0, 0),
			variables: [{ name: "limit", offset: 0, size: 4 }],
		});
		expect(map(".data")).toMatchObject({ flags: MAP_FLAG.MMAPABLE, frozen: false });
		expect(map(".bss")).toMatchObject({ flags: 0, valueSize: 8 });
		expect(map(".bss").initial).toBeUndefined();
		expect(map(".bss").variables.map((one) => one.name)).toEqual(["unseen", "quiet"]);
	});
});

test("functions: linkage by symbol, programs by section, static ones too", () => {
	const brief = loader.functions.map(
		({ name, linkage, program }) => `${name} ${linkage}${program ? " program" : ""}`,
	);
	expect(brief).toEqual([
		"visible global",
		"internal static",
		"concealed static",
		"replaceable global",
		"caught global",
		"body static",
		"by_value global program",
		"lonely static program",
		"tagged global program",
		"entry global program",
	]);
	for (const { typeId, name } of loader.functions)
		expect(loader.btf!.types[typeId]).toMatchObject({ kind: "func", name });
});

test("BTF says what the kernel wants to hear: sizes, offsets, linkage", () => {
	expect(findBtfType(loader.btf!, "concealed", "func")!.type.linkage).toBe(0);
	expect(findBtfType(loader.btf!, "unseen", "var")!.type.linkage).toBe(0);
	expect(findBtfType(loader.btf!, ".rodata.aux", "datasec")!.type).toMatchObject({
		size: 16,
		vars: [{ offset: 0 }, { offset: 8 }],
	});
	const ksyms = findBtfType(externs.btf!, ".ksyms", "datasec")!.type;
	expect(ksyms.size).toBe(16);
	for (const { type } of ksyms.vars)
		expect(externs.btf!.types[type]).toMatchObject({ kind: "var", linkage: 1 });
	expect(() => writeBtf(externs.btf!)).not.toThrow();
});

test("parse and link are pure, and their results frozen", () => {
	const again = parse(bytes.slice(), { file: "loader.o" });
	expect(again).toEqual(loader);
	expect(link(again)).toEqual(link(loader));
	const linked = link(loader);
	for (const value of [
		loader,
		loader.maps[0],
		loader.code[1]!.insns,
		loader.code[1]!.insns[0],
		linked,
		linked.programs[0]!.insns,
	])
		expect(Object.isFrozen(value)).toBe(true);
	const mine = bytes.slice();
	const spec = parse(mine, { file: "loader.o" });
	mine.fill(0xff);
	expect(spec).toEqual(loader);
});

describe("link", () => {
	const linked = link(loader, { cpus: 3 });
	const program = (name: string) => linked.programs.find((one) => one.name === name)!;

	test("each program is whole, its functions as libbpf appends them, also out of other program sections", () => {
		const laidOut = linked.programs.map(
			(one) => `${one.name}: ${one.functions.map((f) => f.name).join(" ")}`,
		);
		expect(laidOut).toEqual([
			"by_value: by_value body",
			"lonely: lonely internal",
			"tagged: tagged replaceable concealed internal",
			"entry: entry visible internal tagged replaceable concealed caught",
		]);
	});

	test("calls, callbacks and maps point where they should", () => {
		for (const one of linked.programs) {
			const starts = new Map(one.functions.map((f) => [f.start, f.name]));
			for (const [at, insn] of one.insns.entries()) {
				const op = opOf(insn);
				if (op === "call_local" || op === "lddw_func") expect(starts.get(at + 1 + insn.imm)).toBeDefined();
				if (op === "lddw_map_idx" || op === "lddw_map_idx_value") expect(linked.maps[insn.imm]).toBeDefined();
				expect(op === "lddw_map_fd" || op === "lddw_map_value").toBe(false);
			}
		}
		const callback = program("by_value").insns.find((insn) => opOf(insn) === "lddw_func");
		expect(callback).toBeDefined();
		expect(program("by_value").helpers).toEqual([181]);
	});

	test("lines keep pace with the instructions of their program", () => {
		const { lines, functions } = program("entry");
		expect(lines.map((one) => one.insn)).toEqual([...lines.map((one) => one.insn)].sort((a, b) => a - b));
		const at = functions.find((one) => one.name === "visible")!.start;
		expect(lines.find((one) => one.insn === at)?.text).toContain("int visible(struct __sk_buff *skb)");
		expect(lines[0]).toMatchObject({ insn: 0, file: expect.stringMatching(/loader\.c$/) });
	});

	test("slots of values and of declaration tags", () => {
		const slots = linked.slots.map(
			(one) => `${linked.maps[one.map]!.name}[${one.slot}] ${one.target} ${one.from}`,
		);
		expect(slots).toEqual([
			"outer[1] first values",
			"outer[3] second values",
			"calls[2] by_value values",
			"calls[5] lonely decl_tag",
			"calls[6] tagged decl_tag",
		]);
		expect(linked.programs.filter((one) => one.entry).map((one) => one.name)).toEqual(["entry"]);
	});

	test("what depends on CPUs: perf event arrays and Cilium's per-CPU data", () => {
		const of = (name: string) => linked.maps.find((one) => one.name === name)!;
		expect(of("events").maxEntries).toBe(3);
		expect(of(".data.aux").valueSize).toBe(3 * 64);
		const { initial } = of(".rodata.aux");
		expect([...new BigUint64Array(initial!.slice().buffer)]).toEqual([64n, 128n]);
		expect(findBtfType(linked.btf!, ".data.aux", "datasec")!.type.size).toBe(192);
	});

	test("values and sizes that the target chooses", () => {
		const chosen = link(loader, {
			rodata: { limit: 9, port: 0x1f90n, counter: -1 },
			maxEntries: { attributes: 77 },
		});
		const of = (name: string) => chosen.maps.find((one) => one.name === name)!;
		expect(of(".rodata").initial).toEqual(Uint8Array.of(9, 0, 0, 0));
		expect(of(".rodata.config").initial).toEqual(Uint8Array.of(0x90, 0x1f));
		expect(of(".data").initial).toEqual(new Uint8Array(8).fill(0xff));
		expect(of("attributes").maxEntries).toBe(77);
		expect(map(".rodata").initial).toEqual(Uint8Array.of(7, 0, 0, 0));
	});

	test("some programs only, and types by the caller", () => {
		const one = link(loader, { programs: ["tagged"], programTypes: { "tc/tail": "action" } });
		expect(one.programs.map(({ name, type }) => [name, type])).toEqual([["tagged", PROG_TYPE.SCHED_ACT]]);
		expect(one.slots.map((slot) => slot.target)).toEqual(["first", "second", "tagged"]);
	});

	test.each<[string, Target, RegExp]>([
		["a variable that is not there", { rodata: { nothing: 1 } }, /nothing, which is no global variable/],
		["a value that does not fit", { rodata: { port: 0x1_0000 } }, /does not fit in the 2 bytes of port/],
		["bytes that do not fit", { rodata: { port: new Uint8Array(3) } }, /3 bytes for port, which has 2/],
		["a number for an array", { rodata: { aux: 1 } }, /aux is no number/],
		["a fraction", { rodata: { limit: 0.5 } }, /0\.5 for limit/],
		["a map that is not there", { maxEntries: { nothing: 1 } }, /nothing, which the object lacks/],
		["a size that no map has", { maxEntries: { calls: -1 } }, /cannot have -1 entries/],
		["a program that is not there", { programs: ["nothing"] }, /no program is named nothing/],
		["a type that is none", { programTypes: { entry: "nonsense" } }, /"nonsense" is no program type/],
		["no CPUs", { cpus: 0 }, /0 CPUs/],
	])("refuses %s", (_, target, message) => {
		const error = failure(() => link(loader, target));
		expect(error.code).toBe("link/target");
		expect(error.message).toMatch(message);
		expect(error.hint).toBeDefined();
	});

	test("a slot that the map does not have", () => {
		const error = failure(() => link(loader, { maxEntries: { calls: 6 } }));
		expect(error).toMatchObject({ code: "spec/invalid", where: { file: "loader.o", map: "calls" } });
		expect(error.message).toBe("slot 6 of map calls is to hold tagged, and the map has 6 slots");
	});
});

describe("externs", () => {
	const kconfig = (target: Target) => {
		const { maps } = link(externs, { programs: ["config"], ...target });
		const map = maps.find((one) => one.name === ".kconfig")!;
		return Object.fromEntries(
			map.variables.map(({ name, offset, size }) => [
				name,
				[...map.initial!.subarray(offset, offset + size)],
			]),
		);
	};

	test("kconfig values lie as libbpf lays them, the kernel is 6.18", () => {
		const map = externs.maps.find((one) => one.name === ".kconfig")!;
		expect(map.variables.map(({ name, offset }) => `${name} ${offset}`)).toEqual([
			"CONFIG_HZ 0",
			"CONFIG_XDP 8",
			"LINUX_KERNEL_VERSION 12",
			"CONFIG_SHORT 16",
			"CONFIG_BPF 18",
			"CONFIG_CC 19",
		]);
		expect(kconfig({})).toMatchObject({
			LINUX_KERNEL_VERSION: [0, 18, 6, 0],
			CONFIG_BPF: [0],
			CONFIG_XDP: [0, 0, 0, 0],
		});
	});

	test("kconfig values of the target", () => {
		const values = {
			CONFIG_BPF: "y",
			CONFIG_XDP: "m",
			CONFIG_CC: '"gcc-12.3.1"',
			CONFIG_HZ: 250,
			CONFIG_SHORT: -2,
		};
		expect(kconfig({ kconfig: values })).toMatchObject({
			CONFIG_BPF: [1],
			CONFIG_XDP: [2, 0, 0, 0],
			CONFIG_CC: [...new TextEncoder().encode("gcc-12."), 0],
			CONFIG_HZ: [250, 0, 0, 0, 0, 0, 0, 0],
			CONFIG_SHORT: [0xfe, 0xff],
		});
	});

	test.each<[string, string | number]>([
		["CONFIG_BPF", "m"],
		["CONFIG_BPF", 2],
		["CONFIG_XDP", 1],
		["CONFIG_SHORT", 0x8000],
		["CONFIG_HZ", "y"],
		["CONFIG_CC", 5],
	])("refuses %s = %s", (name, value) => {
		const error = failure(() => link(externs, { programs: ["config"], kconfig: { [name]: value } }));
		expect(error).toMatchObject({ code: "link/target", where: { map: ".kconfig" } });
	});

	test("kernel symbols: an address, zero for a weak one, an error for a strong one", () => {
		const { insns } = link(externs, { programs: ["symbols"], ksyms: { address: 0xffff_ffff_8123_4567n } })
			.programs[0]!;
		const wide = insns.flatMap((insn, at) => (opOf(insn) === "lddw" ? [[insn.imm, insns[at + 1]!.imm]] : []));
		expect(wide).toContainEqual([0x8123_4567 | 0, -1]);
		expect(wide).toContainEqual([0, 0]);
		expect(failure(() => link(externs, { programs: ["symbols"] }))).toMatchObject({
			code: "link/unresolved",
			where: { program: "symbols", section: "xdp", file: "externs.o" },
		});
	});

	test("kernel functions are recorded; a weak one that is not there is a call of nothing", () => {
		const { kfuncs, insns, helpers } = link(externs, { programs: ["functions"] }).programs[0]!;
		expect(kfuncs.map((one) => one.name)).toEqual(["kernel_function"]);
		expect(opOf(insns[kfuncs[0]!.insn]!)).toBe("call_kfunc");
		expect(insns.some((insn) => opOf(insn) === "call" && insn.imm >= 2_002_000_000)).toBe(true);
		expect(helpers).toEqual([]);
	});

	test("enum bpf_func_id is answered from 6.18's helpers, or from fewer", () => {
		const answers = (target: Target) =>
			link(externs, { programs: ["helpers"], ...target })
				.programs[0]!.insns.filter((insn) => opOf(insn) === "lddw")
				.map((insn) => insn.imm);
		expect(answers({})).toEqual([1, 0]);
		expect(answers({ helperIds: new Set([2]) })).toEqual([0, 0]);
		expect(answers({ helperIds: new Set([2]), btf: externs.btf! })).toEqual([0, 0]);
		expect(answers({ btf: externs.btf! })).toEqual([1, 1]);
	});
});
