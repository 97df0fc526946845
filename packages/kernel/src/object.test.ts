import { readdirSync } from "node:fs";
import { BtfBuilder, HOOKS, type LinkedObject } from "@tailhop/core";
import { buildObject, bytes } from "@tailhop/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { KernelObject, openKernel } from "./index.ts";

let allowed = false;
beforeAll(async () => {
	allowed = await openKernel().then(
		() => true,
		() => false,
	);
});

/** Loads, hands over, closes; no descriptor stays open, whatever happens. */
const onKernel = (name: string, body: () => Promise<void>): void =>
	it(name, async (context) => {
		if (!allowed) return context.skip("bpf(2) is not allowed here");
		const before = readdirSync("/proc/self/fd").length;
		await body();
		expect(readdirSync("/proc/self/fd").length, "open descriptors").toBe(before);
	});

const PACKET = new Uint8Array(64);

const chain = buildObject({
	maps: [{ name: "jumps", type: "prog_array", maxEntries: 3 }],
	programs: {
		entry: "r2 = jumps ll\n r3 = 1\n call 12\n r0 = 1\n exit",
		middle: "r2 = jumps ll\n r3 = 2\n call 12\n r0 = 2\n exit",
		last: "r0 = 3\n exit",
		alone: "r0 = 4\n exit",
	},
	slots: { jumps: { 1: "middle", 2: "last" } },
});

describe("KernelObject", () => {
	onKernel("fills the slots that the object declares, and changes them", async () => {
		using object = await KernelObject.load(chain);
		const verdict = (): number => object.run("entry", { packet: PACKET }).verdict.code;
		expect(verdict()).toBe(3);
		object.setSlot("jumps", 2, undefined);
		expect(verdict()).toBe(2);
		object.setSlot("jumps", 2, undefined);
		object.setSlot("jumps", 1, "last");
		expect(verdict()).toBe(3);
		expect(() => object.setSlot("jumps", 3, "last")).toThrowError(/last in jumps\[3\]: E2BIG/);
	});

	onKernel("loads a part: what is named and what it reaches", async () => {
		using object = await KernelObject.load(chain, { programs: ["middle"] });
		expect([...object.programs.keys()]).toEqual(["middle", "last"]);
		expect(() => object.program("alone")).toThrowError(
			expect.objectContaining({ code: "machine/unknown-program", hint: "There are: middle, last." }),
		);
		expect(() => object.map("nope")).toThrowError(expect.objectContaining({ code: "machine/unknown-map" }));
	});

	onKernel("a refused program closes all that was open", async () => {
		const broken = buildObject({
			maps: [{ name: "m", type: "hash" }],
			programs: { good: "r0 = 0\n exit", bad: "exit" },
		});
		await expect(KernelObject.load(broken)).rejects.toMatchObject({
			code: "kernel/rejected",
			message: "the kernel refused program bad: EACCES: R0 !read_ok",
			where: { program: "bad" },
		});
		using object = await KernelObject.load(broken, { keepGoing: true });
		expect(object.run("good", { packet: PACKET }).verdict.code).toBe(0);
		expect(object.rejections.get("bad")?.code).toBe("kernel/rejected");
		expect(() => object.program("bad")).toThrowError(/R0 !read_ok/);
	});

	onKernel("a refused map closes all that was open", async () => {
		const broken = buildObject({
			maps: [
				{ name: "good", type: "hash" },
				{ name: "bad", type: "array", keySize: 8 },
			],
			programs: { main: "r0 = 0\n exit" },
		});
		await expect(KernelObject.load(broken)).rejects.toMatchObject({ where: { map: "bad" } });
	});

	onKernel("puts data in, and freezes it", async () => {
		const plain = buildObject({
			maps: [{ name: ".rodata", type: "array", valueSize: 8, flags: 0x80 }],
			programs: { main: "r1 = .rodata[0]+4 ll\n r0 = *(u32 *)(r1 + 0)\n exit" },
		});
		const linked: LinkedObject = {
			...plain,
			maps: plain.maps.map((map) => ({
				...map,
				origin: "data",
				initial: bytes("00000000 2a000000", 8),
				frozen: true,
			})),
		};
		using object = await KernelObject.load(linked);
		expect(object.run("main", { packet: PACKET }).verdict.code).toBe(42);
		expect(object.map(".rodata").hostUpdate(bytes(0, 4), bytes(1, 8))).toBe(-1);
	});

	onKernel("maps in maps, by the object's slots", async () => {
		const plain = buildObject({
			maps: [
				{ name: "outer", type: "array_of_maps", valueSize: 4, maxEntries: 2 },
				{ name: "inner", type: "array", valueSize: 8 },
			],
			programs: { main: "r0 = 0\n exit" },
		});
		const [outer, inner] = plain.maps;
		const linked: LinkedObject = {
			...plain,
			maps: [{ ...outer!, inner: inner! }, inner!],
			slots: [{ map: 0, slot: 1, target: "inner", from: "values" }],
		};
		using object = await KernelObject.load(linked);
		const { id } = object.map("inner").info();
		expect(object.map("outer").hostLookup(bytes(1, 4))).toEqual(bytes(id, 4));
		expect(object.map("outer").hostLookup(bytes(0, 4))).toBe(-2);
	});

	onKernel("context by name where the hooks are given", async () => {
		const linked = buildObject({
			type: "tc",
			programs: { main: "r0 = *(u32 *)(r1 + 8)\n r0 += 1\n *(u32 *)(r1 + 8) = r0\n exit" },
		});
		using object = await KernelObject.load(linked, { hooks: HOOKS });
		const result = object.run("main", { packet: PACKET, context: { mark: 41, cb: [1, 2] } });
		expect(result.verdict.code).toBe(42);
		expect(result.context).toMatchObject({ mark: 42, cb: [1, 2, 0, 0, 0] });
		expect(() => object.run("main", { packet: PACKET, context: { nope: 1 } })).toThrowError(
			expect.objectContaining({ code: "machine/invalid-input", message: "__sk_buff has no field nope" }),
		);
		using bare = await KernelObject.load(linked);
		expect(() => bare.run("main", { packet: PACKET, context: { mark: 1 } })).toThrowError(/not known/);
	});

	onKernel("a type without test runs is loaded, and says so when run", async () => {
		// BPF_PROG_TYPE_SOCK_OPS
		using object = await KernelObject.load(buildObject({ type: 13, programs: { main: "r0 = 1\n exit" } }));
		expect(() => object.run("main", { packet: PACKET })).toThrowError(/ENOTSUPP/);
	});

	const calls = buildObject({
		programs: { main: "call sub\n exit\nsub:\n r0 = 2\n exit", other: "r0 = 1\n exit" },
	});

	onKernel("tells the kernel functions and lines, so that its log has them", async () => {
		using object = await KernelObject.load(calls, { log: 2 });
		expect(object.btfError).toBeUndefined();
		expect(object.logs.get("main")).toContain("; r0 = 2 @ main.asm:4");
		expect(object.logs.get("main")).toContain("frame1: R1=ctx()");
		expect(object.logs.get("other")).toContain("processed 2 insns");
	});

	onKernel("lines that the kernel would refuse are left out", async () => {
		const [main, other] = calls.programs;
		const odd = { ...main!, lines: [{ insn: 2, file: "main.c", line: 1 }] };
		using object = await KernelObject.load({ ...calls, programs: [odd, other!] }, { log: 2 });
		expect(object.logs.get("main")).not.toMatch(/^; /m);
	});

	onKernel("BTF that the kernel refuses is left out, and the error kept", async () => {
		const builder = new BtfBuilder();
		builder.datasec(".data", 0, []);
		using object = await KernelObject.load({ ...chain, btf: builder.build() });
		expect(object.btfError?.message).toMatch(/the kernel refused the BTF: EINVAL: /);
		expect(object.run("entry", { packet: PACKET }).verdict.code).toBe(3);
	});

	onKernel("maps have their key's and value's types, where the kind takes them", async () => {
		const builder = new BtfBuilder();
		const u32 = builder.int("unsigned int", 4);
		const typed = { keyTypeId: u32, valueTypeId: u32 };
		const linked = {
			...chain,
			btf: builder.build(),
			maps: [
				{ ...chain.maps[0]!, ...typed },
				{ ...chain.maps[0]!, ...typed, name: "counts", type: 2, maxEntries: 1 },
			],
		};
		using object = await KernelObject.load(linked);
		expect(object.map("counts").info().btfId).toBeGreaterThan(0);
		expect(object.run("entry", { packet: PACKET }).verdict.code).toBe(3);
	});

	onKernel("map values by their types: numbers, structs, lists of every CPU's, program names", async () => {
		const builder = new BtfBuilder();
		const u32 = builder.int("unsigned int", 4);
		const pair = builder.struct("pair", 8, [
			{ name: "a", type: u32, offset: 0 },
			{ name: "b", type: u32, offset: 4 },
		]);
		const plain = buildObject({
			maps: [
				{ name: "pairs", type: "hash", maxEntries: 4 },
				{ name: "each", type: "percpu_array", valueSize: 4 },
				{ name: "jumps", type: "prog_array", maxEntries: 2 },
			],
			programs: { main: "r0 = 0\n exit" },
		});
		const typed = [{ valueTypeId: pair }, { valueTypeId: u32 }, {}];
		using object = await KernelObject.load({
			...plain,
			btf: builder.build(),
			maps: plain.maps.map((map, index) => ({ ...map, keyTypeId: u32, ...typed[index] })),
		});
		const pairs = object.map("pairs");
		pairs.set(7, { a: 1, b: 2 });
		expect(pairs.get(7)).toEqual({ a: 1, b: 2 });
		expect([...pairs.entries()]).toEqual([[7, { a: 1, b: 2 }]]);
		expect(() => pairs.set(7, { a: 3 }, "noexist")).toThrowError(/update of an entry of pairs: EEXIST/);
		expect([pairs.delete(7), pairs.delete(7), pairs.get(7)]).toEqual([true, false, undefined]);

		const each = object.map("each");
		each.set(0, 5);
		expect(each.get(0)).toEqual(Array.from({ length: object.kernel.cpus }, () => 5));

		const jumps = object.map("jumps");
		jumps.set(1, "main");
		expect([jumps.get(0), jumps.get(1), ...jumps.entries()]).toEqual([undefined, "main", [1, "main"]]);
		expect(() => jumps.set(0, "nope")).toThrowError(
			expect.objectContaining({ code: "machine/unknown-program", hint: "Loaded: main." }),
		);
		expect(jumps.delete(1)).toBe(true);
	});

	onKernel("maps of maps by name", async () => {
		const plain = buildObject({
			maps: [
				{ name: "outer", type: "hash_of_maps", valueSize: 4, maxEntries: 2, inner: { type: "array" } },
				{ name: "one", type: "array" },
				{ name: "two", type: "hash" },
			],
			programs: { main: "r0 = 0\n exit" },
		});
		using object = await KernelObject.load(plain);
		const outer = object.map("outer");
		outer.set(5, "one");
		expect([outer.get(5), outer.get(6), ...outer.entries()]).toEqual(["one", undefined, [5, "one"]]);
		expect(outer.innerMap(5)).toBe(object.map("one"));
		expect(() => outer.set(6, "two")).toThrowError(/EINVAL/);
		expect(() => outer.set(6, "three")).toThrowError(
			expect.objectContaining({ code: "machine/unknown-map" }),
		);
	});

	onKernel("a refused run is a result of attempt", async () => {
		using object = await KernelObject.load(chain);
		expect(object.attempt("entry", { packet: PACKET })).toMatchObject({ verdict: { code: 3 }, hops: [] });
		const { error } = object.attempt("entry", { packet: new Uint8Array(3) });
		expect(error).toMatchObject({ code: "kernel/rejected", detail: { name: "EINVAL" } });
	});
});
