import { check, eth, packet, payload } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { DATA, testRuntime } from "./test-runtime.ts";

const EINVAL = -22n;
const EACCES = -13n;
const IP = DATA;
const TCP = DATA + 64;

/** A TCP header with an MSS option, or without options. */
function tcp({ mss, sequence = 1000, ack = 0 }: { mss?: number; sequence?: number; ack?: number } = {}) {
	const bytes = new Uint8Array(mss === undefined ? 20 : 24);
	const view = new DataView(bytes.buffer);
	view.setUint16(0, 4000);
	view.setUint16(2, 80);
	view.setUint32(4, sequence);
	view.setUint32(8, ack);
	bytes[12] = (bytes.length / 4) << 4;
	if (mss !== undefined) bytes.set([2, 4, mss >> 8, mss & 255], 20);
	return bytes;
}

describe.each([
	[
		"IPv4",
		204,
		206,
		20,
		[
			[undefined, 536],
			[100, 536],
			[1300, 1300],
			[1459, 1440],
			[9000, 1460],
		],
	],
	[
		"IPv6",
		205,
		207,
		40,
		[
			[undefined, 1220],
			[1419, 1220],
			[1440, 1440],
			[65535, 8940],
		],
	],
] as const)("raw SYN cookies over %s", (_name, generate, answer, ipSize, mss) => {
	const rt = testRuntime({ seed: 5n, clockStep: 0n });
	rt.memory.write(
		IP,
		Uint8Array.from({ length: ipSize }, (_, i) => i + 1),
	);
	const cookie = (options: Parameters<typeof tcp>[0]) => {
		const header = tcp(options);
		rt.memory.write(TCP, header);
		return BigInt.asUintN(64, rt.call(generate, IP, TCP, header.length));
	};

	it.each<readonly [number | undefined, number]>(mss)("an MSS of %s becomes %i", (wanted, kept) => {
		expect(Number(cookie(wanted === undefined ? {} : { mss: wanted }) >> 32n)).toBe(kept);
	});

	it("an ACK of the cookie is taken, another not", () => {
		const made = Number(BigInt.asUintN(32, cookie({ mss: 1460 })));
		const ack = (number: number) => {
			rt.memory.write(TCP, tcp({ sequence: 1001, ack: number }));
			return rt.call(answer, IP, TCP);
		};
		expect(ack(made + 1)).toBe(0n);
		expect(ack(made + 0x10)).toBe(EACCES);
		rt.memory.u8[IP + ipSize - 1] = 0;
		expect(ack(made + 1)).toBe(EACCES);
	});

	it("a length that the header does not say", () => {
		rt.memory.write(TCP, tcp());
		expect([19, 24].map((length) => rt.call(generate, IP, TCP, length))).toEqual([EINVAL, EINVAL]);
	});
});

describe("as the kernel", () => {
	const header = (register: number, at: number, bytes: Uint8Array) =>
		`${[...bytes].map((byte, i) => `r0 = ${byte}\n*(u8 *)(r10 - ${at - i}) = r0`).join("\n")}\nr${register} = r10\nr${register} += -${at}`;
	const run = (asm: string, expected: number) =>
		check({ type: "tc", asm: `${asm}\nexit`, packet: packet(eth(), payload(50)), expect: expected });

	it("the MSS of a cookie", async () => {
		for (const mss of [undefined, 0, 535, 1299, 1300, 1459, 1460, 9000]) {
			const bytes = tcp(mss === undefined ? {} : { mss });
			const call = `${header(1, 48, new Uint8Array(20))}\n${header(2, 24, bytes)}\nr3 = ${bytes.length}\ncall 204\nr0 >>= 32`;
			const kept = [1460, 1440, 1300].find((each) => (mss ?? 0) >= each) ?? 536;
			await run(call, kept);
		}
	});

	it("lengths and cookies that are none", async () => {
		await run(`${header(1, 48, new Uint8Array(20))}\n${header(2, 24, tcp())}\nr3 = 24\ncall 204`, -22);
		await run(`${header(1, 88, new Uint8Array(40))}\n${header(2, 24, tcp())}\nr3 = 19\ncall 205`, -22);
		await run(`${header(1, 48, new Uint8Array(20))}\n${header(2, 24, tcp())}\ncall 206`, -13);
		await run(`${header(1, 88, new Uint8Array(40))}\n${header(2, 24, tcp())}\ncall 207`, -13);
	});
});
