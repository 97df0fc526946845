import { buildObject, check, checkObject, type MapCase } from "@tailhop/testing";
import { describe, test } from "vitest";
import { FORMATS, REFUSED_FORMATS } from "./printk.cases.ts";

// What helpers answer, in an engine and in the kernel; `check` compares all of r0 and the maps.

const EINVAL = -22;

/** A map of one value that holds bytes for the program, and the code that makes r6 point at it. */
function buffer(contents: Uint8Array, size = 1024): MapCase {
	const value = new Uint8Array(size);
	value.set(contents.subarray(0, size));
	return { name: "buffer", type: "array", valueSize: size, entries: [[0, value]] };
}
const BUFFER = `
	*(u32 *)(r10 - 4) = 0
	r1 = buffer ll
	r2 = r10
	r2 += -4
	call 1
	if r0 != 0 goto found
	exit
found:
	r6 = r0
`;

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

function concat(...parts: Uint8Array[]): Uint8Array {
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe("trace_printk", () => {
	/** The format at 0 of the buffer, bytes that arguments point at from 512 on. */
	async function compare(format: string, args: readonly (number | bigint | Uint8Array)[], expected: number) {
		let at = 512;
		const setup = args.map((arg, i) => {
			if (!(arg instanceof Uint8Array)) return `r${3 + i} = ${BigInt.asIntN(64, BigInt(arg))} ll`;
			at += arg.length;
			return `r${3 + i} = r6\n r${3 + i} += ${at - arg.length}`;
		});
		const data = args.filter((arg) => arg instanceof Uint8Array);
		const contents = new Uint8Array(2048);
		contents.set(latin1(format));
		contents.set(concat(...data), 512);
		for (let i = args.length; i < 3; i++) setup.push(`r${3 + i} = 0`);
		const asm = `${BUFFER}
			${setup.join("\n")}
			r1 = r6
			r2 = ${format.length + 1}
			call 6
			exit`;
		await check({ maps: [buffer(contents, 2048)], asm, expect: expected });
	}

	test("every format of the table is as long in the kernel", async () => {
		for (const [format, args, text] of FORMATS) await compare(format, args, text.length);
	});

	test("every refused format is refused by the kernel", async () => {
		for (const [format, args] of REFUSED_FORMATS) await compare(format, args, EINVAL);
	});

	test("r3-r5 need not be there", async () => {
		await check({
			asm: `
				r1 = 0x6b6f ll
				*(u64 *)(r10 - 8) = r1
				call 8
				r1 = r10
				r1 += -8
				r2 = 3
				call 6
				exit`,
			expect: 2,
		});
	});

	test("vprintk's arguments", async () => {
		const vprintk = (format: bigint, length: number, args = "r3 = r10\n r3 += -32") => `
			*(u64 *)(r10 - 32) = 7
			*(u64 *)(r10 - 24) = -1
			*(u64 *)(r10 - 16) = 9
			r1 = ${format} ll
			*(u64 *)(r10 - 8) = r1
			r1 = r10
			r1 += -8
			r2 = 8
			${args}
			r4 = ${length}
			call 177
			exit`;
		const two = BigInt(
			`0x${[..."%x%d"]
				.reverse()
				.map((c) => c.charCodeAt(0).toString(16))
				.join("")}`,
		);
		await check({ asm: vprintk(two, 16), expect: 3 });
		await check({ asm: vprintk(two, 24), expect: 3 });
		await check({ asm: vprintk(two, 8), expect: EINVAL });
		await check({ asm: vprintk(two, 12), expect: EINVAL });
		await check({ asm: vprintk(0n, 0, "r3 = 0"), expect: 0 });
		await check({ asm: vprintk(two, 0, "r3 = 0"), expect: EINVAL });
	});
});

describe("strtol, strtoul", () => {
	test.each([105, 106])("helper %d", async (id) => {
		for (const [text, flags] of [
			["123", 0],
			["-77 ", 10],
			[" \t0x1fz", 0],
			["0x", 16],
			["018", 0],
			["9223372036854775808", 0],
			["-9223372036854775808", 0],
			["18446744073709551616", 0],
			["-18446744073709551616", 0],
			[`${"0".repeat(70)}5`, 10],
			["12", 2],
			["12", 2n ** 40n],
			["+1", 0],
			["\xa0-0", 0],
		] as const) {
			const asm = `${BUFFER}
				r1 = r6
				r1 += 8
				r2 = ${text.length}
				r3 = ${flags} ll
				r4 = r6
				call ${id}
				exit`;
			// the result is compared with the map
			await check({ maps: [buffer(concat(latin1("\xee".repeat(8)), latin1(text)), 128)], asm });
		}
	});
});

describe("bpf_loop", () => {
	const loop = (count: string, flags: string, stopAt = 1 << 30) => `
		*(u64 *)(r10 - 8) = 0
		r1 = ${count} ll
		r2 = body ll
		r3 = r10
		r3 += -8
		r4 = ${flags} ll
		call 181
		r6 = r0
		r7 = *(u64 *)(r10 - 8)
		r7 <<= 32
		r0 += r7
		exit
	body:
		r3 = *(u64 *)(r2 + 0)
		r3 += r1
		*(u64 *)(r2 + 0) = r3
		r0 = 0
		if r1 != ${stopAt} goto out
		r0 = 1
	out:
		exit`;

	test.each<[string, string, string, number | undefined, bigint | number]>([
		["no iteration", "0", "0", undefined, 0],
		["ten: 0 + 1 + … + 9", "10", "0", undefined, (45n << 32n) + 10n],
		["stopped at 3", "10", "0", 3, (6n << 32n) + 4n],
		["flags", "10", "1", undefined, EINVAL],
		["flags in the upper half", "10", "0x100000000", undefined, EINVAL],
		["one too many", "0x800001", "0", undefined, 0xffff_fff9],
		["a count of more than 32 bits", "0x100000001", "0", undefined, 0xffff_fff9],
	])("%s", async (_name, count, flags, stopAt, expected) => {
		await check({ asm: loop(count, flags, stopAt), expect: expected });
	});
});

describe("maps", () => {
	test("for_each_map_elem: count, keys and values, stop, flags", async () => {
		const each = (flags: number, stopAt: number) => `
			*(u64 *)(r10 - 8) = 0
			r1 = m ll
			r2 = body ll
			r3 = r10
			r3 += -8
			r4 = ${flags}
			call 164
			r7 = *(u64 *)(r10 - 8)
			r7 <<= 8
			r0 += r7
			exit
		body:
			r5 = *(u32 *)(r2 + 0)
			r6 = *(u64 *)(r3 + 0)
			r6 *= 16
			r6 += r5
			r1 = *(u64 *)(r4 + 0)
			r1 += r6
			*(u64 *)(r4 + 0) = r1
			r0 = 0
			if r5 != ${stopAt} goto out
			r0 = 1
		out:
			exit`;
		const entries = [
			[0, 5],
			[1, 6],
			[2, 7],
		] as const;
		for (const [flags, stopAt, expected] of [
			[0, 9, ((18 * 16 + 3) << 8) + 3],
			[0, 1, ((11 * 16 + 1) << 8) + 2],
			[1, 9, EINVAL],
		] as const) {
			await check({
				maps: [{ name: "m", type: "array", maxEntries: 3, entries }],
				asm: each(flags, stopAt),
				expect: expected,
			});
		}
		await check({
			maps: [{ name: "m", type: "hash", maxEntries: 5, entries }],
			asm: each(0, 9),
			expect: ((18 * 16 + 3) << 8) + 3,
		});
		await check({ maps: [{ name: "m", type: "hash", maxEntries: 5 }], asm: each(0, 9), expect: 0 });
	});

	test("update's flags in 64 bits", async () => {
		for (const [flags, expected] of [
			["0", 0],
			["1", -17],
			["2", 0],
			["3", EINVAL],
			["0x100000000", EINVAL],
			["-1", EINVAL],
		] as const) {
			const asm = `
				*(u64 *)(r10 - 8) = 1
				*(u64 *)(r10 - 16) = 99
				r1 = m ll
				r2 = r10
				r2 += -8
				r3 = r10
				r3 += -16
				r4 = ${flags} ll
				call 2
				exit`;
			await check({
				maps: [{ name: "m", type: "hash", maxEntries: 2, entries: [[1, 5]] }],
				asm,
				expect: expected,
			});
		}
	});

	test("lookup_percpu_elem: a CPU that isn't possible is NULL", async () => {
		for (const [cpu, expected] of [
			[0, 1],
			[8192, 0],
			[-1, 0],
		] as const) {
			const asm = `
				*(u32 *)(r10 - 4) = 0
				r1 = m ll
				r2 = r10
				r2 += -4
				r3 = ${cpu}
				call 195
				if r0 == 0 goto out
				r0 = 1
			out:
				exit`;
			await check({ maps: [{ name: "m", type: "percpu_array" }], asm, expect: expected });
		}
	});
});

describe("ring buffers", () => {
	const ring: MapCase = { name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 };
	const query = (what: number) => `r1 = ring ll\n r2 = ${what}\n call 134\n`;

	test("output's answers", async () => {
		for (const [size, flags, expected] of [
			[8, "0", 0],
			[9, "3", 0],
			[0, "1", 0],
			[4080, "0", 0],
			[4088, "0", -11],
			[8, "4", EINVAL],
			[8, "0x100000000", EINVAL],
		] as const) {
			const asm = `${BUFFER}
				r1 = ring ll
				r2 = r6
				r3 = ${size}
				r4 = ${flags} ll
				call 130
				exit`;
			await check({
				maps: [buffer(new Uint8Array(), 4096), ring],
				asm,
				expect: expected,
				ignoreMaps: ["ring"],
			});
		}
	});

	test("reserve, submit, discard", async () => {
		for (const [end, flags] of [
			[132, 0],
			[133, 0],
			[132, 77],
		] as const) {
			const asm = `
				r1 = ring ll
				r2 = 12
				r3 = 0
				call 131
				if r0 == 0 goto out
				*(u64 *)(r0 + 0) = 1
				r1 = r0
				r2 = ${flags}
				call ${end}
				${query(3)}
			out:
				exit`;
			await check({ maps: [ring], asm, expect: 24, ignoreMaps: ["ring"] });
		}
	});
});

describe("the world outside, as a test run has it", () => {
	const tc = (asm: string, expected: number | bigint) => check({ type: "tc", asm, expect: expected });

	test("numbers are zero-extended", async () => {
		await check({ asm: "call 7\n r0 >>= 32\n exit", expect: 0 });
		await check({ asm: "call 8\n r0 >>= 32\n exit", expect: 0 });
	});

	test("one cgroup, the root", async () => {
		await check({ asm: "call 80\n exit", expect: 1 });
		await check({ asm: "r1 = 0\n call 123\n exit", expect: 1 });
		await check({ asm: "r1 = 1\n call 123\n exit", expect: 0 });
		await tc("call 79\n exit", 1);
		await tc("r2 = 0\n call 83\n exit", 1);
		await tc("r2 = -1\n call 83\n exit", 0);
		await tc("call 151\n exit", 0);
	});

	test("no cgroup in the slot of an array", async () => {
		const maps = [{ name: "groups", type: "cgroup_array", valueSize: 4, maxEntries: 2 }];
		for (const [slot, errno] of [
			[1, -11],
			[2, -7],
		] as const) {
			const skb = `r2 = groups ll\n r3 = ${slot}\n call 33\n exit`;
			await check({ type: "tc", maps, asm: skb, expect: { verdict: errno >>> 0 } });
			const task = `r1 = groups ll\n r2 = ${slot}\n call 37\n exit`;
			await check({ maps, asm: task, expect: { verdict: errno >>> 0 } });
		}
	});

	test("a packet that didn't come through IPsec: the state's memory is cleared", async () => {
		const asm = `
			r2 = -1
			*(u64 *)(r10 - 8) = r2
			r2 = 0
			r3 = r10
			r3 += -8
			r4 = 8
			r5 = 0
			call 66
			r1 = *(u64 *)(r10 - 8)
			r0 += r1
			exit`;
		await tc(asm, 0xffff_ffff_ffff_ffean);
	});

	test("socket lookups find nothing", async () => {
		for (const id of [84, 85, 99]) {
			await tc(
				`
				*(u64 *)(r10 - 8) = 0
				*(u64 *)(r10 - 16) = 0
				r2 = r10
				r2 += -16
				r3 = 12
				r4 = -1
				r5 = 0
				call ${id}
				if r0 == 0 goto out
				r1 = r0
				call 86
				r0 = 1
			out:
				exit`,
				0,
			);
		}
	});

	test("the skb's own socket", async () => {
		const with_ = (id: number) => `
			r1 = *(u64 *)(r1 + 168)
			r0 = -9
			if r1 == 0 goto out
			call ${id}
			if r0 == 0 goto out
			r0 = 1
		out:
			exit`;
		await tc(with_(95), 1);
		await tc(with_(96), 0);
		await tc(with_(98), 0);
	});
});

describe("perf events", () => {
	const output = (flags: string, field: number) => `
		r2 = *(u32 *)(r1 + ${field})
		*(u64 *)(r10 - 8) = 7
		r2 = events ll
		r3 = ${flags} ll
		r4 = r10
		r4 += -8
		r5 = 8
		call 25
		exit`;

	test("flags, packet length, slot, then the reader that isn't there", async () => {
		for (const [flags, expected] of [
			["0xffffffff", -2],
			["0", -2],
			["2", -7],
			["0x40ffffffff", -2],
			["0x41ffffffff", -14],
			["0x4100000002", -14],
			["0x10000000000000", -22],
			["-1", -22],
		] as const) {
			for (const [type, field] of [
				["xdp", 0],
				["tc", 76],
			] as const) {
				const linked = buildObject({
					type,
					maps: [{ name: "events", type: "perf_event_array", maxEntries: 2, valueSize: 4 }],
					programs: { main: output(flags, field) },
				});
				await checkObject(linked, [{ run: "main", expect: expected }], { machine: { perfReaders: false } });
			}
		}
	});
});

describe("constant strings", () => {
	/** A frozen map that programs only read: what clang makes of a string literal. */
	function withText(text: string, asm: string, more: readonly MapCase[] = []) {
		const BPF_F_RDONLY_PROG = 0x80;
		const value = new Uint8Array(64);
		value.set(latin1(text));
		const linked = buildObject({
			maps: [{ name: "text", type: "array", valueSize: 64, flags: BPF_F_RDONLY_PROG }, ...more],
			programs: { main: asm },
		});
		const maps = linked.maps.map((map) =>
			map.name === "text" ? { ...map, initial: value, frozen: true } : map,
		);
		return { ...linked, maps };
	}

	test("snprintf writes what fits and returns the whole length", async () => {
		for (const [format, size, values] of [
			["%d-%x", 16, [-5, 255]],
			["%d-%x", 3, [-5, 255]],
			["%5d|%-5u|", 64, [-5, 255]],
			["%c%c", 2, [65, 66]],
			["%llx %p", 64, [-1, 0]],
			["none", 64, [1, 2]],
		] as const) {
			const asm = `${BUFFER}
				*(u64 *)(r10 - 16) = ${values[1]}
				*(u64 *)(r10 - 24) = ${values[0]}
				r1 = r6
				r2 = ${size}
				r3 = text[0] ll
				r4 = r10
				r4 += -24
				r5 = 16
				call 165
				exit`;
			const linked = withText(format, asm, [buffer(new Uint8Array())]);
			// what was written is compared with the buffer
			await checkObject(linked, [{ run: "main" }], {
				entries: { buffer: [[0, new Uint8Array(1024).fill(0xee)]] },
			});
		}
	});

	test("strncmp", async () => {
		for (const [text, size, expected] of [
			["hello", 6, 0],
			["help!", 5, 1],
			["help!", 3, 0],
			["hella", 5, -1],
			["hell", 5, -1],
			["hello!", 6, 1],
			["\xff", 1, 1],
		] as const) {
			const asm = `${BUFFER}
				r1 = r6
				r2 = ${size}
				r3 = text[0] ll
				call 182
				exit`;
			const linked = withText("hello", asm, [buffer(new Uint8Array())]);
			const value = new Uint8Array(1024);
			value.set(latin1(text));
			await checkObject(linked, [{ run: "main", expect: expected }], { entries: { buffer: [[0, value]] } });
		}
	});
});
