import { check, eth, type Kind, packet, payload } from "@tailhop/testing";
import { describe, it } from "vitest";

const PACKET = packet(eth(), payload(50));
const MAPS = [
	{
		name: "data",
		type: "array",
		valueSize: 64,
		entries: [[0, "0102030405060708"] as const].map(
			([key, value]) => [key, `${value}${"00".repeat(56)}`] as [number, string],
		),
	},
	{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
];
const EINVAL = -22;
const E2BIG = -7;
const ERANGE = -34;

interface Options {
	readonly type?: Kind;
	readonly packet?: Uint8Array;
	readonly contextBytes?: Uint8Array;
	readonly flags?: number;
	readonly kernel?: { readonly rejects: string };
}
const run = (asm: string, expect?: number | object, { type = "tc", ...rest }: Options = {}) =>
	check({
		type,
		asm: `r6 = r1\n${asm}\nexit`,
		maps: MAPS,
		packet: PACKET,
		...(expect === undefined ? {} : { expect }),
		...rest,
	});

/** r8 = the map's value; the dynptr at r10 - 16. */
const value = "r8 = data[0]+0 ll";
const at = (offset: number, register: number) => `r${register} = r10\nr${register} += ${offset}`;
const local = (size: number, flags: number | string = 0) =>
	`${value}\nr1 = r8\nr2 = ${size}\nr3 = ${flags}\n${at(-16, 4)}\ncall 197`;
const read = (length: number, offset: number | string, flags = 0, to = -16) =>
	`r1 = 0\n*(u64 *)(r10 - 32) = r1\n${at(-32, 1)}\nr2 = ${length}\n${at(to, 3)}\nr4 = ${offset}\nr5 = ${flags}\ncall 201`;
const write = (offset: number, length: number, flags = 0) =>
	`r1 = 0x11223344\n*(u64 *)(r10 - 32) = r1\n${at(-16, 1)}\nr2 = ${offset}\n${at(-32, 3)}\nr4 = ${length}\nr5 = ${flags}\ncall 202`;
const data = (offset: number, length: number) => `${at(-16, 1)}\nr2 = ${offset}\nr3 = ${length}\ncall 203`;
const reserve = (size: number, flags = 0) =>
	`r1 = ring ll\nr2 = ${size}\nr3 = ${flags}\n${at(-16, 4)}\ncall 198\nr7 = r0`;
const finish = (id: number, flags = 0) => `${at(-16, 1)}\nr2 = ${flags}\ncall ${id}`;
const SUBMIT = 199;
const DISCARD = 200;
const word = "r0 = *(u32 *)(r10 - 32)";

describe("dynptr_from_mem", () => {
	it.each([
		["fits", local(64), 0],
		["nothing", local(0), 0],
		["a flag", local(64, 1), EINVAL],
		["a flag in the upper half", local(64, "0x100000000 ll"), EINVAL],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});
});

it("only values of maps can be put into a dynptr", async () => {
	const asm = `r1 = 0\n*(u64 *)(r10 - 24) = r1\n${at(-24, 1)}\nr2 = 8\nr3 = 0\n${at(-16, 4)}\ncall 197`;
	const rejects = "for bpf_dynptr_from_mem data";
	await run(asm, { fault: "fault/argument" }, { kernel: { rejects } });
});

describe("reads, writes and slices", () => {
	it.each([
		["dynptr_read", `${local(64)}\n${read(4, 2)}\n${word}`, 0x06050403],
		["dynptr_read: its answer", `${local(64)}\n${read(8, 56)}`, 0],
		["beyond the end", `${local(64)}\n${read(8, 57)}`, E2BIG],
		["from beyond the end", `${local(64)}\n${read(1, 64)}`, E2BIG],
		["nothing at the end", `${local(64)}\n${read(0, 64)}`, 0],
		["a negative offset", `${local(64)}\n${read(4, -1)}`, E2BIG],
		["dynptr_read with a flag", `${local(64)}\n${read(4, 0, 1)}`, EINVAL],
		["of a null dynptr", `${local(64, 1)}\n${read(4, 0)}`, EINVAL],
		["dynptr_write", `${local(64)}\n${write(1, 4)}\nr0 = *(u32 *)(r8 + 0)`, 0x22334401],
		["dynptr_write beyond the end", `${local(64)}\n${write(61, 4)}`, E2BIG],
		["dynptr_write with a flag", `${local(64)}\n${write(1, 4, 1)}`, EINVAL],
		["dynptr_write to null", `${local(64, 1)}\n${write(1, 4)}`, EINVAL],
		[
			"dynptr_data",
			`${local(64)}\n${data(4, 4)}\nif r0 == 0 goto out\nr0 = *(u32 *)(r0 + 0)\nout:`,
			0x08070605,
		],
		["dynptr_data beyond the end", `${local(8)}\n${data(5, 4)}\nif r0 == 0 goto out\nr0 = 1\nout:`, 0],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});

	it("a slice has its own size", async () => {
		const asm = `${local(64)}\n${data(4, 4)}\nif r0 == 0 goto out\nr0 = *(u8 *)(r0 + 4)\nout:`;
		await run(asm, { fault: "fault/access" }, { kernel: { rejects: "outside of the allowed memory range" } });
	});

	it.each([
		["not initialised", read(4, 0), "Expected an initialized dynptr as arg #2"],
		[
			"written over",
			`${local(64)}\nr1 = 0\n*(u64 *)(r10 - 8) = r1\n${read(4, 0)}`,
			"Expected an initialized dynptr as arg #2",
		],
		["unlike its start", `${local(64)}\nr1 = 0\n*(u64 *)(r10 - 24) = r1\n${read(4, 0, 0, -24)}`, ""],
	])("a dynptr that is %s", async (_name, asm, rejects) => {
		await run(asm, { fault: "fault/argument" }, { kernel: { rejects } });
	});
});

describe("records of a ring buffer", () => {
	const fill = "if r7 != 0 goto done";
	it.each([
		["submit", `${reserve(16)}\n${fill}\n${write(3, 4)}\ndone:\n${finish(SUBMIT)}\nr0 = r7`, 0],
		["discard", `${reserve(16)}\n${finish(DISCARD)}\nr0 = r7`, 0],
		["a flag", `${reserve(16, 1)}\n${finish(SUBMIT)}\nr0 = r7`, EINVAL],
		["more than the ring", `${reserve(5000)}\n${finish(SUBMIT)}\nr0 = r7`, EINVAL],
		["more than a dynptr", `${reserve(0x1000000)}\n${finish(SUBMIT)}\nr0 = r7`, E2BIG],
		["a null one is read", `${reserve(5000)}\n${read(4, 0)}\nr7 = r0\n${finish(SUBMIT)}\nr0 = r7`, EINVAL],
	])("%s", async (_name, asm, r0) => {
		await run(asm, r0);
	});

	it.each([
		["used after it", `${reserve(16)}\n${finish(SUBMIT)}\n${read(4, 0)}`, "Expected an initialized dynptr"],
		[
			"submitted twice",
			`${reserve(16)}\n${finish(SUBMIT)}\n${finish(SUBMIT)}`,
			"arg 1 is an unacquired reference",
		],
		[
			"written over by another",
			`${reserve(16)}\n${reserve(16)}\n${finish(SUBMIT)}`,
			"cannot overwrite referenced dynptr",
		],
	])("a record is not %s", async (_name, asm, rejects) => {
		await run(
			asm,
			{ fault: "fault/argument" },
			{ kernel: { rejects: rejects.startsWith("arg") ? "" : rejects } },
		);
	});

	it("a slice of it goes with it", async () => {
		const asm = `${reserve(16)}\n${data(0, 8)}\nr8 = r0\n${finish(SUBMIT)}\nr0 = 0\nif r8 == 0 goto out\nr0 = *(u8 *)(r8 + 0)\nout:`;
		await run(asm, { fault: "fault/access" }, { kernel: { rejects: "" } });
	});
});

describe("of a packet", () => {
	const fromPacket = (type: Kind, flags = 0) =>
		`r1 = r6\nr2 = ${flags}\n${at(-16, 3)}\ncall kfunc bpf_dynptr_from_${type === "xdp" ? "xdp" : "skb"}`;
	const slice = (offset: number, size: number, { rdwr = false, buffer = true } = {}) => `
		r1 = 0
		*(u64 *)(r10 - 32) = r1
		*(u64 *)(r10 - 24) = r1
		${at(-16, 1)}
		r2 = ${offset}
		${buffer ? at(-32, 3) : "r3 = 0"}
		r4 = ${size}
		call kfunc bpf_dynptr_slice${rdwr ? "_rdwr" : ""}`;
	const got = "if r0 == 0 goto out\nr0 = *(u32 *)(r0 + 0)\nout:";
	const ask = (name: string) =>
		`${at(-16, 1)}\ncall kfunc bpf_dynptr_${name}\nw0 = w0${name.startsWith("is_") ? "\nr0 &= 255" : ""}`;
	const adjust = (start: number, end: number) =>
		`${at(-16, 1)}\nr2 = ${start}\nr3 = ${end}\ncall kfunc bpf_dynptr_adjust\nr7 = r0\nr7 <<= 32\nr7 s>>= 32`;
	const KINDS: readonly Kind[] = ["tc", "xdp", "cgroup_skb", "socket"];
	const bit = (type: Kind) => (type === "cgroup_skb" ? "\nr0 &= 1" : "");

	it.each(KINDS)("%s: size, kind and slices", async (type) => {
		const ends = bit(type);
		await run(`${fromPacket(type)}\n${ask("size")}${ends}`, undefined, { type });
		await run(`${fromPacket(type)}\n${ask("is_null")}${ends}`, 0, { type });
		await run(`${fromPacket(type, 1)}\n${ask("is_null")}${ends}`, 1, { type });
		await run(`${fromPacket(type)}\n${ask("is_rdonly")}${ends}`, undefined, { type });
		await run(`${fromPacket(type)}\n${slice(14, 4)}\n${got}${ends}`, undefined, { type });
		await run(`${fromPacket(type)}\n${slice(60, 16)}\n${got}${ends}`, 0, { type });
		await run(`${fromPacket(type)}\n${read(4, 14)}\n${word}${ends}`, undefined, { type });
	});

	it.each(["tc", "xdp"] as const)("%s: written through a slice", async (type) => {
		const write = "if r0 == 0 goto out\nr1 = 7\n*(u8 *)(r0 + 1) = r1\nr0 = 1\nout:";
		await run(`${fromPacket(type)}\n${slice(14, 4, { rdwr: true })}\n${write}`, 1, { type });
		await run(`${fromPacket(type)}\n${slice(14, 4, { rdwr: true, buffer: false })}\n${write}`, 1, { type });
	});

	it.each(["tc", "xdp"] as const)("%s: dynptr_write", async (type) => {
		await run(`${fromPacket(type)}\n${write(20, 4)}`, 0, { type });
		await run(`${fromPacket(type)}\n${write(61, 4)}`, E2BIG, { type });
		await run(`${fromPacket(type)}\n${write(20, 4, 1)}`, type === "tc" ? 0 : EINVAL, { type });
	});

	it("fragments: across pages a copy in the buffer", async () => {
		const long = Uint8Array.from({ length: 9000 }, (_, i) => i * 7);
		const xdp = { type: "xdp", packet: long, flags: 32 } as const;
		for (const offset of [0, 3000, 3518, 3520, 3520 + 4094, 3520 + 4096])
			await run(`${fromPacket("xdp")}\n${slice(offset, 4)}\n${got}`, undefined, xdp);
		await run(`${fromPacket("xdp")}\n${slice(3518, 4, { buffer: false })}\n${got}`, 0, xdp);
		await run(`${fromPacket("xdp")}\n${read(4, 3518)}\n${word}`, undefined, xdp);
		await run(`${fromPacket("xdp")}\n${write(3518, 4)}`, 0, xdp);
	});

	it("dynptr_adjust", async () => {
		const from = fromPacket("tc");
		await run(`${from}\n${adjust(14, 20)}\n${ask("size")}`, 6);
		await run(`${from}\n${adjust(14, 20)}\n${slice(0, 4)}\n${got}`);
		await run(`${from}\n${adjust(14, 20)}\n${slice(3, 4)}\n${got}`, 0);
		await run(`${from}\n${adjust(20, 14)}\nr0 = r7`, EINVAL);
		await run(`${from}\n${adjust(0, 65)}\nr0 = r7`, ERANGE);
	});

	it("dynptr_clone", async () => {
		const clone = `${at(-16, 1)}\n${at(-48, 2)}\ncall kfunc bpf_dynptr_clone\n${adjust(14, 20)}`;
		await run(`${fromPacket("tc")}\n${clone}\n${at(-48, 1)}\ncall kfunc bpf_dynptr_size`, 64);
	});

	it("a slice is of the packet before it moved", async () => {
		const move = "r8 = r0\nr1 = r6\nr2 = 0\ncall 39\nr0 = 0\nif r8 == 0 goto out\nr0 = *(u8 *)(r8 + 0)\nout:";
		await run(
			`${fromPacket("tc")}\n${slice(14, 4)}\n${move}`,
			{ fault: "fault/access" },
			{ kernel: { rejects: "" } },
		);
	});

	it("a slice that is only read", async () => {
		const store = "if r0 == 0 goto out\nr1 = 7\n*(u8 *)(r0 + 1) = r1\nout:\nr0 = 0";
		await run(
			`${fromPacket("tc")}\n${slice(14, 4)}\n${store}`,
			{ fault: "fault/access" },
			{ kernel: { rejects: "" } },
		);
	});
});
