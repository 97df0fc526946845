import { readdirSync } from "node:fs";
import { HOOKS, perfSample } from "@tailhop/core";
import { buildObject } from "@tailhop/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { type Kernel, KernelObject, openKernel, PerfReader, pinToCpu, RingReader } from "./index.ts";

let kernel: Kernel | undefined;
beforeAll(async () => {
	kernel = await openKernel().catch(() => undefined);
});

/** Nothing stays open, neither descriptors nor mappings. */
const onKernel = (name: string, body: (kernel: Kernel) => Promise<void>): void =>
	it(name, async (context) => {
		if (kernel === undefined) return context.skip("bpf(2) is not allowed here");
		const before = readdirSync("/proc/self/fd").length;
		await body(kernel);
		expect(readdirSync("/proc/self/fd").length, "open descriptors").toBe(before);
	});

const PACKET = Uint8Array.from({ length: 64 }, (_, index) => index);

/** Gives `size` bytes of the stack, each `fill`, to a perf event array, with `packet` bytes of the packet. */
const perf = (size: number, packet = 0) => `
	r6 = r1
	r2 = 0x2a2a2a2a2a2a2a2a ll
	*(u64 *)(r10 - 8) = r2
	*(u64 *)(r10 - 16) = r2
	r1 = r6
	r2 = events ll
	r3 = ${(BigInt(packet) << 32n) | 0xffff_ffffn} ll
	r4 = r10
	r4 += -16
	r5 = ${size}
	call 25
	exit`;

const ring = (size: number) => `
	r2 = 0x2a2a2a2a2a2a2a2a ll
	*(u64 *)(r10 - 8) = r2
	*(u64 *)(r10 - 16) = r2
	r1 = ring ll
	r2 = r10
	r2 += -16
	r3 = ${size}
	r4 = 0
	call 130
	exit`;

const object = buildObject({
	maps: [
		{ name: "events", type: "perf_event_array", valueSize: 4, maxEntries: 64 },
		{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
	],
	programs: { seven: perf(7), packet: perf(12, 20), record: ring(13) },
});

describe("events", () => {
	onKernel("of perf: the data ends on 8n + 4, zeros behind", async (kernel) => {
		using loaded = await KernelObject.load(object, { hooks: HOOKS });
		using pin = pinToCpu(kernel);
		const result = loaded.run("seven", { packet: PACKET });
		expect(result.verdict).toEqual({ code: 0, name: "XDP_ABORTED" });
		const data = new Uint8Array(12);
		data.fill(0x2a, 0, 7);
		expect(result.output).toEqual([{ kind: "perf", map: "events", cpu: pin.cpu, data }]);
		expect(perfSample(new Uint8Array(7).fill(0x2a))).toEqual(data);
	});

	onKernel("of perf: zeros behind the data however often the ring was filled", async (kernel) => {
		using loaded = await KernelObject.load(object, { perfReaders: false });
		// the second event is the second only on one CPU
		using _pin = pinToCpu(kernel);
		using reader = new PerfReader(loaded.map("events"), 1);
		const data = perfSample(new Uint8Array(7).fill(0x2a));
		for (let round = 0; round < 400; round++) {
			for (const name of ["packet", "seven"]) loaded.run(name, { packet: PACKET });
			expect(reader.read().map((event) => event.data)[1]).toEqual(data);
		}
	});

	onKernel("of perf, with the packet's first bytes", async () => {
		using loaded = await KernelObject.load(object);
		const { output } = loaded.run("packet", { packet: PACKET });
		expect(output).toHaveLength(1);
		expect(output[0]!.data.length).toBe(perfSample(new Uint8Array(32)).length);
		expect(output[0]!.data.subarray(12, 32)).toEqual(PACKET.subarray(0, 20));
	});

	onKernel("of perf, without readers: ENOENT", async () => {
		using loaded = await KernelObject.load(object, { perfReaders: false });
		expect(loaded.run("seven", { packet: PACKET })).toMatchObject({
			verdict: { code: 2 ** 32 - 2 },
			output: [],
		});
	});

	onKernel("of a ring buffer, again and again around its end", async () => {
		using loaded = await KernelObject.load(object);
		const data = new Uint8Array(13).fill(0x2a);
		// 24 bytes a record: the ring of 4096 wraps within one
		for (let count = 0; count < 400; count++) {
			expect(loaded.run("record", { packet: PACKET }).output).toEqual([
				{ kind: "ringbuf", map: "ring", data },
			]);
		}
	});

	onKernel("many at once, through a ring that wraps; what found no room is counted", async (kernel) => {
		using loaded = await KernelObject.load(object, { perfReaders: false });
		using _pin = pinToCpu(kernel);
		const program = loaded.program("packet");
		{
			using reader = new PerfReader(loaded.map("events"), 1);
			// 48 bytes an event: 40 a round wrap a page of 4096 often
			for (let round = 0; round < 10; round++) {
				program.run({ data: PACKET, repeat: 40 });
				const events = reader.read();
				expect(events).toHaveLength(40);
				for (const { data } of events) expect(data.subarray(12, 32)).toEqual(PACKET.subarray(0, 20));
			}
			program.run({ data: PACKET, repeat: 200 });
			reader.read();
			program.run({ data: PACKET });
			reader.read();
			expect(reader.lost).toBeGreaterThan(100);
		}
		// closed: the slot is empty again
		expect(program.run({ data: PACKET }).retval).toBe(2 ** 32 - 2);
		using reader = new RingReader(loaded.map("ring"));
		loaded.program("record").run({ data: PACKET, repeat: 1000 });
		expect(reader.read()).toHaveLength(Math.floor(4095 / 24));
		expect(reader.read()).toEqual([]);
	});
});
