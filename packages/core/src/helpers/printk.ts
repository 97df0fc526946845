import type { LinearMemory } from "../memory/index.ts";
import { EINVAL } from "./errno.ts";
import { formatPrintk } from "./printk-format.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Formatted output (kernel/trace/bpf_trace.c, kernel/bpf/helpers.c). */
export const printkPrototypes = [
	{
		id: 6,
		name: "trace_printk",
		variadic: true,
		args: ["mem_in", "size"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 165,
		name: "snprintf",
		args: ["mem_out_or_null", "size_or_zero", "const_str", "mem_in_or_null", "size_or_zero"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 177,
		name: "trace_vprintk",
		args: ["mem_in", "size", "mem_in_or_null", "size_or_zero"],
		returns: "int",
		gplOnly: true,
	},
] as const satisfies readonly HelperPrototype[];

const [tracePrintk, snprintf, traceVprintk] = printkPrototypes;

/** MAX_BPRINTF_BUF with its NUL. */
const TEXT_LIMIT = 1023;
/** A constant string has no size of its own: it ends inside its map value. */
const MAX_CONST_STRING = 1 << 20;
/** MAX_BPRINTF_VARARGS. */
const MAX_ARGS = 12;

export const printkHelpers: readonly Helper[] = [
	{
		prototype: tracePrintk,
		run(rt, format, size, ...low) {
			// always three arguments, used or not
			const args = low.map((lo, i) => u64(lo, rt.argHi[i + 2] ?? 0));
			return print(rt, format >>> 0, size >>> 0, args);
		},
	},
	{
		prototype: traceVprintk,
		run(rt, format, size, data, dataLength) {
			const args = argumentArray(rt.memory, data >>> 0, dataLength >>> 0);
			return args === undefined ? EINVAL : print(rt, format >>> 0, size >>> 0, args);
		},
	},
	{
		prototype: snprintf,
		/** r0 is the length of the whole text with its NUL; what doesn't fit is cut. */
		run(rt, address, size, format, data, dataLength) {
			const args = argumentArray(rt.memory, data >>> 0, dataLength >>> 0);
			const { u8 } = rt.memory;
			const text = stringIn(u8, format >>> 0, MAX_CONST_STRING);
			if (args === undefined || text === undefined) return EINVAL;
			const room = size >>> 0;
			const formatted = formatPrintk(rt.memory, text, args, Math.max(0, room - 1));
			if (typeof formatted === "number") return formatted;
			if (room > 0) {
				rt.memory.write(address >>> 0, formatted.bytes);
				rt.memory.u8[(address >>> 0) + formatted.bytes.length] = 0;
			}
			return formatted.length + 1;
		},
	},
];

/** r0 is the length of the whole text; what goes out ends at 1023 bytes or at a NUL that %c printed. */
function print(rt: HelperRuntime, address: number, size: number, args: readonly bigint[]): number {
	const format = stringIn(rt.memory.u8, address, size);
	if (format === undefined) return EINVAL;
	const formatted = formatPrintk(rt.memory, format, args, TEXT_LIMIT);
	if (typeof formatted === "number") return formatted;
	const nul = formatted.bytes.indexOf(0);
	const text = nul < 0 ? formatted.bytes : formatted.bytes.subarray(0, nul);
	rt.output({ kind: "printk", text: new TextDecoder().decode(text) });
	return formatted.length;
}

/** The bytes before the NUL, a copy; undefined if there is none within `size`. */
function stringIn(u8: Uint8Array, address: number, size: number): Uint8Array | undefined {
	const nul = u8.subarray(address, address + size).indexOf(0);
	return nul < 0 ? undefined : u8.slice(address, address + nul);
}

/** An array of u64 arguments; undefined: a length that the kernel refuses. */
function argumentArray(memory: LinearMemory, address: number, length: number): bigint[] | undefined {
	if (length % 8 !== 0 || length > MAX_ARGS * 8 || (length > 0 && address === 0)) return undefined;
	return Array.from({ length: length / 8 }, (_, i) => memory.u64(address + i * 8));
}

function u64(lo: number, hi: number): bigint {
	return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
