import { answering, type Call, callProgram, check, eth, ipv4, packet, payload, udp } from "@tailhop/testing";
import { describe, it } from "vitest";

// What helpers with an xdp_buff answer and do, on the interpreter and in the kernel; a frame's linear part is 3520
// bytes, what is longer lies in fragments of 4096.

const SMALL = packet(eth(), ipv4(), udp(), payload(26));
const frame = (length: number) => packet(payload(length));

const EINVAL = -22;
const EACCES = -13;
const EFAULT = -14;
const EOPNOTSUPP = -95;

const head = (offset: number): Call => [44, "ctx", offset];
const meta = (offset: number): Call => [54, "ctx", offset];
const tail = (offset: number): Call => [65, "ctx", offset];
const length: Call = [188, "ctx"];
const load = (offset: number, size: number): Call => [189, "ctx", offset, { out: size }, size];
const store = (offset: number, size: number): Call => [
	190,
	"ctx",
	offset,
	new Uint8Array(size).fill(0xaa),
	size,
];

const run = (
	bytes: Uint8Array,
	calls: readonly Call[],
	answers: readonly number[],
	context?: Record<string, number>,
) =>
	check({
		...callProgram("xdp", calls),
		packet: bytes,
		...(context === undefined ? {} : { context }),
		expect: answering(...answers),
	});

describe("xdp_adjust_head", () => {
	it.each([
		[-216, 0],
		[-217, EINVAL],
		[1, 0],
		[54, 0],
		[55, EINVAL],
		[0x7fffffff, EINVAL],
		[-0x80000000, EINVAL],
	])("by %i", async (offset, answer) => {
		await run(SMALL, [head(offset), length], [answer, 68 - (answer === 0 ? offset : 0)]);
	});

	it("takes metadata along, and leaves room for it", async () => {
		await run(SMALL, [meta(-4), head(-212), head(-211), head(40)], [0, 0, EINVAL, 0]);
	});
});

describe("xdp_adjust_meta", () => {
	it.each([
		[-216, 0],
		[-220, EINVAL],
		[-6, EACCES],
		[4, EINVAL],
		[0, 0],
	])("by %i", async (offset, answer) => {
		await run(SMALL, [meta(offset)], [answer]);
	});
});

describe("xdp_adjust_tail", () => {
	it.each([
		[-54, 0],
		[-55, EINVAL],
		[3452, 0],
		[3453, EINVAL],
	])("linear, by %i", async (offset, answer) => {
		await run(SMALL, [tail(offset), length], [answer, 68 + (answer === 0 ? offset : 0)]);
	});

	it.each([
		[4000, 3616, 0],
		[4000, 3617, EINVAL],
		[4000, -480, 0],
		[4000, -3986, 0],
		[4000, -3987, EINVAL],
		[4000, -0x80000000, 0],
		[7616, 1, EINVAL],
		[9000, -5000, 0],
	])("fragments, %i bytes, by %i", async (bytes, offset, answer) => {
		const left = answer === 0 && offset > -bytes ? bytes + offset : bytes;
		await run(frame(bytes), [tail(offset), length], [answer, left]);
	});

	it("fragments of a device of which nothing is known don't grow", async () => {
		await run(frame(4000), [tail(1), tail(-1)], [0, 0], { ingress_ifindex: 1 });
		// the kernel answers the same for a device that it has
		const calls = callProgram("xdp", [tail(1), tail(-1)]);
		await check({
			...calls,
			packet: frame(4000),
			context: { ingress_ifindex: 999 },
			expect: answering(EOPNOTSUPP, 0),
			kernel: { cannot: "it has no device 999" },
		});
	});

	it("until none is left: then the frame is linear again", async () => {
		await run(frame(4000), [tail(-480), tail(1), tail(-7), length], [0, EINVAL, 0, 3513]);
	});
});

describe("xdp_load_bytes and xdp_store_bytes", () => {
	it.each([
		[68, 60, 8, 0],
		[68, 61, 8, EINVAL],
		[68, -1, 1, EFAULT],
		[9000, 3500, 40, 0],
		[9000, 3520, 1, 0],
		[9000, 7610, 20, 0],
		[9000, 8990, 10, 0],
		[9000, 8991, 10, EINVAL],
		[9000, 0x10000, 1, EFAULT],
	])("%i bytes: %i, %i bytes", async (bytes, offset, size, answer) => {
		const calls = [load(offset, size), store(offset, size), load(offset, size)];
		await run(frame(bytes), calls, [answer, answer, answer]);
	});
});

it("a context may say how much is linear", async () => {
	await run(frame(400), [length, load(50, 30), tail(-350), length], [392, 0, 0, 42], {
		data: 8,
		data_end: 60,
	});
});
