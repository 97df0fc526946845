import type { Difference, TailhopError } from "@tailhop/core";

/** A difference in a line: what the machine has, and what the kernel has. */
export function textOf(difference: Difference): string {
	const { what } = difference;
	switch (what) {
		case "error":
			return `error: machine ${errorText(difference.a)}, kernel ${errorText(difference.b)}`;
		case "verdict":
			return `verdict: machine ${difference.a.code}, kernel ${difference.b.code}`;
		case "packet":
			return `packet: ${bytesText(difference.a, difference.b)}`;
		case "context":
			return `context ${difference.field}: machine ${difference.a}, kernel ${difference.b}`;
		case "output":
			return `event ${difference.index} of ${difference.map}: ${bytesText(difference.a, difference.b)}`;
		case "map":
			return `map ${difference.map}[${hex(difference.key)}]: ${bytesText(difference.a, difference.b)}`;
		default:
			return what;
	}
}

function errorText(error: TailhopError | undefined): string {
	if (error === undefined) return "none";
	const { insn, program } = error.where;
	return `${error.code} ${error.message}${insn === undefined ? "" : ` (instruction ${insn} of ${program})`}`;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Where two byte strings part, and what is there. */
function bytesText(a: Uint8Array | undefined, b: Uint8Array | undefined): string {
	if (a === undefined || b === undefined)
		return `machine ${a === undefined ? "none" : hex(a)}, kernel ${b === undefined ? "none" : hex(b)}`;
	const at = a.findIndex((byte, i) => byte !== b[i]);
	const from = at < 0 ? Math.min(a.length, b.length) : at;
	const part = (bytes: Uint8Array) => hex(bytes.subarray(from, from + 16));
	return `from byte ${from}: machine ${part(a)} (${a.length}), kernel ${part(b)} (${b.length})`;
}
