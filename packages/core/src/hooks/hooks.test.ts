import { describe, expect, it } from "vitest";
import { TailhopError } from "../errors/index.ts";
import { LinearMemory } from "../memory/index.ts";
import { hookFor, schedClsHook, socketFilterHook, xdpHook } from "./index.ts";
import type { Hook, HookInput } from "./types.ts";

const AREA = 0x2_0000;
const memory = new LinearMemory(new WebAssembly.Memory({ initial: 8 }));

/** An Ethernet frame to 02:00:00:00:00:01 of an ethertype, `length` bytes in all, counted up from 0. */
function frame(ethertype: number, length: number): Uint8Array {
	const bytes = Uint8Array.from({ length }, (_, index) => index & 0xff);
	bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ethertype >> 8, ethertype & 0xff].slice(0, length));
	return bytes;
}

function begin(hook: Hook, input: HookInput): Record<string, unknown> {
	const context = hook.begin(memory, AREA, input, 0);
	const fields = hook.fields.map(({ name, offset, size }) => [
		name,
		size === 8
			? memory.u64(context + offset)
			: size === 1
				? memory.u8[context + offset]
				: memory.u32(context + offset),
	]);
	return { ...Object.fromEntries(fields), context };
}

function errno(run: () => unknown): unknown {
	try {
		run();
	} catch (error) {
		if (error instanceof TailhopError && error.code === "machine/invalid-input") return error.detail?.errno;
		throw error;
	}
	return 0;
}

describe("sizes that BPF_PROG_TEST_RUN takes", () => {
	it.each([
		[xdpHook, 0x800, 13, 22],
		[xdpHook, 0x800, 14, 0],
		[xdpHook, 0x800, 3520 + 17 * 4096, 0],
		[xdpHook, 0x800, 3521 + 17 * 4096, 12],
		[schedClsHook, 0x806, 13, 22],
		[schedClsHook, 0x806, 14, 0],
		[schedClsHook, 0x800, 33, 22],
		[schedClsHook, 0x800, 34, 0],
		[socketFilterHook, 0x86dd, 53, 22],
		[socketFilterHook, 0x86dd, 54, 0],
		[schedClsHook, 0x800, 3712, 0],
		[schedClsHook, 0x800, 3713, 22],
	])("$name %#", (hook, ethertype, length, expected) => {
		memory.memory.grow(2);
		expect(errno(() => hook.begin(memory, AREA, { packet: frame(ethertype, length) }, 0))).toBe(expected);
	});
});

describe("what a program sees", () => {
	it("of a frame in XDP: 3520 linear bytes, the rest in fragments", () => {
		const packet = frame(0x800, 5000);
		const seen = begin(xdpHook, { packet });
		expect(seen).toMatchObject({ ingress_ifindex: 1, rx_queue_index: 0 });
		const { meta, data, end } = xdpHook.bounds(memory);
		expect([meta, end - data]).toEqual([data, 3520]);
		expect(xdpHook.end(memory, AREA).packet).toEqual(packet);
	});

	it("of metadata in XDP", () => {
		const packet = frame(0x800, 68);
		begin(xdpHook, { packet, context: { data: 8, ingress_ifindex: 7, rx_queue_index: 2 } });
		const { meta, data, end } = xdpHook.bounds(memory);
		expect([data - meta, end - data]).toEqual([8, 60]);
		const out = xdpHook.end(memory, AREA);
		expect(out.packet).toEqual(packet);
		expect(out.context).toEqual({
			data: 8,
			data_end: 68,
			ingress_ifindex: 7,
			rx_queue_index: 2,
			egress_ifindex: 0,
		});
	});

	it("of an IPv4 frame in tc", () => {
		const packet = frame(0x800, 68);
		const seen = begin(schedClsHook, { packet, context: { mark: 5, cb: [1, 2] } });
		expect(seen).toMatchObject({
			len: 68,
			pkt_type: 3,
			protocol: 8,
			ifindex: 1,
			wire_len: 68,
			mark: 5,
			hash: 0,
		});
		expect(memory.u32(Number(seen.sk) + 4)).toBe(2);
		const out = schedClsHook.end(memory, Number(seen.context));
		expect(out.packet).toEqual(packet);
		expect(out.context).toMatchObject({ mark: 5, cb: [1, 2, 0, 0, 0], ifindex: 1 });
		expect(new DataView(out.contextBytes!.buffer).getUint32(0, true)).toBe(0);
	});

	it("from the network header on in a socket filter", () => {
		const packet = frame(0x800, 68);
		const seen = begin(socketFilterHook, { packet });
		expect(seen.len).toBe(54);
		const out = socketFilterHook.end(memory, Number(seen.context));
		expect(out.packet).toEqual(Uint8Array.of(...new Array(14).fill(0), ...packet.subarray(14)));
	});

	it.each([
		[[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 2],
		[[1, 0, 0x5e, 0, 0, 1], 2],
		[[0, 0, 0, 0, 0, 0], 0],
	])("pkt_type of a frame to %j", (destination, expected) => {
		const packet = frame(0x806, 42);
		packet.set(destination);
		expect(begin(schedClsHook, { packet }).pkt_type).toBe(expected);
	});

	it.each([
		[[1, 0, 0xff, 0xff], 0x100],
		[[1, 0, 1, 2], 0x400],
		[[0x81, 0, 0, 0], 0x81],
	])("protocol of a frame that goes on with %j", (bytes, expected) => {
		const packet = frame(0, 42);
		packet.set(bytes, 12);
		expect(begin(schedClsHook, { packet }).protocol).toBe(expected);
	});
});

describe("contexts that BPF_PROG_TEST_RUN refuses", () => {
	const packet = frame(0x800, 68);
	it.each([
		[xdpHook, { data: 6 }],
		[xdpHook, { data: 64, data_end: 60 }],
		[xdpHook, { data_end: 69 }],
		[xdpHook, { data: 56 }],
		[xdpHook, { rx_queue_index: 1 }],
		[xdpHook, { egress_ifindex: 1 }],
		[schedClsHook, { tc_index: 1 }],
		[schedClsHook, { wire_len: 67 }],
		[schedClsHook, { wire_len: 65537 }],
		[schedClsHook, { gso_segs: 65536 }],
		[schedClsHook, { mark: -1 }],
		[schedClsHook, { cb: [1, 2, 3, 4, 5, 6] }],
	])("$name %j", (hook, context) => {
		expect(errno(() => hook.begin(memory, AREA, { packet, context }, 0))).toBe(22);
	});

	it("bytes behind the structure", () => {
		const contextBytes = new Uint8Array(193);
		expect(errno(() => schedClsHook.begin(memory, AREA, { packet, contextBytes }, 0))).toBe(0);
		contextBytes[192] = 1;
		expect(errno(() => schedClsHook.begin(memory, AREA, { packet, contextBytes }, 0))).toBe(7);
	});
});

it.each([
	[6, 4, 0, "XDP_REDIRECT"],
	[6, 5, 0, undefined],
	[3, 0xffffffff, 0, "TC_ACT_UNSPEC"],
	[3, 2, 0, "TC_ACT_SHOT"],
	[4, 8, 0, "TC_ACT_TRAP"],
	[3, 0xffffffff, 46, "TCX_NEXT"],
	[3, 3, 47, undefined],
	[3, 7, 54, "NETKIT_REDIRECT"],
	[1, 0, 0, undefined],
])("verdict of program type %i: %i at attach type %i", (type, code, attach, name) => {
	expect(hookFor(type)!.verdictName(code, attach)).toBe(name);
});

it("keeps what the kernel keeps of a store", () => {
	const store = (name: string) => schedClsHook.fields.find((field) => field.name === name)!.store!;
	expect(store("tc_index")(0x12345)).toBe(0x2345);
	expect(store("queue_mapping")(0xfffe)).toBe(0xfffe);
	expect(store("queue_mapping")(0xffff)).toBeUndefined();
	expect(store("queue_mapping")(-1)).toBeUndefined();
});
