import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TailhopError } from "@tailhop/core";
import { beforeAll, describe, expect, it } from "vitest";
import { accepted, Kernel, openKernel, pinToCpu } from "./index.ts";
import { possibleCpus } from "./native.ts";
import { lastLine } from "./rejected.ts";

const XDP = 6;
const SOCKET_FILTER = 1;
const ARRAY = 2;
const PROG_ARRAY = 3;
const HASH = 1;

/** One instruction; the fields in the order of the ISA's picture. */
const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0) => ({ opcode, dst, src, off, imm });
const mov = (dst: number, imm: number) => insn(0xb7, dst, 0, 0, imm);
const EXIT = insn(0x95);
const mapIndex = (dst: number, index: number) => [insn(0x18, dst, 5, 0, index), insn(0)];
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const PACKET = new Uint8Array(64).fill(0xab);

/** Open descriptors of this process. */
const descriptors = (): number => readdirSync("/proc/self/fd").length;

let kernel: Kernel | undefined;
beforeAll(async () => {
	kernel = await openKernel().catch((error: unknown) => {
		expect(error).toBeInstanceOf(TailhopError);
		expect(error).toMatchObject({ code: "kernel/unavailable" });
		return undefined;
	});
});

/** A test that needs bpf(2): counted as skipped, with the reason, where it isn't allowed. */
const onKernel = (name: string, body: (kernel: Kernel) => void): void =>
	it(name, (context) => {
		if (kernel === undefined) return context.skip("bpf(2) is not allowed here");
		const before = descriptors();
		body(kernel);
		expect(descriptors(), "open descriptors").toBe(before);
	});

describe("capabilities", () => {
	onKernel("are limited for as long as it takes", (kernel) => {
		const { capabilities } = kernel;
		const load = () => kernel.loadProgram({ type: XDP, insns: [mov(0, 2), EXIT] });
		expect(capabilities.has("CAP_BPF")).toBe(true);
		const refused = capabilities.only(["CAP_NET_ADMIN"], () => [capabilities.has("CAP_BPF"), load()]);
		expect(refused).toMatchObject([false, { ok: false, error: "EPERM" }]);
		expect(() =>
			capabilities.only([], () => {
				throw new Error("from inside");
			}),
		).toThrow("from inside");
		expect(capabilities.has("CAP_BPF")).toBe(true);
		accepted(capabilities.only(["CAP_NET_ADMIN", "CAP_BPF"], load)).close();
	});
});

describe("programs", () => {
	onKernel("loads and runs", (kernel) => {
		using program = accepted(kernel.loadProgram({ type: XDP, name: "two", insns: [mov(0, 2), EXIT] }));
		const { retval, data, duration } = program.run({ data: PACKET, repeat: 3 });
		expect({ retval, data }).toEqual({ retval: 2, data: PACKET });
		expect(duration).toBeGreaterThanOrEqual(0);
		expect(program.info()).toMatchObject({ type: XDP, name: "two", verifiedInsns: 2 });
		expect(program.info().tag).toMatch(/^[0-9a-f]{16}$/);
		expect(program.info()).toMatchObject({ gplCompatible: true, mapIds: [], btfId: 0, lineInfoCount: 0 });
		expect(program.xlated().length).toBe(16);
		using again = kernel.openProgramId(program.id);
		expect(again.run({ data: PACKET }).retval).toBe(2);
	});

	onKernel("says why the verifier refuses, with its log", (kernel) => {
		const result = kernel.loadProgram({ type: XDP, insns: [EXIT] });
		expect(result).toMatchObject({ ok: false, errno: 13, error: "EACCES" });
		expect(lastLine(result.log)).toBe("R0 !read_ok");
		expect(() => accepted(result, "entry")).toThrowError(
			expect.objectContaining({
				code: "kernel/rejected",
				message: "the kernel refused program entry: EACCES: R0 !read_ok",
				where: { program: "entry" },
				detail: expect.objectContaining({ errno: 13, name: "EACCES", log: result.log }),
			}),
		);
	});

	onKernel("gives no log when none is asked for", (kernel) => {
		expect(kernel.loadProgram({ type: XDP, insns: [EXIT], log: 0 }).log).toBe("");
	});

	onKernel("fetches a log longer than the first buffer", (kernel) => {
		const long = [...Array.from({ length: 5000 }, (_, index) => mov(0, index)), EXIT];
		const result = kernel.loadProgram({ type: XDP, insns: long, log: 2 });
		if (result.ok) result.program.close();
		expect(result.ok).toBe(true);
		expect(result.log.length).toBeGreaterThan(64 << 10);
		expect(result.log).toContain("5000: (95) exit");
		expect(result.log).toContain("processed 5001 insns");
	});

	onKernel("a log beyond the limit keeps its end, and the verdict stays what it is", () => {
		const small = new Kernel(kernel!.native, 64 << 10);
		const long = Array.from({ length: 5000 }, (_, index) => mov(0, index));
		const result = small.loadProgram({ type: XDP, insns: [...long, EXIT], log: 2 });
		if (result.ok) result.program.close();
		expect(result.ok).toBe(true);
		expect(result.log).not.toContain("\n1: (b7)");
		expect(result.log).toContain("processed 5001 insns");
		const refused = small.loadProgram({ type: XDP, insns: [...long, mov(10, 0), EXIT], log: 2 });
		expect(refused).toMatchObject({ ok: false, error: "EACCES" });
		expect(lastLine(refused.log)).toBe("frame pointer is read only");
	});

	onKernel("gives context in and out, and refuses bad input", (kernel) => {
		// return ctx->cb[0]++ of __sk_buff (offset 48)
		const insns = [
			insn(0x61, 0, 1, 48),
			insn(0xbf, 2, 0),
			insn(0x07, 2, 0, 0, 1),
			insn(0x63, 1, 2, 48),
			EXIT,
		];
		using program = accepted(kernel.loadProgram({ type: SOCKET_FILTER, insns }));
		const context = new Uint8Array(192);
		context[48] = 7;
		const output = program.run({ data: PACKET, context });
		expect(output.retval).toBe(7);
		expect(output.context[48]).toBe(8);
		expect(program.tryRun({ data: new Uint8Array(5) })).toBe(-22);
		expect(() => program.run({ data: new Uint8Array(5) })).toThrowError(/test run: EINVAL/);
	});

	onKernel("a closed handle is refused, closing twice is not", (kernel) => {
		const program = accepted(kernel.loadProgram({ type: XDP, insns: [mov(0, 2), EXIT] }));
		program.close();
		program.close();
		expect(() => program.run({ data: PACKET })).toThrowError(
			expect.objectContaining({ code: "machine/closed" }),
		);
	});
});

describe("maps", () => {
	onKernel("lookup, update, next key, delete, freeze", (kernel) => {
		using map = kernel.createMap({ type: HASH, keySize: 4, valueSize: 8, maxEntries: 2, name: "a map/1" });
		const value = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
		expect(map.hostLookup(u32(1))).toBe(-2);
		expect(map.hostUpdate(u32(1), value)).toBe(0);
		expect(map.hostUpdate(u32(1), value, 1n)).toBe(-17);
		expect(map.hostLookup(u32(1))).toEqual(value);
		expect(map.hostNextKey(null)).toEqual(u32(1));
		expect(map.hostNextKey(u32(1))).toBe(-2);
		expect([...map.hostEntries()]).toEqual([[u32(1), value]]);
		expect(map.hostLookupAndDelete(u32(1))).toEqual(value);
		expect(map.hostDelete(u32(1))).toBe(-2);
		expect(map.freeze()).toBe(0);
		expect(map.hostUpdate(u32(1), value)).toBe(-1);
		expect(map.info()).toMatchObject({
			type: HASH,
			keySize: 4,
			valueSize: 8,
			maxEntries: 2,
			name: "a_map_1",
		});
	});

	for (const [name, type] of [
		["a hash", HASH],
		["an array", ARRAY],
	] as const) {
		onKernel(`batches of ${name}`, (kernel) => {
			using map = kernel.createMap({ type, keySize: 4, valueSize: 8, maxEntries: 100 });
			const entries = Array.from(
				{ length: 100 },
				(_, index) => [u32(index), new Uint8Array(8).fill(index)] as const,
			);
			expect(map.hostUpdateBatch(entries)).toEqual({ done: 100, result: 0 });
			const found: (readonly [Uint8Array, Uint8Array])[] = [];
			let rounds = 0;
			for (let from: Uint8Array | undefined; ; rounds++) {
				const batch = map.hostLookupBatch(40, from);
				if (typeof batch === "number") throw new Error(`errno ${-batch}`);
				found.push(...batch.entries);
				from = batch.next;
				if (from === undefined) break;
			}
			expect(rounds).toBeGreaterThanOrEqual(2);
			const sorted = (list: typeof found) => list.toSorted(([a], [b]) => a[0]! - b[0]!);
			expect(sorted(found)).toEqual(entries);
			expect(sorted(map.contents())).toEqual(entries);
			if (type === ARRAY) expect(map.hostDeleteBatch([u32(1)]).result).toBe(-524);
			else {
				expect(map.hostDeleteBatch([u32(1), u32(1000)])).toEqual({ done: 1, result: -2 });
				expect(map.hostLookupBatch(100, undefined, true)).toMatchObject({ entries: { length: 99 } });
				expect(map.contents()).toEqual([]);
			}
		});
	}

	onKernel("a kind without batches", (kernel) => {
		using map = kernel.createMap({ type: 22, keySize: 0, valueSize: 8, maxEntries: 4 });
		expect(map.hostLookupBatch(4)).toBe(-524);
	});

	onKernel("a per-CPU value has every CPU's", (kernel) => {
		using map = kernel.createMap({ type: 6, keySize: 4, valueSize: 3, maxEntries: 1 });
		expect(map.hostLookup(u32(0))).toEqual(new Uint8Array(8 * kernel.cpus));
	});

	onKernel("a refusal names the map and leaks nothing", (kernel) => {
		expect(() =>
			kernel.createMap({ type: ARRAY, keySize: 8, valueSize: 4, maxEntries: 1, name: "counts" }),
		).toThrowError(
			expect.objectContaining({
				code: "kernel/rejected",
				message: "the kernel refused map counts: EINVAL",
				where: { map: "counts" },
			}),
		);
	});

	onKernel("a program counts in one, and tail-calls through another", (kernel) => {
		using jumps = kernel.createMap({ type: PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 });
		using target = accepted(kernel.loadProgram({ type: XDP, insns: [mov(0, 3), EXIT] }));
		const insns = [...mapIndex(2, 0), mov(3, 1), insn(0x85, 0, 0, 0, 12), mov(0, 1), EXIT];
		using entry = accepted(kernel.loadProgram({ type: XDP, insns, maps: [jumps] }));
		expect(entry.info().mapIds).toEqual([jumps.info().id]);
		expect(entry.run({ data: PACKET }).retval).toBe(1);
		expect(jumps.hostUpdate(u32(1), u32(target.fd))).toBe(0);
		expect(entry.run({ data: PACKET }).retval).toBe(3);
		expect(jumps.hostLookup(u32(1))).toEqual(u32(target.info().id));
	});
});

describe("pins", () => {
	const path = `/sys/fs/bpf/tailhop-pin-${process.pid}`;

	it("maps and programs by name in a bpffs", (context) => {
		if (kernel === undefined) return context.skip("bpf(2) is not allowed here");
		using map = kernel.createMap({ type: HASH, keySize: 4, valueSize: 8, maxEntries: 2, name: "counts" });
		try {
			map.pin(path);
		} catch (error) {
			expect(error).toMatchObject({ code: "kernel/rejected", hint: expect.stringContaining("mount -t bpf") });
			return context.skip("there is no bpffs at /sys/fs/bpf");
		}
		try {
			expect(() => map.pin(path)).toThrowError(/the pin .*: EEXIST/);
			using again = kernel.openPinnedMap(path);
			expect(again.info().id).toBe(map.info().id);
			expect(again.definition).toMatchObject({ name: "counts", keySize: 4, valueSize: 8, maxEntries: 2 });
			const before = descriptors();
			expect(() => kernel?.openPinnedProgram(path)).toThrowError(/what is no program.*EINVAL/);
			expect(descriptors()).toBe(before);
		} finally {
			map.unpin(path);
		}
		expect(() => map.unpin(path)).toThrowError(/the removal of the pin .*: ENOENT/);
		using program = accepted(kernel.loadProgram({ type: XDP, insns: [mov(0, 2), EXIT] }));
		program.pin(path);
		using same = kernel.openPinnedProgram(path);
		program.unpin(path);
		expect(same.run({ data: PACKET }).retval).toBe(2);
	});

	onKernel("elsewhere they are refused, and the error says what to do", (kernel) => {
		using map = kernel.createMap({ type: HASH, keySize: 4, valueSize: 8, maxEntries: 2 });
		expect(() => map.pin(join(tmpdir(), "tailhop-pin"))).toThrowError(
			expect.objectContaining({ code: "kernel/rejected", hint: expect.stringContaining("bpffs") }),
		);
		expect(() => kernel.openPinnedMap("/sys/fs/bpf/tailhop-not-there")).toThrowError(/ENOENT/);
	});
});

describe("the rest", () => {
	onKernel("refused BTF comes with its log", (kernel) => {
		expect(() => kernel.loadBtf(new Uint8Array(24))).toThrowError(
			expect.objectContaining({ code: "kernel/rejected", message: expect.stringMatching(/the BTF: EINVAL/) }),
		);
	});

	onKernel("pins to one CPU and back", (kernel) => {
		const mask = (): Uint8Array => {
			const bits = new Uint8Array(128);
			kernel.native.getAffinity(bits);
			return bits;
		};
		const before = mask();
		{
			using pin = pinToCpu(kernel);
			expect(mask()[pin.cpu >> 3]).toBe(1 << (pin.cpu & 7));
		}
		expect(mask()).toEqual(before);
		expect(() => pinToCpu(kernel, 1000)).toThrowError(/CPU 1000: EINVAL/);
	});

	it("finds the line of a log that says why", () => {
		const end = "processed 3 insns (limit 1000000) max_states_per_insn 0\n\n";
		expect(lastLine(`0: (95) exit\nR0 !read_ok\n${end}`)).toBe("R0 !read_ok");
		expect(lastLine(`expected prog array map for tail call${end}`)).toBe(
			"expected prog array map for tail call",
		);
		expect(lastLine(end)).toBeUndefined();
	});

	it("counts the CPUs of a list", () => {
		expect(["0\n", "0-3\n", "0,2-5\n"].map(possibleCpus)).toEqual([1, 4, 5]);
	});
});
