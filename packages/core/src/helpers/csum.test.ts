import {
	type Argument,
	answering,
	type Call,
	callProgram,
	check,
	checksum,
	eth,
	hex,
	ipv4,
	packet,
	payload,
	udp,
} from "@tailhop/testing";
import { describe, expect, it } from "vitest";

const PACKET = packet(eth(), ipv4(), udp(), payload(26));
const [IP_CSUM, UDP_CSUM] = [24, 40];

const EINVAL = -22;
const EFAULT = -14;

const replace = (
	id: 10 | 11,
	offset: number,
	from: number | bigint,
	to: number | bigint,
	flags: number | bigint,
): Call => [id, "ctx", offset, from, to, flags];

const run = (calls: readonly Call[], answers: readonly number[], bytes = PACKET) =>
	check({ ...callProgram("tc", calls), packet: bytes, expect: answering(...answers) });

describe("l3_csum_replace and l4_csum_replace", () => {
	it.each<[number | bigint, number | bigint, number | bigint, number]>([
		[0, 0x1234, 0, 0],
		[1, 0x1234, 0, EINVAL],
		[1n << 40n, 0x1234, 0, EINVAL],
		[0x0a00, 0x0b00, 2, 0],
		[0x12340a00, 0x56780b00, 2, 0],
		[0x0a000001, 0x0b000002, 4, 0],
		[1n << 40n, 0xffffffffn, 4, 0],
		[0, 0, 1, EINVAL],
		[0, 0, 1n << 32n, EINVAL],
	])("from %x to %x, flags %i", async (from, to, flags, answer) => {
		for (const id of [10, 11] as const) await run([replace(id, IP_CSUM, from, to, flags)], [answer]);
	});

	it.each([
		[66, 0],
		[67, EFAULT],
		[68, EFAULT],
		[0x10000, EFAULT],
		[-2, EFAULT],
	])("at %i", async (offset, answer) => {
		await run([replace(10, offset, 0, 1, 0), replace(11, offset, 0, 1, 0)], [answer, answer]);
	});

	it("a rewritten address leaves checksums that verify", async () => {
		const to = 0x0100_00c0; // 192.0.0.1, as it lies in memory
		const calls: Call[] = [
			replace(11, UDP_CSUM, 0x0200_000a, to, 0x14),
			replace(10, IP_CSUM, 0x0200_000a, to, 4),
			[9, "ctx", 30, Uint8Array.of(192, 0, 0, 1), 4, 0],
		];
		const outcome = await run(calls, [0, 0, 0]);
		const wanted = packet(eth(), ipv4({ dst: "192.0.0.1" }), udp(), payload(26));
		expect(outcome).toMatchObject({ kind: "ran" });
		if (outcome.kind === "ran") expect(hex(outcome.packet)).toBe(hex(wanted));
	});

	it.each([
		["no checksum stays none", 0, 0x1234, 0x20, 0],
		["unless it is enforced", 0, 0, 0x60, 0xffff],
		["a sum of zero becomes 0xffff", 0x1234, 0x1234, 0x20, 0xffff],
		["or stays zero", 0x1234, 0x1234, 0, 0],
	])("MARK_MANGLED_0: %s", async (_name, old, diff, flags, sum) => {
		const bytes = PACKET.slice();
		bytes.set([old & 0xff, old >> 8], UDP_CSUM);
		const outcome = await run([replace(11, UDP_CSUM, 0, diff, flags)], [0], bytes);
		if (outcome.kind === "ran")
			expect(outcome.packet[UDP_CSUM]! | (outcome.packet[UDP_CSUM + 1]! << 8)).toBe(sum);
	});

	it("flags that l4 has and l3 doesn't", async () => {
		for (const flag of [0x10, 0x20, 0x40, 0x80])
			await run([replace(10, IP_CSUM, 0, 1, flag), replace(11, IP_CSUM, 0, 1, flag)], [EINVAL, 0]);
		await run([replace(11, IP_CSUM, 0, 1, 0x100)], [EINVAL]);
	});
});

describe("csum_diff", () => {
	const a = Uint8Array.from({ length: 700 }, (_, index) => (index * 37) & 0xff);
	const ones = new Uint8Array(16).fill(0xff);
	const zeros = new Uint8Array(16);
	const diff = (from: Uint8Array, to: Uint8Array, seed: number | bigint): Call => {
		const side = (bytes: Uint8Array): Argument[] => [bytes.length === 0 ? "null" : bytes, bytes.length];
		return [28, ...side(from), ...side(to), seed];
	};
	const none = new Uint8Array();

	it("sums what is pushed", async () => {
		const sum = ~checksum(a.subarray(0, 8)) & 0xffff;
		await run([diff(none, a.subarray(0, 8), 0)], [((sum & 0xff) << 8) | (sum >> 8)]);
	});

	it.each<[string, Uint8Array, Uint8Array, number | bigint, number]>([
		["nothing", none, none, 0, 0],
		["a seed", none, none, 0xdeadbeef, 0x9d9d],
		["a seed of 64 bits", none, none, 0x1_0000_0001n, 1],
		["zeros", none, zeros, 0, 0],
		["zeros for zeros", zeros, zeros, 0, 0xffff],
		["zeros taken away", zeros, none, 0, 0],
		["ones", none, ones, 0, 0xffff],
		["ones for a zero", ones.subarray(0, 4), zeros.subarray(0, 1), 0, 0],
		["a byte", none, ones.subarray(0, 1), 0, 0xff],
	])("%s", async (_name, from, to, seed, answer) => {
		await run([diff(from, to, seed)], [answer]);
	});

	it("takes any sizes, odd and large", async () => {
		const sizes = [0, 1, 2, 3, 5, 8, 20, 513, 700];
		for (const from of sizes) {
			const calls = sizes.map((to) => diff(a.subarray(0, from), a.subarray(0, to), 0xfffe0003));
			await check({ ...callProgram("tc", calls), packet: PACKET });
		}
	});
});

it("csum_level counts from none, and csum_update has nothing to update", async () => {
	const level = (action: number | bigint): Call => [135, "ctx", action];
	const [QUERY, INC, DEC, RESET] = [0, 1, 2, 3];
	await run([QUERY, INC, QUERY, INC, INC, INC, INC, QUERY, DEC, QUERY, RESET, QUERY, DEC, 4].map(level), [
		-13,
		0,
		0,
		0,
		0,
		0,
		0,
		3,
		0,
		2,
		0,
		-13,
		0,
		EINVAL,
	]);
	await run([[40, "ctx", 5]], [-524]);
});
