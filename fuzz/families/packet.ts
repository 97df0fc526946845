import { type ContextField, hookFor } from "@tailhop/core";
import { Builder, edgeBytes, offset, WIDTHS } from "../builder.ts";
import type { FuzzCase, FuzzStep } from "../case.ts";
import { hex } from "../harness.ts";
import type { Random } from "../random.ts";
import { frame } from "./frames.ts";

const TYPES = [
	{ type: 6, attachType: 0, flags: 0 },
	{ type: 6, attachType: 0, flags: 0 },
	/** BPF_F_XDP_HAS_FRAGS. */
	{ type: 6, attachType: 0, flags: 32 },
	{ type: 3, attachType: 0, flags: 0 },
	{ type: 3, attachType: 0, flags: 0 },
	{ type: 3, attachType: 46, flags: 0 },
	{ type: 4, attachType: 0, flags: 0 },
	{ type: 1, attachType: 0, flags: 0 },
	{ type: 8, attachType: 0, flags: 0 },
	{ type: 8, attachType: 1, flags: 0 },
] as const;
const XDP = 6;
const CGROUP_SKB = 8;
const SOCKET_FILTER = 1;

const RESULTS = 100;
const IN_WORDS = 8;
/** Below r10: what helpers read and write. */
const BUFFER = 64;

/** Programs over packets: bounds checks, context fields, and the helpers that read, write, move and resize. */
export function packet(random: Random): FuzzCase {
	const kind = random.pick(TYPES);
	const steps: FuzzStep[] = [];
	for (let run = random.between(3, 6); run > 0; run--) {
		const bytes = frame(random, kind.type === XDP && random.chance(15));
		const context = random.chance(40) ? contextOf(random, kind.type, bytes.length) : undefined;
		steps.push({ update: "in", key: "00000000", value: hex(inputs(random, bytes.length)) });
		steps.push({
			run: "main",
			packet: hex(bytes),
			...(context === undefined ? {} : { context: hex(context) }),
		});
		steps.push({ lookup: "out", key: "00000000" });
	}
	return {
		family: "packet",
		maps: [
			{ name: "in", type: "array", valueSize: IN_WORDS * 8 },
			{ name: "out", type: "array", valueSize: RESULTS * 8 },
			{ name: "events", type: "perf_event_array", valueSize: 4, maxEntries: 2 },
		],
		programs: { main: { ...kind, asm: program(random, kind.type) } },
		steps,
	};
}

/** Mostly numbers near the ends of the packet and of its headers. */
function inputs(random: Random, length: number): Uint8Array {
	const view = new DataView(edgeBytes(random, IN_WORDS).buffer);
	for (let at = 0; at < view.byteLength; at += 8) {
		if (random.chance(75))
			view.setBigInt64(
				at,
				BigInt(
					random.pick([0, 1, 14, 18, 24, 34, length, length - 1, length - 14, random.below(length + 1)]),
				),
				true,
			);
	}
	return new Uint8Array(view.buffer);
}

/** ctx_in: fields that a test run takes, now and then a value that it refuses. */
function contextOf(random: Random, type: number, length: number): Uint8Array {
	// socket filters are given what tc programs are, though they see less of it
	const hook = hookFor(type === XDP ? XDP : 3)!;
	const view = new DataView(new ArrayBuffer(hook.contextSize));
	const set = (name: string, values: readonly number[]): void => {
		const { offset, size, count = 1 } = hook.fields.find((field) => field.name === name)!;
		for (let element = 0; element < count; element++) {
			const value = random.pick(values);
			if (size / count === 8) view.setBigUint64(offset, BigInt(value), true);
			else view.setUint32(offset + 4 * element, value, true);
		}
	};
	const maybe = (name: string, values: readonly number[]): void => {
		if (random.chance(30)) set(name, values);
	};
	if (type === XDP) {
		set("data_end", random.chance(70) ? [length] : [length - 1, 64, 14, length + 1, 0]);
		maybe("data", [0, 4, 8, 12, 32, 216, 220, 3, length]);
		// README.md, "What is not compared": how many queues a device has
		if (random.chance(3)) set("rx_queue_index", [1]);
		else maybe("ingress_ifindex", [0, 1]);
		return new Uint8Array(view.buffer);
	}
	const any = [0, 1, 7, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff];
	maybe("mark", any);
	maybe("priority", any);
	maybe("ifindex", [0, 1]);
	maybe("cb", any);
	maybe("tstamp", any);
	maybe("hwtstamp", any);
	maybe("wire_len", [0, length, length + 100, 65536, 65537]);
	maybe("gso_segs", [0, 1, 2, 65535]);
	if (random.chance(10)) set("gso_size", [1, 100, 1400, 65536]);
	if (random.chance(2)) set(random.pick(["len", "protocol", "vlan_tci"]), [1]);
	return new Uint8Array(view.buffer);
}

class Program {
	readonly code: Builder;
	readonly type: number;
	results = 0;

	constructor(random: Random, type: number) {
		this.code = new Builder(random);
		this.type = type;
	}

	get random(): Random {
		return this.code.random;
	}

	result(register: string): void {
		if (this.results < RESULTS) this.code.emit(`*(u64 *)(r9 + ${8 * this.results++}) = ${register}`);
	}

	/** A number in a register: a constant, or from `in`; clobbers nothing else. */
	number(register: number, constants: readonly number[]): void {
		const { code, random } = this;
		if (random.chance(75)) code.emit(`r${register} = ${random.pick(constants)}`);
		else if (random.chance(90)) {
			code.emit(`r${register} = in[0]+0 ll`);
			const width = random.pick([2, 4, 4, 8]);
			code.emit(
				`r${register} = *(${Builder.type(width as 2 | 4 | 8, width < 8 && random.chance(30))} *)(r${register} + ${8 * random.below(IN_WORDS)})`,
			);
		} else code.emit(`r${register} = ${code.imm64()} ll`);
	}
}

/** r6: the context; r9: the value of `out`; r7, r8: the packet, within a statement. */
function program(random: Random, type: number): readonly string[] {
	const it = new Program(random, type);
	const { code } = it;
	code.emit("r6 = r1", "r9 = out[0]+0 ll");
	// what an ended run left must not look like results of this one
	for (let at = 8; at <= BUFFER; at += 8) code.emit(`*(u64 *)(r10 - ${at}) = ${code.imm()}`);
	for (let count = random.between(2, 12); count > 0; count--) statement(it, 0);
	// what a cgroup program returns is checked
	const verdict = type === CGROUP_SKB ? random.below(2) : random.chance(70) ? random.below(6) : code.imm();
	code.emit(`r0 = ${verdict}`, "exit");
	return code.lines;
}

function statement(it: Program, depth: number): void {
	const { random, code } = it;
	const direct = it.type !== SOCKET_FILTER;
	random.weighted<() => void>([
		[4, () => contextLoad(it)],
		[it.type === XDP ? 0 : 2, () => contextStore(it)],
		[direct ? 5 : 0, () => access(it)],
		[direct && it.type !== CGROUP_SKB ? 2 : 0, () => meta(it)],
		[it.type === XDP || it.type === CGROUP_SKB ? 0 : 2, () => classic(it)],
		[it.type === XDP ? 0 : 1, () => socket(it)],
		[7, () => helper(it)],
		[1, () => event(it)],
		[
			depth < 2 ? 1 : 0,
			() => {
				const over = code.label();
				it.number(1, [0]);
				code.emit(
					`if r1 ${random.pick(["==", "s>", "<", "&"])} ${random.pick([1, 14, 34, 64])} goto ${over}`,
				);
				statement(it, depth + 1);
				statement(it, depth + 1);
				code.place(over);
			},
		],
	])();
}

/** Fields whose contents are nobody's secret. */
const SKIPPED: readonly string[] = ["hash", "napi_id"];

function fields(it: Program, want: (field: ContextField) => boolean): readonly ContextField[] {
	return hookFor(it.type)!.fields.filter(
		(field) =>
			field.pointer === undefined &&
			field.attachTypes === undefined &&
			!SKIPPED.includes(field.name) &&
			want(field),
	);
}

function contextLoad(it: Program): void {
	const { random, code } = it;
	const field = random.pick(fields(it, ({ read }) => read));
	const own = field.size / (field.count ?? 1);
	const widths = field.loadWidths ?? (field.narrow ? WIDTHS.filter((width) => width <= own) : [own]);
	const width = random.pick(widths) as 1 | 2 | 4 | 8;
	const at = field.offset + width * random.below(Math.floor(field.size / width));
	if (at % width !== 0) return;
	const signed = width < 8 && random.chance(15);
	code.emit(`r1 = *(${Builder.type(width, signed)} *)(r6 + ${at})`);
	it.result("r1");
}

function contextStore(it: Program): void {
	const { random, code } = it;
	const field = random.pick(fields(it, ({ write }) => write));
	const own = field.size / (field.count ?? 1);
	const width = random.pick(field.storeWidths ?? [own]) as 1 | 2 | 4 | 8;
	const at = field.offset + width * random.below(Math.floor(field.size / width));
	if (at % width !== 0) return;
	if (random.chance(40)) code.emit(`*(${Builder.type(width)} *)(r6 + ${at}) = ${code.imm()}`);
	else {
		it.number(1, [0, 1, 0xffff, 0x7fff_ffff]);
		code.emit(`*(${Builder.type(width)} *)(r6 + ${at}) = r1`);
	}
}

/** Offsets in the context structures. */
function pointers(type: number): { readonly data: number; readonly end: number; readonly meta: number } {
	return type === XDP ? { data: 0, end: 4, meta: 8 } : { data: 76, end: 80, meta: 140 };
}

/** A bounds check, and what it allows. */
function access(it: Program): void {
	const { random, code } = it;
	const at = pointers(it.type);
	const over = code.label();
	const room = random.pick([1, 2, 8, 14, 20, 34, 42, 60, 64, 128, 1000]);
	code.emit(`r7 = *(u32 *)(r6 + ${at.data})`, `r8 = *(u32 *)(r6 + ${at.end})`);
	if (random.chance(20)) {
		code.emit("r1 = r8", "r1 -= r7");
		it.result("r1");
	}
	if (random.chance(30)) {
		// a variable part in front: masked, as a header length is
		it.number(2, [0, 5, 15]);
		code.emit(`r2 &= ${random.pick([3, 15, 60, 255])}`, "r7 += r2");
	}
	code.emit("r1 = r7", `r1 += ${room}`);
	code.emit(random.chance(70) ? `if r1 > r8 goto ${over}` : `if r8 < r1 goto ${over}`);
	uses(it, room);
	code.place(over);
}

function uses(it: Program, room: number): void {
	const { random, code } = it;
	const writes = it.type === CGROUP_SKB ? 0 : 2;
	for (let count = random.between(1, 3); count > 0; count--) {
		const width = random.pick(WIDTHS.filter((each) => each <= room));
		const place = `*(${Builder.type(width)} *)(r7 + ${random.below(room - width + 1)})`;
		random.weighted<() => void>([
			[
				4,
				() => {
					code.emit(`r1 = ${place}`);
					if (random.chance(30)) code.emit(`r1 = ${random.pick(["be16", "be32", "be64"])} r1`);
					it.result("r1");
				},
			],
			[writes, () => code.emit(`${place} = ${code.imm()}`)],
			[writes, () => code.emit(`r1 = ${place}`, "r1 += 1", `${place} = r1`)],
			[it.type === CGROUP_SKB ? 0 : 1, () => sum(it, room)],
		])();
	}
}

/** Metadata before the packet. */
function meta(it: Program): void {
	const { random, code } = it;
	const at = pointers(it.type);
	const over = code.label();
	const room = random.pick([1, 4, 8, 16]);
	code.emit(
		`r7 = *(u32 *)(r6 + ${at.meta})`,
		`r8 = *(u32 *)(r6 + ${at.data})`,
		"r1 = r7",
		`r1 += ${room}`,
		`if r1 > r8 goto ${over}`,
	);
	uses(it, room);
	code.place(over);
}

/** LD_ABS and LD_IND: the program ends with 0 outside of the packet. */
function classic(it: Program): void {
	const { random, code } = it;
	const at = random.weighted([
		[6, random.below(64)],
		[1, -0x10_0000 + random.below(30)],
		[1, -0x20_0000 + random.below(30)],
		[1, random.pick([1000, 65535, -1, 0x7fff_ffff])],
	]);
	const type = random.pick(["u8", "u16", "u32"]);
	if (random.chance(50)) code.emit(`r0 = *(${type} *)skb[${at}]`);
	else {
		code.emit(`r7 = ${random.pick([0, 1, 14, -1, 20])}`);
		code.emit(`r0 = *(${type} *)skb[r7 ${offset(random.below(40))}]`);
	}
	it.result("r0");
}

/** An argument: what may stand there, or "from": read from the buffer, "to": written into it. */
type Argument = readonly number[] | "ctx" | "from" | "to" | "size";

interface Call {
	readonly id: number;
	readonly args: readonly Argument[];
	readonly weight?: number;
	/** Sizes that mean something to it. */
	readonly sizes?: readonly number[];
	/**
	 * No argument comes from the input: a device that exists would send the packet, a GSO packet grows without end, a
	 * length cuts the packet in its L3 header.
	 */
	readonly constant?: boolean;
}

const OFFSETS = [
	0, 1, 6, 12, 13, 14, 16, 23, 24, 26, 30, 34, 36, 40, 50, 54, 60, 63, 64, 100, -1, -14, 0xffff, 0x1_0000,
	0x7fff_ffff, -0x8000_0000,
];
const DELTAS = [
	0, 1, -1, 2, 4, -4, 8, -8, 14, -14, 16, -16, 20, -20, 32, -32, 64, -64, 100, -200, 255, 256, -256, 1000,
	4096, 0x7fff_ffff, -0x8000_0000,
];
/** None that cuts a packet before its L3 header ends: README.md, "What is not compared". */
const LENGTHS = [0, 1, 13, 54, 60, 64, 74, 100, 128, 500, 1500, 3000, 65535, 65536, -1];
const NO_FLAGS = [0, 0, 0, 0, 1, 2, -1];

const READS: readonly Call[] = [
	{ id: 26, args: ["ctx", OFFSETS, "to", "size"], weight: 3 },
	{ id: 68, args: ["ctx", OFFSETS, "to", "size", [0, 0, 1, 1, 2, -1]], weight: 2 },
];

const DIFF: Call = { id: 28, args: ["from", "size", "from", "size", [0, 1, 0xffff, -1, 0x1234_5678]] };

/** The key's structure has these sizes in older headers, too. */
const KEY_SIZES = [4, 8, 20, 22, 24, 28, 44, 48];

const XDP_CALLS: readonly Call[] = [
	{ id: 44, args: ["ctx", DELTAS], weight: 4 },
	{ id: 54, args: ["ctx", DELTAS], weight: 3 },
	{ id: 65, args: ["ctx", DELTAS], weight: 4 },
	{ id: 188, args: ["ctx"] },
	{ id: 189, args: ["ctx", OFFSETS, "to", "size"], weight: 2 },
	{ id: 190, args: ["ctx", OFFSETS, "from", "size"], weight: 2 },
	{ id: 23, args: [[0, 1, 9999, -1], NO_FLAGS] },
	DIFF,
];

const TC_CALLS: readonly Call[] = [
	...READS,
	{ id: 9, args: ["ctx", OFFSETS, "from", "size", [0, 0, 1, 2, 3, 4, -1]], weight: 3 },
	{
		id: 10,
		args: ["ctx", OFFSETS, [0, 1, 0x1234, 0xffff, -1], [0, 1, 0x4321, 0xffff, -1], [0, 2, 2, 4, 1, 0x10]],
		weight: 2,
	},
	{
		id: 11,
		args: [
			"ctx",
			OFFSETS,
			[0, 1, 0x1234, 0xffff, -1],
			[0, 1, 0x4321, 0xffff, -1],
			[0, 2, 4, 0x10, 0x12, 0x14, 0x20, 0x22, 0x34, 0x40, 1, -1],
		],
		weight: 2,
	},
	{
		id: 18,
		args: ["ctx", [0x0081, 0xa888, 0, 0x8100, 0x88a8, -1], [0, 1, 0x123, 0xfff, 0xffff, -1]],
		weight: 2,
	},
	{ id: 19, args: ["ctx"], weight: 2 },
	{
		id: 31,
		args: ["ctx", [0x0008, 0x0008, 0x0008, 0xdd86, 0xdd86, 0xdd86, 0, -1], [0, 0, 0, 0, 0, 0, 1]],
		weight: 2,
	},
	{ id: 32, args: ["ctx", [0, 1, 2, 3, 4, 5, -1]] },
	{ id: 38, args: ["ctx", LENGTHS, NO_FLAGS], weight: 3, constant: true },
	{ id: 39, args: ["ctx", LENGTHS], weight: 2 },
	{ id: 40, args: ["ctx", [0, 1, 0xffff, -1]] },
	{ id: 41, args: ["ctx"] },
	{
		id: 43,
		args: ["ctx", [0, 1, 14, 20, 64, 100, 255, 1000, 9_000, -1], NO_FLAGS],
		weight: 3,
		constant: true,
	},
	{ id: 48, args: ["ctx", [0, 1, -1]] },
	{
		id: 50,
		args: ["ctx", DELTAS, [0, 0, 1, 1, 2, -1], [0, 0, 1, 2, 4, 8, 16, 32, 64, 0x0e00_0000, 0x80, -1]],
		weight: 4,
	},
	{ id: 97, args: ["ctx"] },
	{ id: 135, args: ["ctx", [0, 1, 2, 3, 4, -1]] },
	{ id: 192, args: ["ctx", [0, 1, 0x7fff_ffff, -1], [0, 1, 2, 3]] },
	{ id: 23, args: [[0, 1, 9999, -1], NO_FLAGS] },
	{ id: 13, args: ["ctx", [0, 9999, -1], NO_FLAGS], constant: true },
	{ id: 20, args: ["ctx", "to", "size", [0, 0, 1, 16, 17, 32, -1]], weight: 2, sizes: KEY_SIZES },
	{ id: 21, args: ["ctx", "from", "size", [0, 0, 1, 2, 4, 8, 16, 31, 32, -1]], weight: 2, sizes: KEY_SIZES },
	{ id: 29, args: ["ctx", "to", "size"] },
	{ id: 30, args: ["ctx", "from", "size"] },
	{ id: 155, args: [[0, 1, 9999, -1], NO_FLAGS] },
	{ id: 152, args: [[0, 1, 9999, -1], "from", "size", NO_FLAGS], sizes: [4, 19, 20, 21, 64] },
	{ id: 17, args: ["ctx"] },
	{ id: 24, args: ["ctx"] },
	DIFF,
];

const CALLS: Readonly<Record<number, readonly Call[]>> = {
	8: READS,
	1: READS,
	3: TC_CALLS,
	4: TC_CALLS,
	6: XDP_CALLS,
};

function helper(it: Program): void {
	const { random, code } = it;
	const call = random.weighted(CALLS[it.type]!.map((each) => [each.weight ?? 1, each] as const));
	const size =
		call.sizes !== undefined && random.chance(80)
			? random.pick(call.sizes)
			: call.id === 28
				? 4 * random.below(BUFFER / 4 + 1)
				: random.weighted([
						[6, random.pick([1, 2, 4, 6, 8, 14, 20])],
						[1, random.between(1, BUFFER)],
					]);
	let writes = false;
	for (const [index, argument] of call.args.entries()) {
		const register = index + 1;
		if (argument === "ctx") code.emit(`r${register} = r6`);
		else if (argument === "size") code.emit(`r${register} = ${size}`);
		else if (typeof argument === "object" && call.constant)
			code.emit(`r${register} = ${random.pick(argument)}`);
		else if (typeof argument === "object") it.number(register, argument);
		else {
			writes ||= argument === "to";
			code.emit(`r${register} = r10`, `r${register} += -${BUFFER}`);
		}
	}
	code.emit(`call ${call.id}`);
	it.result("r0");
	if (it.type !== XDP && random.chance(40)) {
		// what helpers change: len, protocol, the VLAN tag
		code.emit(`r1 = *(u32 *)(r6 + ${random.pick([0, 16, 16, 20, 24, 28])})`);
		it.result("r1");
	}
	if (writes) {
		for (let at = 0; at < size; at += 8) {
			code.emit(`r1 = *(u64 *)(r10 ${offset(at - BUFFER)})`);
			it.result("r1");
		}
	}
}

/** bpf_perf_event_output with bytes of the packet behind the data; the host reads the events after each run. */
function event(it: Program): void {
	const { random, code } = it;
	const bytes = random.pick([0, 0, 1, 14, 60, 64, 200, 5000]);
	code.emit("r1 = r6", "r2 = events ll");
	const cpu = random.weighted([
		[8, "ffffffff"],
		[1, "00000000"],
		[1, "00000005"],
	]);
	code.emit(
		`r3 = 0x${bytes.toString(16)}${cpu} ll`,
		"r4 = r10",
		`r4 += -${BUFFER}`,
		`r5 = ${random.between(1, BUFFER)}`,
		"call 25",
	);
	it.result("r0");
}

/** csum_diff over bytes of the packet itself. */
function sum(it: Program, room: number): void {
	const { random, code } = it;
	const size = 4 * random.below(Math.min(room, 512) / 4 + 1);
	code.emit(
		"r1 = 0",
		"r2 = 0",
		"r3 = r7",
		`r4 = ${size}`,
		`r5 = ${random.pick([0, 1, 0xffff, -1])}`,
		"call 28",
	);
	it.result("r0");
}

/** Fields of struct bpf_sock, as every program may see them, and as one that asked for the whole socket. */
function socket(it: Program): void {
	const { random, code } = it;
	const none = code.label();
	code.emit("r7 = *(u64 *)(r6 + 168)", `if r7 == 0 goto ${none}`);
	const whole = it.type !== SOCKET_FILTER && random.chance(60);
	if (whole) code.emit("r1 = r7", "call 95", `if r0 == 0 goto ${none}`, "r7 = r0");
	const always = [
		[4, 4],
		[24, 4],
		[28, 4],
		[32, 4],
		[44, 4],
		[48, 2],
		[52, 4],
		[56, 4],
		[72, 4],
	] as const;
	const asked = [
		[0, 4],
		[8, 4],
		[12, 4],
		[16, 4],
		[20, 4],
		[76, 4],
	] as const;
	for (let count = random.between(1, 4); count > 0; count--) {
		const [at, width] = random.pick<readonly [number, number]>(whole ? [...always, ...asked] : always);
		code.emit(`r1 = *(u${8 * width} *)(r7 + ${at})`);
		it.result("r1");
	}
	code.place(none);
}
